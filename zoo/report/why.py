"""What every form of a report says of a diagnosis."""

from __future__ import annotations

from zoo.records import Candidate, Diagnosis, Report, Tie
from zoo.report.text import counted, listed, one_line, points

TITLE = "Why"
LEAD = (
    "Why numbers differ, best explanation first. “Shown” means that nothing else known explains the evidence, “likely” "
    "that other causes are less probable, “possible” that it only fits."
)
NOTHING = "nothing known explains it"
NAMED = 3  # causes that a line on a terminal names


def lines(report: Report) -> list[str]:
    """One line for each run that was diagnosed, for a terminal."""
    return [f"why {one_line(each.subject)}: {headline(each)}" for each in report.diagnoses]


def headline(diagnosis: Diagnosis) -> str:
    """The best cause with its evidence, and how many others there are; or what was excluded."""
    if diagnosis.candidates:
        best, *others = diagnosis.candidates
        more = f"; {counted(len(others), 'other cause')} below it" if others else ""
        return one_line(f"{best.title} ({best.certainty}): {best.evidence}{more}")
    if diagnosis.ties:
        return one_line(tied(diagnosis.ties[0], NAMED))
    left_out = f"; not looked at: {listed([*diagnosis.not_looked])}" if diagnosis.not_looked else ""
    return one_line(f"{NOTHING}; {counted(len(diagnosis.excluded), 'cause')} excluded{left_out}")


def tied(tie: Tie, limit: int = 1000) -> str:
    """`cannot be told apart with these 200 images: A, B; about 400 more would tell`. limit: causes that are named."""
    more = "" if tie.more is None else f"; about {tie.more:,} more would tell"
    images = f"these {tie.images:,} images" if tie.images else "what was looked at"
    return f"cannot be told apart with {images}: {listed(tie.titles or tie.causes, limit)}{more}"


def facts(candidate: Candidate) -> list[tuple[str, str]]:
    """(name, words) of everything else that is known of a cause; code is not among it."""
    found = [("images", f"{candidate.images:,}" if candidate.images else "none needed")]
    if candidate.explains is not None:
        found.append(("explains", f"{points(candidate.explains)} points"))
    return found
