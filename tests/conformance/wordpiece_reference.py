#!/usr/bin/env python3
"""Tokenizes real and made-up lines with Hugging Face `tokenizers` and prints the ids.

Output, little-endian, to standard output: per record u32 limit (max ids, 0 = none), u32 text bytes,
the text in UTF-8, u32 ids, the ids as i32. The lines are those of $ASSAY_DATA (in file order, so
every run is the same) and lines that sample every block of Unicode.

    wordpiece_reference.py MODEL_DIR [LINES]
"""
import json
import os
import random
import struct
import sys
import unicodedata
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer  # noqa: E402

# Files with varied language: news, forum questions, answers of models, web text, configuration.
SOURCES = ["grounding/ragtruth.jsonl", "grounding/halueval_general.jsonl",
           "grounding/wice_claims.jsonl", "nli/vitaminc.jsonl", "pairs/stsb.jsonl",
           "claim_decomposition/factscore.jsonl", "questions/nq_open.jsonl", "pairs/qqp.jsonl"]
UNICODE_LINES = 20000
LIMITED_LINES = 5000
LIMIT = 16


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)


def data_lines(data, wanted):
    """Every source gives an equal share; configuration files come line by line."""
    lines = []
    for path in sorted((data / "config").rglob("*")):
        if path.is_file():
            lines += path.read_bytes().decode("utf-8", "replace").splitlines()
    lines = lines[:wanted // 5]
    share = (wanted - len(lines)) // len(SOURCES) + 1
    for number, name in enumerate(SOURCES):
        left = share if number + 1 < len(SOURCES) else wanted - len(lines)
        with open(data / name, encoding="utf-8") as stream:
            for record in stream:
                if left <= 0:
                    break
                texts = [t for t in strings(json.loads(record)) if len(t) > 12][:left]
                lines += texts
                left -= len(texts)
    return lines


def unicode_lines(count):
    rng = random.Random(20240517)
    # Blocks of 128 in which anything is assigned; the last ones are drawn as often as the first.
    blocks = [start for start in range(0, 0x110000, 128) if not 0xD800 <= start < 0xE000 and any(
        unicodedata.category(chr(c)) not in ("Cn", "Co") for c in range(start, start + 128))]
    ascii_words = ["the", "Fees", "un-", "naïve", "[SEP]", "[MASK]x", "don't", "1,234.5", "x" * 101,
                   "e\u0301te\u0301", "\u1100\u1161", "a\u200db", "\t", "\r\n", "\x00", "\x7f"]
    for _ in range(count):
        parts = []
        for _ in range(rng.randrange(1, 8)):
            block = rng.choice(blocks) if rng.random() < 0.7 else rng.choice(blocks[:30])
            word = "".join(chr(block + rng.randrange(128)) for _ in range(rng.randrange(1, 6)))
            parts.append(word if rng.random() < 0.8 else rng.choice(ascii_words))
        yield rng.choice(["", " ", " "]).join(parts)
    for cp in list(range(0xD800)) + list(range(0xE000, 0x3000 << 4, 7)):
        if cp % 997 == 0:
            yield f"a{chr(cp)}b {chr(cp)} Z{chr(cp)}"


def main():
    tokenizer = Tokenizer.from_file(str(Path(sys.argv[1]) / "tokenizer.json"))
    tokenizer.no_padding()
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    lines = data_lines(Path(os.environ["ASSAY_DATA"]), wanted - UNICODE_LINES)
    lines += list(unicode_lines(UNICODE_LINES))
    out = sys.stdout.buffer

    def write(texts, limit):
        for start in range(0, len(texts), 1000):
            batch = texts[start:start + 1000]
            for text, encoding in zip(batch, tokenizer.encode_batch_fast(batch)):
                data = text.encode()
                ids = encoding.ids
                out.write(struct.pack("<II", limit, len(data)) + data)
                out.write(struct.pack(f"<I{len(ids)}i", len(ids), *ids))

    tokenizer.no_truncation()
    write(lines, 0)
    tokenizer.enable_truncation(LIMIT)
    write(lines[:LIMITED_LINES], LIMIT)


if __name__ == "__main__":
    main()
