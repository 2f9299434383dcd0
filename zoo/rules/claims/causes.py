"""Why documents may contradict each other: causes that fit a finding, from the documents alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from zoo.documents.formatting import quoted, with_unit
from zoo.records import Checkpoint, Claim, Recipe, ResizeExact, Verdict
from zoo.records.diagnoses import Candidate, Certainty
from zoo.records.statements import Preprocessing
from zoo.rules.base import Evidence
from zoo.rules.claims import contents
from zoo.rules.claims.base import exact
from zoo.rules.claims.recipe_steps import affine, in_words, kept_side, placement
from zoo.rules.claims.settings import compare
from zoo.rules.files.saturation import can_saturate, weights

ACCURACIES = ("C201", "C203", "C205")  # rules whose findings are about several accuracies of one network
RECIPES = "C602"
TELLING = 2  # digits after the point of a percentage, from which on equal figures are not by chance
SMALL = 3  # times the tolerance that two image libraries may be apart
SATURATES, CUTTING = "S105", ("onnxruntime", "openvino")  # the rule, and frameworks that cut sums off as shipped
# docs/arithmetic.md: 1,000 images through mobilenetv2-12-int8.onnx, ONNX Runtime's defaults without VNNI.
CUT_OFF, UNCUT = 75.80, 82.70
_LATER = re.compile(r"\breplaced on\b|\bolder figure\b|\bwithdrawn\b")  # in the note of a claim


def possible_causes(verdict: Verdict, evidence: Evidence) -> tuple[Candidate, ...]:
    """Causes that fit a finding of the rules on one set of weights or on one recipe, the likelier first; else none."""
    if verdict.outcome not in ("fail", "refuted", "known"):
        return ()
    found: list[Candidate] = []
    if verdict.rule in ACCURACIES:
        claims = [claim for claim in evidence.claims if claim.is_accuracy and quoted(claim) in verdict.printed]
        found = [*_of_accuracies(claims, evidence)] if len(claims) > 1 else []
    elif verdict.rule == RECIPES:
        found = [*_of_recipes(verdict.subject, evidence)]
    order = ("shown", "likely", "possible")
    each = {(candidate.cause, candidate.title): candidate for candidate in found}
    return tuple(sorted(each.values(), key=lambda candidate: order.index(candidate.certainty)))


def _of_accuracies(claims: Sequence[Claim], evidence: Evidence) -> Iterator[Candidate]:
    involved = _involved(claims, evidence)
    yield from _saturated(claims, involved, evidence)
    yield from _superseded(claims)
    yield from _copied(claims, evidence)
    yield from _other_images(claims, evidence)
    yield from _moving_averages(claims, involved)
    yield from _cut_off(claims, evidence)
    yield from _library(claims, involved, evidence)
    recipes = [recipe for each in involved for recipe in _recipes(each, evidence)]
    yield from _of_steps(recipes)
    yield from _unstated(claims, involved)


def _involved(claims: Sequence[Claim], evidence: Evidence) -> list[Checkpoint]:
    """The checkpoints that claims are about, and their originals."""
    own = [evidence.checkpoints[claim.checkpoint] for claim in claims if claim.checkpoint in evidence.checkpoints]
    originals = [evidence.checkpoints.get(each.converted_from or "") for each in own]
    return list({each.id: each for each in (*own, *originals) if each is not None}.values())


def _widest(claims: Sequence[Claim]) -> tuple[Claim, Claim]:
    """The lowest and the highest figure."""
    ordered = sorted(claims, key=exact)
    return ordered[0], ordered[-1]


# --- figures that are about something else -------------------------------------------------------


def _saturated(claims: Sequence[Claim], involved: Sequence[Checkpoint], evidence: Evidence) -> Iterator[Candidate]:
    """Sums of byte products that a processor without VNNI cuts off."""
    low, high = _widest(claims)
    for checkpoint in involved:
        certainty, why = _saturates(checkpoint, evidence)
        if checkpoint.id == low.checkpoint and why:
            yield Candidate(
                cause="repeat.saturation", certainty=certainty, title="a processor without VNNI, which cuts sums off",
                evidence=f"{with_unit(low)} is {float(exact(high) - exact(low)):.2f} points below {with_unit(high)}; "
                f"with cut-off sums mobilenetv2-12-int8.onnx was {UNCUT - CUT_OFF:.2f} points lower ({CUT_OFF:.2f} in "
                f"place of {UNCUT:.2f} % of 1,000 images); {why}",
                change="exact sums: zoo validate --arithmetic exact",
                command=f"zoo validate --checkpoints {checkpoint.id} --arithmetic as-shipped --images PATH",
            )  # fmt: skip


def _saturates(checkpoint: Checkpoint, evidence: Evidence) -> tuple[Certainty, str]:
    """How likely a file's sums can be cut off, and what says so: the file, a known deviation, its record; else ""."""
    for inspection in evidence.inspections:
        if inspection.checkpoint == checkpoint.id and inspection.measured is not None:
            pairs = inspection.measured.byte_pairs
            return ("likely", weights(pairs)) if can_saturate(pairs) else ("possible", "")
    for each in evidence.deviations:
        if each.rule == SATURATES and each.subject.partition("@")[0] == checkpoint.id:
            return "likely", each.reason
    if checkpoint.quantised and checkpoint.framework in CUTTING:
        return "possible", f"{checkpoint.id} computes in integers; whether its weights have 8 bits, the file would tell"
    return "possible", ""


