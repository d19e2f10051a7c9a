"""The tiers below memory as the settings switch them on: compressed, disk, Redis, sealing; and refreshing ahead."""
import json
import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from fake_upstream import ANSWER, FakeUpstream, answer
from gateway_process import ASSAY, GatewayProcess, chat, eventually
from redis_process import INSTALLED, RedisProcess

CHAT = "/v1/chat/completions"
PASSWORD = "p@ss:word/#%"  # all that a URL would take for something else
SMALL_MEMORY = {"ASSAY_CACHE_MEMORY_SIZE": "1 MB", "ASSAY_CACHE_MEMORY_MAX_ENTRIES": "1"}


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.upstream = self.enterContext(FakeUpstream())

    def serve(self, **env):
        env = {f"ASSAY_{name}": str(value) for name, value in env.items()}
        return GatewayProcess(self.upstream.url, env={**SMALL_MEMORY, **env})

    def ask_until(self, gateway, text, cache):
        """Asks until that tier answers: entries go down in the background, and leave memory for others."""
        def wanted():
            gateway.post(CHAT, chat("something else " + str(time.monotonic())))
            reply = gateway.post(CHAT, chat(text))
            self.assertEqual((reply.status, reply.json["choices"][0]["message"]["content"]), (200, ANSWER))
            return reply.cache == cache
        eventually(wanted, cache)

    def key_file(self):
        path = self.folder / "cache.keys"
        subprocess.run([ASSAY, "keys", "file", "create", str(path)], check=True, capture_output=True)
        return path


class LowerTiersTest(Case):
    def test_what_memory_has_no_room_for_is_served_compressed(self):
        with self.serve(CACHE_COMPRESSED_ENABLED="true", CACHE_COMPRESSED_SIZE="2 MB") as gateway:
            gateway.post(CHAT, chat("Capital?"))
            self.ask_until(gateway, "Capital?", "hit; tier=compressed")
            self.assertGreater(gateway.metric('assay_cache_hits_total{tier="zstd"}'), 0)

    def test_a_restart_serves_sealed_answers_from_the_disk(self):
        disk, secret = self.folder / "cache", "The capital of the sealed land is Xanadu."
        env = {"CACHE_DISK_FOLDER": disk, "CACHE_SEALING_KEY_FILE": self.key_file(),
               "CACHE_COMPRESSED_ENABLED": "true"}
        self.upstream.script(answer(secret))
        with self.serve(**env) as gateway:
            self.assertEqual(gateway.post(CHAT, chat("Capital?")).cache, "miss")
        with self.serve(**env) as gateway:
            reply = gateway.post(CHAT, chat("Capital?"))
            self.assertEqual(reply.cache, "hit; tier=disk")
            self.assertEqual(reply.json["choices"][0]["message"]["content"], secret)
        stored = b"".join(path.read_bytes() for path in disk.rglob("*") if path.is_file())
        self.assertGreater(len(stored), 100)
        self.assertNotIn(b"Xanadu", stored)
        self.assertEqual(self.upstream.calls, 1)

    def test_a_missing_key_file_stops_the_start_instead_of_writing_unsealed(self):
        missing = self.folder / "missing.keys"
        done = subprocess.run([ASSAY, "serve", "--upstream", self.upstream.url, "--listen", "127.0.0.1:0"],
                              env={**os.environ, "ASSAY_CACHE_DISK_FOLDER": str(self.folder / "cache"),
                                   "ASSAY_CACHE_SEALING_KEY_FILE": str(missing)},
                              capture_output=True, text=True, timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(missing), done.stderr)


@unittest.skipUnless(INSTALLED, "redis-server is not installed")
class RedisTest(Case):
    def setUp(self):
        super().setUp()
        self.redis = self.enterContext(RedisProcess(password=PASSWORD))
        self.env = {"CACHE_REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/3", "CACHE_REDIS_TIME": "1 s",
                    "CACHE_REDIS_PASSWORD": PASSWORD, "CACHE_REDIS_PREFIX": "tiers:"}

    def serve(self, **env):
        return super().serve(**self.env, **env)

    def keys(self):
        return int(self.redis.command("INFO", "keyspace").partition(b"keys=")[2].split(b",")[0] or 0)

    def test_a_second_gateway_answers_from_the_redis_that_it_shares(self):
        with self.serve() as first, self.serve() as second:
            first.post(CHAT, chat("Capital?"))
            eventually(self.keys, "the answer is in Redis")
            reply = second.post(CHAT, chat("Capital?"))
            self.assertEqual(reply.cache, "hit; tier=redis")
            self.assertEqual(reply.json["choices"][0]["message"]["content"], ANSWER)
        self.assertEqual(self.upstream.calls, 1)

    def test_requests_do_not_fail_when_redis_dies_and_the_log_keeps_the_password(self):
        with self.serve() as gateway:
            gateway.post(CHAT, chat("Capital?"))
            eventually(self.keys, "the answer is in Redis")
            self.redis.kill()
            for i in range(20):
                self.assertEqual(gateway.post(CHAT, chat(f"Question {i}?")).status, 200)
            gateway.process.terminate()
            log = gateway.process.stderr.read()
        self.assertIn('"cache_redis"', log)
        self.assertNotIn(PASSWORD, log)
        self.assertNotIn("p%40ss", log)

    def test_a_redis_that_was_killed_is_used_again_when_it_is_back(self):
        self.env["CACHE_REDIS_RETRY_AFTER"] = "50 ms"
        with self.serve(LOG_LEVEL="info") as gateway, self.serve() as second:
            gateway.post(CHAT, chat("Before?"))
            eventually(self.keys, "the answer is in Redis")
            self.redis.kill()
            for i in range(20):
                self.assertEqual(gateway.post(CHAT, chat(f"Meanwhile {i}?")).status, 200)
            self.redis.start()

            def shared():
                text = f"After {time.monotonic()}?"
                gateway.post(CHAT, chat(text))
                return second.post(CHAT, chat(text)).cache == "hit; tier=redis"
            eventually(shared, "what one stores the other finds in Redis")
            ups = [line["up"] for line in map(json.loads, gateway.log().splitlines()) if line["event"] == "cache_redis"]
        self.assertEqual(ups[-2:], [False, True])

    def test_a_redis_that_was_never_there_fails_nothing(self):
        self.redis.kill()
        with self.serve() as gateway:
            self.assertEqual([gateway.post(CHAT, chat("Capital?")).cache for _ in range(2)],
                             ["miss", "hit; tier=memory"])


class RefreshAheadTest(Case):
    def test_an_asked_for_answer_is_renewed_before_it_expires(self):
        env = {"CACHE_REFRESH_AHEAD": 4, "CACHE_TTL": "4 s", "CACHE_TTL_JITTER": 0,
               "CACHE_MEMORY_MAX_ENTRIES": 100}
        self.upstream.script(answer("old"), answer("seldom"), answer("new"))
        with self.serve(**env) as gateway:
            def text():
                return gateway.post(CHAT, chat("Often?")).json["choices"][0]["message"]["content"]
            self.assertEqual([text() for _ in range(5)], ["old"] * 5)
            gateway.post(CHAT, chat("Seldom?"))
            stored = 'assay_cache_refreshes_total{result="stored"}'
            eventually(lambda: gateway.metric(stored) == 1, "one refresh")
            reply = gateway.post(CHAT, chat("Often?"))
            self.assertEqual((reply.cache, reply.json["choices"][0]["message"]["content"]),
                             ("hit; tier=memory", "new"))
            self.assertEqual(self.upstream.calls, 3)


if __name__ == "__main__":
    unittest.main()
