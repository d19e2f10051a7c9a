"""`assay vector` as a user and another program call it: rows with a history, indexes, codes and similarities."""

from __future__ import annotations

import array
import json
import os
import random
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))


def run(*arguments: object, text: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([ASSAY, "vector", *map(str, arguments)], input=text, text=True, capture_output=True,
                          timeout=60)


def line(number: int, values: list) -> str:
    return json.dumps({"id": number, "vector": values}) + "\n"


def write_npy(path: Path, rows: list, kind: str = "<f4") -> None:
    """What numpy.save writes."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    values = array.array("f" if kind == "<f4" else "q", [value for row in rows for value in row])
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + values.tobytes())


def read_npy(path: Path) -> list:
    content = path.read_bytes()
    begin = 10 + int.from_bytes(content[8:10], "little")
    return list(array.array("f", content[begin:]))


def dot(a: list, b: list) -> float:
    return sum(x * y for x, y in zip(a, b))


class MatrixCommands(unittest.TestCase):
    """Of .npy files, against plain Python."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        generator = random.Random(3)
        self.rows = [[generator.gauss(0, 1) for _ in range(24)] for _ in range(60)]
        self.queries = [[generator.gauss(0, 1) for _ in range(24)] for _ in range(8)]
        self.truth = [sorted(range(60), key=lambda r: -dot(query, self.rows[r]))[:10] for query in self.queries]
        write_npy(self.folder / "base.npy", self.rows)
        write_npy(self.folder / "queries.npy", self.queries)
        write_npy(self.folder / "truth.npy", self.truth, "<i8")
        self.files = ("--base", self.folder / "base.npy", "--queries", self.folder / "queries.npy", "--truth",
                      self.folder / "truth.npy")

    def done(self, *arguments: object) -> str:
        done = run(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_similar_rows_are_those_of_a_plain_loop(self) -> None:
        lines = self.done("similar", self.folder / "base.npy", "-k", 3, "--json").splitlines()
        self.assertEqual(len(lines), 60)
        for number, text in enumerate(lines):
            one = json.loads(text)
            best = sorted((r for r in range(60) if r != number), key=lambda r: -dot(self.rows[number], self.rows[r]))[:3]
            self.assertEqual((one["row"], [hit["row"] for hit in one["similar"]]), (number, best))
            self.assertAlmostEqual(one["similar"][0]["score"], dot(self.rows[number], self.rows[best[0]]), places=3)

    def test_the_matrix_of_cosines_is_symmetric_with_ones_on_its_diagonal(self) -> None:
        self.done("similar", self.folder / "base.npy", "--cosine", "--matrix", self.folder / "m.npy")
        matrix = read_npy(self.folder / "m.npy")
        self.assertEqual(len(matrix), 3600)
        for i in range(60):
            self.assertAlmostEqual(matrix[i * 61], 1, places=5)
            for j in range(i):
                self.assertEqual(matrix[i * 60 + j], matrix[j * 60 + i])
        refused = run("similar", self.folder / "base.npy", "--matrix", self.folder / "m.txt")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("NAME.npy", refused.stderr)

    def test_codes_find_all_neighbours_once_enough_are_compared(self) -> None:
        codes = json.loads(self.done("codes", *self.files, "--json"))["codes"]
        self.assertEqual([one["code"] for one in codes], ["float16", "int8", "4 bits", "1 bit"])
        self.assertEqual([one["bytes_per_vector"] for one in codes], [48, 28, 44, 20])
        for one in codes:
            self.assertEqual(one["recall_at_10"]["100"], 1)
        self.assertEqual(codes[0]["recall_at_10"]["0"], 1)
        self.assertLess(codes[3]["recall_at_10"]["0"], 1)

    def test_an_index_is_measured_again_without_being_built(self) -> None:
        index = self.folder / "kept.index"
        first = json.loads(self.done("bench", *self.files, "--index", index, "--json"))
        self.assertEqual(first["recall_at_10"], 1)
        self.assertGreater(first["build_seconds"], 0)
        again = json.loads(self.done("bench", *self.files, "--index", index, "--reuse", "--json"))
        self.assertEqual((again["recall_at_10"], again["build_seconds"]), (1, None))
        self.assertEqual(run("bench", *self.files, "--reuse").returncode, 2)
        write_npy(self.folder / "base.npy", self.rows[:50])
        other = run("bench", *self.files, "--index", index, "--reuse")
        self.assertEqual(other.returncode, 2)
        self.assertIn("is it of other vectors?", other.stderr)


class VectorCommands(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.store = Path(self.folder.name) / "vectors"

    def json(self, *arguments: object, text: str = "") -> dict:
        done = run(*arguments, "--json", text=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def put(self, text: str, *more: object) -> dict:
        return self.json("put", self.store, "-", *more, text=text)

    def test_a_history_can_be_listed_compared_and_gone_back_to(self) -> None:
        first = self.put(line(1, [0.5, -0.25]) + "\n" + line(2, [1, 2]), "--encoder", "e1")
        self.assertEqual(first, {"put": 2, "not_finite": 0, "zero": 0, "vectors": 2, "version": 1})
        self.put(line(2, [1, 3]) + line(3, [0, 0]))
        self.assertEqual(self.json("erase", self.store, 1), {"version": 3, "vectors": 2})
        self.assertEqual(self.json("diff", self.store, 1, 3),
                         {"from": 1, "to": 3, "added": [3], "removed": [1], "changed": [2]})
        self.assertEqual(self.json("rollback", self.store, 1), {"version": 4, "restored": 1})
        self.json("compact", self.store)
        got = run("get", self.store, 1, 2)
        self.assertEqual([json.loads(one) for one in got.stdout.splitlines()],
                         [{"id": 1, "vector": [0.5, -0.25]}, {"id": 2, "vector": [1, 2]}])
        old = run("get", self.store, 2, "--version", 2)
        self.assertEqual(json.loads(old.stdout)["vector"], [1, 3])
        log = self.json("log", self.store)
        self.assertEqual([one["version"] for one in log["commits"]], [1, 2, 3, 4])
        self.assertEqual(log["commits"][3]["restored"], 1)
        self.assertEqual((log["encoder"], log["dim"], log["vectors"]), ("e1", 2, 2))
        text = run("log", self.store, "--last", 1).stdout.splitlines()
        self.assertEqual(len(text), 2)
        self.assertIn("back to version 1", text[0])

    def test_the_rows_of_an_array_are_put_under_ids_that_follow_each_other(self) -> None:
        array_file = Path(self.folder.name) / "rows.npy"
        write_npy(array_file, [[0.5, 1], [2, 3], [-4, 0.25]])
        self.assertEqual(self.json("put", self.store, array_file, "--first-id", 7)["vectors"], 3)
        got = run("get", self.store, 7, 9)
        self.assertEqual([json.loads(one) for one in got.stdout.splitlines()],
                         [{"id": 7, "vector": [0.5, 1]}, {"id": 9, "vector": [-4, 0.25]}])
        write_npy(array_file, [[1, 2, 3]])
        self.assertNotEqual(run("put", self.store, array_file).returncode, 0)

    def test_a_log_that_lost_a_whole_commit_is_noticed(self) -> None:
        self.put(line(1, [1, 2]))
        log = next(self.store.glob("log-*"))
        first = log.stat().st_size
        self.put(line(2, [3, 4]))
        content = log.read_bytes()
        log.write_bytes(content[:first])
        done = run("log", self.store)
        self.assertEqual(done.returncode, 9)
        self.assertIn(f"it had {len(content)} bytes when it was closed", done.stderr)
        log.write_bytes(content)
        self.assertEqual(self.json("log", self.store)["vectors"], 2)

    def test_odd_vectors_are_kept_and_told_of(self) -> None:
        done = run("put", self.store, "-", text=line(1, [None, 1]) + line(2, [0, 0]))
        self.assertEqual(done.returncode, 0)
        self.assertIn("1 vectors hold a NaN or an infinity and 1 only zeros", done.stderr)

    def test_errors_say_what_and_where(self) -> None:
        for arguments, text, code, words in (
            (("get", self.store, 1), "", 3, "no vector store"),
            (("put", self.store, "-"), line(1, [1, 2]) + line(2, [1]), 2, "line 2: 1 dimensions"),
            (("put", self.store, "-"), "{}\n", 2, "line 1"),
            (("put", self.store, "-"), line(1, ["x"]), 2, "no number"),
            (("put", self.store, "-"), "", 2, "holds no vectors"),
        ):
            done = run(*arguments, text=text)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)
        self.put(line(1, [1, 2]), "--encoder", "model 1")
        other = run("put", self.store, "-", "--encoder", "model 2", text=line(1, [1, 2]))
        self.assertEqual(other.returncode, 6)
        self.assertIn("'model 1', not by 'model 2'", other.stderr)
        self.assertEqual(run("rollback", self.store, 9).returncode, 3)
        self.assertEqual(run("diff", self.store, 0, 9).returncode, 3)

    def test_damage_is_named_by_file_and_offset(self) -> None:
        self.put(line(1, [1, 2]))
        self.json("compact", self.store)
        base = next(self.store.glob("base-*"))
        content = bytearray(base.read_bytes())
        content[-20] ^= 1
        base.write_bytes(content)
        done = run("log", self.store)
        self.assertEqual(done.returncode, 9)
        self.assertIn(base.name, done.stderr)
        self.assertIn("offset", done.stderr)


if __name__ == "__main__":
    unittest.main()
