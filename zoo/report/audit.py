"""An audit as text: terminal, Markdown, HTML, CSV, JSON, JUnit. Pure functions.

Findings stand under the document they are about, the first of their sources.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from zoo.records import Source, Verdict
from zoo.report import html, junit, marking, tables, text

SHOWN = 6  # printed texts of one finding; further ones are counted
FOUND = ("fail", "refuted")
NO_SOURCE = "The checkpoints' own records"


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found. messages: what each rule that ran demands, by its id."""

    zoo: str
    verdicts: tuple[Verdict, ...]
    sources: Mapping[str, Source]
    messages: Mapping[str, str]

    def of(self, *outcomes: str) -> list[Verdict]:
        """Verdicts with one of these outcomes."""
        return [verdict for verdict in self.verdicts if verdict.outcome in outcomes]

    def documents(self) -> dict[str, list[Verdict]]:
        """Open and accepted findings by the id of the document they are about, in the order of the sources."""
        found: dict[str, list[Verdict]] = {}
        for verdict in text.worst_first(self.of(*FOUND, "known")):
            found.setdefault(verdict.sources[0] if verdict.sources else "", []).append(verdict)
        order = [*self.sources, *found]
        return dict(sorted(found.items(), key=lambda item: order.index(item[0])))

    def headline(self) -> str:
        """The counts in one line."""
        found, known, passed = (len(self.of(*outcomes)) for outcomes in (FOUND, ("known",), text.GOOD))
        documents = sum(any(each.outcome in FOUND for each in verdicts) for verdicts in self.documents().values())
        accepted = f", {known} accepted as explained" if known else ""
        return (
            f"{text.counted(found, 'finding')} in {text.counted(documents, 'document')}{accepted}; "
            f"{text.counted(passed, 'check')} passed"
        )

    def title(self, source: str) -> str:
        """A document's title."""
        return self.sources[source].title if source in self.sources else source or NO_SOURCE


def shown(verdict: Verdict) -> list[str]:
    """Its printed texts, the first few."""
    more = len(verdict.printed) - SHOWN
    return [text.one_line(each) for each in verdict.printed[:SHOWN]] + [f"and {more} more"] * (more > 0)


def terminal(audit: Audit) -> str:
    """Findings by document, one line each; then the counts."""
    lines = []
    for source, verdicts in audit.documents().items():
        lines.append(text.one_line(audit.title(source)))
        for verdict in verdicts:
            mark = "known " if verdict.outcome == "known" else ""
            lines.append(f"  {verdict.rule} {mark}{text.one_line(verdict.subject)}: {text.one_line(verdict.reason)}")
        lines.append("")
    return "\n".join([*lines, audit.headline() + "."]) + "\n"


def to_markdown(audit: Audit) -> str:
    """One section for each document, one item for each finding; the rules at the end."""
    lines = ["# What the documents alone give away", "", f"{audit.headline()}. Zoo: {marking.escape(audit.zoo)}.", ""]
    for source, verdicts in audit.documents().items():
        url = audit.sources[source].url if source in audit.sources else None
        title = marking.escape(audit.title(source))
        lines += [f"## [{title}]({url})" if url else f"## {title}", ""]
        for verdict in verdicts:
            lines += [*_item(verdict), ""]
    heads, passed = ("rule", "demands", "findings", "accepted", "passed"), []
    for rule, message in audit.messages.items():
        own = [verdict.outcome for verdict in audit.verdicts if verdict.rule == rule]
        counts = (sum(outcome in kinds for outcome in own) for kinds in (FOUND, ("known",), text.GOOD))
        passed.append((rule, marking.escape(message), *map(str, counts)))
    lines += ["## Rules", "", marking.table(heads, passed, right=heads[2:])]
    return "\n".join(lines) + "\n"


def _item(verdict: Verdict) -> Iterable[str]:
    known = " (accepted)" if verdict.outcome == "known" else ""
    yield f"- **{verdict.rule}{known}** {marking.escape(verdict.subject)}: {marking.escape(verdict.reason)}"
    if verdict.printed:
        yield f"  - printed: {'; '.join(marking.escape(each) for each in shown(verdict))}"
    if verdict.arithmetic:
        yield f"  - arithmetic: {marking.escape(verdict.arithmetic)}"
    if verdict.remedy:
        yield f"  - would settle it: {marking.escape(verdict.remedy)}"


def to_html(audit: Audit) -> str:
    """One self-contained page without a script."""
    return html.page("audit.html.j2", audit=audit, shown=shown)


def to_csv(audit: Audit) -> str:
    """One line per verdict, passed ones too."""
    return tables.csv_of(Verdict, audit.verdicts)


def to_json(audit: Audit) -> str:
    """Every verdict; what each rule demands."""
    data = {
        "format": 1,
        "zoo": audit.zoo,
        "rules": dict(audit.messages),
        "verdicts": [verdict.to_json() for verdict in audit.verdicts],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def to_junit(audit: Audit) -> str:
    """One test case per verdict."""
    return junit.suites({"audit": audit.verdicts}, {"zoo": audit.zoo})


FORMATS: dict[str, Callable[[Audit], str]] = {
    "text": terminal,
    "md": to_markdown,
    "html": to_html,
    "csv": to_csv,
    "json": to_json,
    "junit": to_junit,
}
