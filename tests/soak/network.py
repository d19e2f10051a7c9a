"""A bad network between two ends: a TCP proxy that delays, stalls, slices and drops.

The kernel's netem would do the same to packets, but many kernels come without it; what TCP makes of lost packets is a
stall of a retransmission's time, and of many lost ones a reset. Both are done here, to bytes.

    python network.py PORT --badness 0.02 --seed 7    prints its own port, forwards to PORT of the loopback interface
"""
from __future__ import annotations

import argparse
import asyncio
import random
import socket
import struct
import sys

RETRANSMISSION_S = 0.2  # Linux's least retransmission time
BUFFER = 1 << 16


class BadNetwork:
    def __init__(self, port: int, badness: float, seed: int) -> None:
        self._port, self._badness, self._random = port, badness, random.Random(seed)

    async def serve(self) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            _reset(writer)
            return
        await asyncio.gather(self._forward(reader, far_writer), self._forward(far_reader, writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(BUFFER):
                chance = self._random.random()
                if chance < self._badness / 4:
                    _reset(writer)
                    break
                if chance < self._badness:
                    await asyncio.sleep(RETRANSMISSION_S)
                    cut = self._random.randrange(len(data))
                    writer.write(data[:cut])
                    await writer.drain()
                    data = data[cut:]
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("port", type=int, help="where the other end listens")
    parser.add_argument("--badness", type=float, default=0.02, help="share of the pieces that something happens to")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    asyncio.run(BadNetwork(arguments.port, arguments.badness, arguments.seed).serve())


if __name__ == "__main__":
    main()
