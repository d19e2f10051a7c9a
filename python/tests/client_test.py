#!/usr/bin/env python3
"""assay.Client and assay.AsyncClient against a real gateway with a scripted upstream."""

import asyncio
import pathlib
import sys
import tempfile
import threading
import unittest

import built

sys.path[:0] = [str(built.PACKAGE), str(built.ROOT / "tests/integration")]
built.environment()

import assay  # noqa: E402
from fake_upstream import ANSWER, FakeUpstream, stream  # noqa: E402
from gateway_process import GatewayProcess  # noqa: E402

HANDBOOK = "# Leave\n\nEmployees get 30 days of leave a year.\n"


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        pathlib.Path(folder, "leave.md").write_text(HANDBOOK)
        cls.upstream = cls.enterClassContext(FakeUpstream())
        environment = {"ASSAY_MODELS": str(built.ROOT / ".models")}
        cls.gateway = cls.enterClassContext(GatewayProcess(cls.upstream.url, "--docs", folder, env=environment))
        cls.client = cls.enterClassContext(assay.Client(cls.gateway.url, timeout_s=20))

    def test_a_repeated_chat_comes_from_the_cache(self):
        first = self.client.chat("fake", "What is the capital of France?")
        again = self.client.chat("fake", [{"role": "user", "content": "What is the capital of France?"}])
        self.assertEqual((first.text, again.text), (ANSWER, ANSWER))
        self.assertTrue(again.cache.startswith("hit"), again.headers)
        self.assertGreaterEqual(self.client.cache_stats()["tiers"][0]["hits"], 1)

    def test_a_stream_gives_its_pieces(self):
        self.upstream.script(stream(["Par", "is"]))
        events = list(self.client.chat_stream("fake", "And in pieces?"))
        said = "".join(choice["delta"].get("content") or "" for event in events for choice in event.get("choices", []))
        self.assertEqual(said, "Paris")

    def test_claims_are_verified_and_answers_checked(self):
        found = self.client.verify_claims(["Employees get 30 days of leave a year.", "Employees get 3 days of leave a year."])
        self.assertEqual([one["verdict"] for one in found["results"]], ["supported", "contradicted"])
        checked = self.client.check("Employees get 3 days of leave a year.")
        self.assertEqual(checked["summary"]["contradicted"], 1)
        self.assertTrue(self.client.extract_claims("Paris is in France.")["sentences"])

    def test_answers_are_merged(self):
        found = self.client.consensus(["#### 72", "#### 72", {"expert": "c", "text": "#### 27"}], method="majority")
        self.assertEqual(found["answer"], "#### 72")
        self.assertEqual(len(found["dissent"]), 1)

    def test_errors_are_those_of_the_library(self):
        with self.assertRaisesRegex(assay.InvalidArgument, "HTTP 400"):
            self.client.consensus(["alone"])
        with self.assertRaises(assay.NotFound):
            self.client.request("GET", "/v1/nothing")
        with self.assertRaises(assay.InvalidArgument):
            assay.Client("nonsense")
        with self.assertRaises(assay.Unavailable):
            assay.Client("http://127.0.0.1:1").models()

    def test_threads_may_share_a_client(self):
        found = []
        ask = lambda: found.append(self.client.consensus(["#### 1", "#### 1"], method="majority")["answer"])  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, ["#### 1"] * 8)

    def test_coroutines_ask_at_the_same_time(self):
        async def ask():
            async with assay.AsyncClient(self.gateway.url) as client:
                merged = await asyncio.gather(*(client.consensus([f"#### {n}", f"#### {n}"]) for n in range(4)))
                pieces = [event async for event in client.chat_stream("fake", "Once more?")]
                with self.assertRaises(assay.InvalidArgument):
                    await client.consensus(["alone"])
                return [one["answer"] for one in merged], pieces

        answers, pieces = asyncio.run(ask())
        self.assertEqual(answers, [f"#### {n}" for n in range(4)])
        self.assertTrue(pieces)


if __name__ == "__main__":
    unittest.main()
