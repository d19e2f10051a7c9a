#!/usr/bin/env python3
"""`pip install .` in an empty environment gives a package that works anywhere. Objects come from ccache."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import built

PROGRAM = """
import json, numpy, assay
verifier = assay.claims.Verifier(assay.corpus.Index.from_texts({"a.md": "The sky is blue at noon."}))
print(json.dumps({
    "backend": assay.backend().name,
    "file": assay.__file__,
    "similarity": assay.text.similarity("kitten", "sitting"),
    "verdict": verifier.verify("The sky is blue at noon.").verdict,
    "rows": assay.vector.top_k(numpy.eye(3, dtype="f"), numpy.eye(3, dtype="f"), 1)[0].tolist(),
}))
"""


class Wheel(unittest.TestCase):
    def run_ok(self, *command, **more):
        done = subprocess.run(command, capture_output=True, text=True, timeout=580, **more)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        return done.stdout

    def test_installs_into_an_empty_environment_and_works_there(self):
        with tempfile.TemporaryDirectory() as folder:
            self.run_ok(sys.executable, "-m", "venv", folder)
            python = str(pathlib.Path(folder, "bin/python"))
            clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ASSAY"))}
            self.run_ok(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", str(built.ROOT), env=clean)
            found = json.loads(self.run_ok(python, "-c", PROGRAM, cwd=folder, env=clean))
            self.assertEqual(found["backend"], "native")
            self.assertTrue(pathlib.Path(found["file"]).is_relative_to(folder), found["file"])
            self.assertAlmostEqual(found["similarity"], 4 / 7)
            self.assertEqual(found["verdict"], "supported")
            self.assertEqual(found["rows"], [[0], [1], [2]])
            stubs = pathlib.Path(found["file"]).parent
            self.assertTrue((stubs / "py.typed").exists() and (stubs / "_native/text.pyi").exists())


if __name__ == "__main__":
    unittest.main()
