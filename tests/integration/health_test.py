"""Upstreams that the gateway looks at by itself (`upstreams.NAME.health`): no request pays for one that is down."""
import json
import socket
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream
from gateway_process import GatewayProcess, chat, eventually

CHAT = "/v1/chat/completions"


class HealthTest(unittest.TestCase):
    def setUp(self):
        self.spare = self.enterContext(FakeUpstream())
        self.first, self.url = self.port()

    def port(self):
        """A socket that has a port, but does not listen."""
        one = socket.socket()
        self.addCleanup(one.close)
        one.bind(("127.0.0.1", 0))
        return one, f"http://127.0.0.1:{one.getsockname()[1]}/v1"

    def gateway(self, config):
        return self.enterContext(GatewayProcess(None, "--config", config, env={"ASSAY_LOG_LEVEL": "info"}))

    def config(self, interval="50 ms", spare=None):
        path = Path(self.enterContext(tempfile.TemporaryDirectory()), "assay.json")
        health = {"interval": interval, "timeout": "5 s"}
        path.write_text(json.dumps({"upstreams": {"first": {"url": self.url, "health": health},
                                                  "spare": {"url": spare or self.spare.url, "health": health}},
                                    "routes": {"*": {"experts": ["first", "spare"]}}}))
        return path

    def test_no_request_pays_for_an_upstream_that_is_down(self):
        gateway = self.gateway(self.config())
        eventually(lambda: gateway.metric('assay_upstream_up{upstream="first"}') == 0, "the first one is down")
        for i in range(5):
            self.assertEqual(gateway.post(CHAT, chat(f"question {i}")).status, 200)
        metrics = gateway.metrics()
        self.assertEqual(metrics['assay_upstream_calls_total{upstream="first"}'], 0)
        self.assertEqual(metrics['assay_upstream_failures_total{upstream="first"}'], 0)
        self.assertEqual(metrics['assay_upstream_calls_total{upstream="spare"}'], 5)
        self.assertEqual(metrics['assay_upstream_up{upstream="spare"}'], 1)
        self.assertEqual(metrics['assay_upstream_breaker_open{upstream="first"}'], 1)
        self.first.listen(64)
        eventually(lambda: gateway.metric('assay_upstream_up{upstream="first"}') == 1, "it is back")
        lines = [json.loads(line) for line in gateway.log().splitlines() if '"health"' in line]
        self.assertEqual([(one["level"], one["upstream"], one["message"]) for one in lines],
                         [("warn", "first", "cannot be reached"), ("info", "first", "is reached again")])

    def test_with_every_upstream_down_the_answer_says_so_at_once(self):
        gateway = self.gateway(self.config(spare=self.port()[1]))
        for name in ("first", "spare"):
            eventually(lambda name=name: gateway.metric(f'assay_upstream_up{{upstream="{name}"}}') == 0, f"{name} is down")
        self.assertEqual(gateway.post(CHAT, chat()).status, 502)

    def test_without_an_interval_nobody_looks(self):
        gateway = self.gateway(self.config("0 s"))
        self.assertEqual(gateway.post(CHAT, chat()).status, 200)
        metrics = gateway.metrics()
        self.assertEqual(metrics['assay_upstream_up{upstream="first"}'], 1)
        self.assertEqual(metrics['assay_upstream_failures_total{upstream="first"}'], 1)


if __name__ == "__main__":
    unittest.main()
