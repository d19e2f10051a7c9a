"""`assay logs analyze|search|tail` beside the same counts by a loop over the lines in Python, with one thread and several."""
import collections
import gzip
import json
import os
import random
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ASSAY = ROOT / "build" / "release" / "assay"

HDFS = re.compile(r"(\d{6}) (\d{6}) \d+ ([A-Z]+) ([^:\s]+): ?(.*)$")
APACHE = re.compile(r"\[\w{3} (\w{3} \d\d [\d:]{8} \d{4})\] \[(\w+)\] (.*)$")
SYSLOG = re.compile(r"\w{3} [ \d]\d [\d:]{8} \S+ ([^:\[\s]+)(?:\[\d+\])?: ?(.*)$")
WORDS = [("fatal", re.compile(r"\b(?:fatal|panic|critical)\b", re.I)),
         ("error", re.compile(r"\b(?:error|failed|failure|severe)\b|exception|error:", re.I)),
         ("warn", re.compile(r"\b(?:warn|warning|deprecated)\b", re.I))]
PATTERN = re.compile("user [a-z]+ from [0-9.]+", re.I)


def by_words(text):
    return next((level for level, words in WORDS if words.search(text)), "unknown")


def twin(lines):
    """Levels, sources and the number of lines with PATTERN, one line after the other."""
    levels, sources, hits = collections.Counter(), collections.Counter(), 0
    for line in lines:
        hits += PATTERN.search(line) is not None
        if found := HDFS.match(line):
            levels[found[3].lower()] += 1
            sources[found[4]] += 1
        elif found := APACHE.match(line):
            levels[found[2]] += 1
        elif found := SYSLOG.match(line):
            levels[by_words(found[2])] += 1
            sources[found[1]] += 1
        else:
            levels[by_words(line)] += 1
    return levels, sources, hits


def run(*args, code=0, text=None):
    done = subprocess.run([ASSAY, "logs", *args], input=text, capture_output=True, timeout=120, check=False)
    assert done.returncode == code, (done.returncode, done.stderr)
    return done.stdout.decode()


