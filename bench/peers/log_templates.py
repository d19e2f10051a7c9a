#!/usr/bin/env python3
"""Times drain3 and bench/log_templates_bench on the same logs, taking turns.

usage: log_templates.py PROGRAM DATA ROUNDS [--quick]

Two logs in the formats of HDFS, Apache and OpenSSH: `repeated`, Loghub's 6,000 lines in seeded shuffles up to 100 MB, and
`distinct`, their templates with other values in every line, none of them twice. drain3 gets the first lines of each with
its defaults and three masks, behind one expression a format for time, level and source. CPU time, one thread. Prints one
JSON object: versions, templates found, and seconds a line of each round.
"""

import argparse
import csv
import json
import random
import re
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path

SYSTEMS = ("HDFS", "Apache", "OpenSSH")
HEADERS = [re.compile(text) for text in (
    r"^(\d{6}) (\d{6}) (\d+) (\w+) ([^:]+): (.*)$", r"^\[([^\]]+)\] \[(\w+)\] (.*)$",
    r"^(\w{3}\s+\d+ [\d:]{8}) (\S+) (\w+)\[(\d+)\]: (.*)$")]
MASKS = ((r"blk_-?\d+", "BLK"), (r"(/)?(\d{1,3}\.){3}\d{1,3}(:\d+)?", "IP"), (r"\b\d+\b", "NUM"))


def repeated(data, size, rng):
    lines = []
    for system in SYSTEMS:
        lines += Path(data, "logs", system, f"{system}_2k.log").read_text(encoding="utf-8", errors="replace").splitlines()
    out, written = [], 0
    while written < size:
        rng.shuffle(lines)
        out.append("\n".join(lines) + "\n")
        written += len(out[-1])
    return "".join(out)


def value(rng):
    return rng.choice((
        lambda: str(rng.randrange(10 ** rng.randrange(1, 10))), lambda: ".".join(str(rng.randrange(256)) for _ in range(4)),
        lambda: f"blk_{rng.randrange(-10**18, 10**18)}", lambda: f"0x{rng.randrange(1 << 40):x}",
        lambda: "/user/" + "".join(rng.choices("abcdefgh", k=6)) + f"/part-{rng.randrange(99999):05}"))()


def header(system, rng):
    day, time_ = rng.randrange(10, 29), (rng.randrange(24), rng.randrange(60), rng.randrange(60))
    if system == "HDFS":
        return f"0811{day} {time_[0]:02}{time_[1]:02}{time_[2]:02} {rng.randrange(9999)} INFO dfs.DataNode: "
    if system == "Apache":
        return f"[Sun Dec {day} {time_[0]:02}:{time_[1]:02}:{time_[2]:02} 2005] [notice] "
    return f"Dec {day} {time_[0]:02}:{time_[1]:02}:{time_[2]:02} LabSZ sshd[{rng.randrange(99999)}]: "


def distinct(data, size, rng):
    templates, lines, written = [], set(), 0
    for system in SYSTEMS:
        with open(Path(data, "logs", system, f"{system}_2k.log_structured_corrected.csv"), encoding="utf-8") as file:
            templates += [(system, row["EventTemplate"]) for row in csv.DictReader(file)]
    while written < size:
        system, template = rng.choice(templates)
        line = header(system, rng) + re.sub(r"<\*>", lambda _: value(rng), template)
        if line not in lines:
            lines.add(line)
            written += len(line) + 1
    lines = sorted(lines)
    rng.shuffle(lines)
    return "\n".join(lines) + "\n"


def drain3(lines):
    """Seconds of CPU time a line, and the number of templates."""
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig
    config = TemplateMinerConfig()
    config.profiling_enabled = False
    config.masking_instructions = [MaskingInstruction(*mask) for mask in MASKS]
    miner = TemplateMiner(config=config)
    begin = time.process_time()
    for line in lines:
        match = next(filter(None, (expression.match(line) for expression in HEADERS)), None)
        miner.add_log_message(match.group(match.lastindex) if match else line)
    return (time.process_time() - begin) / len(lines), len(miner.drain.clusters)


def assay(program, path):
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        said = subprocess.run([program, path, f"--benchmark_out={report.name}", "--benchmark_min_time=0.1"], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        runs = {one["name"]: one["per_line"] for one in json.load(open(report.name, encoding="utf-8"))["benchmarks"]}
    return runs["Lines"], runs["Contents"], int(re.search(r"templates (\d+)", said)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("data")
    parser.add_argument("rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    size, peer_lines = (5_000_000, 5_000) if options.quick else (100_000_000, 50_000)
    runs, templates = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (("repeated", repeated), ("distinct", distinct)):
            # A line that is never repeated costs the generator more than the miner: a fifth of the size will do.
            text = make(options.data, size if name == "repeated" else size // 5, random.Random(6))
            path = Path(folder, name)
            path.write_text(text, encoding="utf-8")
            lines = text.split("\n")[:peer_lines]
            del text
            for _ in range(options.rounds):
                whole, contents, ours = assay(options.program, path)
                theirs, found = drain3(lines)
                for side, seconds in (("assay", whole), ("assay_contents", contents), ("drain3", theirs)):
                    runs.setdefault(f"{name}/{side}", []).append(seconds)
                templates[name] = {"assay": ours, "drain3": found}
    print(json.dumps({"versions": {"drain3": metadata.version("drain3")}, "templates": templates, "runs_s": runs}))


if __name__ == "__main__":
    main()
