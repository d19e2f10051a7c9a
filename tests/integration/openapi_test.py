"""docs/openapi.yaml is valid, holds the endpoints that the server has, and the server keeps what it promises.

schemathesis sends requests made from the file, right and wrong ones, to a true `assay serve` before a fake upstream.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fake_upstream import FakeUpstream  # noqa: E402

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))
OPENAPI = SOURCE / "docs" / "openapi.yaml"
SEED = int(os.environ.get("ASSAY_API_SEED", "20240229"))  # one fixed run: a failure repeats
EXAMPLES = 25  # requests of each kind and endpoint

# A gateway hands bodies of models on as they are, so that a wrong one is refused by the upstream (which is a fake
# here); what the gateway itself needs of them is tested in gateway_server_test.
NO_KEY_CHECK = "ignored_auth"  # it cannot leave out a header that all requests have; a test below does
PURGE = ("/v1/cache",)  # needs one of its parameters, which OpenAPI cannot say
KEYS = ("/v1/keys", "/v1/keys/{id}")
PASSED_ON = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")


class Serve:
    """`assay serve` on a free port, with keys required and one admin key."""

    def __init__(self, folder: Path, upstream: str):
        config = folder / "assay.yaml"
        config.write_text(
            f"listen: 127.0.0.1:0\ndata_folder: {folder}\nkeys: {{mode: required}}\n"
            f"upstreams: {{fake: {{url: {upstream}, retry: {{attempts: 0}}}}}}\n"
            f"routes: {{'*': {{documents: [{SOURCE / 'examples' / 'handbook'}]}}}}\n"
            "experiments: {tone: {variants: {a: {}, b: {temperature: 0}}, metrics: {solved: {}, rating: {}}}}\n"
            "log: {level: warn}\n", encoding="utf-8")
        self.folder = folder
        self.token = self.make_key("test")
        environment = {"ASSAY_MODELS": str(SOURCE / ".models"), **os.environ}
        self.process = subprocess.Popen([ASSAY, "serve", "--config", config], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=environment)
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"assay serve did not start: {line}{self.process.stderr.read()}")
        self.url = found[0]

    def make_key(self, name: str) -> str:
        made = subprocess.run([ASSAY, "keys", "create", "--name", name, "--scope", "inference,claims,cache,admin", "--state",
                               self.folder, "--json"], capture_output=True, text=True, timeout=60)
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)["token"]

    def stop(self) -> tuple[int, str]:
        self.process.terminate()
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.document = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))
        cls.folder = tempfile.TemporaryDirectory()
        cls.upstream = FakeUpstream()
        cls.upstream.__enter__()
        cls.serve = Serve(Path(cls.folder.name), cls.upstream.url)

    @classmethod
    def tearDownClass(cls) -> None:
        code, errors = cls.serve.stop()
        cls.upstream.__exit__(None, None, None)
        cls.folder.cleanup()
        assert code == 0, errors

    def schemathesis(self, paths: list[str], excluded_checks: str, token: str) -> None:
        selection = [argument for path in paths for argument in ("--include-path", path)]
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", str(OPENAPI), "--url", self.serve.url, "--seed", str(SEED),
             "-H", f"authorization: Bearer {token}", "--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing",
             "--exclude-checks", excluded_checks, "--request-timeout", "20", "--no-shrink", "--generation-database", "none",
             "--no-color", *selection],
            capture_output=True, text=True, timeout=300, cwd=self.folder.name)
        self.assertEqual(done.returncode, 0, done.stdout[-12_000:] + done.stderr[-2_000:])

    def test_the_file_is_valid_openapi(self) -> None:
        import jsonschema_rs
        from schemathesis.specs.openapi.definitions import OPENAPI_31, make_validator
        validator = make_validator(OPENAPI_31, jsonschema_rs.Draft202012Validator)
        self.assertEqual([str(error) for error in validator.iter_errors(self.document)], [])

    def test_every_operation_has_a_name_of_its_own_and_says_what_errors_look_like(self) -> None:
        names = [operation["operationId"] for path in self.document["paths"].values() for operation in path.values()]
        self.assertEqual(len(names), len(set(names)))

    def test_answers_of_assays_own_endpoints_are_as_described(self) -> None:
        paths = [path for path in self.document["paths"] if path not in PASSED_ON + PURGE + KEYS]
        self.schemathesis(paths, NO_KEY_CHECK, self.serve.token)

    def test_answers_of_purges_are_as_described(self) -> None:
        self.schemathesis(list(PURGE), f"{NO_KEY_CHECK},positive_data_acceptance", self.serve.token)

    def test_answers_of_key_endpoints_are_as_described(self) -> None:
        # With a key of its own: schemathesis revokes what it finds.
        # A time in the past is of the right form, but refused.
        self.schemathesis(list(KEYS), f"{NO_KEY_CHECK},positive_data_acceptance", self.serve.make_key("revoked"))

    def test_answers_of_openais_endpoints_are_as_described(self) -> None:
        self.schemathesis(list(PASSED_ON), f"{NO_KEY_CHECK},negative_data_rejection", self.serve.token)

    def test_what_needs_a_key_says_so(self) -> None:
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                if operation.get("security") == [] or path == "/metrics":
                    continue
                for headers in ({}, {"authorization": "Bearer ask_AAAAAAAA_wrong"}, {"authorization": "Basic YTpi"}):
                    body = b"{}" if "requestBody" in operation else None
                    request = urllib.request.Request(self.serve.url + path.format(model="m", id="AAAAAAAA"), data=body,
                                                     method=method.upper(), headers=headers)
                    with self.subTest(method=method, path=path, headers=headers):
                        with self.assertRaises(urllib.error.HTTPError) as refused:
                            urllib.request.urlopen(request, timeout=20)
                        self.assertEqual(refused.exception.code, 401)
                        error = json.load(refused.exception)["error"]
                        self.assertEqual(error["type"], "authentication_error")

    def test_metrics_are_what_prometheus_reads(self) -> None:
        from prometheus_client.parser import text_string_to_metric_families
        with urllib.request.urlopen(f"{self.serve.url}/metrics", timeout=20) as reply:
            self.assertTrue(reply.headers["content-type"].startswith("text/plain; version=0.0.4"))
            families = {family.name: family for family in text_string_to_metric_families(reply.read().decode())}
        self.assertIn("assay_exchanges", families)
        self.assertEqual(families["assay_exchange_seconds"].type, "histogram")

    def test_metrics_are_documented(self) -> None:
        """Every metric of the server stands in the table of docs/operations.md."""
        page = (SOURCE / "docs" / "operations.md").read_text(encoding="utf-8")
        with urllib.request.urlopen(f"{self.serve.url}/metrics", timeout=20) as reply:
            names = re.findall(r"^# TYPE (\S+)", reply.read().decode(), re.M)
        self.assertEqual([name for name in names if f"`{name}`" not in page], [])

    def test_the_configuration_schema_accepts_the_example(self) -> None:
        import jsonschema_rs
        done = subprocess.run([ASSAY, "config", "schema"], capture_output=True, text=True, timeout=60)
        validator = jsonschema_rs.validator_for(json.loads(done.stdout))
        example = yaml.safe_load((SOURCE / "examples" / "assay.yaml").read_text(encoding="utf-8"))
        self.assertEqual([error.message for error in validator.iter_errors(example)], [])
        example["cache"]["ttl"] = 5
        example["cashe"] = {}
        self.assertEqual(len(list(validator.iter_errors(example))), 2)


if __name__ == "__main__":
    unittest.main()
