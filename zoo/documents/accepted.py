"""Which totals agree with a claim."""

from __future__ import annotations

from typing import Literal

from zoo.records import Claim
from zoo.stats import Accepted, accepted_totals


def accepted(claim: Claim, tolerance: float, images: int) -> Accepted:
    """Totals among `images` whose share lies in what rounds to the printed text, widened by `tolerance` (fraction).

    A claim about more images than there are is taken for one about all of them.
    """
    counted = min(claim.n_images or images, images)
    low, high = claim.exact_interval()
    # What rounds to an error includes its upper end as an accuracy, not its lower one.
    closed: Literal["left", "right"] = "right" if claim.is_error else "left"
    return accepted_totals(low, high, images, tolerance=tolerance, counted=counted, closed=closed)
