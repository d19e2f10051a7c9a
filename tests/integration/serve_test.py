"""The gateway as clients see it: the official openai clients, raw sockets, signals and restarts."""
import asyncio
import concurrent.futures
import http.client
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import openai

from fake_upstream import ANSWER, FakeUpstream, Gate, answer, broken_stream, error, never, rate_limited, raw, stream
from gateway_process import SOURCE, GatewayProcess, chat, eventually

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}]
IMAGE = [{"type": "text", "text": "What is this?"},
         {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]
CHAT = "/v1/chat/completions"


class Case(unittest.TestCase):
    env = {}

    def setUp(self):
        self.upstream = self.enterContext(FakeUpstream())
        self.gateway = self.enterContext(GatewayProcess(self.upstream.url, env=self.env))
        self.client = openai.OpenAI(base_url=self.gateway.url + "/v1", api_key="none", max_retries=0)
        self.addCleanup(self.client.close)

    def read_all(self, connection):
        data = b""
        while part := connection.recv(65536):
            data += part
        return data


class OpenAiClientTest(Case):
    def test_an_answer_comes_from_the_upstream_once_and_from_the_cache_after(self):
        messages = [{"role": "user", "content": "Capital?"}]
        for outcome in ("miss", "hit; tier=memory"):
            reply = self.client.chat.completions.with_raw_response.create(model="fake", messages=messages)
            self.assertEqual(reply.parse().choices[0].message.content, ANSWER)
            self.assertEqual(reply.headers["x-assay-cache"], outcome)
            self.assertRegex(reply.headers["x-assay-trace"], "^[0-9a-f]{32}$")
        self.assertEqual(self.upstream.calls, 1)

    def test_a_stream_is_passed_on_stored_and_replayed(self):
        messages = [{"role": "user", "content": "Capital?"}]
        for _ in range(2):
            pieces = self.client.chat.completions.create(
                model="fake", messages=messages, stream=True, stream_options={"include_usage": True})
            chunks = list(pieces)
            text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
            self.assertEqual(text, ANSWER)
            self.assertIsNotNone(chunks[-1].usage)
        whole = self.client.chat.completions.create(model="fake", messages=messages)
        self.assertEqual(whole.choices[0].message.content, ANSWER)
        self.assertEqual(self.upstream.calls, 1)

    def test_tokens_come_as_the_model_writes_them(self):
        gate = Gate()
        self.upstream.script(stream(["Par", "is"], gates={1: gate}))
        pieces = self.client.chat.completions.create(
            model="fake", messages=[{"role": "user", "content": "slow"}], stream=True)
        first = next(c for c in pieces if c.choices and c.choices[0].delta.content)
        self.assertEqual(first.choices[0].delta.content, "Par")  # while the upstream waits at the gate
        gate.open()
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in pieces if c.choices), "is")

    def test_async_clients(self):
        async def ask():
            async with openai.AsyncOpenAI(base_url=self.gateway.url + "/v1", api_key="none") as client:
                replies = await asyncio.gather(*(client.chat.completions.create(
                    model="fake", messages=[{"role": "user", "content": str(i)}]) for i in range(8)))
                pieces = await client.chat.completions.create(
                    model="fake", messages=[{"role": "user", "content": "s"}], stream=True)
                text = "".join([c.choices[0].delta.content or "" async for c in pieces if c.choices])
                return [r.choices[0].message.content for r in replies], text
        replies, text = asyncio.run(ask())
        self.assertEqual(replies, [ANSWER] * 8)
        self.assertEqual(text, ANSWER)

    def test_unknown_fields_tools_images_and_n_reach_the_upstream_untouched(self):
        self.client.chat.completions.create(
            model="fake", messages=[{"role": "user", "content": IMAGE}], tools=TOOLS, n=2,
            extra_body={"some_new_field": {"a": [1, 2.50]}})
        sent = self.upstream.requests[0].json
        self.assertEqual(sent["tools"], TOOLS)
        self.assertEqual(sent["messages"][0]["content"], IMAGE)
        self.assertEqual((sent["n"], sent["some_new_field"]), (2, {"a": [1, 2.5]}))

    def test_tool_calls_survive_cache_and_replay(self):
        call = [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]
        self.upstream.script(answer(content=None, tool_calls=call))
        ask = dict(model="fake", messages=[{"role": "user", "content": "Weather?"}], tools=TOOLS)
        self.assertEqual(self.client.chat.completions.create(**ask).choices[0].message.tool_calls[0].id, "c1")
        chunks = list(self.client.chat.completions.create(**ask, stream=True))
        calls = [c for chunk in chunks for c in (chunk.choices[0].delta.tool_calls or [])]
        self.assertEqual(calls[0].function.name, "weather")
        self.assertEqual(self.upstream.calls, 1)

    def test_several_choices_are_never_cached(self):
        for _ in range(2):
            reply = self.gateway.post(CHAT, chat(n=2))
            self.assertEqual(reply.cache, "bypass")
        self.assertEqual(self.upstream.calls, 2)

    def test_embeddings_and_models(self):
        for _ in range(2):
            reply = self.client.embeddings.create(model="fake", input="text", encoding_format="float")
            self.assertEqual(len(reply.data[0].embedding), 3)
        self.assertEqual(self.upstream.calls, 1)
        self.assertEqual([model.id for model in self.client.models.list()], ["fake"])

    def test_errors_are_the_clients_own_exceptions(self):
        with self.assertRaises(openai.BadRequestError) as raised:
            self.client.chat.completions.create(model="", messages=[])
        self.assertEqual(raised.exception.param, "model")
        self.upstream.script(*[error(500)] * 12)
        with self.assertRaises(openai.InternalServerError):
            self.client.chat.completions.create(model="fake", messages=[{"role": "user", "content": "x"}])

    @unittest.skipUnless((SOURCE / "tests/integration/node_modules/openai").is_dir(), "npm's openai is not installed")
    def test_the_node_client(self):
        done = subprocess.run(["node", "node_client.mjs", self.gateway.url + "/v1"], capture_output=True,
                              text=True, timeout=60, cwd=SOURCE / "tests/integration")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout), {"first": ANSWER, "second": ANSWER, "streamed": ANSWER,
                                                   "cache": "hit; tier=memory", "error": 400})


