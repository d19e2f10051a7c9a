#!/usr/bin/env python3
"""Peers of crypto_bench in Python: cryptography (AES-256-GCM, HMAC-SHA256) and argon2-cffi.

usage: python_crypto.py [RUNS]     prints one JSON object; wall time of one message or hash
"""
import json
import os
import sys
import time
from importlib import metadata

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

MESSAGES, MESSAGE_BYTES, HASHES = 1000, 1024, 20
KEY, AAD = os.urandom(32), b"sixteen bytes ok"
TEXTS = [os.urandom(MESSAGE_BYTES) for _ in range(MESSAGES)]


def seal() -> None:
    cipher = AESGCM(KEY)
    for i, text in enumerate(TEXTS):
        cipher.encrypt(i.to_bytes(12, "little"), text, AAD)


def sign() -> None:
    kept = HMAC(KEY, hashes.SHA256())
    for text in TEXTS:
        mac = kept.copy()
        mac.update(text)
        mac.finalize()


def argon2() -> None:
    for _ in range(HASHES):
        hash_secret_raw(b"password", AAD, 2, 19 * 1024, 1, 32, Type.ID)


def measure(function, items: int, runs: int) -> list[float]:
    function()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        seconds.append((time.perf_counter() - start) / items)
    return seconds


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(json.dumps({
        "versions": {name: metadata.version(name) for name in ("cryptography", "argon2-cffi")},
        "runs_s": {
            "seal/python_cryptography": measure(seal, MESSAGES, runs),
            "hmac/python_cryptography": measure(sign, MESSAGES, runs),
            "argon2/argon2_cffi": measure(argon2, HASHES, min(runs, 3)),
        },
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
