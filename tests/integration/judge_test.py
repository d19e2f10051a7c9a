"""A judge for uncertain claims: what it says counts with a true quote, inside the band, and is paid for once."""
import json
import os
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream, answer, error, never, stream, words_of
from gateway_process import SOURCE, GatewayProcess, chat

CHAT = "/v1/chat/completions"
CHECK = "/v1/check"
DOCUMENT = "Full-time employees receive 27 days of paid annual leave per calendar year."
CLAIM = "Employees in full-time work are entitled to a leave allowance of 27 days."
CALLS = 'assay_judge_calls_total{outcome="%s"}'


def says(*items):
    return answer(json.dumps([{"claim": claim, "verdict": verdict, "quote": quote} for claim, verdict, quote in items]))


@unittest.skipUnless((SOURCE / ".models").is_dir() or "ASSAY_MODELS" in os.environ, "the word vectors are not installed")
class JudgeTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        docs = self.folder / "docs"
        docs.mkdir()
        (docs / "leave.md").write_text(f"# Leave\n\nThe handbook of the company.\n\n{DOCUMENT}\n")
        self.upstream = self.enterContext(FakeUpstream(answer(CLAIM)))
        self.judge = self.enterContext(FakeUpstream(says((1, "contradicted", "27 days of paid annual leave"))))

    def serve(self, low=0, high=1, cache=False, **judge):
        config = self.folder / "assay.json"
        config.write_text(json.dumps({
            "upstreams": {"main": {"url": self.upstream.url}, "judge": {"url": self.judge.url}},
            "routes": {"*": {"experts": ["main"], "documents": [str(self.folder / "docs")]}},
            "cache": {"enabled": cache},
            "claims": {"judge": {"upstream": "judge", "model": "big", "between": {"low": low, "high": high}, **judge}},
        }))
        models = os.environ.get("ASSAY_MODELS", str(SOURCE / ".models"))
        return GatewayProcess(None, "--config", config, env={"ASSAY_MODELS": models})

    def check(self, gateway, text=CLAIM):
        reply = gateway.post(CHECK, {"answer": text})
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json["claims"][0]

    def verdict(self, gateway, **more):
        reply = gateway.post(CHAT, chat("How many days?", **more))
        self.assertEqual(reply.status, 200, reply.body)
        return reply.headers.get("x-assay-verdict")

    def own(self):
        with self.serve(low=0, high=0) as gateway:
            claim = self.check(gateway)
        self.assertNotEqual(claim["verdict"], "contradicted")
        self.assertNotIn("judge", claim)
        self.assertEqual(self.judge.calls, 0)
        return claim

    def test_what_it_says_with_a_true_quote_counts_and_is_paid_for_once(self):
        with self.serve() as gateway:
            claim = self.check(gateway)
            self.assertEqual(claim["verdict"], "contradicted")
            self.assertEqual(claim["judge"], {"verdict": "contradicted", "quote": "27 days of paid annual leave"})
            self.assertIn("27 days", claim["reason"])
            self.assertEqual(self.check(gateway), claim)
            self.assertEqual(gateway.post("/v1/claims/verify", {"claim": CLAIM}).json["verdict"], "contradicted")
            self.assertEqual(gateway.metric(CALLS % "answered"), 1)
            self.assertEqual(gateway.metric('assay_judge_claims_total{result="taken"}'), 1)
            self.assertEqual(gateway.metric('assay_judge_tokens_total{kind="prompt"}'), 12)
        self.assertEqual(self.judge.calls, 1)
        asked = self.judge.requests[0].json
        self.assertEqual((asked["model"], asked["temperature"]), ("big", 0))
        sent = json.loads(asked["messages"][1]["content"])["claims"][0]
        self.assertEqual((sent["claim"], sent["text"]), (1, CLAIM))
        self.assertIn(DOCUMENT, sent["evidence"])
        self.assertNotIn(CLAIM, asked["messages"][0]["content"])

    def test_answers_are_judged_before_they_are_stored(self):
        with self.serve(cache=True) as gateway:
            self.assertEqual(self.verdict(gateway), "contradicted")
            self.assertEqual(self.verdict(gateway), "contradicted")
            self.assertEqual(self.verdict(gateway, temperature=1), "contradicted")
        self.assertEqual((self.upstream.calls, self.judge.calls), (2, 1))

    def test_a_stream_tells_of_the_claim_again(self):
        self.upstream.script(stream(words_of(CLAIM)))
        with self.serve() as gateway:
            body = gateway.post(CHAT, chat("How many days?", stream=True)).body.decode()
        events = [json.loads(line[6:])["assay"] for line in body.splitlines() if '"assay"' in line]
        self.assertEqual(["judge" in event.get("claim", {}) for event in events], [False, True, False])
        self.assertEqual(events[1]["claim"]["verdict"], "contradicted")
        self.assertEqual(events[0]["claim"]["start"], events[1]["claim"]["start"])
        self.assertEqual(events[2]["summary"], {"supported": 0, "contradicted": 1, "unverified": 0})
        self.assertEqual(self.judge.calls, 1)

    def test_a_false_quote_does_not_count_and_is_not_asked_for_again(self):
        own = self.own()
        for item in ((1, "supported", "40 days of paid annual leave"), (1, "contradicted", "")):
            with self.serve() as gateway:
                self.judge.script(says(item))
                before = self.judge.calls
                self.assertEqual(self.check(gateway), own)
                self.assertEqual(self.check(gateway), own)
                self.assertEqual(gateway.metric('assay_judge_claims_total{result="refused"}'), 1)
                self.assertEqual(self.judge.calls, before + 1)

    def test_nonsense_failure_and_silence_leave_the_own_verdict(self):
        own = self.own()
        with self.serve(timeout="200 ms") as gateway:
            for step, outcome in ((error(500), "failed"), (never(), "late"), (answer("They are all true."), "nonsense")):
                self.judge.script(step)
                self.assertEqual(self.check(gateway), own, outcome)
                self.assertEqual(gateway.metric(CALLS % outcome), 1)
        self.assertEqual(self.judge.calls, 3)

    def test_a_spent_budget_leaves_the_own_verdict(self):
        with self.serve(budget={"period": "total", "requests": 1}) as gateway:
            self.assertIn("judge", self.check(gateway))
            self.assertNotIn("judge", self.check(gateway, "Staff get 27 days of paid annual leave in a calendar year."))
            self.assertEqual(gateway.metric(CALLS % "budget"), 1)
        self.assertEqual(self.judge.calls, 1)

    def test_settings_name_what_is_wrong(self):
        for change, words in (({"upstream": "nobody"}, "claims.judge.upstream"), ({"model": ""}, "claims.judge.model"),
                              ({"low": 0.9, "high": 0.1}, "claims.judge.between.low")):
            with self.assertRaises(RuntimeError) as refused:
                self.serve(**change).__enter__()
            self.assertIn(words, str(refused.exception))


if __name__ == "__main__":
    unittest.main()
