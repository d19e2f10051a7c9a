"""assay.vector: exact search, codes, indexes and stores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import assay
from assay import vector
from assay.reference import vector as twin

# Halves of small integers: dot products are exact in float32, whatever their order.
exact = st.integers(-8, 8).map(lambda v: np.float32(v) / 2)
matrices = st.tuples(st.integers(1, 20), st.integers(1, 24)).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=exact)
)


def unit_rows(n, dim, seed=1):
    rows = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_top_k_finds_the_nearest_rows_best_first():
    rows = unit_rows(200, 32)
    found, scores = vector.top_k(rows[:3], rows, 5)
    assert (found.dtype, scores.dtype) == (np.uint32, np.float32)
    assert found.shape == scores.shape == (3, 5)
    assert list(found[:, 0]) == [0, 1, 2]
    np.testing.assert_allclose(np.sort(rows[:3] @ rows.T, axis=1)[:, ::-1][:, :5], scores, rtol=1e-5)


def test_equal_scores_come_in_row_order_and_nan_never():
    rows = np.array([[1, 0], [np.nan, 0], [1, 0]], np.float32)
    found, scores = vector.top_k(np.array([[1, 0]], np.float32), rows, 3)
    assert list(found[0]) == [0, 2, vector.NO_ROW]
    assert scores[0, 2] == -np.inf


def test_quantized_rows_come_near():
    rows = unit_rows(50, 48)
    values, scales = vector.quantize_rows(rows)
    assert np.abs(values * scales[:, None] - rows).max() <= scales.max() / 2 + 1e-7
    found, _ = vector.top_k_int8(rows, values, scales, 1)
    assert (found[:, 0] == np.arange(50)).all()


def test_most_similar_rows_leaves_the_row_itself_out():
    rows = unit_rows(20, 16)
    similar, scores = vector.most_similar_rows(rows, 2)
    matrix = vector.similarity_matrix(rows)
    np.fill_diagonal(matrix, -np.inf)
    assert (similar[:, 0] == matrix.argmax(axis=1)).all()
    assert (scores[:, 0] >= scores[:, 1]).all()
    assert (vector.most_similar_rows(rows[:1], 2)[0] == vector.NO_ROW).all()


def test_index_follows_its_changes():
    rows = unit_rows(30, 16)
    index = vector.Index.create(16)
    for number, row in enumerate(rows):
        index.insert(1000 + number, row)
    assert len(index) == 30 and 1004 in index
    ids, scores = index.search(rows[4], 3)
    assert ids[0] == 1004 and ids.dtype == np.uint64
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert index.erase(1004) and not index.erase(1004)
    assert index.search(rows[4], 1)[0][0] != 1004
    assert index.search_batch(rows[:7], 2)[0].shape == (7, 2)


def test_index_over_rows_uses_them_in_place():
    rows = unit_rows(100, 8)
    index = vector.Index.over(rows)
    expected = rows[3].copy()
    del rows
    assert index.search(expected, 1)[0][0] == 3
    with pytest.raises(assay.InvalidArgument):
        vector.Index.over(unit_rows(2, 8), ids=np.array([5, 5], np.uint64))


def test_errors_say_what_is_wrong():
    rows = unit_rows(3, 4)
    with pytest.raises(assay.OutOfRange):
        vector.top_k(rows, rows, 0)
    with pytest.raises(assay.InvalidArgument, match="4 dimensions, rows 3"):
        vector.top_k(rows, np.ascontiguousarray(rows[:, :3]), 1)
    with pytest.raises(assay.InvalidArgument, match="not finite"):
        vector.quantize_rows(rows * np.float32(np.inf))
    with pytest.raises(assay.InvalidArgument):
        vector.Index.create(4).insert(1, np.zeros(3, np.float32))


@pytest.mark.native
def test_a_search_reads_the_callers_memory():
    """Rows that fit are not copied: a view of one buffer is found by its address in a read-only mapping too."""
    rows = unit_rows(1000, 64)
    rows.flags.writeable = False
    found, _ = vector.top_k(rows[:1], rows, 1)
    assert found[0, 0] == 0
    with pytest.raises(TypeError):
        vector.top_k([[1.0, 2.0]], rows, 1)


@pytest.mark.native
@given(hnp.arrays(np.uint32, st.tuples(st.integers(1, 12), st.integers(1, 40))))
def test_encoded_floats_come_back_bit_for_bit(bits):
    rows = bits.view(np.float32)
    block = vector.encode_floats(rows)
    assert (vector.decode_floats(block).view(np.uint32) == bits).all()
    assert (vector.decode_floats(block, len(rows) - 1, 1).view(np.uint32) == bits[-1:]).all()


@pytest.mark.native
def test_damaged_blocks_are_refused():
    block = vector.encode_floats(unit_rows(4, 8))
    with pytest.raises(assay.DataLoss):
        vector.decode_floats(block[:-3])
    with pytest.raises(assay.OutOfRange):
        vector.decode_floats(block, 5)


@pytest.mark.native
def test_rabitq_estimates_within_its_bounds():
    rows = unit_rows(500, 128)
    codes = vector.RabitqCodes.encode(rows, bits=4)
    dots, bounds = codes.estimate(rows[0])
    exact_dots = rows @ rows[0]
    assert (np.abs(dots - exact_dots) <= bounds + 1e-6).mean() > 0.85
    assert codes.bytes_per_row < 128


@pytest.mark.native
def test_index_is_saved_and_opened(tmp_path):
    rows = unit_rows(300, 16)
    index = vector.Index.over(rows, label="test@1")
    index.save(str(tmp_path / "rows.index"))
    again = vector.Index.open(str(tmp_path / "rows.index"), "test@1", verify=True)
    assert (again.search(rows[9], 4)[0] == index.search(rows[9], 4)[0]).all()
    with pytest.raises(assay.FailedPrecondition):
        vector.Index.open(str(tmp_path / "rows.index"), "other@1")
    with pytest.raises(assay.NotFound, match="no.index"):
        vector.Index.open(str(tmp_path / "no.index"))


@pytest.mark.native
def test_store_keeps_versions(tmp_path):
    rows = unit_rows(5, 8)
    store = vector.VectorStore.open(str(tmp_path / "store"), dim=8, encoder="e@1")
    ids = np.arange(10, 15, dtype=np.uint64)
    first = store.put(ids, rows)
    second = store.erase(ids[:2])
    found, values = store.read()
    assert list(found) == [12, 13, 14]
    assert (values == rows[2:]).all()
    assert list(store.read(first)[0]) == list(ids)
    assert list(store.diff(first, second)[1]) == [10, 11]
    store.rollback(first)
    assert (store.get(10) == rows[0]).all()
    assert [entry["puts"] for entry in store.log()][0] == 5
    with pytest.raises(assay.NotFound):
        store.get(99)
    with pytest.raises(assay.Unavailable):
        vector.VectorStore.open(str(tmp_path / "store"))


@pytest.mark.native
@given(matrices, st.integers(1, 25), st.randoms(use_true_random=False))
def test_searches_equal_their_twins(rows, k, random):
    queries = rows[[random.randrange(len(rows)) for _ in range(3)]]
    for native, python in zip(vector.top_k(queries, rows, k), twin.top_k(queries, rows, k), strict=True):
        np.testing.assert_array_equal(native, python)
    for native, python in zip(vector.most_similar_rows(rows, k), twin.most_similar_rows(rows, k), strict=True):
        np.testing.assert_array_equal(native, python)
    np.testing.assert_array_equal(vector.similarity_matrix(rows), twin.similarity_matrix(rows))
    native, python = vector.quantize_rows(rows), twin.quantize_rows(rows)
    np.testing.assert_array_equal(native[0], python[0])
    np.testing.assert_array_equal(native[1], python[1])
    there, here = vector.Index.over(rows), twin.Index.over(rows)
    k = min(k, len(rows))
    scores = there.search(queries[0], k)[1]
    np.testing.assert_array_equal(scores, here.search(queries[0], k)[1])
