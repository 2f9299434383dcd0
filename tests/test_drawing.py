"""Draws by a reference: chances are as the weights say, the same for everybody, and every image can come."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from tests.by_hand.answer_files import a_reference
from zoo import drawing
from zoo.images.image_sets import Image, ImageSet, ordered
from zoo.records import DrawRule
from zoo.records.references import Reference

RULES: tuple[DrawRule, DrawRule] = "even", "margin"


def reference(ranks: ArrayLike, margins: ArrayLike) -> Reference:
    """Of images with such ranks of the right class, and such margins in twentieths of a nat."""
    places, steps = np.broadcast_arrays(np.asarray(ranks, np.uint8), np.asarray(margins, np.uint8))
    names = [f"image_{number:06d}" for number in range(len(places))]
    return a_reference(names, ranks=places, margins=steps)


def some(images: int, seed: int = 0) -> Reference:
    """As real networks answer: 70 % right, with small and large margins."""
    random = np.random.default_rng(seed)
    ranks = random.choice(6, images, p=[0.1, 0.7, 0.1, 0.05, 0.03, 0.02])
    return reference(ranks, np.minimum(random.exponential(60, images), 255))


def names_drawn(of: Reference, rule: DrawRule, seed: int) -> list[str]:
    return [of.stems[row] for row in drawing.drawn_rows(of, rule, seed).tolist()]


def test_equal_weights_give_the_order_of_a_plain_sample() -> None:
    names = [f"folder/ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 500)]
    images = ImageSet("set", Path(), tuple(Image(name, 0, Path(name)) for name in names))
    for seed in (0, 7):
        expected = [image.stem for image in ordered(images, seed).images]
        stems = [Path(name).stem for name in names]
        assert [stems[row] for row in drawing.order(stems, np.full(len(stems), 0.3), seed)] == expected


def test_chances_are_in_proportion_to_weights_at_every_step() -> None:
    """First and second image over many seeds, against the probability of each ordered pair."""
    weights, seeds = np.array([1.0, 2.0, 0.5, 4.0, 1.0]), 10_000
    stems = [f"image_{number}" for number in range(5)]
    found = Counter(tuple(drawing.order(stems, weights, seed)[:2].tolist()) for seed in range(seeds))
    pairs = list(itertools.permutations(range(5), 2))
    chances = [weights[a] / weights.sum() * weights[b] / (weights.sum() - weights[a]) for a, b in pairs]
    test = scipy.stats.chisquare([found[pair] for pair in pairs], seeds * np.array(chances))
    assert 0.001 < test.pvalue < 0.999
    assert scipy.stats.chisquare([found[pair] for pair in pairs]).pvalue < 1e-9  # and not all alike


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=30, unique=True), st.integers(0, 2**40), st.data())
def test_names_and_seed_alone_decide(stems: list[str], seed: int, data: st.DataObject) -> None:
    weights = {name: 0.5 + len(name) for name in stems}
    shuffled = data.draw(st.permutations(stems))
    one, other = (
        [names[row] for row in drawing.order(names, np.array([weights[name] for name in names]), seed)]
        for names in (stems, shuffled)
    )
    assert one == other
    assert sorted(one) == sorted(stems)


def test_another_seed_draws_others() -> None:
    of = some(300)
    assert names_drawn(of, "margin", 0) == names_drawn(of, "margin", 0)
    assert names_drawn(of, "margin", 0)[:20] != names_drawn(of, "margin", 1)[:20]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("of", [
    reference([1] * 20, 0), reference([1] * 20, 255), reference([0] * 20, 0), reference([0] * 20, 255),
    reference([1, *[0] * 19], 40), reference([*[1] * 19, 0], 40), reference([1], 3), reference([0], 3), some(500),
])  # fmt: skip
def test_every_image_can_come_and_what_is_expected_is_a_chance(rule: DrawRule, of: Reference) -> None:
    weights = drawing.weights(of, rule)
    assert np.isfinite(weights).all()
    assert weights.min() > 0
    assert weights.max() / weights.min() <= 60
    for metric in ("top1", "top5"):
        draw = drawing.draw(of, drawing.drawn_rows(of, rule, 0), rule, metric)
        assert ((draw.values > 0) & (draw.values < 1)).all()
        assert sum(draw.belief) == pytest.approx(1)
        np.testing.assert_allclose(draw.variances, draw.values * (1 - draw.values))


def test_images_of_which_the_reference_was_hardly_sure_come_earlier() -> None:
    of = some(5000)
    for rule in RULES:
        early, late = (of.distances[rows] for rows in np.split(drawing.drawn_rows(of, rule, 0), [1000])[:2])
        assert early.mean() < 0.8 * late.mean() if rule == "margin" else early.mean() < late.mean()


def test_as_many_wrong_as_right_images_come_for_the_same_weights() -> None:
    of = some(20_000)
    first = drawing.drawn_rows(of, "even", 0)[:2000]
    assert of.correct("top1").mean() == pytest.approx(0.7, abs=0.02)
    assert of.correct("top1")[first].mean() == pytest.approx(0.5, abs=0.05)


def test_the_population_comes_in_the_order_of_the_draw() -> None:
    of = some(200)
    rows = drawing.drawn_rows(of, "margin", 3)
    for metric in ("top1", "top5"):
        draw = drawing.draw(of, rows, "margin", metric)
        sure = of.margins[rows] > 0
        np.testing.assert_array_equal((draw.values[0] > 0.5)[sure], of.correct(metric)[rows][sure])
        np.testing.assert_array_equal(draw.weights, drawing.weights(of, "margin")[rows])


def test_same_weights_are_drawn_evenly_and_all_others_by_margin() -> None:
    assert drawing.rule_for("same weights") == "even"
    assert {drawing.rule_for("converted from"), drawing.rule_for("same network"), drawing.rule_for("reference")} == {
        "margin"
    }
