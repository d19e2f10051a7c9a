"""The Dockerfile, step by step in scratch roots, without Docker and without a network; and the container that it makes.

Every step is really done, but for four things that this machine lends: Debian's images and `apt-get install` are made of
the packages that are installed here (debian_root.py), .venv and .models are those of this checkout, and the one step
that takes ten minutes, compiling, is skipped: ASSAY_COMPILED names the program that is built already.
"""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from dockerfile import DockerfileError, build, context_files, parse, read_ignore
from fake_upstream import ANSWER, FakeUpstream
from gateway_process import ASSAY, SOURCE, chat, eventually

DATA = "/var/lib/assay"
NOT_LIBRARIES = {"ca-certificates", "curl"}  # certificates of upstreams, the health check


class ParserTest(unittest.TestCase):
    def refused(self, text, why):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, ".dockerignore").touch()
            with self.assertRaisesRegex(DockerfileError, why):
                build(parse(text), folder, folder)

    def test_instructions_are_read_with_their_lines_comments_and_continuations(self):
        self.assertEqual(parse("# note\nFROM a AS b\n\nRUN x && \\\n  # note\n    y\nUSER 1:1\n"),
                         [(2, "FROM", "a AS b"), (4, "RUN", "x &&     y"), (7, "USER", "1:1")])

    def test_what_is_not_known_is_refused_by_line(self):
        self.refused("FROM debian:latest\n", "line 1: FROM debian:latest")
        self.refused("\nONBUILD RUN x\n", "line 2: the instruction ONBUILD is not known")
        self.refused("from debian:bookworm-slim\n", "line 1: the instruction from")
        self.refused("RUN x\n", "line 1: RUN before FROM")
        with self.assertRaisesRegex(DockerfileError, "has no end"):
            parse("RUN x \\\n")
        with self.assertRaisesRegex(DockerfileError, "directives"):
            parse("# syntax=docker/dockerfile:1\nFROM x\n")
        with self.assertRaisesRegex(DockerfileError, "!keep is not known"):
            read_ignore("build\n!keep\n")


class ContextTest(unittest.TestCase):
    def test_the_context_holds_what_git_knows_and_nothing_else(self):
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=SOURCE, capture_output=True,
                                text=True)
        if listed.returncode != 0:
            self.skipTest("this is no checkout")
        known = {name for name in listed.stdout.splitlines() if (SOURCE / name).is_file()}
        self.assertEqual(set(context_files(SOURCE)) ^ known, {"Dockerfile", ".dockerignore"})


class Container:
    """What `docker run --read-only --tmpfs /tmp IMAGE` starts: one process, a volume of its own, nothing else to write to."""

    def __init__(self, stage, env):
        self.stage, self.config = stage, stage.config
        self.env = {**stage.config.env, **env}

    def start(self, *command, **more):
        config = self.config
        return self.stage.root.popen([*config.entrypoint, *(command or config.command)], config.user, config.folder,
                                     self.env, **more)

    def run(self, *command):
        """To the end: its standard output."""
        process = self.start(*command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=60)
        if process.returncode != 0:
            raise RuntimeError(f"{command} ended with {process.returncode}: {err}")
        return out

    def is_healthy(self):
        process = self.stage.root.popen(self.config.healthcheck["command"], self.config.user, self.config.folder, self.env)
        return process.wait(int(self.config.healthcheck["timeout"][:-1])) == 0


def is_elf(path):
    with open(path, "rb") as stream:
        return stream.read(4) == b"\x7fELF"


