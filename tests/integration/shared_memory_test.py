"""`assay serve --shm`: the verdicts of the HTTP endpoint without HTTP, and what becomes of it when a side is killed."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from gateway_process import ASSAY, SOURCE, GatewayProcess, eventually

PACKAGE = Path(os.environ.get("ASSAY_PYTHON_BUILD", SOURCE / "build/release/python"))
sys.path.insert(0, str(PACKAGE))
import assay  # noqa: E402

CLAIMS = ["Full-time employees receive 27 days of paid annual leave.",
          "Full-time employees receive 30 days of paid annual leave.",
          "The office is on Mars."]
# A client that is killed between two batches, or in the middle of one.
VICTIM = """
import sys, assay
client = assay.SharedClient(sys.argv[1])
print("connected", flush=True)
while True:
    client.codes([f"Employees receive {i} days of leave." for i in range(500)])
"""


@unittest.skipUnless((SOURCE / ".models").is_dir() or "ASSAY_MODELS" in os.environ, "the word vectors are not installed")
class SharedMemoryTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "leave.md").write_text(f"# Leave\n\n{CLAIMS[0][:-1]} per calendar year.\n")
        self.name = f"integration-{os.getpid()}-{self._testMethodName}"[:64]
        self.env = {"ASSAY_MODELS": os.environ.get("ASSAY_MODELS", str(SOURCE / ".models"))}

    def serve(self, *arguments):
        return GatewayProcess("http://127.0.0.1:9/v1", "--docs", self.folder, "--shm", self.name, *arguments, env=self.env)

    def test_verdicts_are_those_of_the_http_endpoint(self):
        with self.serve() as gateway:
            client = assay.SharedClient(self.name)
            there = client.verify_batch(CLAIMS)
            http = gateway.post("/v1/claims/verify", {"claims": CLAIMS}).json["results"]
            self.assertEqual([one.verdict for one in there], [one["verdict"] for one in http])
            self.assertEqual([one.verdict for one in there[:2]], ["supported", "contradicted"])
            self.assertEqual([one.reason for one in there], [one["reason"] for one in http])
            codes, confidences = client.codes(CLAIMS)
            self.assertEqual([assay.claims.VERDICTS[code] for code in codes], [one.verdict for one in there])
            self.assertEqual(list(confidences), [one.confidence for one in there])
            self.assertEqual(gateway.metric("assay_shared_clients"), 1)

    def test_killed_clients_leave_their_lanes_to_others(self):
        with self.serve("--shm-lanes", "2") as gateway:
            for _ in range(5):
                environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
                victims = [subprocess.Popen([sys.executable, "-c", VICTIM, self.name], env=environment,
                                            stdout=subprocess.PIPE, text=True) for _ in range(2)]
                for victim in victims:
                    self.assertEqual(victim.stdout.readline(), "connected\n")
                with self.assertRaisesRegex(assay.ResourceExhausted, "lanes"):
                    assay.SharedClient(self.name)
                for victim in victims:
                    victim.kill()
                    victim.communicate()
                eventually(lambda: gateway.metric("assay_shared_clients") == 0, "the lanes are free")
            self.assertEqual(gateway.metric("assay_shared_lost_total"), 10)
            self.assertEqual(len(assay.SharedClient(self.name).verify_batch(CLAIMS)), 3)

    def test_a_killed_gateway_is_noticed_and_replaced(self):
        with self.serve() as gateway:
            client = assay.SharedClient(self.name)
            client.codes(CLAIMS)
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait()
            with self.assertRaises(assay.Unavailable):
                client.codes(CLAIMS)
            with self.assertRaisesRegex(assay.Unavailable, "is gone"):
                assay.SharedClient(self.name)
        with self.serve():
            self.assertEqual(len(assay.SharedClient(self.name).codes(CLAIMS)[0]), 3)

    def test_a_name_has_one_server_and_goes_with_it(self):
        with self.serve():
            second = subprocess.run([ASSAY, "serve", "--upstream", "http://127.0.0.1:9/v1", "--listen", "127.0.0.1:0",
                                     "--shm", self.name], capture_output=True, text=True)
            self.assertEqual(second.returncode, 4, second.stderr)
            self.assertIn("another server has the shared memory", second.stderr)
        self.assertFalse(Path(f"/dev/shm/assay-{self.name}").exists())
        with self.assertRaisesRegex(assay.NotFound, "assay serve --shm"):
            assay.SharedClient(self.name)


if __name__ == "__main__":
    unittest.main()
