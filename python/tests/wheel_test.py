#!/usr/bin/env python3
"""`pip install .` in an empty environment gives a package that works anywhere. Objects come from ccache, or else from
the build tree where its commands are the same (reuse_object.py).

A whole `python -m build` compiles everything once more; what is special to it, the sdist, is looked into here.
"""

import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

import built

PROGRAM = """
import json, numpy, assay
try:
    assay.embed.TransformerEncoder.open("/nonexistent")
except assay.NotFound as error:
    transformer = str(error)
verifier = assay.claims.Verifier(assay.corpus.Index.from_texts({"a.md": "The sky is blue at noon."}))
print(json.dumps({
    "backend": assay.backend().name,
    "transformer": transformer,
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
            if "CMAKE_CXX_COMPILER_LAUNCHER" not in clean:
                tree = built.PACKAGE.parent
                self.run_ok("cmake", "--build", str(tree), "--target", "assay_native")
                clean |= {"CMAKE_CXX_COMPILER_LAUNCHER": f"{sys.executable};{built.ROOT}/python/tests/reuse_object.py",
                          "ASSAY_OBJECTS": str(tree)}
            self.run_ok(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", str(built.ROOT), env=clean)
            found = json.loads(self.run_ok(python, "-c", PROGRAM, cwd=folder, env=clean))
            self.assertEqual(found["backend"], "native")
            self.assertIn("/nonexistent", found["transformer"])
            self.assertTrue(pathlib.Path(found["file"]).is_relative_to(folder), found["file"])
            self.assertAlmostEqual(found["similarity"], 4 / 7)
            self.assertEqual(found["verdict"], "supported")
            self.assertEqual(found["rows"], [[0], [1], [2]])
            stubs = pathlib.Path(found["file"]).parent
            self.assertTrue((stubs / "py.typed").exists() and (stubs / "_native/text.pyi").exists())

    def test_a_source_distribution_has_all_that_a_wheel_is_made_of(self):
        with tempfile.TemporaryDirectory() as folder:
            program = "import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])"
            self.run_ok(sys.executable, "-c", program, folder, cwd=built.ROOT)
            (made,) = pathlib.Path(folder).iterdir()
            with tarfile.open(made) as archive:
                names = {name.partition("/")[2] for name in archive.getnames()}
        tracked = self.run_ok("git", "ls-files", "CMakeLists.txt", "cmake", "src", "python", cwd=built.ROOT).split()
        left_out = [name for name in tracked if name not in names and not name.startswith("python/tests/")]
        self.assertEqual(left_out, [])
        if (built.ROOT / ".models/static-minilm-256").is_dir():
            self.assertLessEqual({".models/manifest.json", ".models/static-minilm-256/table.bin"}, names)
        self.assertEqual([name for name in names if name.startswith((".git/", ".venv", "build/", "tests/", "docs/"))], [])

    def test_the_module_of_a_build_tree_claims_no_stable_abi(self):
        (module,) = (built.PACKAGE / "assay").glob("_native*.so")  # only a wheel's may, from Python 3.12 on
        self.assertNotIn("abi3", module.name)
        self.assertIn(f"cpython-{sys.version_info.major}{sys.version_info.minor}", module.name)


if __name__ == "__main__":
    unittest.main()
