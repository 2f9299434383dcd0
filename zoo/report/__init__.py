"""Records to text: what a person, a pull request, a notebook and a CI system read.

Pure functions: no clock, no disk (but the package's own templates), no network.
"""

from __future__ import annotations

from collections.abc import Sequence

from zoo.records import Claim, Report, Verdict
from zoo.report import html, junit, markdown, tables, terminal
from zoo.report.extras import NO_EXTRAS, Extras

__all__ = ["Extras", "render_all", "terminal"]


def render_all(report: Report, claims: Sequence[Claim], extras: Extras = NO_EXTRAS) -> dict[str, str]:
    """File name -> text (write it as UTF-8 with newlines as they are) for everything a run folder shows.

    claims: the documented numbers that the verdicts speak of; without them only their printed form is lost.
    extras: what report.html shows besides; without them these sections are missing.
    """
    latency = {"latency.csv": tables.latency_csv(report)} if report.latencies else {}
    return {
        "report.md": markdown.render(report, claims),
        "report.html": html.render(report, claims, extras),
        "verdicts.csv": tables.csv_of(Verdict, report.verdicts),
        "runs.csv": tables.runs_csv(report),
        **latency,
        "junit.xml": junit.render(report),
    }
