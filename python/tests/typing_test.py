#!/usr/bin/env python3
"""mypy checks the package, its generated stubs, and a program that uses them rightly and wrongly."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import built

RIGHT = """
import numpy as np
import assay
from numpy.typing import NDArray

rows = np.zeros((2, 3), np.float32)
found: tuple[NDArray[np.uint32], NDArray[np.float32]] = assay.vector.top_k(rows, rows, 1)
score: float = assay.text.similarity("a", "b", measure="jaro")
value: bytes | None = assay.cache.MemoryCache().get(b"key")
reason: str = assay.backend().reason
"""
WRONG = """
import assay

assay.text.similarity("a", 3)
assay.crypto.HmacKey("text")
assay.text.no_such_function()
"""


class Typing(unittest.TestCase):
    def mypy(self, *arguments):
        command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(built.ROOT / "build/mypy"), *arguments]
        done = subprocess.run(command, env=built.environment(MYPYPATH=str(built.PACKAGE)), capture_output=True, text=True)
        return done.stdout + done.stderr

    def program(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "program.py")
            path.write_text(text)
            return self.mypy(str(path))

    def test_package_and_stubs_have_types(self):
        self.assertIn("Success: no issues found", self.mypy("--package", "assay"))

    def test_a_right_program_passes(self):
        self.assertIn("Success: no issues found", self.program(RIGHT))

    def test_a_wrong_program_is_found_out(self):
        self.assertIn("Found 3 errors", self.program(WRONG))


if __name__ == "__main__":
    unittest.main()
