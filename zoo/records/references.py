"""What one run answered on every image of a population, in little room: so much of it as helps to judge its relatives.

No pixel and no score is in it, so it may be published.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from zoo.errors import RunFolderError

SHOWN = 5  # best classes among which the right one is looked for
FORMAT = 1
_STEPS = 20  # of a margin in one nat
_MOST = 255  # the largest step, 12.75 nats
_WORDS = ("subject", "run", "sha256", "population", "labels_digest")
_ARRAYS = ("shared", "tails", "answers", "margins", "ranks")


@dataclass(frozen=True, eq=False)
class Reference:
    """Answers of one run to a whole population, by the images' stems (names without folders and suffix), sorted.

    subject: `checkpoint@framework`; run: key of the run; sha256: of the files it ran; population: id, or "";
    labels_digest: as `Recognition` has it, of the counted images. answers: int32 (N,) class from 0, -1 where the output
    is no class. margins: uint8 (N,), how far the right class's score lies from the best other one, in twentieths of a
    nat (0 to 12.75), where both are among the five best, and else at least so far. ranks: uint8 (N,) place of the right
    class among the five best, from 1; 0 where it is none of them.
    """

    subject: str
    run: str
    sha256: str
    population: str
    labels_digest: str
    stems: tuple[str, ...]
    answers: NDArray[np.int32]
    margins: NDArray[np.uint8]
    ranks: NDArray[np.uint8]

    @property
    def checkpoint(self) -> str:
        """Its id."""
        return self.subject.rpartition("@")[0]

    @property
    def distances(self) -> NDArray[np.float64]:
        """Margins in nats, float64 (N,)."""
        return self.margins / float(_STEPS)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each stem."""
        return {stem: row for row, stem in enumerate(self.stems)}

    def correct(self, metric: str) -> NDArray[np.bool_]:
        """Which images are right by `top1` or `top5`, bool (N,)."""
        right: dict[str, NDArray[np.bool_]] = {"top1": self.ranks == 1, "top5": self.ranks > 0}
        return right[metric]

    @cached_property
    def digest(self) -> str:
        """sha256 over everything in it, whatever compressed it."""
        digest = hashlib.sha256(json.dumps(self._words(), sort_keys=True).encode())
        for name, array in self._arrays().items():
            digest.update(name.encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def write(self, out: BinaryIO) -> None:
        """As .npz, readable with `numpy.load(..., allow_pickle=False)`; the same content gives the same arrays."""
        words = np.frombuffer(json.dumps({"format": FORMAT, **self._words()}, sort_keys=True).encode(), np.uint8)
        np.savez_compressed(out, allow_pickle=False, about=words, **self._arrays())

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Self:
        """Inverse of `write`. Raises RunFolderError that names `path`, the file of these bytes."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                about = json.loads(arrays["about"].tobytes())
                fields = {name: arrays[name] for name in _ARRAYS}
            if about.get("format") != FORMAT:
                raise ValueError(f"expected format {FORMAT}, got {about.get('format')!r:.20}")
            return cls._checked(about, fields)
        except Exception as error:  # numpy, zip, zlib and JSON raise many kinds
            what = "not a file of answers" if not zipfile.is_zipfile(io.BytesIO(data)) else "it is damaged"
            raise RunFolderError(
                f"{path}: cannot be read as answers of a reference: {what} ({type(error).__name__}: {error}); "
                "`zoo answers export RUN` writes such a file"
            ) from error

    @classmethod
    def _checked(cls, about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Self:
        """Raises ValueError, KeyError, TypeError."""
        words = {name: about[name] for name in _WORDS}
        if not all(isinstance(word, str) for word in words.values()):
            raise ValueError("a word is no text")
        stems = _joined(arrays["shared"], arrays["tails"].tobytes())
        answers, margins, ranks = arrays["answers"], arrays["margins"], arrays["ranks"]
        if answers.dtype != np.uint8 or margins.dtype != np.uint8 or ranks.dtype != np.uint8 or answers.shape[0] > 4:
            raise ValueError("an array is of another kind")
        if not len(stems) == answers.shape[1] == len(margins) == len(ranks) or answers.ndim != 2:
            raise ValueError("its arrays do not fit together")
        if list(stems) != sorted(set(stems)) or int(ranks.max(initial=0)) > SHOWN:
            raise ValueError("names are not sorted or not unique, or a rank is none")
        numbers = sum(answers[plane].astype(np.int64) << (8 * plane) for plane in range(len(answers))) - 1
        return cls(**words, stems=stems, answers=np.asarray(numbers, np.int32), margins=margins, ranks=ranks)

    def _words(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in _WORDS}

    def _arrays(self) -> dict[str, NDArray[np.uint8]]:
        """Bytes that a general compressor makes small: of names what changes, of numbers one plane after the other."""
        shared, tails = _split(self.stems)
        numbers = self.answers.astype(np.int64) + 1
        planes = max(1, (int(numbers.max(initial=0)).bit_length() + 7) // 8)
        answers = np.stack([(numbers >> (8 * plane) & 255).astype(np.uint8) for plane in range(planes)])
        packed = (shared, np.frombuffer(tails, np.uint8), answers, self.margins, self.ranks)
        return dict(zip(_ARRAYS, packed, strict=True))


def steps(nats: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Distances in nats, 0 or more, as `Reference.margins` has them."""
    return np.clip(np.rint(np.nan_to_num(nats, nan=0.0) * _STEPS), 0, _MOST).astype(np.uint8)


def stem(name: str) -> str:
    """Of an image's id: its name without folders and suffix."""
    return PurePosixPath(name).stem


def _split(stems: Sequence[str]) -> tuple[NDArray[np.uint8], bytes]:
    """How many bytes each name shares with the one before it, and what comes after these, each with a NUL behind."""
    coded = [name.encode("utf-8", "surrogateescape") for name in stems]
    shared = [_alike(before, name) for before, name in itertools.pairwise([b"", *coded])]
    tails = b"".join(name[same:] + b"\0" for name, same in zip(coded, shared, strict=True))
    return np.array(shared, np.uint8), tails


def _alike(first: bytes, second: bytes) -> int:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return min(sum(1 for _ in same), 255)


def _joined(shared: NDArray[np.uint8], tails: bytes) -> tuple[str, ...]:
    """Inverse of `_split`. Raises ValueError."""
    parts = tails.split(b"\0")
    if len(parts) != len(shared) + 1 or parts[-1]:
        raise ValueError("its names do not fit together")
    names, before = [], b""
    for same, part in zip(shared.tolist(), parts, strict=False):
        before = before[:same] + part
        names.append(before.decode("utf-8", "surrogateescape"))
    return tuple(names)
