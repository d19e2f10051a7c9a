"""Each check of .clang-tidy fails on its sample, and on no other sample: the linter really runs what it lists. So do the
compiler's warnings that stand in for a check (they cost nothing, the check would)."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests/lint/samples"
WARNINGS = ROOT / "tests/lint/warnings"


def enabled():
    text = (ROOT / ".clang-tidy").read_text()
    listed = text.split("Checks: >-", 1)[1].split("WarningsAsErrors", 1)[0]
    return {name for name in re.findall(r"[a-zA-Z-]+[a-z]", listed) if name != "-"}


def findings(source):
    result = subprocess.run([str(ROOT / ".venv/bin/clang-tidy"), "--quiet", str(source), "--", "-std=c++23", "-w"],
                            capture_output=True, text=True)
    return result.returncode, set(re.findall(r"\[([a-z][a-zA-Z-]+),-warnings-as-errors\]", result.stdout)), result.stdout


class Samples(unittest.TestCase):
    def test_every_check_has_a_sample_and_every_sample_a_check(self):
        self.assertEqual({path.stem for path in SAMPLES.glob("*.cc")}, enabled())

    def test_every_sample_fails_with_exactly_its_check(self):
        sources = sorted(SAMPLES.glob("*.cc"))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for source, (code, names, output) in zip(sources, pool.map(findings, sources)):
                with self.subTest(source.stem):
                    self.assertEqual(names, {source.stem}, output)
                    self.assertNotEqual(code, 0)

    def test_every_warning_sample_fails_with_exactly_its_warning(self):
        flags = (ROOT / "cmake/AssayFlags.cmake").read_text()
        for source in sorted(WARNINGS.glob("*.cc")):
            with self.subTest(source.stem):
                self.assertIn(f"-W{source.stem}", flags)
                done = subprocess.run(["clang++-19", "-std=c++23", "-fsyntax-only", "-Werror", f"-W{source.stem}",
                                       str(source)], capture_output=True, text=True)
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(set(re.findall(r"-W(?:error,-W)?([a-z-]+)\]", done.stderr)), {source.stem})


if __name__ == "__main__":
    unittest.main()
