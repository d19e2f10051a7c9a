"""A disk that is full, under `assay serve`: answers go on, the loss is counted, and said once."""
import json
import os
import resource
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream, answer
from gateway_process import ASSAY, GatewayProcess, chat, eventually

CHAT = "/v1/chat/completions"
FILE_SIZE = 256 << 10


def small_disk(case, size="4m"):
    """A file system of its own, which a test may fill; skips where it may not be mounted."""
    folder = tempfile.mkdtemp()
    case.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "assay-test", folder], capture_output=True)
    if mounted.returncode != 0:
        case.skipTest("a small file system cannot be mounted here (it takes root)")
    case.addCleanup(subprocess.run, ["umount", "-l", folder], check=True)
    return Path(folder)


def fill(folder):
    """Takes what is free; returns the file that holds it."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    return filler


class Case(unittest.TestCase):
    def serve(self, *arguments, **env):
        env = {f"ASSAY_{name}": str(value) for name, value in env.items()}
        return GatewayProcess(self.upstream.url, *arguments, env={"ASSAY_LOG_LEVEL": "info", **env})

    def setUp(self):
        self.upstream = self.enterContext(FakeUpstream(answer(os.urandom(4000).hex())))
        self.asked = 0

    def ask(self, gateway, **more):
        """A question of its own, so that each is a miss that is stored; answers are hard to compress."""
        self.asked += 1
        reply = gateway.post(CHAT, chat(f"Question {self.asked}?"), **more)
        self.assertEqual((reply.status, reply.cache), (200, "miss"))

    def ask_until(self, gateway, name, least=1, **more):
        def enough():
            self.ask(gateway, **more)
            return gateway.metric(name) >= least
        eventually(enough, f"{name} >= {least}")

    def events(self, log, name):
        return [line for line in map(json.loads, log.splitlines()) if line["event"] == name]


class SmallDiskTest(Case):
    def setUp(self):
        super().setUp()
        self.disk = small_disk(self)

    def test_the_cache_answers_on_without_its_disk_and_stores_again_when_there_is_room(self):
        with self.serve("--cache-dir", self.disk / "cache") as gateway:
            self.ask(gateway)
            eventually(lambda: gateway.metric('assay_cache_puts_total{tier="disk"}') == 1, "the first is on the disk")
            filler = fill(self.disk)
            self.ask_until(gateway, "assay_cache_write_errors_total", 20)
            self.assertGreater(gateway.metric('assay_cache_errors_total{tier="disk"}'), 0)
            self.assertEqual(gateway.post(CHAT, chat("Question 1?")).cache, "hit; tier=memory")
            filler.unlink()
            stored = gateway.metric('assay_cache_puts_total{tier="disk"}')
            self.ask_until(gateway, 'assay_cache_puts_total{tier="disk"}', stored + 1)
            events = self.events(gateway.log(), "cache_disk")
        self.assertEqual([event["kind"] for event in events], ["off", "back"])  # once each, not for every answer
        self.assertIn("full", events[0]["message"])
        with self.serve("--cache-dir", self.disk / "cache") as gateway:
            self.assertEqual(gateway.post(CHAT, chat("Question 1?")).cache, "hit; tier=disk")

    def test_the_request_log_loses_rows_and_goes_on_when_there_is_room(self):
        with self.serve(REQUEST_LOG_FILE=self.disk / "requests.db") as gateway:
            self.ask(gateway)
            eventually(lambda: gateway.metric("assay_request_log_written_total") == 1, "the first is written")
            filler = fill(self.disk)
            self.ask_until(gateway, "assay_request_log_failed_total", 20)
            filler.unlink()
            written = gateway.metric("assay_request_log_written_total")
            self.ask_until(gateway, "assay_request_log_written_total", written + 1)
            messages = [event["message"] for event in self.events(gateway.log(), "request_log")]
        self.assertEqual(len(messages), 2, messages)
        self.assertIn("records are being lost", messages[0])
        self.assertIn("written again", messages[1])

    def test_keys_hold_and_their_usage_is_written_later(self):
        state = self.disk / "state"
        made = subprocess.run([ASSAY, "keys", "create", "--state", state, "--json", "--name", "app"],
                              capture_output=True, check=True)
        bearer = {"authorization": "Bearer " + json.loads(made.stdout)["token"]}
        with self.serve(KEYS_MODE="required", KEYS_DATABASE=state / "keys.db") as gateway:
            filler = fill(self.disk)
            self.ask_until(gateway, "assay_keys_sync_failed_total", 2, headers=bearer)
            self.assertEqual(gateway.post(CHAT, chat()).status, 401)
            filler.unlink()
            log = gateway.log()
        messages = [event["message"] for event in self.events(log, "keys")]
        self.assertIn("cannot be written for now", messages[0])
        self.assertLessEqual(len(messages), 2, messages)  # and perhaps that it is written again
        listed = subprocess.run([ASSAY, "keys", "list", "--state", state, "--json"], capture_output=True, check=True)
        self.assertEqual(json.loads(listed.stdout)["keys"][0]["used"]["requests"], self.asked)

    def test_lines_of_the_log_are_lost_and_counted(self):
        with self.serve(LOG_FILE=self.disk / "assay.log") as gateway:
            self.ask(gateway)
            filler = fill(self.disk)
            self.ask_until(gateway, "assay_log_failed_total", 5)
            filler.unlink()
            written = gateway.metric("assay_log_lines_total")
            self.ask_until(gateway, "assay_log_lines_total", written + 1)
        for line in (self.disk / "assay.log").read_text().splitlines():
            self.assertEqual(json.loads(line)["event"], "exchange")  # no half lines


class FileSizeLimitTest(Case):
    """What needs no root: the system lets no file grow (ulimit -f)."""

    def test_a_file_that_may_not_grow_is_as_good_as_a_full_disk(self):
        with tempfile.TemporaryDirectory() as folder:
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, hard))  # the gateway inherits it
            try:
                with self.serve("--cache-dir", folder, REQUEST_LOG_FILE=folder + "/requests.db") as gateway:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
                    self.ask_until(gateway, "assay_cache_write_errors_total", 20)
                    events = self.events(gateway.log(), "cache_disk")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            self.assertEqual([event["kind"] for event in events], ["off"])
            self.assertIn("ulimit -f", events[0]["message"])
            self.assertGreater(sum(os.path.getsize(p) for p in Path(folder).rglob("*") if p.is_file()), FILE_SIZE / 4)


if __name__ == "__main__":
    unittest.main()
