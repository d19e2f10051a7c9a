"""Asks a local language model about a small company and checks every answer against the company's handbook.

The model (gemma-3 270M, 4-bit, one thread, greedy) is asked each question of questions.yaml twice: closed book, and
with the handbook passages that `assay search` finds in its prompt. It is a real and very small model, so it gets
several facts wrong; `assay check` must catch them. Then the gateway is put in front of it. Needs no network.

Usage: demo.py --assay build/release/assay
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

import yaml

import gateway_demo
from local_model import LocalModel

HERE = Path(__file__).resolve().parent
HANDBOOK = HERE / "handbook"


@dataclass(frozen=True)
class Question:
    text: str
    expected: str
    accept: list[str]
    reject: list[str]

    def is_right(self, answer: str) -> bool:
        found = all(re.search(p, answer, re.IGNORECASE) for p in self.accept)
        return found and not any(re.search(p, answer, re.IGNORECASE) for p in self.reject)


class Assay:
    """The program under demonstration."""

    def __init__(self, program: str, index: str) -> None:
        self._program = program
        self._index = index

    def _json(self, *arguments: str, text: str = "") -> dict:
        run = subprocess.run(
            [self._program, *arguments, "--json"], input=text, capture_output=True, text=True
        )
        if run.returncode != 0:
            sys.exit(f"demo: {' '.join(arguments)} failed: {run.stderr.strip()}")
        return json.loads(run.stdout)

    def build_index(self) -> None:
        self._json("index", str(HANDBOOK), "--index", self._index)

    def passages(self, query: str, count: int) -> str:
        found = self._json("search", query, "--in", self._index, "--top", str(count))
        return " ".join(" ".join(hit["text"].split()) for hit in found["results"])

    def check(self, question: str, answer: str, *options: str) -> dict:
        return self._json(
            "check", "-", "--question", question, "--against", self._index, *options, text=answer
        )


def load_questions(path: Path) -> list[Question]:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        Question(q["question"], q["expected"], q["accept"], q.get("reject", []))
        for q in data["questions"]
    ]


class Painter:
    def __init__(self) -> None:
        self._on = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def __call__(self, colour: int, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._on else text


PAINT = Painter()
COLOURS = {"supported": 32, "contradicted": 31, "unverified": 33}


def is_flagged(report: dict) -> bool:
    summary = report["summary"]
    return summary["contradicted"] + summary["unverified"] > 0 or not report["claims"]


def show(question: Question, answer: str, report: dict, right: bool) -> None:
    print(f"\nQ  {question.text}")
    print(textwrap.fill(answer or "(no answer)", 100, initial_indent="A  ", subsequent_indent="   "))
    for claim in report["claims"]:
        verdict = claim["verdict"]
        print("   " + PAINT(COLOURS[verdict], f"{verdict:<13}") + claim["reason"])
        if claim["evidence"]:
            best = claim["evidence"][0]
            quote = textwrap.shorten(best["text"], 90, placeholder=" ...")
            print(f"                {os.path.basename(best['file'])}:{best['line']}: {quote}")
    if not right:
        print(f"   the handbook: {question.expected}")


def run_round(title: str, questions: list[Question], model: LocalModel, assay: Assay, top: int) -> None:
    print(f"\n== {title}")
    wrong = caught = right_answers = false_alarms = 0
    by_facts = alarms_by_facts = 0  # without the checker
    missed: list[Question] = []
    for question in questions:
        context = assay.passages(question.text, top) if top else ""
        answer = model.ask(question.text, context)
        report = assay.check(question.text, answer)
        right = question.is_right(answer)
        flagged = is_flagged(report)
        flagged_by_facts = is_flagged(assay.check(question.text, answer, "--no-checker"))
        show(question, answer, report, right)
        if right:
            right_answers += 1
            false_alarms += flagged
            alarms_by_facts += flagged_by_facts
        else:
            wrong += 1
            caught += flagged
            by_facts += flagged_by_facts
            if not flagged:
                missed.append(question)
    print(f"\n{title}: {right_answers} of {len(questions)} answers hold the expected facts.")
    print(f"Assay flagged {caught} of {wrong} wrong answers", end="")
    print(f" and {false_alarms} of {right_answers} of the others", end="")
    print(f" (by facts alone {by_facts} and {alarms_by_facts}).")
    for question in missed:
        print(f"Missed: {question.text}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--assay", required=True, help="the program, e.g. build/release/assay")
    parser.add_argument("--work", default="", help="folder for model and index (default: a temporary one)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-demo-") as temporary:
        folder = Path(arguments.work or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        questions = load_questions(HERE / "questions.yaml")
        assay = Assay(arguments.assay, str(folder / "handbook-index"))
        assay.build_index()
        print("Starting gemma-3 270M on one thread ...", flush=True)
        model = LocalModel(folder)
        run_round("Closed book", questions, model, assay, top=0)
        run_round("With handbook passages in the prompt", questions, model, assay, top=2)
        gateway_demo.run(arguments.assay, model, folder)


if __name__ == "__main__":
    main()
