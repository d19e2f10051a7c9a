#!/usr/bin/env python3
"""assay.ray on a local Ray: the answers of one process, each row once, though workers are killed and runs are stopped."""

import contextlib
import io
import json
import logging
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

import built

os.environ.update(
    built.environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION="us-east-1"),
    RAY_USAGE_STATS_ENABLED="0", RAY_BACKEND_LOG_LEVEL="fatal", RAY_worker_niceness="0",
)
sys.path.insert(0, str(built.PACKAGE))

import numpy as np  # noqa: E402
from hypothesis import example, given, settings, strategies  # noqa: E402

import assay  # noqa: E402
from assay.ray import _input, _output, _run  # noqa: E402

try:
    import boto3
    import lance
    import lancedb
    import ray
    from moto.server import ThreadedMotoServer
except ImportError:
    ray = None

from assay import ray as batches  # noqa: E402
from assay.ray.__main__ import main  # noqa: E402

DATA = os.environ.get("ASSAY_DATA")
SCALARS = strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=5)
VALUES = strategies.recursive(SCALARS, lambda one: strategies.lists(one, max_size=2))
NAMES = strategies.sampled_from(["answer", "question", "claims", "id"])
OBJECTS = strategies.dictionaries(NAMES, VALUES).map(lambda fields: json.dumps(fields).encode())
DAYS = "Full-time employees receive {} days of paid annual leave per calendar year. Smoking is {} inside all buildings."


def answers(count):
    """Of which four make a block; the worker of the second is killed before it works, that of the third when it is written."""
    rows = [{"id": i, "answer": DAYS.format(i, "allowed" if i % 2 else "forbidden")} for i in range(count)]
    rows[5]["question"], rows[9]["question"] = "kill before the work", "kill after the commit"
    return rows


def content(folder):
    return {path.name: path.read_bytes() for path in pathlib.Path(folder, "blocks").iterdir()}