def _copied(claims: Sequence[Claim], evidence: Evidence) -> Iterator[Candidate]:
    """A figure that is printed for another network too, to two digits at least."""
    for claim in filter(_tells, claims):
        twins = [other for other in evidence.published() if _is_twin(claim, other, evidence)]
        for name, both in sorted({twin.checkpoint: _also(claim, twin, evidence) for twin in twins}.items())[:2]:
            original = evidence.checkpoints[claim.checkpoint].converted_from == name
            yield Candidate(
                cause="documents.figure_of_original" if original else "documents.copied",
                certainty="likely" if both else "possible",
                title=f"{with_unit(claim)} is the figure of {'the original, ' * original}{name}",
                evidence=f"{quoted(claim)} is printed for {name} too{', and so is the other accuracy' if both else ''}",
            )  # fmt: skip


def _tells(claim: Claim) -> bool:
    """Whether a figure has so many digits that two networks have it in common by copying rather than by chance."""
    return claim.decimals >= TELLING + 2 * (not claim.unit.startswith("percent"))


def _is_twin(claim: Claim, other: Claim, evidence: Evidence) -> bool:
    """Whether two claims print one figure for different weights."""
    own, its = (evidence.checkpoints.get(each.checkpoint) for each in (claim, other))
    if own is None or its is None or not _tells(other) or exact(claim) != exact(other):
        return False
    if (claim.metric, claim.population) != (other.metric, other.population):
        return False
    same = contents.same(own, its) is not False or (own.weights and own.weights == its.weights)
    related = own.converted_from == its.id or its.converted_from == own.id
    return not same and (not related or own.quantised is True)


def _also(claim: Claim, twin: Claim, evidence: Evidence) -> bool:
    """Whether the other accuracy beside each is one figure too."""
    beside = [
        {exact(each) for each in evidence.published()
         if each.checkpoint == one.checkpoint and each.is_accuracy and each.metric != one.metric}
        for one in (claim, twin)
    ]  # fmt: skip
    return bool(beside[0] & beside[1])


def _other_images(claims: Sequence[Claim], evidence: Evidence) -> Iterator[Candidate]:
    for claim in claims:
        for other in evidence.published():
            same = other.checkpoint == claim.checkpoint and other.metric == claim.metric and claim.checkpoint
            if same and other.population != claim.population and exact(other) == exact(claim):
                yield Candidate(
                    cause="documents.other_images", certainty="likely",
                    title=f"{with_unit(claim)} is the figure for other images",
                    evidence=f"{quoted(other)} is printed for {other.population}",
                )  # fmt: skip


def _superseded(claims: Sequence[Claim]) -> Iterator[Candidate]:
    """Figures of which the record says that a later one took their place."""
    for claim in claims:
        if _LATER.search(claim.note):
            yield Candidate(
                cause="documents.superseded", certainty="likely",
                title=f"{with_unit(claim)} is an earlier figure, of another evaluation or of other weights",
                evidence=f"{quoted(claim)}: {claim.note}",
            )  # fmt: skip


def _moving_averages(claims: Sequence[Claim], involved: Sequence[Checkpoint]) -> Iterator[Candidate]:
    """A file with two sets of variables, of which the averages reach more; its own figure is the averages'."""
    both = [each for each in involved if each.options.get("moving_averages")]
    low, high = _widest(claims)
    if both and low.checkpoint not in {each.id for each in both}:
        yield Candidate(
            cause="file.moving_averages", certainty="possible",
            title="the raw variables in place of their moving averages",
            evidence=f"{both[0].id} holds both; {with_unit(low)} would be of the raw ones, {with_unit(high)} of the "
            "averages",
            change="options = { moving_averages = false }",
        )  # fmt: skip


