"""Hashes, key derivation, sealing, passwords, API keys, the audit log. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "AuditLog", "AuditReport", "HmacKey", "KeyGrant", "KeyRing", "KeyStore", "Sealer", "argon2id",
    "constant_time_equal", "crc32c", "derive_key", "hash128", "hash_password", "random_bytes", "verify_password",
]

if TYPE_CHECKING:
    from assay._native.crypto import (
        AuditLog as AuditLog, AuditReport as AuditReport, HmacKey as HmacKey, KeyGrant as KeyGrant, KeyRing as
        KeyRing, KeyStore as KeyStore, Sealer as Sealer, argon2id as argon2id, constant_time_equal as
        constant_time_equal, crc32c as crc32c, derive_key as derive_key, hash128 as hash128, hash_password as
        hash_password, random_bytes as random_bytes, verify_password as verify_password,
    )
else:
    _backend.export("crypto", globals(), __all__)
