"""Rules C: how documents prepare an image, and whether they agree with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from zoo.records import Checkpoint, Verdict
from zoo.records.statements import Crop, Preprocessing
from zoo.rules import findings
from zoo.rules.base import Evidence, grouped
from zoo.rules.claims.base import DocumentRule, decimal
from zoo.rules.claims.recipe_steps import Affine, Numbers, affine, in_words, kept_side, placement, three


class ConvertedConstants(DocumentRule):
    """The mean and scale that a converted network carries inside are those of its original's recipe."""

    id = "C601"
    remedy = "the converter arguments with the original's constants, and the accuracy measured again"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each conversion whose converter arguments are documented."""
        for checkpoint in evidence.checkpoints.values():
            original = evidence.checkpoints.get(checkpoint.converted_from or "")
            recipes = [evidence.recipes.get(each.recipe) for each in (original, checkpoint) if each]
            if original is None or "scale" not in checkpoint.options or None in recipes:
                continue
            one, two = (affine(recipe) for recipe in recipes if recipe)
            inside = _inside(checkpoint, two)
            differences = one.differences(inside)
            reason = "; ".join(differences) if differences else f"the constants of {original.id}"
            arithmetic = f"original (x - {_list(one.mean)}) / {_list(one.scale)}, converted / {_list(inside.scale)}"
            yield self.verdict_on(
                checkpoint.id, findings.plain("contradiction") if differences else None, reason,
                arithmetic=arithmetic, sources=checkpoint.sources, printed=_arguments(checkpoint),
                checkpoints=(checkpoint.id,),
            )  # fmt: skip


class OneRecipe(DocumentRule):
    """Documents prepare images for one checkpoint in one way, whatever the purpose."""

    id = "C602"
    remedy = "the one recipe that the documented accuracy was measured with"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each checkpoint for which two purposes are documented."""
        for uses in grouped((each.checkpoint, each) for each in evidence.stated(Preprocessing)).values():
            if len(uses) > 1:
                yield self._verdict(uses, evidence)

    def _verdict(self, uses: Sequence[Preprocessing], evidence: Evidence) -> Verdict:
        recipes = [recipe for each in uses if (recipe := evidence.recipes.get(each.recipe or ""))]
        wholes = {str(placement(recipe)) for recipe in recipes}
        constants = {_constants(each, evidence) for each in uses}
        names = [f"{each.purpose}: {each.recipe or f'(x - {each.mean}) / {each.scale}'}" for each in uses]
        holds = len(wholes) <= 1 and len(constants) == 1
        steps = [f"{recipe.id}: {in_words(recipe)}" for recipe in recipes]
        scales = [f"{each.purpose} divides by {decimal(_constants(each, evidence)[1][0], 4)}" for each in uses]
        how_many = f"{max(len(wholes), len(constants))} ways: " if not holds else ""
        return self.verdict_on(
            uses[0].checkpoint,
            None if holds else findings.plain("differs_between_documents"),
            how_many + "; ".join(names),
            statements=[(each, name) for each, name in zip(uses, names, strict=True)],
            arithmetic="; ".join(dict.fromkeys(steps if len(constants) == 1 else scales)),
            checkpoints=(uses[0].checkpoint,),
        )  # fmt: skip


class KeptShare(DocumentRule):
    """The share of an image that a central crop is said to keep is the share that it keeps."""

    id = "C603"
    remedy = "the word for what is meant: each side, or the area"

    def judge(self, evidence: Evidence) -> Iterator[Verdict]:
        """One verdict for each statement."""
        for statement in evidence.stated(Crop):
            recipe = evidence.recipes.get(statement.recipe)
            side = kept_side(recipe) if recipe else None
            if side is None:
                continue
            kept = 100 * (side**2 if statement.of == "area" else side)
            holds = abs(kept - Fraction(statement.kept)) < Fraction(1, 10)
            kept_as_stated = f"{statement.kept} % of {'the area' if statement.of == 'area' else 'each side'}"
            reason = f"{kept_as_stated} kept is stated; the crop keeps {float(100 * side):g} % of each side"
            sums = f"{float(side):g} x {float(side):g} = {float(side**2):.3f} of the area"
            finding = None if holds else findings.plain("contradiction")
            yield self.verdict_on(
                statement.id, finding, reason, statements=[(statement, kept_as_stated)], arithmetic=sums
            )


def _inside(checkpoint: Checkpoint, outside: Affine) -> Affine:
    """A converted network's constants by colour: the converter takes them in the order of the original's channels."""
    mean, scale = (
        _numbers(str(checkpoint.options.get(name, default))) for name, default in (("mean", 0), ("scale", 1))
    )
    turned = bool(checkpoint.options.get("reverse_input_channels"))
    order = {"rgb": "bgr", "bgr": "rgb"}[outside.order] if turned else outside.order
    if order == "bgr":
        mean, scale = mean[::-1], scale[::-1]
    return Affine(three(mean), three(scale), order)


def _numbers(text: str) -> list[Fraction]:
    values = [Fraction(part.strip()) for part in text.split(",")]
    return values * 3 if len(values) == 1 else values


def _list(values: Numbers) -> str:
    return f"[{', '.join(decimal(value, 4) for value in values)}]"


def _arguments(checkpoint: Checkpoint) -> tuple[str, ...]:
    shown = [f"{name} {checkpoint.options[name]}" for name in ("mean", "scale") if name in checkpoint.options]
    return (f"{', '.join(shown)} (converter arguments of {checkpoint.id})",)


def _constants(use: Preprocessing, evidence: Evidence) -> tuple[Numbers, Numbers]:
    recipe = evidence.recipes.get(use.recipe or "")
    if recipe is None:
        mean, scale = Fraction(use.mean or 0), Fraction(use.scale or 1)
        return (mean,) * 3, (scale,) * 3
    steps = affine(recipe)
    return steps.mean, steps.scale
