"""assay.claims, assay.corpus, assay.embed and assay.consensus; and which backend is active."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay import claims, consensus, corpus
from assay.reference import consensus as twin

HANDBOOK = {
    "leave.md": "# Leave\n\nEmployees get 30 days of leave a year. Leave must be requested two weeks ahead.\n",
    "office.md": "# Office\n\nThe office in Lyon opens at 8:00. Dogs are allowed on Fridays.\n",
}


@pytest.fixture(scope="module")
def encoder():
    try:
        return assay.default_encoder()
    except assay.NotFound as why:
        pytest.skip(str(why))


def test_backend_says_which_and_why():
    found = assay.backend()
    assert found.name in ("native", "python")
    assert found.reason


def test_what_has_no_twin_says_so():
    if assay.backend().name == "native":
        assert corpus.Index.from_texts(HANDBOOK)
        return
    with pytest.raises(assay.NoTwin, match="assay.corpus.Index has no pure Python twin"):
        corpus.Index.from_texts(HANDBOOK)
    with pytest.raises(NotImplementedError, match=r"consensus\.merge"):
        consensus.merge(["a", "b"])


@pytest.mark.native
def test_claims_are_spans_of_the_answer():
    answer = "Größe zählt. Marie Curie was born in Warsaw. She won two Nobel prizes. Did she?"
    found = claims.Extractor().extract(answer)
    assert [s.kind for s in found][-1] == "question"
    for sentence in found:
        assert answer[sentence.start : sentence.end] == sentence.text
    texts = [claim.text for sentence in found for claim in sentence.claims]
    assert texts[-2:] == ["Marie Curie was born in Warsaw.", "Marie Curie won two Nobel prizes."]
    batch = claims.Extractor().extract_batch([answer, ""])
    assert [len(one) for one in batch] == [len(found), 0]


@pytest.mark.native
def test_documents_are_searched():
    index = corpus.Index.from_texts(HANDBOOK)
    assert len(index) == index.files == 2
    (best, *_) = index.search("how many days of leave", 2)
    assert (best.file, best.line) == ("leave.md", 3)
    assert "30 days" in best.text
    with pytest.raises(assay.InvalidArgument, match="no mode"):
        index.search("a", mode="magic")
    with pytest.raises(assay.FailedPrecondition):
        index.search("a", mode="vector")
    with pytest.raises(assay.OutOfRange):
        index.passage(2)


@pytest.mark.native
def test_documents_of_a_folder_are_kept_in_step(tmp_path):
    for name, text in HANDBOOK.items():
        (tmp_path / name).write_text(text)
    first = corpus.Index.build(str(tmp_path))
    assert (tmp_path / ".assay" / "index.assay").exists()
    again = corpus.Index.open(str(tmp_path / ".assay" / "index.assay"))
    assert again.version == first.version
    (tmp_path / "leave.md").write_text("Employees get 3 days.")
    assert corpus.Index.build(str(tmp_path), in_memory=True).version != first.version
    with pytest.raises(assay.NotFound):
        corpus.Index.build(str(tmp_path / "nowhere"))


@pytest.mark.native
def test_encoded_texts_are_unit_vectors(encoder):
    rows = encoder.encode(["a dog", "a puppy", "tax law"])
    assert rows.dtype == np.float32 and rows.shape == (3, encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


@pytest.mark.native
@pytest.mark.parametrize("with_words", [False, True])
def test_claims_are_judged_against_documents(encoder, with_words):
    words = encoder if with_words else None
    verifier = claims.Verifier(corpus.Index.from_texts(HANDBOOK, words), words)
    right = verifier.verify("Employees get 30 days of leave a year.")
    assert right.verdict == "supported"
    assert right.evidence[0].file == "leave.md"
    wrong = verifier.verify("Employees get 3 days of leave a year.")
    assert wrong.verdict == "contradicted"
    assert "30 days" in wrong.reason
    assert verifier.verify("Whales are mammals.").verdict == "unverified"
    assert right.unsupported_words == []
    claim = "Café employees get 3 days of leave a year."
    for one in (verifier.verify(claim), *verifier.verify_batch([claim])):
        assert [claim[start:end] for start, end in one.unsupported_words] == ["3 days"]


@pytest.mark.native
def test_codes_are_the_verdicts_cached_or_not():
    index = corpus.Index.from_texts(HANDBOOK)
    texts = ["Employees get 30 days of leave a year.", "Employees get 3 days of leave a year.", "Whales sing."]
    for entries in (0, 1024):
        verifier = claims.Verifier(index, cache_entries=entries)
        expected = verifier.verify_batch(texts)
        for _ in range(2):
            codes, confidences = verifier.codes(texts)
            assert [claims.VERDICTS[code] for code in codes] == [one.verdict for one in expected]
            np.testing.assert_allclose(confidences, [one.confidence for one in expected])
    assert verifier.cache_stats().entries == 3


@pytest.mark.native
def test_a_verifier_may_be_asked_by_many_threads():
    verifier = claims.Verifier(corpus.Index.from_texts(HANDBOOK), cache_entries=64)
    texts = [f"Employees get {n} days of leave a year." for n in range(40)]
    expected = list(claims.Verifier(corpus.Index.from_texts(HANDBOOK)).codes(texts)[0])
    found = []
    threads = [threading.Thread(target=lambda: found.append(list(verifier.codes(texts)[0]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


@pytest.mark.native
def test_answers_are_merged_and_dissent_is_named():
    answers = ["The answer is 72.", "So we get 72.", "A: 27"]
    found = consensus.merge(answers, ["a", "b", "c"], method="majority")
    assert found.method == "majority"
    assert found.finals[0].number == 72
    assert found.opinions[0].answers == [0, 1]
    assert found.agreement.shape == (3, 3)
    assert found.dissent[0].answers == [2]
    known = consensus.merge(answers, ["a", "b", "c"], method="weighted", reliabilities={"a": 0.1, "b": 0.1, "c": 0.97})
    assert known.chosen == 2
    with pytest.raises(assay.InvalidArgument):
        consensus.merge(["alone"])
    with pytest.raises(assay.InvalidArgument, match="no method is called 'dice'"):
        consensus.merge(answers, method="dice")
    with pytest.raises(assay.InvalidArgument, match="3 answers, but 1 experts"):
        consensus.merge(answers, ["a"])


@pytest.mark.native
def test_claims_of_answers_are_merged(encoder):
    found = consensus.merge(
        ["Paris is in France. It has 2 million inhabitants.", "Paris is in France.", "Paris is in France. It rains."],
        method="claims", encoder=encoder,
    )  # fmt: skip
    assert "Paris is in France" in found.answer
    assert found.chosen is None
    assert found.claims[0].accepted


@pytest.mark.native
def test_final_answers():
    assert consensus.extract_final("... #### 1,234").number == 1234
    assert consensus.extract_final("The answer is (B).").text == "B"
    assert consensus.same_final(consensus.extract_final("#### 0.5"), consensus.extract_final("the answer is 1/2"))


def test_items_that_agree_are_one_cluster():
    agreement = np.array([[1, 0.9, 0.1], [0.9, 1, 0.2], [0.1, 0.2, 1]])
    found = consensus.cluster(agreement)
    assert [one.members for one in found] == [[0, 1], [2]]
    assert found[0].cohesion == pytest.approx(0.9)
    with pytest.raises(assay.InvalidArgument, match="symmetric"):
        consensus.cluster(np.array([[1.0, 0.5], [0.4, 1.0]]))


def test_reliable_experts_outvote_others():
    right, nobody = consensus.posterior(["a", "b", "c"], [0, 1, 1], {"a": 0.95, "b": 0.3, "c": 0.3})
    assert right[0] > right[1]
    assert right.sum() + nobody == pytest.approx(1)
    learner = consensus.ReliabilityLearner()
    for number in range(64):
        learner.teach(["good", "bad"], [0, number % 2], 0)
    assert learner.accuracy["good"] > 0.9 > 0.6 > learner.accuracy["bad"]
    assert len(learner) == 64


@pytest.mark.native
@given(st.integers(0, 12), st.sampled_from(["single", "complete", "average"]), st.floats(0.2, 0.9), st.integers(0, 9999))
def test_clusters_equal_their_twins(n, linkage, threshold, seed):
    draws = np.random.default_rng(seed).random((n, n))
    agreement = np.triu(draws, 1) + np.triu(draws, 1).T + np.eye(n)
    native, python = consensus.cluster(agreement, linkage, threshold), twin.cluster(agreement, linkage, threshold)
    assert [list(one.members) for one in native] == [one.members for one in python]
    for one, other in zip(native, python, strict=True):
        assert (one.cohesion, one.stability) == pytest.approx((other.cohesion, other.stability))


votes = st.lists(st.tuples(st.sampled_from("abcde"), st.none() | st.integers(0, 3)), min_size=1, max_size=8)


@pytest.mark.native
@given(votes, st.dictionaries(st.sampled_from("abcde"), st.floats(0, 1)))
def test_posteriors_equal_their_twins(cast, accuracy):
    experts, choices = [e for e, _ in cast], [c for _, c in cast]
    native = consensus.posterior(experts, choices, accuracy)
    python = twin.posterior(experts, choices, accuracy)
    np.testing.assert_allclose(native[0], python[0], rtol=1e-9)
    assert native[1] == pytest.approx(python[1])


@pytest.mark.native
@given(st.lists(st.tuples(votes, st.booleans(), st.none() | st.integers(0, 3)), max_size=20))
def test_learners_equal_their_twins(questions):
    native, python = consensus.ReliabilityLearner(), twin.ReliabilityLearner()
    for cast, known, right in questions:
        experts, choices = [e for e, _ in cast], [c for _, c in cast]
        for learner in (native, python):
            if known:
                learner.teach(experts, choices, right)
            else:
                learner.observe(experts, choices)
    assert native.accuracy == pytest.approx(python.accuracy)
    assert len(native) == len(python)


@pytest.mark.native
@given(st.lists(st.floats(-100, 100), max_size=40).map(lambda v: np.array(v, float)))
def test_autocorrelation_equals_its_twin(values):
    if len(values) and np.ptp(values) > 1e-3:
        np.testing.assert_allclose(consensus.autocorrelation(values), twin.autocorrelation(values), atol=1e-7)


@pytest.mark.native
def test_the_transformer_tells_meanings_apart():
    pytest.importorskip("openvino")
    try:
        model = assay.transformer_encoder()
    except assay.NotFound as why:
        pytest.skip(str(why))
    texts = ["How many days of leave do I get?", "What is my holiday allowance?", "The cache is full."]
    rows = model.encode(texts)
    assert rows.dtype == np.float32 and rows.shape == (3, model.dim) == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    near, far = rows[0] @ rows[1], rows[0] @ rows[2]
    assert near > far + 0.3
    np.testing.assert_allclose(model.encode([texts[1]])[0], rows[1], atol=2e-5)
    assert "int8" in model.name and isinstance(model, assay.embed.Encoder)
    assert consensus.merge(texts, method="medoid", encoder=model).medoid in (0, 1)
    with pytest.raises(assay.NotFound, match="no-such-model"):
        assay.transformer_encoder("no-such-model")
