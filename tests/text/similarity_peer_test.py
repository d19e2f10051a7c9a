"""Similarities equal rapidfuzz on 100,000 random and real pairs, one by one and as matrices."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import unittest
import unicodedata
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import Indel, Jaro, JaroWinkler, LCSseq, Levenshtein

SOURCE = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ASSAY_SIMILARITY_PAIRS", str(SOURCE / "build" / "release" / "tests" / "similarity_pairs"))
MEASURES = (Levenshtein, Indel, LCSseq, Jaro, JaroWinkler)
ALPHABETS = ("ab", "acgt", "abcdefghijklmnopqrstuvwxyz ", "aé漢字😀ñ", "".join(map(chr, range(0x370, 0x500))))
EXACT = 1e-15  # values are quotients of equal integers; Jaro's sum of three may round differently


def feed(cases: list[tuple[str, list[str]]]) -> bytes:
    parts = []
    for kind, texts in cases:
        parts.append(f"{kind} {len(texts) // 2 if kind == 'pairs' else len(texts)}\n".encode())
        for text in texts:
            data = text.encode()
            parts.append(b"%d\n%s\n" % (len(data), data))
    return b"".join(parts)


def ours(cases: list[tuple[str, list[str]]]) -> list[list[float]]:
    done = subprocess.run([PROGRAM], input=feed(cases), capture_output=True, timeout=300, check=True)
    return [[float(value) for value in line.split()] for line in done.stdout.decode().splitlines()]


def mutate(rng: random.Random, text: str, alphabet: str) -> str:
    letters = list(text)
    for _ in range(rng.randrange(12)):
        at = rng.randrange(len(letters) + 1)
        what = rng.randrange(3)
        if what == 0:
            letters.insert(at, rng.choice(alphabet))
        elif what == 1 and at < len(letters):
            letters[at] = rng.choice(alphabet)
        elif at < len(letters):
            del letters[at]
    return "".join(letters)


def random_pairs(count: int) -> list[str]:
    rng = random.Random(20030615)
    out = []
    for _ in range(count):
        alphabet = rng.choice(ALPHABETS)
        longest = rng.choice((3, 20, 70, 70, 200))
        a = "".join(rng.choices(alphabet, k=rng.randrange(longest + 1)))
        b = mutate(rng, a, alphabet) if rng.random() < 0.5 else "".join(rng.choices(alphabet, k=rng.randrange(longest + 1)))
        out += [a, b]
    return out


def real_texts() -> list[list[str]]:
    """Lists of answers to one question each."""
    folder = Path(os.environ.get("ASSAY_DATA", ""))
    out = []
    for name in ("gsm8k_solutions", "truthfulqa", "flask"):
        path = folder / "consensus" / f"{name}.jsonl"
        if not path.is_file():
            return []
        for line in path.read_text(encoding="utf-8").splitlines():
            out.append([answer["text"] for answer in json.loads(line)["answers"]])
    return out


def words(text: str) -> list[str]:
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return kept.lower().split()


def jaccard(a: set, b: set) -> float:
    return len(a & b) / len(a | b) if a | b else 1.0


def shingles(text: list[str], length: int) -> set:
    width = min(length, len(text))
    return {tuple(text[i:i + width]) for i in range(len(text) - width + 1)} if width else set()


def cosine(a: list[str], b: list[str]) -> float:
    if not a or not b:
        return float(not a and not b)
    dot = sum(a.count(word) * b.count(word) for word in set(a))
    return dot / math.sqrt(sum(a.count(w) ** 2 for w in set(a)) * sum(b.count(w) ** 2 for w in set(b)))


class SimilarityPeerTest(unittest.TestCase):
    def assert_pairs_equal(self, texts: list[str]) -> None:
        lines = ours([("pairs", texts)])
        self.assertEqual(len(lines), len(texts) // 2)
        for i, got in enumerate(lines):
            a, b = texts[2 * i], texts[2 * i + 1]
            self.assertEqual(got[0], Levenshtein.distance(a, b), (a, b))
            self.assertEqual(got[1], LCSseq.similarity(a, b), (a, b))
            for value, measure in zip(got[2:], MEASURES):
                self.assertAlmostEqual(value, measure.normalized_similarity(a, b), delta=EXACT, msg=(measure, a, b))

    def test_random_pairs_equal_rapidfuzz(self) -> None:
        self.assert_pairs_equal(random_pairs(90_000))

    def test_real_answers_equal_rapidfuzz(self) -> None:
        answers = real_texts()
        if not answers:
            self.skipTest("ASSAY_DATA holds no consensus data")
        pairs = [text for group in answers for i, a in enumerate(group) for b in group[:i] for text in (a, b)]
        self.assertGreaterEqual(len(pairs) // 2, 10_000)
        self.assert_pairs_equal(pairs)

    def test_matrices_equal_cdist_of_rapidfuzz(self) -> None:
        real = real_texts()
        groups = real[::17]
        groups.append([text for group in real[-8:] for text in group])
        rng = random.Random(7)
        for count in (0, 1, 2, 7, 8, 9, 33):
            alphabet = rng.choice(ALPHABETS)
            groups.append(["".join(rng.choices(alphabet, k=rng.randrange(900))) for _ in range(count)])
        lines = iter(ours([("matrix", group) for group in groups]))
        for group in groups:
            for measure in MEASURES:
                got = next(lines)
                want = process.cdist(group, group, scorer=measure.normalized_similarity, dtype="float64") if group else []
                for i in range(len(group)):
                    for j in range(i + 1, len(group)):  # Jaro is not symmetric
                        self.assertAlmostEqual(got[i * len(group) + j], want[i][j], delta=EXACT, msg=(measure, group[i], group[j]))
                        self.assertEqual(got[i * len(group) + j], got[j * len(group) + i])
            bags = [words(text) for text in group]
            for value in (lambda a, b: jaccard(set(a), set(b)), lambda a, b: jaccard(shingles(a, 3), shingles(b, 3)), cosine):
                got = next(lines)
                for i, a in enumerate(bags):
                    for j, b in enumerate(bags[:i]):
                        self.assertAlmostEqual(got[i * len(bags) + j], value(a, b), delta=1e-12, msg=(group[i], group[j]))


if __name__ == "__main__":
    unittest.main()
