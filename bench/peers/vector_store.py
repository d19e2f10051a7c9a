"""The lossless codec and the vector store beside pcodec, blosc2, zstd, SQLite, LMDB and a numpy memmap. JSON lines.

usage: vector_store.py PROGRAM [MATRIX.npy]

PROGRAM is build/release/bench/vector_store_bench. Without a matrix: 4,000 unit vectors of 1,536 dimensions around 200
centres. Codecs are timed by CPU and alternate with PROGRAM's own; the store by the wall clock, on the folder of
temporary files. Peers that are not installed are left out.
"""

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RUNS, ENCODE_RUNS, READS, UPDATES = 7, 3, 20_000, 300


def rows_like_embeddings(count=4_000, dim=1_536):
    rng = np.random.default_rng(20260101)
    centres = rng.standard_normal((200, dim)) * (1 / np.arange(1, dim + 1)) ** 0.25
    rows = centres[rng.integers(0, 200, count)] + rng.standard_normal((count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def bits(rows, mask):
    return (rows.view(np.uint32) & np.uint32(mask)).view(np.float32)


def codecs():
    """Name, and functions that encode and decode a flat array."""
    try:
        from pcodec import ChunkConfig, standalone

        def pco(level):
            return (lambda x: standalone.simple_compress(x, ChunkConfig(compression_level=level)),
                    lambda b, x: standalone.simple_decompress_into(b, np.empty_like(x)))
        yield "pcodec_8", *pco(8)
        yield "pcodec_12", *pco(12)
    except ImportError:
        pass
    try:
        import blosc2

        blosc2.set_nthreads(1)
        yield ("blosc2_shuffle_zstd_3",
               lambda x: blosc2.compress2(x, codec=blosc2.Codec.ZSTD, clevel=3, typesize=4, nthreads=1,
                                          filters=[blosc2.Filter.SHUFFLE]),
               lambda b, x: blosc2.decompress2(b, nthreads=1))
    except ImportError:
        pass
    try:
        import zstandard

        yield ("zstd_3", lambda x: zstandard.ZstdCompressor(3).compress(x.tobytes()),
               lambda b, x: zstandard.ZstdDecompressor().decompress(b, max_output_size=x.nbytes))
    except ImportError:
        pass


def best_of(runs, action):
    """What the action returns, and the seconds of CPU of its quickest run."""
    best = None
    for _ in range(runs):
        begin = time.process_time()
        result = action()
        seconds = time.process_time() - begin
        best = seconds if best is None else min(best, seconds)
    return result, best


def bench_codecs(rows):
    for kind, values in (("float32", rows), ("bfloat16", bits(rows, 0xFFFF0000))):
        flat = np.ascontiguousarray(values).ravel()
        for name, encode, decode in codecs():
            encoded, encoding = best_of(ENCODE_RUNS, lambda encode=encode: encode(flat))
            _, decoding = best_of(RUNS, lambda decode=decode, encoded=encoded: decode(encoded, flat))
            print(json.dumps({"name": f"codec/{kind}/{name}", "saved": round(1 - len(encoded) / flat.nbytes, 4),
                              "gb_per_second": round(flat.nbytes / decoding / 1e9, 3),
                              "encode_gb_per_second": round(flat.nbytes / encoding / 1e9, 3)}))


def timed(action, count):
    times = []
    for i in range(count):
        begin = time.perf_counter()
        action(i)
        times.append((time.perf_counter() - begin) * 1e6)
    times.sort()
    return {"p50_us": round(times[count // 2], 2), "p99_us": round(times[count * 99 // 100], 2)}


def bench_stores(rows, folder):
    order = np.random.default_rng(1).integers(0, len(rows), READS).tolist()
    blobs = [row.tobytes() for row in rows]
    base = sqlite3.connect(folder / "vectors.sqlite")
    base.execute("pragma journal_mode=wal")
    base.execute("pragma synchronous=full")
    base.execute("create table v (id integer primary key, row blob)")
    base.executemany("insert into v values (?, ?)", enumerate(blobs))
    base.commit()

    def update(i):
        base.execute("update v set row = ? where id = ?", (blobs[i + 1], i))
        base.commit()

    def read(i):
        np.frombuffer(base.execute("select row from v where id = ?", (order[i],)).fetchone()[0], np.float32)

    print(json.dumps({"name": "store/read/sqlite", **timed(read, READS)}))
    print(json.dumps({"name": "store/update/sqlite", **timed(update, UPDATES)}))
    try:
        import lmdb

        with lmdb.open(str(folder / "lmdb"), map_size=1 << 31) as env:
            with env.begin(write=True) as txn:
                for i, blob in enumerate(blobs):
                    txn.put(i.to_bytes(8, "big"), blob)

            def lmdb_read(i):
                with env.begin() as txn:
                    np.frombuffer(txn.get(order[i].to_bytes(8, "big")), np.float32).copy()

            def lmdb_update(i):
                with env.begin(write=True) as txn:
                    txn.put(i.to_bytes(8, "big"), blobs[i + 1])

            print(json.dumps({"name": "store/read/lmdb", **timed(lmdb_read, READS)}))
            print(json.dumps({"name": "store/update/lmdb", **timed(lmdb_update, UPDATES)}))
    except ImportError:
        pass
    np.save(folder / "rows.npy", rows)
    mapped = np.load(folder / "rows.npy", mmap_mode="r")
    print(json.dumps({"name": "store/read/numpy_memmap", **timed(lambda i: np.array(mapped[order[i]]), READS)}))


def main():
    rows = np.load(sys.argv[2]) if len(sys.argv) > 2 else rows_like_embeddings()
    rows = np.ascontiguousarray(rows, np.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows.tofile(folder / "rows.f32")
        bench_codecs(rows)
        sys.stdout.flush()
        subprocess.run([sys.argv[1], folder / "rows.f32", str(rows.shape[1]), name], check=True)
        bench_stores(rows, folder)


if __name__ == "__main__":
    main()
