"""`assay tune`: tables and logs, and the routes that `assay serve` reads."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))
DATA = os.environ.get("ASSAY_DATA")
PRICES = ("--price", "mixtral-8x7b-instruct=0.24", "--price", "gpt-4-1106-preview=24.7")


class Tune(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_assay(self, *arguments):
        return subprocess.run([ASSAY, *map(str, arguments)], capture_output=True, text=True, timeout=120)

    def tune(self, *arguments):
        done = self.run_assay("tune", *arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def table(self):
        rng = random.Random(5)
        rows = []
        for i in range(1200):
            kind = rng.choice(["easy", "hard"])
            rows.append({"prompt": f"{kind} question {i}", "class": kind, "correct": {
                "small": rng.random() < (0.9 if kind == "easy" else 0.3), "large": rng.random() < (0.9 if kind == "easy" else 0.8)}})
        path = self.folder / "table.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def answers(self):
        """Three cheap experts that are right seven times of ten, independently, and a dear one that is eight times."""
        rng = random.Random(7)
        rows = []
        for i in range(1500):
            answers = []
            for name, right, cost, latency in (("a", .7, 1, 400), ("b", .7, 1, 500), ("c", .7, 1, 600), ("dear", .8, 9, 900)):
                correct = rng.random() < right
                text = f"So the answer is {i if correct else rng.randrange(10**6, 10**7)}."
                answers.append({"model": name, "text": text, "correct": correct, "cost": cost, "latency_ms": latency})
            rows.append({"question": f"Question {i}?", "answers": answers})
        path = self.folder / "answers.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def test_three_cheap_experts_replace_a_dear_one_within_the_latency_that_is_asked_for(self):
        path, routes = self.answers(), self.folder / "routes.yaml"
        cascade = self.tune(path, "--experts", "--quality", 0.78, "--write", routes, "--route", "panel")
        self.assertEqual(cascade["policy"], "cascade")
        self.assertEqual(set(cascade["models"]), {"a", "b", "c"})
        low, high = cascade["held_back"]["quality"]["interval"]
        self.assertTrue(low < cascade["tuned_on"]["quality"]["value"] < high)
        self.assertLess(cascade["held_back"]["cost"]["value"], 0.4 * cascade["single_models"]["dear"]["cost"]["value"])
        self.assertEqual(cascade["plans_tried_all"], 124)  # of four experts: 4 alone, 60 orders as a cascade and as a fanout
        fanout = self.tune(path, "--experts", "--quality", 0.78, "--latency", 700)
        self.assertEqual((fanout["policy"], fanout["held_back"]["latency_ms"]["value"]), ("fanout", 600))
        config = self.folder / "assay.yaml"
        config.write_text("upstreams:\n" + "".join(f"  {name}: {{url: 'http://127.0.0.1:8000/v1'}}\n" for name in ("a", "b", "c", "dear"))
                          + routes.read_text())
        done = self.run_assay("config", "check", config)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertEqual(yaml.safe_load(routes.read_text())["routes"]["panel"]["policy"], "cascade")

    def test_the_cut_off_of_a_check_is_taken_from_outcomes_and_serve_reads_it(self):
        rng = random.Random(11)
        rows = []
        for i in range(600):
            right = rng.random() < 0.6
            rows.append({"question": f"Question {i}?", "answers": [
                {"model": "small", "correct": right, "cost": 1, "supported": rng.choice((0.8, 0.9, 1) if right else (0.1, 0.4, 0.7))},
                {"model": "large", "correct": True, "cost": 10, "supported": 0.9, "contradicted": 0}]})
        path, routes = self.folder / "checked.jsonl", self.folder / "routes.yaml"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        options = ("--experts", "--quality", 0.97, "--write", routes, "--route", "thrifty")
        refused = self.run_assay("tune", path, *options)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--documents FOLDER", refused.stderr)
        found = self.tune(path, *options, "--documents", self.folder)
        self.assertEqual((found["policy"], found["models"], found["min_supported"]), ("checked", ["small", "large"], 0.8))
        self.assertGreater(found["held_back"]["quality"]["value"], 0.97)
        self.assertLess(found["held_back"]["cost"]["value"], 0.6 * found["single_models"]["large"]["cost"]["value"])
        config = self.folder / "assay.yaml"
        config.write_text("upstreams:\n  small: {url: 'http://127.0.0.1:8000/v1'}\n  large: {url: 'http://127.0.0.1:8000/v1'}\n"
                          + routes.read_text())
        done = self.run_assay("config", "check", config)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        self.assertEqual(yaml.safe_load(routes.read_text())["routes"]["thrifty"]["consensus"], {"min_supported": 0.8})
        rows[3]["answers"][0]["supported"] = 1.5
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        broken = self.run_assay("tune", path, "--experts")
        self.assertEqual(broken.returncode, 2)
        self.assertIn("checked.jsonl:4: ", broken.stderr)

    def test_whom_to_ask_needs_answers_that_can_be_compared(self):
        done = self.run_assay("tune", self.table(), "--experts")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nobody knows which ones agree", done.stderr)
        self.assertEqual(self.run_assay("tune", self.answers(), "--experts", "--quality", 0.99).returncode, 6)
        self.assertEqual(self.run_assay("tune", self.answers(), "--experts", "--latency-of", "none=4").returncode, 2)
        self.assertNotEqual(self.run_assay("tune", self.answers(), "--latency", "4").returncode, 0)

    def test_easy_questions_go_to_the_small_model_and_serve_reads_the_routes(self):
        routes = self.folder / "routes.yaml"
        out = self.tune(self.table(), "--price", "small=1", "--price", "large=10", "--quality", 0.8, "--write", routes)
        self.assertEqual(out["policy"], {"easy": "small", "hard": "large"})
        self.assertAlmostEqual(out["tuned_on"]["cost"], out["tuned_on"]["optimal_cost"])
        low, high = out["held_back"]["quality"]["interval"]
        self.assertTrue(low < 0.85 < high)
        self.assertLess(out["held_back"]["cost"]["value"], 0.7 * out["single_models"]["large"]["cost"]["value"])
        config = self.folder / "assay.yaml"
        upstreams = "".join(f"  {name}: {{url: 'http://127.0.0.1:8000/v1'}}\n" for name in ("small", "large"))
        config.write_text("upstreams:\n" + upstreams + routes.read_text())
        self.assertEqual(yaml.safe_load(config.read_text())["routes"]["hard"], {"experts": ["large", "small"]})
        done = self.run_assay("config", "check", config)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)

    def test_every_engine_and_a_log(self):
        rng = random.Random(9)
        path = self.folder / "log.jsonl"
        rows = []
        for _ in range(3000):
            kind, model = rng.choice("xy"), rng.choice("ab")
            good = rng.random() < (0.9 if (kind == "x") == (model == "a") else 0.5)
            rows.append({"class": kind, "model": model, "propensity": 0.5, "reward": good, "cost": 1 if model == "a" else 2,
                         "question": str(rng.random())})
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        for engine in ("annealing", "genetic", "differential"):
            out = self.tune(path, "--quality", 0.85, "--engine", engine)
            self.assertEqual(out["policy"], {"x": "a", "y": "b"} if "x" in out["policy"] else None)
            for estimate in ("quality", "quality_ips", "quality_snips"):
                low, high = out["held_back"][estimate]["interval"]
                self.assertTrue(0 < low < 0.9 < high + 0.02, out["held_back"])

    @unittest.skipUnless(DATA, "needs ASSAY_DATA")
    def test_real_outcomes_cost_less_than_random_mixing(self):
        path = Path(DATA) / "consensus" / "routellm_mmlu.jsonl"
        out = self.tune(path, *PRICES, "--quality", 0.78)
        self.assertLess(out["held_back"]["cost"]["value"], out["mixing_cost"])
        self.assertGreater(out["held_back"]["quality"]["value"], 0.76)

    def test_errors_say_what_to_do(self):
        table = self.table()
        for arguments, words in ((("--price", "small"), "must read MODEL=USD"), (("--price", "smal=1"), "there are small, large"),
                                 (("--quality", "0.99"), "no policy reaches"), (("--class-field", "x"), "table.jsonl:1: has no class")):
            done = self.run_assay("tune", table, *arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(words, done.stderr)
        self.assertEqual(self.run_assay("tune", self.folder / "none").returncode, 3)


if __name__ == "__main__":
    unittest.main()
