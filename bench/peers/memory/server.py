#!/usr/bin/env python3
"""The twin of an idle gateway: an HTTP server with the library in pure Python, on a free loopback port.

usage: server.py      prints "listening on http://127.0.0.1:PORT" and serves until SIGTERM
"""

import asyncio
import json

from assay.reference import cache, claims, consensus, corpus, text  # noqa: F401: what a gateway would use

ANSWER = json.dumps({"object": "chat.completion", "choices": []}).encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.readline():
            length = 0
            while (line := (await reader.readline()).strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER)
            await writer.drain()
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"listening on http://{host}:{port}", flush=True)
    await server.serve_forever()


asyncio.run(main())
