"""What workers hold: the native engine, opened once, asked for batches."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from assay import cache, claims, corpus, embed, errors, models
from assay._backend import backend

Fields = dict[str, Any]
STATIC = "static"


def encoder_of(model: str) -> embed.Encoder:
    """`model`: "static", "minilm-l6-v2-int8" or "minilm-l6-v2-f32". A transformer takes one thread: workers share cores."""
    return models.default_encoder() if model == STATIC else models.transformer_encoder(model, threads=1)


def index_file(documents: str) -> Path:
    """Brings the index of a folder or file up to date, where `assay index` keeps it. Raises NotFound, InvalidArgument."""
    corpus.Index.build(documents, models.default_encoder())
    path = Path(documents)
    folder = path / ".assay" if path.is_dir() else path.parent / f".assay-{path.name}"
    return folder / "index.assay"


def open_index(index: bytes | str) -> corpus.Index:
    """Of the bytes of an index file, its path, or documents."""
    words = models.default_encoder()
    if isinstance(index, str):
        path = index_file(index) if Path(index).is_dir() else Path(index)
        return corpus.Index.open(str(path), words)
    descriptor, name = tempfile.mkstemp(suffix=".assay")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(index)
        return corpus.Index.open(name, words)
    finally:
        os.unlink(name)  # it stays mapped


def _rows_of(batch: dict[str, Any]) -> list[Fields]:
    columns = {name: values.tolist() if hasattr(values, "tolist") else list(values) for name, values in batch.items()}
    return [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        for row in zip(*columns.values(), strict=True)
    ]


class Checker:
    """Judges answers against documents. A class for Ray Data's `map_batches`, and usable without Ray.

    `index`: the documents' folder, or a file of `assay index`, on the worker's machine; or the bytes of such a file. Raises
    NotFound, DataLoss, NoTwin without the extension module. `checker`: a model that judges what facts leave open, as of
    assay.claims.Verifier, on the worker's machine too.
    """

    def __init__(
        self, index: bytes | str, passages: int = 8, max_evidence: int = 3, checker: str | None = None
    ) -> None:
        self._verifier = claims.Verifier(
            open_index(index), models.default_encoder(), passages=passages, max_evidence=max_evidence, checker=checker
        )

    def run(self, rows: Sequence[Fields]) -> list[Fields]:
        """For each row with `answer` (and `question`), or with `claims`, what `assay check --json` says of it."""
        found = [self._claims_of(row) for row in rows]
        judged = iter(self._verifier.verify_batch([claim["text"] for one in found for claim in one]))
        for claim in (claim for one in found for claim in one):
            claim.update(self._said(claim["text"], next(judged)))
        return [{"claims": one, "summary": _summary(one)} for one in found]

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Adds to a batch with a column `answer` (and `question`) the column `report`, JSON as of `assay check --json`."""
        reports = [json.dumps(report, ensure_ascii=False) for report in self.run(_rows_of(batch))]
        return {**batch, "report": numpy.array(reports, dtype=object)}

    @staticmethod
    def _claims_of(row: Fields) -> list[Fields]:
        if "answer" not in row:
            return [{"text": text} for text in row["claims"]]
        answer = row["answer"]
        sentences = claims.Extractor(question=row.get("question", "")).extract(answer)
        ends = _ByteOffsets(answer)
        return [
            {"text": claim.text, "start": ends.of(claim.start), "end": ends.of(claim.end)}
            for sentence in sentences
            for claim in sentence.claims
        ]

    @staticmethod
    def _said(claim: str, judgement: claims.Judgement) -> Fields:
        offsets = _ByteOffsets(claim)
        words = [{"start": offsets.of(start), "end": offsets.of(end)} for start, end in judgement.unsupported_words]
        evidence = [
            {"file": one.file, "line": one.line, "text": one.text, "score": round(one.score, 4)}
            for one in judgement.evidence
        ]
        return {
            "verdict": judgement.verdict, "confidence": round(judgement.confidence, 4), "reason": judgement.reason,
            "evidence": evidence, "unsupported_words": words,
        }  # fmt: skip


class _ByteOffsets:
    """Characters of a text to bytes of its UTF-8."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._plain = text.isascii()

    def of(self, character: int) -> int:
        return character if self._plain else len(self._text[:character].encode())


def _summary(found: list[Fields]) -> dict[str, int]:
    return {verdict: sum(one["verdict"] == verdict for one in found) for verdict in claims.VERDICTS}


class Embedder:
    """Texts to vectors. A class for Ray Data's `map_batches`, and usable without Ray. Raises NotFound, NoTwin."""

    def __init__(self, model: str = STATIC) -> None:
        self._encoder = encoder_of(model)

    def run(self, rows: Sequence[Fields]) -> list[Fields]:
        """For each row with `text` its `vector`, float32 [dim]."""
        return [{"vector": vector} for vector in self._encoder.encode([row["text"] for row in rows])]

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Adds to a batch with a column `text` the column `vector`."""
        return {**batch, "vector": self._encoder.encode([str(text) for text in batch["text"]])}


Trace = tuple[NDArray[numpy.uint64], NDArray[numpy.uint32], NDArray[numpy.int64]]  # keys, bytes, times in ms


class Replayer:
    """Replays traces through memory caches. Raises NoTwin without the extension module: its twin evicts otherwise."""

    def __init__(self, traces: dict[str, Trace]) -> None:
        active = backend()
        if active.name != "native":
            raise errors.NoTwin(f"a cache is evaluated by the extension module; {active.reason}")
        self._traces = traces

    def run(self, rows: Sequence[Fields]) -> list[Fields]:
        """For each row, a cache and the trace to ask it with, the hits: every access is a look-up, every miss is stored."""
        return [self._replay(row) for row in rows]

    def _replay(self, row: Fields) -> Fields:
        keys, sizes, times = self._traces[row["content"]]
        held = cache.MemoryCache(row["capacity_bytes"], row["entries"], shards=1)
        ttl, hits = row["ttl_ms"] or 0, 0
        blank = memoryview(bytes(int(sizes.max(initial=0))))
        for key, size, now in zip(keys.tolist(), sizes.tolist(), times.tolist(), strict=True):
            name = key.to_bytes(8, "little")
            if held.get(name, now) is not None:
                hits += 1
            else:
                held.put(name, bytes(blank[:size]), ttl, now_ms=now)
        stats = held.stats()
        told = {name: row[name] for name in ("trace", "entries", "capacity_bytes", "ttl_ms")}
        ratio = round(hits / len(keys), 6) if len(keys) else 0.0
        return {**told, "accesses": len(keys), "distinct": len(numpy.unique(keys)), "hits": hits, "hit_ratio": ratio,
                "evictions": stats.evictions}  # fmt: skip


def engine(kind: str, arguments: Fields) -> Any:
    """Makes one. Raises NoTwin, or whatever its class raises."""
    kinds = {"check": Checker, "embed": Embedder, "cache": Replayer}
    if kind not in kinds:
        raise errors.Internal(f"no engine is called '{kind}'")
    return kinds[kind](**arguments)