def killed_once(folder):
    """A worker that waits to be killed at rows that say so, and writes down what it computes."""
    folder = str(folder)

    class Killed(_run.BlockWorker):
        def __init__(self, job, writer):
            super().__init__(job, writer)
            run = self._engine.run

            def logged(rows):
                log = os.open(f"{folder}/computed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.write(log, "".join(f"{row['id']}\n" for row in rows).encode())
                os.close(log)
                return run(rows)

            self._engine.run = logged

        def __call__(self, block):
            self.meet(block, "before the work")
            said = super().__call__(block)
            self.meet(block, "after the commit")
            return said

        def meet(self, block, when):
            if f"kill {when}" not in " ".join(block.column("row").to_pylist()):
                return
            try:
                os.close(os.open(f"{folder}/{when}", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            with open(f"{folder}/pids", "w") as pids:
                pids.write(f"{os.getpid()} ")
            signal.pause()

    return Killed


class Killer:
    """Kills, by SIGKILL, the workers that wait for it."""

    def __init__(self, folder, count):
        self.pids, self._path, self._count = [], pathlib.Path(folder, "pids"), count
        os.mkfifo(self._path)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while len(self.pids) < self._count:
            for pid in self._path.read_text().split():
                self.pids.append(int(pid))
                os.kill(int(pid), signal.SIGKILL)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join(timeout=20)


class Folders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.documents = str(cls.root / "handbook")
        shutil.copytree(built.ROOT / "examples/handbook", cls.documents, ignore=shutil.ignore_patterns(".assay"))

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(dir=self.root))

    def path(self, name, text=None):
        path = pathlib.Path(self.folder, name)
        if text is not None:
            path.write_text(text)
        return str(path)

    def command(self, *arguments):
        """Exit code, standard output and error of python -m assay.ray."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(one) for one in arguments])
        return code, out.getvalue(), err.getvalue()


class OneProcess(Folders):
    """Without Ray: what rows and outputs are."""

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(strategies.one_of(strategies.binary(max_size=60), OBJECTS))
    @example(b'{"answer": "\\ud800"}')
    @example(b"[" * 100_000)
    @example(b'{"answer": "a", "n": ' + b"1" * 5000 + b"}")
    @example(b'\xff{"answer": "a"}')
    def test_any_line_is_a_row_or_an_error_that_says_why(self, line):
        try:
            row = _input.parse_line(line, "answer")
        except assay.InvalidArgument as error:
            self.assertRegex(str(error), r"^it")
        else:
            self.assertTrue(row.fields["answer"].strip() if "answer" in row.fields else row.fields["claims"] is not None)
            self.assertRegex(row.hash, r"^[0-9a-f]{32}$")

    def test_a_hash_is_of_the_content_not_of_its_spelling(self):
        one, same, other = (
            _input.parse_line(line, "answer").hash
            for line in (b'{"id":1,"answer":"\xc3\xa9"}', b'{ "answer": "\\u00e9", "id": 1 }', b'{"id":2,"answer":"\xc3\xa9"}')
        )
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)

    def test_bad_lines_are_named_before_anything_is_computed(self):
        good = self.path("good.jsonl", '\ufeff{"answer": "a"}\n\n')
        bad = self.path("bad.jsonl", '{"answer": "a"}\n{"answer": 3}\nnonsense\n{"answer": " "}\n{"answer": "b", "id": true}\n')
        arguments = ("check", "--input", good, "--input", bad, "--documents", self.documents, "--workers", 0,
                     "--output", self.path("out"))  # fmt: skip
        code, out, err = self.command(*arguments)
        self.assertEqual((code, out), (2, ""))
        for said in ("line 2: its `answer` is not a string", "line 3: it is not JSON", "line 4: its `answer` is empty",
                     "line 5: its `id`"):  # fmt: skip
            self.assertIn(f"{bad}: {said}", err)
        self.assertNotIn(good, err)
        self.assertEqual(content(self.path("out")), {})
        code, out, err = self.command(*arguments, "--skip-bad-lines", "--json")
        self.assertEqual((code, json.loads(out)["computed"], json.loads(out)["repeated"]), (0, 1, 1))
        self.assertEqual(len(json.loads(out)["skipped"]), 4)

    def test_wrong_arguments_are_told(self):
        documents = ("--documents", self.documents, "--output", self.path("out"), "--workers", 0)
        good, keys = self.path("good.jsonl", '{"answer": "a"}\n'), self.path("keys.txt", "a\n")
        for code, said, arguments in (
            (3, "nowhere.jsonl: there is no such file", ("check", "--input", self.path("nowhere.jsonl"), *documents)),
            (3, "nowhere", ("check", "--input", good, "--documents", self.path("nowhere"), "--output", self.path("out"))),
            (2, "block_rows", ("check", "--input", good, *documents, "--block-rows", 0)),
            (2, "cannot be made a folder", ("cache", "--trace", keys, "--entries", 1, "--output", keys)),
            (2, "a size of a cache", ("cache", "--trace", good, "--output", self.path("out"))),
            (2, "line 1: it has no `key`", ("cache", "--trace", good, "--entries", 1, "--output", self.path("out"))),
        ):
            with self.subTest(said):
                found = self.command(*arguments)
                self.assertEqual(found[0], code, found)
                self.assertIn(said, found[2])

    def test_help_has_examples(self):
        for command in ("check", "embed", "cache"):
            done = subprocess.run(
                [sys.executable, "-m", "assay.ray", command, "--help"], capture_output=True, text=True, check=True
            )
            self.assertIn(f"examples:\n  python -m assay.ray {command}", done.stdout)

    def test_rows_are_judged_as_the_program_judges_them(self):
        program = built.ROOT / "build/release/assay"
        answer = (built.ROOT / "examples/answer.md").read_text()
        batches.check([{"answer": answer, "id": "é"}, {"claims": ["Smoking is forbidden."]}], self.documents,
                      self.path("out"), workers=0)  # fmt: skip
        first, second = batches.results(self.path("out"))
        self.assertEqual((first["id"], first["summary"]), ("é", {"supported": 3, "contradicted": 3, "unverified": 1}))
        self.assertEqual(second["claims"][0]["verdict"], "supported")
        if program.exists():
            command = [program, "check", built.ROOT / "examples/answer.md", "--against", self.documents, "--no-checker", "--json"]
            said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            for claim in said["claims"]:
                for evidence in claim["evidence"]:
                    del evidence["start"], evidence["end"]
            self.assertEqual({"claims": first["claims"], "summary": first["summary"]}, said)

    def test_map_batches_may_use_the_engines_as_they_are(self):
        texts = np.array(["Smoking is forbidden inside all buildings.", "Smoking is allowed inside all buildings."], object)
        batch = batches.Checker(self.documents)({"answer": texts, "n": np.arange(2)})
        verdicts = [json.loads(report)["claims"][0]["verdict"] for report in batch["report"]]
        self.assertEqual((verdicts, batch["n"].tolist()), (["supported", "contradicted"], [0, 1]))
        self.assertEqual(batches.Embedder()({"text": texts})["vector"].shape, (2, assay.default_encoder().dim))

    def test_a_crash_at_any_moment_leaves_nothing_half(self):
        rows = answers(12)
        batches.check(rows, self.documents, self.path("whole"), workers=0, block_rows=4)
        expected = content(self.path("whole"))

        class Crash(BaseException):
            pass

        for moment in range(200):
            out = self.path(f"crash-{moment}")
            left = iter(range(moment))

            def ticking(real, left=left):
                def call(*arguments):
                    if next(left, None) is None:
                        raise Crash
                    return real(*arguments)

                return call

            crashed = False
            with mock.patch.multiple(_output.os, fsync=ticking(os.fsync), replace=ticking(os.replace)):
                try:
                    batches.check(rows, self.documents, out, workers=0, block_rows=4)
                except Crash:
                    crashed = True
            if not crashed:
                break
            written = list(pathlib.Path(out, "blocks").glob("*.jsonl"))
            report = batches.check(rows, self.documents, out, workers=0, block_rows=4)
            self.assertEqual(content(out), expected)
            self.assertEqual(report.computed, 12 - 4 * len(written))
            self.assertEqual(len({one["hash"] for one in batches.results(out)}), len(list(batches.results(out))))
        self.assertGreater(moment, 10)

    def test_a_line_of_the_manifest_that_was_cut_does_not_count(self):
        rows, out = answers(12), self.path("out")
        batches.check(rows, self.documents, out, workers=0, block_rows=4)
        manifest = pathlib.Path(out, "manifest.jsonl")
        whole = manifest.read_bytes()
        for size in (len(whole) - 1, len(whole) - 60, whole.rfind(b"{") + 1):
            manifest.write_bytes(whole[:size])
            self.assertEqual(len(list(batches.results(out))), 8)
            self.assertEqual(batches.check(rows, self.documents, out, workers=0, block_rows=4).computed, 0)
            self.assertEqual(len(list(batches.results(out))), 12)

    def test_rows_that_are_there_are_not_computed_in_other_blocks(self):
        rows, out = answers(12), self.path("out")
        first = batches.check(rows[:6], self.documents, out, workers=0, block_rows=4)
        later = batches.check(rows + rows[:3], self.documents, out, workers=0, block_rows=5)
        self.assertEqual((first.computed, later.computed, later.present, later.repeated), (6, 6, 6, 3))
        self.assertEqual(sorted(one["id"] for one in batches.results(out)), list(range(12)))

    def test_an_output_is_of_one_job_and_one_process(self):
        out = self.path("out")
        batches.check(answers(12)[:1], self.documents, out, workers=0)
        with self.assertRaisesRegex(assay.FailedPrecondition, "passages was 8 and is 3"):
            batches.check(answers(12), self.documents, out, workers=0, passages=3)
        job = json.loads(pathlib.Path(out, "job.json").read_text())
        with _output.BlockFolder(out, job), self.assertRaisesRegex(assay.Unavailable, "another process"):
            batches.check(answers(12), self.documents, out, workers=0)
        (block,) = pathlib.Path(out, "blocks").iterdir()
        block.write_text("")
        with self.assertRaisesRegex(assay.DataLoss, "manifest.jsonl: line 1"):
            list(batches.results(out))
        with self.assertRaises(assay.NotFound):
            list(batches.results(self.path("nowhere")))

    @unittest.skipUnless(DATA, "ASSAY_DATA is not set")
    def test_hit_ratios_are_those_of_the_table(self):
        trace = f"{DATA}/traces/lirs/2_pools.txt"
        batches.evaluate_cache([trace], self.path("out"), entries=[9, 99], workers=0)
        found = {one["entries"]: round(100 * one["hit_ratio"], 2) for one in batches.results(self.path("out"))}
        self.assertEqual(found, {9: 3.56, 99: 47.93})  # docs/cache_hit_ratios.md

    def test_lifetimes_and_bytes_count(self):
        rows = [{"key": "a", "at_ms": at, "bytes": 10} for at in (0, 50, 120)]
        trace = self.path("trace.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        batches.evaluate_cache([trace], self.path("out"), capacities=[1 << 20], ttls_ms=[60, 1000], workers=0)
        self.assertEqual({one["ttl_ms"]: one["hits"] for one in batches.results(self.path("out"))}, {60: 1, 1000: 2})


@unittest.skipIf(ray is None, "scripts/requirements-ray.txt is not installed")
class OnRay(Folders):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        logs = cls.enterClassContext(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR,
                 object_store_memory=100 << 20, _temp_dir=logs)  # fmt: skip
        cls.addClassCleanup(ray.shutdown)

    def test_killed_workers_change_nothing(self):
        rows = answers(40)
        batches.check(rows, self.documents, self.path("alone"), workers=0, block_rows=4)
        with Killer(self.folder, 2) as killer, mock.patch.object(_run, "BlockWorker", killed_once(self.folder)):
            report = batches.check(rows, self.documents, self.path("out"), block_rows=4)
        self.assertEqual(len(set(killer.pids)), 2)
        self.assertEqual(content(self.path("out")), content(self.path("alone")))
        self.assertEqual(sorted(one["id"] for one in batches.results(self.path("out"))), list(range(40)))
        computed = sorted(int(line) for line in pathlib.Path(self.folder, "computed").read_text().split())
        self.assertEqual(computed, list(range(40)))
        self.assertEqual((report.computed + report.present, report.blocks), (40, 10))

    def test_a_row_that_kills_every_worker_ends_the_run_and_keeps_the_rest(self):
        class Fatal(_run.BlockWorker):
            def __call__(self, block):
                if "kill before the work" in " ".join(block.column("row").to_pylist()):
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().__call__(block)

        rows, out = answers(12), self.path("out")
        with (
            mock.patch.object(_run, "BlockWorker", Fatal), mock.patch.object(_run, "_RETRIES", 0),
            self.assertRaisesRegex(assay.Unavailable, "run it again"),
        ):
            batches.check(rows, self.documents, out, workers=1, block_rows=4)
        kept = 4 * len(content(out))
        report = batches.check(rows, self.documents, out, workers=0, block_rows=4)
        self.assertEqual((report.computed, report.present), (12 - kept, kept))
        self.assertLess(kept, 12)

    def test_vectors_go_into_an_s3_store_once_though_a_worker_is_killed(self):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        self.addCleanup(server.stop)
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="vectors")
        rows = [{"id": row["id"], "text": row["answer"] + row.get("question", "")} for row in answers(40)]
        source = self.path("texts.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        part = self.path("part.jsonl", "".join(json.dumps(row) + "\n" for row in rows[:8]))
        target = ("--output", "s3://vectors/db", "--storage", f"endpoint={endpoint}", "--storage", "allow_http=true",
                  "--block-rows", 4, "--json")  # fmt: skip
        self.assertEqual(self.command("embed", "--input", part, "--workers", 0, *target)[0], 0)
        with Killer(self.folder, 1) as killer, mock.patch.object(_run, "BlockWorker", killed_once(self.folder)):
            code, out, err = self.command("embed", "--input", source, "--workers", 1, *target)
        self.assertEqual((code, len(killer.pids)), (0, 1), err)
        report = json.loads(out)
        self.assertEqual([report[name] for name in ("rows", "present", "computed")], [40, 8, 32])
        options = {"endpoint": endpoint, "allow_http": "true"}
        table = lancedb.connect("s3://vectors/db", storage_options=options).open_table("vectors").to_arrow()
        found = dict(zip(table["key"].to_pylist(), table["vector"].to_pylist(), strict=True))
        self.assertEqual(table.num_rows, 40)
        expected = assay.default_encoder().encode([row["text"] for row in rows])
        np.testing.assert_array_equal(np.array([found[str(row["id"])] for row in rows], np.float32), expected)
        again = batches.embed(source, "s3://vectors/db", storage_options=options, block_rows=4, workers=0)
        self.assertEqual((again.computed, again.present), (0, 40))


@unittest.skipIf(ray is None, "scripts/requirements-ray.txt is not installed")
class Tables(Folders):
    """Lance tables in a folder."""

    def rows(self, count=20):
        return [{"id": i, "text": f"Employees get {i} days of leave."} for i in range(count)]

    def test_a_table_serves_assay_lance(self):
        from assay import lance as tables

        batches.embed(self.rows(), self.path("db"), block_rows=8, workers=0)
        table = lancedb.connect(self.path("db")).open_table("vectors")
        vector = assay.default_encoder().encode(["Employees get 7 days of leave."])[0]
        ids, scores = tables.search(table, vector, 1)
        key = table.to_arrow().to_pandas().set_index("id").loc[ids[0], "key"]
        self.assertEqual((key, round(float(scores[0]), 4)), ("7", 1.0))
        store = assay.vector.VectorStore.open(self.path("store"), dim=len(vector), encoder=assay.default_encoder().name)
        self.assertEqual(tables.import_table(table, store), 20)

    def test_a_crash_before_a_commit_is_made_good_by_the_next_run(self):
        out = self.path("db")
        crash = mock.patch.object(lance.LanceDataset, "commit", side_effect=[KeyboardInterrupt])
        with crash, self.assertRaises(KeyboardInterrupt):
            batches.embed(self.rows(), out, block_rows=8, workers=0)
        self.assertEqual(lance.dataset(f"{out}/vectors.lance").count_rows(), 0)
        self.assertEqual(batches.embed(self.rows(), out, block_rows=8, workers=0).computed, 20)
        self.assertEqual(batches.embed(self.rows(30), out, block_rows=8, workers=0).computed, 10)
        hashes = lance.dataset(f"{out}/vectors.lance").to_table(["hash"])["hash"].to_pylist()
        self.assertEqual((len(hashes), len(set(hashes))), (30, 30))

    def test_half_precision_and_other_jobs(self):
        batches.embed(self.rows(), self.path("db"), precision="float16", workers=0)
        table = lance.dataset(f"{self.path('db')}/vectors.lance").to_table()
        expected = assay.default_encoder().encode([row["text"] for row in self.rows()]).astype(np.float16)
        np.testing.assert_array_equal(np.stack(table["vector"].to_numpy(zero_copy_only=False)), expected)
        with self.assertRaisesRegex(assay.FailedPrecondition, "precision was 'float16'"):
            batches.embed(self.rows(), self.path("db"), workers=0)
        lance.write_dataset(table.select(["id"]).replace_schema_metadata(None), self.path("db/other.lance"))
        with self.assertRaisesRegex(assay.FailedPrecondition, "no job of assay.ray"):
            batches.embed(self.rows(), self.path("db"), table="other", workers=0)
        with self.assertRaisesRegex(assay.InvalidArgument, "float8"):
            batches.embed(self.rows(), self.path("db"), table="new", precision="float8", workers=0)

    def test_a_store_that_does_not_answer_is_unavailable(self):
        options = {"endpoint": "http://127.0.0.1:1", "allow_http": "true", "client_max_retries": "0"}
        with self.assertRaises(assay.Unavailable):
            batches.embed(self.rows(), "s3://bucket/db", storage_options=options, workers=0)


if __name__ == "__main__":
    unittest.main()