def _cut_off(claims: Sequence[Claim], evidence: Evidence) -> Iterator[Candidate]:
    for one, other in combinations(claims, 2):
        if exact(one) != exact(other) and compare(one, other, evidence, of_bytes=False).cut_off:
            short, long = sorted((one, other), key=lambda claim: claim.decimals)
            yield Candidate(
                cause="documents.cut_off", certainty="likely", title=f"{with_unit(long)} cut off, not rounded",
                evidence=f"{with_unit(long)} cut off after {short.decimals} digits is {with_unit(short)}",
            )  # fmt: skip


# --- recipes -------------------------------------------------------------------------------------


def _library(claims: Sequence[Claim], involved: Sequence[Checkpoint], evidence: Evidence) -> Iterator[Candidate]:
    """Figures so close that a decoder or a resize of another version is enough."""
    low, high = _widest(claims)
    geometries = [recipe.geometry.id for each in involved for recipe in _recipes(each, evidence)]
    values = [evidence.tolerated(each, low.population, low.metric).value for each in geometries or [""]]
    gap, most = float(exact(high) - exact(low)), 100 * max(values)
    if gap <= SMALL * most:
        yield Candidate(
            cause="recipe.library", certainty="possible", title="another image library, or another version of one",
            evidence=f"the figures are {gap:.3f} points apart; another library was measured to bring up to {most:.2f}",
        )  # fmt: skip


def _recipes(checkpoint: Checkpoint, evidence: Evidence) -> list[Recipe]:
    """Every recipe that is on record for a checkpoint, its own first."""
    stated = [each.recipe for each in evidence.stated(Preprocessing) if each.checkpoint == checkpoint.id]
    names = dict.fromkeys([checkpoint.recipe, *(name for name in stated if name)])
    return [evidence.recipes[name] for name in names if name in evidence.recipes]


def _of_recipes(checkpoint: str, evidence: Evidence) -> Iterator[Candidate]:
    """Documents that prepare images in several ways: what differs, and so what an accuracy may hang on."""
    uses = [each for each in evidence.stated(Preprocessing) if each.checkpoint == checkpoint]
    recipes = [recipe for each in uses if (recipe := evidence.recipes.get(each.recipe or "")) is not None]
    yield from _of_steps(recipes)
    for each in uses:
        if not each.recipe:
            yield Candidate(
                cause="recipe.mean_std", certainty="possible",
                title=f"(x - {each.mean}) / {each.scale} in place of the recipe's constants",
                evidence=f"{each.purpose} ({each.source}) has these",
            )  # fmt: skip


def _of_steps(recipes: Sequence[Recipe]) -> Iterator[Candidate]:
    """What differs between recipes, one cause for each kind of step."""
    for one, other in combinations(recipes, 2):
        both = f"{one.id} and {other.id} are on record"
        if placement(one) != placement(other):
            yield Candidate(
                cause=_geometry_cause(one, other), certainty="possible", title=f"{in_words(one)}; or {in_words(other)}",
                evidence=both, command=f"zoo validate --recipe {other.id}",
            )  # fmt: skip
        for difference in affine(one).differences(affine(other))[:1]:
            order = difference.startswith("channel order")
            yield Candidate(
                cause="recipe.channel_order" if order else "recipe.mean_std", certainty="possible", title=difference,
                evidence=both, command=f"zoo validate --recipe {other.id}",
            )  # fmt: skip


def _geometry_cause(one: Recipe, other: Recipe) -> str:
    squashed = [any(isinstance(step, ResizeExact) for step in each.geometry.steps) for each in (one, other)]
    if squashed[0] != squashed[1]:
        return "recipe.squash"
    return "recipe.crop" if kept_side(one) != kept_side(other) else "recipe.resize"


def _unstated(claims: Sequence[Claim], involved: Sequence[Checkpoint]) -> Iterator[Candidate]:
    """Figures whose recipe nobody states: then a recipe is the first thing to ask for."""
    assumed = [each.id for each in involved if each.recipe_assumed]
    readers = [claim.id for claim in claims if claim.by == "third_party" and not claim.recipe]
    if assumed or readers:
        who = [f"the recipe of {name} is assumed" for name in assumed[:1]]
        who += [f"{name} does not say its recipe" for name in readers[:1]]
        yield Candidate(
            cause="recipe.unstated", certainty="possible", title="another recipe than the one on record",
            evidence="; ".join(who), command="zoo validate --recipe ID",
        )  # fmt: skip
