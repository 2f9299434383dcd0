"""The measurement of what image libraries change, with real libraries, images and networks, on a few images."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import libraries
from benchmarks.libraries import Bench, Plan
from tests.by_hand.built import REPOSITORY, built
from zoo import disk
from zoo.images import preprocess

ASSETS = Path(os.environ.get("ZOO_ASSETS", REPOSITORY.parent / "shared" / "assets"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """TensorFlow's decoder, PyTorch's resize, and the suite's own libraries as if they were another version."""
    for name in ("tensorflow", "torch", "onnxruntime"):
        built(name)
    return Bench(tmp_path, [Path(sys.executable)])


def test_the_embedded_geometry(bench: Bench) -> None:
    """On 48 of its images; the suite's own libraries, called as the publisher calls them, change no pixel."""
    plan = next(plan for plan in libraries.PLANS if plan.images == libraries.EMBEDDED_IMAGES)
    images = libraries.labelled(disk.EMBEDDED, 48)
    found = {each.variant: each for each in libraries.measured(plan, images, libraries.networks(ASSETS), bench)}
    own = next(each for name, each in found.items() if name.startswith("Pillow "))
    assert own.identical == 48
    assert (own.top1.gained, own.top1.lost) == (0, 0)
    decoder = next(each for name, each in found.items() if name.endswith("JPEG decoder"))
    assert decoder.identical == 0
    resize = next(each for name, each in found.items() if name.endswith("resize"))
    assert resize.identical < 48


def test_answers_are_those_of_the_suite(bench: Bench) -> None:
    """All images of the embedded zoo: 709 and 957 of 960 are right, as documented."""
    geometry, images = libraries.geometries()["torch_110_96"], libraries.labelled(disk.EMBEDDED, None)
    pixels = np.stack([preprocess.apply(geometry, path.read_bytes()) for path in images.paths])
    hit = libraries.right(libraries.networks(ASSETS)[libraries.OWN], pixels, geometry, images, bench.scratch)
    assert hit.sum(axis=1).tolist() == [709, 957]
    other = libraries.flips(hit, ~hit)
    assert [(each.gained, each.lost) for each in other] == [(960 - 709, 709), (3, 957)]


def test_real_networks_on_real_photographs(bench: Bench) -> None:
    """A network that answers most of a few ImageNet files rightly; TensorFlow's decoder changes every picture."""
    if not ASSETS.is_dir():
        pytest.skip("ZOO_ASSETS names no folder with real images and networks")
    plan = Plan("torch_256_224", (libraries.SYMMETRIC, libraries.SAME))
    (family,) = libraries.families(ASSETS, 12, bench, [plan])
    assert family.images == 12
    assert "hf_128_96" in family.geometries
    assert "torch_110_96" not in family.geometries
    assert len(family.difference) == 6
    assert [each.identical for each in family.difference if each.variant.startswith("Pillow")] == [12, 12]
    geometry, images = libraries.geometries()["torch_256_224"], libraries.labelled(ASSETS / "images" / plan.images, 12)
    pixels = np.stack([preprocess.apply(geometry, path.read_bytes()) for path in images.paths])
    for name in plan.networks:
        hit = libraries.right(libraries.networks(ASSETS)[name], pixels, geometry, images, bench.scratch)
        assert hit[1].sum() >= 10
