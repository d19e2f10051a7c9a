"""Runs the blocks of a job: on Ray Data actors, or one after the other in this process."""

import contextlib
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from assay import errors
from assay.ray import _engines, _need
from assay.ray._input import Row
from assay.ray._output import block_name

_RETRIES = 3  # of a block whose worker died: one that kills every worker must not do so for ever
Progress = Callable[[int, int], None]


class Writer(Protocol):
    """The half of an output that workers hold."""

    def prepare(self) -> None: ...
    def written(self, name: str) -> str | None: ...
    def write(self, name: str, found: list[dict[str, Any]]) -> str: ...


class Output(Protocol):
    """Where results go. `done` are the hashes of rows that are there."""

    done: set[str]
    writer: Any

    def commit(self, name: str, hashes: list[str], receipt: str) -> None: ...


@dataclass
class Report:
    """What a run did. `rows` of the input are `present` from before, `repeated` in it, or `computed` now."""

    output: str
    rows: int = 0
    repeated: int = 0
    present: int = 0
    computed: int = 0
    blocks: int = 0
    seconds: float = 0.0
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """`kind` and `arguments` make an engine; `shared` are arguments that are large: Ray holds one copy a machine."""

    kind: str
    arguments: dict[str, Any]
    shared: dict[str, Any]
    needed: tuple[str, ...]
    block_rows: int


class BlockWorker:
    """An engine and where its results go; Ray Data calls it with a block, an Arrow table of hashes and rows in JSON."""

    def __init__(self, job: Job, writer: Writer) -> None:
        self._engine = _engines.engine(job.kind, {**job.arguments, **_fetched(job.shared)})
        self._writer = writer
        writer.prepare()

    def __call__(self, block: Any) -> Any:
        """One row: the block's name, the receipt of its output, and how many rows were computed. Nothing is computed or
        written for a block whose worker died after it was written."""
        hashes = block.column("hash").to_pylist()
        name = block_name(hashes)
        receipt, computed = self._writer.written(name), 0
        if receipt is None:
            rows = [json.loads(text) for text in block.column("row").to_pylist()]
            keys = [{"hash": key, "id": row["id"]} if "id" in row else {"hash": key}
                    for key, row in zip(hashes, rows, strict=True)]  # fmt: skip
            found = self._engine.run(rows)
            receipt = self._writer.write(name, [{**key, **one} for key, one in zip(keys, found, strict=True)])
            computed = len(rows)
        said = {"block": [name], "receipt": [receipt], "computed": [computed], "hashes": [hashes]}
        return _need.module("pyarrow").table(said)


def _fetched(shared: dict[str, Any]) -> dict[str, Any]:
    if not shared:
        return {}
    ray = sys.modules.get("ray")
    return {name: ray.get(value) if ray and isinstance(value, ray.ObjectRef) else value for name, value in shared.items()}


def blocks(rows: Iterable[Row], job: Job, done: set[str], report: Report) -> list[Any]:
    """Arrow tables of the rows that are not done. Blocks are cut from all rows, so that a run which goes on makes the same
    ones as a run that was never stopped."""
    pyarrow = _need.module("pyarrow")
    seen: set[str] = set()
    chunk: list[Row] = []
    made = []

    def cut() -> None:
        left = [row for row in chunk if row.hash not in done]
        report.present += len(chunk) - len(left)
        if left:
            texts = [json.dumps({k: row.fields[k] for k in (*job.needed, "id") if k in row.fields}) for row in left]
            made.append(pyarrow.table({"hash": [row.hash for row in left], "row": texts}))
        chunk.clear()

    for row in rows:
        report.rows += 1
        if row.hash in seen:
            report.repeated += 1
            continue
        seen.add(row.hash)
        chunk.append(row)
        if len(chunk) == job.block_rows:
            cut()
    cut()
    return made


