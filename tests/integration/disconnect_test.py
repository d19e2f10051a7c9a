"""Clients that leave or dawdle at any moment: the server lives, and nothing of them is left behind."""
import json
import os
import random
import socket
import struct
import threading
import time
import unittest
import zlib

from fake_upstream import ANSWER, FakeUpstream, Gate, default_step
from gateway_process import GatewayProcess, chat, eventually

CHAT = "/v1/chat/completions"
SEED = 20261121
LEAVERS = 8          # threads
LEAVES = 60          # of each
IDLE_KEPT = 2        # connections to the upstream that a thread of the gateway may keep


def request_bytes(text, **more):
    body = json.dumps(chat(text, **more)).encode()
    return (b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n" % len(body)) + body


def leave(connection, with_reset):
    if with_reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


async def slow_step(call):
    """Half of the answers come at once; the others are there when nobody waits any more, or in small pieces."""
    if zlib.crc32(call.body) % 2 or not call.wants_stream:
        await default_step(call)
        return
    await call.begin_stream()
    await call.delta({"role": "assistant", "content": ""})
    for word in ANSWER.split(" ") * 20:
        await call.delta({"content": word + " "})
    await call.delta({}, "stop")
    await call.event("[DONE]")
    await call.end_stream()


class DisconnectTest(unittest.TestCase):
    def setUp(self):
        self.upstream = self.enterContext(FakeUpstream(slow_step))
        env = {"ASSAY_UPSTREAMS_A_URL": self.upstream.url, "ASSAY_UPSTREAMS_A_IDLE_CONNECTIONS": str(IDLE_KEPT),
               "ASSAY_UPSTREAMS_A_RATE_REQUESTS_PER_MINUTE": "60000", "ASSAY_UPSTREAMS_A_BREAKER_ENABLED": "false"}
        self.gateway = self.enterContext(GatewayProcess(None, env=env))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.gateway.process.pid}/fd"))

    def leave_often(self, worker):
        rng = random.Random(SEED + worker)
        for i in range(LEAVES):
            # Every third question is asked by all, so that those who leave share their calls.
            text = f"shared {i}" if i % 3 == 0 else f"{worker}-{i}"
            data = request_bytes(text, stream=rng.random() < 0.5) * rng.choice((1, 1, 1, 3))
            try:
                connection = self.gateway.connect()
                moment = rng.random()
                if moment < 0.2:  # in the middle of the request
                    connection.sendall(data[:rng.randrange(len(data))])
                else:
                    connection.sendall(data)
                if moment > 0.5:  # in the middle of the answer
                    connection.recv(rng.choice((1, 100, 2000)))
                leave(connection, rng.random() < 0.5)
            except OSError as error:  # the server may have closed it for what it got; it must not be gone
                self.errors.append(error)

    def test_hundreds_that_leave_at_any_moment_leave_nothing_behind(self):
        self.errors = []
        self.gateway.post(CHAT, chat())
        before = self.descriptors()
        leavers = [threading.Thread(target=self.leave_often, args=(worker,)) for worker in range(LEAVERS)]
        for leaver in leavers:
            leaver.start()
        served = 0
        while any(leaver.is_alive() for leaver in leavers):  # patient clients are served meanwhile
            self.assertEqual(self.gateway.post(CHAT, chat(f"patient {served}")).status, 200)
            served += 1
        for leaver in leavers:
            leaver.join()
        self.assertEqual([error for error in self.errors if isinstance(error, ConnectionRefusedError)], [])
        self.assertIsNone(self.gateway.process.poll())
        self.assertGreater(served, 0)
        in_flight, waiting = (f'assay_upstream_{name}{{upstream="a"}}' for name in ("in_flight", "waiting"))

        def nothing_left():
            metrics = self.gateway.metrics()
            return metrics[in_flight] == metrics[waiting] == 0 and metrics["assay_connections"] == 1
        eventually(nothing_left, "no exchange, no connection of a client")
        eventually(lambda: self.descriptors() <= before + 2 * IDLE_KEPT + 1, "no connection to the upstream is leaked")
        reply = self.gateway.post(CHAT, chat("after all"))
        self.assertEqual((reply.status, reply.cache), (200, "miss"))

    def test_one_of_many_who_wait_for_the_same_answer_may_leave(self):
        gate = Gate()

        async def hold(call):
            await gate.arrive()
            await default_step(call)
        self.upstream.script(hold)
        first = self.gateway.connect()
        first.sendall(request_bytes("shared"))
        gate.wait_arrived()
        replies = []
        others = [threading.Thread(target=lambda: replies.append(self.gateway.post(CHAT, chat("shared"))))
                  for _ in range(8)]
        for other in others:
            other.start()
        eventually(lambda: self.gateway.metric("assay_connections") >= 10, "all wait")
        leave(first, with_reset=True)
        eventually(lambda: self.gateway.metric("assay_connections") == 9, "the first has left")
        gate.open()
        for other in others:
            other.join()
        self.assertEqual([reply.status for reply in replies], [200] * 8)
        self.assertEqual(self.upstream.calls, 1)


class SlowLorisTest(unittest.TestCase):
    CONNECTIONS = 200

    def test_clients_that_trickle_bytes_are_ended_and_the_others_are_served(self):
        env = {"ASSAY_LIMITS_HEADER_TIME": "1 s", "ASSAY_LIMITS_BODY_TIME": "1 s"}
        with FakeUpstream() as upstream, GatewayProcess(upstream.url, env=env) as gateway:
            slow = [gateway.connect() for _ in range(self.CONNECTIONS)]
            head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000\r\n"
            for i, connection in enumerate(slow):  # half stop in the head, half in the body
                connection.sendall(head + b"x-slow: " if i % 2 else head + b"\r\n")
                connection.setblocking(False)
            ended = set()
            end = time.monotonic() + 20
            while len(ended) < len(slow) and time.monotonic() < end:
                self.assertEqual(gateway.post(CHAT, chat()).status, 200)
                for i, connection in enumerate(slow):
                    if i in ended:
                        continue
                    try:
                        connection.send(b"x")  # a byte now and then does not buy more time
                        ended |= {i} if b" 408 " in connection.recv(4096) else set()
                    except BlockingIOError:
                        pass
                    except OSError:
                        ended.add(i)
            self.assertEqual(len(ended), len(slow))
            for connection in slow:
                connection.close()
            eventually(lambda: gateway.metric("assay_connections") == 1, "all are closed")
            refused = gateway.metrics()
            self.assertEqual(refused['assay_refused_total{code="header_timeout"}']
                             + refused['assay_refused_total{code="body_timeout"}'], self.CONNECTIONS)


if __name__ == "__main__":
    unittest.main()
