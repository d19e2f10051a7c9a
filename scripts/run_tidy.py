#!/usr/bin/env python3
"""Runs clang-tidy over Assay's own sources, in parallel, remembering what was clean.

Usage: run_tidy.py [--jobs N] [--build FOLDER] [PATH...]. A file is skipped when it, every header of ours it may
include, its compile command and .clang-tidy are as they were when it was last clean (build/tidy-cache). Files are read
dozens at a time, as one: most of the time goes into the headers that they share.
"""
import argparse
import collections
import concurrent.futures
import functools
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build/tidy-cache"
# The wheel's: Debian's version 19 matches system headers too, which takes longer than all the rest.
PROGRAM = str(ROOT / ".venv/bin/clang-tidy")
# What was clean for one version may not be for another.
VERSION = re.search(rb"^clang-tidy==.*$", (ROOT / "scripts/requirements.txt").read_bytes(), re.M)[0]
# How many files are read as one.
UNIT_SIZE = 48
_ERROR = re.compile(r"^(/[^:\n]+):\d+:\d+: error: ", re.M)
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)

_DEFINED = re.compile(r"^(?!namespace |using (?:enum|namespace) )(?:extern \"C\" )?"
                      r"(?:(?:struct|class|enum class|enum|using|concept) |[A-Za-z_][\w:<>,*& ]*[ *&>])"
                      r"(\w+)(?: final)?\s*(?:[({=\[;]|:(?!:))", re.M)
_UNNAMED = re.compile(r"^namespace \{$.*?^\}  // namespace$", re.M | re.S)
# A type or a constant, as a header defines it.
_HEADER_NAME = re.compile(r"^(?:struct|class|enum class|enum|using|(?:inline )?constexpr [\w:<>,*& ]*[ *&>])\s*(\w+)"
                          r"(?: final)?\s*[{=:]", re.M)


def header_index():
    """Maps the last part of each header's path to the headers of that name."""
    index = {}
    for tree in ("src", "tests", "fuzz", "bench", "python"):
        for path in (ROOT / tree).rglob("*.h"):
            index.setdefault(path.name, []).append(path)
    return index


def key_of(source, command, index):
    """Hash of everything of ours that the file's diagnostics depend on (over-inclusive by header name)."""
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + VERSION + command.encode())
    todo, seen = [source], {source}
    while todo:
        content = todo.pop().read_bytes()
        digest.update(content)
        for name in sorted(set(_INCLUDE.findall(content))):
            for header in index.get(pathlib.PurePosixPath(name.decode(errors="replace")).name, []):
                if header not in seen:
                    seen.add(header)
                    todo.append(header)
    return digest.hexdigest()


def flags_of(command):
    """The flags of a compile command that decide what clang reads: macros, include folders, the language."""
    words = shlex.split(command)
    flags = []
    for number, word in enumerate(words):
        if word.startswith(("-D", "-I", "-std=")):
            flags.append(word)
        elif word == "-isystem":
            flags.append(f"-isystem{words[number + 1]}")
    return flags


def options_for(source):
    # Tests, benchmarks and apps read the environment before any other thread runs.
    if source.stem.endswith("_test") or any(source.is_relative_to(ROOT / app) for app in ("src/cli", "bench")):
        return ["--checks=-concurrency-mt-unsafe"]
    return []


@functools.cache
def names_of(source):
    """Names that the file defines at the start of a line: those that may clash with another file's."""
    text = source.read_bytes().decode(errors="replace")
    ignored = re.findall(r"^GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST\((\w+)", text, re.M)
    return (frozenset(_DEFINED.findall(text)) | ({"main"} if "BENCHMARK_MAIN" in text else set())
            | {f"gtest_allow_ignore_{name}" for name in ignored})


@functools.cache
def words_of(source):
    return frozenset(re.findall(r"\w+", source.read_bytes().decode(errors="replace")))


@functools.cache
def local_names_of(source):
    """Those of its names that stand in its unnamed namespace."""
    text = source.read_bytes().decode(errors="replace")
    return frozenset(name for part in _UNNAMED.findall(text) for name in _DEFINED.findall(part))


@functools.cache
def header_names():
    """Types and constants of our headers: a file's own name that is among them stands for something else."""
    text = "\n".join(path.read_text() for paths in header_index().values() for path in paths)
    return frozenset(_HEADER_NAME.findall(text))


@functools.cache
def fixed_names_of(source):
    """Names of the file that it also reaches through a scope or an object: those cannot be renamed by a macro."""
    reached = set(re.findall(r"(?:::|\.|->)(\w+)", source.read_bytes().decode(errors="replace")))
    made = {name for name in names_of(source) if name.startswith("gtest_")}
    return names_of(source) & (reached | made | {"Message"})  # GoogleTest's macros say testing::Message


def room_of(source):
    parts = source.relative_to(ROOT).parts
    return parts[:2] if parts[0] == "src" else parts[:1]


def take_unit(waiting, commands):
    """Splits files into those of the next unit and the others: what cannot be renamed waits for another unit."""
    unit, last, later, names, macros = [], [], [], set(), {}
    for number, source in enumerate(waiting):
        taken = unit + last
        next_room = taken and room_of(source) != room_of(taken[-1]) and len(taken) >= UNIT_SIZE // 2
        if next_room or len(taken) == UNIT_SIZE:
            return taken, later + waiting[number:]
        own = dict(flag.partition("=")[::2] for flag in flags_of(commands[source]) if flag.startswith("-D"))
        if fixed_names_of(source) & names or any(macros.get(name, value) != value for name, value in own.items()):
            later.append(source)
            continue
        (last if fixed_names_of(source) & header_names() else unit).append(source)
        names |= names_of(source)
        macros |= own
    return unit + last, later


