"""What gateways share over Redis besides answers: who asks a question that all get at once, limits, budgets."""
import json
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from fake_upstream import ANSWER, FakeUpstream, Gate, answer, error, never, stream
from gateway_process import ASSAY, GatewayProcess, chat, eventually
from redis_process import INSTALLED, RedisCluster

CHAT = "/v1/chat/completions"
TOLD = 'assay_shared_counts_total{result="told"}'


class Asked:
    """A request on its way, in a thread of its own."""

    def __init__(self, gateway, body):
        self._gateway, self._body, self.reply = gateway, body, None
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self):
        self.reply = self._gateway.post(CHAT, self._body)

    def wait(self):
        self._thread.join(30)
        return self.reply


def locks(gateway, result):
    return gateway.metric(f'assay_shared_locks_total{{result="{result}"}}')


@unittest.skipUnless(INSTALLED, "redis-server is not installed")
class SharedCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = cls.enterClassContext(RedisCluster())

    def setUp(self):
        for node in self.redis.nodes:
            node.command("FLUSHALL")
        self.upstream = self.enterContext(FakeUpstream())

    def start(self, **more):
        env = {"ASSAY_UPSTREAMS_A_URL": self.upstream.url, "ASSAY_CACHE_REDIS_URL": self.redis.url, "ASSAY_CACHE_REDIS_TIME": "1 s",
               "ASSAY_CACHE_REDIS_RETRY_AFTER": "50 ms", **more}
        return self.enterContext(GatewayProcess(None, env=env))


class SharedLocksTest(SharedCase):
    def ask_all(self, gateways, body):
        """Asks the first, and the others when its call has arrived."""
        gate = Gate()
        self.upstream.script(stream(gates={1: gate}) if body.get("stream") else answer(before=gate))
        asked = [Asked(gateways[0], body)]
        gate.wait_arrived()
        asked += [Asked(gateway, body) for gateway in gateways[1:]]
        for gateway in gateways[1:]:
            eventually(lambda: locks(gateway, "held") > 0, "the others wait")
        return gate, asked

    def test_a_question_that_three_gateways_get_at_once_is_asked_once(self):
        gateways = [self.start() for _ in range(3)]
        gate, asked = self.ask_all(gateways, chat())
        gate.open()
        replies = [each.wait() for each in asked]
        self.assertEqual([reply.status for reply in replies], [200] * 3)
        self.assertEqual({reply.json["choices"][0]["message"]["content"] for reply in replies}, {ANSWER})
        self.assertEqual([reply.cache for reply in replies], ["miss"] + ["hit; tier=redis"] * 2)
        self.assertEqual(self.upstream.calls, 1)
        eventually(lambda: sum(self.redis.keys()) == 1, "the lock is given back, the answer stays")

    def test_a_streamed_question_is_asked_once_and_all_get_the_whole_stream(self):
        gateways = [self.start() for _ in range(2)]
        gate, asked = self.ask_all(gateways, chat(stream=True))
        gate.open()
        for reply in [each.wait() for each in asked]:
            self.assertEqual(reply.status, 200)
            self.assertIn(b"Paris", reply.body)
            self.assertTrue(reply.body.rstrip().endswith(b"data: [DONE]"))
        self.assertEqual(self.upstream.calls, 1)

    def test_the_lock_of_a_killed_gateway_is_free_after_its_lease(self):
        one, two = [self.start(ASSAY_CACHE_REDIS_LOCK_LEASE="500 ms") for _ in range(2)]
        gate = Gate()
        self.upstream.script(never(gate))
        thread = threading.Thread(target=self.ask_and_lose, args=(one,))
        thread.start()
        gate.wait_arrived()
        asked = Asked(two, chat())
        eventually(lambda: locks(two, "held") > 0, "the other one waits")
        one.process.kill()
        reply = asked.wait()
        thread.join()
        self.assertEqual((reply.status, reply.cache), (200, "miss"))
        self.assertEqual(self.upstream.calls, 2)

    def ask_and_lose(self, gateway):
        try:
            gateway.post(CHAT, chat())
        except (OSError, ConnectionError):
            pass

    def test_another_gateway_asks_at_once_when_the_first_one_gets_no_answer(self):
        one, two = self.start(), self.start()
        gate = Gate()

        async def fail(call):
            await gate.arrive()
            await error(400)(call)
        self.upstream.script(fail)
        first = Asked(one, chat())
        gate.wait_arrived()
        second = Asked(two, chat())
        eventually(lambda: locks(two, "held") > 0, "the other one waits")
        gate.open()
        self.assertEqual((first.wait().status, second.wait().status), (400, 200))
        self.assertEqual(self.upstream.calls, 2)

    def test_a_gateway_asks_itself_when_it_has_waited_long_enough(self):
        one = self.start()
        two = self.start(ASSAY_CACHE_REDIS_LOCK_WAIT="100 ms")
        gate = Gate()
        self.upstream.script(answer(before=gate))
        first = Asked(one, chat())
        gate.wait_arrived()
        self.assertEqual(two.post(CHAT, chat()).cache, "miss")
        self.assertEqual(locks(two, "given_up"), 1)
        gate.open()
        first.wait()

    def test_no_request_fails_when_redis_is_killed_while_one_waits(self):
        redis = self.enterContext(RedisCluster())
        gateways = [self.start(ASSAY_CACHE_REDIS_URL=redis.url) for _ in range(3)]
        gate, asked = self.ask_all(gateways, chat())
        for node in redis.nodes:
            node.kill()
        self.assertEqual([each.wait().status for each in asked[1:]], [200, 200])
        gate.open()
        self.assertEqual(asked[0].wait().status, 200)
        self.assertEqual(self.upstream.calls, 3, "each for itself")

    def test_locks_can_be_left_out(self):
        one, two = self.start(ASSAY_CACHE_REDIS_SHARE_LOCKS="false"), self.start()
        gate = Gate()
        self.upstream.script(answer(before=gate))
        first = Asked(one, chat())
        gate.wait_arrived()
        self.assertEqual(two.post(CHAT, chat()).cache, "miss")
        gate.open()
        first.wait()
        self.assertNotIn('assay_shared_locks_total{result="taken"}', one.metrics())


