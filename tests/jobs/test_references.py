"""References: what a full run answered, how near each answer was to another one, and which of them serves whom."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.by_hand import folders, little_zoo
from tests.by_hand.answer_files import a_reference, written
from tests.by_hand.answers import MadeUp, labelled, of_scores, plain_map
from tests.by_hand.commands import validated
from tests.by_hand.records import a_run
from tests.by_hand.stored import flipped
from zoo.documents.load import load_zoo
from zoo.errors import RunFolderError, UsageError, ZooError
from zoo.images import image_sets, recognition
from zoo.jobs import references
from zoo.jobs.distances import distances, ranks
from zoo.jobs.references import UnusableReferenceError
from zoo.kept import ASIDE
from zoo.records import LabelMap, Run
from zoo.records.predictions import Predictions
from zoo.records.references import LARGEST, Reference
from zoo.runs.folder import RunFolder

TEN = plain_map(10)
PUBLISHED = load_zoo("published")
INT8, FLOAT = "onnx-zoo/mobilenetv2-12-int8", "onnx-zoo/mobilenetv2-12"


def full(answers: Predictions, label_map: LabelMap = TEN, **changes: Any) -> Run:
    """The run of a whole population that has these answers."""
    counts = {name: int(answers.correct(name).sum()) for name in ("top1", "top5")}
    given = {"n": len(answers.ids), "top1_correct": counts["top1"], "top5_correct": counts["top5"]}
    return a_run(**{"label_map": label_map.id, **given, **changes})


def made(answers: Predictions, label_map: LabelMap = TEN, **changes: Any) -> Reference:
    return references.of_run(full(answers, label_map, **changes), answers, label_map)


def one(logits: list[float], right: int, others: tuple[int, ...] = ()) -> Predictions:
    """Answers to one image with these scores; several classes may be right."""
    answers = of_scores(np.array([logits], np.float32), np.array([right]), plain_map(len(logits)))
    if not others:
        return answers
    hits: np.ndarray = np.isin(answers.indices, [right, *others])
    return replace(answers, other_classes=np.array([others]), top1=hits[:, 0], top5=np.any(hits, axis=1))


# --- how near an answer was to another one -------------------------------------------------------


@pytest.mark.parametrize(
    ("logits", "right", "rank", "nats"),
    [
        ([5, 3, 2, 1, 0, -1, -2], 0, 1, 2.0),  # right by two
        ([5, 3, 2, 1, 0, -1, -2], 1, 2, 2.0),  # wrong by two
        ([5, 3, 2, 1, 0, -1, -2], 4, 5, 5.0),
        ([5, 3, 2, 1, 0, -1, -2], 5, 0, 5.0),  # none of the five: at least as far as the fifth
        ([5, 5, 2, 1, 0, -1, -2], 1, 2, 0.0),  # a tie that the lower index won
        ([5, 3, 2, 1, 0], 4, 5, 5.0),  # as many outputs as are kept
        ([5, 3], 1, 2, 2.0),
        ([5], 0, 1, 0.0),  # of one class
    ],
)
def test_distance_of_an_answer(logits: list[float], right: int, rank: int, nats: float) -> None:
    answers, label_map = one(logits, right), plain_map(len(logits))
    assert ranks(answers, label_map).tolist() == [rank]
    assert distances(answers, label_map).tolist() == [nats]


@pytest.mark.parametrize(
    ("right", "others", "rank", "nats"),
    [
        (0, (1,), 1, 3.0),  # it stays right when the second one wins
        (1, (2,), 2, 2.0),
        (3, (6,), 4, 4.0),
        (5, (6,), 0, 5.0),
        (0, (1, 2, 3, 4), 1, 5.0),  # at least
    ],
)
def test_several_right_classes(right: int, others: tuple[int, ...], rank: int, nats: float) -> None:
    answers = one([5, 3, 2, 1, 0, -1, -2], right, others)
    label_map = plain_map(7)
    assert ranks(answers, label_map).tolist() == [rank]
    assert distances(answers, label_map).tolist() == [nats]
    reference = made(answers, label_map)
    assert reference.correct("top1").tolist() == answers.top1.tolist()


def softmax(scores: np.ndarray) -> np.ndarray:
    exponents = np.exp(scores.astype(np.float64) - scores.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


KINDS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float, float]] = {
    # to other scores; how far off a distance may be, in nats, where it is below the limit
    "logits less a constant": (lambda scores: scores - 7.5, 1e-5, 12.75),
    "softmax outputs": (softmax, 1e-5, 12.75),
    "sigmoid outputs": (lambda scores: 1 / (1 + np.exp(14 - scores.astype(np.float64))), 2e-3, 12.75),
    "two softmaxes": (lambda scores: softmax(softmax(scores)), 0.02, 7.0),
}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("classes", [10, 1000])
def test_scores_of_every_kind_are_equally_far(kind: str, classes: int) -> None:
    network, label_map = MadeUp(5, classes, 300, 0.7), plain_map(classes)
    transformed, error, limit = KINDS[kind]
    first, scores = of_scores(network.scores, network.classes, label_map), transformed(network.scores)
    other = of_scores(scores.astype(np.float32), network.classes, label_map)
    same = (first.indices == other.indices).all(axis=1)  # no tie was made by rounding
    expected, got = distances(first, label_map), distances(other, label_map)
    assert same.mean() > 0.8
    near = same & (expected < limit)
    assert near.sum() > 100
    assert np.abs(expected - got)[near].max() < error
    assert (got[same & ~near] > limit - 1).all()


def test_probabilities_that_were_rounded_to_nothing() -> None:
    """In steps of 1/256 a probability of 0 is below the smallest step: the distance is at least that to this step."""
    steps = np.array([[128, 128, 0, 0, 0, 0], [255, 1, 0, 0, 0, 0], [256, 0, 0, 0, 0, 0]], np.float32) / 256
    answers = of_scores(steps, np.array([0, 0, 0]), plain_map(6))
    assert distances(answers, plain_map(6)) == pytest.approx([0, np.log(255), np.log(255)])


def test_sigmoids_that_were_rounded_to_one() -> None:
    scores = np.array([[1, 1, 0.5, 0.5, 0.25], [1, 0.75, 0.5, 0.25, 0.25]], np.float32)
    assert distances(of_scores(scores, np.array([0, 0]), plain_map(5)), plain_map(5)) == pytest.approx([0, 0])


@pytest.mark.parametrize("kind", ["logits less a constant", "softmax outputs", "sigmoid outputs"])
def test_the_kind_is_known_without_a_whole_vector(kind: str) -> None:
    """Of a set whose first 64 images have no right class."""
    network, label_map = MadeUp(5, 50, 200, 0.7), plain_map(50)
    scores = KINDS[kind][0](network.scores).astype(np.float32)
    answers = of_scores(scores, network.classes, label_map)
    without = replace(answers, first_scores=answers.first_scores[:0])
    assert np.array_equal(distances(without, label_map), distances(answers, label_map))


# --- a reference of a run ------------------------------------------------------------------------


def test_rows_are_sorted_by_stem() -> None:
    network = MadeUp(1, 10, 40, 0.7)
    answers = network.answers(TEN)
    names = [f"folder{row % 3}/image {row * 7 % 40}.png" for row in range(40)]
    reference = made(replace(answers, ids=tuple(names)))
    assert list(reference.stems) == sorted(f"image {row}" for row in range(40))
    for row, name in enumerate(names):
        at = reference.rows[name.partition("/")[2].removesuffix(".png")]
        assert reference.answers[at] == answers.indices[row, 0]
        assert reference.correct("top1")[at] == answers.top1[row]
        assert reference.correct("top5")[at] == answers.top5[row]
        assert reference.distances[at] == pytest.approx(min(distances(answers, TEN)[row], 12.75), abs=0.026)
    assert (reference.subject, reference.population) == ("embedded/onnx@onnxruntime", "shapes_test")


def test_an_output_that_is_no_class() -> None:
    """Output 0 is the background, and the last one is nothing either."""
    shifted = LabelMap(id="shifted", outputs=12, classes=10, first=1)
    scores = np.eye(12, dtype=np.float32)[[0, 1, 10, 11]] * 4 - 1
    reference = made(of_scores(scores, np.array([0, 0, 9, 9]), shifted), shifted)
    assert reference.answers.tolist() == [-1, 0, 9, -1]
    assert reference.correct("top1").tolist() == [False, True, True, False]


def test_no_image_at_all() -> None:
    reference = made(of_scores(np.zeros((0, 10), np.float32), np.zeros(0, np.int64), TEN))
    assert (reference.stems, len(reference.answers)) == ((), 0)
    assert Reference.parse(written(reference), Path("x")).digest == reference.digest


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "failed": ({"status": "failed", "error": "the worker died"}, "failed: the worker died"),
    "a sample": ({"population": "random_sample"}, "run it without --sample"),
    "unknown images": ({"population": "other", "population_id": ""}, "populations.toml"),
    "half of it": ({"n": 5000}, "expected 5,000 answers, got 40"),
}


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED)
def test_a_run_that_cannot_serve(changes: dict[str, Any], said: str) -> None:
    answers = MadeUp(1, 10, 40, 0.7).answers(TEN)
    run = a_run(**{"n": 40, "top1_correct": 20, "top5_correct": 30, **changes})
    if run.status != "done":
        run = run.changed(n=0, top1_correct=0, top5_correct=0)
    with pytest.raises(UnusableReferenceError, match=said):
        references.of_run(run, answers, TEN)


def test_two_images_of_one_name() -> None:
    answers = MadeUp(1, 10, 3, 0.7).answers(TEN)
    with pytest.raises(UnusableReferenceError, match=r"images have the name of another, such as 'a'"):
        made(replace(answers, ids=("x/a.png", "b.png", "y/a.jpg")))


def test_another_label_map() -> None:
    answers = MadeUp(1, 10, 40, 0.7).answers(TEN)
    with pytest.raises(UnusableReferenceError, match="by label map 'shifted'"):
        references.of_run(full(answers), answers, LabelMap(id="shifted", outputs=11, classes=10, first=1))


# --- of run folders ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Two full runs of one population, a sample, and one that failed."""
    first, second = (folders.answers(labels, [0, 1, 2, 3]) for labels in ([0, 1, 2, 4], [0, 1, 3, 4]))
    whole = {"population": "full", "population_id": "own"}
    runs = [
        (folders.run_with(first, key="1f" * 32, checkpoint="a/one", **whole), first),
        (folders.run_with(second, key="2e" * 32, checkpoint="a/two", **whole), second),
        (folders.run_with(first, key="3d" * 32, checkpoint="a/part", population="random_sample"), first),
        (a_run(key="", checkpoint="b/lost", status="failed", error="its file is not here"), None),
    ]
    return folders.write(tmp_path / "run", runs)


