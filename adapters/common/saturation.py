"""Sums of integer products that leave 16 bits, counted in a file's weights.

x86 processors without VNNI multiply unsigned by signed bytes with an instruction (`vpmaddubsw`) that adds the products
of two neighbours in 16 bits and cuts the sum off at 32,767 and -32,768. Source:
"Nuances of int8 computations", oneDNN developer guide.
"""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np

LARGEST_INPUT = 255  # of an unsigned byte
LIMITS = np.iinfo(np.int16)


def of_layer(name: str, weights: np.ndarray) -> List[Dict[str, Any]]:
    """The pairs of one layer, a list of none or one: `layer` (its name), `pairs`, `beyond` (those that can saturate).

    weights: (channels, depth), in the order in which products are added: height, width, input channel. Only signed
    bytes are multiplied in pairs; other weights give an empty list. A pair can saturate if its two weights have one
    sign and their products with 255 add up to more than 16 bits hold.
    """
    if weights.dtype != np.int8 or weights.shape[1] < 2:
        return []
    even = weights[:, : weights.shape[1] // 2 * 2].astype(np.int32)
    sums = LARGEST_INPUT * (even[:, 0::2] + even[:, 1::2])
    beyond = (sums > LIMITS.max) | (sums < LIMITS.min)
    return [{"layer": name, "pairs": int(sums.size), "beyond": int(beyond.sum())}]
