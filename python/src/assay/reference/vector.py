"""Twin of assay.vector: exact nearest rows."""

from typing import Any, Self

import numpy
from numpy.typing import NDArray

from assay import errors

NO_ROW = 0xFFFFFFFF
_MAX_TOP_K = 4096
Floats = NDArray[numpy.float32]


def _rows(values: Any, what: str = "rows") -> Floats:
    array = numpy.ascontiguousarray(values, dtype=numpy.float32)
    if array.ndim != 2:
        raise TypeError(f"{what} have {array.ndim} dimensions, not 2")
    return array


def _check_k(k: int) -> None:
    if not 1 <= k <= _MAX_TOP_K:
        raise errors.OutOfRange(f"k is {k}, not in 1 to {_MAX_TOP_K}")


def _best(scores: Floats, k: int) -> tuple[NDArray[numpy.uint32], Floats]:
    """The k largest of each line, equal ones in row order; what is no number last, as NO_ROW and minus infinity."""
    place = numpy.where(numpy.isnan(scores), -numpy.inf, scores)
    order = numpy.argsort(-place, axis=1, kind="stable")[:, :k]
    found = numpy.take_along_axis(place, order, axis=1).astype(numpy.float32)
    odd = numpy.take_along_axis(numpy.isnan(scores), order, axis=1)
    return numpy.where(odd, NO_ROW, order).astype(numpy.uint32), found


def top_k(queries: Floats, rows: Floats, k: int) -> tuple[NDArray[numpy.uint32], Floats]:
    """The k rows with the largest dot product with each query."""
    queries, rows = _rows(queries, "queries"), _rows(rows)
    if queries.shape[1] != rows.shape[1]:
        raise errors.InvalidArgument(f"queries have {queries.shape[1]} dimensions, rows {rows.shape[1]}")
    _check_k(k)
    with numpy.errstate(all="ignore"):
        return _best(queries @ rows.T, min(k, len(rows)))


def top_k_int8(
    queries: Floats, values: NDArray[numpy.int8], scales: Floats, k: int
) -> tuple[NDArray[numpy.uint32], Floats]:
    """top_k over rows of quantize_rows, with the query as it is."""
    return top_k(queries, values.astype(numpy.float32) * scales[:, None], k)


def quantize_rows(rows: Floats) -> tuple[NDArray[numpy.int8], Floats]:
    """Each row by its own largest magnitude / 127."""
    rows = _rows(rows)
    if not numpy.isfinite(rows).all():
        raise errors.InvalidArgument("a row holds a value that is not finite")
    scales = (numpy.abs(rows).max(axis=1, initial=0) / numpy.float32(127)).astype(numpy.float32)
    with numpy.errstate(all="ignore"):
        inverse = numpy.float32(1) / scales
    inverse[~numpy.isfinite(inverse)] = 0
    values = numpy.rint(rows * inverse[:, None]).clip(-127, 127)
    return values.astype(numpy.int8), scales


def similarity_matrix(rows: Floats) -> Floats:
    """All dot products of the rows with each other."""
    rows = _rows(rows)
    return rows @ rows.T


def most_similar_rows(rows: Floats, k: int) -> tuple[NDArray[numpy.uint32], Floats]:
    """For each row the k others with the largest dot product."""
    _check_k(k)
    scores = similarity_matrix(rows)
    numpy.fill_diagonal(scores, numpy.nan)
    found, best = _best(scores, k)
    missing = ((0, 0), (0, k - found.shape[1]))
    return (
        numpy.pad(found, missing, constant_values=NO_ROW),
        numpy.pad(best, missing, constant_values=-numpy.inf),
    )


class IndexStats:
    """What the index holds; it always compares every row."""

    def __init__(self, rows: int, dim: int, version: int) -> None:
        self.rows, self.dim, self.version = rows, dim, version
        self.exact = True


class Index:
    """Rows under ids; every search compares all of them."""

    def __init__(self, dim: int, label: str = "") -> None:
        if not 1 <= dim <= 65536:
            raise errors.OutOfRange(f"dim is {dim}, not in 1 to 65536")
        self.dim, self.label, self.version = dim, label, 0
        self._rows: dict[int, Floats] = {}

    @classmethod
    def create(cls, dim: int, label: str = "", wanted_recall: float = 0.99) -> Self:
        return cls(dim, label)

    @classmethod
    def over(
        cls, rows: Floats, ids: NDArray[numpy.uint64] | None = None, label: str = "", wanted_recall: float = 0.99
    ) -> Self:
        rows = _rows(rows)
        made = cls(rows.shape[1], label)
        numbers = range(len(rows)) if ids is None else [int(one) for one in ids]
        if len(numbers) != len(rows) or len(set(numbers)) != len(numbers):
            raise errors.InvalidArgument(f"{len(rows)} rows need as many ids, each once")
        for number, row in zip(numbers, rows, strict=True):
            made.insert(number, row)
        return made

    @classmethod
    def open(cls, path: str, label: str = "", verify: bool = False) -> Self:
        raise errors.NoTwin("index files are read by the extension module only")

    def save(self, path: str) -> None:
        raise errors.NoTwin("index files are written by the extension module only")

    def insert(self, id: int, row: Floats) -> None:
        row = numpy.ascontiguousarray(row, dtype=numpy.float32)
        if row.shape != (self.dim,):
            raise errors.InvalidArgument(f"the row has {row.size} values, the index {self.dim} dimensions")
        if not numpy.isfinite(row).all():
            raise errors.InvalidArgument("the row holds a value that is not finite")
        self._rows[id] = row
        self.version += 1

    def erase(self, id: int) -> bool:
        there = self._rows.pop(id, None) is not None
        self.version += there
        return there

    def __contains__(self, id: int) -> bool:
        return id in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def search(self, query: Floats, k: int) -> tuple[NDArray[numpy.uint64], Floats]:
        ids, scores = self.search_batch(numpy.asarray(query, dtype=numpy.float32)[None, :], k)
        return ids[0], scores[0]

    def search_batch(self, queries: Floats, k: int) -> tuple[NDArray[numpy.uint64], Floats]:
        queries = _rows(queries, "queries")
        if queries.shape[1] != self.dim:
            raise errors.InvalidArgument(f"queries have {queries.shape[1]} dimensions, the index {self.dim}")
        if not numpy.isfinite(queries).all():
            raise errors.InvalidArgument("a query holds a value that is not finite")
        _check_k(k)
        ids = numpy.array(sorted(self._rows), dtype=numpy.uint64)
        if not len(ids):
            return numpy.empty((len(queries), 0), numpy.uint64), numpy.empty((len(queries), 0), numpy.float32)
        rows, scores = top_k(queries, numpy.stack([self._rows[int(one)] for one in ids]), k)
        return ids[rows], scores

    def optimize(self) -> None:
        """Nothing to do: every row is compared."""

    def stats(self) -> IndexStats:
        return IndexStats(len(self), self.dim, self.version)
