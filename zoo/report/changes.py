"""What changed between two runs: tables for a terminal, and a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.table import Table
from rich.text import Text

from zoo.documents import formatting
from zoo.records import Run, Verdict
from zoo.report import html, text
from zoo.report.terminal.console import STYLES, folded, plain
from zoo.report.verdict_rows import is_accuracy
from zoo.runs import medians
from zoo.runs.changes import Changes, Difference, LatencyChange, RunChange, VerdictChange

NAME_WIDTH = 32  # of a run's name on a terminal
NOT_JUDGED = "not judged here: `zoo bench --baseline RUN` is"
SHOWN = 20  # relabelled images of one run on a terminal; the page has all
_DIRECTIONS = {"worsened": "bold red", "improved": "green", "changed": "yellow", "new": "cyan", "gone": "dim"}
_FIELDS = {"top1_correct": "top-1 correct", "top5_correct": "top-5 correct", "images_digest": "image list sha256"}


def terminal(changes: Changes) -> Iterator[Table | Text]:
    """Conditions, runs, verdicts, images; the last line says what to do. What is the same is only counted."""
    yield Text(headline(changes) + ".")
    if changes.conditions:
        lines = [(each.field, each.before, each.after) for each in map(_in_words, changes.conditions)]
        yield _table("Conditions", ("condition", "before", "after"), lines)
    if runs := [change for change in changes.runs if not change.is_the_same]:
        cells = [
            (_folded(change), numbers(change, "top1"), numbers(change, "top5"), labels(change), _lines(change))
            for change in runs
        ]
        yield _table("Runs", ("run", "top-1", "top-5", "labels", "also differs"), cells)
    if changes.latencies:
        heads = ("latency run", "before", "after", "ratio", "also differs")
        timed = [(_folded(change), *times(change), _lines(change)) for change in changes.latencies]
        yield _table(f"Latencies, p50 in ms; {NOT_JUDGED}", heads, timed)
    if changes.verdicts:
        yield _table("Verdicts", ("", "rule", "subject", "before", "after"), map(_verdict_cells, changes.verdicts))
    for change in changes.runs:
        if change.labels and change.labels.images:
            yield _images(change)
    yield Text(f"Next: {next_step(changes)}.")


def _folded(change: RunChange | LatencyChange) -> Text:
    return folded(text.one_line(change.subject), NAME_WIDTH)


def _lines(change: RunChange | LatencyChange) -> str:
    return "\n".join(also_differs(change)) or text.ABSENT


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
        numbers=numbers, rate=rate, labels=labels, times=times, also_differs=also_differs, subject=subject,
        not_judged=NOT_JUDGED,
        next_step=next_step(changes),
    )  # fmt: skip


def also_differs(change: RunChange | LatencyChange) -> list[str]:
    """ "threads: 1 → 2" and so on; counts of right answers, which have columns, only with the number of images.

    Counts of images that a reference drew are never shown side by side with others.
    """
    if change.before is None or change.after is None:
        return ["only in the second" if change.before is None else "only in the first"]
    fields = {each.field for each in change.differences}
    estimated = isinstance(change, RunChange) and any(
        run is not None and run.is_estimated for run in (change.before, change.after)
    )
    in_columns = () if "n" in fields and not estimated else ("top1_correct", "top5_correct")
    worded = [_in_words(each) for each in change.differences if each.field not in in_columns]
    return [f"{each.field}: {each.before} → {each.after}" for each in worded]


def _in_words(each: Difference) -> Difference:
    """The name of the field as people call it, and hashes shortened."""
    shorten = each.field in ("sha256", "images_digest", "weights")
    before, after = (text.one_line(value) or text.ABSENT for value in (each.before, each.after))
    if shorten:
        before, after = (value[:12] for value in (before, after))
    return Difference(field=text.one_line(_FIELDS.get(each.field, each.field)), before=before, after=after)


def _share(run: Run | None, metric: str) -> str:
    return text.accuracy(run, metric) if run and run.status == "done" else text.ABSENT


def rate(run: Run | None) -> str:
    """Images per second."""
    return text.rate(run.images_per_second) if run else text.ABSENT


def numbers(change: RunChange, metric: str) -> str:
    """Percent: `73.85`, or `73.85 → 71.20 (-2.65)`; `≈` where it is estimated, as a reference drew the images."""
    before, after = change.before, change.after
    old, new = _share(before, metric), _share(after, metric)
    if old == new:
        return new
    if before and after and text.ABSENT not in (old, new):
        difference = text.points(after.accuracy(metric) - before.accuracy(metric))
        estimated = text.ESTIMATED * (before.is_estimated or after.is_estimated)
        return f"{old} → {new} ({estimated}{difference})"
    return f"{old} → {new}"


def times(change: LatencyChange) -> tuple[str, str, str]:
    """p50 before and after in ms, and after by before."""
    before, after = (formatting.ms(medians.p50(run) or None) for run in (change.before, change.after))
    return before, after, text.ABSENT if change.ratio is None else formatting.times(change.ratio)


def labels(change: RunChange) -> str:
    """How many labels differ, and what that means for the score."""
    if change.labels is None:
        return text.ABSENT
    shared = change.labels
    more = f"; {text.counted(shared.unshared, 'image')} in one only" if shared.unshared else ""
    if shared.corrected:
        more = f"; the true class of {text.counted(shared.corrected, 'image')} is another one{more}"
    if not shared.images:
        return f"all {shared.compared} the same{more}"
    answers = (
        f"{shared.differ} of {shared.compared} differ" if shared.differ else f"all {shared.compared} answers the same"
    )
    chance = "no p, as a reference drew the images" if shared.p is None else f"p = {shared.p:.2g}"
    return f"{answers}, {shared.gained} gained, {shared.lost} lost, {chance}{more}"


def subject(change: VerdictChange) -> str:
    """What a verdict is about, with the metric of a documented accuracy."""
    verdict, claim = change.verdict, change.claim
    metric = f" {text.METRIC_NAMES[claim.metric]}" if claim and is_accuracy(verdict, claim) else ""
    return text.one_line(verdict.subject) + metric


def _verdict_cells(change: VerdictChange) -> tuple[str | Text, ...]:
    direction = Text(change.direction, style=_DIRECTIONS[change.direction])
    return direction, change.verdict.rule, subject(change), _outcome(change.before), _outcome(change.after)


def _outcome(verdict: Verdict | None) -> Text:
    if verdict is None:
        return Text(text.ABSENT)
    return Text(text.outcome_name(verdict.outcome), style=STYLES.get(verdict.outcome, ""))


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
