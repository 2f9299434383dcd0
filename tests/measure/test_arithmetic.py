"""The processor and the arithmetic are part of a run: in its key, its record, and the verdict on its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.commands import report_of, validated, zoo
from zoo import machine
from zoo.records import AsShipped, Report, Run, Verdict


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    return little_zoo.make(tmp_path / "little", count=600)


def run_of(folder: Path, **options: object) -> Run:
    return validated(folder, folder / "out", **options).runs[0]


def s105(report: Report) -> list[Verdict]:
    return [verdict for verdict in report.verdicts if verdict.rule == "S105"]


def test_answers_of_another_processor_are_not_reused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = run_of(folder)
    assert own.instruction_sets == machine.instruction_sets()
    assert run_of(folder).reused
    monkeypatch.setattr(machine, "instruction_sets", lambda: ("avx2", "avx512_vnni"))
    other = run_of(folder)
    assert other.instruction_sets == ("avx2", "avx512_vnni")
    assert not other.reused
    assert other.key != own.key


def test_answers_under_other_variables_are_not_reused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AN_UNRELATED_VARIABLE", "1")
    own = run_of(folder)
    monkeypatch.setenv("AN_UNRELATED_VARIABLE", "2")
    assert run_of(folder).reused
    monkeypatch.setenv("DNNL_MAX_CPU_ISA", "SSE41")
    assert not run_of(folder).reused
    assert run_of(folder).key != own.key


def test_variables_and_instruction_sets_stand_in_the_report(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNNL_MAX_CPU_ISA", "SSE41")
    assert zoo("validate", "--zoo", folder, "--out", tmp_path / "out").returncode == 0
    conditions = report_of(tmp_path / "out").conditions
    assert conditions.variables["DNNL_MAX_CPU_ISA"] == "SSE41"
    assert conditions.instruction_sets == machine.instruction_sets()
    page, short = ((tmp_path / "out" / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    for text in (page, short):
        assert "DNNL_MAX_CPU_ISA=SSE41" in text.replace("\\", "")
        assert all(name in text.replace("\\", "") for name in machine.instruction_sets())


def test_a_file_whose_defaults_lose_answers_fails_where_that_shows(folder: Path, tmp_path: Path) -> None:
    little_zoo.add_checkpoint(folder, "bytes", saturates=0.2)
    done = zoo("validate", "--zoo", folder, "--checkpoints", "little/bytes", "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    report = report_of(tmp_path / "out")
    (run,) = report.runs
    assert (run.arithmetic, run.integer_sums, run.kernels) == ("exact", "exact", "careful")
    assert run.top1_correct == run.n == 600
    assert run.as_shipped is not None
    assert (run.as_shipped.n, run.as_shipped.top1_correct, run.as_shipped.gained) == (512, 512, 0)
    assert run.as_shipped.different == run.as_shipped.lost == 512 - run.as_shipped.shipped_correct > 50
    (verdict,) = s105(report)
    assert verdict.outcome == "fail"
    assert "instead of 100.00 % of the first 512 images" in verdict.reason
    assert "in 1 of 1 layer" in verdict.reason
    assert "reduce_range" in verdict.remedy
    assert verdict.reason.split(";")[0] in done.stdout


def test_as_shipped_gives_what_a_user_of_the_defaults_gets(folder: Path, tmp_path: Path) -> None:
    little_zoo.add_checkpoint(folder, "bytes", saturates=0.2)
    narrowed = ("--checkpoints", "little/bytes", "--arithmetic", "as-shipped")
    zoo("validate", "--zoo", folder, *narrowed, "--out", tmp_path / "out")
    report = report_of(tmp_path / "out")
    (run,) = report.runs
    assert (run.arithmetic, run.integer_sums, run.as_shipped) == ("as-shipped", "saturating", None)
    assert run.top1_correct < 550
    assert report.conditions.command[-4:] == narrowed
    assert "cut off at 16 bits, as shipped" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_float_networks_are_not_asked(folder: Path, tmp_path: Path) -> None:
    assert zoo("validate", "--zoo", folder, "--out", tmp_path / "out").returncode == 0
    report = report_of(tmp_path / "out")
    assert (report.runs[0].integer_sums, report.runs[0].as_shipped) == ("none", None)
    assert s105(report) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 0},
        {"gained": 1},  # two more right than before is not one gained and none lost
        {"different": 11},
        {"gained": 7, "lost": 5, "n": 10},
    ],
)
def test_counts_that_contradict_each_other_are_refused(wrong: dict[str, int]) -> None:
    good = {"n": 10, "different": 3, "top1_correct": 5, "shipped_correct": 7, "gained": 2, "lost": 0}
    AsShipped(**good)
    with pytest.raises(ValueError, match=r"not|greater|more images"):
        AsShipped(**{**good, **wrong})
