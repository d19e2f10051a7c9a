"""`assay scan`: real servers among a thousand ports of this machine, and what it prints for assay.yaml."""
import http.server
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream
from gateway_process import ASSAY, GatewayProcess
from redis_process import INSTALLED, RedisProcess

OLLAMA = {"/v1/models": {"object": "list", "data": [{"id": "llama3.2:3b", "owned_by": "library"}]},
          "/api/version": {"version": "0.5.7"},
          "/api/show": {"model_info": {"llama.context_length": 131072}}}
VLLM = {"/v1/models": {"object": "list", "data": [{"id": "qwen", "owned_by": "vllm", "max_model_len": 32768}]},
        "/version": {"version": "0.6.4"}}


def handler(bodies):
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = json.dumps(bodies.get(self.path, {"error": "none"})).encode()
            self.send_response(200 if self.path in bodies else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_):
            pass

    return Handler


class ScanTest(unittest.TestCase):
    def http(self, bodies):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(bodies))
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    def scan(self, *arguments, code=0):
        done = subprocess.run([ASSAY, "scan", *map(str, arguments)], capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    @unittest.skipUnless(INSTALLED, "redis-server is not installed")
    def test_servers_are_found_and_named_among_a_thousand_ports(self):
        upstream = self.enterContext(FakeUpstream())
        gateway = self.enterContext(GatewayProcess(upstream.url))
        wanted = {self.http(OLLAMA): "ollama", self.http(VLLM): "vllm", self.http({}): "http",
                  self.enterContext(RedisProcess()).port: "redis", gateway.port: "assay"}
        silent = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        others = [port for port in range(21000, 22000) if port not in wanted][: 1000 - len(wanted)]
        ports = ",".join(map(str, [*wanted, *others]))
        report = json.loads(self.scan("127.0.0.1", "--ports", ports, "--json"))
        found = {one["port"]: one for one in report["services"]}
        self.assertEqual({port: found[port]["service"] for port in wanted}, wanted)
        self.assertEqual(report["targets"], 1000)
        ollama = next(one for one in found.values() if one["service"] == "ollama")
        self.assertEqual(ollama["models"], [{"id": "llama3.2:3b", "context_tokens": 131072}])
        self.assertEqual(ollama["version"], "0.5.7")
        self.assertNotIn(silent.getsockname()[1], found)

    def test_the_upstreams_are_settings_that_the_gateway_takes(self):
        ports = f"{self.http(OLLAMA)},{self.http(VLLM)}"
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder, "assay.yaml")
            config.write_text(self.scan("127.0.0.1", "--ports", ports, "--upstreams"))
            self.assertIn("# model llama3.2:3b, 131072 tokens", config.read_text())
            checked = subprocess.run([ASSAY, "config", "check", config], capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_an_equal_scan_is_answered_from_the_kept_result(self):
        server = self.http(VLLM)
        folder = self.enterContext(tempfile.TemporaryDirectory())
        kept = Path(folder, "made", "results")
        arguments = ["127.0.0.1", "--ports", server, "--max-age", "1h", "--cache", kept, "--json"]
        first = json.loads(self.scan(*arguments))
        self.assertFalse(first["cached"])
        again = json.loads(self.scan(*arguments))
        self.assertTrue(again["cached"])
        self.assertGreaterEqual(again["age_seconds"], 0)
        self.assertEqual(again["services"], first["services"])
        self.assertIn("(cached 0 s ago)", self.scan(*arguments[:-1]))
        self.assertFalse(json.loads(self.scan(*arguments, "--retries", 2))["cached"], "another question")
        self.assertFalse(json.loads(self.scan(*arguments, "--open-only"))["cached"], "another question")
        self.assertFalse(json.loads(self.scan(*arguments[:3], "--json"))["cached"], "not asked for")
        expired = ["127.0.0.1", "--ports", server, "--max-age", "1ms", "--cache", kept, "--json"]
        time.sleep(0.002)  # what is waited for is the time itself
        self.assertFalse(json.loads(self.scan(*expired))["cached"])

    def test_results_are_kept_in_the_users_folder_for_caches(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        for variable, file in (("XDG_CACHE_HOME", "assay/scan.results"), ("HOME", ".cache/assay/scan.results")):
            environment = {"PATH": os.environ["PATH"], variable: folder}
            subprocess.run([ASSAY, "scan", "127.0.0.1", "--ports", "1", "--max-age", "1m"], env=environment, check=True,
                           stdout=subprocess.DEVNULL)
            self.assertTrue(Path(folder, file).exists())

    def test_a_damaged_file_is_told_and_made_anew_and_a_foreign_one_is_left_alone(self):
        kept = Path(self.enterContext(tempfile.TemporaryDirectory()), "results")
        arguments = ["127.0.0.1", "--ports", self.http(VLLM), "--max-age", "1h", "--cache", kept, "--json"]
        self.scan(*arguments)
        kept.write_bytes(kept.read_bytes()[:-10])
        done = subprocess.run([ASSAY, "scan", *map(str, arguments)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn(f"warning: {kept}: the results are damaged", done.stderr)
        self.assertFalse(json.loads(done.stdout)["cached"])
        self.assertTrue(json.loads(self.scan(*arguments))["cached"])
        kept.write_text("my notes\n")
        for _ in range(2):
            done = subprocess.run([ASSAY, "scan", *map(str, arguments)], capture_output=True, text=True)
            self.assertIn("name another one; scanning anew", done.stderr)
            self.assertFalse(json.loads(done.stdout)["cached"])
        self.assertEqual(kept.read_text(), "my notes\n")

    def test_a_watch_prints_what_changes_and_nothing_else(self):
        bodies = dict(VLLM)
        port = self.http(bodies)
        with socket.create_server(("127.0.0.1", 0)) as free:
            later = free.getsockname()[1]
        watch = subprocess.Popen([ASSAY, "scan", "127.0.0.1", "--ports", f"{port},{later}", "--watch", "100ms", "--json"],
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)

        def said():
            line = json.loads(watch.stdout.readline())
            return line["change"], line["port"], line.get("model")

        self.assertEqual(said(), ("up", port, None))
        bodies["/v1/models"] = {"object": "list", "data": [{"id": name, "owned_by": "vllm"} for name in ("qwen", "phi")]}
        self.assertEqual(said(), ("model-added", port, "phi"))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", later), handler(OLLAMA))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.assertEqual(said(), ("up", later, None))
        server.shutdown()
        thread.join()
        server.server_close()
        while (change := said())[0] == "changed":  # a look in the middle of its end hears no answer
            pass
        self.assertEqual(change, ("down", later, None))

    def test_people_read_a_table_and_errors_say_what_to_do(self):
        port = self.http(VLLM)
        table = self.scan("localhost", "--ports", port, "--exclude", "::1")
        self.assertIn("qwen (32768 tokens)", table)
        self.assertIn("1 open", table)
        self.assertIn("--public", self.scan("8.8.8.8", code=5))
        self.assertIn("10.0.0.0/24", self.scan("10.0.0.1/24", code=2))
        self.assertIn("'70000' is no port", self.scan("127.0.0.1", "--ports", "70000", code=2))
        self.assertIn("--max-age", self.scan("127.0.0.1", "--max-age", "5", code=2))
        self.assertIn("--cache", self.scan("127.0.0.1", "--cache", "x", code=2))
        self.assertIn("--watch", self.scan("127.0.0.1", "--watch", "1m", "--max-age", "1m", code=2))
        self.assertIn("has no address", self.scan("no-such-host.invalid", code=3))


if __name__ == "__main__":
    unittest.main()
