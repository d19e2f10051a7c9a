"""The three jobs: check, embed, evaluate_cache."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from assay import errors, models
from assay.ray import _engines, _input, _lance, _output, _run, _traces

Rows = Iterable[dict[str, Any]]
_DEFAULT_CAPACITY = 512 << 20


def _rows(source: str | Sequence[str] | Rows, needed: str, skipped: list[str] | None) -> Iterator[_input.Row]:
    """`source`: a path, paths, or objects."""
    if isinstance(source, str):
        return _input.read_rows([source], needed, skipped)
    given = iter(source)
    first = next(given, None)
    whole: Iterable[Any] = itertools.chain([] if first is None else [first], given)
    if isinstance(first, str):
        return _input.read_rows(whole, needed, skipped)
    return _input.from_fields(whole, needed)


def check(
    source: str | Sequence[str] | Rows, documents: str, output: str, *, passages: int = 8, max_evidence: int = 3,
    checker: str | None = None, workers: int | None = None, address: str | None = None, block_rows: int = 256, skip_bad_lines: bool = False,
    progress: _run.Progress | None = None,
) -> _run.Report:  # fmt: skip
    """Judges the claims of answers against a folder or file of documents.

    `source`: paths of JSON lines, or objects, each with `answer` (and `question`), or `claims`, and perhaps `id`. For each row
    the folder `output` gets `{"hash", "id", "claims", "summary"}` as `assay check --json` says it (`assay.ray.results` reads
    them); it must be one that all machines see. `checker`: folder of a model that judges what facts leave open, which all
    machines have there, "default" for that of their $ASSAY_MODELS, None for none. `workers`: actors of a core each, all cores for None, 0 for none: then all
    happens in this process. `address`: of a Ray cluster; without it the Ray that runs, else one that is started here.

    Raises InvalidArgument naming file and line for bad rows before anything is computed, NotFound, FailedPrecondition where
    the output holds a job with other documents or settings, Unavailable.
    """
    content = _engines.index_file(documents).read_bytes()
    index = _engines.open_index(content)
    arguments: dict[str, Any] = {"passages": passages, "max_evidence": max_evidence}
    settings = {"job": "check", "documents": index.version, "words": index.encoder, **arguments}
    if checker is not None:
        arguments["checker"] = checker
        settings["checker"] = models.cross_encoder(checker).name
    job = _run.Job("check", arguments, {"index": content}, ("answer", "question", "claims"), block_rows)
    report = _run.Report(output)
    rows = _rows(source, "answer", report.skipped if skip_bad_lines else None)
    with _output.BlockFolder(output, settings) as folder:
        return _run.run(rows, job, folder, report, workers, address, progress)


def embed(
    source: str | Sequence[str] | Rows, output: str, *, table: str = "vectors", model: str = _engines.STATIC,
    precision: str = "float32", storage_options: dict[str, str] | None = None, workers: int | None = None,
    address: str | None = None, block_rows: int = 8192, skip_bad_lines: bool = False,
    progress: _run.Progress | None = None,
) -> _run.Report:  # fmt: skip
    """Turns texts into vectors, in the Lance table `table` of the LanceDB database `output`: a folder, or `s3://bucket/path`.

    `source`: paths of JSON lines, or objects, each with `text` and perhaps `id`. Columns: `id` (uint64, the first 64 bits of
    `hash`), `hash`, `key` (the row's `id`), `vector`. `storage_options`: of the object store, as LanceDB names them; without
    them AWS_ACCESS_KEY_ID, AWS_ENDPOINT and so on in the environment of each worker. The rest is as for `check`.
    """
    encoder = _engines.encoder_of(model)
    uri = f"{output.rstrip('/')}/{table}.lance"
    job = _run.Job("embed", {"model": model}, {}, ("text",), block_rows)
    settings = {"job": "embed", "encoder": encoder.name, "precision": precision}
    report = _run.Report(uri)
    rows = _rows(source, "text", report.skipped if skip_bad_lines else None)
    options = storage_options or {}
    with _lance.LanceTable(uri, options, settings, encoder.dim, encoder.name, precision) as into:
        return _run.run(rows, job, into, report, workers, address, progress)


def evaluate_cache(
    traces: Sequence[str], output: str, *, entries: Sequence[int] = (), capacities: Sequence[int] = (),
    ttls_ms: Sequence[int] = (), workers: int | None = None, address: str | None = None,
    progress: _run.Progress | None = None,
) -> _run.Report:  # fmt: skip
    """Replays each trace through a memory cache of each size: `entries`, or `capacities` in bytes, with each lifetime.

    A trace is a file with a key a line, or of JSON lines `{"key", "bytes", "at_ms"}`. For each combination the folder
    `output` gets `{"hash", "trace", "entries", "capacity_bytes", "ttl_ms", "accesses", "distinct", "hits", "hit_ratio",
    "evictions"}`. Every access is a look-up, every miss is stored; the cache has one shard, so a replay is repeatable. The
    rest is as for `check`.
    """
    sizes = [(count, _DEFAULT_CAPACITY) for count in entries] + [(None, capacity) for capacity in capacities]
    if not sizes or not traces:
        raise errors.InvalidArgument("a trace and a size of a cache, in entries or bytes, are needed")
    if any(size < 1 for size in (*entries, *capacities)) or any(ttl < 1 for ttl in ttls_ms):
        raise errors.InvalidArgument("sizes and lifetimes of caches must be at least 1")
    read: dict[str, _engines.Trace] = {}
    cells: list[dict[str, Any]] = []
    for path in traces:
        trace = _traces.read(path)
        content = hashlib.blake2b(b"".join(column.tobytes() for column in trace), digest_size=16).hexdigest()
        read[content] = trace
        for (count, capacity), ttl in itertools.product(sizes, ttls_ms or (None,)):
            cells.append({"trace": Path(path).name, "content": content, "entries": count, "capacity_bytes": capacity,
                          "ttl_ms": ttl})  # fmt: skip
    needed = ("trace", "content", "entries", "capacity_bytes", "ttl_ms")
    job = _run.Job("cache", {}, {"traces": read}, needed, 1)
    rows = (_input.Row(_input.content_hash(cell), cell) for cell in cells)
    with _output.BlockFolder(output, {"job": "cache"}) as folder:
        return _run.run(rows, job, folder, _run.Report(output), workers, address, progress)
