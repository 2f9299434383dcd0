"""The test that pytest-benchmark times (see timing.py). With this file name, no other run of pytest collects it."""

from __future__ import annotations

from typing import Any


def test_call(benchmark: Any, timed: Any) -> None:
    """Calls of one network; it cannot fail, what was answered is compared by whoever asked."""
    timed.run(benchmark)
