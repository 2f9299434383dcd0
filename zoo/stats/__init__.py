"""Statistics of counts: intervals, tests, and how many images decide a claim."""

from zoo.stats.intervals import (
    CONFIDENCE,
    Totals,
    difference_interval,
    finite_p,
    finite_totals,
    holm,
    log_ratio,
    mcnemar,
    mcnemar_anytime,
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
    "finite_p",
    "finite_totals",
    "holm",
    "log_ratio",
    "mcnemar",
    "mcnemar_anytime",
    "rank_correlation",
    "running",
    "sequence_p",
    "sequence_totals",
    "share_p",
]
