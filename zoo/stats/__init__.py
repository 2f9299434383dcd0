"""Statistics of counts: intervals, tests, and how many images decide a claim."""

from zoo.stats.differences import (
    difference_interval,
    difference_p,
    difference_sequence,
    difference_sequence_p,
    mcnemar,
)
from zoo.stats.intervals import (
    CONFIDENCE,
    Totals,
    finite_p,
    finite_totals,
    holm,
    log_ratio,
    rank_correlation,
    running,
    sequence_p,
    sequence_totals,
    share_p,
)

__all__ = [
    "CONFIDENCE",
    "Totals",
    "difference_interval",
    "difference_p",
    "difference_sequence",
    "difference_sequence_p",
    "finite_p",
    "finite_totals",
    "holm",
    "log_ratio",
    "mcnemar",
    "rank_correlation",
    "running",
    "sequence_p",
    "sequence_totals",
    "share_p",
]
