"""Vectors as a Lance table, on a disk or in an S3-compatible store: `lancedb` opens it, as does assay.lance.

Workers write fragments, which nobody sees; the process that runs the job commits each to the table, so a row is in a version
of the table or not, and a fragment of a worker that died before it could say so never is.
"""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy

from assay import errors
from assay.ray import _need
from assay.ray._output import refuse_other_job

_KINDS = {"float32": numpy.float32, "float16": numpy.float16}
_JOB = b"assay:job"


def _schema(dim: int, encoder: str, precision: str, job: dict[str, Any]) -> Any:
    pyarrow = _need.module("pyarrow")
    compressed = {"lance-encoding:compression": "zstd"}
    element = pyarrow.float16() if precision == "float16" else pyarrow.float32()
    fields = [
        pyarrow.field("id", pyarrow.uint64(), nullable=False, metadata=compressed),
        pyarrow.field("hash", pyarrow.string(), nullable=False),
        pyarrow.field("key", pyarrow.string(), metadata=compressed),
        pyarrow.field("vector", pyarrow.list_(element, dim), nullable=False),
    ]
    told = {"assay:encoder": encoder, "assay:precision": precision, _JOB.decode(): json.dumps(job)}
    return pyarrow.schema(fields, metadata=told)


@dataclass(frozen=True)
class LanceWriter:
    """The workers' half."""

    uri: str
    options: dict[str, str] = field(repr=False)  # may hold credentials
    dim: int
    precision: str

    def prepare(self) -> None:
        """Called once by each worker. Raises FailedPrecondition where Lance is missing."""
        _need.module("lance")

    def written(self, name: str) -> str | None:
        """None: a fragment that was not committed is not looked for, but written again."""
        return None

    def write(self, name: str, found: list[dict[str, Any]]) -> str:
        """Returns the fragments' metadata. Raises InvalidArgument for a value beyond float16."""
        pyarrow, fragment = _need.module("pyarrow"), _need.module("lance.fragment")
        rows = numpy.stack([one["vector"] for one in found])
        with numpy.errstate(over="ignore"):
            values = rows.astype(_KINDS[self.precision], copy=False)
        if (numpy.isinf(values) & numpy.isfinite(rows)).any():
            raise errors.InvalidArgument("a value is beyond float16 (65504); take precision='float32'")
        schema = _schema(self.dim, "", self.precision, {})
        columns = [
            pyarrow.array([int(one["hash"][:16], 16) for one in found], pyarrow.uint64()),
            pyarrow.array([one["hash"] for one in found]),
            pyarrow.array([str(one["id"]) if "id" in one else None for one in found], pyarrow.string()),
            pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(values.reshape(-1)), self.dim),
        ]
        table = pyarrow.table(columns, schema=schema)
        with _told(self.uri):
            written = fragment.write_fragments(table, self.uri, schema=schema, storage_options=self.options or None)
        return json.dumps([one.to_json() for one in written])


class LanceTable:
    """The half of the process that runs the job; one at a time. Use it in a `with`.

    Raises FailedPrecondition for a table that another job, or another program, has made, Unavailable where the store does not
    answer or another process writes.
    """

    def __init__(
        self, uri: str, options: dict[str, str], job: dict[str, Any], dim: int, encoder: str, precision: str
    ) -> None:
        if precision not in _KINDS:
            raise errors.InvalidArgument(f"no precision is called '{precision}'; there are float32 and float16")
        self._lance = _need.module("lance")
        self.writer = LanceWriter(uri, options, dim, precision)
        self._lock = _lock(uri)
        try:
            with _told(uri):
                self._dataset = self._open(_schema(dim, encoder, precision, job), job)
                batches = self._dataset.scanner(columns=["hash"]).to_batches()
                self.done = {key for batch in batches for key in batch.column("hash").to_pylist()}
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "LanceTable":
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock:
            self._lock.close()

    def commit(self, name: str, hashes: list[str], receipt: str) -> None:
        """A version of the table with the block's rows."""
        fragments = [self._lance.FragmentMetadata.from_json(json.dumps(one)) for one in json.loads(receipt)]
        before = self._dataset
        with _told(self.writer.uri):
            if before.latest_version != before.version:
                raise errors.Unavailable(f"another process writes to {self.writer.uri}; run this again when it is done")
            self._dataset = self._lance.LanceDataset.commit(
                self.writer.uri, self._lance.LanceOperation.Append(fragments), read_version=before.version,
                storage_options=self.writer.options or None,
            )  # fmt: skip
        self.done.update(hashes)

    def _open(self, schema: Any, job: dict[str, Any]) -> Any:
        uri, options = self.writer.uri, self.writer.options or None
        try:
            found = self._lance.dataset(uri, storage_options=options)
        except ValueError as error:
            if "not found" not in str(error):
                raise
            return self._lance.write_dataset(
                schema.empty_table(), uri, schema=schema, mode="create", storage_options=options
            )
        told = (found.schema.metadata or {}).get(_JOB)
        if told is None:
            raise errors.FailedPrecondition(f"{uri} is a table that no job of assay.ray has made; name another one")
        refuse_other_job(uri, json.loads(told), job)
        return found


def _lock(uri: str) -> IO[str] | None:
    """On a disk only; in a store the version of the table tells of another writer."""
    if "://" in uri:
        return None
    path = Path(uri)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock").open("w")
    except OSError as error:
        raise errors.InvalidArgument(f"{path.parent} cannot be a folder of tables: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise errors.Unavailable(f"another process writes to {uri}; wait for it") from error
    return lock


@contextlib.contextmanager
def _told(uri: str) -> Iterator[None]:
    """Errors of Lance as ours."""
    try:
        yield
    except errors.Error:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        said = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise errors.Unavailable(f"{uri}: {said}") from error
