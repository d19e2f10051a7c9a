"""A few seconds of tests/soak/chaos.py: all that it demands holds, and it did meet faults."""
import json
import subprocess
import sys
import unittest
from pathlib import Path

CHAOS = Path(__file__).resolve().parents[1] / "soak" / "chaos.py"
SEED = 20261122


class ChaosTest(unittest.TestCase):
    def test_nothing_is_wrong_or_lost_while_everything_fails(self):
        done = subprocess.run([sys.executable, CHAOS, "--minutes", "0.12", "--pace", "0.8", "--seed", str(SEED), "--json"],
                              capture_output=True, text=True, timeout=180)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["violations"], [])
        counts = result["counts"]
        self.assertGreater(counts["status 200"], 100)
        self.assertGreater(sum(number for what, number in counts.items() if what.startswith("cache hit")), 10)
        self.assertGreaterEqual(counts.get("SIGKILL", 0), 1)
        self.assertGreater(counts["kept over an orderly end"], 0)
        self.assertGreater(sum(result["upstream"].values()) - result["upstream"]["none"], 5)


if __name__ == "__main__":
    unittest.main()
