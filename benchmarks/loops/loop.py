"""The clock of the bare loops: `python <name>_loop.py BATCH THREADS FILE...`, then a number of images a line.

Answers each line with the seconds that so many images took, in batches of BATCH. Nothing but numpy and the framework.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]
Build = Callable[[list[str], int, int], Predict]
KEPT = 64  # images of ready-made input, gone through again and again


def main(build: Build, shape: tuple[int, int, int]) -> None:
    """`build(files, batch, threads)` gives a function from float32 (batch, *shape) to scores."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # frameworks print
    batch, threads = int(sys.argv[1]), int(sys.argv[2])
    predict = build(sys.argv[3:], batch, threads)
    images = np.random.default_rng(0).standard_normal((KEPT, *shape), np.float32)
    batches = [images[start : start + batch] for start in range(0, KEPT, batch)]
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        scores = []
        start = time.perf_counter()
        for call in range(int(line) // batch):
            scores.append(predict(batches[call % len(batches)]))
        print(time.perf_counter() - start, file=answers, flush=True)
        assert np.isfinite(np.concatenate(scores)).all()
