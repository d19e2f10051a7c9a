"""kill -9 under load, again and again: what the gateway counted as stored is there after each restart."""
import random
import tempfile
import threading
import time
import unittest

from fake_upstream import ANSWER, FakeUpstream
from gateway_process import GatewayProcess, chat, eventually

CHAT = "/v1/chat/completions"
ROUNDS = 5
WORKERS = 4
SEED = 20261121


class Load:
    """Workers that ask questions of their own until the gateway is gone."""

    def __init__(self, gateway, name):
        self._gateway, self._name = gateway, name
        self.answered = []  # list.append is atomic
        self._threads = [threading.Thread(target=self._run, args=(worker,)) for worker in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def _run(self, worker):
        number = 0
        while True:
            text = f"{self._name}-{worker}-{number}"
            number += 1
            try:
                if self._gateway.post(CHAT, chat(text)).status != 200:
                    return
            except Exception:  # killed
                return
            self.answered.append(text)

    def join(self):
        for thread in self._threads:
            thread.join()


class KillTest(unittest.TestCase):
    def test_nothing_that_counted_as_stored_is_lost(self):
        rng = random.Random(SEED)
        env = {"ASSAY_CACHE_DISK_SYNC": "true"}
        with FakeUpstream() as upstream, tempfile.TemporaryDirectory() as folder:
            stored = []
            for turn in range(ROUNDS):
                begin = time.monotonic()
                with GatewayProcess(upstream.url, "--cache-dir", folder, env=env) as gateway:
                    eventually(lambda: gateway.get("/ready").status == 200, "ready")
                    print(f"round {turn}: ready {1000 * (time.monotonic() - begin):.0f} ms after the start, "
                          f"{len(stored)} answers acknowledged before")
                    self.assert_all_there(gateway, upstream, rng.sample(stored, min(len(stored), 300)))
                    load = Load(gateway, f"round-{turn}")
                    stored += self.acknowledged(gateway, load, rng.randint(20, 120))
                    gateway.process.kill()
                    load.join()
            with GatewayProcess(upstream.url, "--cache-dir", folder, env=env) as gateway:
                self.assert_all_there(gateway, upstream, stored)
            self.assertGreater(len(stored), 20 * ROUNDS)

    def acknowledged(self, gateway, load, least):
        """Answers that are durable now, while the load goes on. One thread writes them in the order in which they came,
        so when as many are stored as had been answered or were being answered, those are among them."""
        eventually(lambda: len(load.answered) >= least, "answers")
        answered = list(load.answered)
        count = len(answered) + WORKERS
        eventually(lambda: gateway.metric('assay_cache_puts_total{tier="disk"}') >= count, f"{count} stored")
        return answered

    def assert_all_there(self, gateway, upstream, texts):
        calls = upstream.calls
        for text in texts:
            reply = gateway.post(CHAT, chat(text))
            self.assertEqual((reply.status, reply.cache), (200, "hit; tier=disk"), text)
            self.assertEqual(reply.json["choices"][0]["message"]["content"], ANSWER)
        self.assertEqual(upstream.calls, calls)


if __name__ == "__main__":
    unittest.main()