class CacheHeaderTest(Case):
    def test_no_cache_asks_again_and_stores(self):
        self.gateway.post(CHAT, chat())
        again = self.gateway.post(CHAT, chat(), headers={"cache-control": "no-cache"})
        self.assertEqual((again.cache, self.upstream.calls), ("bypass", 2))
        self.assertEqual(self.gateway.post(CHAT, chat()).cache, "hit; tier=memory")

    def test_no_store_leaves_nothing_behind(self):
        self.gateway.post(CHAT, chat(), headers={"cache-control": "no-store"})
        self.assertEqual(self.gateway.post(CHAT, chat()).cache, "miss")

    def test_only_if_cached_and_ttl(self):
        refused = self.gateway.post(CHAT, chat(), headers={"cache-control": "only-if-cached"})
        self.assertEqual((refused.status, refused.json["error"]["code"]), (504, "not_cached"))
        self.gateway.post(CHAT, chat(), headers={"x-assay-ttl": "0"})
        self.assertEqual(self.gateway.post(CHAT, chat()).cache, "miss")

    def test_tenants_never_see_one_anothers_answers(self):
        self.gateway.post(CHAT, chat(), headers={"x-assay-tenant": "a"})
        self.assertEqual(self.gateway.post(CHAT, chat(), headers={"x-assay-tenant": "b"}).cache, "miss")
        self.assertEqual(self.gateway.post(CHAT, chat(), headers={"x-assay-tenant": "a"}).cache, "hit; tier=memory")

    def test_errors_and_broken_streams_are_not_stored(self):
        self.upstream.script(raw(b'{"error":{"message":"no"}}', status=400))
        self.assertEqual(self.gateway.post(CHAT, chat()).status, 400)
        self.upstream.script(broken_stream())
        with self.assertRaises(openai.OpenAIError):
            list(self.client.chat.completions.create(**chat(), stream=True))
        self.assertEqual(self.gateway.post(CHAT, chat()).cache, "miss")

    def test_stats_and_purge(self):
        self.gateway.post(CHAT, chat())
        stats = self.gateway.get("/v1/cache/stats").json
        self.assertEqual(stats["tiers"][0]["entries"], 1)
        self.assertEqual(self.gateway.request("DELETE", "/v1/cache").status, 400)
        self.assertEqual(self.gateway.request("DELETE", "/v1/cache?tenent=x").status, 400)
        self.assertEqual(self.gateway.request("DELETE", "/v1/cache?model=fake").json, {"purged": 1})
        self.assertEqual(self.gateway.post(CHAT, chat()).cache, "miss")


