"""Upstreams that answer wrongly, through the gateway: what the client sees, what is tried again, what is never stored."""
import json
import time
import unittest

import openai

from fake_upstream import ANSWER, FakeUpstream, broken_stream, completion, error, invalid_json, never, rate_limited, raw, stream
from gateway_process import GatewayProcess, chat, eventually

CHAT = "/v1/chat/completions"
RETRIES = 2


def truncated(call_bytes=b'{"id":"chatcmpl-fake","choices":[', promised=1000):
    """A body that ends long before the length that its head promised."""
    async def step(call):
        await call.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % promised)
        await call.write(call_bytes)
        call.cut()
    return step


def truncated_chunks():
    """A chunked body without its last chunk, though the JSON in it is whole."""
    async def step(call):
        await call.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        await call.chunk(b'{"choices":[]}')
        call.cut()
    return step


def half_event():
    """A stream that breaks in the middle of an event."""
    async def step(call):
        await call.begin_stream()
        await call.delta({"role": "assistant", "content": "The"})
        await call.chunk(b'data: {"id":"chatcmpl-fake","choi')
        call.cut()
    return step


def no_blank_line():
    """A stream whose last event is not ended by an empty line."""
    async def step(call):
        await call.begin_stream()
        await call.delta({"role": "assistant", "content": "Paris"}, "stop")
        await call.chunk(b"data: [DONE]\n")
        await call.end_stream()
    return step


def no_http():
    async def step(call):
        await call.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        call.cut()
    return step


def reset():
    """In the middle of the head: a connection that was reset before its first byte may just have been idle too long."""
    async def step(call):
        await call.write(b"HTTP/1.1 200 OK\r\ncontent-ty")
        call.reset()
    return step


INVALID = {
    "invalid_json": (invalid_json(), "upstream_invalid_answer"),
    "not_an_object": (raw(b"[1, 2"), "upstream_invalid_answer"),
    "empty": (raw(b""), "upstream_invalid_answer"),
    "text_said_to_be_json": (raw(b"<html>busy</html>"), "upstream_invalid_answer"),
    "a_page_in_html": (raw(b"<p>busy</p>", content_type="text/html"), "upstream_invalid_answer"),
    "plain_text": (raw(b"busy", content_type="text/plain; charset=utf-8"), "upstream_invalid_answer"),
    "invalid_utf8": (raw(b'{"choices":[{"message":{"content":"\xff\xfe"}}]}'), "upstream_invalid_answer"),
    "truncated": (truncated(), None),
    "truncated_chunks": (truncated_chunks(), None),
    "no_http": (no_http(), None),
    "reset": (reset(), None),
}


class Case(unittest.TestCase):
    env = {}

    def setUp(self):
        self.upstream = self.enterContext(FakeUpstream())
        retry = {"ASSAY_UPSTREAMS_A_URL": self.upstream.url, "ASSAY_UPSTREAMS_A_RETRY_ATTEMPTS": str(RETRIES),
                 "ASSAY_UPSTREAMS_A_RETRY_BASE": "1 ms", "ASSAY_UPSTREAMS_A_RETRY_MAX": "2 ms",
                 "ASSAY_UPSTREAMS_A_BREAKER_ENABLED": "false"}
        self.gateway = self.enterContext(GatewayProcess(None, env={**retry, **self.env}))

    def assert_not_cached(self, text):
        calls = self.upstream.calls
        again = self.gateway.post(CHAT, chat(text))
        self.assertEqual((again.status, again.cache, self.upstream.calls), (200, "miss", calls + 1))
        self.assertEqual(again.json["choices"][0]["message"]["content"], ANSWER)


