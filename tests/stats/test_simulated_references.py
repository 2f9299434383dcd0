"""The simulation behind the tables with a reference: populations and references are what they are called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.simulate_references import SPOILED, Answers, Pair, Population, claim, decided, read, resampled, same
from tests.by_hand import folders

IMAGES = 4000


def network(seed: int, like: Answers | None = None) -> Answers:
    """Answers of a made-up network, or of one that differs from another where it was hardly sure."""
    random = np.random.default_rng(seed)
    if like is None:
        return Answers(random.choice([0, 1, 2], 1000, p=[0.1, 0.7, 0.2]).astype(np.uint8), random.exponential(3, 1000))
    flips = random.random(1000) < 0.5 * np.exp(-like.margins / 0.5)
    return replace(like, ranks=np.where(flips, np.where(like.ranks == 1, 2, 1), like.ranks).astype(np.uint8))


def population() -> Population:
    known = network(0)
    return resampled(known, network(1, known), np.random.default_rng(0), IMAGES)


def test_the_reference_has_so_many_right_as_the_page_says() -> None:
    assert population().known.right("top1").mean() == 0.718


def test_the_same_weights_differ_on_few_images_of_which_they_were_hardly_sure() -> None:
    one = same(network(0), np.random.default_rng(0))
    for metric in ("top1", "top5"):
        differ = one.known.right(metric) != one.new.right(metric)
        assert differ.mean() == pytest.approx(0.002)
    assert one.known.margins[one.known.right("top1") != one.new.right("top1")].max() < 0.1


def test_wrong_references_are_wrong() -> None:
    one, random = population(), np.random.default_rng(1)
    spoiled = {name: spoil(one, random) for name, spoil in SPOILED.items()}
    right = {name: each.right("top1") for name, each in spoiled.items()}
    truth = one.new.right("top1")
    assert not (right["right where the run is wrong, and the other way round"] == truth).any()
    assert right["right on all images"].all()
    assert not right["wrong on all images"].any()
    assert (right["a good one"] == truth).mean() > 0.9
    for name in ("random answers", "stale: answers to other images"):
        assert (right[name] == truth).mean() < 0.65
    wrong = right["sure where it is wrong"] != truth
    assert (spoiled["sure where it is wrong"].margins[wrong] == 12).all()


def test_a_good_reference_decides_sooner_than_its_contrary() -> None:
    one, seen = population(), {}
    for name in ("a good one", "right where the run is wrong, and the other way round"):
        known = SPOILED[name](one, np.random.default_rng(2))
        draw, right = replace(one, known=known).drawn("margin", "top1", seed=0)
        assert right.sum() == one.new.right("top1").sum()
        outcome, seen[name] = decided(draw, right, claim(int(right.sum()) + 300, IMAGES))
        assert outcome == "refuted"
    assert seen["a good one"] < 0.5 * seen["right where the run is wrong, and the other way round"]


def test_networks_on_the_same_images_are_read_of_all_folders(tmp_path: Path) -> None:
    def folder(name: str, *checkpoints: str) -> Path:
        answers = folders.answers([0, 1, 2, 3], [0, 1, 3, 4])
        runs = [
            (folders.run_with(answers, key=f"{number}f" * 32, checkpoint=each), answers)
            for number, each in enumerate(checkpoints)
        ]
        return folders.write(tmp_path / name, runs).path

    found = read([folder("first", "a", "b", "c"), folder("second", "b", "a")])
    assert set(found) == {"a", "b"}
    assert found["a"].ranks.tolist() == [1, 1, 2, 2] * 2


def test_a_pair_has_a_name_or_is_called_by_its_ids() -> None:
    assert Pair.parse("x/float=x/int8") == Pair("x/float and x/int8", "x/float", "x/int8")
    assert Pair.parse("a conversion:x/float=x/int8").name == "a conversion"
    with pytest.raises(ValueError, match="not enough values"):
        Pair.parse("x/float")
