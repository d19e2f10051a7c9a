"""Traces of accesses to a cache."""

import json
from pathlib import Path

import numpy

from assay import errors
from assay.ray._engines import Trace

_MOST_BYTES = 1 << 30


def _whole(fields: dict[str, object], name: str, most: int) -> int:
    value = fields.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise errors.InvalidArgument(f"its `{name}` is not a whole number from 0 to {most}")
    return value


def _access(line: str) -> tuple[str, int, int]:
    """Key, bytes of the value, milliseconds."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise errors.InvalidArgument(f"it is not JSON: {error}") from error
    key = fields.get("key") if isinstance(fields, dict) else None
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise errors.InvalidArgument("it has no `key`, a string or a whole number")
    return str(key), _whole(fields, "bytes", _MOST_BYTES), _whole(fields, "at_ms", 1 << 52)


def read(path: str) -> Trace:
    """A key a line, or, in files whose first line is an object, JSON lines. Keys are numbered as they first come.

    Raises NotFound, InvalidArgument naming file and line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise errors.NotFound(f"{path}: there is no such file") from error
    except OSError as error:
        raise errors.InvalidArgument(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise errors.InvalidArgument(f"{path}: it is not UTF-8 (byte {error.start + 1})") from error
    numbers: dict[str, int] = {}
    keys: list[int] = []
    sizes: list[int] = []
    times: list[int] = []
    rows = ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
    objects = next((line.strip().startswith("{") for line in lines if line.strip()), False)
    for number, line in rows:
        try:
            key, size, at = _access(line) if objects else (line, 0, 0)
            if times and at < times[-1]:
                raise errors.InvalidArgument("its `at_ms` is before that of the line above")
        except errors.InvalidArgument as error:
            raise errors.InvalidArgument(f"{path}: line {number}: {error}") from error
        keys.append(numbers.setdefault(key, len(numbers)))
        sizes.append(size)
        times.append(at)
    if not keys:
        raise errors.InvalidArgument(f"{path}: it has no accesses")
    return numpy.array(keys, numpy.uint64), numpy.array(sizes, numpy.uint32), numpy.array(times, numpy.int64)
