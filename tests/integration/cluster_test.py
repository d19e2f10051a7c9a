"""Three gateways in front of one Redis Cluster of three servers: what one knows the others know; any one may die."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import unittest

from fake_upstream import ANSWER, FakeUpstream
from gateway_process import SOURCE, GatewayProcess, chat, eventually
from redis_process import INSTALLED, RedisCluster, free_port

CHAT = "/v1/chat/completions"
SMALL_MEMORY = {"ASSAY_CACHE_MEMORY_SIZE": "1 MB", "ASSAY_CACHE_MEMORY_MAX_ENTRIES": "1"}


@unittest.skipUnless(INSTALLED, "redis-server is not installed")
class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.redis = self.enterContext(RedisCluster())
        self.upstream = self.enterContext(FakeUpstream())
        env = {"ASSAY_CACHE_REDIS_URL": self.redis.url, "ASSAY_CACHE_REDIS_TIME": "1 s",
               "ASSAY_CACHE_REDIS_RETRY_AFTER": "50 ms", **SMALL_MEMORY}
        self.gateways = [self.enterContext(GatewayProcess(self.upstream.url, env=env)) for _ in range(3)]

    def test_what_one_gateway_was_told_all_answer_from_every_server_of_the_cluster(self):
        questions = [f"Question {i}?" for i in range(60)]
        for i, question in enumerate(questions):
            self.assertEqual(self.gateways[i % 3].post(CHAT, chat(question)).cache, "miss")
        eventually(lambda: sum(self.redis.keys()) == len(questions), "all answers are in the cluster")
        self.assertTrue(all(self.redis.keys()), "each server holds some")
        for i, question in enumerate(questions):
            reply = self.gateways[(i + 1) % 3].post(CHAT, chat(question))
            self.assertEqual((reply.status, reply.cache), (200, "hit; tier=redis"), question)
            self.assertEqual(reply.json["choices"][0]["message"]["content"], ANSWER)
        self.assertEqual(self.upstream.calls, len(questions))

    def test_no_request_fails_when_a_server_and_a_gateway_die(self):
        questions = [f"Question {i}?" for i in range(30)]
        for question in questions:
            self.gateways[0].post(CHAT, chat(question))
        eventually(lambda: sum(self.redis.keys()) == len(questions), "all answers are in the cluster")
        self.redis.nodes[1].kill()
        self.gateways[0].process.kill()
        hits = 0
        for question in questions:
            reply = self.gateways[1].post(CHAT, chat(question))
            self.assertEqual(reply.status, 200)
            hits += reply.cache == "hit; tier=redis"
        self.assertGreater(hits, 5, "those of the servers that are left")
        self.assertLess(hits, len(questions))


@unittest.skipUnless(INSTALLED, "redis-server is not installed")
class FailoverTest(unittest.TestCase):
    def test_a_replica_that_took_over_from_its_killed_master_is_asked_and_told(self):
        redis = self.enterContext(RedisCluster(replicas=1, node_timeout_ms=500))
        upstream = self.enterContext(FakeUpstream())
        env = {"ASSAY_CACHE_REDIS_URL": redis.url, "ASSAY_CACHE_REDIS_TIME": "1 s",
               "ASSAY_CACHE_REDIS_RETRY_AFTER": "50 ms", **SMALL_MEMORY}
        first, second = (self.enterContext(GatewayProcess(upstream.url, env=env)) for _ in range(2))
        master, replica = redis.nodes[0], redis.nodes[3]
        questions = [f"Question {i}?" for i in range(30)]
        for question in questions:
            first.post(CHAT, chat(question))
        eventually(lambda: sum(redis.keys()) == len(questions), "all answers are in the cluster")
        eventually(lambda: replica.command("DBSIZE") == master.command("DBSIZE"), "the replica has its master's")
        held = int(replica.command("DBSIZE")[1:])
        self.assertGreater(held, 0)
        master.kill()
        self.assertEqual(first.post(CHAT, chat("Meanwhile?")).status, 200)
        eventually(lambda: b"role:master" in replica.command("INFO", "replication"), "the replica takes over")
        for gateway in (first, second):
            before = int(replica.command("DBSIZE")[1:])

            def told():
                self.assertEqual(gateway.post(CHAT, chat(f"New at {time.monotonic()}?")).status, 200)
                return int(replica.command("DBSIZE")[1:]) > before
            eventually(told, "what is new reaches it")
        calls = upstream.calls
        caches = {second.post(CHAT, chat(question)).cache for question in questions}
        self.assertEqual(caches, {"hit; tier=redis"}, "what its master held included")
        self.assertEqual(upstream.calls, calls)


class Clients:
    """Each asks on one kept connection, until it is told to end."""

    def __init__(self, port, count):
        self.port, self.over = port, threading.Event()
        self.answered, self.failed = [], []  # list.append is atomic
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, own):
        number = 0
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self.over.is_set():
            text = f"Client {own} asks {number % 50}?"
            number += 1
            try:
                connection.request("POST", CHAT, json.dumps(chat(text)), {"content-type": "application/json"})
                reply = connection.getresponse()
                body = reply.read()
                right = reply.status == 200 and json.loads(body)["choices"][0]["message"]["content"] == ANSWER
                (self.answered if right else self.failed).append((text, reply.status, body[:200]))
            except (OSError, http.client.HTTPException) as error:
                self.failed.append((text, repr(error)))
                connection.close()
        connection.close()

    def end(self):
        self.over.set()
        for thread in self._threads:
            thread.join()


@unittest.skipUnless(INSTALLED, "redis-server is not installed")
@unittest.skipUnless(shutil.which("haproxy"), "haproxy is not installed (scripts/setup.sh)")
class RollingRestartTest(unittest.TestCase):
    """examples/haproxy.cfg in front of three gateways."""

    def setUp(self):
        self.redis = self.enterContext(RedisCluster())
        self.upstream = self.enterContext(FakeUpstream())
        self.ports = [free_port() for _ in range(3)]
        self.gateways = [self.start(port) for port in self.ports]
        self.front = free_port()
        names = dict(zip(("ASSAY_ONE", "ASSAY_TWO", "ASSAY_THREE"), (f"127.0.0.1:{port}" for port in self.ports)))
        self.proxy = subprocess.Popen(["haproxy", "-q", "-f", str(SOURCE / "examples" / "haproxy.cfg")],
                                      env={**os.environ, **names, "ASSAY_FRONT": f"127.0.0.1:{self.front}"})
        self.addCleanup(self.proxy.wait)
        self.addCleanup(self.proxy.kill)
        eventually(self.answers, "the proxy answers")

    def start(self, port):
        env = {"ASSAY_CACHE_REDIS_URL": self.redis.url, "ASSAY_CACHE_REDIS_TIME": "1 s"}
        return self.enterContext(GatewayProcess(self.upstream.url, env=env, listen=f"127.0.0.1:{port}"))

    def answers(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.front, timeout=5)
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def test_no_request_fails_while_every_gateway_is_restarted_in_turn(self):
        clients = Clients(self.front, 6)
        try:
            for i, port in enumerate(self.ports):
                before = len(clients.answered)
                eventually(lambda: len(clients.answered) > before + 50, "requests are answered")
                self.gateways[i].process.send_signal(signal.SIGTERM)
                self.assertEqual(self.gateways[i].process.wait(30), 0)
                before = len(clients.answered)
                eventually(lambda: len(clients.answered) > before + 50, "the others answer")
                self.gateways[i] = self.start(port)
                eventually(lambda: self.gateways[i].metric('assay_connections_total') > 3, "it is used again")
        finally:
            clients.end()
        self.assertEqual(clients.failed, [])
        self.assertLessEqual(self.upstream.calls, 6 * 50 + 20, "each question about once, whoever was asked")

    def test_a_gateway_that_is_killed_costs_no_more_than_what_it_had_in_flight(self):
        clients = Clients(self.front, 6)
        try:
            eventually(lambda: len(clients.answered) > 100, "requests are answered")
            self.gateways[1].process.kill()
            before = len(clients.answered)
            eventually(lambda: len(clients.answered) > before + 200, "the others answer")
        finally:
            clients.end()
        self.assertLessEqual(len(clients.failed), 6, clients.failed[:3])


if __name__ == "__main__":
    unittest.main()
