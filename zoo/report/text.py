"""Numbers and outcomes as text for reports; what the rules' sentences also use is in `zoo.documents.formatting`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence

from zoo.documents import formatting
from zoo.documents.formatting import ABSENT as ABSENT
from zoo.documents.formatting import counted as counted
from zoo.documents.formatting import percent as percent
from zoo.records import Claim, Conditions, LatencyRun, MoreLabels, Outcome, Recognition, Report, Run, SampleRun, Verdict

# Worst first: the order in which outcomes are counted and listed.
OUTCOMES: tuple[Outcome, ...] = (
    "refuted", "fail", "not_run", "inconclusive", "not_comparable", "known", "confirmed", "pass",
)  # fmt: skip
GOOD: frozenset[Outcome] = frozenset({"confirmed", "pass"})
METRIC_NAMES = {
    "top1": "top-1", "top5": "top-5", "size": "size", "parameters": "parameters",
    "multiply_adds": "multiply-adds", "gflops": "operations", "latency": "latency",
}  # fmt: skip
STAGES = {"geometry": "decode, resize, crop", "numeric": "pixels to the network's input"}
POPULATIONS = {
    "full": "the full set",
    "random_sample": "a random sample",
    "other": "not the documented images",
}

_BYTES = {
    "": "",
    "digest": "; labels and all bytes verified",
    "archive": "; labels verified, all bytes by the published hash of the archive",
    "known_images": "; labels verified, bytes only of {images}",
    "nothing": "; labels verified, bytes not verified",
}

ESTIMATED = "≈"  # before a number that is no share of the images that were seen

# ANSI sequences; then control characters (not tab, newline), bidirectional overrides, what XML cannot hold.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def clean(text: str) -> str:
    r"""Text that can neither steer a terminal nor break XML; newlines and tabs stay.

    >>> clean("\x1b[31mred\x1b[0m\x00")
    'red'
    """
    return _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def one_line(text: str, limit: int | None = None) -> str:
    """`clean`, with every stretch of white space as one space, cut after `limit` characters."""
    line = " ".join(clean(text).split())
    return line if limit is None or len(line) <= limit else line[: limit - 4].rstrip() + " ..."


def first_line(text: str, limit: int = 300) -> str:
    """The first line of a text that says something: an error's message without the traceback under it."""
    lines = [line for line in clean(text).splitlines() if line.strip()]
    return one_line(lines[0], limit) if lines else ""


def accuracy(run: Run, metric: str) -> str:
    """A finished run's top1 or top5 in percent: "71.88"; "≈71.88" where it is estimated, as images were drawn."""
    if not run.n:
        return ABSENT
    return ESTIMATED * run.is_estimated + percent(run.accuracy(metric))


def points(difference: float) -> str:
    """A difference of two fractions in percentage points, signed unless it rounds to nothing: "+0.12"."""
    text = percent(difference)
    if text in ("0.00", "-0.00"):
        return "0.00"
    return text if text.startswith(("-", ABSENT)) else f"+{text}"


def rate(per_second: float) -> str:
    """Three digits at least: 390.2 is "390", 8.125 is "8.12"."""
    if per_second <= 0:
        return ABSENT
    decimals = 0 if per_second >= 100 else 1 if per_second >= 10 else 2
    return f"{per_second:.{decimals}f}"


def outcome_name(outcome: str) -> str:
    """`not_comparable` is "not comparable"."""
    return outcome.replace("_", " ")


def printed(claim: Claim) -> str:
    """The documented text; accuracies in percent with the digits that were printed."""
    if not claim.is_accuracy:
        return f"{claim.value} {claim.unit}"
    if claim.unit == "percent":
        return claim.value
    return percent(claim.number(), max(0, claim.decimals - (0 if claim.unit.startswith("percent") else 2)))


def is_nonsense(verdict: Verdict) -> bool:
    """Whether a verdict says that a run's answers make no sense."""
    return verdict.topic == "nonsense" and verdict.outcome == "fail"


# The unit of a verdict's numbers -> how they are shown.
_SHOWN: dict[str, Callable[[float], str]] = {
    "fraction": percent,
    "points": lambda value: f"{points(value)} points",
    "share": lambda value: f"{percent(value)} %",
    "cores": lambda value: f"{value:.2f} cores",
    "correlation": lambda value: f"rho {value:.3f}",
    "ratio": formatting.times,
    "seconds": formatting.precise_milliseconds,
}


def quantity(value: float | None, verdict: Verdict, claim: Claim | None) -> str:
    """A verdict's number in its unit, or in the claim's: percent for accuracies, ms for latencies, × for ratios."""
    if value is None:
        return ABSENT
    unit = verdict.unit or ("" if claim is None else "fraction" if claim.is_accuracy else claim.unit)
    return _SHOWN[unit](value) if unit in _SHOWN else f"{value:g} {unit}".rstrip()