def request(path, token=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", 9000, timeout=20)
    try:
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
        reply = connection.getresponse()
        return reply.status, reply.getheader("x-assay-cache"), json.loads(reply.read() or b"null")
    finally:
        connection.close()


class ImageTest(unittest.TestCase):
    """Runs inside of namespaces of its own."""

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", folder], check=True)
        cls.addClassCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)
        program = Path(ASSAY).resolve()
        lent = {"/src/.venv": SOURCE / ".venv", "/src/.models": SOURCE / ".models", "/lent": program.parent}
        cls.image = build(parse((SOURCE / "Dockerfile").read_text()), SOURCE, folder, {"build": lent},
                          {"build": {"ASSAY_COMPILED": f"/lent/{program.name}"}})[-1]
        cls.root = cls.image.root.path
        subprocess.run(["mount", "--rbind", cls.root, cls.root], check=True)
        for path in (DATA, "/tmp"):
            subprocess.run(["mount", "--bind", f"{cls.root}{path}", f"{cls.root}{path}"], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", cls.root], check=True)

    def setUp(self):
        self.upstream = self.enterContext(FakeUpstream())
        self.container = Container(self.image, {"ASSAY_UPSTREAMS_A_URL": self.upstream.url, "ASSAY_LOG_LEVEL": "warn"})

    def test_a_started_container_is_healthy_and_answers_those_who_have_a_key(self):
        self.assertFalse(self.container.is_healthy(), "the check fails where nothing listens")
        token = self.container.run("keys", "create", "--name", "test").strip()
        process = self.container.start(stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        eventually(self.container.is_healthy, "healthy")
        status = Path(f"/proc/{process.pid}/status").read_text()
        self.assertIn("Uid:\t10001\t10001\t10001\t10001", status)
        self.assertIn("CapEff:\t0000000000000000", status)
        self.assertEqual(request("/v1/chat/completions", None, chat())[0], 401, "others than this machine can ask")
        caches = []
        for _ in range(2):
            code, cache, reply = request("/v1/chat/completions", token, chat())
            self.assertEqual((code, reply["choices"][0]["message"]["content"]), (200, ANSWER))
            caches.append(cache)
        self.assertEqual(caches, ["miss", "hit; tier=memory"])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)
        self.assertIn("test", self.container.run("keys", "list"), "the volume keeps keys")

    def test_claims_are_checked_with_the_models_of_the_image(self):
        shutil.copytree(SOURCE / "examples" / "handbook", self.root / "tmp" / "handbook",
                        ignore=shutil.ignore_patterns(".assay"))
        shutil.copy2(SOURCE / "examples" / "answer.md", self.root / "tmp")
        said = json.loads(self.container.run("check", "/tmp/answer.md", "--against", "/tmp/handbook", "--json"))
        self.assertEqual(said["summary"], {"supported": 3, "contradicted": 3, "unverified": 1})

    def test_nothing_but_the_volume_belongs_to_the_user_and_no_compiler_is_there(self):
        owned = subprocess.run(["find", self.root, "-xdev", "-path", f"{self.root}/tmp", "-prune", "-o", "-uid", "10001",
                                "-print", "-path", f"{self.root}{DATA}", "-prune"], capture_output=True, text=True, check=True)
        self.assertEqual(owned.stdout.split(), [f"{self.root}{DATA}"])
        self.assertEqual(os.stat(f"{self.root}{DATA}").st_uid, 10001)
        self.assertEqual(os.stat(f"{self.root}{DATA}").st_mode & 0o777, 0o700)
        there = {path.name for path in (self.root / "usr/bin").iterdir()}
        self.assertEqual(there & {"cc", "g++", "cmake", "ninja", "python3", "git"}, set())
        self.assertEqual(self.image.config.volumes, [DATA])
        self.assertEqual(self.image.config.ports, [9000])

    def test_every_library_comes_from_a_package_that_is_named_and_none_is_named_in_vain(self):
        root = self.image.root
        own = [path for path in (self.root / "usr/local").rglob("*") if path.is_file() and not path.is_symlink() and is_elf(path)]
        self.assertGreater(len(own), 5, "the program and OpenVINO")
        wanted = set()
        for path in own:
            inside = "/" + str(path.relative_to(self.root))
            found = root.run(["ldd", inside])
            self.assertNotIn("not found", found, inside)
            needed = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
            for name in re.findall(r"\(NEEDED\).*\[(.*)\]", needed):
                where = re.search(rf"^\s*{re.escape(name)} => (\S+)", found, re.M)
                if where and not where[1].startswith("/usr/local/"):
                    wanted.add(os.path.realpath(f"{self.root}{where[1]}").removeprefix(str(self.root)))
        owner = root.owners()
        owners = {owner.get(path) or owner[path.removeprefix("/usr")] for path in wanted}
        self.assertEqual(owners - root.base, root.named - NOT_LIBRARIES)


def unavailable():
    """Why the image's tests cannot run here, or None."""
    for path in (ASSAY, SOURCE / ".venv" / "bin" / "python", SOURCE / ".models" / "manifest.json"):
        if not Path(path).exists():
            return f"{path} is not there (scripts/setup.sh, and a build)"
    release = Path("/etc/os-release").read_text()
    if "VERSION_CODENAME=bookworm" not in release:
        return "this machine is not Debian bookworm, from whose packages the images are made"
    try:
        done = subprocess.run([*NAMESPACES, "sh", "-c", "ip link set lo up && mount -t tmpfs tmpfs /mnt"],
                              capture_output=True, text=True)
    except FileNotFoundError:
        return "unshare is not installed"
    return f"no root in namespaces of its own: {done.stderr.strip()}" if done.returncode else None


NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"]
INSIDE = "ASSAY_TEST_INSIDE"

if __name__ == "__main__":
    if INSIDE in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        unittest.main()
    why = unavailable()
    if why:
        print(f"note: the image's tests are left out: {why}")
        ImageTest = unittest.skip(why)(ImageTest)
        unittest.main()
    sys.exit(subprocess.run([*NAMESPACES, sys.executable, __file__, *sys.argv[1:]],
                            env={**os.environ, INSIDE: "1"}).returncode)
