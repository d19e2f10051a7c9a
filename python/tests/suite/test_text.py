"""assay.text: what it promises, with each backend, and that both say the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay import text
from assay.reference import text as twin

MEASURES = ["levenshtein", "indel", "lcs", "jaro", "jaro_winkler"]
# Characters that are assigned in every Unicode version in use, and small alphabets that share much.
words = st.text(st.characters(codec="utf-8", max_codepoint=0x24FF, exclude_categories=["Cn", "Cs"]), max_size=40)
near = st.text("abcä ß", max_size=90)


@pytest.mark.parametrize(
    ("measure", "value"),
    [("levenshtein", 4 / 7), ("indel", 8 / 13), ("lcs", 4 / 7), ("jaro", 0.746031746), ("jaro_winkler", 0.746031746)],
)
def test_similarity_of_kitten_and_sitting(measure, value):
    assert text.similarity("kitten", "sitting", measure) == pytest.approx(value)


def test_distances_count_characters_and_not_bytes():
    assert text.levenshtein("größe", "grosse") == 3
    assert text.lcs_length("größe", "grosse") == 3


def test_equal_and_empty_texts_are_alike():
    for measure in MEASURES:
        assert text.similarity("", "", measure) == 1
        assert text.similarity("día", "día", measure) == 1
        assert text.similarity("", "a", measure) == 0


def test_matrix_holds_every_pair():
    texts = ["one claim", "one clam", "", "another"]
    found = text.similarity_matrix(texts)
    assert found.dtype == np.float64
    assert found.shape == (4, 4)
    for i, a in enumerate(texts):
        for j, b in enumerate(texts[i:], i):
            assert found[i, j] == found[j, i] == text.similarity(a, b)
    assert (text.similarity_row(texts[0], texts) == found[0]).all()


def test_shared_words():
    found = text.jaccard_matrix(["The cat sat.", "the CAT ran", "..."])
    assert found[0, 1] == pytest.approx(2 / 4)
    assert found[0, 2] == 0
    assert text.jaccard_matrix(["a b c", "a b d"], 2)[0, 1] == pytest.approx(1 / 3)
    assert text.cosine_matrix(["a a b", "a b b"])[0, 1] == pytest.approx(4 / 5)


def test_errors_say_what_is_wrong():
    with pytest.raises(assay.InvalidArgument, match="no measure is called 'cosine'"):
        text.similarity("a", "b", "cosine")
    with pytest.raises(assay.OutOfRange, match="length is 0"):
        text.jaccard_matrix(["a"], 0)
    with pytest.raises(TypeError, match="put it into a list"):
        text.similarity_matrix("ab")
    with pytest.raises(TypeError):
        text.similarity_matrix([b"ab"])


@pytest.mark.native
def test_quantities_are_normalised_and_placed_by_character():
    answer = "Für 3 km dauert es höchstens 2 hours."
    found = text.quantities(answer)
    assert [answer[q.start : q.end] for q in found] == [q.text for q in found] == ["3 km", "2 hours"]
    assert (found[0].value, found[0].kind, found[1].value) == (3000, "measure", 7200)
    assert text.compare_quantities("500 m", "0.5 km") == "equal"
    with pytest.raises(assay.InvalidArgument, match="exactly one quantity"):
        text.compare_quantities("no number", "3")


@pytest.mark.native
def test_names_sentences_and_words():
    assert [n.text for n in text.names("Émile met Marie Curie of the WHO.")][-2:] == ["Marie Curie", "WHO"]
    assert text.same_name("WHO", "World Health Organization")
    assert text.sentences("One. Two? Dr. Who!") == ["One.", "Two?", "Dr. Who!"]
    assert text.words("don't panic") == ["don't", "panic"]


@pytest.mark.native
@given(words | near, words | near)
def test_similarities_equal_their_twins(a, b):
    assert text.levenshtein(a, b) == twin.levenshtein(a, b)
    assert text.lcs_length(a, b) == twin.lcs_length(a, b)
    for measure in MEASURES:
        assert text.similarity(a, b, measure) == pytest.approx(twin.similarity(a, b, measure), abs=1e-12)


@pytest.mark.native
@given(st.lists(words | near, max_size=6), st.integers(1, 3))
def test_matrices_equal_their_twins(texts, length):
    for measure in MEASURES:
        np.testing.assert_allclose(
            text.similarity_matrix(texts, measure), twin.similarity_matrix(texts, measure), atol=1e-12
        )
    np.testing.assert_allclose(text.jaccard_matrix(texts, length), twin.jaccard_matrix(texts, length), atol=1e-12)
    np.testing.assert_allclose(text.cosine_matrix(texts), twin.cosine_matrix(texts), atol=1e-12)


@pytest.mark.native
@given(words)
def test_folding_equals_its_twin(one):
    assert text.fold_case(one) == twin.fold_case(one)
