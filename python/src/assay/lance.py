"""Vector stores to LanceDB tables and back: `pip install assay[lance]`.

A table has a column `id` (uint64), a column `vector` (a list of `dim` float32, or of float16 at half the bytes), and in
its schema's metadata whose vectors they are. Vectors go in batches of Arrow's memory, without a Python object a value.
"""

from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from assay import errors, vector

try:
    import lancedb
    import pyarrow  # type: ignore[import-untyped]
    from lancedb.index import IvfPq
except ImportError as missing:  # pragma: no cover
    raise errors.FailedPrecondition(
        f"assay.lance needs lancedb and pyarrow ({missing}): pip install 'assay[lance]'"
    ) from missing

PARTITIONS = 256
SUB_VECTORS = 96
_BATCH_ROWS = 8192
_KINDS = {"float32": numpy.float32, "float16": numpy.float16}


def schema(dim: int, encoder: str = "", precision: str = "float16") -> Any:
    """The Arrow schema of a table of vectors. Raises InvalidArgument for a precision but float32 and float16."""
    if precision not in _KINDS:
        raise errors.InvalidArgument(f"no precision is called '{precision}'; there are float32 and float16")
    element = pyarrow.float16() if precision == "float16" else pyarrow.float32()
    # Lance compresses the rest of a column by this; vectors are mapped as they are.
    compressed = {"lance-encoding:compression": "zstd"}
    fields = [
        pyarrow.field("id", pyarrow.uint64(), nullable=False, metadata=compressed),
        pyarrow.field("vector", pyarrow.list_(element, dim), nullable=False),
    ]
    return pyarrow.schema(fields, metadata={"assay:encoder": encoder, "assay:precision": precision})


def _batches(ids: NDArray[numpy.uint64], rows: NDArray[Any], into: Any) -> Iterator[Any]:
    for begin in range(0, len(ids), _BATCH_ROWS):
        part = numpy.ascontiguousarray(rows[begin : begin + _BATCH_ROWS])
        values = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(part.reshape(-1)), part.shape[1])
        yield pyarrow.record_batch([pyarrow.array(ids[begin : begin + _BATCH_ROWS]), values], schema=into)


def export_store(
    store: vector.VectorStore, folder: str, table: str, precision: str = "float16", version: int | None = None
) -> Any:
    """Writes a state of a store (the newest by default) into a table of the database in `folder`; returns the table.

    An older table of that name is replaced. Raises InvalidArgument where a value does not fit float16, NotFound for a
    version that is not kept.
    """
    ids, rows = store.read(version)
    into = schema(store.dim, store.encoder, precision)
    with numpy.errstate(over="ignore"):
        values = rows.astype(_KINDS[precision], copy=False)
    if (numpy.isinf(values) & numpy.isfinite(rows)).any():
        raise errors.InvalidArgument("a value is beyond float16 (65504); export it with precision='float32'")
    reader = pyarrow.RecordBatchReader.from_batches(into, _batches(ids, values, into))
    return lancedb.connect(folder).create_table(table, reader, schema=into, mode="overwrite")


def _dim(table: Any) -> int:
    """Of a table's vectors. Raises InvalidArgument for one that has no ids, or no vectors of one dimension."""
    found = table.schema
    if {"id", "vector"} - set(found.names) or not pyarrow.types.is_fixed_size_list(found.field("vector").type):
        raise errors.InvalidArgument("a table needs the columns 'id' and 'vector', a list of one size")
    return int(found.field("vector").type.list_size)


def build_index(table: Any, partitions: int = PARTITIONS, sub_vectors: int = SUB_VECTORS, iterations: int = 50) -> None:
    """An IVF_PQ index for dot products. Raises InvalidArgument where `sub_vectors` does not divide the dimension, or
    there are fewer rows than partitions. `iterations`: of k-means, at most. Lance trains as many partitions as it has
    256 rows for each."""
    dim = _dim(table)
    if sub_vectors < 1 or dim % sub_vectors:
        raise errors.InvalidArgument(f"{sub_vectors} sub-vectors do not divide {dim} dimensions")
    if table.count_rows() < max(partitions, 256):
        raise errors.InvalidArgument(f"{table.count_rows()} rows are too few for {partitions} partitions")
    config = IvfPq(
        distance_type="dot", num_partitions=partitions, num_sub_vectors=sub_vectors, max_iterations=iterations
    )
    table.create_index("vector", config=config, replace=True)


def search(
    table: Any, query: NDArray[numpy.float32], k: int, probes: int = 20, refine: int | None = 10
) -> tuple[NDArray[numpy.uint64], NDArray[numpy.float32]]:
    """The k nearest rows by dot product, best first: (ids, scores). `refine` times k are compared by their vectors."""
    asked = table.search(query, vector_column_name="vector").distance_type("dot").limit(k).nprobes(probes)
    if refine:
        asked = asked.refine_factor(refine)
    found = asked.select(["id", "_distance"]).to_arrow()
    return found["id"].to_numpy(), (1 - found["_distance"].to_numpy()).astype(numpy.float32)


def import_table(table: Any, store: vector.VectorStore) -> int:
    """Puts all rows of a table into a store, a commit a batch; returns how many.

    Raises FailedPrecondition where the table holds vectors of another encoder, InvalidArgument for another dimension,
    columns that are no ids and vectors, and rows without one; batches before that row stay put.
    """
    found = table.schema
    encoder = (found.metadata or {}).get(b"assay:encoder", b"").decode()
    if encoder and store.encoder and encoder != store.encoder:
        raise errors.FailedPrecondition(f"the table holds vectors of '{encoder}', the store of '{store.encoder}'")
    if _dim(table) != store.dim:
        raise errors.InvalidArgument(f"the table has {_dim(table)} dimensions, the store {store.dim}")
    count = 0
    for batch in table.to_arrow().to_batches(max_chunksize=_BATCH_ROWS):
        if batch.column("id").null_count or batch.column("vector").null_count:
            raise errors.InvalidArgument(f"a row from {count} on has no id or no vector")
        values = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
        rows = numpy.ascontiguousarray(values.reshape(batch.num_rows, store.dim), dtype=numpy.float32)
        store.put(batch.column("id").to_numpy(), rows)
        count += batch.num_rows
    return count