def subjects(found: list[Reference]) -> list[str]:
    return [each.subject for each in found]


def test_of_every_full_run_of_a_folder(folder: RunFolder) -> None:
    assert subjects(references.of_folder(folder)) == ["a/one@onnxruntime", "a/two@onnxruntime"]
    for name in ("a/two", "a/two@onnxruntime", "*two*", "2e2e2e2e"):
        assert subjects(references.of_folder(folder, name)) == ["a/two@onnxruntime"]


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("a/tow@onnxruntime", "no run 'a/tow@onnxruntime'; nearest: a/two@onnxruntime"),
        ("2e", "no run '2e'; known: a/one@onnxruntime, a/part@onnxruntime"),
        ("", "no run ''"),
        ("a/part", "run it without --sample"),
        ("b/lost", "its file is not here"),
        ("a/*", "a/part@onnxruntime: .* without --sample"),
    ],
)
def test_runs_of_a_folder_that_are_not_there_or_cannot_serve(folder: RunFolder, subject: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        references.of_folder(folder, subject)


def test_answers_of_a_folder_that_are_lost_or_damaged(folder: RunFolder) -> None:
    one, two = (folder.path / "predictions" / f"{key * 32}.npz" for key in ("1f", "2e"))
    two.write_bytes(flipped(two.read_bytes()))
    assert subjects(references.of_folder(folder)) == ["a/one@onnxruntime"]
    one.unlink()
    with pytest.raises(UnusableReferenceError, match=r"(?s)1f1f.*is missing.*2e2e.*is not the file"):
        references.of_folder(folder)


def test_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(RunFolderError, match="is not a run folder"):
            references.of_folder(RunFolder(path))
    with pytest.raises(UsageError, match="no answers to images"):
        references.of_folder(folders.write(tmp_path / "empty", []))


# --- files ---------------------------------------------------------------------------------------


def test_a_file_is_read(tmp_path: Path) -> None:
    reference = a_reference()
    (tmp_path / "file.npz").write_bytes(written(reference))
    assert references.read(tmp_path / "file.npz").digest == reference.digest


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    (tmp_path / "large").write_bytes(bytes(LARGEST + 2))
    known = {"": "Is a directory", "nothing": "No such file", "large": "at most", "text": "expected a file of answers"}
    for name, said in known.items():
        with pytest.raises((UsageError, RunFolderError), match=said) as caught:
            references.read(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))


