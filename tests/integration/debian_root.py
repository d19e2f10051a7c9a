"""A Debian root folder made from the packages that are installed on this machine, without a network.

    root = DebianRoot(folder)            what the image debian:bookworm-slim holds
    root.install(["curl"])               with all that it depends on
    root.run(["sh", "-c", "..."])        in a chroot; `apt-get install` works there, too

Files come from where dpkg has put them, so a package that is not named, and that nothing named depends on, is not there.
Needs root in a mount namespace of its own.
"""
import os
import re
import subprocess
import tempfile
from pathlib import Path

DPKG = Path("/var/lib/dpkg")
LEFT_OUT = re.compile(r"/usr/share/(doc|man|info|locale|groff|lintian)/")  # as in the slim images
DEVICES = ("null", "zero", "full", "random", "urandom")
APT_GET = """#!/bin/sh
# The stand-in of tests/integration/debian_root.py, which reads what is wanted from 8 and answers on 9.
printf '%s\\n' "$*" >&8 && read -r code <&9 && exit "$code"
"""


def packages_here():
    """Every installed package: dependencies as lists of alternatives, what is said to be provided, whether it is basic."""
    form = "${Package}\t${db:Status-Abbrev}\t${Essential}\t${Priority}\t${Pre-Depends}, ${Depends}\t${Provides}\n"
    out = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True).stdout
    packages = {}
    for name, status, essential, priority, depends, provides in (line.split("\t") for line in out.splitlines()):
        if status.startswith("ii"):
            packages[name] = {
                "basic": essential == "yes" or priority == "required" or name == "apt",
                "depends": [[_bare(one) for one in group.split("|")] for group in depends.split(",") if group.strip()],
                "provides": [_bare(one) for one in provides.split(",") if one.strip()],
            }
    return packages


def _bare(dependency):
    return re.split(r"[ (:]", dependency.strip())[0]


def closure(names, packages):
    """The packages and all that they depend on. KeyError: one is not installed here."""
    provided = {what: name for name, one in packages.items() for what in one["provides"]}
    seen, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for group in packages[name]["depends"]:
            found = next((one if one in packages else provided[one] for one in group
                          if one in packages or one in provided), None)
            if found is None:
                raise KeyError(f"{name} depends on {' | '.join(group)}")
            waiting.append(found)
    return seen


