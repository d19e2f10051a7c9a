#!/usr/bin/env python3
"""Runs clang-tidy over Assay's own sources, in parallel, remembering what was clean.

Usage: run_tidy.py [--jobs N] [--build FOLDER] [PATH...]. A file is skipped when it, every header of ours it may
include, its compile command and .clang-tidy are as they were when it was last clean (build/tidy-cache). Files of one
compile command are read together, a dozen at a time: most of the time goes into the headers that they share.
"""
import argparse
import concurrent.futures
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
# How many files are read as one.
UNIT_SIZE = 12
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)

_DEFINED = re.compile(r"^(?!namespace )(?:(?:struct|class|enum class|enum|using|concept) |[A-Za-z_][\w:<>,*& ]*[ *&>])"
                      r"(\w+)(?: final)?\s*(?:[({=\[;]|:(?!:))", re.M)


def header_index():
    """Maps the last part of each header's path to the headers of that name."""
    index = {}
    for tree in ("src", "tests", "fuzz", "bench", "python"):
        for path in (ROOT / tree).rglob("*.h"):
            index.setdefault(path.name, []).append(path)
    return index


def key_of(source, command, index):
    """Hash of everything of ours that the file's diagnostics depend on (over-inclusive by header name)."""
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + command.encode())
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


def unit_key(command, source):
    """What two files must share to be read as one: everything of the command but the file and its object."""
    words = shlex.split(command)
    at = words.index("-o")
    shared = [word for word in words[:at] + words[at + 2:] if word not in (str(source), "-c", "-fPIC", "-fPIE")]
    return " ".join(sorted(shared)) + " " + " ".join(options_for(source))


def options_for(source):
    # Tests, benchmarks and apps read the environment before any other thread runs.
    if source.stem.endswith("_test") or any(source.is_relative_to(ROOT / app) for app in ("src/cli", "bench")):
        return ["--checks=-concurrency-mt-unsafe"]
    return []


def stands_alone(source):
    """Files that define what only one file of a unit may: an entry point, or code for several targets."""
    return re.search(rb"LLVMFuzzerTestOneInput|foreach_target\.h|^int main\(|^BENCHMARK_MAIN", source.read_bytes(), re.M)


def names_of(source):
    """Names that the file defines at the start of a line: those that may clash with another file's."""
    return set(_DEFINED.findall(source.read_bytes().decode(errors="replace")))


def units_of(work, commands):
    """Groups of files to be read as one: most of the time goes into the headers that they share."""
    groups, alone = {}, []
    for source in work:
        if stands_alone(source):
            alone.append([source])
        else:
            groups.setdefault(unit_key(commands[source], source), []).append(source)
    units = [group[i:i + UNIT_SIZE] for group in groups.values() for i in range(0, len(group), UNIT_SIZE)]
    return sorted(units, key=len, reverse=True) + alone


def unit_text(sources):
    """All headers first, then the files; what two of them define is renamed in all but the first."""
    defined = {source: names_of(source) for source in sources}
    lines = []
    for source in sources:
        for header in _INCLUDE.findall(source.read_bytes()):
            name = header.decode()
            if name.endswith(".inc"):
                continue
            lines.append(f'#if __has_include("{name}")\n#include "{name}"\n#endif')
    seen = set()
    for number, source in enumerate(sources):
        clashing = sorted(defined[source] & seen)
        seen |= defined[source]
        lines += [f"#define {name} {name}U{number}" for name in clashing]
        lines.append(f'#include "{source}"')
        lines += [f"#undef {name}" for name in clashing]
    return "\n".join(lines) + "\n"


def tidy(build, source, options):
    # The compile commands are g++'s; clang knows other warnings, which its own build (preset asan) turns to errors.
    command = ["clang-tidy-19", "--quiet", "-p", str(build), *options, "--extra-arg=-Wno-unknown-warning-option",
               "--extra-arg=-Wno-error", "--extra-arg=-w", "--extra-arg=-ferror-limit=0", str(source)]
    return subprocess.run(command, capture_output=True, text=True)


def tidy_together(sources, command):
    """clang-tidy over one file that includes the sources."""
    with tempfile.TemporaryDirectory() as folder:
        unit = pathlib.Path(folder) / "unit.cc"
        unit.write_text(unit_text(sources))
        entry = {"directory": str(ROOT), "file": str(unit), "command": command.replace(str(sources[0]), str(unit))}
        (unit.parent / "compile_commands.json").write_text(json.dumps([entry]))
        options = options_for(sources[0]) + [f"--config-file={ROOT / '.clang-tidy'}",
                                             r"--header-filter=(src|tests|fuzz|bench)/.*\.(h|cc)$"]
        return tidy(unit.parent, unit, options)


def check(sources, commands, build):
    """Returns the findings by file. Files that do not compile together are read one by one."""
    findings = {}
    rest = list(sources)
    while len(rest) > 1:
        result = tidy_together(rest, commands[rest[0]])
        if result.returncode == 0:
            return findings | dict.fromkeys(rest, "")
        apart = [source for source in rest if f"\n{source}:" in f"\n{result.stdout}"] or rest
        for source in apart:
            findings[source] = check_one(source, build)
        rest = [source for source in rest if source not in apart]
    return findings | {source: check_one(source, build) for source in rest}


def check_one(source, build):
    result = tidy(build, source, options_for(source))
    return (result.stdout or result.stderr) if result.returncode else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("paths", nargs="*", help="only files whose path contains one of these")
    arguments = parser.parse_args()
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
