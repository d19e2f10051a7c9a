"""Each check of .clang-tidy fails on its sample, and on no other sample: the linter really runs what it lists."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests/lint/samples"


def enabled():
    text = (ROOT / ".clang-tidy").read_text()
    listed = text.split("Checks: >-", 1)[1].split("WarningsAsErrors", 1)[0]
    return {name for name in re.findall(r"[a-zA-Z-]+[a-z]", listed) if name != "-"}


def findings(source):
    result = subprocess.run(["clang-tidy-19", "--quiet", str(source), "--", "-std=c++23", "-w"],
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


if __name__ == "__main__":
    unittest.main()
