"""`assay validate`: its table, its forms, and that a row that falls short is said so."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream, answer
from gateway_process import ASSAY, SOURCE

FIELDS = {"section", "name", "claimed", "promised", "measured", "outcome", "reason", "figures"}
PAGE = "# Page\n\n<!-- assay validate: begin -->\nold\n<!-- assay validate: end -->\n\nThe end.\n"


def run(*arguments, cwd=SOURCE):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    models = os.environ.get("ASSAY_MODELS", str(SOURCE / ".models"))
    return subprocess.run([ASSAY, "validate", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300,
                          env={**clean, "ASSAY_MODELS": models})


class OptionsTest(unittest.TestCase):
    def refused(self, code, *arguments, **more):
        done = run(*arguments, **more)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_sections_that_ask_a_model_need_one(self):
        for arguments in ((), ("--only", "speed"), ("--only", "security,accuracy")):
            error = self.refused(2, *arguments)
            self.assertIn("--upstream", error)
            self.assertIn("scripts/validate.sh", error)

    def test_an_unknown_section_is_named(self):
        error = self.refused(2, "--only", "security,luck")
        self.assertIn("'luck'", error)
        self.assertIn("solving", error)

    def test_it_says_where_it_must_be_started(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn("--examples", self.refused(3, "--only", "solving", cwd=folder))

    def test_a_page_without_markers_is_refused_before_anything_runs(self):
        with tempfile.NamedTemporaryFile("w", suffix=".md") as page:
            page.write("# Page\n")
            page.flush()
            error = self.refused(2, "--only", "security", "--markdown", page.name)
            self.assertIn(page.name, error)
            self.assertEqual(Path(page.name).read_text(), "# Page\n")


@unittest.skipUnless((SOURCE / ".models").is_dir() or "ASSAY_MODELS" in os.environ, "the encoders are not installed")
class ValidateTest(unittest.TestCase):
    def test_what_needs_no_model_is_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.md"
            page.write_text(PAGE)
            done = run("--only", "security,solving,scaling", "--json", "--markdown", page)
            report = json.loads(done.stdout)
            written = page.read_text()
        rows = report["findings"]
        self.assertEqual({row["section"] for row in rows}, {"security", "solving", "scaling"})
        for row in rows:
            self.assertEqual(set(row), FIELDS)
            self.assertIn(row["outcome"], ("holds", "falls short", "not measured"))
            if row["outcome"] == "not measured":
                self.assertTrue(row["reason"], row)
            # How threads scale depends on who else uses this machine; the other rows do not.
            elif row["section"] != "scaling":
                self.assertEqual(row["outcome"], "holds", row)
            self.assertIn(row["name"], written)
        for verdict, count in (("holds", report["holds"]), ("falls short", report["falls_short"]),
                               ("not measured", report["not_measured"])):
            self.assertEqual(count, sum(row["outcome"] == verdict for row in rows))
        self.assertEqual(sum(row["section"] == "security" for row in rows), 7)
        self.assertEqual(done.returncode, 1 if report["falls_short"] else 0, done.stderr)
        self.assertTrue(written.startswith("# Page\n\n<!-- assay validate: begin -->\nAssay "))
        self.assertTrue(written.endswith("\n<!-- assay validate: end -->\n\nThe end.\n"))

    def test_a_model_whose_mistakes_pass_the_check_falls_short(self):
        """Each answer is a true sentence of the handbook, and hardly ever what was asked."""
        said = answer("Salaries are paid on the 25th of each month.")
        with FakeUpstream(default=said) as upstream:
            done = run("--only", "accuracy", "--upstream", upstream.url, "--model", "fake")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("falls short   28 held questions, by heart; claim check", done.stdout)
        self.assertIn("of the model's wrong answers are not served as true", done.stdout)
        self.assertIn("3 fall short", done.stdout)

    def test_a_model_that_says_nonsense_is_caught(self):
        said = answer("The company has nine elephants.")
        with FakeUpstream(default=said) as upstream:
            done = run("--only", "accuracy", "--upstream", upstream.url, "--model", "fake", "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        rows = [row for row in json.loads(done.stdout)["findings"] if row["outcome"] == "holds"]
        self.assertEqual([row["figures"]["wrong_alone"] for row in rows], [28, 28, 28])
        self.assertEqual([row["figures"]["wrong_served"] for row in rows], [0, 0, 0])

    def test_a_model_that_cannot_be_asked_falls_short_with_its_words(self):
        done = run("--only", "speed", "--upstream", "http://127.0.0.1:1/v1", "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        broken = json.loads(done.stdout)["findings"][-1]
        self.assertEqual((broken["outcome"], broken["name"]), ("falls short", "the section comes to its end"))
        self.assertIn("127.0.0.1:1", broken["measured"])

    def test_speed_counts_what_the_model_was_asked(self):
        with FakeUpstream(default=answer("31 days.")) as upstream:
            done = run("--only", "speed", "--upstream", upstream.url, "--model", "fake", "--json")
            calls = upstream.calls
        rows = {row["name"]: row for row in json.loads(done.stdout)["findings"]}
        cold = next(row for name, row in rows.items() if name.startswith("72 requests at once"))
        zipf = next(row for name, row in rows.items() if name.startswith("100,000 requests"))
        self.assertEqual(cold["figures"]["calls"], 30)
        self.assertEqual(zipf["figures"]["calls"], zipf["figures"]["distinct"])
        self.assertEqual(calls, 1 + 72 + 30 + zipf["figures"]["distinct"])


if __name__ == "__main__":
    sys.exit(unittest.main())
