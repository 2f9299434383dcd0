"""Statistics of counts and times: intervals, tests, and how many images decide a claim.

Everything takes and gives numbers, arrays and tuples, and nothing here imports the rest of the suite, so another
evaluation tool can use it. docs/statistics-library.md has examples, docs/statistics.md explains the methods.
"""

from zoo.stats import flips, levels, paired_planning, planning, weighted, weighted_planning
from zoo.stats.differences import (
    difference_interval,
    difference_p,
    difference_sequence,
    difference_sequence_p,
    mcnemar,
)
from zoo.stats.gains import gain_sequence, images_for_gain, log_gain
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
from zoo.stats.priors import FLAT, Prior, expecting
from zoo.stats.quantiles import Quantile, quantile
from zoo.stats.totals import Accepted, accepted_totals

__all__ = [
    "CONFIDENCE",
    "FLAT",
    "Accepted",
    "Prior",
    "Quantile",
    "Totals",
    "accepted_totals",
    "difference_interval",
    "difference_p",
    "difference_sequence",
    "difference_sequence_p",
    "expecting",
    "finite_p",
    "finite_totals",
    "flips",
    "gain_sequence",
    "holm",
    "images_for_gain",
    "levels",
    "log_gain",
    "log_ratio",
    "mcnemar",
    "paired_planning",
    "planning",
    "quantile",
    "rank_correlation",
    "running",
    "sequence_p",
    "sequence_totals",
    "share_p",
    "weighted",
    "weighted_planning",
]
