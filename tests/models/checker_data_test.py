"""The examples that the checker is trained on: what a change records, what is left out, and what is held apart."""

from __future__ import annotations

import os
import random
import sys
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "models/checker"))
import changes  # noqa: E402
import data  # noqa: E402

DATA = Path(os.environ.get("ASSAY_DATA", SOURCE / "../shared/data"))
SENTENCES = (
    "Anna Berg hired Peter Holm in May 2019 and all 12 employees must work at least 40 hours.",
    "The river is 350 kilometres long, but no ship had reached Lake Onega before Monday.",
    "He did not pay more than three million dollars.",
)


class ChangeTest(unittest.TestCase):
    def test_a_change_keeps_the_rest_of_the_sentence_and_knows_what_stood_there(self) -> None:
        for sentence in SENTENCES:
            for change in changes.changes(sentence, ["Olaf", "Geneva"], random.Random(1)):
                undone = change.text[:change.begin] + change.before + change.text[change.end:]
                self.assertEqual(undone, sentence, change)
                self.assertNotEqual(change.text, sentence, change)

    def test_every_kind_of_change_is_made(self) -> None:
        kinds = {change.kind for sentence in SENTENCES
                 for change in changes.changes(sentence, ["Olaf", "Geneva"], random.Random(1))}
        self.assertEqual(kinds, {"number", "unit", "date", "name", "negation", "quantifier", "role"})

    def test_roles_are_exchanged_between_names_only(self) -> None:
        found = [change.text for change in changes.changes(SENTENCES[0], ["Olaf"], random.Random(1)) if change.kind == "role"]
        self.assertEqual(found[0], SENTENCES[0].replace("Anna Berg hired Peter Holm", "Peter Holm hired Anna Berg"))
        self.assertFalse([change for change in changes.changes("Anna Berg and Peter Holm met.", [], random.Random(1))
                          if change.kind == "role"])

    def test_a_negation_is_taken_away_where_there_is_one(self) -> None:
        found = [change for change in changes.changes(SENTENCES[2], [], random.Random(1)) if change.kind == "negation"]
        self.assertEqual([change.text for change in found], [SENTENCES[2].replace("did not", "did")])
        self.assertEqual(found[0].before, "did not")

    def test_the_same_seed_gives_the_same_changes(self) -> None:
        first, second = ([changes.one_change(sentence, ["Olaf"], random.Random(3)) for sentence in SENTENCES] for _ in range(2))
        self.assertEqual(first, second)
        self.assertIsNone(changes.one_change("Hello there", [], random.Random(3)))


class DataTest(unittest.TestCase):
    def test_tokenised_writing_is_undone(self) -> None:
        self.assertEqual(data.plain("He said `` yes '' -LRB- twice -RRB- , and left ."), 'He said "yes" (twice), and left.')

    def test_a_fold_is_that_of_the_verifiers_training(self) -> None:
        value = 14695981039346656037
        for byte in b"source-17":
            value = (value ^ byte) * 1099511628211 % 2**64
        self.assertEqual(data.fold_of("source-17"), value % 5)

    def test_what_an_evaluation_set_holds_is_left_out(self) -> None:
        if not DATA.is_dir():
            self.skipTest(f"the data sets are not at {DATA}; set ASSAY_DATA")
        index = data.held_out_index(DATA)
        row = data.read(DATA / "nli/sick.jsonl")[11]
        near = data.example(row["premise"], row["hypothesis"] + " Indeed.", 0, None, "x", "g")
        self.assertTrue(data.is_held_out(near, index))
        other = data.example("The gateway keeps its answers in a cache of bounded size on the disk.",
                             "Answers are kept in a bounded cache.", 0, None, "x", "g")
        self.assertFalse(data.is_held_out(other, index))

    def test_only_sets_that_may_be_trained_on_are_read(self) -> None:
        evaluated = {name.split("/")[1] for name in data.NEVER_TRAINED_ON}
        self.assertFalse(evaluated & set(data.RELATIONS))
        self.assertFalse(data.may_train("negation_nli", {"set": "negation_rte"}))
        self.assertFalse(data.may_train("med", {"genre": "paper:FraCaS"}))
        self.assertTrue(data.may_train("med", {"genre": "crowd"}))


if __name__ == "__main__":
    unittest.main()