class InvalidAnswerTest(Case):
    def test_every_kind_is_tried_again_then_502_in_the_error_form_and_never_cached(self):
        for name, (step, code) in INVALID.items():
            with self.subTest(name):
                calls = self.upstream.calls
                self.upstream.script(*[step] * (1 + RETRIES))
                reply = self.gateway.post(CHAT, chat(name))
                self.assertEqual(reply.status, 502)
                self.assertEqual(set(reply.json["error"]), {"message", "type", "param", "code"})
                self.assertEqual(reply.json["error"]["type"], "server_error")
                self.assertTrue(reply.json["error"]["code"].startswith("upstream_"), reply.body)
                if code:
                    self.assertEqual(reply.json["error"]["code"], code)
                self.assertEqual(self.upstream.calls - calls, 1 + RETRIES)
                self.assert_not_cached(name)

    def test_one_bad_answer_costs_the_client_nothing(self):
        for name, (step, _) in INVALID.items():
            with self.subTest(name):
                self.upstream.script(step)
                reply = self.gateway.post(CHAT, chat("once " + name))
                self.assertEqual((reply.status, reply.cache), (200, "miss"))
                self.assertEqual(self.gateway.post(CHAT, chat("once " + name)).cache, "hit; tier=memory")

    def test_json_under_a_wrong_content_type_is_passed_on_but_never_cached(self):
        body = json.dumps(completion()).encode()
        self.upstream.script(raw(body, content_type="text/plain"))
        reply = self.gateway.post(CHAT, chat("typed"))
        self.assertEqual((reply.status, reply.body, reply.cache), (200, body, "miss"))
        self.assert_not_cached("typed")

    def test_errors_of_the_upstream_are_passed_on_whatever_their_form(self):
        self.upstream.script(raw(b"no such model", status=404, content_type="text/plain"))
        reply = self.gateway.post(CHAT, chat("typed"))
        self.assertEqual((reply.status, reply.body, self.upstream.calls), (404, b"no such model", 1))

    def test_the_failures_are_counted(self):
        self.upstream.script(*[invalid_json()] * (1 + RETRIES))
        self.gateway.post(CHAT, chat())
        # An exchange is counted once its answer is on its way.
        eventually(lambda: self.gateway.metric('assay_exchanges_total{source="error"}') == 1, "one exchange failed")
        metrics = self.gateway.metrics()
        self.assertEqual(metrics['assay_upstream_failures_total{upstream="a"}'], 1 + RETRIES)
        self.assertEqual(metrics["assay_retries_total"], RETRIES)
        self.assertEqual(metrics['assay_cache_puts_total{tier="memory"}'], 0)


class BrokenStreamTest(Case):
    def test_every_way_to_break_ends_with_an_error_event_and_is_never_cached(self):
        for how in ("cut", "reset", "invalid", "no_done"):
            with self.subTest(how):
                self.upstream.script(broken_stream(how=how))
                body = self.gateway.post(CHAT, chat(how, stream=True)).body.decode()
                self.assertIn('" capital"', body)
                if how in ("cut", "reset"):
                    self.assertNotIn("[DONE]", body)
                    self.assertIn('"error"', body.split("data: ")[-1])
                self.assert_not_cached(how)

    def test_a_half_event_never_reaches_the_client(self):
        self.upstream.script(half_event())
        body = self.gateway.post(CHAT, chat("half", stream=True)).body.decode()
        events = [json.loads(line.removeprefix("data: ")) for line in body.splitlines() if line.startswith("data: ")]
        self.assertEqual(events[0]["choices"][0]["delta"]["content"], "The")
        self.assertIn("error", events[1])
        self.assertEqual(len(events), 2)
        self.assert_not_cached("half")

    def test_the_official_client_raises_an_api_error_on_a_half_event(self):
        self.upstream.script(half_event())
        client = openai.OpenAI(base_url=self.gateway.url + "/v1", api_key="none", max_retries=0)
        with self.assertRaises(openai.APIError):
            list(client.chat.completions.create(model="fake", stream=True, messages=[{"role": "user", "content": "half"}]))

    def test_what_follows_the_last_whole_event_of_a_good_stream_is_passed_on(self):
        self.upstream.script(no_blank_line())
        body = self.gateway.post(CHAT, chat("no blank line", stream=True)).body
        self.assertTrue(body.endswith(b"data: [DONE]\n"), body)

    def test_a_stream_that_fails_before_its_first_byte_is_tried_again(self):
        self.upstream.script(error(500), reset(), stream())
        reply = self.gateway.post(CHAT, chat(stream=True))
        self.assertIn("[DONE]", reply.body.decode())
        self.assertEqual(self.upstream.calls, 3)


class SilentUpstreamTest(Case):
    env = {"ASSAY_UPSTREAMS_A_FIRST_BYTE_TIME": "1 s", "ASSAY_UPSTREAMS_A_IDLE_TIME": "1 s",
           "ASSAY_UPSTREAMS_A_RETRY_ATTEMPTS": "0"}

    def test_an_upstream_that_never_answers_is_504(self):
        self.upstream.script(never())
        reply = self.gateway.post(CHAT, chat("silent"))
        self.assertEqual((reply.status, reply.json["error"]["code"]), (504, "upstream_timeout"))
        self.assert_not_cached("silent")

    def test_a_stream_that_stalls_ends_with_an_error_event(self):
        self.upstream.script(broken_stream(how="stall"))
        body = self.gateway.post(CHAT, chat("stalls", stream=True)).body.decode()
        self.assertNotIn("[DONE]", body)
        self.assertEqual(json.loads(body.split("data: ")[-1])["error"]["code"], "upstream_timeout")
        self.assert_not_cached("stalls")


