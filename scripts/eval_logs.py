#!/usr/bin/env python3
"""Accuracy of `assay logs templates` on the Loghub samples beside drain3's with the benchmark's settings.

usage: eval_logs.py [--program PATH] [--data FOLDER] [--raw] [--json]

--data is the folder of the systems ($ASSAY_DATA/logs). By default every miner gets the contents of the lines from the
tables; --raw lets Assay read the log files and find the contents by itself. drain3's columns need drain3 0.9.11
(scripts/requirements-bench.txt). Measures as in Loghub-2.0 (Jiang et al., ISSTA 2024), runs of white space as one space:

  GA   share of lines whose group is exactly that of the table      FGA  F1 of the groups
  PA   share of lines whose template is exactly that of the table   FTA  F1 of the templates
"""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MEASURES = ("GA", "FGA", "PA", "FTA")
# logparser's Drain benchmark (logpai/logparser, logparser/Drain/benchmark.py): masks, similarity threshold, depth.
PUBLISHED = {
    "HDFS": ([r"blk_-?\d+", r"(\d+\.){3}\d+(:\d+)?"], 0.5, 4),
    "Hadoop": ([r"(\d+\.){3}\d+"], 0.5, 4),
    "Spark": ([r"(\d+\.){3}\d+", r"\b[KGTM]?B\b", r"([\w-]+\.){2,}[\w-]+"], 0.5, 4),
    "Zookeeper": ([r"(/|)(\d+\.){3}\d+(:\d+)?"], 0.5, 4),
    "BGL": ([r"core\.\d+"], 0.5, 4),
    "Linux": ([r"(\d+\.){3}\d+", r"\d{2}:\d{2}:\d{2}"], 0.39, 6),
    "HealthApp": ([], 0.2, 4),
    "Apache": ([r"(\d+\.){3}\d+"], 0.5, 4),
    "OpenSSH": ([r"(\d+\.){3}\d+", r"([\w-]+\.){2,}[\w-]+"], 0.6, 5),
    "Windows": ([r"0x.*?\s"], 0.7, 5),
}


def load(data, system):
    """The lines' contents and true templates."""
    [table] = Path(data, system).glob("*_structured*.csv")
    with open(table, encoding="utf-8", errors="replace", newline="") as file:
        rows = [(row["Content"], row["EventTemplate"]) for row in csv.DictReader(file)]
    return [content for content, _ in rows], [template for _, template in rows]


def groups(labels):
    lines = defaultdict(list)
    for line, label in enumerate(labels):
        lines[label].append(line)
    return [tuple(group) for group in lines.values()]


def f1(correct, found, true):
    return 2 * correct / (found + true)


def score(ids, templates, truth):
    """GA, FGA, PA and FTA of lines that were given `ids` and `templates`."""
    templates, texts = ([" ".join(text.split()) for text in side] for side in (templates, truth))
    found, true = groups(ids), groups(truth)
    right = set(found) & set(true)
    truth_of = defaultdict(set)
    for template, text in zip(templates, texts, strict=True):
        truth_of[template].add(text)
    same = sum(text == {template} for template, text in truth_of.items())
    return dict(zip(MEASURES, (sum(map(len, right)) / len(truth), f1(len(right), len(found), len(true)),
                               sum(map(str.__eq__, templates, texts)) / len(truth),
                               f1(same, len(truth_of), len(set(texts)))), strict=True))


def assay(program, *arguments, lines=None):
    """The ids and templates that the program gives to each line."""
    given = None if lines is None else "".join(line.replace("\n", " ") + "\n" for line in lines)
    out = subprocess.run([program, "logs", "templates", "--json", *arguments], input=given, text=True, check=True,
                         stdout=subprocess.PIPE, encoding="utf-8", errors="surrogateescape").stdout
    rows = [json.loads(line) for line in out.splitlines()]
    return [row["id"] for row in rows], [row["template"] for row in rows]


def drain3(system, contents):
    from drain3.drain import Drain
    masks, similarity, depth = PUBLISHED[system]
    masks = [re.compile(mask) for mask in masks]
    miner = Drain(depth=depth, sim_th=similarity)
    ids = []
    for content in contents:
        for mask in masks:
            content = mask.sub("<*>", content)
        ids.append(miner.add_log_message(content)[0].cluster_id)
    return ids, [miner.id_to_cluster[one].get_template() for one in ids]


def has_drain3():
    try:
        import drain3  # noqa: F401
    except ImportError:
        return False
    return True


def evaluate(program, data, raw=False):
    """{"assay": {system: {measure: value}}, "drain3": ...}; without drain3 where that is not installed."""
    report = {"assay": {}, "drain3": {}} if has_drain3() else {"assay": {}}
    for system in PUBLISHED:
        contents, truth = load(data, system)
        if raw:
            mined = assay(program, str(Path(data, system, f"{system}_2k.log")))
        else:
            mined = assay(program, "--plain", "-", lines=contents)
        report["assay"][system] = score(*mined, truth)
        if "drain3" in report:
            report["drain3"][system] = score(*drain3(system, contents), truth)
    for rows in report.values():
        rows["mean"] = {measure: sum(row[measure] for row in rows.values()) / len(PUBLISHED) for measure in MEASURES}
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=ROOT / "build/release/assay")
    parser.add_argument("--data", default=Path(os.environ.get("ASSAY_DATA", ROOT.parent / "shared/data"), "logs"))
    parser.add_argument("--raw", action="store_true", help="let Assay find the contents by itself")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = evaluate(options.program, options.data, options.raw)
    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    print("| system | " + " | ".join(f"{name} {measure}" for measure in MEASURES for name in report) + " |")
    print("|---|" + "---:|" * len(MEASURES) * len(report))
    for system in report["assay"]:
        cells = [f"{report[name][system][measure]:.3f}" for measure in MEASURES for name in report]
        print(f"| {system} | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
