"""Rows of JSON lines, each known by the hash of its content."""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from assay import errors

_SHOWN = 20
Fields = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """`fields` is the JSON object; `hash` 32 hexadecimal digits over it, whatever the order of its keys."""

    hash: str
    fields: Fields


def content_hash(fields: Fields) -> str:
    """BLAKE2b of 128 bits over the JSON with sorted keys."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _why_bad(fields: Fields, needed: str) -> str | None:
    """What is wrong with a row that needs the text `needed`, or, as "answer", a list of texts "claims" in its place."""
    for name in ("question",) if needed == "answer" else ():
        if name in fields and not isinstance(fields[name], str):
            return f"its `{name}` is not a string"
    key = fields.get("id", "")
    if isinstance(key, bool) or not isinstance(key, str | int):
        return "its `id` is neither a string nor a whole number"
    if needed == "answer" and needed not in fields and "claims" in fields:
        claims = fields["claims"]
        if not isinstance(claims, list) or not all(_is_text(claim) for claim in claims):
            return "its `claims` is not a list of texts"
        return None
    if needed not in fields:
        return f"it has no `{needed}`"
    if not isinstance(fields[needed], str):
        return f"its `{needed}` is not a string"
    return None if _is_text(fields[needed]) else f"its `{needed}` is empty"


def parse_line(line: bytes, needed: str) -> Row:
    """One line of JSON. Raises InvalidArgument saying what is wrong with it."""
    try:
        fields = json.loads(line.decode("utf-8"))
        if not isinstance(fields, dict):
            raise errors.InvalidArgument("it is not a JSON object")
        if why := _why_bad(fields, needed):
            raise errors.InvalidArgument(why)
        return Row(content_hash(fields), fields)
    except UnicodeDecodeError as error:
        raise errors.InvalidArgument(f"it is not UTF-8 (byte {error.start + 1})") from error
    except UnicodeEncodeError as error:
        raise errors.InvalidArgument("it has half of a surrogate pair (\\ud800 to \\udfff)") from error
    except json.JSONDecodeError as error:
        raise errors.InvalidArgument(f"it is not JSON: {error.msg} (column {error.colno})") from error
    except RecursionError as error:
        raise errors.InvalidArgument("it is nested too deeply") from error
    except ValueError as error:
        if isinstance(error, errors.Error):
            raise
        raise errors.InvalidArgument(f"it is not JSON: {error}") from error


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(stream, 1):
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if line.strip():
            yield number, line


def _of_file(path: str) -> Iterator[tuple[int, bytes]]:
    if path == "-":
        yield from _lines(sys.stdin.buffer)
        return
    try:
        with Path(path).open("rb") as stream:
            yield from _lines(stream)
    except FileNotFoundError as error:
        raise errors.NotFound(f"{path}: there is no such file") from error
    except OSError as error:
        raise errors.InvalidArgument(f"{path}: {error.strerror}") from error


def read_rows(paths: Iterable[str], needed: str, skipped: list[str] | None = None) -> Iterator[Row]:
    """The rows of JSON-lines files in order ("-" is standard input); blank lines are left out.

    `needed` names the text that each must have. Bad lines go into `skipped` where that is given; else, after all lines were
    read, InvalidArgument lists them by file and line. Raises NotFound.
    """
    bad: list[str] = []
    for path in paths:
        name = "standard input" if path == "-" else path
        for number, line in _of_file(path):
            try:
                yield parse_line(line, needed)
            except errors.InvalidArgument as error:
                bad.append(f"{name}: line {number}: {error}")
    if skipped is not None:
        skipped += bad
    elif bad:
        more = f"\n... and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise errors.InvalidArgument("\n".join(bad[:_SHOWN]) + more)


def from_fields(rows: Iterable[Fields], needed: str) -> Iterator[Row]:
    """Rows of objects in memory. Raises InvalidArgument naming the row by its place, from 0."""
    for place, fields in enumerate(rows):
        try:
            if why := _why_bad(fields, needed):
                raise errors.InvalidArgument(why)
            yield Row(content_hash(fields), fields)
        except (TypeError, UnicodeEncodeError) as error:
            raise errors.InvalidArgument(f"row {place}: it cannot be written as JSON: {error}") from error
        except errors.InvalidArgument as error:
            raise errors.InvalidArgument(f"row {place}: {error}") from error
