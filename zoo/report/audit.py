"""An audit as text: terminal, Markdown, HTML, CSV, JSON, JUnit. Pure functions.

The counts of each rule and the largest findings come first. Then each finding is listed under its first source, and
mistakes that are common everywhere come last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from zoo.records import Source, Verdict
from zoo.records.diagnoses import Candidate
from zoo.report import html, importance, junit, tables, text
from zoo.report.markdown import marks

SHOWN = 6  # printed texts of one finding; further ones are counted
FOUND = ("fail", "refuted")
NO_SOURCE = "The checkpoints' own records"
CAUSES = 3  # of one finding, on a terminal
LINE_WIDTH = 100  # characters of one of the largest findings, on a terminal
RIGHT = ("findings", "accepted", "largest", "size", "passed", "by chance")


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found. messages, names: what each rule that ran demands, and what it is called, by its id.

    causes: what may be behind a finding, by its rule and subject.
    """

    zoo: str
    verdicts: tuple[Verdict, ...]
    sources: Mapping[str, Source]
    messages: Mapping[str, str]
    names: Mapping[str, str]
    causes: Mapping[tuple[str, str], tuple[Candidate, ...]] = field(default_factory=dict)

    def causes_of(self, verdict: Verdict) -> tuple[Candidate, ...]:
        """What may be behind a finding, the likelier first."""
        return self.causes.get((verdict.rule, verdict.subject), ())

    def of(self, *outcomes: str) -> list[Verdict]:
        """Verdicts with one of these outcomes."""
        return [verdict for verdict in self.verdicts if verdict.outcome in outcomes]

    def findings(self) -> list[Verdict]:
        """Open and accepted ones, what matters first."""
        return importance.sorted_by_importance(self.of(*FOUND, "known"))

    def documents(self) -> dict[str, list[Verdict]]:
        """Findings by the id of the document they are about, in the order of the sources; without common slips."""
        by_document: dict[str, list[Verdict]] = {}
        for verdict in text.worst_first(self.findings()):
            if not verdict.habit:
                by_document.setdefault(self.source(verdict), []).append(verdict)
        order = [*self.sources, *by_document]
        return dict(sorted(by_document.items(), key=lambda item: order.index(item[0])))

    def source(self, verdict: Verdict) -> str:
        """The document that a verdict is about; empty where that is a checkpoint's own record."""
        return verdict.sources[0] if verdict.sources else ""

    def headline(self) -> str:
        """The counts in one line."""
        findings, known, passed = (len(self.of(*outcomes)) for outcomes in (FOUND, ("known",), text.GOOD))
        documents = len({self.source(verdict) for verdict in self.of(*FOUND)})
        accepted = f", {known} accepted as explained" if known else ""
        apart = len(self.of("not_comparable"))
        return (
            f"{text.counted(findings, 'finding')} in {text.counted(documents, 'document')}{accepted}; "
            f"{text.counted(passed, 'check')} passed" + (f", {apart} not comparable" if apart else "")
        )

    def title(self, source: str) -> str:
        """A document's title."""
        return self.sources[source].title if source in self.sources else source or NO_SOURCE

    def publishers(self, verdict: Verdict) -> list[str]:
        """Who answers for the documents that a verdict is about; a title where nobody is named."""
        known = [self.sources[each] for each in verdict.sources if each in self.sources]
        names = [source.publisher or source.title for source in known]
        return list(dict.fromkeys(names)) or [self.title(self.source(verdict))]

    def about(self, count: importance.Count) -> str:
        """What a rule is called, or the common slip that is counted."""
        return count.habit or self.names.get(count.rule, "")

    def largest(self) -> dict[str, list[Verdict]]:
        """The ten largest findings of each unit of size, by what is measured in it."""
        by_unit = {importance.UNIT_TITLES[unit]: importance.largest(self.of(*FOUND), unit) for unit in importance.UNITS}
        return {title: verdicts for title, verdicts in by_unit.items() if verdicts}


def shown(verdict: Verdict) -> list[str]:
    """Its printed texts, the first few."""
    more = len(verdict.printed) - SHOWN
    return [text.one_line(each) for each in verdict.printed[:SHOWN]] + [f"and {more} more"] * (more > 0)


