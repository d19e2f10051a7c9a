"""Routes that ask several experts: fanout, cascade and best-of, and POST /v1/consensus."""
import json
import os
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream, answer, error
from gateway_process import SOURCE, GatewayProcess, eventually

CHAT = "/v1/chat/completions"
RIGHT = "The refund takes 30 days. The fee is 12 euros."
SHORT = "The refund takes 30 days."
WRONG = "The refund takes 3 days. The fee is 12 euros."


def body(question="How long does a refund take?", **more):
    return {"model": "panel", "messages": [{"role": "user", "content": question}], **more}


def system_of(call):
    first = call.json["messages"][0]
    return first["content"] if first["role"] == "system" else ""


@unittest.skipUnless((SOURCE / ".models").is_dir() or "ASSAY_MODELS" in os.environ, "the encoders are not installed")
class CircleTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.says = {"careful": RIGHT, "terse": SHORT, "bold": WRONG}
        self.seen = []
        self.upstream = self.enterContext(FakeUpstream(self.by_expert))

    async def by_expert(self, call):
        """Each expert is known by its system prompt."""
        self.seen.append(call.json)
        name = next((name for name in self.says if f"You are {name}." in system_of(call)), None)
        text = self.says[name] if name else RIGHT
        await (error(500) if text is None else answer(text))(call)

    def serve(self, policy, experts=("careful", "terse", "bold"), documents=(), **consensus):
        config = self.folder / "assay.json"
        config.write_text(json.dumps({
            "data_folder": str(self.folder / "data"),
            "upstreams": {"u": {"url": self.upstream.url, "retry": {"attempts": 0},
                                "price": {"prompt_usd": 1, "completion_usd": 1}, "breaker": {"enabled": False}}},
            "experts": {name: {"upstream": "u", "system": f"You are {name}.", "temperature": 0.1}
                        for name in ("careful", "terse", "bold")},
            "routes": {"panel": {"experts": list(experts), "policy": policy, "documents": list(documents),
                                 "consensus": consensus}}}))
        models = os.environ.get("ASSAY_MODELS", str(SOURCE / ".models"))
        return GatewayProcess("", "--config", config, env={"ASSAY_MODELS": models})

    def handbook(self):
        folder = self.folder / "docs"
        folder.mkdir()
        (folder / "refunds.md").write_text("# Refunds\n\nA refund takes 30 days. The fee for a refund is 12 euros.\n")
        return [str(folder)]

    def ask(self, gateway, **more):
        reply = gateway.post(CHAT, body(**more))
        self.assertEqual(reply.status, 200, reply.body)
        return reply

    @staticmethod
    def text(reply):
        return reply.json["choices"][0]["message"]["content"]

    def test_each_expert_gets_its_own_prompt_and_temperature(self):
        with self.serve("fanout") as gateway:
            reply = gateway.post(CHAT, {"model": "panel", "temperature": 0.9, "messages": [
                {"role": "system", "content": "Be brief."}, {"role": "user", "content": "?"}]})
        self.assertEqual(reply.status, 200, reply.body)
        # The client's own system prompt stays behind the expert's.
        self.assertEqual(sorted(one["messages"][0]["content"] for one in self.seen),
                         [f"You are {name}.\n\nBe brief." for name in ("bold", "careful", "terse")])
        self.assertEqual({one["temperature"] for one in self.seen}, {0.1})

    def test_fanout_merges_what_a_quorum_says_and_names_the_dissent(self):
        with self.serve("fanout", method="claims") as gateway:
            reply = self.ask(gateway)
        text = self.text(reply)
        self.assertIn("30 days", text)
        self.assertIn("12 euros", text)
        self.assertNotIn("3 days", text.replace("30 days", ""))
        merged = reply.json["assay"]["consensus"]
        self.assertEqual(merged["method"], "claims")
        dissent = " ".join(json.dumps(one) for one in merged["dissent"])
        self.assertIn("3 days", dissent)
        self.assertIn("bold", dissent)
        self.assertEqual([one["expert"] for one in reply.json["assay"]["experts"]], ["careful", "terse", "bold"])
        self.assertIn("asked=3; answered=3; method=claims", reply.headers["x-assay-consensus"])
        self.assertEqual(len(self.seen), 3)

    def test_all_calls_are_paid_for_and_a_repeated_question_costs_none(self):
        with self.serve("fanout") as gateway:
            first = self.ask(gateway)
            self.assertGreater(first.json["usage"]["total_tokens"], 0)
            for expert in first.json["assay"]["experts"]:
                self.assertGreater(expert["cost_usd"], 0)
            again = self.ask(gateway)
            self.assertEqual(again.cache, "hit; tier=memory")
            self.assertEqual(again.json, first.json)
        self.assertEqual(len(self.seen), 3)

    def test_each_expert_is_measured_and_what_is_learned_outlasts_a_restart(self):
        self.says = {"careful": "The answer is 42.", "terse": "It is 42.", "bold": "The answer is 41."}
        log = self.folder / "data" / "experts" / "votes.log"
        with self.serve("fanout", method="majority") as gateway:
            for i in range(3):
                self.ask(gateway, question=f"What is it? ({i})")
            self.says["terse"] = None
            self.ask(gateway, question="And now?")
            metrics = gateway.metrics()
            of = {name: {expert: metrics[f'assay_expert_{name}{{expert="{expert}"}}'] for expert in self.says}
                  for name in ("calls_total", "errors_total", "agreed_total", "seconds_count")}
            self.assertEqual(set(of["calls_total"].values()), {4})
            self.assertEqual(of["errors_total"], {"careful": 0, "terse": 1, "bold": 0})
            self.assertEqual((of["agreed_total"]["terse"], of["agreed_total"]["bold"]), (3, 0))
            self.assertGreaterEqual(of["seconds_count"]["bold"], 4)
        size = log.stat().st_size
        with self.serve("fanout", method="majority") as gateway:
            self.ask(gateway, question="Once more?")
        self.assertGreater(log.stat().st_size, size, "one more question beside those of before")

    def test_an_expert_that_fails_is_left_out(self):
        self.says["terse"] = None
        with self.serve("fanout") as gateway:
            reply = self.ask(gateway)
        experts = {one["expert"]: one for one in reply.json["assay"]["experts"]}
        self.assertIn("500", experts["terse"]["error"])
        self.assertIn("answered=2", reply.headers["x-assay-consensus"])

    def test_when_all_fail_the_first_ones_answer_is_given(self):
        self.says = dict.fromkeys(self.says)
        with self.serve("fanout") as gateway:
            self.assertEqual(gateway.post(CHAT, body()).status, 500)

    def test_a_cascade_stops_at_the_first_answer_that_the_documents_support(self):
        with self.serve("cascade", experts=("bold", "careful", "terse"), documents=self.handbook()) as gateway:
            reply = self.ask(gateway)
        self.assertEqual(self.text(reply), RIGHT)
        self.assertEqual([system_of_json(one) for one in self.seen], ["You are bold.", "You are careful."])
        self.assertIn("chosen=careful; supported", reply.headers["x-assay-consensus"])

    def test_a_cascade_without_documents_stops_when_two_agree(self):
        self.says = {"careful": SHORT, "terse": SHORT, "bold": WRONG}
        with self.serve("cascade", experts=("careful", "terse", "bold")) as gateway:
            reply = self.ask(gateway)
        self.assertEqual(self.text(reply), SHORT)
        self.assertEqual(len(self.seen), 2)

    def test_best_of_serves_the_answer_that_the_documents_support_best(self):
        with self.serve("best-of", experts=("bold", "careful"), documents=self.handbook()) as gateway:
            reply = self.ask(gateway)
        self.assertEqual(self.text(reply), RIGHT)
        verdicts = {one["expert"]: one["verdict"] for one in reply.json["assay"]["experts"]}
        self.assertEqual(verdicts["bold"], "contradicted")
        self.assertEqual(verdicts["careful"], "supported")
        self.assertEqual(reply.headers["x-assay-verdict"], verdicts["careful"])

    def test_a_stream_gets_the_merged_answer(self):
        with self.serve("fanout", method="medoid") as gateway:
            reply = gateway.post(CHAT, body(stream=True))
        self.assertEqual(reply.status, 200)
        events = [line[6:] for line in reply.body.decode().splitlines() if line.startswith("data: ")]
        self.assertEqual(events[-1], "[DONE]")
        text = "".join(json.loads(one)["choices"][0]["delta"].get("content", "") for one in events[:-1]
                       if json.loads(one)["choices"])
        self.assertIn(text, self.says.values())
        self.assertFalse(any(one.get("stream") for one in self.seen))
        self.assertIn("method=medoid", reply.headers["x-assay-consensus"])

    def test_tools_go_to_one_expert_only(self):
        tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
        with self.serve("fanout") as gateway:
            gateway.post(CHAT, body(tools=tools))
        self.assertEqual(len(self.seen), 1)
        self.assertEqual(self.seen[0]["tools"], tools)

    def test_a_route_with_one_expert_cannot_ask_several(self):
        with self.assertRaisesRegex(RuntimeError, "needs 2 to 16"):
            with self.serve("fanout", experts=("careful",)):
                pass

    def test_answers_at_hand_are_merged_by_the_endpoint(self):
        with self.serve("fanout") as gateway:
            reply = gateway.post("/v1/consensus", {"method": "majority", "answers": [
                {"expert": "a", "text": "The answer is 42."}, {"expert": "b", "text": "So it is 42."},
                {"expert": "c", "text": "The answer is 41."}]})
            self.assertEqual(reply.status, 200, reply.body)
            self.assertIn("42", reply.json["answer"])
            self.assertEqual(reply.json["numeric"]["value"], 42)
            for wrong in ({}, {"answers": []}, {"answers": [{"text": 1}]}, {"answers": ["a", "b"], "quorum": 7}):
                refused = gateway.post("/v1/consensus", wrong)
                self.assertEqual(refused.status, 400, refused.body)
                self.assertEqual(refused.json["error"]["code"], "invalid_body")


def system_of_json(request):
    return request["messages"][0]["content"]


if __name__ == "__main__":
    unittest.main()
