"""Semantic hits of the gateway: reworded questions are served, near misses are refused with the reason in words."""
import json
import os
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream, answer, stream
from gateway_process import SOURCE, GatewayProcess, eventually

CHAT = "/v1/chat/completions"
STATS = "/v1/cache/stats"
RESET = "How do I reset my password?"
REWORDED = "What are the steps to reset my password?"
DAYS_30 = "Can I return an item within 30 days of delivery?"
DAYS_3 = "Can I return an item within 3 days of delivery?"


def body(question, system="You are a helper.", **more):
    return {"model": "m", "messages": [{"role": "system", "content": system}, {"role": "user", "content": question}],
            **more}


async def by_topic(call):
    """The same answer for every wording of a question."""
    question = call.json["messages"][-1]["content"]
    text = "Open the settings and choose Reset." if "password" in question else f"Answer to: {question}"
    await (stream(text.split(" ")) if call.wants_stream else answer(text))(call)


@unittest.skipUnless((SOURCE / ".models").is_dir() or "ASSAY_MODELS" in os.environ, "the encoders are not installed")
class SemanticTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.upstream = self.enterContext(FakeUpstream(by_topic))

    def serve(self, shadow_share=0.01, cache=None, **more):
        config = self.folder / "assay.json"
        semantic = {"enabled": True, "shadow_share": shadow_share, **more}
        config.write_text(json.dumps({
            "upstreams": {"u": {"url": self.upstream.url}}, "cache": cache or {},
            "routes": {"*": {"cache": {"semantic": semantic}}}}))
        models = os.environ.get("ASSAY_MODELS", str(SOURCE / ".models"))
        return GatewayProcess("", "--config", config, env={"ASSAY_MODELS": models})

    def ask(self, gateway, question, **more):
        reply = gateway.post(CHAT, body(question, **more))
        self.assertEqual(reply.status, 200, reply.body)
        return reply

    def stats(self, gateway):
        return gateway.request("GET", STATS).json["semantic"][0]

    def learn(self, gateway, question, entries=1, **more):
        """Asks what is a miss, and waits until its question can be found."""
        self.assertEqual(self.ask(gateway, question, **more).cache, "miss")
        eventually(lambda: self.stats(gateway)["entries"] >= entries, "the question is remembered")

    def test_a_reworded_question_is_served_without_the_upstream(self):
        with self.serve() as gateway:
            self.learn(gateway, RESET)
            reply = self.ask(gateway, REWORDED)
            self.assertEqual(reply.cache, "hit; tier=semantic")
            self.assertRegex(reply.headers["x-assay-semantic"], r"^similarity 0\.9\d, same answer with probability (0\.9|1)")
            self.assertEqual(reply.json["choices"][0]["message"]["content"], "Open the settings and choose Reset.")
            self.assertIn("age", reply.headers)
            self.assertEqual(gateway.metric('assay_semantic_hits_total{route="*"}'), 1)

    def test_a_near_miss_is_refused_with_the_reason_in_words(self):
        with self.serve() as gateway:
            self.learn(gateway, DAYS_30)
            reply = self.ask(gateway, DAYS_3)
            self.assertEqual(reply.cache, "miss")
            self.assertIn('"3 days" here, "30 days" in the cached question',
                          reply.headers["x-assay-semantic"].replace("within ", ""))
            self.assertEqual(reply.json["choices"][0]["message"]["content"], f"Answer to: {DAYS_3}")
            self.assertEqual(self.stats(gateway)["refused_by_fact"], 1)

    def test_a_stream_is_answered_and_remembered_too(self):
        with self.serve() as gateway:
            self.learn(gateway, RESET, stream=True)
            reply = gateway.post(CHAT, body(REWORDED, stream=True))
            self.assertEqual(reply.cache, "hit; tier=semantic")
            self.assertIn(b"[DONE]", reply.body)

    def test_another_system_prompt_tool_or_moment_is_never_answered_from_a_similar_question(self):
        with self.serve() as gateway:
            self.learn(gateway, RESET)
            self.assertEqual(self.ask(gateway, REWORDED, system="You are a pirate.").cache, "miss")
            tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
            reply = self.ask(gateway, REWORDED, tools=tools)
            self.assertEqual((reply.cache, reply.headers["x-assay-semantic"]),
                             ("miss", "tools take part in the answer"))
            reply = self.ask(gateway, "How do I reset my password today?")
            self.assertEqual(reply.cache, "miss")
            self.assertIn("depends on when", reply.headers["x-assay-semantic"])
            self.assertEqual(self.ask(gateway, REWORDED, temperature=0.5).cache, "miss")

    def test_a_hit_that_is_drawn_is_compared_with_the_upstream_in_the_background(self):
        with self.serve(shadow_share=1) as gateway:
            self.learn(gateway, RESET)
            self.assertEqual(self.ask(gateway, REWORDED).cache, "hit; tier=semantic")
            checked = eventually(lambda: self.stats(gateway)["checked"] and self.stats(gateway), "the check")
            self.assertEqual(checked["wrong"], 0)
            self.assertLess(checked["false_hit_rate_95"][0], 1e-9)
        self.assertEqual(self.upstream.calls, 2)

    def test_questions_survive_a_restart_where_answers_are_on_the_disk(self):
        disk = {"disk": {"folder": str(self.folder / "cache")}}
        with self.serve(cache=disk) as gateway:
            self.learn(gateway, RESET)
        with self.serve(cache=disk) as gateway:
            self.assertEqual(self.stats(gateway)["entries"], 1)
            # The upstream's calls are not counted: one hit in a hundred is compared with it, at least.
            self.assertEqual(self.ask(gateway, REWORDED).cache, "hit; tier=semantic")

    def test_the_metrics_and_statistics_bound_the_share_of_false_hits(self):
        with self.serve(shadow_share=1.0) as gateway:
            self.learn(gateway, RESET)
            self.assertEqual(gateway.metric('assay_semantic_false_hit_share_upper{route="*"}'), 1)  # no hit was checked
            self.assertEqual(self.ask(gateway, REWORDED).cache, "hit; tier=semantic")
            eventually(lambda: self.stats(gateway)["checked"] == 1, "the hit is checked")
            stats = self.stats(gateway)
            self.assertEqual(stats["file_error"], "")
            self.assertEqual(stats["wrong"], 0)
            upper = gateway.metric('assay_semantic_false_hit_share_upper{route="*"}')
            self.assertAlmostEqual(upper, stats["false_hit_rate_95"][1], places=4)
            self.assertEqual(gateway.metric('assay_semantic_false_hit_share{route="*"}'), 0)

    def test_the_oldest_question_goes_first_above_max_entries(self):
        with self.serve(max_entries=100) as gateway:
            for n in range(101):
                self.ask(gateway, f"Who owns building {n} in street {n * 7}?")
            eventually(lambda: self.stats(gateway)["requests"] == 101, "all were looked up")
            eventually(lambda: self.stats(gateway)["entries"] == 100, "one had to go")

    def test_a_damaged_file_of_questions_is_told_of_and_does_not_stop_the_start(self):
        disk = {"disk": {"folder": str(self.folder / "cache")}}
        with self.serve(cache=disk) as gateway:
            self.learn(gateway, RESET)
        file, = (self.folder / "cache" / "semantic").glob("*.semantic")
        file.write_bytes(b"not a record file")
        with self.serve(cache=disk) as gateway:
            self.assertEqual(self.ask(gateway, REWORDED).cache, "miss")
        self.assertEqual(file.read_bytes(), b"not a record file")

    def test_no_cache_asks_the_upstream(self):
        with self.serve() as gateway:
            self.learn(gateway, RESET)
            reply = gateway.post(CHAT, body(REWORDED), headers={"cache-control": "no-cache"})
            self.assertEqual(reply.cache, "bypass")

    def test_a_purged_answer_is_a_miss(self):
        with self.serve() as gateway:
            self.learn(gateway, RESET)
            self.assertEqual(gateway.request("DELETE", "/v1/cache?all=true").status, 200)
            self.assertEqual(self.ask(gateway, REWORDED).cache, "miss")

    def test_it_is_off_by_default(self):
        with GatewayProcess(self.upstream.url) as gateway:
            self.ask(gateway, RESET)
            reply = self.ask(gateway, REWORDED)
            self.assertEqual(reply.cache, "miss")
            self.assertNotIn("x-assay-semantic", reply.headers)


if __name__ == "__main__":
    unittest.main()