class ConcurrencyTest(Case):
    def test_sixty_four_equal_questions_make_one_call(self):
        gate = Gate()

        async def hold(call):
            await gate.arrive()
            await answer()(call)
        self.upstream.script(hold)
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            asked = [pool.submit(self.gateway.post, CHAT, chat()) for _ in range(64)]
            gate.wait_arrived()
            gate.open()
            replies = [one.result() for one in asked]
        self.assertEqual({reply.status for reply in replies}, {200})
        self.assertEqual(self.upstream.calls, 1)

    def test_a_connection_goes_on_after_streams(self):
        connection = http.client.HTTPConnection(self.gateway.host, self.gateway.port, timeout=20)
        self.addCleanup(connection.close)
        for cache in ("miss", "hit; tier=memory", "hit; tier=memory"):
            for more in ({"stream": True}, {}):
                connection.request("POST", CHAT, json.dumps(chat(**more)), {"content-type": "application/json"})
                answer = connection.getresponse()
                self.assertEqual((answer.status, answer.getheader("x-assay-cache")), (200, cache))
                self.assertIn(b"Paris" if more else ANSWER.encode(), answer.read())
                cache = "hit; tier=memory"
        self.assertEqual(self.upstream.calls, 1)

    def test_a_client_that_leaves_at_done_leaves_a_stored_answer(self):
        gate = Gate()
        self.upstream.script(stream(gates={"done": gate}))
        body = json.dumps(chat(stream=True)).encode()
        with self.gateway.connect() as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            data = b""
            while b"[DONE]" not in data:
                data += client.recv(65536)
        while "assay_connections 1\n" not in self.gateway.get("/metrics").body.decode():
            pass  # the gateway has not seen yet that the client is gone
        gate.open()
        self.assertEqual(self.gateway.post(CHAT, chat(stream=True)).status, 200)
        self.assertEqual(self.gateway.post(CHAT, chat()).cache, "hit; tier=memory")
        self.assertEqual(self.upstream.calls, 1)

    def test_a_client_that_leaves_cancels_the_call(self):
        closed, gate = threading.Event(), Gate()

        async def watch(call):
            await gate.arrive()
            await call.wait_closed()
            closed.set()
        self.upstream.script(watch)
        body = json.dumps(chat()).encode()
        with self.gateway.connect() as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            gate.open()
            gate.wait_arrived()
        self.assertTrue(closed.wait(10))

    def test_pipelined_requests_are_answered_in_order(self):
        body = json.dumps(chat()).encode()
        ask = b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nx-request-id: %s\r\ncontent-length: %d\r\n\r\n"
        requests = b"".join(ask % (b"r%d" % i, len(body)) + body for i in range(20))
        requests += b"GET /nothing HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"
        with self.gateway.connect() as client:
            client.sendall(requests)
            answers = self.read_all(client)
        ids = [line.split(b": ")[1] for line in answers.split(b"\r\n") if line.startswith(b"x-request-id: r")]
        self.assertEqual([i for i in ids if not i.startswith(b"req_")], [b"r%d" % i for i in range(20)])
        self.assertEqual(answers.count(b"HTTP/1.1 200 OK"), 20)
        self.assertIn(b"HTTP/1.1 404", answers)
        self.assertEqual(self.upstream.calls, 1)

    def test_ten_thousand_idle_connections_stay_cheap(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        count = min(10_000, hard - 200)
        if count < 1_000:
            self.skipTest("the limit of open files is too low")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.gateway.post(CHAT, chat())
        before = self.gateway.resident_kb()
        idle = [self.gateway.connect() for _ in range(count)]
        try:
            self.assertEqual(self.gateway.post(CHAT, chat()).cache, "hit; tier=memory")
            self.assertLess((self.gateway.resident_kb() - before) / count, 2.0)  # KiB a connection
        finally:
            for connection in idle:
                connection.close()


class LimitTest(Case):
    env = {"ASSAY_LIMITS_HEADER_TIME": "300 ms", "ASSAY_LIMITS_BODY_TIME": "300 ms",
           "ASSAY_LIMITS_BODY": "100 kB", "ASSAY_LIMITS_CONNECTIONS": "20"}

    def exchange(self, data):
        with self.gateway.connect() as client:
            client.sendall(data)
            return self.read_all(client)

    def assert_refused(self, answer, status, code):
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 %d " % status), answer[:200])
        self.assertEqual(json.loads(body)["error"]["code"], code)

    def test_slow_heads_and_bodies_are_ended(self):
        self.assert_refused(self.exchange(b"POST / HTTP/1.1\r\nhost: h\r\nx-slow: "), 408, "header_timeout")
        self.assert_refused(self.exchange(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nab"), 408,
                            "body_timeout")

    def test_what_is_too_large_or_malformed_is_refused_by_name(self):
        self.assert_refused(self.exchange(b"GET / HTTP/1.1\r\nhost: h\r\nx: " + b"a" * 70_000), 431, "headers_too_large")
        big = b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: 100001\r\n\r\n"
        self.assert_refused(self.exchange(big), 413, "body_too_large")
        chunked = b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nfffff\r\n"
        self.assert_refused(self.exchange(chunked), 413, "body_too_large")
        self.assert_refused(self.exchange(b"nonsense\r\n\r\n"), 400, "bad_request_line")
        self.assert_refused(self.exchange(b"\x16\x03\x01\x00\xff"), 400, "bad_request_line")
        nested = b'{"model":"m","messages":' + b"[" * 100 + b"]" * 100 + b"}"
        reply = self.gateway.post(CHAT, nested)
        self.assertEqual((reply.status, reply.json["error"]["code"]), (400, "json_too_deep"))

    def test_chunked_bodies_are_read(self):
        body = json.dumps(chat()).encode()
        data = b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        data += b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:])
        self.assertTrue(self.exchange(data).startswith(b"HTTP/1.1 200 OK"))

    def test_too_many_connections_are_told_so(self):
        held = [self.gateway.connect() for _ in range(20)]
        try:
            deadline = time.monotonic() + 10
            while True:  # the accepting thread needs its moment
                with self.gateway.connect() as client:
                    client.sendall(b"GET /health HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
                    try:
                        answer = self.read_all(client)
                    except ConnectionError:
                        answer = b""
                if b"too_many_connections" in answer or time.monotonic() > deadline:
                    break
            self.assert_refused(answer, 503, "too_many_connections")
        finally:
            for connection in held:
                connection.close()


class ProcessTest(unittest.TestCase):
    def setUp(self):
        self.upstream = self.enterContext(FakeUpstream())

    def folder(self):
        path = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def test_sigterm_answers_what_is_in_flight_and_ends(self):
        gate = Gate()

        async def hold(call):
            await gate.arrive()
            await answer()(call)
        self.upstream.script(hold)
        with GatewayProcess(self.upstream.url) as gateway, concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(gateway.post, CHAT, chat())
            gate.wait_arrived()
            gateway.process.send_signal(signal.SIGTERM)
            gate.open()
            self.assertEqual(asked.result().status, 200)
            self.assertEqual(gateway.process.wait(10), 0)

    def test_sigterm_does_not_wait_for_a_client_that_keeps_its_connection_after_a_stream(self):
        gate = Gate()
        self.upstream.script(stream(["Par", "is"], gates={1: gate}))
        with GatewayProcess(self.upstream.url, env={"ASSAY_LIMITS_DRAIN_TIME": "1 h"}) as gateway:
            client = http.client.HTTPConnection(gateway.host, gateway.port, timeout=20)
            self.addCleanup(client.close)
            client.request("POST", CHAT, json.dumps(chat(stream=True)))
            reply = client.getresponse()
            gate.wait_arrived()
            gateway.process.send_signal(signal.SIGTERM)

            def refuses():
                with socket.socket() as attempt:
                    return attempt.connect_ex((gateway.host, gateway.port)) != 0
            eventually(refuses, "the drain has begun")
            gate.open()
            self.assertIn(b"[DONE]", reply.read())
            self.assertEqual(gateway.process.wait(20), 0)

    def test_sighup_drops_no_request(self):
        with GatewayProcess(self.upstream.url) as gateway:
            statuses = []
            for i in range(40):
                if i % 10 == 5:
                    gateway.process.send_signal(signal.SIGHUP)
                statuses.append(gateway.post(CHAT, chat(str(i))).status)
            self.assertEqual(set(statuses), {200})
            self.assertIsNone(gateway.process.poll())

    def test_kill_9_under_load_keeps_what_was_stored_and_restarts_within_a_second(self):
        folder = self.folder()
        acknowledged = []
        with GatewayProcess(self.upstream.url, "--cache-dir", folder) as gateway:
            def load(worker):
                for i in range(1000):
                    try:
                        if gateway.post(CHAT, chat(f"{worker}-{i}")).status == 200:
                            acknowledged.append(f"{worker}-{i}")
                    except Exception:  # killed
                        return
            workers = [threading.Thread(target=load, args=(w,)) for w in range(4)]
            for worker in workers:
                worker.start()
            while len(acknowledged) < 100:
                time.sleep(0)
            gateway.process.kill()
            for worker in workers:
                worker.join()
            gateway.process.wait()
        begin = time.monotonic()
        with GatewayProcess(self.upstream.url, "--cache-dir", folder) as gateway:
            self.assertLess(time.monotonic() - begin, 1.0)
            tiers = [gateway.post(CHAT, chat(text)).cache for text in acknowledged[:50]]
            # The write of an answer follows it by moments: the very last ones may be lost.
            self.assertEqual(set(tiers), {"hit; tier=disk"})

    def test_it_refuses_to_listen_elsewhere_without_keys(self):
        from gateway_process import ASSAY
        done = subprocess.run([ASSAY, "serve", "--upstream", self.upstream.url, "--listen", "0.0.0.0:0",
                               "--state", self.folder() + "/none"], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 6)
        self.assertIn("assay keys create", done.stderr)

    def test_keys_open_what_their_scopes_say(self):
        from gateway_process import ASSAY
        state = self.folder()
        make = lambda *more: json.loads(subprocess.run(
            [ASSAY, "keys", "create", "--state", state, "--json", *more], capture_output=True, check=True).stdout)["token"]
        plain, admin = make("--name", "plain", "--tenant", "a", "--requests", "3"), make("--name", "root", "--scope", "admin")
        env = {"ASSAY_KEYS_MODE": "required", "ASSAY_DATA_FOLDER": state}
        with GatewayProcess(self.upstream.url, env=env) as gateway:
            self.assertEqual(gateway.post(CHAT, chat()).status, 401)
            bearer = {"authorization": "Bearer " + plain}
            self.assertEqual(gateway.post(CHAT, chat(), headers=bearer).status, 200)
            other = gateway.post(CHAT, chat(), headers={**bearer, "x-assay-tenant": "b"})
            self.assertEqual((other.status, other.json["error"]["code"]), (403, "tenant_not_allowed"))
            self.assertEqual(gateway.get("/v1/keys", headers=bearer).status, 403)
            self.assertEqual(gateway.post(CHAT, chat(), headers=bearer).cache, "hit; tier=memory")
            self.assertEqual(gateway.post(CHAT, chat(), headers=bearer).status, 429)
            self.assertEqual(len(gateway.get("/v1/keys", headers={"authorization": "Bearer " + admin}).json["keys"]), 2)


if __name__ == "__main__":
    unittest.main()
