"""The program as other programs call it: arguments, JSON forms, exit codes and errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))
HANDBOOK = SOURCE / "examples" / "handbook"

EXIT_FINDINGS = 1
EXIT_INVALID = 2
EXIT_NOT_FOUND = 3
EXIT_PRECONDITION = 6
EXIT_DATA_LOSS = 9

RIGHT = "Full-time employees receive 27 days of paid annual leave per calendar year."
WRONG = "Full-time employees receive 35 days of paid annual leave per calendar year."
UNKNOWN = "The cafeteria serves lobster with truffles every Wednesday evening."


def run(*arguments: object, text: str | bytes = "") -> subprocess.CompletedProcess:
    data = text.encode() if isinstance(text, str) else text
    return subprocess.run([ASSAY, *map(str, arguments)], input=data, capture_output=True, timeout=120)


class CliTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.index = Path(cls.folder.name) / "index"
        done = run("index", HANDBOOK, "--index", cls.index, "--json")
        assert done.returncode == 0, done.stderr.decode()
        cls.index_report = json.loads(done.stdout)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def temporary(self) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Path(folder.name)

    def check(self, answer: str, *more: object) -> dict:
        done = run("check", "-", "--against", self.index, "--json", *more, text=answer)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def assert_error(self, done: subprocess.CompletedProcess, code: int, *words: str) -> None:
        message = done.stderr.decode()
        self.assertEqual(done.returncode, code, message)
        self.assertTrue(message.startswith("assay:"), message)
        for word in words:
            self.assertIn(word, message)
        self.assertEqual(done.stdout, b"")


class CheckTest(CliTest):
    def test_json_has_the_documented_form(self) -> None:
        report = self.check(f"# Leave\n\n{RIGHT} {UNKNOWN}\n")
        self.assertEqual(sorted(report), ["checker", "claims", "summary"])
        self.assertEqual(sorted(report["summary"]), ["contradicted", "supported", "unverified"])
        self.assertEqual(len(report["claims"]), 2)
        for claim in report["claims"]:
            self.assertEqual(
                list(claim),
                ["text", "start", "end", "verdict", "confidence", "reason", "evidence", "unsupported_words"],
            )
            self.assertTrue(0.0 <= claim["confidence"] <= 1.0)
            for item in claim["evidence"]:
                self.assertEqual(list(item), ["file", "line", "start", "end", "text", "score"])

    def test_unsupported_words_are_bytes_of_the_claim_and_underlined(self) -> None:
        wrong = self.check(f"Über uns: {WRONG}\n")["claims"][0]
        words = [wrong["text"].encode()[w["start"] : w["end"]].decode() for w in wrong["unsupported_words"]]
        self.assertTrue(any("35" in word for word in words), words)
        self.assertEqual(self.check(RIGHT)["claims"][0]["unsupported_words"], [])
        plain = run("check", "-", "--against", self.index, text=f"{WRONG}\n").stdout.decode().splitlines()
        line = next(i for i, text in enumerate(plain) if text.startswith("contradicted"))
        begin = plain[line].index("35 days")
        self.assertEqual(plain[line + 1], " " * begin + "^" * len("35 days"))
        colours = run("--color", "always", "check", "-", "--against", self.index, text=f"{WRONG}\n").stdout.decode()
        self.assertIn("\033[4m35 days\033[0m", colours)
        self.assertNotIn("^", colours)

    def test_a_model_of_the_user_takes_part_and_is_named(self) -> None:
        folder = self.temporary()
        made = subprocess.run(
            [
                SOURCE / ".venv/bin/python",
                SOURCE / "tests/support/tiny_checker.py",
                SOURCE / ".models/minilm-l6-v2-f32",
                folder,
            ],
            capture_output=True,
        )
        self.assertEqual(made.returncode, 0, made.stderr.decode())
        answer = f"{RIGHT}\n\n{UNKNOWN}\n"
        report = self.check(answer, "--checker", folder / "checker")
        self.assertRegex(report["checker"], r"^tiny@[0-9a-f]{12}$")
        self.assertNotIn("checker", self.check(answer, "--no-checker"))
        self.assertRegex(self.check(answer)["checker"], r"^assay-checker-\d+@[0-9a-f]{12}$")
        card = folder / "checker/checker.yaml"
        card.write_text(card.read_text().replace("temperature: 0.5", "temperature: hot"))
        done = run("check", "-", "--against", self.index, "--checker", folder / "checker", text=answer)
        self.assert_error(done, EXIT_INVALID, "checker.yaml:5", "temperature", "a number")

    def test_right_wrong_and_unknown_facts_get_their_verdicts(self) -> None:
        report = self.check(f"{RIGHT}\n\n{WRONG}\n\n{UNKNOWN}\n")
        self.assertEqual(
            [claim["verdict"] for claim in report["claims"]], ["supported", "contradicted", "unverified"]
        )
        self.assertEqual(report["summary"], {"supported": 1, "contradicted": 1, "unverified": 1})
        self.assertIn("27 days", report["claims"][1]["reason"])
        self.assertIn("35 days", report["claims"][1]["reason"])

    def test_offsets_count_bytes_of_the_answer(self) -> None:
        answer = f"Über uns – naïve Einleitung.\n\n- {WRONG}\n"
        claim = next(c for c in self.check(answer)["claims"] if c["verdict"] == "contradicted")
        self.assertEqual(answer.encode()[claim["start"] : claim["end"]].decode(), WRONG)

    def test_evidence_points_into_the_document(self) -> None:
        evidence = self.check(RIGHT)["claims"][0]["evidence"][0]
        document = (HANDBOOK / evidence["file"]).read_bytes()
        quoted = document[evidence["start"] : evidence["end"]].decode()
        self.assertEqual(" ".join(quoted.split()), " ".join(evidence["text"].split()))
        self.assertIn("27 days", quoted)
        lines = document.decode().splitlines()
        self.assertTrue(lines[evidence["line"] - 1].startswith(quoted.split("\n")[0][:20]))

    def test_given_claims_are_judged_without_extraction(self) -> None:
        folder = self.temporary()
        claims = folder / "claims.jsonl"
        claims.write_text("\n".join(json.dumps({"claim": c}) for c in (RIGHT, WRONG)) + "\n")
        done = run("check", "--claims", claims, "--against", self.index, "--json")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        report = json.loads(done.stdout)
        self.assertEqual([c["text"] for c in report["claims"]], [RIGHT, WRONG])
        self.assertEqual([c["verdict"] for c in report["claims"]], ["supported", "contradicted"])

    def test_a_bad_claims_line_is_named(self) -> None:
        claims = self.temporary() / "claims.jsonl"
        claims.write_text('{"claim": "fine"}\n{"text": "no claim"}\n')
        done = run("check", "--claims", claims, "--against", self.index, "--json")
        self.assert_error(done, EXIT_INVALID, "claims.jsonl: line 2", '"claim"')

    def test_fail_on_sets_the_exit_code(self) -> None:
        def code(answer: str, level: str) -> int:
            return run("check", "-", "--against", self.index, "--fail-on", level, text=answer).returncode

        self.assertEqual(code(RIGHT, "unverified"), 0)
        self.assertEqual(code(UNKNOWN, "contradicted"), 0)
        self.assertEqual(code(UNKNOWN, "unverified"), EXIT_FINDINGS)
        self.assertEqual(code(WRONG, "contradicted"), EXIT_FINDINGS)

    def test_follow_judges_a_sentence_before_the_answer_ends(self) -> None:
        process = subprocess.Popen(
            [ASSAY, "check", "-", "--against", str(self.index), "--follow", "--json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        timer = threading.Timer(60, process.kill)
        timer.start()
        try:
            process.stdin.write(f"{WRONG} The next".encode())
            process.stdin.flush()
            first = json.loads(process.stdout.readline())  # arrives while the answer is still open
            self.assertEqual(first["verdict"], "contradicted")
            rest, _ = process.communicate(b" sentence goes on.\n")
        finally:
            timer.cancel()
        self.assertEqual(list(json.loads(rest.splitlines()[-1])), ["summary"])
        self.assertEqual(process.returncode, 0)

    def test_follow_agrees_with_the_whole_answer(self) -> None:
        answer = "\n\n".join((RIGHT, WRONG, UNKNOWN))
        whole = self.check(answer)
        done = run("check", "-", "--against", self.index, "--follow", "--json", text=answer)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(lines[:-1], whole["claims"])
        self.assertEqual(lines[-1]["summary"], whole["summary"])

    def test_a_question_completes_a_fragment(self) -> None:
        question = ("--question", "How many days of paid annual leave do full-time employees receive?")
        done = run("check", "-", *question, "--against", self.index, "--json", text="30 days.")
        (claim,) = json.loads(done.stdout)["claims"]
        self.assertEqual(claim["verdict"], "contradicted")
        self.assertIn("27 days", claim["reason"])
        done = run("check", "-", *question, "--against", self.index, "--json", text="27")
        self.assertEqual(json.loads(done.stdout)["summary"]["supported"], 1)

    def test_the_html_report_is_one_escaped_page(self) -> None:
        page = self.temporary() / "report.html"
        answer = WRONG + "\n\n<script>alert(1)</script> employees receive 27 days.\n"
        done = run("check", "-", "--against", self.index, "--html", page, text=answer)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        html = page.read_text()
        self.assertNotIn("<script>alert", html)
        self.assertNotIn('src="http', html)
        self.assertIn('class="claim contradicted"', html)
        data = html.split('id="data">', 1)[1].split("</script>", 1)[0]
        first = json.loads(data)[0]
        self.assertIn("27 days", first["evidence"][0]["text"])
        self.assertTrue(first["evidence"][0]["before"] or first["evidence"][0]["after"])

    def test_an_answer_without_claims_says_so(self) -> None:
        self.assertEqual(self.check("")["claims"], [])
        done = run("check", "-", "--against", self.index, text="Hello there! How are you?\n")
        self.assertIn(b"nothing to check", done.stdout)

    def test_text_report_has_no_colours_in_a_pipe_and_has_them_on_request(self) -> None:
        plain = run("check", "-", "--against", self.index, text=WRONG).stdout
        self.assertNotIn(b"\x1b[", plain)
        self.assertIn(b"contradicted", plain)
        painted = run("--color", "always", "check", "-", "--against", self.index, text=WRONG).stdout
        self.assertIn(b"\x1b[31m", painted)


class BadInputTest(CliTest):
    def test_invalid_utf8_names_the_byte(self) -> None:
        done = run("check", "-", "--against", self.index, text=b"Fine so far \xff\xfe and then not.")
        self.assert_error(done, EXIT_INVALID, "standard input", "12")

    def test_an_answer_over_the_limit_is_refused(self) -> None:
        done = run("check", "-", "--against", self.index, text=b"word " * (20 << 20))
        self.assert_error(done, EXIT_INVALID, "larger than 16 MiB")

    def test_missing_files_are_named(self) -> None:
        self.assert_error(run("check", "/no/such/answer.md", "--against", self.index), EXIT_NOT_FOUND, "/no/such/answer.md")
        self.assert_error(run("check", "-", "--against", "/no/such/docs"), EXIT_NOT_FOUND, "/no/such/docs")

    def test_a_folder_without_readable_documents_is_an_error(self) -> None:
        folder = self.temporary()
        (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        done = run("check", "-", "--against", folder, text=RIGHT)
        self.assertEqual(done.returncode, EXIT_INVALID, done.stderr.decode())
        self.assertIn(str(folder), done.stderr.decode())

    def test_a_pdf_that_is_none_is_a_warning_and_the_rest_is_indexed(self) -> None:
        folder = self.temporary()
        (folder / "good.md").write_text("# Rules\n\nThe office opens at 8:00 every day.\n")
        (folder / "fake.pdf").write_bytes(b"this is no PDF at all")
        done = run("index", folder, "--json")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        report = json.loads(done.stdout)
        self.assertEqual([w["file"] for w in report["warnings"]], ["fake.pdf"])
        self.assertEqual(report["files"], 1)

    def test_a_damaged_index_is_reported_not_read(self) -> None:
        folder = self.temporary()
        run("index", HANDBOOK, "--index", folder / "index")
        path = folder / "index" / "index.assay"
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 0x40
        path.write_bytes(damaged)
        done = run("check", "-", "--against", folder / "index", text=RIGHT)
        self.assert_error(done, EXIT_DATA_LOSS, "index.assay")

    def test_wrong_arguments_exit_with_two(self) -> None:
        self.assertEqual(run("check").returncode, EXIT_INVALID)
        self.assertEqual(run("frobnicate").returncode, EXIT_INVALID)
        self.assertEqual(run("check", "-", "--against", self.index, "--fail-on", "sometimes").returncode, EXIT_INVALID)
        self.assertEqual(run("check", "--against", self.index).returncode, EXIT_INVALID)


class OtherCommandsTest(CliTest):
    def test_every_subcommand_has_help(self) -> None:
        for command in ("check", "extract", "index", "search", "eval", "bench", "version"):
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(command.encode(), done.stdout)
        self.assertIn(b"Exit codes", run("--help").stdout)

    def test_extract_prints_a_json_object_a_sentence(self) -> None:
        answer = f"# Title\n\n{RIGHT} Do you have questions?\n"
        done = run("extract", "-", "--json", text=answer)
        sentences = [json.loads(line) for line in done.stdout.splitlines()]
        for sentence in sentences:
            self.assertEqual(list(sentence), ["text", "start", "end", "kind", "claims"])
            self.assertEqual(answer.encode()[sentence["start"] : sentence["end"]].decode(), sentence["text"])
        kinds = {sentence["text"]: sentence["kind"] for sentence in sentences}
        self.assertEqual(kinds[RIGHT], "factual")
        self.assertEqual(kinds["Do you have questions?"], "question")

    def test_search_finds_the_passage(self) -> None:
        done = run("search", "How long is the probation period?", "--in", self.index, "--json", "--top", 3)
        found = json.loads(done.stdout)
        self.assertEqual(found["results"][0]["file"], "joining-leaving.md")
        self.assertIn("six months", found["results"][0]["text"])

    def test_index_reads_only_what_changed(self) -> None:
        folder = self.temporary()
        docs = folder / "docs"
        docs.mkdir()
        for name in ("a", "b", "c"):
            (docs / f"{name}.md").write_text(f"# {name}\n\nThe {name} team has seven members in Leeds.\n")
        first = json.loads(run("index", docs, "--json").stdout)
        self.assertEqual((first["added"], first["kept"]), (3, 0))
        (docs / "a.md").write_text("# a\n\nThe a team has nine members in Ghent now.\n")
        (docs / "b.md").unlink()
        second = json.loads(run("index", docs, "--json").stdout)
        self.assertEqual((second["changed"], second["deleted"], second["kept"]), (1, 1, 1))
        done = run("check", "-", "--against", docs, "--json", text="The a team has nine members in Ghent now.")
        self.assertEqual(json.loads(done.stdout)["summary"]["supported"], 1)

    def test_killing_the_indexer_leaves_a_whole_index(self) -> None:
        folder = self.temporary()
        docs = folder / "docs"
        docs.mkdir()
        for number in range(200):
            (docs / f"{number}.md").write_text(f"# Team {number}\n\nTeam {number} has {number + 2} members in Leeds.\n" * 20)
        self.assertEqual(run("index", docs).returncode, 0)
        for delay_ms in (1, 5, 10, 20, 40, 80):
            (docs / "0.md").write_text(f"# Team 0\n\nTeam 0 has {delay_ms + 500} members in Leeds.\n")
            process = subprocess.Popen([ASSAY, "index", str(docs)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(delay_ms / 1000)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
            done = run("check", "-", "--against", docs / ".assay", "--json", text="Team 7 has 9 members in Leeds.")
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.assertEqual(json.loads(done.stdout)["summary"]["supported"], 1)

    def test_version_names_the_simd_target_and_the_environment_forces_one(self) -> None:
        self.assertIn("simd", json.loads(run("version", "--json").stdout))
        done = subprocess.run([ASSAY, "version"], env={**os.environ, "ASSAY_SIMD": "nonsense"}, capture_output=True)
        self.assertEqual(done.returncode, EXIT_INVALID)
        self.assertIn(b"nonsense", done.stderr)


if __name__ == "__main__":
    unittest.main()
