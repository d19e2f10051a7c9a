"""Every *_test.cc is built and run, and every fuzz target has a corpus. Reads what CMake wrote at configuration.

Usage: registered_test.py [BUILD_FOLDER]; the default is build/release.
"""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"


def unregistered(files, registered):
    return sorted(set(files) - set(registered))


class Registered(unittest.TestCase):
    def test_a_forgotten_file_is_found(self):
        self.assertEqual(unregistered(["a_test.cc", "b_test.cc"], ["a_test.cc"]), ["b_test.cc"])

    def test_every_test_source_is_registered(self):
        registered = (BUILD / "registered_tests.txt").read_text().splitlines()
        files = [str(path) for tree in ("src", "tests", "fuzz", "bench") for path in (ROOT / tree).rglob("*_test.cc")]
        self.assertGreater(len(files), 0)
        self.assertEqual(unregistered(files, registered), [])

    def test_every_fuzz_target_is_registered_and_has_a_corpus(self):
        targets = (BUILD / "registered_fuzz.txt").read_text().splitlines()
        sources = [str(path) for path in (ROOT / "fuzz").rglob("*_fuzz.cc")]
        self.assertEqual(unregistered(sources, [line.split(" ", 1)[1] for line in targets]), [])
        for line in targets:
            corpus = ROOT / "fuzz/corpus" / line.split(" ", 1)[0]
            self.assertTrue(corpus.is_dir() and any(corpus.iterdir()), f"{corpus} is empty: add a few small inputs")

    def test_every_python_test_can_be_run_by_its_path(self):
        for path in (ROOT / "tests").rglob("*_test.py"):
            self.assertTrue("unittest.main(" in path.read_text(), f"{path} does nothing when it is run")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BUILD = pathlib.Path(sys.argv.pop(1))
    unittest.main()
