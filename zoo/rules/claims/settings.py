"""Under what an accuracy was measured, as far as documents say. Two are compared only where nothing stated differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from zoo.documents import rounding
from zoo.records import Claim, Recipe
from zoo.rules.base import Evidence
from zoo.rules.claims.base import exact, interval, scale
from zoo.rules.claims.recipe_steps import affine, kept_side, placement

SIDE = 224  # pixels, where no resolution is stated: what a crop is compared at


@dataclass(frozen=True, kw_only=True)
class Setting:
    """None or "" where nothing is said. images: population and how many of it; crop: share of the side that is kept.

    recipe: None also where the one on record is only assumed.
    """

    images: tuple[str, int | None]
    resolution: int | None
    crop: Fraction | None
    recipe: Recipe | None
    device: str


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two claims of one metric whose printed digits cannot stand for one value.

    apart: what is stated of both and differs, in words; then the two are about different things. unsaid: whether the
    recipe of one is not stated. one_sided: whether a condition is stated of one and not of the other. cut_off: whether
    the number with fewer digits is the other one cut off. library: whether the same is done to each image through
    different image libraries. gap: between the printed numbers. excess: what neither rounding nor another image library
    explains. Both in percent for accuracies, else in the claims' unit.
    """

    one: Claim
    other: Claim
    apart: tuple[str, ...]
    unsaid: bool
    one_sided: bool
    cut_off: bool
    library: bool
    gap: Fraction
    excess: Fraction

    @property
    def contradicts(self) -> bool:
        """Whether nothing that is stated explains the difference."""
        return not self.apart and self.excess > 0


def setting(claim: Claim, evidence: Evidence) -> Setting:
    """What the claim's own row says, else what is on record of its checkpoint and does not contradict the row."""
    recipe = _recipe(claim, evidence)
    checkpoint = evidence.checkpoints.get(claim.checkpoint)
    network = checkpoint.network if checkpoint else None
    population = evidence.populations.get(claim.population)
    return Setting(
        images=(claim.population, claim.n_images or (population.images if population else None)),
        resolution=claim.resolution or (recipe.geometry.side if recipe else network.resolution if network else None),
        crop=_stated_crop(claim) or (kept_side(recipe) if recipe else None),
        recipe=recipe,
        device=claim.device,
    )


def _recipe(claim: Claim, evidence: Evidence) -> Recipe | None:
    if claim.recipe:
        return evidence.recipes.get(claim.recipe)
    checkpoint = evidence.checkpoints.get(claim.checkpoint)
    if checkpoint is None or checkpoint.recipe_assumed or claim.by != "publisher":
        return None
    recipe = evidence.recipes.get(checkpoint.recipe)
    if recipe is None or claim.resolution not in (None, recipe.geometry.side):
        return None
    stated = _stated_crop(claim)
    return recipe if stated is None or _same_crop(stated, kept_side(recipe), claim.resolution) else None


def _stated_crop(claim: Claim) -> Fraction | None:
    return Fraction(str(claim.crop)) if claim.crop is not None else None


def _same_crop(one: Fraction | None, other: Fraction | None, resolution: int | None) -> bool:
    """Whether both resize to the same whole number of pixels, as 0.875 and 192 of 219 do."""
    side = resolution or SIDE
    return one is not None and other is not None and abs(side / one - side / other) < 1


def compare(one: Claim, other: Claim, evidence: Evidence, *, of_bytes: bool) -> Compared:
    """of_bytes: of one content, so that the numeric steps have to be the same; else of the same weights in two forms.

    Where the same is done to each image, another image library may change what is tolerated of either recipe.
    """
    gap, excess = abs(exact(one) - exact(other)), beyond_rounding(one, other)
    cut_off = _is_cut_off(one, other) or _is_cut_off(other, one)
    if not one.is_accuracy:
        return Compared(
            one=one, other=other, apart=(), unsaid=False, one_sided=False, cut_off=cut_off, library=False,
            gap=gap, excess=excess,
        )  # fmt: skip
    first, second = setting(one, evidence), setting(other, evidence)
    recipes = [each.recipe for each in (first, second) if each.recipe is not None]
    library = len(recipes) == 2 and recipes[0].geometry.steps != recipes[1].geometry.steps
    if library:
        values = [evidence.tolerated(each.geometry.id, one.population, one.metric).value for each in recipes]
        excess = max(excess - Fraction(str(max(values))) * 100, Fraction(0))
    return Compared(
        one=one, other=other, apart=tuple(_apart(first, second, of_bytes)), unsaid=len(recipes) < 2,
        one_sided=_is_one_sided(first, second), cut_off=cut_off, library=library, gap=gap, excess=excess,
    )  # fmt: skip


def comparisons(claims: Sequence[Claim], evidence: Evidence, *, of_bytes: bool) -> Iterator[Compared]:
    """Every two of the claims whose printed digits cannot stand for one value."""
    for one, other in combinations(claims, 2):
        if (one.value, one.unit) != (other.value, other.unit) and beyond_rounding(one, other) > 0:
            yield compare(one, other, evidence, of_bytes=of_bytes)


def involved(pairs: Sequence[Compared]) -> list[Claim]:
    """The claims of some pairs, each once, in the order of first sight."""
    return list({claim.id: claim for pair in pairs for claim in (pair.one, pair.other)}.values())


def beyond_rounding(one: Claim, other: Claim) -> Fraction:
    """What lies between the values that round to one and to the other print; 0 where one value fits both."""
    (low, high), (other_low, other_high) = interval(one), interval(other)
    return max(low - other_high, other_low - high, Fraction(0))


def _is_cut_off(short: Claim, long: Claim) -> bool:
    if short.is_error != long.is_error or not (short.is_accuracy or short.unit == long.unit):
        return False
    return rounding.fits(short.value, Fraction(long.value) * scale(short) / scale(long)) == "cut off"


def _is_one_sided(one: Setting, other: Setting) -> bool:
    stated = [(each.resolution, each.crop, each.recipe, each.device or None, each.images[1]) for each in (one, other)]
    return any((first is None) != (second is None) for first, second in zip(*stated, strict=True))


def _apart(one: Setting, other: Setting, of_bytes: bool) -> Iterator[str]:
    if one.images[0] != other.images[0]:
        yield f"images of {one.images[0]} and of {other.images[0]}"
    elif None not in (one.images[1], other.images[1]) and one.images[1] != other.images[1]:
        yield f"{one.images[1]:,} and {other.images[1]:,} images"
    if one.resolution and other.resolution and one.resolution != other.resolution:
        yield f"{one.resolution} and {other.resolution} pixels"
    elif one.crop and other.crop and not _same_crop(one.crop, other.crop, one.resolution or other.resolution):
        yield f"crops of {float(one.crop):.3g} and {float(other.crop):.3g} of the side"
    elif one.recipe and other.recipe and not _same_steps(one.recipe, other.recipe, of_bytes):
        yield f"recipes {one.recipe.id} and {other.recipe.id}"
    if one.device and other.device and one.device != other.device:
        yield f"{one.device} and {other.device}"


def _same_steps(one: Recipe, other: Recipe, of_bytes: bool) -> bool:
    return placement(one) == placement(other) and not (of_bytes and affine(one).differences(affine(other)))
