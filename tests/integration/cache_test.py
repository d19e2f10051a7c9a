"""assay cache: a folder is looked into, moved and purged; a gateway is asked the questions of a file."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))

EXIT_INVALID = 2
EXIT_NOT_FOUND = 3
EXIT_UNAVAILABLE = 8
EXIT_DATA_LOSS = 9
FAR_AWAY_MS = 4_102_444_800_000  # the year 2100


def run(*arguments: object, text: str = "", **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([ASSAY, *map(str, arguments)], input=text.encode(), capture_output=True, timeout=120,
                          env={**os.environ, **environment})


def make_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = make_table()


def crc32c(data: bytes, crc: int = 0) -> int:
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def entry_bytes(number: int, tenant: str, model: str, stored_ms: int = 1_700_000_000_000,
                expires_ms: int = FAR_AWAY_MS) -> bytes:
    """docs/formats/cache-entry.md"""
    body = json.dumps({"answer": f"number {number}", "filler": "x" * 500}).encode()
    texts = [tenant.encode(), b"default", model.encode(), b"application/json", body, b"", b""]
    checked = struct.pack("<I", 0) + struct.pack("<QQ", number, number * 7)
    checked += struct.pack("<qqQQqq", stored_ms, expires_ms, 10, 20, 1_500_000, 900_000)
    checked += b"".join(struct.pack("<I", len(text)) for text in texts) + bytes(4) + b"".join(texts)
    return b"AENT" + struct.pack("<HHI", 1, 0, crc32c(checked)) + checked


def export_file(entries: list[bytes]) -> bytes:
    """docs/formats/record_file.md"""
    header = b"ASSAYREC" + struct.pack("<IHH", 0x01020304, 1, 0) + b"cacheexp" + struct.pack("<I", 1)
    out = header + struct.pack("<I", crc32c(header))
    for sequence, entry in enumerate(entries, 1):
        padded = entry + bytes(-len(entry) % 8)
        checked = struct.pack("<Q", len(out)) + struct.pack("<I", len(entry)) + struct.pack("<Q", sequence) + padded
        out += struct.pack("<IIQ", len(entry), crc32c(checked), sequence) + padded
    return out


class CacheFolderTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.cache = self.root / "cache"
        self.export = self.root / "in.export"
        entries = [entry_bytes(number, f"tenant-{number % 2}", f"model-{number % 3}") for number in range(1, 13)]
        entries.append(entry_bytes(99, "tenant-0", "model-0", expires_ms=1_700_000_000_001))
        self.export.write_bytes(export_file(entries))

    def json(self, *arguments: object) -> dict:
        done = run("cache", *arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def assert_error(self, done: subprocess.CompletedProcess, code: int, *words: str) -> None:
        message = done.stderr.decode()
        self.assertEqual(done.returncode, code, message)
        for word in words:
            self.assertIn(word, message)

    def test_import_stats_export_and_back(self) -> None:
        report = self.json("import", self.cache, self.export)
        self.assertEqual((report["entries"], report["skipped"], report["damaged"]), (12, 1, 0))
        stats = self.json("stats", self.cache, "--by", "tenant")
        self.assertEqual(stats["entries"], 12)
        self.assertGreaterEqual(stats["file_bytes"], stats["size_bytes"])
        self.assertEqual(stats["tenant"]["tenant-1"]["entries"], 6)
        self.assertAlmostEqual(stats["tenant"]["tenant-1"]["cost_usd"], 6 * 0.0015)
        out = self.root / "out.export"
        self.assertEqual(self.json("export", self.cache, out, "--model", "model-2")["entries"], 4)
        again = self.root / "again"
        self.assertEqual(self.json("import", again, out)["entries"], 4)
        whole = self.root / "whole.export"
        self.json("export", self.cache, whole)
        self.assertEqual(self.json("import", again, whole)["entries"], 12)
        self.assertEqual(self.json("stats", again)["entries"], 12)

    def test_purge_takes_what_it_is_told_and_nothing_without_words(self) -> None:
        self.json("import", self.cache, self.export)
        self.assert_error(run("cache", "purge", self.cache), EXIT_INVALID, "--all")
        self.assert_error(run("cache", "purge", self.cache, "--all", "--tenant", "t"), EXIT_INVALID)
        self.assertEqual(self.json("purge", self.cache, "--tenant", "tenant-1")["purged"], 6)
        self.assertEqual(self.json("purge", self.cache, "--key", f"{2:016x}{14:016x}")["purged"], 1)
        self.assertEqual(self.json("purge", self.cache, "--key", f"{2:016x}{14:016x}")["purged"], 0)
        self.assert_error(run("cache", "purge", self.cache, "--key", "xyz"), EXIT_INVALID, "hexadecimal")
        self.assertEqual(self.json("purge", self.cache, "--older-than", "2000-01-01")["purged"], 0)
        self.assertEqual(self.json("purge", self.cache, "--older-than", "30d")["purged"], 5)
        self.assertEqual(self.json("purge", self.cache, "--all")["purged"], 0)
        self.assertEqual(self.json("stats", self.cache)["entries"], 0)

    def test_a_folder_in_use_is_left_alone(self) -> None:
        self.json("import", self.cache, self.export)
        with open(self.cache / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write("4242\n")
            lock.flush()
            for command in (("stats", self.cache), ("purge", self.cache, "--all")):
                self.assert_error(run("cache", *command), EXIT_UNAVAILABLE, "process 4242", "/v1/cache")
        self.assertEqual(self.json("stats", self.cache)["entries"], 12)

    def test_names_what_is_missing_or_damaged(self) -> None:
        self.assert_error(run("cache", "stats", self.root / "none"), EXIT_NOT_FOUND)
        self.assert_error(run("cache", "stats", self.root), EXIT_NOT_FOUND, "no cache")
        self.assert_error(run("cache", "import", self.cache, self.root / "none"), EXIT_NOT_FOUND)
        self.assertFalse(self.cache.exists())
        self.assert_error(run("cache", "import", self.cache, Path(__file__)), EXIT_DATA_LOSS)
        self.json("import", self.cache, self.export)
        segment = next(self.cache.glob("segment-*.log"))
        data = bytearray(segment.read_bytes())
        data[200] ^= 0xFF  # in the first record's payload
        segment.write_bytes(data)
        done = run("cache", "export", self.cache, self.root / "out", "--json")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(json.loads(done.stdout)["entries"], 11)
        self.assertIn(segment.name, done.stderr.decode())

    def test_sealed_entries_need_their_key_file(self) -> None:
        key_file = self.root / "keys"
        done = run("keys", "file", "create", key_file)
        if done.returncode != 0:
            self.skipTest("no key file: " + done.stderr.decode())
        self.json("import", self.cache, self.export, "--key-file", key_file)
        data = b"".join(path.read_bytes() for path in self.cache.glob("segment-*"))
        self.assertNotIn(b"tenant-1", data)
        self.assertNotIn(b"filler", data)
        self.assert_error(run("cache", "export", self.cache, self.root / "out"), 6, "sealed")
        self.assertEqual(self.json("export", self.cache, self.root / "out", "--key-file", key_file)["entries"], 12)


class FakeGateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    seen: list[tuple[str, dict, str]] = []
    busy_once: set[str] = set()

    def do_POST(self) -> None:  # noqa: N802
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        question = json.dumps(body, sort_keys=True)
        status, headers = 200, {}
        with self.lock:
            known = any(json.dumps(other, sort_keys=True) == question for _, other, _ in self.seen)
            if body.get("fail"):
                status = 500
            elif body.get("busy") and question not in self.busy_once:
                self.busy_once.add(question)
                status, headers = 429, {"retry-after": "1"}
            else:
                self.seen.append((self.path, body, self.headers.get("authorization", "")))
        headers["x-assay-cache"] = "hit; tier=memory" if known else "miss"
        data = b'{"ok": true}'
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


class WarmTest(unittest.TestCase):
    def setUp(self) -> None:
        FakeGateway.seen = []
        FakeGateway.busy_once = set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), FakeGateway)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def tearDown(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def warm(self, lines: list[dict], *more: object) -> subprocess.CompletedProcess:
        text = "\n".join(map(json.dumps, lines)) + "\n\n"
        return run("cache", "warm", "-", "--gateway", self.url, "--json", *more, text=text, ASSAY_API_KEY="token-1")

    def test_asks_each_question_with_the_key_and_counts_hits(self) -> None:
        lines = [{"model": "m", "messages": [{"role": "user", "content": f"q {i}"}], "stream": True} for i in range(20)]
        lines.append({"model": "m", "input": "text"})
        lines.append({"model": "m", "prompt": "text"})
        lines.append({"custom_id": "1", "method": "POST", "url": "/v1/chat/completions",
                      "body": {"model": "n", "messages": []}})
        done = self.warm(lines, "--concurrency", 3)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(json.loads(done.stdout), {"asked": 23, "hits": 0, "misses": 23, "failed": 0})
        self.assertEqual({path for path, _, _ in FakeGateway.seen},
                         {"/v1/chat/completions", "/v1/embeddings", "/v1/completions"})
        self.assertEqual({key for _, _, key in FakeGateway.seen}, {"Bearer token-1"})
        self.assertFalse(any("stream" in body for _, body, _ in FakeGateway.seen))
        self.assertEqual(json.loads(self.warm(lines).stdout)["hits"], 23)

    def test_waits_when_told_and_reports_what_failed(self) -> None:
        done = self.warm([{"messages": [], "busy": True}])
        self.assertEqual(json.loads(done.stdout)["misses"], 1)
        done = self.warm([{"messages": [], "fail": True}, {"messages": [], "n": 1}])
        self.assertEqual(done.returncode, EXIT_UNAVAILABLE)
        self.assertEqual(json.loads(done.stdout)["failed"], 1)
        self.assertIn("500", done.stderr.decode())

    def test_refuses_lines_that_are_no_questions(self) -> None:
        for line in ("not json", "[]", '{"model": "m"}', '{"url": "/other", "body": {}}', '{"url": "/v1/x"}'):
            done = run("cache", "warm", "-", "--gateway", self.url, text='{"prompt": "a"}\n' + line)
            self.assertEqual(done.returncode, EXIT_INVALID)
            self.assertIn("line 2", done.stderr.decode())
        self.assertEqual(FakeGateway.seen, [])
        done = run("cache", "warm", "-", "--gateway", "ftp://x", text='{"prompt": "a"}')
        self.assertEqual(done.returncode, EXIT_INVALID)
        done = run("cache", "warm", "-", "--gateway", "http://127.0.0.1:1", text='{"prompt": "a"}')
        self.assertEqual(done.returncode, EXIT_UNAVAILABLE)


if __name__ == "__main__":
    unittest.main()
