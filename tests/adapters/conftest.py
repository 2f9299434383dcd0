"""Fixtures of the tests of one adapter, whose module says FRAMEWORK, and EXPORTS of its network SMALL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.by_hand.far_side import FarSide
from tests.by_hand.real_networks import random_tensors


@pytest.fixture(scope="module")
def far(request: pytest.FixtureRequest) -> Iterator[FarSide]:
    """A worker for many loads, all with two threads."""
    with FarSide(request.module.FRAMEWORK) as side:
        yield side


@pytest.fixture(scope="module")
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The small random network in every form, from a worker of its own: TensorFlow fixes its threads at first use."""
    folder, small = tmp_path_factory.mktemp("small"), request.module.SMALL
    with FarSide(request.module.FRAMEWORK) as side:
        return {
            form: side.export(random_tensors(small), small, form, folder / form.replace(":", "-"))
            for form in request.module.EXPORTS
        }


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    """float32 (9, 96, 96, 3), NHWC, in [-1, 1]: more than one batch of eight."""
    return np.random.default_rng(2).uniform(-1, 1, (9, 96, 96, 3)).astype(np.float32)