def test_a_reference_is_for_its_images_and_labels_alone() -> None:
    reference = a_reference()
    references.check_fits(reference, "embedded_val", "0d" * 32)
    for population, digest, said in (
        ("imagenet_val", "0d" * 32, "expected population 'imagenet_val', got 'embedded_val'"),
        ("", "0d" * 32, "expected population '.none that is known.', got"),
        ("embedded_val", "1d" * 32, "expected names and labels with digest 1d1d1d1d1d1d, got 0d0d0d0d0d0d"),
    ):
        with pytest.raises(UnusableReferenceError, match=said) as caught:
            references.check_fits(reference, population, digest)
        assert "embedded/onnx@onnxruntime" in str(caught.value)


def test_the_labels_of_a_run_are_those_of_its_images(tmp_path: Path, own_home: Path) -> None:
    """What a run folder gives is what the image set gives, and what the report says of the set."""
    zoo = little_zoo.make(tmp_path / "little")
    report = validated(zoo, tmp_path / "run")
    images = image_sets.open_image_set(zoo / "images")
    answers = RunFolder(tmp_path / "run").predictions(report.runs[0])
    assert answers is not None
    found = references.labels_digest_of(answers)
    assert found == recognition.labels_digest((image.stem, image.classes) for image in images.counted)
    assert report.conditions.recognition is not None
    assert found == report.conditions.recognition.labels_digest


