"""Answers of a run for every image, as stored in a run folder."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from zoo.errors import RunFolderError

K = 5  # best outputs of each image that are kept


@dataclass(frozen=True)
class Predictions:
    """Per-image answers of a run, in the order of the image set.

    Images without a right class are not among them.
    ids: file names; indices: int32 (N, k) output indices; scores: float32 (N, k); top1, top5: bool (N,);
    classes: int64 (N,) true classes, the lowest where several are right; first_scores: float32 (min(N, 64), outputs),
    whole vectors. other_classes: int64 (N, m) the other right classes, ascending, then -1; None where no image has any.
    """

    ids: tuple[str, ...]
    classes: NDArray[np.int64]
    indices: NDArray[np.int32]
    scores: NDArray[np.float32]
    top1: NDArray[np.bool_]
    top5: NDArray[np.bool_]
    first_scores: NDArray[np.float32]
    other_classes: NDArray[np.int64] | None = None

    def right_classes(self, row: int) -> list[int]:
        """Every right class of one image, ascending."""
        others = [] if self.other_classes is None else self.other_classes[row].tolist()
        return [int(self.classes[row]), *(each for each in others if each >= 0)]

    @property
    def labelled_images(self) -> tuple[object, ...]:
        """What two runs on the same images with the same labels have in common: a key for a dict."""
        others = b"" if self.other_classes is None else self.other_classes.tobytes()
        return self.ids, self.classes.tobytes(), others

    def correct(self, metric: str) -> NDArray[np.bool_]:
        """Which images are right by `top1` or `top5`, bool (N,)."""
        return {"top1": self.top1, "top5": self.top5}[metric]

    def of_rows(self, rows: NDArray[np.int64]) -> Self:
        """Some of the images in this order; whole score vectors for those of the first 64 that had one."""
        whole = [row for row in rows[:64].tolist() if row < len(self.first_scores)]
        others = self.other_classes
        return replace(
            self, ids=tuple(self.ids[row] for row in rows), classes=self.classes[rows], indices=self.indices[rows],
            scores=self.scores[rows], top1=self.top1[rows], top5=self.top5[rows],
            first_scores=self.first_scores[whole], other_classes=None if others is None else others[rows],
        )  # fmt: skip

    def write(self, out: BinaryIO) -> None:
        """As .npz, readable with `numpy.load(..., allow_pickle=False)`."""
        arrays: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "ids"}
        stored = {name: array for name, array in arrays.items() if array is not None}
        np.savez_compressed(out, allow_pickle=False, ids=np.array(self.ids, dtype=np.str_), **stored)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file that `write` wrote; raises RunFolderError as `parse` does."""
        return cls.parse(path.read_bytes(), path)

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Self:
        """Inverse of `write`. Raises RunFolderError that names `path`, the file of these bytes."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                optional = {"ids", "other_classes"} - {*arrays.files}
                fields = {name: arrays[name] for name in cls.__dataclass_fields__.keys() - optional - {"ids"}}
                predictions = cls(ids=tuple(str(name) for name in arrays["ids"]), **fields)
            lengths = {len(predictions.ids), *(len(each) for name, each in fields.items() if name != "first_scores")}
            if (
                len(lengths) > 1
                or predictions.indices.ndim != 2
                or predictions.indices.shape != predictions.scores.shape
            ):
                raise ValueError("its arrays do not fit together")
        except Exception as error:  # numpy, zip and zlib raise many kinds
            raise RunFolderError(
                f"{path}: cannot be read as the answers of a run, so it is damaged ({type(error).__name__}: {error}); "
                "make the run again"
            ) from error
        return predictions
