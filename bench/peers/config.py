#!/usr/bin/env python3
"""Writes the files that config_bench reads, and times the Python readers of YAML, TOML and JSON on them.

usage: config.py FOLDER ROUNDS [--quick]

FOLDER gets SIZE.yaml, SIZE.toml and SIZE.json for 1k, 10k, 100k and 1m: one list of services, the size that of the
YAML; and anchored.yaml, 1 MB with anchors and aliases. Prints one JSON object: seconds of CPU time of every reading,
versions, and what is not installed. Each reader's result is compared with the list first. Slow readers are timed fewer
times: none longer than about ten seconds a size.
"""

import argparse
import gc
import importlib
import json
import random
import time
import tomllib
from importlib import metadata
from pathlib import Path

SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1m": 1_000_000}
SPEND_S = 10.0  # on one reader and size


def service(chance, i):
    return {"name": f"svc-{i}", "image": f"registry.local/team{chance.randint(1, 9)}/app:{chance.randint(1, 9)}.{chance.randint(0, 20)}",
            "replicas": chance.randint(1, 9), "enabled": chance.random() < 0.7, "timeout": round(chance.random() * 30, 3),
            "ports": [chance.randint(1000, 9999) for _ in range(3)],
            "env": {"LOG_LEVEL": chance.choice(["info", "warn"]), "URL": f"http://svc-{i}.local:8080/path?x={i}"},
            "note": 'a longer description with: colon and "quotes" inside'}


def yaml_of(one, env=None):
    """As yaml.safe_dump(..., sort_keys=False) writes it."""
    lines = [f"- name: {one['name']}", f"  image: {one['image']}", f"  replicas: {one['replicas']}",
             f"  enabled: {str(one['enabled']).lower()}", f"  timeout: {one['timeout']}", "  ports:",
             *(f"  - {port}" for port in one["ports"])]
    lines += [f"  env: {env}"] if env else ["  env:", *(f"    {key}: {value}" for key, value in one["env"].items())]
    return "\n".join([*lines, f"  note: '{one['note']}'", ""])


def toml_of(one):
    lines = ["", "[[services]]", *(f"{key} = {json.dumps(value)}" for key, value in one.items() if key != "env"),
             "[services.env]", *(f"{key} = {json.dumps(value)}" for key, value in one["env"].items()), ""]
    return "\n".join(lines)


def write_files(folder):
    """Returns what the files say, by size."""
    said = {}
    for name, size in SIZES.items():
        chance = random.Random(9)
        services, parts, bytes_ = [], [], 0
        while bytes_ < size:
            one = service(chance, len(services))
            services.append(one)
            parts.append(yaml_of(one))
            bytes_ += len(parts[-1])
        said[name] = {"version": 3, "name": "assay", "services": services}
        head = "# generated\nversion: 3\nname: assay\n"
        (folder / f"{name}.yaml").write_text(head + "services:\n" + "".join(parts), encoding="utf-8")
        (folder / f"{name}.json").write_text(json.dumps(said[name], indent=2), encoding="utf-8")
        (folder / f"{name}.toml").write_text('version = 3\nname = "assay"\n' + "".join(map(toml_of, services)), encoding="utf-8")
    first = "&env {LOG_LEVEL: info, URL: http://svc.local:8080/path}"
    (folder / "anchored.yaml").write_text(
        head + "services:\n" + "".join(yaml_of(one, "*env" if i else first) for i, one in enumerate(services)), encoding="utf-8")
    return said


def readers():
    """name: (ending, function of bytes, whether its result is a Python object), for each that is installed; missing: why."""
    found = {"json/json": ("json", json.loads, True), "toml/tomllib": ("toml", lambda raw: tomllib.loads(raw.decode()), True)}
    missing, versions = {}, {"Python": ".".join(map(str, __import__("sys").version_info[:3]))}

    def add(name, module, package, make):
        try:
            found[name] = make(importlib.import_module(module))
            versions[package] = metadata.version(package)
        except (ImportError, AttributeError) as error:
            missing[name] = f"peer not installed ({error})"

    add("yaml/pyyaml", "yaml", "PyYAML", lambda m: ("yaml", lambda raw: m.load(raw, m.SafeLoader), True))
    add("yaml/pyyaml_c", "yaml", "PyYAML", lambda m: ("yaml", lambda raw, loader=m.CSafeLoader: m.load(raw, loader), True))
    add("yaml/ruamel", "ruamel.yaml", "ruamel.yaml", lambda m: ("yaml", m.YAML(typ="safe", pure=True).load, True))
    add("yaml/rapidyaml", "ryml", "rapidyaml", lambda m: ("yaml", m.parse_in_arena, False))
    add("toml/tomli", "tomli", "tomli", lambda m: ("toml", lambda raw: m.loads(raw.decode()), True))
    add("json/orjson", "orjson", "orjson", lambda m: ("json", m.loads, True))
    return found, missing, versions


def timed(function, raw, rounds):
    """CPU seconds of single readings: `rounds` of them, fewer where they are slow; short ones are repeated inside."""
    def reading(count):
        kept = []  # freed after the clock has stopped: giving memory back is no part of reading
        begin = time.process_time()
        for _ in range(count):
            kept.append(function(raw))
        spent = (time.process_time() - begin) / count
        del kept
        gc.collect()
        return spent

    first = reading(1)
    rounds = max(1, min(rounds, int(SPEND_S / max(first, 1e-6))))
    count = max(1, min(200, int(0.02 / max(first, 1e-7))))
    return [reading(count) for _ in range(rounds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="leave out 1 MB where that takes seconds")
    options = parser.parse_args()
    said = write_files(options.folder)
    found, missing, versions = readers()
    runs = {}
    for name, (ending, function, is_object) in found.items():
        slow = name in ("yaml/pyyaml", "yaml/pyyaml_c", "yaml/ruamel")
        for size, expected in said.items():
            if options.quick and slow and size == "1m":
                continue
            raw = (options.folder / f"{size}.{ending}").read_bytes()
            if is_object and not (slow and size == "1m") and function(raw) != expected:
                raise SystemExit(f"config.py: {name} reads something else from {size}.{ending}")
            runs[f"{name}/{size}"] = timed(function, raw, options.rounds)
    print(json.dumps({"runs_s": runs, "versions": versions, "missing": missing}))


if __name__ == "__main__":
    main()
