"""Reads a Dockerfile and builds its stages in scratch roots, without Docker. What it does not know it refuses.

    image = build(parse(text), context, folder)[-1]
    image.root.popen(image.config.entrypoint + image.config.command, image.config.user)

Images are made by DebianRoot from this machine's packages; all other steps are really run.
"""
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from debian_root import DebianRoot

IMAGES = {"debian:bookworm-slim"}  # what DebianRoot makes
DURATION = re.compile(r"(\d+)s")


class DockerfileError(Exception):
    """The file holds what is not known, or what is wrong."""


class Config:
    """What an image says of its containers."""

    def __init__(self):
        self.env, self.user, self.folder = {}, (0, 0), "/"
        self.entrypoint, self.command, self.healthcheck = [], [], None
        self.volumes, self.ports = [], []


class Stage:
    def __init__(self, name, root):
        self.name, self.root, self.config = name, root, Config()


def parse(text):
    """The instructions, as (line, word, rest)."""
    found, begun, first = [], "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"#\s*\w+\s*=", line) and not found:
            raise DockerfileError(f"line {number}: parser directives are not known")
        if line.lstrip().startswith("#") or (not line.strip() and not begun):
            continue
        first = first if begun else number
        begun += line.rstrip()
        if begun.endswith("\\"):
            begun = begun[:-1]
            continue
        word, _, rest = begun.strip().partition(" ")
        found.append((first, word, rest.strip()))
        begun = ""
    if begun:
        raise DockerfileError(f"line {first}: the last instruction has no end")
    return found


def ignored(patterns, path):
    """Whether .dockerignore's patterns leave out a path below the context."""
    parts = path.split("/")
    for pattern in patterns:
        if pattern.startswith("**/"):
            hit = any(fnmatch.fnmatchcase(part, pattern[3:]) for part in parts)
        else:
            hit = fnmatch.fnmatchcase(parts[0], pattern)
        if hit:
            return True
    return False


def read_ignore(text):
    patterns = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for pattern in patterns:
        if pattern.startswith("!") or "/" in pattern.removeprefix("**/"):
            raise DockerfileError(f".dockerignore: {pattern} is not known")
    return patterns


def context_files(context):
    """The files of a build's context, relative to it, in order."""
    patterns = read_ignore((context / ".dockerignore").read_text())
    found = []
    for folder, folders, files in os.walk(context):
        below = "" if folder == str(context) else os.path.relpath(folder, context) + "/"
        folders[:] = sorted(name for name in folders if not ignored(patterns, below + name))
        found += [below + name for name in sorted(files) if not ignored(patterns, below + name)]
    return found


def _exec_form(number, rest):
    try:
        words = json.loads(rest)
    except ValueError:
        words = None
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise DockerfileError(f"line {number}: the form [\"program\", ...] is wanted: {rest}")
    return words


