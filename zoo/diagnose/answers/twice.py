"""The same image several times with different labels: told by its scores, which are the same to the last bit."""

from __future__ import annotations

import numpy as np

from zoo.diagnose.answers import wording
from zoo.records.diagnoses import Candidate, Excluded, Findings
from zoo.records.predictions import Predictions

COARSE = 0.5  # distinct values for each score that is kept, below which equal scores mean nothing
LEAST, SHARE = 3, 0.01  # groups, and share of images in them: real image sets have a few such images too
SHOWN = 3


def twice(answers: Predictions) -> Findings:
    """Images whose best outputs and scores are all equal, with more than one label among them."""
    cause, title = "labels.same_image_twice", "the same image with different labels"
    n = len(answers.ids)
    told = len(np.unique(answers.scores)) / max(1, answers.scores.size)
    if told < COARSE and n:
        values = len(np.unique(answers.scores))
        reason = f"the same image twice: {values:,} different values among {answers.scores.size:,} scores"
        return Findings(not_looked=(f"{reason} are too few to know an image by its scores",))
    groups = _groups(answers)
    mixed = [group for group in groups if _disagree(answers, group)]
    images = sum(map(len, mixed))
    if len(mixed) < LEAST or images < SHARE * n:
        by = f"{len(mixed):,} of {len(groups):,} groups of images with equal scores have more than one label"
        return Findings(excluded=(Excluded(cause=cause, title=title, by=by),))
    listed = "; ".join(_listed(answers, group) for group in mixed[:SHOWN])
    wrong = sum(len(group) - int(np.unique(answers.classes[group], return_counts=True)[1].max()) for group in mixed)
    candidate = Candidate(
        cause=cause, title=title, certainty="shown", images=n, explains=wrong / n,
        evidence=f"{wording.share(images, n)} are in {len(mixed):,} groups with equal scores to the last bit and "
        f"different labels, of which one at most is right: {listed}",
        change="look at these images: one of the labels is wrong, or an image was copied over another",
    )  # fmt: skip
    return Findings(candidates=(candidate,))


def _groups(answers: Predictions) -> list[np.ndarray]:
    """Rows with the same best outputs and scores, two at least."""
    keys: dict[bytes, list[int]] = {}
    for row, (indices, scores) in enumerate(zip(answers.indices, answers.scores, strict=True)):
        if len(np.unique(scores)) == len(scores):  # scores that are cut off are equal for other reasons
            keys.setdefault(indices.tobytes() + scores.tobytes(), []).append(row)
    return [np.array(rows) for rows in keys.values() if len(rows) > 1]


def _disagree(answers: Predictions, rows: np.ndarray) -> bool:
    common = set(answers.right_classes(int(rows[0])))
    for row in rows[1:]:
        common &= set(answers.right_classes(int(row)))
    return not common


def _listed(answers: Predictions, rows: np.ndarray) -> str:
    return " = ".join(f"{answers.ids[row]} ({answers.classes[row]})" for row in rows[:SHOWN].tolist())