def possible(causes: Sequence[Candidate], most: int = SHOWN) -> str:
    """Causes in one line: how likely each is and what it is; further ones are counted."""
    said = [f"{each.title} ({each.cause}, {each.certainty})" for each in causes[:most]]
    more = [f"and {len(causes) - most} more"] if len(causes) > most else []
    return "; ".join([*said, *more])


# --- terminal ----------------------------------------------------------------------------------


def terminal(audit: Audit) -> str:
    """How many of each rule and the largest; then findings by document, one line each; then the counts."""
    lines = [*_counted(audit), *_largest(audit)] if audit.findings() else []
    for source, verdicts in audit.documents().items():
        lines += [text.one_line(audit.title(source)), *(line for each in verdicts for line in _lines(audit, each)), ""]
    for habit, verdicts in importance.habits(audit.findings()).items():
        lines += [f"Common everywhere: {habit}", *(f"  {_line(verdict)}" for verdict in verdicts), ""]
    return "\n".join([*lines, audit.headline() + "."]) + "\n"


def _lines(audit: Audit, verdict: Verdict) -> Iterator[str]:
    yield f"  {_line(verdict)}"
    if causes := audit.causes_of(verdict):
        yield f"    possible causes: {text.one_line(possible(causes, most=CAUSES))}"


def _line(verdict: Verdict) -> str:
    mark = "known " if verdict.outcome == "known" else ""
    sentence = f"{text.one_line(verdict.subject)}: {text.one_line(verdict.reason)}"
    return f"{verdict.rule} {mark}{sentence} [{importance.remark(verdict)}]"


def _counted(audit: Audit) -> list[str]:
    rows = [
        (
            str(each.findings), importance.class_name(each.finding_class), f"{each.rule} {audit.about(each)}",
            importance.size(each.largest),
        )
        for each in importance.counts(audit.findings()) if each.findings
    ]  # fmt: skip
    return _columns(("findings", "class", "rule", "largest"), rows, right=(0, 3))