def test_labels_of_several_right_classes() -> None:
    answers = replace(folders.answers([0, 1], [0, 1]), other_classes=np.array([[3, -1], [2, 5]]))
    assert references.labels_digest_of(answers) == recognition.labels_digest([("0", (0, 3)), ("1", (1, 2, 5))])
    assert references.labels_digest_of(labelled(answers, np.array([0, 1]), TEN)) != references.labels_digest_of(answers)


# --- kept on this machine ------------------------------------------------------------------------

FIRST = a_reference(run="1f" * 32)
SECOND = a_reference(run="2e" * 32, subject="embedded/tflite@tensorflow", seed=2)
STRANGER = a_reference(run="3d" * 32, labels_digest="1d" * 32)


def recalled() -> list[str]:
    """Digests of those that fit."""
    return [each.digest for each in references.remembered("embedded_val", "0d" * 32)]


def test_full_runs_are_remembered(own_home: Path) -> None:
    assert recalled() == []
    for each in (FIRST, STRANGER, SECOND, FIRST):
        references.remember(each)
    newest = sorted((own_home / "references").glob("*/*.npz"))
    assert len(newest) == 3
    assert set(recalled()) == {FIRST.digest, SECOND.digest}
    assert [each.digest for each in references.remembered("embedded_val", "1d" * 32)] == [STRANGER.digest]
    assert references.remembered("imagenet_val", "0d" * 32) == []


def test_the_latest_comes_first(own_home: Path) -> None:
    for number, each in enumerate((FIRST, SECOND)):
        references.remember(each)
        (path,) = [path for path in (own_home / "references").glob("*/*.npz") if path.stat().st_mtime > 1000]
        os.utime(path, (number, number))
    assert recalled() == [SECOND.digest, FIRST.digest]


