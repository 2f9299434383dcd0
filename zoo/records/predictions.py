"""Answers of a run for every image, as stored in a run folder."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from zoo.errors import RunFolderError

K = 5  # best outputs of each image that are kept


@dataclass(frozen=True)
class Predictions:
    """Per-image answers of a run, in the order of the image set.

    ids: file names; indices: int32 (N, k) output indices; scores: float32 (N, k); top1, top5: bool (N,);
    classes: int64 (N,) true classes; first_scores: float32 (min(N, 64), outputs), whole vectors.
    """

    ids: tuple[str, ...]
    classes: NDArray[np.int64]
    indices: NDArray[np.int32]
    scores: NDArray[np.float32]
    top1: NDArray[np.bool_]
    top5: NDArray[np.bool_]
    first_scores: NDArray[np.float32]

    def correct(self, metric: str) -> NDArray[np.bool_]:
        """Which images are right by `top1` or `top5`, bool (N,)."""
        return {"top1": self.top1, "top5": self.top5}[metric]

    def write(self, out: BinaryIO) -> None:
        """As .npz, readable with `numpy.load(..., allow_pickle=False)`."""
        arrays: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "ids"}
        np.savez_compressed(out, allow_pickle=False, ids=np.array(self.ids, dtype=np.str_), **arrays)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file that `write` wrote; raises RunFolderError as `parse` does."""
        return cls.parse(path.read_bytes(), path)

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Self:
        """Inverse of `write`. Raises RunFolderError that names `path`, the file of these bytes."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                fields = {name: arrays[name] for name in cls.__dataclass_fields__ if name != "ids"}
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
