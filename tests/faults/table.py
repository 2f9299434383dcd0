"""The table of what was noticed and named, and the counts over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.base import Fault, Form

WRONG = ("fail", "refuted")  # outcomes of verdicts that notice something


@dataclass(frozen=True)
class Result:
    """What became of one fault in one form.

    noticed: a verdict on the run is bad, or it failed. place: of the first cause that names the fault among the
    candidates, from 1; 0 where none does. tied: a cause that names it stands in a tie with the first candidate.
    candidates: all causes, best first; certainty: of the first; said: their titles with the evidence.
    not_looked: what no look could look at. images: how many were looked at; seconds: what the command took.
    error: why there is no result.
    """

    fault: str
    kind: str
    form: str
    healthy: bool
    moves: bool
    expected: Sequence[str]
    noticed: bool = False
    place: int = 0
    tied: bool = False
    candidates: Sequence[str] = ()
    certainty: str = ""
    said: Sequence[str] = ()
    not_looked: Sequence[str] = ()
    images: int = 0
    seconds: float = 0.0
    error: str = ""

    @classmethod
    def of(cls, fault: Fault, form: Form, report: dict[str, Any], subject: str, seconds: float) -> Result:
        """From the JSON of a run's report."""
        about = [each for each in report.get("diagnoses", []) if each["subject"].startswith(subject)]
        candidates = [each for diagnosis in about for each in diagnosis["candidates"]]
        causes = [each["cause"] for each in candidates]
        places = [place for place, cause in enumerate(causes, 1) if cause in fault.expected]
        ties = [set(tie["causes"]) for diagnosis in about for tie in diagnosis["ties"]]
        tied = any(fault.expected & tie and (not causes or causes[0] in tie) for tie in ties)
        return cls(
            **_facts(fault, form),
            noticed=_noticed(report, subject),
            place=min(places, default=0),
            tied=tied,
            candidates=causes,
            certainty=candidates[0]["certainty"] if candidates else "",
            said=[f"{each['title']} ({each['certainty']}): {each['evidence']}" for each in candidates],
            not_looked=[each for diagnosis in about for each in diagnosis["not_looked"]],
            images=max((each["images"] for each in about), default=0),
            seconds=round(seconds, 1),
        )

    @classmethod
    def failed(cls, fault: Fault, form: Form, error: str, seconds: float) -> Result:
        """There is no report."""
        return cls(**_facts(fault, form), error=error, seconds=round(seconds, 1))

    @property
    def first(self) -> bool:
        """Whether the fault is the first that is named."""
        return self.place == 1

    def line(self) -> str:
        """One line for the terminal."""
        how = self.error.replace("\n", " ")[-200:] or ", ".join(self.candidates[:4]) or "nothing named"
        marks = "healthy" if self.healthy else f"noticed {_yes(self.noticed)}, named {_named(self)}"
        return f"{self.kind}/{self.fault} [{self.form}] {marks}: {how} ({self.seconds:.0f} s)"


def _facts(fault: Fault, form: Form) -> dict[str, Any]:
    return {
        "fault": fault.name, "kind": fault.kind, "form": str(form), "healthy": fault.healthy, "moves": fault.moves,
        "expected": sorted(fault.expected),
    }  # fmt: skip


def _noticed(report: dict[str, Any], subject: str) -> bool:
    bad_run = any(
        run["status"] == "failed" for run in report["runs"] if f"{run['checkpoint']}@{run['framework']}" == subject
    )
    return bad_run or any(
        each["outcome"] in WRONG for each in report["verdicts"] if each["subject"].startswith(subject)
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _named(result: Result) -> str:
    if result.place == 1:
        return "first"
    if result.tied:
        return "tied"
    return f"{result.place}." if result.place else "no"


def _share(count: int, of: int) -> str:
    return f"{count} of {of} ({100 * count / of:.0f} %)" if of else "-"


def written(results: Sequence[Result]) -> str:
    """Markdown: a summary, then a row for each fault, then the healthy ones."""
    kinds = [*dict.fromkeys(each.kind for each in results)]
    ordered = sorted(results, key=lambda each: kinds.index(each.kind))
    faults, healthy = ([each for each in ordered if each.healthy is well] for well in (False, True))
    return "\n".join([*_summary(faults, healthy), "", *_rows(faults), "", *_healthy_rows(healthy)]) + "\n"


def _summary(faults: Sequence[Result], healthy: Sequence[Result]) -> Iterable[str]:
    yield "| class | faults | noticed | named first | first or tied | named at all | images (median) |"
    yield "|---|---|---|---|---|---|---|"
    for kind in [*dict.fromkeys(each.kind for each in faults), ""]:
        chosen = [each for each in faults if kind in (each.kind, "")]
        counts = (
            sum(each.noticed for each in chosen), sum(each.first for each in chosen),
            sum(each.first or each.tied for each in chosen), sum(each.place > 0 or each.tied for each in chosen),
        )  # fmt: skip
        cells = [str(len(chosen)), *(_share(count, len(chosen)) for count in counts), _median(chosen)]
        yield f"| {kind or 'all'} | {' | '.join(cells)} |"
    moving = [each for each in faults if each.moves]
    yield ""
    yield f"Of those that change many answers, noticed: {_share(sum(each.noticed for each in moving), len(moving))}."
    alarms = sum(bool(each.candidates) for each in healthy)
    noticed = sum(each.noticed for each in healthy)
    yield f"Healthy: {len(healthy)}; a cause named in {alarms}, a verdict against it in {noticed}."
    if broken := [each.fault for each in (*faults, *healthy) if each.error]:
        yield f"No result: {', '.join(broken)}."


def _median(results: Sequence[Result]) -> str:
    images = sorted(each.images for each in results if each.place)
    return str(images[len(images) // 2]) if images else "-"


def _rows(faults: Sequence[Result]) -> Iterable[str]:
    yield "| class | fault | form | noticed | named | by | images | seconds |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in faults:
        found = each.candidates[each.place - 1] if each.place else ""
        others = f"{found or '-'} (first: {each.candidates[0]})" if each.candidates and not each.first else found
        cells = [each.kind, each.fault, each.form, _yes(each.noticed), _named(each), others or each.error[:80] or "-"]
        yield f"| {' | '.join(cells)} | {each.images} | {each.seconds:.0f} |"


def _healthy_rows(healthy: Sequence[Result]) -> Iterable[str]:
    yield "| healthy | form | named | seconds |"
    yield "|---|---|---|---|"
    for each in healthy:
        named = ", ".join(each.candidates) or each.error[:80] or "nothing"
        yield f"| {each.fault} | {each.form} | {named} | {each.seconds:.0f} |"
