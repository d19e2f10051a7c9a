"""Twin of assay.crypto: what hmac and secrets can do. Sealing and Argon2id need the extension."""

import hmac
import secrets
from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from assay import errors


class HmacKey:
    """A key of HMAC-SHA256."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """32 bytes."""
        return hmac.digest(self._key, message, "sha256")

    def verify(self, message: bytes, mac: bytes) -> bool:
        """In constant time."""
        return hmac.compare_digest(self.sign(message), mac)

    def sign_batch(self, messages: Sequence[bytes]) -> NDArray[numpy.uint8]:
        """uint8 [n, 32]."""
        macs = b"".join(self.sign(message) for message in messages)
        return numpy.frombuffer(macs, dtype=numpy.uint8).reshape(-1, 32)


def derive_key(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """HKDF-SHA256 (RFC 5869): extract, then expand."""
    if not 1 <= size <= 255 * 32:
        raise errors.OutOfRange(f"{size} bytes were asked for; there may be 1 to 8160")
    key = hmac.digest(salt, secret, "sha256")
    out = block = b""
    for number in range(1, (size + 31) // 32 + 1):
        block = hmac.digest(key, block + info + bytes([number]), "sha256")
        out += block
    return out[:size]


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _crc_table()


def crc32c(data: bytes, before: int = 0) -> int:
    """CRC-32C, a byte at a time."""
    crc = before ^ 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def constant_time_equal(a: bytes, b: bytes) -> bool:
    """In a time that depends on the lengths alone."""
    return hmac.compare_digest(a, b)


def random_bytes(size: int) -> bytes:
    """Bytes that nobody can foresee."""
    return secrets.token_bytes(size)