class Build:
    def __init__(self, context, folder, lent, env):
        self.context, self.folder, self.lent, self.env = context, folder, lent, env
        self.files = context_files(context)
        self.stages = []

    def step(self, number, word, rest):
        handler = getattr(self, "_" + word.lower(), None)
        if handler is None or not word.isupper():
            raise DockerfileError(f"line {number}: the instruction {word} is not known")
        if word != "FROM" and not self.stages:
            raise DockerfileError(f"line {number}: {word} before FROM")
        handler(number, rest)

    @property
    def _stage(self):
        return self.stages[-1]

    def _from(self, number, rest):
        match = re.fullmatch(r"(\S+)(?: AS (\w+))?", rest)
        if not match or match[1] not in IMAGES:
            raise DockerfileError(f"line {number}: FROM {rest} is not known")
        self.stages.append(Stage(match[2], DebianRoot(self.folder / f"stage-{len(self.stages)}")))
        for path, folder in self.lent.get(match[2], {}).items():
            self._inside(path).mkdir(parents=True)
            subprocess.run(["mount", "--bind", "-o", "ro", folder, self._inside(path)], check=True)

    def _workdir(self, number, rest):
        if not rest.startswith("/") or "$" in rest:
            raise DockerfileError(f"line {number}: WORKDIR wants an absolute path")
        self._stage.config.folder = rest
        self._inside(rest).mkdir(parents=True, exist_ok=True)

    def _inside(self, path):
        return self._stage.root.path / path.lstrip("/")

    def _copy(self, number, rest):
        words = rest.split()
        source, files = self.context, self.files
        if words[0].startswith("--from="):
            stage = next((one for one in self.stages[:-1] if one.name == words[0][7:]), None)
            if stage is None:
                raise DockerfileError(f"line {number}: there is no stage {words[0][7:]}")
            source, files = stage.root.path, None
            words = words[1:]
        if len(words) < 2 or any(re.search(r"^--|[*?\[$]", word) for word in words):
            raise DockerfileError(f"line {number}: COPY {rest} is not known")
        *origins, target = words
        if len(origins) > 1 and not target.endswith("/"):
            raise DockerfileError(f"line {number}: several files need a folder that ends in /")
        inside = self._inside(os.path.join(self._stage.config.folder, target))
        for origin in origins:
            self._copy_one(number, source, origin, inside, target.endswith("/"), files)

    def _copy_one(self, number, source, origin, target, into, files):
        path = source / origin.lstrip("/")
        if not path.is_dir():
            if files is not None and os.path.normpath(origin) not in files or not path.is_file():
                raise DockerfileError(f"line {number}: COPY does not find {origin}")
            target = target / path.name if into or target.is_dir() else target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        elif files is None:
            shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True)
        else:
            prefix = "" if os.path.normpath(origin) == "." else os.path.normpath(origin) + "/"
            for name in (name for name in files if name.startswith(prefix)):
                copy = target / name[len(prefix):]
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.context / name, copy, follow_symlinks=False)

    def _run(self, number, rest):
        if rest.startswith(("--", "[")):
            raise DockerfileError(f"line {number}: RUN {rest} is not known")
        config = self._stage.config
        env = {"HOME": "/root", **config.env, **self.env.get(self._stage.name, {})}
        self._stage.root.run(["/bin/sh", "-c", rest], config.user, config.folder, env)

    def _env(self, number, rest):
        for word in shlex.split(rest):
            name, equals, value = word.partition("=")
            if not equals or "$" in value:
                raise DockerfileError(f"line {number}: ENV {rest} is not known")
            self._stage.config.env[name] = value

    def _user(self, number, rest):
        match = re.fullmatch(r"(\d+):(\d+)", rest)
        if not match:
            raise DockerfileError(f"line {number}: USER wants numbers, which orchestrators can check: {rest}")
        self._stage.config.user = (int(match[1]), int(match[2]))

    def _volume(self, number, rest):
        if not rest.startswith("/") or " " in rest:
            raise DockerfileError(f"line {number}: VOLUME {rest} is not known")
        self._stage.config.volumes.append(rest)

    def _expose(self, number, rest):
        if not rest.isdigit():
            raise DockerfileError(f"line {number}: EXPOSE {rest} is not known")
        self._stage.config.ports.append(int(rest))

    def _healthcheck(self, number, rest):
        flags, _, command = rest.partition(" CMD ")
        times = dict(re.findall(r"--(interval|timeout|start-period|retries)=(\S+)", flags))
        if " ".join(f"--{name}={value}" for name, value in times.items()) != " ".join(flags.split()):
            raise DockerfileError(f"line {number}: HEALTHCHECK {flags} is not known")
        for name, value in times.items():
            if not (value.isdigit() if name == "retries" else DURATION.fullmatch(value)):
                raise DockerfileError(f"line {number}: --{name}={value} is not known")
        self._stage.config.healthcheck = {**times, "command": _exec_form(number, command.strip())}

    def _entrypoint(self, number, rest):
        self._stage.config.entrypoint = _exec_form(number, rest)

    def _cmd(self, number, rest):
        self._stage.config.command = _exec_form(number, rest)


def build(instructions, context, folder, lent=None, env=None):
    """The stages. By the name of a stage, `lent`: this machine's folders, read-only, by where they appear; `env`: more
    variables for RUN. Errors: DockerfileError, or RuntimeError of a RUN that failed."""
    made = Build(Path(context), Path(folder), lent or {}, env or {})
    for number, word, rest in instructions:
        made.step(number, word, rest)
    return made.stages
