"""Results as files of JSON lines, one a block, and the manifest that says which of them count.

    OUT/job.json                 what was asked of whom; a job with other settings is refused
    OUT/blocks/NAME.jsonl        results of a block; NAME is the hash of its rows' hashes
    OUT/manifest.jsonl           {"block", "rows", "bytes", "hashes"} a line, appended when a block is there

Workers write blocks, each under a temporary name, synced, then renamed. Only the process that runs the job appends to the
manifest. A block whose worker died after the rename is found, not written again.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from assay import errors

Result = dict[str, Any]


def block_name(hashes: list[str]) -> str:
    """Of the rows with these hashes in this order."""
    return hashlib.blake2b("".join(hashes).encode(), digest_size=16).hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """The file is whole under its name, or not there; also after kill -9 or power loss."""
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise errors.ResourceExhausted(f"{path} cannot be written: {error.strerror}") from error
    _sync_folder(path.parent)


@dataclass(frozen=True)
class BlockWriter:
    """The workers' half: puts blocks into a folder that all machines see."""

    folder: str

    def prepare(self) -> None:
        """Called once by each worker."""

    def written(self, name: str) -> str | None:
        """The receipt of a block that is there already."""
        path = Path(self.folder, "blocks", f"{name}.jsonl")
        return str(path.stat().st_size) if path.exists() else None

    def write(self, name: str, found: list[Result]) -> str:
        """Returns the receipt, which the manifest needs."""
        content = "".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")) + "\n" for one in found).encode()
        write_atomically(Path(self.folder, "blocks", f"{name}.jsonl"), content)
        return str(len(content))


class BlockFolder:
    """The half of the process that runs the job; one at a time (flock). Use it in a `with`.

    Raises FailedPrecondition for the folder of another job, Unavailable while another process writes to it, DataLoss where
    a block of the manifest is not what it was.
    """

    def __init__(self, folder: str, job: Result) -> None:
        self._folder = Path(folder)
        self.done: set[str] = set()
        self.writer = BlockWriter(str(self._folder.resolve()))
        try:
            (self._folder / "blocks").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise errors.InvalidArgument(f"{folder} cannot be made a folder: {error.strerror}") from error
        self._lock: IO[str] = (self._folder / ".lock").open("w")
        try:
            self._take_lock()
            self._check_job(job)
            self._recover()
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> "BlockFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def commit(self, name: str, hashes: list[str], receipt: str) -> None:
        """From here on the block counts."""
        line = {"block": name, "rows": len(hashes), "bytes": int(receipt), "hashes": hashes}
        try:
            with self._manifest.open("ab") as stream:
                stream.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise errors.ResourceExhausted(f"{self._manifest} cannot be written: {error.strerror}") from error
        self.done.update(hashes)

    @property
    def _manifest(self) -> Path:
        return self._folder / "manifest.jsonl"

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise errors.Unavailable(f"another process writes to {self._folder}; wait for it") from error

    def _check_job(self, job: Result) -> None:
        path = self._folder / "job.json"
        if not path.exists():
            write_atomically(path, json.dumps(job, indent=1).encode() + b"\n")
            return
        try:
            before = json.loads(path.read_bytes())
        except ValueError as error:
            raise errors.DataLoss(f"{path}: it is not JSON: {error}") from error
        refuse_other_job(str(self._folder), before, job)

    def _recover(self) -> None:
        """Reads the manifest, cuts a line that was not finished, and takes in blocks that it does not name yet."""
        blocks = self._folder / "blocks"
        with contextlib.suppress(FileNotFoundError):
            content = self._manifest.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                with self._manifest.open("r+b") as stream:
                    stream.truncate(whole)
        listed = set()
        for entry in manifest(str(self._folder)):
            listed.add(entry["block"])
            self.done.update(entry["hashes"])
        for path in sorted(blocks.iterdir()):
            if path.name.endswith(".tmp"):
                path.unlink(missing_ok=True)
            elif path.stem not in listed:
                self._adopt(path)

    def _adopt(self, path: Path) -> None:
        """A block of a process that died before it could list it; one with rows that are listed elsewhere goes."""
        content = path.read_bytes()
        hashes = [str(json.loads(line)["hash"]) for line in content.splitlines()]
        if self.done.isdisjoint(hashes):
            self.commit(path.stem, hashes, str(len(content)))
        else:
            path.unlink()


def refuse_other_job(place: str, before: Result, job: Result) -> None:
    """Raises FailedPrecondition naming what differs."""
    differing = [key for key in {**before, **job} if before.get(key) != job.get(key)]
    if differing:
        said = ", ".join(f"{key} was {before.get(key)!r} and is {job.get(key)!r}" for key in differing)
        raise errors.FailedPrecondition(f"{place} holds results of another job ({said}); name another output")


def manifest(folder: str) -> Iterator[Result]:
    """The blocks that count. Raises DataLoss for a line that cannot be read and for a block that is gone or has changed."""
    path = Path(folder, "manifest.jsonl")
    if not path.exists():
        return
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            return  # being written, or left by a crash: it does not count
        try:
            entry = json.loads(line)
            block = path.parent / "blocks" / f"{entry['block']}.jsonl"
            size, rows = int(entry["bytes"]), entry["hashes"]
        except (ValueError, KeyError, TypeError) as error:
            raise errors.DataLoss(f"{path}: line {number}: it is damaged; take it out and run the job again") from error
        if not isinstance(rows, list) or not block.exists() or block.stat().st_size != size:
            raise errors.DataLoss(f"{path}: line {number}: {block} is not there with {size} bytes; take the line out and "
                                  "run the job again")  # fmt: skip
        yield entry


def results(folder: str) -> Iterator[Result]:
    """The results of a job, each row once, in the order in which blocks were finished. Raises NotFound, DataLoss."""
    if not Path(folder, "job.json").exists():
        raise errors.NotFound(f"{folder}: no job has written to it")
    for entry in manifest(folder):
        with Path(folder, "blocks", f"{entry['block']}.jsonl").open("rb") as stream:
            for line in stream:
                yield json.loads(line)
