"""One row per run, joined with the verdicts and documented numbers that belong to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.records import ACCURACIES, Claim, Report, Run, Verdict
from zoo.report import text
from zoo.report.verdict_rows import by_id, claim_of, is_accuracy

HEADS = ("framework", "checkpoint", "n", "top-1", "top-5", "documented", "verdict", "images/s")
NUMBERS = ("n", "top-1", "top-5", "images/s")  # those of the heads whose columns are aligned to the right
_NOT_DONE = {"failed": "run failed", "not_run": "not run"}


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """What every rendering shows of one run; all fields are text that is ready to be escaped."""

    run: Run
    framework: str
    checkpoint: str
    n: str
    top1: str
    top5: str
    documented: str  # "68.30 / 88.44"
    verdicts: tuple[tuple[str, str], ...]  # (outcome or status, words), worst first
    images_per_second: str


def run_rows(report: Report, claims: Sequence[Claim]) -> list[RunRow]:
    """The runs in their order."""
    known = by_id(claims)
    by_key, by_subject = _judging_runs(report)
    return [_row(run, by_key.get(run.key, []) + by_subject.get(run.subject, []), known) for run in report.runs]


def _judging_runs(report: Report) -> tuple[dict[str, list[Verdict]], dict[str, list[Verdict]]]:
    """Verdicts by the key of their run; those that name no run of this report by their subject, as those of runs
    without a key, which could not be made.
    """
    keys = {run.key for run in report.runs} - {""}
    by_key: dict[str, list[Verdict]] = {}
    by_subject: dict[str, list[Verdict]] = {}
    for verdict in report.verdicts:
        if verdict.run in keys:
            by_key.setdefault(verdict.run or "", []).append(verdict)
        else:
            by_subject.setdefault(verdict.subject, []).append(verdict)
    return by_key, by_subject


def _row(run: Run, verdicts: Sequence[Verdict], known: Mapping[str, Claim]) -> RunRow:
    judged = [verdict for verdict in verdicts if is_accuracy(verdict, claim_of(verdict, known))]
    nonsense = [(verdict.outcome, "nonsense") for verdict in verdicts if text.is_nonsense(verdict)]
    done = run.status == "done"
    return RunRow(
        run=run,
        framework=text.one_line(run.framework),
        checkpoint=text.one_line(run.checkpoint) + text.other_labels(run),
        n=str(run.n) if done else text.ABSENT,
        top1=text.accuracy(run, "top1") if done else text.ABSENT,
        top5=text.accuracy(run, "top5") if done else text.ABSENT,
        documented=_documented(run, judged, known),
        verdicts=(*nonsense, *_short(judged, known)) if done else ((run.status, _NOT_DONE[run.status]),),
        images_per_second=text.rate(run.images_per_second) if done else text.ABSENT,
    )


def _documented(run: Run, judged: Sequence[Verdict], known: Mapping[str, Claim]) -> str:
    """`top-1 / top-5`, as printed; several documents that differ are separated by commas."""
    claims = [claim for verdict in judged if (claim := claim_of(verdict, known))]
    if not claims:
        about = (claim for claim in known.values() if claim.checkpoint == run.checkpoint and claim.is_accuracy)
        claims = [claim for claim in about if not run.recounts or claim.population == run.population_id]
    if not claims:
        return text.ABSENT
    printed = {
        metric: list(dict.fromkeys(text.printed(claim) for claim in claims if claim.metric == metric))
        for metric in ACCURACIES
    }
    return " / ".join(", ".join(values) or text.ABSENT for values in printed.values())


def _short(judged: Sequence[Verdict], known: Mapping[str, Claim]) -> tuple[tuple[str, str], ...]:
    """One entry where all agree ("confirmed"), else one per outcome with its metrics ("refuted top-1")."""
    if not judged:
        return (("no_claim", "no claim"),)
    metrics: dict[str, list[str]] = {}
    for verdict in text.worst_first(judged):
        claim = claim_of(verdict, known)
        names = metrics.setdefault(verdict.outcome, [])
        name = text.METRIC_NAMES[claim.metric] if claim else text.one_line(verdict.rule)
        if name not in names:
            names.append(name)
    if len(metrics) == 1:
        return tuple((outcome, text.outcome_name(outcome)) for outcome in metrics)
    return tuple((key, f"{text.outcome_name(key)} {' '.join(names)}") for key, names in metrics.items())