def run(
    rows: Iterable[Row], job: Job, output: Output, report: Report, workers: int | None, address: str | None,
    progress: Progress | None,
) -> Report:  # fmt: skip
    """Computes what is not in the output yet, and commits each block when it is there.

    `workers`: actors of one core each, all cores for None; 0 computes in this process, without Ray. Raises Unavailable when a
    block's workers died again and again; what was committed stays.
    """
    if job.block_rows < 1 or (workers is not None and workers < 0):
        raise errors.InvalidArgument("block_rows must be at least 1 and workers at least 0")
    begin = time.monotonic()
    left = blocks(rows, job, output.done, report)
    total = sum(table.num_rows for table in left)
    count = 0
    for said in _answers(left, job, output.writer, workers, address):
        for one in said.to_pylist():
            output.commit(one["block"], one["hashes"], one["receipt"])
            report.computed += one["computed"]
            report.present += len(one["hashes"]) - one["computed"]
            report.blocks += 1
            count += len(one["hashes"])
            if progress:
                progress(count, total)
    report.seconds = time.monotonic() - begin
    return report


def _answers(left: list[Any], job: Job, writer: Any, workers: int | None, address: str | None) -> Iterator[Any]:
    if not left:
        return
    if workers == 0:
        here = BlockWorker(job, writer)
        yield from (here(table) for table in left)
        return
    ray = _need.module("ray")
    data = _need.module("ray.data")
    with _few_warnings(), _started(ray, workers, address, len(left)) as size, _quiet(data):
        shared = {name: ray.put(value) for name, value in job.shared.items()}
        remote = Job(job.kind, job.arguments, shared, job.needed, job.block_rows)
        found = data.from_blocks(left).map_batches(
            BlockWorker, fn_constructor_args=(remote, writer), batch_size=None, batch_format="pyarrow", num_cpus=1,
            compute=data.ActorPoolStrategy(size=size), max_restarts=-1, max_task_retries=_RETRIES,
        )  # fmt: skip
        try:
            yield from found.iter_batches(batch_size=None, batch_format="pyarrow")
        except ray.exceptions.RayError as error:
            raise _ours(error) from error


def _ours(error: BaseException) -> Exception:
    """The error of assay that a worker raised, else Unavailable."""
    seen: BaseException | None = error
    while seen is not None:
        cause = getattr(seen, "cause", None)
        for one in (seen, cause):
            if isinstance(one, errors.Error):
                return type(one)(str(cause or one))
        seen = seen.__cause__
    last = str(error).strip().splitlines()[-1:]
    return errors.Unavailable(f"a worker failed ({type(error).__name__}: {''.join(last)}); what is done is kept, run it again")


@contextlib.contextmanager
def _started(ray: Any, workers: int | None, address: str | None, most: int) -> Iterator[int]:
    """Starts Ray where it does not run, and stops what it started; gives the number of workers that there is room for."""
    ours = not ray.is_initialized()
    if ours:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address or os.environ.get("RAY_ADDRESS"):
            try:
                ray.init(address=address, **quiet)
            except (ConnectionError, ValueError) as error:
                raise errors.Unavailable(f"no Ray answers at {address or os.environ['RAY_ADDRESS']}: {error}") from error
        else:
            ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
    try:
        cores = int(ray.cluster_resources().get("CPU", 0))
        if cores < 1:
            raise errors.Unavailable("Ray has no core for a worker")
        yield min(workers or cores, cores, most)
    finally:
        if ours:
            ray.shutdown()


@contextlib.contextmanager
def _few_warnings() -> Iterator[None]:
    """Without those on forks, since Ray's are followed by an exec, and on names of arguments that Ray means to change."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="lance.* fork")
        warnings.filterwarnings("ignore", message="`ray_remote_args")
        yield


@contextlib.contextmanager
def _quiet(data: Any) -> Iterator[None]:
    """Without Ray's bars and plans; what it still prints does not go to standard output, which is for results."""
    context = data.DataContext.get_current()
    logger = logging.getLogger("ray.data")
    before = context.enable_progress_bars, logger.level
    context.enable_progress_bars = False
    logger.setLevel(logging.CRITICAL)  # errors are raised
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        context.enable_progress_bars = before[0]
        logger.setLevel(before[1])
