"""The machine is described, probed and watched."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from zoo import machine


def test_the_probe_computes_and_leaves_the_threads_as_they_were() -> None:
    def blas_threads() -> list[int]:
        np.ones((2, 2)) @ np.ones((2, 2))
        return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]

    before = blas_threads()
    assert machine.probe(1) > 0
    assert machine.probe(2) > 0
    assert blas_threads() == before


def test_usage_grows_with_work() -> None:
    before = machine.Usage.now()
    if not before.total:
        pytest.skip("the system has no /proc/stat")
    machine.probe(1)
    used = machine.Usage.now().since(before)
    assert used.busy > 0
    assert used.total >= used.busy


def test_the_processor_has_a_name() -> None:
    assert machine.processor().strip()
