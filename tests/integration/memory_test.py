"""Memory stays bounded: distinct requests without end, a small cache, and resident memory that does not rise.

As many requests as fit into a few seconds; ASSAY_TEST_MEMORY_REQUESTS=1000000 asks for so many instead.
"""
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import unittest

from fake_upstream import completion
from gateway_process import GatewayProcess, chat

SECONDS = 6
CACHE_BYTES = 8_000_000
GROWTH_BYTES = 4_000_000  # once the cache is full; a leak of 200 bytes a request would pass it
CONNECTIONS = 16
BATCH = 32  # pipelined requests of a connection
END = b'"end of the answer"}'
BODY = json.dumps({**completion(content="Paris. " * 100), "note": "end of the answer"}).encode()
WARM = 3 * CACHE_BYTES // len(BODY)  # requests until the cache has been full for a while


class Upstream(asyncio.Protocol):
    """The quickest upstream that Python can be: it looks at nothing but lengths."""
    ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)

    def connection_made(self, transport):
        self.transport, self.data = transport, b""

    def data_received(self, data):
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            at = self.data.lower().index(b"content-length:") + 15
            end += 4 + int(self.data[at:self.data.index(b"\r", at)])
            if len(self.data) < end:
                return
            self.data = self.data[end:]
            self.transport.write(self.ANSWER)


async def serve_upstream():
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Client:
    """Asks questions that nobody asked before, many at a time."""

    def __init__(self, gateway):
        self.asked = 0
        self._connections = [gateway.connect() for _ in range(CONNECTIONS)]

    def close(self):
        for connection in self._connections:
            connection.close()

    def round(self):
        for connection in self._connections:
            batch = []
            for _ in range(BATCH):
                body = json.dumps(chat(f"Question {self.asked}?")).encode()
                batch.append(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n%s"
                             % (len(body), body))
                self.asked += 1
            connection.sendall(b"".join(batch))
        for connection in self._connections:
            data = b""
            while data.count(END) < BATCH:
                part = connection.recv(1 << 20)
                if not part or b"HTTP/1.1 5" in part:
                    raise AssertionError(f"not answered: {part[:500]}")
                data += part


class MemoryTest(unittest.TestCase):
    def setUp(self):
        self.upstream = subprocess.Popen([sys.executable, __file__, "--upstream"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.upstream.communicate)
        self.addCleanup(self.upstream.kill)
        self.url = f"http://127.0.0.1:{int(self.upstream.stdout.readline())}/v1"

    def test_distinct_requests_without_end_take_no_more_memory(self):
        wanted = int(os.environ.get("ASSAY_TEST_MEMORY_REQUESTS", 0))
        env = {"ASSAY_CACHE_MEMORY_SIZE": str(CACHE_BYTES), "ASSAY_CACHE_MAX_ENTRY_SIZE": "1 MB",
               "ASSAY_REQUEST_LOG_ENABLED": "false"}
        with GatewayProcess(self.url, env=env) as gateway:
            idle = gateway.resident_kb()
            client = Client(gateway)
            self.addCleanup(client.close)
            begin = time.monotonic()
            while client.asked < WARM:
                client.round()
            full, warm = gateway.resident_kb(), client.asked
            self.assertGreater(gateway.metric('assay_cache_evictions_total{tier="memory"}'), WARM / 4)
            step = max(wanted // 10, 1)
            while client.asked < wanted if wanted else client.asked < 2 * warm or time.monotonic() - begin < SECONDS:
                client.round()
                if wanted and client.asked % step < CONNECTIONS * BATCH:
                    print(f"{client.asked:>9} requests: {gateway.resident_kb()} KiB resident", flush=True)
            last = gateway.resident_kb()
            seconds = time.monotonic() - begin
            metrics = gateway.metrics()
        grown = 1024 * (last - full)
        print(f"{client.asked} distinct requests in {seconds:.1f} s; resident {idle} KiB idle, {full} KiB after {warm}, "
              f"{last} KiB at the end: {grown / (client.asked - warm):.2f} bytes a request")
        self.assertLessEqual(metrics['assay_cache_bytes{tier="memory"}'], CACHE_BYTES)
        self.assertLess(1024 * (full - idle), 2 * CACHE_BYTES + 20_000_000)
        self.assertLess(grown, GROWTH_BYTES)


if __name__ == "__main__":
    if sys.argv[1:] == ["--upstream"]:
        asyncio.run(serve_upstream())
    else:
        unittest.main()
