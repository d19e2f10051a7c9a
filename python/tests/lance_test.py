#!/usr/bin/env python3
"""assay.lance with the real lancedb: round trips, and what an IVF_PQ index finds beside an exact search."""

import sys
import tempfile
import unittest

import built

built.environment()
sys.path.insert(0, str(built.PACKAGE))

import numpy as np  # noqa: E402

import assay  # noqa: E402

try:
    import lancedb
    import pyarrow
except ImportError:
    lancedb = None
else:
    from assay import lance  # noqa: E402


def clustered_rows(count, dim):
    """Unit vectors about 40 centres, as vectors of texts are."""
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((40, dim))[rng.integers(0, 40, count)] + 0.7 * rng.standard_normal((count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@unittest.skipIf(lancedb is None, "lancedb is not installed")
class LanceTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def store(self, name, dim=96, encoder="words@1"):
        return assay.vector.VectorStore.open(f"{self.folder}/{name}", dim=dim, encoder=encoder)

    def test_vectors_come_back_as_they_were(self):
        rows, ids = clustered_rows(500, 96), np.arange(7, 507, dtype=np.uint64)
        source = self.store("source")
        source.put(ids, rows)
        for precision, expected in (("float32", rows), ("float16", rows.astype(np.float16).astype(np.float32))):
            table = lance.export_store(source, f"{self.folder}/db", "vectors", precision)
            again = self.store(precision)
            self.assertEqual(lance.import_table(table, again), 500)
            found_ids, found = again.read()
            np.testing.assert_array_equal(found_ids, ids)
            np.testing.assert_array_equal(found, expected)

    def test_an_older_version_is_exported(self):
        source = self.store("source")
        first = source.put(np.array([1], np.uint64), clustered_rows(1, 96))
        source.erase(np.array([1], np.uint64))
        self.assertEqual(lance.export_store(source, f"{self.folder}/db", "t", version=first).count_rows(), 1)

    def test_an_index_of_256_partitions_and_96_sub_vectors_finds_the_nearest(self):
        rows, ids = clustered_rows(2000, 96), np.arange(2000, dtype=np.uint64)
        source = self.store("source")
        source.put(ids, rows)
        table = lance.export_store(source, f"{self.folder}/db", "vectors")
        lance.build_index(table, iterations=4)
        index = assay.vector.Index.over(rows)
        hits = 0
        for query in rows[:20]:
            exact, scores = index.search(query, 10)
            found, near = lance.search(table, query, 10, probes=64)
            hits += len(set(exact.tolist()) & set(found.tolist()))
            self.assertEqual(found[0], exact[0])
            self.assertAlmostEqual(float(near[0]), float(scores[0]), places=2)
        self.assertGreater(hits / 200, 0.9)

    def test_errors_say_what_is_wrong(self):
        source = self.store("source")
        source.put(np.arange(2, dtype=np.uint64), clustered_rows(2, 96) * np.float32(1e6))
        with self.assertRaisesRegex(assay.InvalidArgument, "beyond float16"):
            lance.export_store(source, f"{self.folder}/db", "t")
        table = lance.export_store(source, f"{self.folder}/db", "t", "float32")
        with self.assertRaisesRegex(assay.FailedPrecondition, r"words@1.*other@1"):
            lance.import_table(table, self.store("other", encoder="other@1"))
        with self.assertRaisesRegex(assay.InvalidArgument, "too few"):
            lance.build_index(table)
        with self.assertRaisesRegex(assay.InvalidArgument, "0 sub-vectors"):
            lance.build_index(table, sub_vectors=0)
        database = lancedb.connect(f"{self.folder}/db")
        texts = database.create_table("texts", pyarrow.table({"id": [1], "vector": ["text"]}))
        with self.assertRaisesRegex(assay.InvalidArgument, "a list of one size"):
            lance.import_table(texts, self.store("texts", dim=2))
        with self.assertRaisesRegex(assay.InvalidArgument, "needs the columns"):
            lance.import_table(database.create_table("other", pyarrow.table({"a": [1]})), self.store("none"))
        holes = pyarrow.table(
            {"id": pyarrow.array([1, 2], pyarrow.uint64()),
             "vector": pyarrow.array([[1.0, 2.0], None], pyarrow.list_(pyarrow.float32(), 2))}
        )
        with self.assertRaisesRegex(assay.InvalidArgument, "no id or no vector"):
            lance.import_table(database.create_table("holes", holes, on_bad_vectors="null"), self.store("holes", dim=2))


if __name__ == "__main__":
    unittest.main()
