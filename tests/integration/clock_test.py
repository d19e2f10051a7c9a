"""The wall clock jumps: what has a lifetime goes by it and survives; what waits or measures does not notice.

The clock of the gateway is moved by a library that is loaded before the C library's (LD_PRELOAD).
"""
import json
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream
from gateway_process import ASSAY, GatewayProcess, chat

CHAT = "/v1/chat/completions"
HOUR_S = 3600
SHIM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static const volatile int64_t* offset_s;
__attribute__((constructor)) static void open_offset(void) {
  const int fd = open(getenv("TEST_CLOCK_OFFSET"), O_RDONLY);
  void* map = mmap(0, sizeof *offset_s, PROT_READ, MAP_SHARED, fd, 0);
  if (fd < 0 || map == MAP_FAILED) abort();
  offset_s = map;
}
int clock_gettime(clockid_t id, struct timespec* time) {
  const int result = (int)syscall(SYS_clock_gettime, id, time);
  if (id == CLOCK_REALTIME) time->tv_sec += *offset_s;
  return result;
}
"""


@unittest.skipUnless(shutil.which("cc"), "a C compiler makes the library that moves the clock")
class ClockTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.shim = cls.folder / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", cls.shim], input=SHIM.encode(), check=True)

    def setUp(self):
        self.upstream = self.enterContext(FakeUpstream())
        self.offset = self.folder / "offset"
        self.jump(0)

    def jump(self, seconds):
        """Sets the gateway's wall clock so far from the true one."""
        with open(self.offset, "r+b" if self.offset.exists() else "w+b") as file:
            file.write(struct.pack("q", seconds))

    def serve(self, *arguments, **env):
        return GatewayProcess(self.upstream.url, *arguments, env={
            "LD_PRELOAD": str(self.shim), "TEST_CLOCK_OFFSET": str(self.offset), "ASSAY_CACHE_TTL": "1 h",
            "ASSAY_CACHE_TTL_JITTER": "0", **env})

    def outcome(self, gateway, text="Capital?"):
        reply = gateway.post(CHAT, chat(text))
        self.assertEqual(reply.status, 200)
        return reply.cache

    def test_an_answer_expires_by_the_wall_clock_and_a_jump_back_breaks_nothing(self):
        with self.serve() as gateway:
            self.assertEqual(self.outcome(gateway), "miss")
            self.jump(HOUR_S // 2)
            reply = gateway.post(CHAT, chat("Capital?"))
            self.assertEqual(reply.cache, "hit; tier=memory")
            self.assertAlmostEqual(int(reply.headers["age"]), HOUR_S // 2, delta=30)
            self.jump(2 * HOUR_S)
            self.assertEqual(self.outcome(gateway), "miss")
            self.jump(-24 * HOUR_S)  # younger than its own answer
            reply = gateway.post(CHAT, chat("Capital?"))
            self.assertEqual((reply.cache, reply.headers["age"]), ("hit; tier=memory", "0"))
            self.assertEqual(self.outcome(gateway, "Another?"), "miss")
            self.assertEqual(self.outcome(gateway, "Another?"), "hit; tier=memory")
            self.jump(0)
            self.assertEqual(self.outcome(gateway, "Another?"), "miss")  # a day old by now

    def test_the_disk_tier_survives_restarts_at_other_times(self):
        disk = self.folder / "cache"
        for offset, outcome in ((0, "miss"), (-HOUR_S, "hit; tier=disk"), (HOUR_S // 2, "hit; tier=disk"),
                                (2 * HOUR_S, "miss"), (2 * HOUR_S, "hit; tier=disk")):
            self.jump(offset)
            with self.serve("--cache-dir", disk) as gateway:
                self.assertEqual(self.outcome(gateway), outcome, offset)

    def test_a_key_expires_by_the_wall_clock_and_its_budget_is_not_given_back(self):
        state = self.folder / "state"
        make = [ASSAY, "keys", "create", "--state", state, "--json", "--name"]
        token = lambda *more: json.loads(subprocess.run([*make, *more], capture_output=True, check=True).stdout)["token"]
        short, counted = token("short", "--expires", "1d"), token("counted", "--requests", "2", "--per", "day")
        with self.serve(ASSAY_KEYS_MODE="required", ASSAY_KEYS_DATABASE=str(state / "keys.db")) as gateway:
            def status(bearer):
                return gateway.post(CHAT, chat(), headers={"authorization": f"Bearer {bearer}"}).status
            self.assertEqual([status(short), status(counted), status(counted), status(counted)], [200, 200, 200, 429])
            self.jump(48 * HOUR_S)
            self.assertEqual([status(short), status(counted)], [401, 200])  # another day
            self.jump(0)
            self.assertEqual([status(short), status(counted)], [200, 429])  # whose budget is spent

    def test_connections_and_limits_go_by_another_clock(self):
        with self.serve(ASSAY_LIMITS_IDLE_TIME="60 s") as gateway:
            with gateway.connect() as kept:
                for offset in (0, 365 * 24 * HOUR_S, -365 * 24 * HOUR_S):
                    self.jump(offset)
                    kept.sendall(b"GET /health HTTP/1.1\r\nhost: h\r\n\r\n")
                    self.assertTrue(kept.recv(4096).startswith(b"HTTP/1.1 200 OK"))
                    self.assertEqual(self.outcome(gateway, f"at {offset}"), "miss")


if __name__ == "__main__":
    unittest.main()
