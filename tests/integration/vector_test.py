"""`assay vector put|get|erase|log|diff|rollback|compact` as a user and another program call it."""

from __future__ import annotations

import json
import os
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
