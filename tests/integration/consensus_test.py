"""assay consensus and assay eval consensus as other programs call them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree
from collections import Counter
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))
ANSWERS = (
    '{"expert": "a", "text": "Employees receive 27 days of paid annual leave. Unused days expire on 31 March."}\n'
    '{"expert": "b", "text": "Employees receive 27 days of paid annual leave. The office is in Berlin."}\n'
    '{"expert": "c", "text": "Employees receive 35 days of paid annual leave. Unused days expire on 31 March."}\n'
)


def run(*arguments: object, text: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([ASSAY, *map(str, arguments)], input=text, text=True, capture_output=True, timeout=120)


def make_rows(count: int) -> list[dict]:
    """Two experts that are mostly right, two that rarely are; wrong answers are seldom equal."""
    rng = random.Random(12)
    rows = []
    for i in range(count):
        answers = []
        for expert, accuracy in (("good", 0.85), ("fair", 0.6), ("poor", 0.25), ("bad", 0.25)):
            right = rng.random() < accuracy
            answers.append({"model": expert, "text": f"so it is\n#### {7 if right else 100 + rng.randrange(5)}", "correct": right})
        rows.append({"id": str(i), "answers": answers})
    return rows


class ConsensusTest(unittest.TestCase):
    def evaluate(self, rows: list[dict], *more: object) -> dict:
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows))
            file.flush()
            done = run("eval", "consensus", "--data", file.name, "--json", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_merges_claims_and_names_who_dissents(self) -> None:
        done = run("consensus", "-", "--json", text=ANSWERS)
        self.assertEqual(done.returncode, 0, done.stderr)
        got = json.loads(done.stdout)
        self.assertEqual(got["answer"], "Employees receive 27 days of paid annual leave. Unused days expire on 31 March.")
        self.assertIsNone(got["chosen"])
        against = [one for one in got["dissent"] if one["against"]]
        self.assertEqual([(one["experts"], one["reason"]) for one in against], [(["c"], "said by 1 of 3, says 35 days, not 27 days")])
        self.assertEqual(got["claims"][0]["supporters"], ["a", "b"])

    def test_every_order_of_the_experts_gives_the_same(self) -> None:
        lines = ANSWERS.splitlines(keepends=True)
        outcomes = set()
        for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)):
            got = json.loads(run("consensus", "-", "--json", text="".join(lines[i] for i in order)).stdout)
            outcomes.add(json.dumps([got["answer"], got["confidence"], got["claims"],
                                     sorted(json.dumps(one, sort_keys=True) for one in got["dissent"])]))
        self.assertEqual(len(outcomes), 1, outcomes)

    def test_prints_one_line_a_question_and_learns_between_them(self) -> None:
        text = "".join(json.dumps(row) + "\n" for row in make_rows(200))
        lines = run("consensus", "-", "--json", "--learn", text=text).stdout.splitlines()
        self.assertEqual(len(lines), 200)
        self.assertEqual({json.loads(line)["method"] for line in lines}, {"weighted"})

    def test_errors_name_file_line_and_field(self) -> None:
        for text, words in (("", "standard input: there is no question"), ("{", "line 1: this is no JSON"),
                            ('{"answers": [{"expert": "a", "text": "x"}]}', "needs at least 2 answers"),
                            ('{"answers": ["a", {"expert": "b"}]}', "answer 2: it has no \"text\"")):
            done = run("consensus", "-", text=text)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertTrue(done.stderr.startswith("assay:") and words in done.stderr, done.stderr)
            self.assertEqual(done.stdout, "")
        self.assertEqual(run("consensus", "/nonexistent.jsonl").returncode, 3)
        self.assertEqual(run("consensus", "-", "--method", "magic", text=ANSWERS).returncode, 2)

    def test_evaluation_agrees_with_counting_by_hand(self) -> None:
        rows = make_rows(400)
        got = self.evaluate(rows)
        self.assertEqual(got["n"], 400)
        rights = Counter(answer["model"] for row in rows for answer in row["answers"] if answer["correct"])
        self.assertEqual(got["best_expert"], "good")
        self.assertAlmostEqual(got["best_single"], rights["good"] / 400, places=4)
        majority = 0.0
        for row in rows:
            finals = Counter(answer["text"] for answer in row["answers"])
            most = max(finals.values())
            leading = [answer["correct"] for answer in row["answers"] if finals[answer["text"]] == most]
            majority += sum(leading) / len(leading)
        self.assertAlmostEqual(got["majority"], majority / 400, places=4)
        self.assertGreater(got["accuracy"], got["majority"])
        self.assertGreater(got["without_labels"], got["majority"])
        self.assertLess(got["accuracy_95"][0], got["accuracy"])
        curve = [point["accuracy"] for point in got["curve"]]
        self.assertGreater(curve[0], curve[-1] + 0.1)

    def test_no_row_is_judged_by_its_own_label(self) -> None:
        rows = make_rows(300)
        before = self.evaluate(rows)
        for answer in rows[-1]["answers"]:
            answer["correct"] = not answer["correct"]
        after = self.evaluate(rows)
        self.assertAlmostEqual(abs(after["accuracy"] - before["accuracy"]) * 300, 1, places=1)  # the same answer, now the other way

    def test_histories_show_what_recurs_as_table_and_picture(self) -> None:
        rng = random.Random(3)
        history = [{"time": 3600.0 * hour + 600 * rng.random(), "pattern": f"q{rng.randrange(5)}", "value": 1 + (hour > 60) + 0.1 * rng.random()}
                   for hour in range(120) for _ in range(10)]
        text = "".join(json.dumps(one) + "\n" for one in history)
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "history.svg"
            done = run("consensus", "--patterns", "-", "--json", "--svg", picture, text=text)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(xml.etree.ElementTree.parse(picture).getroot().tag.endswith("svg"))
        got = json.loads(done.stdout)
        self.assertEqual((got["events"], got["distinct"]), (1200, 5))
        self.assertAlmostEqual(got["periods"][0]["seconds"], 3600, delta=100)
        self.assertEqual([round(change["time_s"] / 3600) for change in got["changes"]], [61])
        done = run("consensus", "--patterns", "-", text='{"time": "x"}')
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 1: needs a JSON object", done.stderr)


if __name__ == "__main__":
    unittest.main()
