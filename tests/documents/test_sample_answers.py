"""Sample answers in a zoo's data file: what loads, what is refused with file and line, and the published ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.by_hand import little_zoo
from zoo.documents.classes import imagenet_classes
from zoo.documents.load import load_zoo
from zoo.errors import ManifestError
from zoo.records import SampleAnswer

SAMPLE = """\
[[sample_answer]]
id = "one"
checkpoint = "little/good"
source = "page"
recipe = "whole"
best = [3]
scores = [
  { output = 3, value = "10.0" },
]

[sample_answer.input]
name = "cat.png"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"""
PUBLISHED = load_zoo("published")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = little_zoo.make(tmp_path / "little")
    (made / "sources.csv").write_text("id,title\npage,A page\n", encoding="utf-8")
    return made


def test_it_loads(folder: Path) -> None:
    (folder / "sample_answers.toml").write_text(SAMPLE, encoding="utf-8")
    zoo = load_zoo(folder)
    (sample,) = zoo.samples_of("little/good")
    assert sample.scores[0].value == "10.0"
    assert [file.name for file in zoo.sample_files("little/good")] == ["cat.png"]


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        (
            '"little/good"',
            '"little/god"',
            3,
            "field checkpoint: expected the id of a known checkpoint, got 'little/god'",
        ),
        ('"page"', '"pag"', 4, "field source: expected the id of a known source"),
        ('"whole"', '"wholly"', 5, "field recipe: expected the id of a known recipe, got 'wholly'; nearest: whole"),
        ('"whole"', '"torch_256_224"', 5, "field recipe: expected one that makes 8 pixels, as recipe 'whole' does"),
        ("best = [3]", "best = [10]", 6, "field best[0]: expected an output below 10, as label map 'ten' has, got 10"),
        ("output = 3", "output = 12", 8, "field scores[0].output: expected an output below 10"),
        ('"10.0"', "10.0", 8, "field scores[0].value: expected"),
        ('"10.0"', '"1e1"', 8, "field scores[0].value: expected"),
        ("best", "bset", 6, "field bset: not known; nearest: best"),
        ('"00000', '"g0000', 13, "field input.sha256"),
        ('recipe = "whole"\n', "", 1, "expected a recipe for a picture and none for a tensor"),
        ("best = [3]", 'of = "logit"', 6, "field of: expected 'logits', 'probabilities' or 'outputs', got 'logit'"),
        ("[[sample_answer]]", "[[sample]]", 1, "table 'sample' is not known here"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(folder: Path, old: str, new: str, line: int, problem: str) -> None:
    path = folder / "sample_answers.toml"
    assert old in SAMPLE
    path.write_text(SAMPLE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        load_zoo(folder)
    assert f"{path}, line {line}: " in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize("sample", PUBLISHED.sample_answers.values(), ids=lambda sample: sample.id)
def test_a_published_one(sample: SampleAnswer) -> None:
    assert sample.place
    checkpoint = PUBLISHED.checkpoints[sample.checkpoint]
    for file in filter(None, (sample.input, sample.output)):
        assert file.urls or (file.archive and file.archive.urls)
    if checkpoint.quantised:
        assert sample.integer_sums
        assert sample.processor
    assert list(sample.best[: len(sample.scores)]) == [each.output for each in sample.scores][: len(sample.best)]


def test_printed_classes_are_those_of_the_documents() -> None:
    """The documents print names; a slip in an index would refute a true answer."""
    names = imagenet_classes().names
    expected = {
        "lornatang-n01440764_36": ["tench", "barracouta", "gar", "soccer ball", "reel"],
        "caffe-shicai-cat": ["tiger cat", "Egyptian cat", "tabby", "red fox", "hare"],
        "mindspore-vision-infer-cat": ["Persian cat"],
    }
    for name, printed in expected.items():
        best = PUBLISHED.sample_answers[name].best
        assert [names[index].partition(",")[0] for index in best] == printed


def test_answers_of_raw_variables_are_not_asked_of_moving_averages() -> None:
    of_slim = [each for each in PUBLISHED.sample_answers.values() if each.checkpoint.startswith("tf-slim/")]
    assert len(of_slim) == 4
    for sample in of_slim:
        assert PUBLISHED.checkpoints[sample.checkpoint].options["moving_averages"] is True
        assert sample.options == {"moving_averages": False}
