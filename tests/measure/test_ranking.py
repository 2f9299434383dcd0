"""Top-5 against the obvious way of finding it; ties go to the lower index and are counted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zoo.measure.ranking import correct, rank

FEW_VALUES = st.sampled_from([0.0, 0.25, 1.0, -3.0])  # so that ties are frequent


@given(arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 12)), elements=FEW_VALUES))
def test_equals_sorting_by_score_then_index(scores: np.ndarray) -> None:
    found = rank(scores)
    for row, values in enumerate(scores):
        wanted = sorted(range(len(values)), key=lambda index: (-values[index], index))
        assert found.indices[row].tolist() == wanted[:5]
        assert found.scores[row].tolist() == [values[index] for index in wanted[:5]]
        k = min(5, len(values))
        assert found.tied_first[row] == (len(values) > 1 and values[wanted[0]] == values[wanted[1]])
        assert found.tied_fifth[row] == (len(values) > k and values[wanted[k - 1]] == values[wanted[k]])


def test_types_are_what_is_stored() -> None:
    found = rank(np.zeros((3, 7), np.float32))
    assert (found.indices.dtype, found.scores.dtype, found.tied_first.dtype) == (
        np.dtype(np.int32),
        np.dtype(np.float32),
        np.dtype(np.bool_),
    )


def test_label_maps_shift_the_outputs() -> None:
    indices = np.array([[0, 5, 6, 7, 8], [1, 2, 3, 4, 5], [9, 8, 7, 6, 1]], np.int32)
    top1, top5 = correct(indices, np.array([0, 0, 0]), first=0)
    assert (top1.tolist(), top5.tolist()) == ([True, False, False], [True, False, False])
    # Background first: output 1 is class 0, and output 0 is never right.
    top1, top5 = correct(indices, np.array([0, 0, 0]), first=1)
    assert (top1.tolist(), top5.tolist()) == ([False, True, False], [False, True, True])
