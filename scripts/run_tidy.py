#!/usr/bin/env python3
"""Runs clang-tidy over Assay's own sources, in parallel, remembering what was clean.

Usage: run_tidy.py [--jobs N] [--build FOLDER] [PATH...]. A file is skipped when it, every header of ours it may
include, its compile command and .clang-tidy are as they were when it was last clean (build/tidy-cache).
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

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build/tidy-cache"
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)


def header_index():
    """Maps the last part of each header's path to the headers of that name."""
    index = {}
    for tree in ("src", "tests", "fuzz", "bench"):
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


def check(source, build):
    # The compile commands are g++'s; clang knows other warnings, which its own build (preset asan) turns to errors.
    command = ["clang-tidy-19", "--quiet", "-p", str(build), "--extra-arg=-Wno-unknown-warning-option",
               "--extra-arg=-Wno-error", "--extra-arg=-w", str(source)]
    # Tests, benchmarks and apps read the environment before any other thread runs.
    if source.stem.endswith("_test") or any(source.is_relative_to(ROOT / app) for app in ("src/cli", "bench")):
        command.insert(1, "--checks=-concurrency-mt-unsafe")
    return subprocess.run(command, capture_output=True, text=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("paths", nargs="*", help="only files whose path contains one of these")
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    index = header_index()
    work = {}
    for entry in json.loads((arguments.build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        inside = source.is_relative_to(ROOT) and not source.is_relative_to(arguments.build)
        if not inside or "gen" in source.relative_to(ROOT).parts or source in work:
            continue
        if arguments.paths and not any(part in str(source) for part in arguments.paths):
            continue
        command = entry.get("command") or shlex.join(entry["arguments"])
        key = key_of(source, command, index)
        if not (CACHE / key).exists():
            work[source] = key
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for source, result in zip(work, pool.map(lambda s: check(s, arguments.build), work)):
            if result.returncode == 0:
                (CACHE / work[source]).touch()
                continue
            bad += 1
            print(result.stdout, result.stderr if not result.stdout else "", flush=True)
    print(f"{len(work)} files checked, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
