"""Documents of a route: verdicts with their evidence, and what becomes of cached verdicts when documents change."""
import concurrent.futures
import json
import os
import signal
import sqlite3
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream, answer
from gateway_process import SOURCE, GatewayProcess, chat, eventually

CHAT = "/v1/chat/completions"
SAYS = "Full-time employees receive 27 days of paid annual leave per calendar year."
OTHER = "Full-time employees receive 30 days of paid annual leave per calendar year."


@unittest.skipUnless((SOURCE / ".models").is_dir() or "ASSAY_MODELS" in os.environ, "the word vectors are not installed")
class DocumentsTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.docs = self.folder / "docs"
        self.docs.mkdir()
        self.write(SAYS)
        self.upstream = self.enterContext(FakeUpstream(answer(SAYS)))
        self.env = {"ASSAY_MODELS": os.environ.get("ASSAY_MODELS", str(SOURCE / ".models"))}

    def write(self, sentence):
        (self.docs / "leave.md").write_text(f"# Leave\n\nThe handbook of the company.\n\n{sentence}\n")

    def serve(self, *arguments, documents=True, **env):
        docs = ["--docs", self.docs] if documents else []
        return GatewayProcess(self.upstream.url, *docs, *arguments,
                              env={**self.env, **{f"ASSAY_{name}": str(value) for name, value in env.items()}})

    def reload(self, gateway):
        gateway.process.send_signal(signal.SIGHUP)
        while "were read again" not in (line := gateway.process.stderr.readline()):
            self.assertTrue(line, "the server ended")

    def ask(self, gateway, **more):
        reply = gateway.post(CHAT, chat("How many days?", **more))
        self.assertEqual(reply.status, 200, reply.body)
        return reply.cache, reply.headers.get("x-assay-verdict")

    def test_a_cached_verdict_changes_with_the_documents(self):
        with self.serve() as gateway:
            self.assertEqual(self.ask(gateway), ("miss", "supported"))
            self.assertEqual(self.ask(gateway), ("hit; tier=memory", "supported"))
            self.write(OTHER)
            self.reload(gateway)
            eventually(lambda: self.ask(gateway) == ("hit; tier=memory", "contradicted"), "judged by the new ones")
            self.assertEqual(self.ask(gateway), ("hit; tier=memory", "contradicted"))
            self.assertEqual(self.ask(gateway, stream=True), ("hit; tier=memory", "contradicted"))
            self.assertEqual(gateway.metric("assay_cache_rechecked_total"), 1)
            self.reload(gateway)  # the same documents
            self.assertEqual(self.ask(gateway), ("hit; tier=memory", "contradicted"))
            self.assertEqual(gateway.metric("assay_cache_rechecked_total"), 1)
        self.assertEqual(self.upstream.calls, 1)

    def test_an_answer_that_many_ask_for_at_once_is_judged_again_once(self):
        with self.serve(THREADS=1) as gateway:
            self.assertEqual(self.ask(gateway), ("miss", "supported"))
            self.write(OTHER)
            self.reload(gateway)
            eventually(lambda: self.ask(gateway, temperature=1)[1] == "contradicted", "the new ones are read")
            before = gateway.metric("assay_cache_rechecked_total")
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                answers = list(pool.map(lambda _: self.ask(gateway), range(32)))
            self.assertEqual(set(answers), {("hit; tier=memory", "contradicted")})
            self.assertEqual(gateway.metric("assay_cache_rechecked_total"), before + 1)

    def test_an_answer_on_disk_is_judged_by_the_documents_of_today(self):
        disk = ["--cache-dir", self.folder / "cache"]
        with self.serve(*disk) as gateway:
            self.assertEqual(self.ask(gateway), ("miss", "supported"))
        self.write(OTHER)
        with self.serve(*disk) as gateway:
            self.assertEqual(self.ask(gateway), ("hit; tier=disk", "contradicted"))
            self.assertEqual(self.ask(gateway), ("hit; tier=memory", "contradicted"))
        with self.serve(*disk) as gateway:  # the new verdict was stored, with the answer's age
            self.assertEqual(self.ask(gateway), ("hit; tier=disk", "contradicted"))
            self.assertEqual(gateway.metric("assay_cache_rechecked_total"), 0)
        self.assertEqual(self.upstream.calls, 1)

    def test_documents_that_come_or_go_take_the_verdict_with_them(self):
        disk = ["--cache-dir", self.folder / "cache"]
        with self.serve(*disk, documents=False) as gateway:
            self.assertEqual(self.ask(gateway), ("miss", None))
        with self.serve(*disk) as gateway:
            self.assertEqual(self.ask(gateway), ("hit; tier=disk", "supported"))
        with self.serve(*disk, documents=False) as gateway:
            self.assertEqual(self.ask(gateway), ("hit; tier=disk", None))

    def test_the_request_log_keeps_where_the_evidence_stands(self):
        file = self.folder / "requests.db"
        with self.serve(REQUEST_LOG_FILE=file) as gateway:
            self.ask(gateway)
        with sqlite3.connect(file) as database:
            claims = json.loads(database.execute("SELECT claims_json FROM exchange_detail").fetchone()[0])
        database.close()
        self.assertEqual((claims[0]["text"], claims[0]["verdict"]), (SAYS, "supported"))
        best = claims[0]["evidence"][0]
        self.assertEqual((Path(best["file"]).name, best["line"], best["text"]), ("leave.md", 5, SAYS))
        self.assertGreater(best["score"], 0.9)


if __name__ == "__main__":
    unittest.main()