def documented(verdict: Verdict, claim: Claim | None) -> str:
    """What was documented, as printed where the claim is at hand."""
    if verdict.documented is None and verdict.claim_id is None:
        return ABSENT
    return printed(claim) if claim and verdict.unit != "points" else quantity(verdict.documented, verdict, claim)


def metric(claim: Claim | None) -> str:
    """What a claim is about; nothing without one."""
    return METRIC_NAMES[claim.metric] if claim else ""


def images(verdict: Verdict) -> str:
    """How many images a verdict is from."""
    return ABSENT if verdict.n is None else str(verdict.n)


def interval(verdict: Verdict, claim: Claim | None) -> str:
    """The interval around the measured value: "[66.10, 70.20]"; nothing where it is that value alone."""
    if verdict.low is None or verdict.high is None or verdict.low == verdict.high:
        return ABSENT
    return f"[{quantity(verdict.low, verdict, claim)}, {quantity(verdict.high, verdict, claim)}]"


def chance(p_value: float | None) -> str:
    """A p-value with two digits; "0.62", "4e-05"."""
    return ABSENT if p_value is None else f"{p_value:.2g}"


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Sorted by outcome, nonsense before all as it explains the others; equal outcomes keep their order."""
    return sorted(verdicts, key=lambda verdict: (not is_nonsense(verdict), OUTCOMES.index(verdict.outcome)))


def outcome_counts(verdicts: Iterable[Verdict]) -> dict[Outcome, int]:
    """How many of each outcome that occurs, worst first."""
    outcomes = [verdict.outcome for verdict in verdicts]
    return {outcome: outcomes.count(outcome) for outcome in OUTCOMES if outcome in outcomes}


def has_runs(report: Report) -> bool:
    """Whether runs are shown, though there may be none: not of a bench, nor where sample answers alone were asked."""
    return bool(report.runs) or not (report.latencies or report.samples)


def not_done(report: Report) -> list[Run | LatencyRun | SampleRun]:
    """Runs, latency runs and sample answers that failed or could not be started."""
    runs: list[Run | LatencyRun | SampleRun] = [*report.samples, *report.runs, *report.latencies]
    return [run for run in runs if run.status != "done"]


def headline(report: Report) -> str:
    """The counts: "1 refuted, 4 confirmed; 1 of 6 runs could not be done"."""
    counts = outcome_counts(report.verdicts)
    verdicts = ", ".join(f"{number} {outcome_name(outcome)}" for outcome, number in counts.items())
    samples = [_how_many("sample answer", report.samples)] if report.samples else []
    runs = [_how_many("run", report.runs)] if has_runs(report) else []
    latencies = [_how_many("latency run", report.latencies)] if report.latencies else []
    return "; ".join([verdicts or "no verdicts", *samples, *runs, *latencies])


def _how_many(noun: str, runs: Sequence[Run | LatencyRun | SampleRun]) -> str:
    failed = sum(run.status != "done" for run in runs)
    return f"{failed} of {counted(len(runs), noun)} could not be done" if failed else counted(len(runs), noun)


def other_labels(run: Run) -> str:
    """Behind a run's name, by which labels its answers were counted again: " (imagenet_real)"; else ""."""
    return f" ({one_line(run.population_id or 'other labels')})" if run.recounts else ""


def images_of(report: Report) -> str:
    """What was looked at, by every part of a merged report."""
    parts = [part.conditions for part in report.parts] or [report.conditions]
    return "; ".join(dict.fromkeys(images_sentence(conditions) for conditions in parts))


def images_sentence(conditions: Conditions) -> str:
    """What was looked at and how it was recognised: "500 images of shapes (a random sample of shapes_test; ...)"."""
    if not conditions.images:
        return "No images, so no accuracy was measured"
    how, second = conditions.recognition, conditions.more_labels
    twice = f"; {copies(how)}" if how.copies else ""
    again = f"; counted again by {second.label_file} ({_known(second)})" if second else ""
    images = counted(conditions.images, "image")
    return one_line(f"{images} of {conditions.image_set} ({_known(conditions)}){twice}{again}")


def _known(labelled: Conditions | MoreLabels) -> str:
    """What the images are with these labels, how that was found out, and how many are left out of the count."""
    how, known = labelled.recognition, POPULATIONS[labelled.population]
    if labelled.population == "other":
        known += f": {how.doubt}" if how.doubt else ""
    else:
        known += f" of {labelled.population_id}" if labelled.population_id else ""
        known += _BYTES[how.bytes_by].format(images=counted(how.known_images, "image"))
    if not how.without_class:
        return known
    left = "image of the whole set has" if how.without_class == 1 else "images of the whole set have"
    return f"{known}; {how.without_class:,} {left} no right class and are not counted"