def test_what_was_damaged_is_set_aside_and_made_again(own_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    references.remember(FIRST)
    (path,) = (own_home / "references").glob("*/*.npz")
    for damage in (flipped, lambda data: data[: len(data) // 2], lambda data: b""):
        references.remember(FIRST)
        path.write_bytes(damage(path.read_bytes()))
        caplog.clear()
        assert recalled() == []
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert str(path) in caplog.text
        assert path.with_name(path.name + ASIDE).is_file()
    references.remember(FIRST)
    path.write_bytes(flipped(path.read_bytes()))
    references.remember(FIRST)  # it does not rely on what is there
    assert recalled() == [FIRST.digest]


def test_a_file_in_the_place_of_another_is_not_used(own_home: Path) -> None:
    references.remember(FIRST)
    references.remember(STRANGER)
    one, other = sorted((own_home / "references").glob("*/*.npz"))
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    assert recalled() == []
    assert references.remembered("embedded_val", "1d" * 32) == []


def test_a_name_of_a_run_leads_nowhere(own_home: Path) -> None:
    references.remember(a_reference(run="../../../escaped"))
    assert len(recalled()) == 1
    assert not [path for path in own_home.parent.rglob("*escaped*")]


# --- the nearest ---------------------------------------------------------------------------------


def nearest(checkpoint: str, *known: str, sha256: str | None = None, **changes: Any) -> tuple[str, str] | None:
    candidates = [a_reference(subject=name, run=f"{number:064x}", **changes) for number, name in enumerate(known)]
    found = references.nearest(PUBLISHED, PUBLISHED.checkpoints[checkpoint], sha256, candidates)
    return None if found is None else (found[0].subject, found[1])


def test_what_one_was_converted_from_comes_before_the_same_network() -> None:
    other = "torchvision/mobilenet_v2_imagenet1k_v1@torch"
    assert nearest(INT8, other, f"{FLOAT}@onnxruntime") == (f"{FLOAT}@onnxruntime", "converted from")
    assert nearest(FLOAT, other, f"{INT8}@onnxruntime") == (f"{INT8}@onnxruntime", "converted from")


def test_the_same_weights_come_first() -> None:
    known = f"{FLOAT}@onnxruntime", f"{INT8}@openvino"
    assert nearest(INT8, *known) == (f"{INT8}@openvino", "same weights")
    assert nearest(INT8, *known, f"{INT8}@onnxruntime") == (f"{INT8}@onnxruntime", "same weights")


def test_the_same_files_under_another_name_are_the_same_weights() -> None:
    assert nearest(INT8, "stranger/int8@onnxruntime") is None
    assert nearest(INT8, "stranger/int8@onnxruntime", sha256="cd" * 32) is None
    assert nearest(INT8, "stranger/int8@onnxruntime", sha256="ab" * 32) == ("stranger/int8@onnxruntime", "same weights")


def test_files_that_were_exchanged_under_one_id() -> None:
    """Then the float original is nearer than what had this id."""
    known = f"{INT8}@onnxruntime"
    assert nearest(INT8, known, sha256="cd" * 32) == (known, "same network")
    assert nearest(INT8, known, sha256="ab" * 32) == (known, "same weights")
    assert nearest(INT8, known, f"{FLOAT}@onnxruntime", sha256="cd" * 32) == (f"{FLOAT}@onnxruntime", "converted from")


def test_ties_go_by_framework_then_by_name() -> None:
    zoo = load_zoo("embedded")
    names = ["embedded/tflite@tensorflow", "embedded/slim_ckpt@tensorflow", "embedded/openvino_ir@openvino"]
    for shift in range(3):
        turned = [*names[shift:], *names[:shift]]
        candidates = [a_reference(subject=name, run=f"{number:064x}") for number, name in enumerate(turned)]

        def found(checkpoint: str, known: list[Reference] = candidates) -> tuple[str, str]:
            kin = references.nearest(zoo, zoo.checkpoints[checkpoint], None, known)
            assert kin is not None
            return kin[0].subject, kin[1]

        assert found("embedded/onnx") == ("embedded/openvino_ir@openvino", "same weights")
        assert found("embedded/saved_model") == ("embedded/slim_ckpt@tensorflow", "same weights")
        assert found("embedded/openvino_ir") == ("embedded/openvino_ir@openvino", "same weights")


def test_nobody_is_related() -> None:
    assert nearest(INT8) is None
    assert nearest(INT8, "embedded/onnx@onnxruntime") is None


def test_errors_end_a_command_with_wrong_use() -> None:
    assert issubclass(UnusableReferenceError, UsageError)
    assert issubclass(UsageError, ZooError)
