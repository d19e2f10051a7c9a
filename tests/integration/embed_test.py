"""`assay embed` against services that sign, throttle, lie, cut and hang; and its own kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

from fake_embeddings import BEARER, KEY_ID, SECRET, TOKEN, FakeEmbeddings, vector_of

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))
REGION = "eu-central-1"
AWS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN, "AWS_REGION": REGION}
FAST = ("--requests-per-minute", "0", "--tokens-per-minute", "0", "--retry-wait", "0.02")  # the double has no limits
ODD_TEXTS = ['quotes " and \\ and / and \u2028', "Grüße, 北京 😀 \u0007", "tab\tand\nline", "%25:percent+plus=and&", "x" * 5000]


class EmbedTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.out = self.folder / "v.npy"

    def write(self, texts: list[str]) -> Path:
        path = self.folder / "texts.jsonl"
        path.write_text("".join(json.dumps({"id": f"t{i}", "text": t}) + "\n" for i, t in enumerate(texts)))
        return path

    def run_assay(self, *arguments: object, env: dict[str, str] | None = None, text: str = "") -> subprocess.CompletedProcess:
        return subprocess.run([ASSAY, "embed", *map(str, arguments)], input=text.encode(), capture_output=True, timeout=120,
                              env={**self.environment(), **(env or {})})

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "OPENAI_")) and "PROXY" not in k.upper()}
        return {**kept, "HOME": str(self.folder)}

    def bedrock(self, fake: FakeEmbeddings, *more: object, texts: list[str], model="titan-v2", env=AWS) -> subprocess.CompletedProcess:
        limits = () if "--requests-per-minute" in more else FAST
        return self.run_assay(self.write(texts), "--provider", "bedrock", "--model", model, "--endpoint", fake.url,
                              "--out", self.out, "--json", *limits, *more, env=env)

    def report(self, done: subprocess.CompletedProcess) -> dict:
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def assert_rows(self, texts: list[str], dim: int, normalize: bool = False) -> None:
        rows = np.load(self.out)
        self.assertEqual(rows.dtype, np.float32)
        np.testing.assert_array_equal(rows, np.stack([vector_of(t, dim, normalize) for t in texts]))


class BedrockTest(EmbedTest):
    def test_botocore_writes_the_same_signature_for_every_text_and_model(self) -> None:
        texts = [*ODD_TEXTS, *(f"text number {i}" for i in range(10))]
        for model, dim, normalize, more in (("titan-v1", 1536, False, ()), ("titan-v2", 1024, True, ()),
                                            ("titan-v2", 512, True, ("--dim", 512)), ("titan-v2", 256, False, ("--dim", 256, "--raw"))):
            with self.subTest(model=model, dim=dim), FakeEmbeddings() as fake:
                report = self.report(self.bedrock(fake, *more, texts=texts, model=model))
                self.assertEqual(fake.refused, [])
                self.assertEqual(report["requests"], len(texts))
                self.assertEqual(report["tokens"], sum(len(t.split()) for t in texts))
                self.assert_rows(texts, dim, normalize)

    def test_long_lived_keys_and_the_credentials_file_sign_as_well(self) -> None:
        with FakeEmbeddings(token=None) as fake:
            self.report(self.bedrock(fake, texts=["a"], env={k: v for k, v in AWS.items() if k != "AWS_SESSION_TOKEN"}))
            aws = self.folder / ".aws"
            aws.mkdir()
            file = aws / "credentials"
            file.write_text(f"# mine\n[default]\naws_access_key_id = other\naws_secret_access_key = other\n[work]\n"
                            f"aws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET} ; secret\n")
            (aws / "config").write_text(f"[profile work]\nregion = {REGION}\ns3 =\n  max_queue_size = 3\n")
            file.chmod(0o644)
            done = self.bedrock(fake, "--profile", "work", texts=["b"], env={})
            self.assertEqual(done.returncode, 6, done.stderr.decode())
            self.assertIn("chmod 600", done.stderr.decode())
            file.chmod(0o600)
            self.report(self.bedrock(fake, "--profile", "work", texts=["b"], env={}))
            self.report(self.bedrock(fake, texts=["c"], env={"AWS_PROFILE": "work"}))
            self.assertEqual(fake.refused, [])
            done = self.bedrock(fake, texts=["d"], env={"AWS_REGION": REGION})
            self.assertEqual(done.returncode, 5, done.stderr.decode())
            self.assertNotIn(SECRET, done.stderr.decode())

    def test_without_credentials_or_region_the_error_says_where_it_looked(self) -> None:
        with FakeEmbeddings() as fake:
            done = self.bedrock(fake, texts=["a"], env={"AWS_REGION": REGION})
            self.assertEqual(done.returncode, 5)
            self.assertIn("[default]", done.stderr.decode())
            done = self.bedrock(fake, texts=["a"], env={k: v for k, v in AWS.items() if k != "AWS_REGION"})
            self.assertEqual(done.returncode, 2)
            self.assertIn("AWS_REGION", done.stderr.decode())
            self.assertEqual(fake.requests, [])

    def test_every_text_comes_through_faults_at_times_and_is_embedded_once(self) -> None:
        faults = ["429", "500", "cut", "503-html", "text", "nan", "huge-number", "empty", "reset"]
        texts = [f"text {i % 40}" for i in range(60)]
        with FakeEmbeddings(plan=lambda n: faults[n // 4 % len(faults)] if n % 4 == 1 else None) as fake:
            report = self.report(self.bedrock(fake, texts=texts))
            self.assertEqual(set(fake.answered), set(texts))
            self.assertEqual(set(fake.answered.values()), {1})
            self.assertEqual(report["embedded"], 40)
            self.assertEqual(report["repeated"], 20)
            # One more came where libcurl found a kept connection dead and opened another.
            self.assertLessEqual(report["requests"], len(fake.requests))
            self.assertGreater(report["requests"], 45)
        self.assert_rows(texts, 1024, True)

    def test_connections_are_kept_and_calls_bounded(self) -> None:
        with FakeEmbeddings(slow_s=0.01) as fake:
            self.report(self.bedrock(fake, "--parallel", 3, texts=[f"t {i}" for i in range(40)]))
            self.assertLessEqual(fake.most_in_flight, 3)
            self.assertLessEqual(fake.connections, 3)

    def test_retry_after_is_honoured_by_all_calls(self) -> None:
        with FakeEmbeddings(plan=lambda n: "429-after" if n == 2 else None) as fake:
            self.report(self.bedrock(fake, "--parallel", 1, texts=[f"t {i}" for i in range(6)]))
            self.assertGreaterEqual(fake.requests[3]["at"] - fake.requests[2]["at"], 0.99)

    def test_the_standard_tier_spaces_requests(self) -> None:
        with FakeEmbeddings() as fake:
            self.report(self.bedrock(fake, "--requests-per-minute", 600, texts=[f"t {i}" for i in range(8)]))
            at = [r["at"] for r in fake.requests]
            self.assertGreaterEqual(at[-1] - at[0], 0.6)

    def test_a_lie_about_the_dimension_stops_the_job_and_names_the_line(self) -> None:
        with FakeEmbeddings(plan=lambda n: "lie-dim" if n == 3 else None) as fake:
            done = self.bedrock(fake, "--parallel", 1, texts=[f"t {i}" for i in range(9)])
            self.assertEqual(done.returncode, 6)
            self.assertIn("texts.jsonl:4: ", done.stderr.decode())
            self.assertIn("1025 dimensions where 1024", done.stderr.decode())
            self.assertIn("3 of 9 texts", done.stderr.decode())
            self.assertFalse(self.out.exists())
            self.report(self.bedrock(fake, texts=[f"t {i}" for i in range(9)]))
            self.assertEqual(set(fake.answered.values()), {1})

    def test_what_never_works_ends_after_the_attempts(self) -> None:
        for fault, code, words in (("500", 8, "2 attempts"), ("429", 7, "Throttling"), ("reset", 8, "no answer"), ("cut", 8, "no answer"),
                                   ("nan", 8, "cannot be read"), ("text", 8, "not JSON")):
            with self.subTest(fault=fault), FakeEmbeddings(plan=lambda n, f=fault: f) as fake:
                done = self.bedrock(fake, "--attempts", 2, texts=["only"])
                self.assertEqual(done.returncode, code, done.stderr.decode())
                self.assertIn(words, done.stderr.decode())
                self.assertEqual(len(fake.requests), 2)
                self.assertNotIn(SECRET, done.stderr.decode())
                self.assertNotIn(TOKEN, done.stderr.decode())

    def test_a_call_that_hangs_times_out_and_the_deadline_holds(self) -> None:
        with FakeEmbeddings(plan=lambda n: "hang" if n == 0 else None) as fake:
            self.report(self.bedrock(fake, "--timeout", 0.3, texts=["only"]))
            self.assertEqual(len(fake.requests), 2)
        with FakeEmbeddings(plan=lambda n: "hang") as fake:
            done = self.bedrock(fake, "--deadline", 0.5, texts=["only"])
            self.assertEqual(done.returncode, 8)

    def test_a_wrong_secret_is_not_tried_again(self) -> None:
        with FakeEmbeddings() as fake:
            done = self.bedrock(fake, "--parallel", 1, texts=["a", "b"], env={**AWS, "AWS_SECRET_ACCESS_KEY": "wrong-secret-value"})
            self.assertEqual(done.returncode, 5)
            self.assertEqual(len(fake.requests), 1)
            self.assertNotIn("wrong-secret-value", done.stderr.decode())

    def test_killed_at_any_request_it_goes_on_and_embeds_nothing_twice(self) -> None:
        texts = [f"text {i}" for i in range(12)]
        for stop_at in (0, 1, 5, 11):
            with self.subTest(stop_at=stop_at), FakeEmbeddings() as fake:
                self.out = self.folder / f"v{stop_at}.npy"
                fake.hold_at = stop_at
                arguments = [ASSAY, "embed", str(self.write(texts)), "--provider", "bedrock", "--endpoint", fake.url,
                             "--out", str(self.out), "--parallel", "1", *FAST]
                process = subprocess.Popen(arguments, env={**self.environment(), **AWS}, stderr=subprocess.DEVNULL)
                self.assertTrue(fake.held.wait(30))
                process.send_signal(signal.SIGKILL)
                process.wait()
                # The text in flight was never answered.
                with fake.lock:
                    self.assertEqual(set(fake.answered), set(texts[:stop_at]))
                fake.plan = lambda n: "reset" if n == stop_at else None
                fake.release.set()
                report = self.report(self.bedrock(fake, texts=texts))
                self.assertEqual(report["from_cache"], stop_at)
                self.assertEqual(dict(fake.answered), {t: 1 for t in texts})
                self.assert_rows(texts, 1024, True)
                self.assertEqual([p.name for p in self.folder.glob("*.progress*")], [])

    def test_killed_on_its_way_into_a_store_it_goes_on_there(self) -> None:
        texts = [f"text {i}" for i in range(8)]
        store = self.folder / "store"
        arguments = ["--provider", "bedrock", "--store", str(store), "--parallel", "1", "--json", *FAST]
        with FakeEmbeddings() as fake:
            fake.hold_at = 5
            command = [ASSAY, "embed", str(self.write(texts)), "--endpoint", fake.url, *arguments]
            process = subprocess.Popen(command, env={**self.environment(), **AWS}, stderr=subprocess.DEVNULL)
            self.assertTrue(fake.held.wait(30))
            process.send_signal(signal.SIGKILL)
            process.wait()
            fake.plan = lambda n: "reset" if n == 5 else None
            fake.release.set()
            report = self.report(self.run_assay(self.write(texts), "--endpoint", fake.url, *arguments, env=AWS))
            self.assertEqual((report["from_cache"], report["put"], report["vectors"]), (5, 8, 8))
            self.assertEqual(dict(fake.answered), {t: 1 for t in texts})
        self.assertFalse((self.folder / "store.progress").exists())

    def test_a_cache_serves_other_jobs_of_the_same_model_only(self) -> None:
        cache = self.folder / "cache"
        with FakeEmbeddings() as fake:
            self.report(self.bedrock(fake, "--cache", cache, texts=["a", "b"]))
            report = self.report(self.bedrock(fake, "--cache", cache, texts=["c", "b", "a"]))
            self.assertEqual((report["from_cache"], report["embedded"]), (2, 1))
            self.assert_rows(["c", "b", "a"], 1024, True)
            report = self.report(self.bedrock(fake, "--cache", cache, "--dim", 256, texts=["a"]))
            self.assertEqual((report["from_cache"], report["embedded"]), (0, 1))
            report = self.report(self.bedrock(fake, "--cache", cache, "--dry-run", texts=["a", "d"]))
            self.assertEqual((report["from_cache"], report["embedded"]), (1, 1))

    def test_a_dry_run_tells_tokens_and_price_and_sends_nothing(self) -> None:
        with FakeEmbeddings() as fake:
            report = self.report(self.bedrock(fake, "--dry-run", texts=["four words are here", "four words are here", "two words"]))
            self.assertEqual(fake.requests, [])
            self.assertEqual((report["embedded"], report["repeated"], report["calls"]), (2, 1, 2))
            self.assertGreater(report["tokens"], 5)
            self.assertAlmostEqual(report["usd"], report["tokens"] * 0.02 / 1e6)
            self.assertFalse(list(self.folder.glob("v*")))


class OpenAiTest(EmbedTest):
    def openai(self, fake: FakeEmbeddings, *more: object, texts: list[str], key=BEARER) -> subprocess.CompletedProcess:
        return self.run_assay(self.write(texts), "--provider", "openai", "--base-url", f"{fake.url}/v1", "--out", self.out, "--json",
                              *FAST, *more, env={"OPENAI_API_KEY": key})

    def test_texts_go_in_batches_and_come_back_in_order(self) -> None:
        texts = [*ODD_TEXTS, *(f"text {i}" for i in range(45))]
        with FakeEmbeddings() as fake:
            report = self.report(self.openai(fake, "--batch", 20, texts=texts))
            self.assertEqual((report["calls"], report["dim"]), (3, 1536))
            self.assertIn(b'"encoding_format":"base64"', fake.requests[0]["body"])
            self.assert_rows(texts, 1536)
            self.report(self.openai(fake, "--dim", 256, texts=texts[:3]))
            self.assertEqual(json.loads(fake.requests[-1]["body"])["dimensions"], 256)
            self.assert_rows(texts[:3], 256)

    def test_key_files_must_be_private(self) -> None:
        key = self.folder / "key"
        key.write_text(BEARER + "\n")
        key.chmod(0o640)
        with FakeEmbeddings() as fake:
            done = self.openai(fake, "--key-file", key, texts=["a"], key="wrong")
            self.assertEqual(done.returncode, 6)
            key.chmod(0o600)
            self.report(self.openai(fake, "--key-file", key, texts=["a"], key="wrong"))
            done = self.openai(fake, texts=["b"], key="wrong")
            self.assertEqual(done.returncode, 5)
            self.assertIn("Incorrect API key", done.stderr.decode())

    def test_faults_at_times_are_survived(self) -> None:
        faults = ["429", "500", "cut", "nan", "text", "reset"]
        texts = [f"text {i}" for i in range(30)]
        with FakeEmbeddings(plan=lambda n: faults[n // 2] if n % 2 == 0 and n // 2 < len(faults) else None) as fake:
            self.report(self.openai(fake, "--batch", 3, "--parallel", 2, texts=texts))
            self.assertEqual(set(fake.answered.values()), {1})
        self.assert_rows(texts, 1536)

    def test_keys_do_not_travel_unencrypted(self) -> None:
        done = self.run_assay(self.write(["a"]), "--provider", "openai", "--base-url", "http://embeddings.example/v1", "--out", self.out,
                              env={"OPENAI_API_KEY": BEARER})
        self.assertEqual(done.returncode, 6)
        self.assertIn("unencrypted", done.stderr.decode())


class InputTest(EmbedTest):
    def test_bad_lines_are_named_and_can_be_left_out(self) -> None:
        path = self.folder / "in.jsonl"
        path.write_text('{"id":"a","text":"one"}\n\n{"text":""}\n["x"]\n{"id":"a","text":"two"}\n{"id":1.5,"text":"y"}\n{"text":"three"}\n{"id":7,"text":"four"}\n{"text":\n')
        done = self.run_assay(path, "--out", self.out)
        self.assertEqual(done.returncode, 2)
        for line, word in ((3, "empty"), (4, "object"), (5, "line 1"), (6, "whole number"), (9, "JSON")):
            self.assertRegex(done.stderr.decode(), f"in.jsonl:{line}: .*{word}")
        self.assertFalse(self.out.exists())
        report = self.report(self.run_assay(path, "--out", self.out, "--skip-bad-lines", "--json"))
        self.assertEqual([b["line"] for b in report["bad_lines"]], [3, 4, 5, 6, 9])
        ids = [json.loads(line) for line in Path(f"{self.out}.ids.jsonl").read_text().splitlines()]
        self.assertEqual(ids, [{"row": 0, "id": "a"}, {"row": 1, "id": "line 7"}, {"row": 2, "id": "7"}])

    def test_local_vectors_go_to_npy_and_matrix_files(self) -> None:
        path = self.write(["the contract ends in May", "a cat sat on the mat", "the contract ends in May"])
        report = self.report(self.run_assay(path, "--out", self.out, "--json"))
        self.assertEqual((report["dim"], report["embedded"], report["repeated"]), (256, 2, 1))
        rows = np.load(self.out)
        self.assertEqual(rows.shape, (3, 256))
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(rows[0], rows[2])
        matrix = self.folder / "v.mat"
        self.report(self.run_assay(path, "--out", matrix, "--json"))
        self.assertIn(rows.tobytes(), matrix.read_bytes())

    def test_vectors_go_straight_into_a_store_that_can_be_searched(self) -> None:
        lines = [{"id": 7, "text": "reset my password"}, {"id": "doc-1", "text": "opening hours on Sunday"},
                 {"id": 9, "text": "refund of a parcel"}]
        def write() -> Path:
            path = self.folder / "t.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
            return path
        store, ids = self.folder / "store", self.folder / "ids.jsonl"
        report = self.report(self.run_assay(write(), "--store", store, "--ids", ids, "--json"))
        self.assertEqual((report["put"], report["version"], report["vectors"]), (3, 1, 3))
        numbers = {line["id"]: line["vector"] for line in map(json.loads, ids.read_text().splitlines())}
        self.assertEqual((numbers["7"], numbers["9"]), (7, 9))

        again = self.report(self.run_assay(write(), "--store", store, "--json"))
        self.assertEqual((again["put"], again["version"]), (0, 1))  # nothing differs, so there is no new version
        lines[2]["text"] = "a parcel that never came"
        changed = self.report(self.run_assay(write(), "--store", store, "--json"))
        self.assertEqual((changed["put"], changed["version"], changed["vectors"]), (1, 2, 3))

        self.report(self.run_assay(write(), "--out", self.out, "--json"))
        index = self.folder / "index"
        subprocess.run([ASSAY, "vector", "build", store, "--out", index], check=True, capture_output=True)
        for where in (store, index):
            found = subprocess.run([ASSAY, "vector", "search", where, "--queries", self.out, "-k", "1", "--json"],
                                   capture_output=True, check=True)
            best = [json.loads(line)["hits"][0] for line in found.stdout.splitlines()]
            self.assertEqual([hit["id"] for hit in best], [7, numbers["doc-1"], 9])
            for hit in best:
                self.assertAlmostEqual(hit["score"], 1, places=5)

    def test_a_store_needs_ids_that_differ_and_one_encoder(self) -> None:
        store = self.folder / "store"
        no_id = self.run_assay("-", "--store", store, text='{"text": "a"}\n')
        self.assertEqual(no_id.returncode, 2)
        self.assertIn("standard input:1: it has no `id`", no_id.stderr.decode())
        self.assertFalse(store.exists())
        self.report(self.run_assay(self.write(["a cat"]), "--store", store, "--json"))
        other = self.run_assay(self.write(["a cat"]), "--store", store, "--model", "minilm-l6-v2-int8")
        self.assertEqual(other.returncode, 6)
        self.assertIn("name another folder", other.stderr.decode())
        both = self.run_assay(self.write(["a cat"]), "--store", store, "--out", self.out)
        self.assertEqual(both.returncode, 2)

    def test_nothing_to_embed_is_an_error(self) -> None:
        done = self.run_assay("-", "--out", self.out, text="\n\n")
        self.assertEqual(done.returncode, 2)
        self.assertIn("standard input: no texts", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
