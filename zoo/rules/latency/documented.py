"""Rules L3: documented latencies beside ours. The devices differ, so only ratios between variants can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, log

from zoo import stats
from zoo.documents.formatting import milliseconds, quoted
from zoo.records import Claim, LatencyRun, Verdict
from zoo.rules.base import Evidence, Rule
from zoo.rules.latency import stability
from zoo.rules.latency.published import OWN, SAME_ARCHITECTURE, conditions, nearness, seconds
from zoo.rules.latency.variants import VariantTable, tables
from zoo.runs import medians

SMALLEST_BATCH = 1  # documented latencies are of single images where nothing else is said
ALLOWED_ERROR = 0.05  # chance that orders which have nothing to do with each other seem to agree


class Beside(Rule):
    """A documented latency is shown beside ours of the same network; another device neither confirms nor refutes it."""

    id = "L301"
    topic = "documented_latency"
    unit = "seconds"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """For each documented latency one result a framework, of the file it is about or of what is nearest to that."""
        for claim in evidence.published():
            if claim.metric == "latency":
                for run, distance in _nearest(claim, evidence):
                    yield self._verdict(claim, run, distance)

    def _verdict(self, claim: Claim, run: LatencyRun, distance: int) -> Verdict:
        reason = (
            f"documented {quoted(claim)}: {_theirs(claim)}; here {milliseconds(medians.p50(run))}: {_ours(run)}; "
            f"another device{_remarks(run, distance)}"
        )
        return self.verdict(
            run, "not_comparable", reason,
            claim=claim, documented=seconds(claim), measured=medians.p50(run), n=run.calls, sources=(claim.source,),
        )  # fmt: skip


class Ratios(Rule):
    """The networks of one documented table have the same order of speed here: rank correlation above 0, p <= 0.05."""

    id = "L302"
    topic = "variants"
    unit = "correlation"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each documented column in each framework, batch size and number of threads."""
        columns = tables(evidence.latencies, evidence.published(), evidence.checkpoints)
        known = [table.p_value for table in columns if table.p_value is not None]
        adjusted = iter(stats.holm(known))
        for table in columns:
            yield self._verdict(table, next(adjusted) if table.p_value is not None else None)

    def _verdict(self, table: VariantTable, p_adjusted: float | None) -> Verdict:
        agrees = table.rho is not None and table.p_value is not None and table.rho > 0
        agrees = agrees and table.p_value is not None and table.p_value <= ALLOWED_ERROR
        return self.verdict(
            f"{table.source}@{table.family.framework}/b{table.family.batch_size}t{table.family.threads}",
            "pass" if agrees else "inconclusive",
            _order(table, agrees) + _farthest(table) + _of_what(table),
            checkpoints=tuple(dict.fromkeys(run.checkpoint for run in table.runs)),
            measured=table.rho, n=len(table.points), sources=(table.source,),
            p_value=table.p_value, p_adjusted=p_adjusted,
        )  # fmt: skip


def _nearest(claim: Claim, evidence: Evidence) -> Iterator[tuple[LatencyRun, int]]:
    """Of the results nearest to what a claim is about, one a framework: the one measured most like the document's.

    Of the same architecture alone (a document names no file, or the file was not timed) it is only our fastest, in the
    document's own framework if that was timed.
    """
    near = [
        (distance, run)
        for run in evidence.latencies
        if run.status == "done" and medians.p50(run) > 0
        and (distance := nearness(run, claim, evidence.checkpoints)) is not None
    ]  # fmt: skip
    closest = min((distance for distance, _ in near), default=OWN)
    alike = [run for distance, run in near if distance == closest]
    batch = min(alike, key=lambda run: abs(run.batch_size - (claim.batch or SMALLEST_BATCH)), default=None)
    alike = [run for run in alike if batch is not None and run.batch_size == batch.batch_size]
    if closest == SAME_ARCHITECTURE:
        alike = [run for run in alike if run.framework == claim.framework] or alike
        alike = sorted(_most_alike(alike, claim), key=medians.p50)[:1]
    for framework in dict.fromkeys(run.framework for run in alike):
        own = _most_alike([run for run in alike if run.framework == framework], claim)
        yield min(own, key=medians.p50), closest


def _most_alike(runs: Sequence[LatencyRun], claim: Claim) -> list[LatencyRun]:
    """Those with the number of threads nearest to the documented one, or to one where none is stated."""
    wanted = claim.threads or 1
    gap = min((abs(run.threads - wanted) for run in runs), default=0)
    return [run for run in runs if abs(run.threads - wanted) == gap]


def _theirs(claim: Claim) -> str:
    """As documented, and what of it is not."""
    known = {"machine": claim.device, "batch size": claim.batch, "threads": claim.threads}
    unsaid = [name for name, value in known.items() if not value]
    missing = f"{' and '.join(unsaid)} not stated" if unsaid else ""
    return "; ".join(part for part in (conditions(claim), missing) if part)


def _ours(run: LatencyRun) -> str:
    return (
        f"{run.processor or 'this processor'} in {run.framework}, batch {run.batch_size}, threads {run.threads}, "
        f"{run.precision}"
    )


def _remarks(run: LatencyRun, distance: int) -> str:
    remarks = "; of the same architecture, not of the documented file" if distance == SAME_ARCHITECTURE else ""
    remarks += "; with random weights, as the architecture alone is what is timed" if run.untrained else ""
    return remarks + ("" if stability.obstacle(run) is None else "; ours cannot be quoted either (L101)")


def _order(table: VariantTable, agrees: bool) -> str:
    variants = (
        f"{len(table.points)} variants in {table.family.framework} and on {table.device or 'the documented device'}"
    )
    if table.rho is None or table.p_value is None:
        return f"{variants}: one side's times are all equal, so there is no order"
    order = "the same order" if agrees else "an order that chance may have given" if table.rho > 0 else "another order"
    return f"{variants} come in {order}: rank correlation {table.rho:.2f}, p = {table.p_value:.2g}"


def _farthest(table: VariantTable) -> str:
    """The ratio that departs most, as both sides have it."""
    apart = [abs(log(point.measured / point.documented)) for point in table.points]
    farthest = max(range(len(apart)), key=lambda at: apart[at])
    if exp(apart[farthest]) < 1.005:
        return "; the ratios are the same"
    point = table.points[farthest]
    return (
        f"; the largest departure is {point.label}: documented {point.documented:.3f} of the time of "
        f"{table.points[0].label}, here {point.measured:.3f}"
    )


def _of_what(table: VariantTable) -> str:
    random, sessions = sum(run.untrained for run in table.runs), len({run.session for run in table.runs})
    doubtful = sum(stability.obstacle(run) is not None for run in table.runs)
    remarks = f"; {table.family.publisher}'s networks" + (f" in {table.family.format}" if table.family.format else "")
    remarks += f", {random} of them with random weights" if random else ""
    remarks += f"; timed in {sessions} sessions, in alternation only within each" if sessions > 1 else ""
    return remarks + (f"; {doubtful} of our times cannot be quoted by themselves (L101)" if doubtful else "")