def units_of(work, commands):
    """Groups of files to be read as one, the largest first: most of the time goes into the headers that they share."""
    groups, units = {}, []
    for source in sorted(work):
        # A file that is read once for each SIMD target, or sets macros for its headers, stands alone.
        if re.search(rb"foreach_target\.h|^#define \w+ .*\n(?:.*\n)*?#include <", source.read_bytes(), re.M):
            units.append([source])
        else:
            groups.setdefault(" ".join(options_for(source)), []).append(source)
    for waiting in groups.values():
        while waiting:
            unit, waiting = take_unit(waiting, commands)
            units.append(unit)
    return sorted(units, key=lambda unit: sum(source.stat().st_size for source in unit), reverse=True)


@functools.cache
def test_namespaces():
    text = "\n".join(path.read_text() for paths in header_index().values() for path in paths)
    return sorted(set(re.findall(r"^namespace (assay::\w+::testing) \{", text, re.M)))


def isolated(source):
    """Whether the file can stand in a namespace of its own: it opens none of ours, all its headers are read before."""
    content = source.read_bytes()
    beside = any((source.parent / name.decode()).exists() for name in _INCLUDE.findall(content))
    return not beside and not re.search(rb"^namespace \w", content, re.M)


def unit_text(sources):
    """All headers first, then the files; names that mean something else in another file are renamed by macros."""
    lines = []
    for source in sources:
        for header in _INCLUDE.findall(source.read_bytes()):
            name = header.decode()
            if name.endswith(".inc"):
                continue
            lines.append(f'#if __has_include("{name}")\n#include "{name}"\n#endif')
    # Tests say testing::Test and testing::TempDir of whichever of these is nearest.
    lines.append("namespace testing {}\nnamespace assay::testing { using namespace ::testing; }")
    lines += [f"namespace {name} {{ using namespace assay::testing; }}" for name in test_namespaces()]
    seen = header_names()
    uses = collections.Counter(name for source in sources for name in words_of(source))
    for number, source in enumerate(sources):
        used_elsewhere = {name for name in local_names_of(source) if uses[name] > 1}
        clashing = sorted((names_of(source) & seen | used_elsewhere) - fixed_names_of(source))
        seen |= names_of(source)
        lines += [f"#define {name} {name}U{number}" for name in clashing]
        including = f'#include "{source}"'
        lines.append(f"namespace unit{number} {{\n{including}\n}}" if isolated(source) else including)
        lines += [f"#undef {name}" for name in clashing]
    return "\n".join(lines) + "\n"


def tidy(build, source, options):
    # The compile commands are g++'s; clang knows other warnings, which its own build (preset asan) turns to errors.
    command = [PROGRAM, "--quiet", "-p", str(build), *options, "--extra-arg=-Wno-unknown-warning-option",
               "--extra-arg=-Wno-error", "--extra-arg=-w", "--extra-arg=-ferror-limit=0", str(source)]
    return subprocess.run(command, capture_output=True, text=True)


def tidy_together(sources, commands):
    """clang-tidy over one file that includes the sources, with the flags of all of them."""
    flags = list(dict.fromkeys(flag for source in sources for flag in flags_of(commands[source])))
    with tempfile.TemporaryDirectory() as folder:
        unit = pathlib.Path(folder) / "unit.cc"
        unit.write_text(unit_text(sources))
        entry = {"directory": str(ROOT), "file": str(unit), "arguments": ["c++", *flags, "-c", str(unit)]}
        (unit.parent / "compile_commands.json").write_text(json.dumps([entry]))
        options = options_for(sources[0]) + [f"--config-file={ROOT / '.clang-tidy'}",
                                             r"--header-filter=(src|tests|fuzz|bench)/.*\.(h|cc)$"]
        return tidy(unit.parent, unit, options)


def check(sources, commands, build):
    """Returns the findings by file. Files with findings, or that do not compile together, are read again apart."""
    if len(sources) == 1:
        return {sources[0]: check_one(sources[0], build)}
    result = tidy_together(sources, commands)
    if result.returncode == 0:
        return dict.fromkeys(sources, "")
    named = set(_ERROR.findall(result.stdout))
    apart = [source for source in sources if str(source) in named]
    if len(apart) in (0, len(sources)):
        apart = sources[:len(sources) // 2]
    rest = [source for source in sources if source not in apart]
    return check(rest, commands, build) | check(apart, commands, build)


def check_one(source, build):
    result = tidy(build, source, options_for(source))
    return (result.stdout or result.stderr) if result.returncode else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("paths", nargs="*", help="only files whose path contains one of these")
    arguments = parser.parse_args()
    if not pathlib.Path(PROGRAM).exists():
        sys.exit(f"{PROGRAM} is not there: run scripts/setup.sh")
    CACHE.mkdir(parents=True, exist_ok=True)
    index = header_index()
    work, commands = {}, {}
    for entry in json.loads((arguments.build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        inside = source.is_relative_to(ROOT) and not source.is_relative_to(arguments.build)
        if not inside or {"gen", ".venv"} & set(source.relative_to(ROOT).parts) or source in work:
            continue
        if arguments.paths and not any(part in str(source) for part in arguments.paths):
            continue
        command = entry.get("command") or shlex.join(entry["arguments"])
        key = key_of(source, command, index)
        if not (CACHE / key).exists():
            work[source], commands[source] = key, command
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for findings in pool.map(lambda unit: check(unit, commands, arguments.build), units_of(work, commands)):
            for source, text in findings.items():
                if text:
                    bad += 1
                    print(text, flush=True)
                else:
                    (CACHE / work[source]).touch()
    print(f"{len(work)} files checked, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
