"""All rules over all evidence; what the outcomes mean for the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zoo import stats
from zoo.ending.exit_codes import DEVIATES, NOT_RUN, OK
from zoo.records import Deviation, LatencyRun, Run, SampleRun, Verdict
from zoo.rules import deviations
from zoo.rules.accuracy import Top1, Top5
from zoo.rules.base import Evidence, Rule
from zoo.rules.claims import (
    architecture,
    attainable,
    conversions,
    facts,
    loose,
    order,
    recovered,
    relations,
    repeated,
    same_bytes,
    same_name,
    schedules,
    sizes,
)
from zoo.rules.files import provenance, static
from zoo.rules.files.saturation import Saturation
from zoo.rules.latency.baseline import Baseline
from zoo.rules.latency.documented import Beside, Ratios
from zoo.rules.latency.quotable import KeptConditions, Quotable, SameAnswers
from zoo.rules.latency.ranked import Ranked
from zoo.rules.nonsense.makes_sense import MakesSense
from zoo.rules.pairs.image_by_image import ClaimedLoss, Converted, Frameworks, Recipes
from zoo.rules.pairs.same_answers import SameLabels, SameScores
from zoo.rules.populations import NamedPopulation
from zoo.rules.samples import SampleAnswers

PAIR_RULES: tuple[Rule, ...] = (Frameworks(), Converted(), ClaimedLoss(), Recipes())

# Rules P and S: files. BYTES need no more than the bytes, the others what an adapter measures in them.
BYTES: tuple[Rule, ...] = (provenance.PublishedHash(), provenance.PublishedSize())
FILE_RULES: tuple[Rule, ...] = (
    *BYTES, provenance.Ports(), provenance.Opset(),
    static.Parameters(), static.MultiplyAdds(), static.AsBuilt(), static.Operators(),
    Saturation(),
)  # fmt: skip

# Rules L: what a bench measured.
LATENCY_RULES: tuple[Rule, ...] = (
    Quotable(), SameAnswers(), KeptConditions(), Ranked(), Beside(), Ratios(), Baseline(),
)  # fmt: skip

# What a run is judged by.
RULES: tuple[Rule, ...] = (
    SampleAnswers(), Top1(), Top5(), NamedPopulation(), MakesSense(), SameLabels(), SameScores(),
    *PAIR_RULES, *FILE_RULES, *LATENCY_RULES,
)  # fmt: skip

# Rules C: documents alone. They need no run, so they are the audit's and not part of a run's verdicts.
CLAIM_RULES: tuple[Rule, ...] = (
    attainable.Attainable(), recovered.Counted(), recovered.WholeBatches(),
    order.TopFive(), order.Complements(), order.WiderIsMore(), order.OnePrecision(),
    same_bytes.SameBytes(), same_bytes.SameWeights(), same_bytes.ConvertedWeights(), repeated.Repeated(),
    loose.Remeasured(), loose.OtherFigure(), same_name.OneContent(), same_name.OneFile(),
    architecture.Parameters(), architecture.Operations(), architecture.OneWay(), architecture.Departs(),
    architecture.Labels(), sizes.FileSize(),
    relations.WithinLimit(), relations.QuantisedLoss(), relations.Quotation(), relations.ComparedAlike(),
    conversions.ConvertedConstants(), conversions.OneRecipe(), conversions.KeptShare(),
    schedules.CosineLog(), schedules.StepCount(), facts.OneAnswer(),
)  # fmt: skip


def judge(evidence: Evidence, rules: Sequence[Rule] = RULES) -> list[Verdict]:
    """Verdicts of every rule, in the order of the rules, then of the runs; then those on known deviations.

    Of a deviation's subjects only those of the runs and latencies are in scope, where there are any: they are not a
    whole zoo.
    """
    verdicts = _adjusted([verdict for rule in rules for verdict in rule.judge(evidence)])
    runs: list[Run | LatencyRun | SampleRun] = [*evidence.runs, *evidence.latencies, *evidence.samples]
    measured = [run.subject for run in runs]
    accepted = [deviation for deviation in evidence.deviations if _looked_at(deviation, evidence)]
    return deviations.apply(verdicts, accepted, [rule.id for rule in rules], measured or None)


def _looked_at(deviation: Deviation, evidence: Evidence) -> bool:
    """Whether a deviation of a file can show: the file is here, and was measured where that is needed."""
    if deviation.rule not in [rule.id for rule in FILE_RULES]:
        return True
    bytes_alone = deviation.rule in [rule.id for rule in BYTES]
    return any(
        inspection.subject == deviation.subject and (bytes_alone or inspection.measured is not None)
        for inspection in evidence.inspections
    )


def _adjusted(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Verdicts on samples with their p-values after Holm, beside the plain ones; pairs bring theirs."""
    places = [at for at, each in enumerate(verdicts) if each.p_value is not None and each.p_adjusted is None]
    result = list(verdicts)
    adjusted = stats.holm([verdicts[at].p_value or 0.0 for at in places])
    for at, p_adjusted in zip(places, adjusted, strict=True):
        result[at] = verdicts[at].changed(p_adjusted=p_adjusted)
    return result


def exit_code(
    runs: Iterable[Run],
    verdicts: Iterable[Verdict],
    latencies: Iterable[LatencyRun] = (),
    samples: Iterable[SampleRun] = (),
) -> int:
    """3 if something asked for could not be run, else 1 if something is refuted or failed, else 0."""
    asked: list[Run | LatencyRun | SampleRun] = [*runs, *latencies, *samples]
    if any(run.status != "done" for run in asked):
        return NOT_RUN
    if any(verdict.outcome in ("refuted", "fail") for verdict in verdicts):
        return DEVIATES
    return OK
