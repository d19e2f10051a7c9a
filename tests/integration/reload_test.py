"""SIGHUP: the settings are read again, what changed is said, and a wrong file changes nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fake_upstream import FakeUpstream, Gate, answer  # noqa: E402
from gateway_process import eventually  # noqa: E402

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))


class ReloadTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.first, self.second = FakeUpstream(), FakeUpstream()
        for upstream in (self.first, self.second):
            upstream.__enter__()
            self.addCleanup(upstream.__exit__, None, None, None)
        self.config = Path(self.folder.name) / "assay.yaml"
        self.log = Path(self.folder.name) / "assay.log"
        self.write(self.first.url)
        self.process = subprocess.Popen([ASSAY, "serve", "--config", self.config], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        self.url = re.search(r"http://\S+", self.process.stdout.readline())[0]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=60)

    def write(self, upstream: str, more: str = "") -> None:
        self.config.write_text(f"listen: 127.0.0.1:0\nupstreams: {{a: {{url: {upstream}}}}}\ncache: {{enabled: false}}\n"
                               f"log: {{file: {self.log}}}\n{more}", encoding="utf-8")

    def hang_up(self, last: str) -> list[str]:
        """Sends SIGHUP; returns the lines of standard error up to the one that holds `last`."""
        self.process.send_signal(signal.SIGHUP)
        lines = []
        while not lines or last not in lines[-1]:
            lines.append(self.process.stderr.readline())
            self.assertTrue(lines[-1], "the server ended")
        return lines

    def ask(self) -> None:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()
        request = urllib.request.Request(f"{self.url}/v1/chat/completions", data=body,
                                         headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as reply:
            self.assertEqual(reply.status, 200)

    def test_new_upstreams_are_asked_and_what_waits_for_a_restart_is_said(self) -> None:
        self.ask()
        self.write(self.second.url, "threads: 3\n")
        lines = self.hang_up("upstreams.a.url")
        self.assertTrue(any("threads: 0 -> 3, after a restart" in line for line in lines), lines)
        self.assertFalse("after a restart" in lines[-1], lines[-1])
        self.ask()
        self.assertEqual((self.first.calls, self.second.calls), (1, 1))

    def test_a_wrong_file_changes_nothing(self) -> None:
        self.write(self.second.url, "cashe: {}\n")
        lines = self.hang_up("did you mean 'cache'?")
        self.assertIn("stay as they were", "".join(lines))
        self.ask()
        self.assertEqual((self.first.calls, self.second.calls), (1, 0))

    def test_limits_of_the_server_are_taken_over(self) -> None:
        self.write(self.first.url, "limits: {body: 2000, header: 1024, connections: 3}\n")
        lines = self.hang_up("limits.header")
        self.assertFalse(any("after a restart" in line for line in lines), lines)
        host, port = self.url.removeprefix("http://").split(":")

        def answer(request: bytes, timeout_s: float = 20) -> bytes:
            with socket.create_connection((host, int(port)), timeout=timeout_s) as client:
                client.sendall(request)
                with contextlib.suppress(OSError):
                    return client.makefile("rb").read()
                return b""

        for _ in range(8):  # any thread of the server may be asked
            self.assertIn(b"body_too_large", answer(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2001\r\n\r\n"))
            self.assertIn(b"headers_too_large",
                          answer(b"GET / HTTP/1.1\r\nhost: h\r\nx: " + b"x" * 1100 + b"\r\n\r\n"))

        def served_connection() -> socket.socket | None:
            """One that the server keeps: while it still counts an earlier one, it refuses."""
            client = socket.create_connection((host, int(port)), timeout=20)
            with contextlib.suppress(OSError):
                client.sendall(b"GET /health HTTP/1.1\r\nhost: h\r\n\r\n")
                if client.recv(12) == b"HTTP/1.1 200":
                    return client
            client.close()
            return None

        held = [eventually(served_connection, "the connections before are over") for _ in range(3)]
        try:
            # It is told so without being asked; a request that nobody reads would make a reset of the answer.
            eventually(lambda: b"too_many_connections" in answer(b"", timeout_s=1), "a fourth connection is refused")
        finally:
            for connection in held:
                connection.close()
        self.write(self.first.url)
        self.hang_up("limits.header")
        eventually(lambda: answer(b"GET /health HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
                   .startswith(b"HTTP/1.1 200"), "all is as it was")
        self.ask()

    def test_an_upstream_that_comes_with_a_reload_has_its_metrics(self) -> None:
        self.ask()
        self.config.write_text(self.config.read_text(encoding="utf-8").replace(
            "}}\ncache", f"}}, b: {{url: {self.second.url}, retry: {{attempts: 0}}}}}}\nroutes: {{m: {{experts: [b]}}}}\ncache"))
        self.hang_up("upstreams.b.url")
        self.ask()
        self.assertEqual((self.first.calls, self.second.calls), (1, 1))
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=20) as reply:
            metrics = reply.read().decode()
        self.assertRegex(metrics, r'assay_upstream_calls_total\{upstream="b"\} [1-9]')
        self.assertRegex(metrics, r'assay_upstream_calls_total\{upstream="a"\} [1-9]')

    def test_the_bound_on_calls_in_flight_holds_and_is_taken_over(self) -> None:
        busy = ", max_in_flight: 1, rate: {queue_length: 0}"
        self.write(f"{self.first.url}{busy}")
        self.hang_up("upstreams.a.max_in_flight")
        gate = Gate()
        self.first.script(answer(before=gate))
        slow = threading.Thread(target=self.ask)
        slow.start()
        try:
            gate.wait_arrived()
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.ask()
            self.assertEqual(refused.exception.code, 429)
            self.assertGreater(int(refused.exception.headers["retry-after"]), 0)
            self.assertEqual(json.load(refused.exception)["error"]["code"], "upstream_busy")
            with urllib.request.urlopen(f"{self.url}/metrics", timeout=20) as reply:
                self.assertIn('assay_upstream_in_flight{upstream="a"} 1', reply.read().decode())
            self.write(f"{self.first.url}{busy.replace('flight: 1', 'flight: 2')}")
            self.hang_up("upstreams.a.max_in_flight")
            self.ask()
        finally:
            gate.open()
            slow.join()
        self.assertEqual(self.first.calls, 2)

    def test_a_rotated_log_goes_on_in_a_new_file(self) -> None:
        self.ask()
        self.log.rename(f"{self.log}.1")
        self.hang_up("read again")
        self.ask()
        self.process.terminate()
        self.process.communicate(timeout=60)
        events = []
        for path in (Path(f"{self.log}.1"), self.log):  # a line may wait 20 ms, and then comes into the new file
            text = path.read_text(encoding="utf-8")
            self.assertNotIn("content", text)
            events.append([json.loads(line)["event"] for line in text.splitlines()])
        self.assertEqual(events[0] + events[1], ["exchange", "exchange"])
        self.assertGreaterEqual(len(events[1]), 1)


if __name__ == "__main__":
    unittest.main()
