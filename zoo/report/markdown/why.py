"""Why numbers differ, as Markdown: the causes that remain open to the eye, the rest folded."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.records import Candidate, Diagnosis, Report
from zoo.report import why
from zoo.report.markdown.marks import code, escape, folded, name


def section(report: Report) -> str:
    """The section of all diagnoses; empty where there is none."""
    if not report.diagnoses:
        return ""
    return "\n\n".join([f"### {why.TITLE}", *(_diagnosis(each) for each in report.diagnoses)])


def _diagnosis(diagnosis: Diagnosis) -> str:
    causes = "\n".join(_cause(number, each) for number, each in enumerate(diagnosis.candidates, start=1))
    ties = "\n\n".join(f"{escape(why.tied(tie))}." for tie in diagnosis.ties)
    excluded = _list([f"{each.title}: {each.by}" for each in diagnosis.excluded])
    parts = [
        f"**{name(diagnosis.subject)}**",
        _list(diagnosis.symptoms),
        causes or f"{why.NOTHING[0].upper()}{why.NOTHING[1:]}.",
        ties,
        folded(f"Excluded ({len(diagnosis.excluded)})", excluded) if excluded else "",
        folded(f"Not looked at ({len(diagnosis.not_looked)})", _list(diagnosis.not_looked))
        if diagnosis.not_looked
        else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _cause(number: int, candidate: Candidate) -> str:
    facts = "; ".join(f"{what}: {words}" for what, words in why.facts(candidate))
    line = f"{number}. **{escape(candidate.title)}** ({candidate.certainty}): {escape(candidate.evidence)} ({facts})"
    parts = [line]
    if candidate.change:
        parts.append(_indented(f"To change:\n\n{code(candidate.change)}"))
    if candidate.command:
        parts.append(_indented(f"To see it:\n\n{code(candidate.command)}"))
    return "\n\n".join(parts) + "\n"


def _indented(text: str) -> str:
    """As a part of the item of a numbered list."""
    return "\n".join(f"   {line}" if line else line for line in text.splitlines())


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {escape(sentence)}" for sentence in sentences)
