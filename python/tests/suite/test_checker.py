"""A cross-encoder beside a Verifier: the tiny models that the build makes, by folder, by name, and found by itself."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import ROOT

import assay
from assay import claims, corpus, embed, models

pytestmark = pytest.mark.native
TINY = Path(os.environ.get("ASSAY_PYTHON_BUILD", ROOT / "build/release/python")).parent / "tiny_checker"
DOCUMENTS = {
    "staff.md": "# Staff\n\nFull-time employees receive 27 days of leave. Employees meet the managers of the company.\n"
}
OPEN = "Employees of the café meet the managers every week."  # no fact decides it
CARD = "[contradicted, supported, neutral], temperature: 0.5"
SURE = "[neutral, contradicted, supported], temperature: 0.01"  # names what the tiny model is surest of "contradicted"


@pytest.fixture
def folder(tmp_path):
    if not (TINY / "checker").is_dir():
        pytest.skip(f"no tiny model in {TINY}")
    path = tmp_path / "checker"
    shutil.copytree(TINY / "checker", path)
    card = path / "checker.yaml"
    card.write_text(card.read_text().replace(CARD, SURE))
    return path


def verifier(**more):
    return claims.Verifier(corpus.Index.from_texts(DOCUMENTS), **more)


def words(judgement):
    return [OPEN[start:end] for start, end in judgement.unsupported_words]


def test_a_model_decides_what_no_fact_does(folder):
    without = verifier().verify(OPEN)
    assert without.verdict == "unverified"
    assert verifier(checker=None).verify(OPEN).verdict == "unverified"
    model = models.cross_encoder(str(folder))
    for checker in (str(folder), model):
        judged = verifier(checker=checker).verify(OPEN)
        assert judged.verdict == "contradicted"
        assert words(judged) != words(without)
        assert all(word == word.strip(" .") for word in words(judged))
    assert verifier(checker=model).verify("Full-time employees receive 35 days of leave.").reason.count("27 days")


def test_default_is_the_installed_model(folder, monkeypatch):
    monkeypatch.setenv("ASSAY_MODELS", str(folder.parent))
    (folder.parent / "manifest.json").write_text('{"format": 1, "models": {}}')
    models.cross_encoder.cache_clear()
    try:
        assert verifier(checker="default").verify(OPEN).verdict == "contradicted"
        shutil.rmtree(folder)
        models.cross_encoder.cache_clear()
        with pytest.raises(assay.NotFound, match="checker"):
            verifier(checker="default")
    finally:
        models.cross_encoder.cache_clear()


def test_a_wrong_card_is_named_with_file_and_line(folder):
    card = folder / "checker.yaml"
    card.write_text(card.read_text().replace("temperature: 0.01", "temperature: hot"))
    with pytest.raises(assay.InvalidArgument, match=r"checker\.yaml:5:\d+: relation\.temperature"):
        verifier(checker=str(folder))
    with pytest.raises(assay.NotFound, match=r"nowhere/checker\.yaml"):
        verifier(checker=str(folder / "nowhere"))
    with pytest.raises(TypeError):
        verifier(checker=3)


def test_pairs_are_scored_with_the_words_of_the_claim(folder):
    model = models.cross_encoder(str(folder))
    assert model.name.startswith("tiny@")
    one, two = model.score(["Evidence of something.", "Other evidence."], [OPEN, "A claim."])
    assert one.supported + one.contradicted + one.neutral == pytest.approx(1, abs=1e-5)
    assert 0 < one.same < 1
    assert [OPEN[begin:end] for begin, end, _ in one.words] == OPEN[:-1].split()
    assert all(0 <= unsupported <= 1 for *_, unsupported in one.words + two.words)
    with pytest.raises(assay.InvalidArgument, match="2 texts"):
        model.score(["a", "b"], ["a"])
    assert isinstance(model, embed.CrossEncoder)
