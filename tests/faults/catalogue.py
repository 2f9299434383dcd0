"""All faults and all healthy variations, by name."""

from __future__ import annotations

from tests.faults import answers, healthy, labels, networks, quantised, real, recipes, runs
from tests.faults.base import Fault

EMBEDDED: tuple[Fault, ...] = (
    *labels.FAULTS, *recipes.FAULTS, *networks.FAULTS, *quantised.FAULTS, *answers.FAULTS, *runs.FAULTS,
)  # fmt: skip
FAULTS: tuple[Fault, ...] = (*EMBEDDED, *real.FAULTS)
HEALTHY: tuple[Fault, ...] = (*healthy.HEALTHY, *real.HEALTHY)
BY_NAME = {each.name: each for each in (*FAULTS, *HEALTHY)}