class SharedLimitsTest(SharedCase):
    def await_counts(self, *gateways):
        """Until each has told twice more what it let through; the second time it knows what the first had told."""
        for gateway in gateways:
            before = gateway.metric(TOLD)
            eventually(lambda: gateway.metric(TOLD) >= before + 2, "it tells what it let through")

    def test_a_limit_of_an_upstream_holds_over_two_gateways(self):
        env = {"ASSAY_UPSTREAMS_A_RATE_REQUESTS_PER_MINUTE": "10", "ASSAY_UPSTREAMS_A_RATE_QUEUE_LENGTH": "0"}
        one, two = self.start(**env), self.start(**env)
        self.await_counts(one, two)
        self.assertEqual(one.post(CHAT, chat("One?")).status, 200)
        self.await_counts(one, two)
        reply = two.post(CHAT, chat("Two?"))
        self.assertEqual((reply.status, reply.json["error"]["code"]), (429, "upstream_rate_limited"))
        self.assertEqual(self.upstream.calls, 1)

    def test_without_redis_each_gateway_goes_on_with_the_whole_limit(self):
        env = {"ASSAY_UPSTREAMS_A_RATE_REQUESTS_PER_MINUTE": "10", "ASSAY_UPSTREAMS_A_RATE_QUEUE_LENGTH": "0"}
        redis = self.enterContext(RedisCluster())
        one, two = (self.start(ASSAY_CACHE_REDIS_URL=redis.url, **env) for _ in range(2))
        self.await_counts(one, two)
        for node in redis.nodes:
            node.kill()
        failed = 'assay_shared_counts_total{result="failed"}'
        for gateway in (one, two):
            eventually(lambda: gateway.metric(failed) > 0, "Redis is lost")
            self.assertEqual([gateway.post(CHAT, chat(f"{i}?")).status for i in range(2)], [200, 429])

    def test_a_budget_of_a_key_holds_over_two_gateways(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        make = [ASSAY, "keys", "create", "--state", folder / "one", "--json", "--name"]
        token, admin = (json.loads(subprocess.run([*make, *more], capture_output=True, check=True).stdout)["token"]
                        for more in (["app", "--requests", "10"], ["admin", "--scope", "admin"]))
        shutil.copytree(folder / "one", folder / "two")
        one, two = (self.start(ASSAY_KEYS_MODE="required", ASSAY_KEYS_DATABASE=str(folder / name / "keys.db"))
                    for name in ("one", "two"))

        def status(gateway):
            return gateway.post(CHAT, chat(), headers={"authorization": f"Bearer {token}"}).status

        def used(gateway):
            keys = gateway.get("/v1/keys", headers={"authorization": f"Bearer {admin}"}).json["keys"]
            return next(key["requests"]["used"] for key in keys if key["name"] == "app")
        self.assertEqual([status(one) for _ in range(6)], [200] * 6)
        self.assertEqual(status(two), 200)
        eventually(lambda: used(two) == 7, "the other one knows")
        self.assertEqual([status(two) for _ in range(4)], [200] * 3 + [429])
        eventually(lambda: used(one) == 10, "so does the first")
        self.assertEqual(status(one), 429)


if __name__ == "__main__":
    unittest.main()