@unittest.skipUnless(ASSAY.exists(), "the program is not built")
class Twin(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name) / "app.log"

    def log(self):
        data = os.environ.get("ASSAY_DATA")
        if not data:
            self.skipTest("needs ASSAY_DATA")
        lines = []
        for name in ("HDFS", "Apache", "OpenSSH"):
            lines += (Path(data) / "logs" / name / f"{name}_2k.log").read_text("utf-8", "replace").splitlines()
        random.Random(6).shuffle(lines)
        return [*lines, "kernel panic - not syncing", "nothing here", "a NullPointerException"]

    def test_analysis_counts_as_the_loop_does_with_any_threads(self):
        lines = self.log() * 20
        self.path.write_text("\n".join(lines) + "\n", "utf-8")
        levels, sources, hits = twin(lines)
        answers = []
        for threads in ("1", "2", "4"):
            answer = json.loads(run("analyze", str(self.path), "--json", "--threads", threads,
                                    "--regex", PATTERN.pattern))
            answer.pop("seconds")
            answers.append(answer)
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])
        answer = answers[0]
        self.assertEqual(answer["lines"], len(lines))
        self.assertEqual(answer["levels"], dict(levels))
        self.assertEqual({one["source"]: one["lines"] for one in answer["sources"]}, dict(sources))
        self.assertEqual(answer["patterns"], [{"pattern": PATTERN.pattern, "lines": hits}])
        buckets = collections.Counter()
        for bucket in answer["series"]["buckets"]:
            buckets.update(bucket)
        self.assertEqual(sum(buckets.values()) + answer["without_time"], len(lines))

    def test_a_rotated_set_counts_as_its_files_together(self):
        lines = self.log()
        half = len(lines) // 2
        with gzip.open(f"{self.path}.1.gz", "wt", encoding="utf-8") as old:
            old.write("\n".join(lines[:half]) + "\n")
        self.path.write_text("\n".join(lines[half:]), "utf-8")
        answer = json.loads(run("analyze", str(self.path), "--rotated", "--json"))
        self.assertEqual(answer["levels"], dict(twin(lines)[0]))
        piped = run("analyze", "-", "--json", text=("\n".join(lines)).encode())
        self.assertEqual(json.loads(piped)["levels"], answer["levels"])

    def test_a_torn_file_is_counted_as_far_as_it_goes_and_is_an_error(self):
        whole = gzip.compress("\n".join(f"2024-01-02 03:04:05 ERROR {i * 7919}" for i in range(5000)).encode())
        torn = Path(f"{self.path}.gz")
        torn.write_bytes(whole[:len(whole) // 2])
        done = subprocess.run([ASSAY, "logs", "analyze", torn, "--json"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 9)
        answer = json.loads(done.stdout)
        self.assertGreater(answer["lines"], 1000)
        self.assertEqual(answer["problems"][0]["code"], "data_loss")
        self.assertIn(f"at byte {len(whole) // 2}", done.stderr.decode())
        self.assertIn(str(torn), done.stderr.decode())

    def test_search_finds_what_the_loop_finds(self):
        lines = self.log()
        self.path.write_text("\n".join(lines) + "\n", "utf-8")
        expected = [line for line in lines if "failed" in line.lower() or "terminating" in line.lower()]
        self.assertEqual(run("search", "failed", str(self.path), "-e", "terminating").splitlines(), expected)
        self.assertEqual(run("search", "failed", str(self.path), "-e", "terminating", "-c"), f"{len(expected)}\n")
        numbered = [json.loads(one) for one in run("search", PATTERN.pattern, str(self.path), "--regex",
                                                   "--json").splitlines()]
        self.assertEqual([one["line"] for one in numbered],
                         [i + 1 for i, line in enumerate(lines) if PATTERN.search(line)])
        run("search", "no such text", str(self.path), "--fail-on", "missing", code=1)
        run("search", "failed", str(self.path), "--fail-on", "found", code=1)
        run("search", "(", str(self.path), "--regex", code=2)
        run("search", "x", str(self.path) + ".gone", code=3)

    def test_tail_prints_the_last_lines_of_a_level(self):
        self.path.write_text("".join(f"2024-01-02 03:04:05 {'WARN' if i % 2 else 'INFO'} {i}\n" for i in range(50)))
        last = run("tail", str(self.path), "-n", "4", "--level", "warn").splitlines()
        self.assertEqual([line.split()[-1] for line in last], ["47", "49"])
        run("tail", str(self.path) + ".gone", code=3)

    def test_tail_follows_a_rotation(self):
        self.path.write_text("one\n")
        with subprocess.Popen([ASSAY, "logs", "tail", "-f", self.path], stdout=subprocess.PIPE) as tail:
            self.assertEqual(tail.stdout.readline(), b"one\n")
            self.path.rename(f"{self.path}.1")
            self.path.write_text("two\n")
            self.assertEqual(tail.stdout.readline(), b"two\n")
            tail.terminate()
            self.assertEqual(tail.wait(timeout=30), 0)

    def test_the_report_is_one_page_without_anything_from_elsewhere(self):
        self.path.write_text("".join(f"2024-01-02 03:{i // 60:02}:{i % 60:02} ERROR <b>{i}</b> took {i} ms\n"
                                     for i in range(300)))
        page = Path(self.folder.name) / "report.html"
        run("analyze", str(self.path), "--html", str(page), "--latency", "took", "--templates")
        html = page.read_text("utf-8")
        self.assertIn("<svg", html)
        self.assertIn("Latency of 300 lines", html)
        self.assertNotIn("<b>", html)
        self.assertNotRegex(html, r"(?:src|href)=|<script|url\(|@import")


if __name__ == "__main__":
    unittest.main()
