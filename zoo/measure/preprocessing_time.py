"""Times what comes before the network, image by image on one core."""

from __future__ import annotations

import time
from collections.abc import Sequence

import cv2

from zoo.images import preprocess
from zoo.images.image_sets import ImageSet
from zoo.records import Geometry, Quantile, Stage
from zoo.stats import quantile

REPEATS = 3


def geometry_stage(geometry: Geometry, image_set: ImageSet) -> Stage:
    """Decode, resize and crop files that lie in memory, one after the other, in this process."""
    data = [image.read() for image in image_set.images]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        preprocess.apply(geometry, data[0])  # libraries load what they need with the first image
        spent = [_seconds(geometry, file) for _ in range(REPEATS) for file in data]
    finally:
        cv2.setNumThreads(threads)
    return stage("geometry", geometry.id, image_set.name, spent, REPEATS)


def _seconds(geometry: Geometry, data: bytes) -> float:
    start = time.perf_counter_ns()
    preprocess.apply(geometry, data)
    return (time.perf_counter_ns() - start) / 1e9


def stage(name: str, recipe: str, image_set: str, spent: Sequence[float], repeats: int = 1) -> Stage:
    """The record of "geometry", or of "numeric": pixels to the network's input. spent: seconds of each image."""
    measured = tuple(Quantile(level=level, **quantile(spent, level)._asdict()) for level in (0.5, 0.9))
    images = len(spent) // repeats
    return Stage(stage=name, recipe=recipe, image_set=image_set, images=images, repeats=repeats, quantiles=measured)