def copies(how: Recognition) -> str:
    """How many images of the whole set have the bytes of another one."""
    are = "image is a copy" if how.copies == 1 else "images are copies"
    relabelled = f", {how.copies_relabelled:,} of them with another label" if how.copies_relabelled else ""
    return f"{how.copies:,} {are} of another one{relabelled}"


def doubtful_images(report: Report) -> str:
    """`images_of` where there is something to doubt in the images, and "" where there is nothing."""
    parts = [part.conditions for part in report.parts] or [report.conditions]
    hows = [conditions.recognition for conditions in parts]
    second = any(conditions.more_labels for conditions in parts)
    odd = second or any(_is_odd(how) for how in hows)
    return images_of(report) if odd else ""


def _is_odd(how: Recognition) -> bool:
    return bool(how.doubt or how.copies or how.without_class or how.bytes_by in ("known_images", "nothing"))


def listed(names: Sequence[str], limit: int = 3) -> str:
    """`a, b, c and 4 more`."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def next_step(report: Report) -> str:
    """What to do about the worst thing in the report."""
    accuracy = outcome_counts(verdict for verdict in report.verdicts if not verdict.is_latency)
    latency = outcome_counts(verdict for verdict in report.verdicts if verdict.is_latency)
    if any(is_nonsense(verdict) for verdict in report.verdicts):
        return f"find out why answers are nonsense ({_cause(report)}); no number of such a run counts"
    if "refuted" in accuracy or "fail" in accuracy:
        return (
            f"read what was refuted and why ({_cause(report)}); a deviation that is understood goes, with its reason, "
            "into known_deviations.toml"
        )
    if "fail" in latency:
        return _after_failed_bench(report)
    if not_done(report) or "not_run" in (accuracy | latency):
        return _after_failed_runs(report)
    steps = []
    if "inconclusive" in accuracy:
        steps.append("repeat with more images (`--sample N`; `--sample auto` stops once every claim is decided)")
    if any(verdict.outcome == "inconclusive" for verdict in report.verdicts if verdict.topic in _MORE_TIME):
        steps.append("repeat the bench on a quiet machine, or with more time for each cell (`--budget SECONDS`)")
    if report.samples and not report.runs and not steps:
        return "to have documented accuracies validated too, give images (`--images PATH`)"
    if not steps and "not_comparable" in accuracy:
        return "to have these numbers judged, give what their reasons miss: images (`--images PATH`), recipe"
    return "; ".join(steps) or "nothing to mend"


def _cause(report: Report) -> str:
    """Where the cause stands, or what looks for it."""
    if any(diagnosis.candidates for diagnosis in report.diagnoses):
        return "the section “Why” has the causes, best first"
    return "“Why” has what was looked at" if report.diagnoses else "`zoo diagnose RUN` looks for the cause"


def _after_failed_runs(report: Report) -> str:
    """One piece of advice for each cause: `zoo doctor`, for instance, cannot help where a network gave NaN."""
    causes = {run.cause for run in not_done(report)}
    zoo = report.conditions.zoo
    doctor = "zoo doctor" if zoo == "embedded" or report.parts else shlex.join(["zoo", "doctor", "--zoo", zoo])
    advice = {
        "setup": f"run `{doctor}` and mend what it names",
        "record": "correct the checkpoint's record or the recipe, as the error says",
        "answers": "look at the file and the numeric steps of the network whose scores are of no use",
        "framework": "read what the framework said (report.html, “Could not be run”)",
        "interrupted": "complete what was interrupted",
    }
    steps = [words for cause, words in advice.items() if cause in causes]
    unfinished = any(run.status != "done" for run in report.runs)
    again = "repeat the command" + ("; finished runs are reused" if unfinished else "")
    return "; ".join([*(steps or ["read what could not be run and why, and mend it"]), again])


_MORE_TIME = ("quotable_latency", "ranking", "baseline")  # of these a longer bench, or a quieter machine, may decide


def _after_failed_bench(report: Report) -> str:
    """What to do depends on whether a check failed, so that a time counts for nothing, or a time only became longer."""
    failed = {verdict.topic for verdict in report.verdicts if verdict.is_latency and verdict.outcome == "fail"}
    if failed == {"baseline"}:
        return "read which ratio grew, and repeat the bench before you look for the cause"
    return "read which check failed; the times it speaks of are not to be quoted"
