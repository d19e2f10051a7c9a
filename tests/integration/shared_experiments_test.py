"""Experiments that three gateways with one Redis Cluster count together."""
import json
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream
from gateway_process import GatewayProcess, eventually
from redis_process import INSTALLED, RedisCluster, RedisProcess

PATH = "/v1/experiments/tone"
EXPERIMENTS = {"tone": {"metrics": {"solved": {"minimum": 0, "maximum": 1}, "tokens": {"direction": "decrease"}},
                        "variants": {"plain": {}, "warm": {"system": "Be warm."}}}}


@unittest.skipUnless(INSTALLED, "redis-server is not installed")
class SharedExperimentsTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.upstream = self.enterContext(FakeUpstream())

    def gateway(self, name, redis, **more):
        config = self.folder / f"{name}.json"
        config.write_text(json.dumps({
            "data_folder": str(self.folder / name), "upstreams": {"u": {"url": self.upstream.url}},
            "cache": {"redis": {"url": redis.url if hasattr(redis, "url") else f"redis://127.0.0.1:{redis.port}",
                                "time": "1 s", "retry_after": "50 ms", **more}},
            "experiments": EXPERIMENTS}))
        return GatewayProcess("", "--config", config)

    def ask(self, gateway, user, request=None):
        headers = {"x-request-id": request} if request else {}
        reply = gateway.post("/v1/chat/completions", {"model": "m", "user": user, "messages": [{"role": "user", "content": "Why?"}]},
                             headers=headers)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.headers["x-assay-variant"].removeprefix("tone=")

    def outcome(self, gateway, **body):
        return gateway.post(f"{PATH}/outcome", body)

    def report(self, gateway):
        return gateway.get(PATH).json

    def await_report(self, gateways, what, condition):
        """Of each, once it is as it should be."""
        return [eventually(lambda: (r := self.report(gateway)) and condition(r) and r, what) for gateway in gateways]

    def test_each_of_three_reports_the_whole_and_outcomes_count_wherever_they_are_told(self):
        redis = self.enterContext(RedisCluster())
        gateways = [self.enterContext(self.gateway(name, redis)) for name in ("one", "two", "three")]
        units = {"plain": 0, "warm": 0}
        for i in range(30):
            variants = {self.ask(gateway, f"u{i}", f"r{i}-{g}") for g, gateway in enumerate(gateways) if g == i % 3 or i < 6}
            self.assertEqual(len(variants), 1)
            units[variants.pop()] += 1

        def whole(report):
            requests = sum(one["requests"] for one in report["variants"])
            return ({one["name"]: one["units"] for one in report["variants"]}, requests, report["gateways"]) == (units, 42, 3)
        for report in self.await_report(gateways, "each knows all units, those of several gateways once", whole):
            self.assertFalse(report["partial"])
            self.assertFalse(report["assignment"]["mismatch"])
        for i in range(30):
            value = i % 3 / 2
            named = {"unit": f"u{i}"} if i % 2 else {"request_id": f"r{i}-{i % 3}"}
            reply = self.outcome(gateways[(i + 1) % 3], values={"solved": value}, **named)  # not the one that served it
            self.assertEqual((reply.status, reply.json["recorded"]), (200, 1), reply.body)
            reply = self.outcome(gateways[(i + 2) % 3], values={"solved": value}, **named)
            self.assertEqual((reply.status, reply.json["repeated"]), (200, 1), reply.body)
        self.assertEqual(self.outcome(gateways[0], unit="u1", values={"solved": 0.9}).status, 409)
        self.assertEqual(self.outcome(gateways[0], unit="nobody", values={"solved": 1}).status, 404)
        reports = self.await_report(gateways, "each knows all outcomes", lambda report: report["outcomes"] == 30)
        for report in reports:
            solved = [one["metrics"]["solved"] for one in report["variants"]]
            self.assertEqual(sum(one["n"] for one in solved), 30)
            self.assertAlmostEqual(sum(one["n"] * one["mean"] for one in solved), 15, 9)
            for one, other in zip(report["comparisons"], reports[0]["comparisons"], strict=True):
                self.assertAlmostEqual(one["p"], other["p"], 9)
            self.assertEqual(report["history"][-1]["outcomes"], 30)

    def test_a_restart_counts_nothing_twice_and_without_redis_the_report_is_partial(self):
        redis = self.enterContext(RedisProcess())
        one = self.enterContext(self.gateway("one", redis))
        with self.gateway("two", redis) as two:
            for i in range(12):
                self.ask((one, two)[i % 2], f"u{i}")
                self.assertEqual(self.outcome((one, two)[i % 2], unit=f"u{i}", values={"solved": 1}).status, 200)

        def counts(report):
            return report["outcomes"], sum(v["units"] for v in report["variants"]), sum(v["requests"] for v in report["variants"])
        two = self.enterContext(self.gateway("two", redis))
        self.ask(two, "u1")
        for report in self.await_report((one, two), "the restarted one goes on", lambda r: counts(r) == (12, 12, 13)):
            self.assertEqual(report["gateways"], 2)
        redis.kill()
        self.await_report((one, two), "Redis is lost", lambda report: report["partial"])
        for i, gateway in enumerate((one, two)):
            self.ask(gateway, f"later{i}")
            self.assertEqual(counts(self.report(gateway)), (12, 12, 14), "what it knew, and its own requests")
            self.assertEqual(self.outcome(gateway, unit=f"later{i}", values={"solved": 1}).status, 200)
        redis.start()  # empty
        for report in self.await_report((one, two), "it is whole again",
                                        lambda r: counts(r) == (14, 14, 15) and not r["partial"]):
            self.assertEqual(report["gateways"], 2)

    def test_counts_can_be_left_out(self):
        redis = self.enterContext(RedisProcess())
        one = self.enterContext(self.gateway("one", redis, share_experiments=False))
        two = self.enterContext(self.gateway("two", redis))
        self.ask(one, "ann")
        self.assertEqual(self.outcome(two, unit="ann", values={"solved": 1}).status, 404)
        report = self.report(one)
        self.assertEqual((report["gateways"], report["partial"]), (1, False))


if __name__ == "__main__":
    unittest.main()
