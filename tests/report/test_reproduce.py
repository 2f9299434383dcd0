"""The command that a report gives for a verdict makes that verdict again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of, zoo
from tests.by_hand.records import a_report, a_run, a_verdict, some_conditions
from zoo.records import Drawn, Part, Verdict
from zoo.report.reproduce import command

FIRST, SECOND, THIRD = "1a" * 32, "2b" * 32, "3c" * 32
RUNS = [
    a_run(key=FIRST, checkpoint="a/float", weights="w1"),
    a_run(key=SECOND, checkpoint="a/twin", weights="w2", framework="torch"),
    a_run(key=THIRD, checkpoint="a/int8", weights="w2", framework="openvino"),
]


def between(first: str, second: str, rule: str = "X202", **changes: object) -> Verdict:
    """A verdict on `second` against `first`, by their keys."""
    (run,) = (run for run in RUNS if run.key == second)
    return a_verdict(rule=rule, subject=run.subject, run=second, against=first, claim_id=None, **changes)


@pytest.mark.parametrize("rule", ["X101", "X201", "X202", "X203"])
def test_both_runs_are_made_and_no_third(rule: str) -> None:
    """Of a conversion the original has other weights, so "the first of the same weights" would be a third run."""
    verdict = between(FIRST, THIRD, rule)
    assert command(verdict, a_report(RUNS, [verdict], command=("zoo", "validate"))) == (
        "zoo validate --checkpoints a/float,a/int8"
    )
    narrowed = ("zoo", "validate", "--frameworks", "onnxruntime,torch,openvino", "--seed", "3")
    assert command(verdict, a_report(RUNS, [verdict], command=narrowed)) == (
        "zoo validate --seed 3 --checkpoints a/float,a/int8 --frameworks onnxruntime,openvino"
    )


def test_what_images_were_drawn_by_is_named() -> None:
    """Elsewhere no reference is known, or a nearer one."""
    by = Drawn(
        reference="a/float@onnxruntime", run=FIRST, sha256="4d" * 32, kinship="same weights", rule="even", seed=0,
        top1=0.7, top5=0.9,
    )  # fmt: skip
    run = a_run(key=SECOND, checkpoint="a/twin", population="random_sample", look_every=128, drawn=by)
    verdict = a_verdict(rule="A101", subject=run.subject, run=SECOND)
    auto = ("zoo", "validate", "--sample", "auto")
    assert command(verdict, a_report([run], [verdict], command=auto)) == (
        "zoo validate --sample auto --checkpoints a/twin --reference a/float"
    )
    named = (*auto, "--reference", "float.npz")
    assert command(verdict, a_report([run], [verdict], command=named)) == (
        "zoo validate --sample auto --reference float.npz --checkpoints a/twin"
    )


def test_two_runs_of_one_subject_are_told_apart_by_their_keys() -> None:
    runs = [a_run(key=FIRST), a_run(key=SECOND, recipe="other")]
    parts = tuple(
        Part(folder=recipe, conditions=some_conditions(command=("zoo", "validate", "--recipe", recipe)), runs=(key,))
        for recipe, key in (("own", FIRST), ("other", SECOND))
    )
    verdict = a_verdict(rule="X204", run=SECOND, against=FIRST, claim_id=None)
    report = a_report(runs, [verdict]).changed(parts=parts)
    assert command(verdict, report) == (
        "zoo validate --recipe own --checkpoints embedded/onnx --out first && "
        "zoo validate --recipe other --checkpoints embedded/onnx --out second && "
        "zoo report first second --out both"
    )
    # A verdict on the second run alone is made by the second command.
    alone = a_verdict(run=SECOND)
    assert command(alone, report) == "zoo validate --recipe other --checkpoints embedded/onnx"


def test_commands_make_their_verdicts_again(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = little_zoo.make(tmp_path / "little")
    little_zoo.add_checkpoint(folder, "converted", misbehave="change_mind")
    toml = folder / "checkpoints.toml"
    toml.write_text(toml.read_text().rstrip() + '\nconverted_from = "little/good"\n')
    recipes = folder / "recipes.toml"
    recipes.write_text(
        recipes.read_text() + '\n[[geometry]]\nid = "larger"\nsteps = [\n'
        '  { op = "decode", library = "pil", exif = "ignore" },\n'
        '  { op = "resize_exact", size = 8, library = "opencv", interpolation = "bilinear", antialias = false },\n'
        '  { op = "resize_exact", size = 9, library = "opencv", interpolation = "bilinear", antialias = false },\n'
        '  { op = "centre_crop", size = 8, offset = "floor" },\n]\n'
        '[[recipe]]\nid = "larger"\ngeometry = "larger"\nnumeric = "pixels"\n'
    )
    monkeypatch.chdir(tmp_path)
    zoo("validate", "--zoo", folder, "--out", "own")
    zoo("validate", "--zoo", folder, "--recipe", "larger", "--out", "larger")
    zoo("report", "own", "larger", "--out", "merged")
    report = report_of(Path("merged"))
    wanted = [
        next(verdict for verdict in report.verdicts if (verdict.rule, verdict.subject) == (rule, subject))
        for rule, subject in (("X202", "little/converted@fake"), ("X204", "little/converted@fake"))
    ]
    assert all(verdict.measured for verdict in wanted)
    for number, verdict in enumerate(wanted):
        again = tmp_path / str(number)
        again.mkdir()
        monkeypatch.chdir(again)
        for words in command(verdict, report).split(" && "):
            arguments = shlex.split(words)[1:]
            done = zoo(*arguments, *(() if "--out" in arguments else ("--out", "both")))
            assert done.returncode in (0, 1), done.stderr
        made = report_of(Path("both")).verdicts
        # The p-value after Holm depends on how many pairs a report has; all else is the same.
        assert (verdict.rule, verdict.run, verdict.against, verdict.measured, verdict.p_value) in [
            (each.rule, each.run, each.against, each.measured, each.p_value) for each in made
        ]