class DebianRoot:
    def __init__(self, folder):
        self.path = Path(folder)
        self.packages = packages_here()
        self.installed, self.named = set(), set()
        for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            (self.path / "usr" / name).mkdir(parents=True)
            (self.path / name).symlink_to(f"usr/{name}")
        self.base = closure([name for name, one in self.packages.items() if one["basic"]], self.packages)
        self._add(self.base)
        self._configure()

    def _add(self, names):
        """Copies the files of packages, and tells the root's dpkg of them."""
        paths = [str(DPKG / "info" / "format")]
        (self.path / "var/lib/dpkg/info").mkdir(parents=True, exist_ok=True)
        for name in sorted(names - self.installed):
            listed = next(path for path in (DPKG / "info" / f"{name}.list", DPKG / "info" / f"{name}:amd64.list")
                          if path.exists())
            paths += listed.read_text().splitlines()
            paths.append(str(listed))
        if "ca-certificates" in names:  # made by its scripts
            paths += ["/etc/ssl/certs", *(str(path) for path in Path("/etc/ssl/certs").iterdir())]
        paths = [path for path in paths if path != "/." and not LEFT_OUT.match(path) and os.path.lexists(path)]
        read = subprocess.Popen(["tar", "-C", "/", "-cf", "-", "--no-recursion", "--null", "-T", "-"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        write = subprocess.Popen(["tar", "-C", str(self.path), "-xpf", "-", "--keep-directory-symlink"],
                                 stdin=read.stdout)
        read.stdout.close()
        read.stdin.write("\0".join(path.lstrip("/") for path in paths).encode())
        read.stdin.close()
        if read.wait() or write.wait():
            raise RuntimeError("the files of packages could not be copied")
        self.installed |= names
        stanzas = (DPKG / "status").read_text().split("\n\n")
        mine = [one for one in stanzas if one.startswith("Package: ") and one[9:].split("\n", 1)[0] in self.installed]
        (self.path / "var/lib/dpkg/status").write_text("\n\n".join(mine) + "\n")
        self._choose_alternatives()
        (self.path / "usr/bin/apt-get").write_text(APT_GET)
        self.run(["ldconfig"])

    def _choose_alternatives(self):
        for link in (self.path / "etc/alternatives", *Path("/etc/alternatives").iterdir()):
            if link.is_symlink() and os.path.lexists(str(self.path) + os.readlink(link)):
                self._link(str(link), os.readlink(link))
        for status in (DPKG / "alternatives").iterdir():
            lines = status.read_text().split("\n\n")[0].split("\n")
            for name, where in [(status.name, lines[1]), *zip(lines[2::2], lines[3::2])]:
                if where and os.path.lexists(self.path / "etc/alternatives" / name):
                    self._link(where, f"/etc/alternatives/{name}")

    def _link(self, where, target):
        link = Path(str(self.path) + where)
        if not os.path.lexists(link) and link.parent.is_dir():
            link.symlink_to(target)

    def _configure(self):
        """What the packages' scripts do that matters: users, devices."""
        for name in ("passwd", "group"):
            text = (self.path / f"usr/share/base-passwd/{name}.master").read_text()
            (self.path / "etc" / name).write_text(text)
        self.run(["sh", "-c", "pwconv && grpconv"])
        for name in DEVICES:
            (self.path / "dev" / name).touch()
            subprocess.run(["mount", "--bind", f"/dev/{name}", self.path / "dev" / name], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", self.path / "proc"], check=True)

    def owners(self):
        """Which package each file belongs to."""
        return {path: listed.name.removesuffix(".list").split(":")[0]
                for listed in (self.path / "var/lib/dpkg/info").glob("*.list") for path in listed.read_text().splitlines()}

    def install(self, names):
        """What `apt-get install` does. KeyError: a package is not installed on this machine."""
        self.named |= set(names)
        self._add(closure(names, self.packages))

    def popen(self, command, user=(0, 0), folder="/", env=None, **more):
        """Starts a command in this root, as that user and group."""
        def enter():
            os.chroot(self.path)
            os.chdir(folder)
            os.setgroups([])
            os.setgid(user[1])
            os.setuid(user[0])
        clean = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **(env or {})}
        return subprocess.Popen(["/usr/bin/env", *command], preexec_fn=enter, env=clean, text=True, **more)

    def run(self, command, user=(0, 0), folder="/", env=None):
        """Runs a command to its end, and `apt-get` for it. RuntimeError with what it said: it failed."""
        (wanted, wants), (answer, answers) = os.pipe(), os.pipe()
        with tempfile.TemporaryFile("w+") as said, open(wanted) as requests, open(answers, "w") as replies:
            process = self.popen(["bash", "-c", f'exec 8>&{wants} 9<&{answer} && exec "$@"', "bash", *command], user, folder,
                                 env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, pass_fds=(wants, answer))
            os.close(wants)
            for line in requests:
                print(self._apt_get(line.split()), file=replies, flush=True)
            code = process.wait()
            os.close(answer)
            said.seek(0)
            text = said.read()
        if code != 0:
            raise RuntimeError(f"{command} ended with {code}:\n{text[-4000:]}")
        return text

    def _apt_get(self, words):
        """The exit code of `apt-get WORDS`."""
        options = {word for word in words if word.startswith("-")}
        verb, *names = [word for word in words if not word.startswith("-")]
        if verb == "update" and options <= {"-q", "-qq"} and not names:
            return 0
        if verb != "install" or not options <= {"-y", "-q", "-qq", "--no-install-recommends"} or "-y" not in options:
            return 100
        if "--no-install-recommends" not in options or any(name not in self.packages for name in names):
            return 100
        self.install(names)
        return 0
