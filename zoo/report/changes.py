"""What changed between two runs: tables for a terminal, and a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from zoo.documents import formatting
from zoo.records import Run
from zoo.report import html, text
from zoo.report.terminal.console import STYLES, folded, plain
from zoo.report.verdict_rows import is_accuracy
from zoo.runs.changes import Changes, Difference, RunChange, VerdictChange

NAME_WIDTH = 32  # of a run's name on a terminal
NOT_JUDGED = "not judged here: `zoo bench --baseline RUN` is"
SHOWN = 20  # relabelled images of one run on a terminal; the page has all
_DIRECTIONS = {"worsened": "bold red", "improved": "green", "changed": "yellow", "new": "cyan", "gone": "dim"}
_FIELDS = {"top1_correct": "top-1 correct", "top5_correct": "top-5 correct", "images_digest": "image list sha256"}


@dataclass(frozen=True, kw_only=True)
class ChangedRun:
    """A run in words: numbers before and after, what happened to the labels, what else differs."""

    subject: str
    top1: str
    top5: str
    labels: str
    rate: str
    differences: tuple[str, ...]
    stopped: bool


@dataclass(frozen=True, kw_only=True)
class ChangedLatency:
    """A latency run in words: p50 before and after in ms, after by before, what else differs."""

    subject: str
    before: str
    after: str
    ratio: str
    differences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ChangedVerdict:
    """A verdict in words; before and after: (outcome, name)."""

    direction: str
    rule: str
    subject: str
    before: tuple[str, str]
    after: tuple[str, str]
    reason: str


def terminal(changes: Changes) -> Iterator[Table | Text]:
    """Conditions, runs, verdicts, images; the last line says what to do. What is the same is only counted."""
    yield Text(headline(changes) + ".")
    if changes.conditions:
        lines = [(each.field, each.before, each.after) for each in map(_in_words, changes.conditions)]
        yield _table("Conditions", ("condition", "before", "after"), lines)
    runs = [row for row, change in zip(changed_runs(changes), changes.runs, strict=True) if not change.is_the_same]
    if runs:
        cells = [(folded(row.subject, NAME_WIDTH), row.top1, row.top5, row.labels, _lines(row)) for row in runs]
        yield _table("Runs", ("run", "top-1", "top-5", "labels", "also differs"), cells)
    if latencies := changed_latencies(changes):
        heads = ("latency run", "before", "after", "ratio", "also differs")
        cells = [(folded(row.subject, NAME_WIDTH), row.before, row.after, row.ratio, _lines(row)) for row in latencies]
        yield _table(f"Latencies, p50 in ms; {NOT_JUDGED}", heads, cells)
    if verdicts := changed_verdicts(changes):
        yield _table("Verdicts", ("", "rule", "subject", "before", "after"), map(_verdict_cells, verdicts))
    for change in changes.runs:
        if change.labels and change.labels.images:
            yield _images(change)
    yield Text(f"Next: {next_step(changes)}.")


def _lines(row: ChangedRun | ChangedLatency) -> str:
    return "\n".join(row.differences) or text.ABSENT


def headline(changes: Changes) -> str:
    """The counts in one line."""
    directions = [change.direction for change in changes.verdicts]
    counts = [f"{directions.count(kind)} {kind}" for kind in _DIRECTIONS if kind in directions]
    runs = sum(not change.is_the_same for change in changes.runs)
    return (
        f"Verdicts: {', '.join([*counts, f'{changes.stood} as before'])}; {runs} of "
        f"{text.counted(len(changes.runs), 'run')} changed, {text.counted(changes.relabelled, 'label')} differ"
    )


def next_step(changes: Changes) -> str:
    """What to do about the worst change."""
    if changes.worsened:
        return "read what worsened and which condition or label changed with it"
    if any(not change.is_the_same for change in changes.runs) or changes.verdicts:
        return "nothing worsened; read what changed"
    return "nothing changed that is judged here" if changes.latencies else "nothing changed"


def to_html(changes: Changes) -> str:
    """One self-contained page without a script; every relabelled image is on it."""
    return html.page(
        "changes.html.j2",
        changes=changes,
        headline=headline(changes),
        conditions=list(map(_in_words, changes.conditions)),
        runs=list(zip(changed_runs(changes), changes.runs, strict=True)),
        verdicts=changed_verdicts(changes),
        latencies=changed_latencies(changes),
        not_judged=NOT_JUDGED,
        next_step=next_step(changes),
    )


def changed_runs(changes: Changes) -> list[ChangedRun]:
    """The runs of both folders in words, in their order."""
    return [_changed_run(change) for change in changes.runs]


def changed_latencies(changes: Changes) -> list[ChangedLatency]:
    """The latency runs of both folders in words, in their order."""
    return [
        ChangedLatency(
            subject=text.one_line(change.after.subject),
            before=formatting.ms(change.before.p50 or None),
            after=formatting.ms(change.after.p50 or None),
            ratio=text.ABSENT if change.ratio is None else formatting.times(change.ratio),
            differences=_sentences(change.differences),
        )
        for change in changes.latencies
    ]


def changed_verdicts(changes: Changes) -> list[ChangedVerdict]:
    """The verdicts that changed in words, worsened ones first."""
    return [_changed_verdict(change) for change in changes.verdicts]


def _changed_run(change: RunChange) -> ChangedRun:
    before, after = change.before, change.after
    if before is None or after is None:
        differences: tuple[str, ...] = ("only in the second" if before is None else "only in the first",)
    else:
        differences = _sentences(_without_counts(change.differences))
    return ChangedRun(
        subject=text.one_line(change.subject),
        top1=_numbers(before, after, "top1"),
        top5=_numbers(before, after, "top5"),
        labels=_labels(change),
        rate=f"{_rate(before)} → {_rate(after)}",
        differences=differences,
        stopped=change.stopped,
    )


def _without_counts(differences: Sequence[Difference]) -> Sequence[Difference]:
    """Counts of right answers have their own columns; they are repeated only where the number of images changed."""
    fields = {each.field for each in differences}
    own = {"top1_correct", "top5_correct"} if "n" not in fields else set()
    return [each for each in differences if each.field not in own]


def _sentences(differences: Sequence[Difference]) -> tuple[str, ...]:
    """ "threads: 1 → 2" and so on."""
    return tuple(f"{each.field}: {each.before} → {each.after}" for each in map(_in_words, differences))


def _in_words(each: Difference) -> Difference:
    """The name of the field as people call it, and hashes shortened."""
    shorten = each.field in ("sha256", "images_digest", "weights")
    before, after = (text.one_line(value) or text.ABSENT for value in (each.before, each.after))
    if shorten:
        before, after = (value[:12] for value in (before, after))
    return Difference(field=text.one_line(_FIELDS.get(each.field, each.field)), before=before, after=after)


def _share(run: Run | None, metric: str) -> str:
    return text.share(run.correct(metric), run.n) if run and run.status == "done" else text.ABSENT


def _rate(run: Run | None) -> str:
    return text.rate(run.images_per_second) if run else text.ABSENT


def _numbers(before: Run | None, after: Run | None, metric: str) -> str:
    """`73.85`, or `73.85 → 71.20 (-2.65)`."""
    old, new = _share(before, metric), _share(after, metric)
    if old == new:
        return new
    if before and after and text.ABSENT not in (old, new):
        difference = after.correct(metric) / after.n - before.correct(metric) / before.n
        return f"{old} → {new} ({text.points(difference)})"
    return f"{old} → {new}"


def _labels(change: RunChange) -> str:
    if change.labels is None:
        return text.ABSENT
    found = change.labels
    more = f"; {text.counted(found.unshared, 'image')} in one only" if found.unshared else ""
    if found.corrected:
        more = f"; the true class of {text.counted(found.corrected, 'image')} is another one{more}"
    if not found.images:
        return f"all {found.compared} the same{more}"
    answers = f"{found.differ} of {found.compared} differ" if found.differ else f"all {found.compared} answers the same"
    return f"{answers}, {found.gained} gained, {found.lost} lost, p = {found.p:.2g}{more}"


def _changed_verdict(change: VerdictChange) -> ChangedVerdict:
    verdict = change.verdict
    metric = f" {text.METRIC_NAMES[change.claim.metric]}" if is_accuracy(verdict, change.claim) and change.claim else ""
    before, after = (
        (each.outcome, text.outcome_name(each.outcome)) if each else ("", text.ABSENT)
        for each in (change.before, change.after)
    )
    return ChangedVerdict(
        direction=change.direction,
        rule=verdict.rule,
        subject=text.one_line(verdict.subject) + metric,
        before=before,
        after=after,
        reason=text.one_line(verdict.reason),
    )


def _verdict_cells(row: ChangedVerdict) -> tuple[str | Text, ...]:
    before, after = (Text(words, style=STYLES.get(outcome, "")) for outcome, words in (row.before, row.after))
    return Text(row.direction, style=_DIRECTIONS[row.direction]), row.rule, row.subject, before, after


def _images(change: RunChange) -> Table:
    assert change.labels is not None
    images = change.labels.images
    lines = [(each.image, each.truth, each.before, each.after, each.effect) for each in images[:SHOWN]]
    more = f"; {len(images) - SHOWN} more are on the page that --html writes" if len(images) > SHOWN else ""
    title = f"Labels of {text.one_line(change.subject)}{more}"
    return _table(title, ("image", "true class", "before", "after", "effect"), lines)


def _table(title: str, heads: Sequence[str], lines: Iterable[Sequence[str | Text]]) -> Table:
    """A plain table in which every cell may take several lines."""
    result = plain(heads, (), heads, title)
    for line in lines:
        result.add_row(*(Text(text.clean(cell)) if isinstance(cell, str) else cell for cell in line))
    return result