class RetryAfterTest(Case):
    env = {"ASSAY_UPSTREAMS_A_RETRY_MAX": "2 s"}

    def test_429_is_tried_again_when_the_upstream_said(self):
        begin = time.monotonic()
        self.upstream.script(rate_limited(retry_after=1))
        reply = self.gateway.post(CHAT, chat())
        self.assertEqual((reply.status, self.upstream.calls), (200, 2))
        self.assertGreaterEqual(time.monotonic() - begin, 1)

    def test_429_for_longer_than_a_client_waits_is_passed_on_with_its_retry_after(self):
        self.upstream.script(rate_limited(retry_after=60))
        reply = self.gateway.post(CHAT, chat())
        self.assertEqual((reply.status, reply.headers["retry-after"], self.upstream.calls), (429, "60", 1))
        limited = 'assay_upstream_rate_limited_total{upstream="a"}'
        self.assertEqual(self.gateway.metric(limited), 1)

    def test_500s_are_tried_again_and_then_passed_on(self):
        self.upstream.script(error(500), error(503))
        self.assertEqual(self.gateway.post(CHAT, chat("once")).status, 200)
        self.upstream.script(*[error(500)] * (1 + RETRIES))
        reply = self.gateway.post(CHAT, chat("always"))
        self.assertEqual((reply.status, reply.json["error"]["message"]), (500, "the model fell over"))
        self.assert_not_cached("always")


class HedgeTest(Case):
    env = {"ASSAY_ROUTES_FAKE_HEDGE_QUANTILE": "0.9", "ASSAY_CACHE_ENABLED": "false"}

    def test_a_late_answer_is_asked_for_twice_and_counted(self):
        for _ in range(20):
            self.assertEqual(self.gateway.post(CHAT, chat()).status, 200)
        name = 'assay_upstream_hedges%s_total{upstream="a"}'
        made, won = self.gateway.metric(name % ""), self.gateway.metric(name % "_won")
        self.upstream.script(never())
        reply = self.gateway.post(CHAT, chat())
        self.assertEqual((reply.status, reply.json["choices"][0]["message"]["content"]), (200, ANSWER))
        self.assertEqual(self.gateway.metric(name % ""), made + 1)
        self.assertEqual(self.gateway.metric(name % "_won"), won + 1)


class BreakerTest(Case):
    env = {"ASSAY_UPSTREAMS_A_BREAKER_ENABLED": "true", "ASSAY_UPSTREAMS_A_BREAKER_MIN_CALLS": "4",
           "ASSAY_UPSTREAMS_A_BREAKER_FAILURE_SHARE": "1", "ASSAY_UPSTREAMS_A_BREAKER_OPEN": "10 min",
           "ASSAY_UPSTREAMS_A_RETRY_ATTEMPTS": "0", "ASSAY_CACHE_ENABLED": "false"}

    def test_an_upstream_that_fails_as_the_settings_say_is_left_alone(self):
        self.upstream.script(*[error(500)] * 4)
        statuses = [self.gateway.post(CHAT, chat()).status for _ in range(6)]
        self.assertEqual(statuses, [500] * 4 + [502] * 2)
        self.assertEqual(self.upstream.calls, 4)
        self.assertEqual(self.gateway.metric('assay_upstream_breaker_open{upstream="a"}'), 1)


class QueueTest(Case):
    env = {"ASSAY_UPSTREAMS_A_RATE_REQUESTS_PER_MINUTE": "10", "ASSAY_UPSTREAMS_A_RATE_QUEUE_LENGTH": "0",
           "ASSAY_CACHE_ENABLED": "false"}

    def test_a_queue_of_no_length_refuses_at_once(self):
        self.assertEqual(self.gateway.post(CHAT, chat()).status, 200)
        reply = self.gateway.post(CHAT, chat())
        self.assertEqual((reply.status, reply.json["error"]["code"]), (429, "upstream_rate_limited"))
        self.assertGreaterEqual(int(reply.headers["retry-after"]), 1)


class ClientTest(Case):
    def test_the_official_client_raises_its_own_exception(self):
        self.upstream.script(*[invalid_json()] * (1 + RETRIES))
        with openai.OpenAI(base_url=self.gateway.url + "/v1", api_key="none", max_retries=0) as client:
            with self.assertRaises(openai.InternalServerError) as raised:
                client.chat.completions.create(**chat())
            self.assertEqual(raised.exception.code, "upstream_invalid_answer")


if __name__ == "__main__":
    unittest.main()
