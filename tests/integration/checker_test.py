"""A cross-encoder of the user behind the gateway: `claims.checker`, its words, its pairs, and what stops the start."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream, answer
from gateway_process import ASSAY, SOURCE, GatewayProcess, chat, eventually

MODELS = Path(os.environ.get("ASSAY_MODELS", SOURCE / ".models"))
VOCABULARY = SOURCE / ".models/minilm-l6-v2-f32"
CHAT = "/v1/chat/completions"
SAYS = "Full-time employees receive 27 days of paid annual leave per calendar year."
OPEN = "New employees of the company often take part in a welcome meeting."  # no fact decides it
CLASSES = ("contradicted", "supported", "neutral")


@unittest.skipUnless(MODELS.is_dir() and VOCABULARY.is_dir(), "the encoders are not installed")
class CheckerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        subprocess.run([sys.executable, SOURCE / "tests/support/tiny_checker.py", VOCABULARY, cls.made], check=True)

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.docs = self.folder / "docs"
        self.docs.mkdir()
        (self.docs / "staff.md").write_text(f"# Staff\n\n{SAYS} Employees meet the managers of the company.\n")
        self.upstream = self.enterContext(FakeUpstream(answer(OPEN)))

    def checker(self, *changes, leave_out=()):
        """A copy of the tiny model with its card changed."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        for name in ("model.xml", "model.bin", "vocab.txt", "checker.yaml"):
            if name not in leave_out:
                shutil.copyfile(self.made / "checker" / name, folder / name)
        card = folder / "checker.yaml"
        for old, new in changes:
            self.assertIn(old, card.read_text())
            card.write_text(card.read_text().replace(old, new))
        return folder

    def serve(self, checker, semantic=None, documents=True):
        config = self.folder / "assay.json"
        route = {"cache": {"semantic": semantic}} if semantic else {}
        if documents:
            route["documents"] = [str(self.docs)]
        config.write_text(json.dumps({"upstreams": {"u": {"url": self.upstream.url}}, "routes": {"*": route},
                                      "claims": {"checker": str(checker)}}))
        return GatewayProcess("", "--config", config, env={"ASSAY_MODELS": str(MODELS)})

    def judge(self, checker, claim=OPEN):
        """What the API says of a claim, and the verdict of an answer in its header."""
        with self.serve(checker) as gateway:
            reply = gateway.post("/v1/claims/verify", {"claims": [claim]})
            self.assertEqual(reply.status, 200, reply.body)
            answered = gateway.post(CHAT, chat("What do new employees do?"))
            return reply.json["results"][0], answered.headers.get("x-assay-verdict")

    def test_the_model_decides_what_no_fact_does_and_names_the_words(self):
        without, headed = self.judge("off")
        self.assertEqual((without["verdict"], headed), ("unverified", "unverified"))
        # Sure of itself, and with its classes named in another order, the same graph contradicts the claim.
        model = self.checker((f"[{', '.join(CLASSES)}]", f"[{', '.join(CLASSES[2:] + CLASSES[:2])}]"),
                             ("temperature: 0.5", "temperature: 0.01"))
        judged, headed = self.judge(model)
        self.assertEqual((judged["verdict"], headed), ("contradicted", "contradicted"))
        self.assertGreater(judged["confidence"], 0.8)
        words = [OPEN[one["start"]:one["end"]] for one in judged["unsupported_words"]]
        self.assertNotEqual(judged["unsupported_words"], without["unsupported_words"])
        self.assertTrue(all(re.fullmatch(r"\w+( \w+)*", word) for word in words) and words, words)

    def evaluate(self, *arguments):
        records = self.folder / "claims.jsonl"
        meeting = "Employees meet the managers of the company."
        rows = ((SAYS, OPEN, "contradicted"), (meeting, OPEN, "contradicted"), (meeting, OPEN, "neutral"), (SAYS, SAYS, "supported"))
        records.write_text("".join(json.dumps({"premise": premise, "hypothesis": claim, "label": label}) + "\n"
                                   for premise, claim, label in rows))
        return subprocess.run([ASSAY, "eval", "claims", "--data", records, "--json", *map(str, arguments)],
                              capture_output=True, text=True, env={**os.environ, "ASSAY_MODELS": str(MODELS)}, timeout=60)

    def test_an_evaluation_asks_the_named_model_and_names_the_fold_that_is_missing(self):
        model = self.checker((f"[{', '.join(CLASSES)}]", f"[{', '.join(CLASSES[2:] + CLASSES[:2])}]"),
                             ("temperature: 0.5", "temperature: 0.01"))  # contradicts what is open
        right = {}
        for name, arguments in (("facts", ["--no-checker"]), ("model", ["--checker", model, "--threads", "2"])):
            done = self.evaluate(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            right[name] = json.loads(done.stdout)["accuracy_3way"]
        self.assertEqual(right, {"facts": 0.5, "model": 0.75})
        folds = self.folder / "folds"
        (folds / "fold0").mkdir(parents=True)
        for name in ("model.xml", "model.bin", "vocab.txt", "checker.yaml"):
            shutil.copyfile(model / name, folds / "fold0" / name)
        done = self.evaluate("--checker-folds", folds)
        self.assertEqual(done.returncode, 3)
        self.assertIn("fold1/checker.yaml", done.stderr)

    def test_a_fact_decides_before_the_model_is_asked(self):
        judged, _ = self.judge(self.checker(("temperature: 0.5", "temperature: 0.01")), SAYS.replace("27", "35"))
        self.assertEqual(judged["verdict"], "contradicted")
        self.assertIn("27 days", judged["reason"])

    def test_a_model_that_cannot_be_used_stops_the_start_with_file_and_line(self):
        for model, wanted in (
            (self.checker(("temperature: 0.5", "temperature: hot")), r"checker\.yaml:5:\d+: relation\.temperature: must be a"),
            (self.checker(leave_out=["model.bin"]), r"model\.bin is missing"),
            (self.folder / "nowhere", r"cannot open '.*/nowhere/checker\.yaml': no such file or directory"),
        ):
            with self.assertRaisesRegex(RuntimeError, f"claims\\.checker: .*{wanted}"), self.serve(model):
                pass

    def ask_twice(self, **semantic):
        """The second wording's reply, once the first is remembered."""
        model = self.checker(("temperature: 2.0", "temperature: 0.05"))  # no two questions have the same answer
        semantic = {"enabled": True, "shadow_share": 0.01, **semantic}
        with self.serve(model, semantic, documents=False) as gateway:
            gateway.post(CHAT, chat("How do I reset my password?"))
            eventually(lambda: gateway.get("/v1/cache/stats").json["semantic"][0]["entries"], "the question is remembered")
            return gateway.post(CHAT, chat("What are the steps to reset my password?"))

    def test_the_semantic_cache_asks_the_pair_model(self):
        reply = self.ask_twice(pair_model=False)
        self.assertEqual(reply.cache, "hit; tier=semantic")
        self.assertRegex(reply.headers["x-assay-semantic"], r"same answer with probability (0\.9|1)")
        reply = self.ask_twice(pair_model=True)
        self.assertEqual(reply.cache, "miss")
        self.assertRegex(reply.headers["x-assay-semantic"], r"same answer with probability 0\.0")


if __name__ == "__main__":
    unittest.main()