def _largest(audit: Audit) -> list[str]:
    lines = []
    for title, verdicts in audit.largest().items():
        rows = [
            (importance.size(each), text.one_line(f"{each.rule} {each.subject}: {each.reason}", LINE_WIDTH))
            for each in verdicts
        ]
        lines += _columns(("largest", title), rows, right=(0,))
    return lines


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    """Aligned lines and an empty one; nothing where there is no row."""
    if not rows:
        return []
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    return [
        "  ".join(
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    ] + [""]


# --- Markdown ----------------------------------------------------------------------------------


def to_markdown(audit: Audit) -> str:
    """What matters first, then a section for each document, one item for each finding; the rules at the end."""
    lines = ["# What the documents alone give away", "", f"{audit.headline()}. Zoo: {marks.escape(audit.zoo)}.", ""]
    if audit.findings():
        lines += ["## What matters first", "", _count_table(audit), ""]
    for title, verdicts in audit.largest().items():
        lines += [f"### The {len(verdicts)} largest: {title}", "", _largest_table(verdicts), ""]
    for source, verdicts in audit.documents().items():
        lines += [f"## {_linked(audit, source)}", ""]
        for verdict in verdicts:
            lines += [*_item(verdict), *_causes(audit, verdict), ""]
    for habit, verdicts in importance.habits(audit.findings()).items():
        heads, rows = ("size", "finding", "printed", "arithmetic"), [_slip(verdict) for verdict in verdicts]
        lines += [f"## Common everywhere: {marks.escape(habit)}", "", marks.table(heads, rows, right=RIGHT), ""]
    if apart := audit.of("not_comparable"):
        lines += ["## Not comparable", "", NOT_COMPARABLE, ""]
        lines += [*(f"- {_finding(each)}" for each in apart), ""]
    return "\n".join([*lines, "## Rules", "", _rule_table(audit)]) + "\n"


NOT_COMPARABLE = "Figures that differ, as they may: they are documented for different conditions."


def _linked(audit: Audit, source: str) -> str:
    url = audit.sources[source].url if source in audit.sources else None
    title = marks.escape(audit.title(source))
    return f"[{title}]({url})" if url else title


def _count_table(audit: Audit) -> str:
    rows = [
        (
            importance.class_name(each.finding_class), each.rule, marks.escape(audit.about(each)),
            str(each.findings), str(each.accepted or ""), importance.size(each.largest),
        )
        for each in importance.counts(audit.findings())
    ]  # fmt: skip
    return marks.table(("class", "rule", "about", "findings", "accepted", "largest"), rows, right=RIGHT)


def _largest_table(verdicts: Iterable[Verdict]) -> str:
    rows = [(importance.size(each), importance.class_name(each.finding_class), _finding(each)) for each in verdicts]
    return marks.table(("size", "class", "finding"), rows, right=RIGHT)


def _finding(verdict: Verdict) -> str:
    return f"**{verdict.rule}** {marks.escape(verdict.subject)}: {marks.escape(verdict.reason)}"


def _slip(verdict: Verdict) -> tuple[str, str, str, str]:
    printed = "; ".join(map(marks.escape, shown(verdict)))
    return importance.size(verdict), _finding(verdict), printed, marks.escape(verdict.arithmetic)


def _item(verdict: Verdict) -> Iterable[str]:
    known = ", accepted" if verdict.outcome == "known" else ""
    sentence = f"{marks.escape(verdict.subject)}: {marks.escape(verdict.reason)}"
    yield f"- **{verdict.rule}** ({importance.remark(verdict)}{known}) {sentence}"
    if verdict.printed:
        yield f"  - printed: {'; '.join(marks.escape(each) for each in shown(verdict))}"
    if verdict.arithmetic:
        yield f"  - arithmetic: {marks.escape(verdict.arithmetic)}"
    if verdict.remedy:
        yield f"  - would settle it: {marks.escape(verdict.remedy)}"


def _causes(audit: Audit, verdict: Verdict) -> Iterator[str]:
    for each in audit.causes_of(verdict)[:SHOWN]:
        what = f"{marks.escape(each.title)} (`{each.cause}`): {marks.escape(each.evidence)}"
        yield (
            f"  - possible cause, {each.certainty}: {what}"
            if each.certainty != "possible"
            else (f"  - possible cause: {what}")
        )


def _rule_table(audit: Audit) -> str:
    heads = ("rule", "demands", "findings", "accepted", "passed", "by chance")
    rows = []
    for rule, message in audit.messages.items():
        own = [verdict for verdict in audit.verdicts if verdict.rule == rule]
        numbers = (sum(each.outcome in kinds for each in own) for kinds in (FOUND, ("known",), text.GOOD))
        rows.append((rule, marks.escape(message), *map(str, numbers), by_chance(own)))
    return marks.table(heads, rows, right=RIGHT)


def by_chance(verdicts: Sequence[Verdict]) -> str:
    """How many would have passed if their digits were random; nothing where a rule is not about digits."""
    chances = [each.chance for each in verdicts if each.chance is not None]
    return f"{sum(chances):.1f}" if chances else ""


# --- other formats -----------------------------------------------------------------------------


def to_html(audit: Audit) -> str:
    """One self-contained page, which can be filtered; it reads without its script too."""
    findings = audit.findings()
    return html.page(
        "audit.html.j2", "audit.css", "audit.js", audit=audit, findings=findings, shown=shown,
        possible=possible, by_class=importance.by_class(importance.counts(findings)), by_chance=by_chance,
        publishers=sorted({name for each in findings for name in audit.publishers(each)}, key=str.casefold),
        not_comparable=NOT_COMPARABLE,
    )  # fmt: skip


def to_csv(audit: Audit) -> str:
    """One line per verdict, passed ones too."""
    return tables.csv_of(Verdict, audit.verdicts)


def to_json(audit: Audit) -> str:
    """Every verdict; what each rule demands; what may be behind findings."""
    data = {
        "format": 1,
        "zoo": audit.zoo,
        "rules": dict(audit.messages),
        "verdicts": [verdict.to_json() for verdict in audit.verdicts],
        "possible_causes": [
            {"rule": rule, "subject": subject, "causes": [each.to_json() for each in causes]}
            for (rule, subject), causes in audit.causes.items()
        ],
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
