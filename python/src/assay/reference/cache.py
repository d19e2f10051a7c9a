"""Twin of assay.cache: what is put is found until it expires or room is needed; oldest first goes."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from assay import errors

_ENTRY_BYTES = 160  # about what an entry takes beside its value


@dataclass
class Stats:
    """Counts since the cache was made."""

    entries: int = 0
    size_bytes: int = 0
    capacity_bytes: int = 0
    hits: int = 0
    misses: int = 0
    puts: int = 0
    evictions: int = 0
    expired: int = 0


@dataclass(frozen=True)
class _Entry:
    value: bytes
    expires_ms: float
    tenant: str
    route: str
    model: str


def _now_ms(now_ms: int | None) -> int:
    return time.time_ns() // 1_000_000 if now_ms is None else now_ms


class MemoryCache:
    """Bytes under keys. Which entries go for room differs from the extension's S3-FIFO; nothing else does."""

    def __init__(self, capacity_bytes: int = 512 << 20, max_entries: int | None = None, shards: int = 0) -> None:
        if capacity_bytes == 0 or max_entries == 0:
            raise errors.InvalidArgument("a bound of the cache is 0")
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._stats = Stats(capacity_bytes=capacity_bytes)

    def _remove(self, key: bytes) -> bool:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._stats.size_bytes -= len(entry.value) + _ENTRY_BYTES
        return entry is not None

    def put(
        self, key: bytes, value: bytes, ttl_ms: int = 0, tenant: str = "", route: str = "", model: str = "",
        now_ms: int | None = None,
    ) -> bool:  # fmt: skip
        """Stores a value in place of any before it."""
        stats = self._stats
        self._remove(key)
        if len(value) + _ENTRY_BYTES > stats.capacity_bytes // 2:
            return False
        stats.puts += 1
        expires = _now_ms(now_ms) + ttl_ms if ttl_ms > 0 else float("inf")
        self._entries[key] = _Entry(value, expires, tenant, route, model)
        stats.size_bytes += len(value) + _ENTRY_BYTES
        while stats.size_bytes > stats.capacity_bytes or len(self._entries) > (self._max_entries or len(self._entries)):
            self._remove(next(iter(self._entries)))
            stats.evictions += 1
        return True

    def get(self, key: bytes, now_ms: int | None = None) -> bytes | None:
        """The value, or None."""
        entry = self._entries.get(key)
        if entry is None or _now_ms(now_ms) >= entry.expires_ms:
            self._stats.misses += 1
            return None
        self._stats.hits += 1
        return entry.value

    def get_many(self, keys: list[bytes], now_ms: int | None = None) -> list[bytes | None]:
        """get for each key."""
        return [self.get(key, now_ms) for key in keys]

    def erase(self, key: bytes) -> bool:
        """True when an entry was there."""
        return self._remove(key)

    def purge(self, tenant: str | None = None, route: str | None = None, model: str | None = None) -> int:
        """Removes what fits all that is given."""
        gone = [
            key
            for key, entry in self._entries.items()
            if tenant in (None, entry.tenant) and route in (None, entry.route) and model in (None, entry.model)
        ]
        return sum(self._remove(key) for key in gone)

    def remove_expired(self, now_ms: int | None = None) -> int:
        """Returns how many."""
        now = _now_ms(now_ms)
        gone = [key for key, entry in self._entries.items() if now >= entry.expires_ms]
        self._stats.expired += len(gone)
        return sum(self._remove(key) for key in gone)

    def stats(self) -> Stats:
        """Counts so far."""
        self._stats.entries = len(self._entries)
        return self._stats

    def __len__(self) -> int:
        return len(self._entries)
