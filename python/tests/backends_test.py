#!/usr/bin/env python3
"""Runs the suite with the extension module, and once more with it hidden."""

import subprocess
import sys
import unittest

import built


class Backends(unittest.TestCase):
    def run_suite(self, backend):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(built.ROOT / "python/tests/suite")]
        done = subprocess.run(command, env=built.environment(ASSAY_BACKEND=backend), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        return done.stdout

    def test_suite_passes_with_the_extension(self):
        self.assertNotIn("needs the extension", self.run_suite("native"))

    def test_suite_passes_without_the_extension(self):
        self.assertIn("skipped", self.run_suite("python"))

    def test_a_missing_extension_is_no_error_unless_it_is_asked_for(self):
        hide = "import sys; sys.modules['assay._native'] = None; import assay; print(*assay.backend().__dict__.values())"
        for backend, code, said in (("", 0, "python the extension"), ("native", 1, "but the extension is not there")):
            command = [sys.executable, "-c", hide]
            done = subprocess.run(command, env=built.environment(ASSAY_BACKEND=backend), capture_output=True, text=True)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(said, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
