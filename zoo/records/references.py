"""What one run answered on every image of a population, in little room: so much of it as helps to judge its relatives.

No pixel and no score is in it, so it may be published.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from zoo.errors import RunFolderError

SHOWN = 5  # best classes among which the right one is looked for
FORMAT = 1
LARGEST = 64 << 20  # bytes of a file, and of its arrays: 2 million images have some 40 MB
_LARGEST_NAMES = 256 << 20  # bytes of all names
_LAST_CLASS = 2**31 - 2
_STEPS = 20  # of a margin in one nat
_MOST = 255  # the largest step, 12.75 nats
_WORDS = ("subject", "run", "sha256", "population", "labels_digest")
_PATTERNS = {"subject": "[ -?A-~]+@[ -?A-~]+", "labels_digest": "[0-9a-f]{64}"}  # others: printable ASCII
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
    def framework(self) -> str:
        """Its name."""
        return self.subject.rpartition("@")[2]

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
        return digest_of(self._words(), self._arrays())

    def write(self, out: BinaryIO) -> None:
        """As .npz, readable with `numpy.load(..., allow_pickle=False)`; the same content gives the same arrays."""
        about = {"format": FORMAT, "digest": self.digest, **self._words()}
        words = np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8)
        np.savez_compressed(out, allow_pickle=False, about=words, **self._arrays())

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Self:
        """Inverse of `write`. Raises RunFolderError that names `path`, the file of these bytes.

        What a file says of its own size is checked before memory is taken for it.
        """
        hint = "`zoo answers export RUN` writes such a file"
        try:
            archive = _Archive(data)
            about = json.loads(archive.array("about").tobytes())
            written = about["format"]
        except Exception as error:  # numpy, zip, zlib and JSON raise many kinds
            raise RunFolderError(
                f"{path}: expected a file of answers, got another file, or one that is cut off or damaged "
                f"({_named(error)}); {hint}"
            ) from error
        if written != FORMAT:
            raise RunFolderError(
                f"{path}: expected answers in format {FORMAT}, got {written!r:.20}; "
                "use the version of this suite that wrote them, or export them again"
            )
        try:
            return cls._checked(about, {name: archive.array(name) for name in _ARRAYS})
        except Exception as error:
            raise RunFolderError(f"{path}: its answers are damaged ({_named(error)}); {hint}") from error

    @classmethod
    def _checked(cls, about: dict[str, Any], arrays: dict[str, NDArray[np.uint8]]) -> Self:
        """Raises ValueError, KeyError, TypeError."""
        words = {name: about[name] for name in _WORDS}
        if wrong := [name for name, word in words.items() if not _is_word(name, word)]:
            raise ValueError(f"its {wrong[0]} is not one")
        shared, margins, ranks = (arrays[name] for name in ("shared", "margins", "ranks"))
        planes, tails = arrays["answers"], arrays["tails"]
        if planes.ndim != 2 or planes.shape[0] not in range(1, 5):
            raise ValueError(f"answers have the shape {planes.shape}")
        if not shared.shape == margins.shape == ranks.shape == planes.shape[1:] or tails.ndim != 1:
            raise ValueError("its arrays do not fit together")
        numbers = sum(plane.astype(np.int64) << (8 * place) for place, plane in enumerate(planes)) - 1
        if np.max(numbers, initial=0) > _LAST_CLASS or (ranks > SHOWN).any() or ((ranks == 1) & (numbers < 0)).any():
            raise ValueError("it has an answer or a rank that cannot be")
        stems = _joined(shared, tails.tobytes())
        if any(name >= after for name, after in itertools.pairwise(stems)):
            raise ValueError("its names are not sorted, or one is there twice")
        if about["digest"] != digest_of(words, arrays):
            raise ValueError("its content is not that of which it states the digest")
        return cls(**words, stems=stems, answers=numbers.astype(np.int32), margins=margins, ranks=ranks)

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


class _Archive:
    """The arrays of bytes in an .npz; none is read that says it is larger than such a file can be."""

    def __init__(self, data: bytes) -> None:
        """Raises BadZipFile, ValueError."""
        if len(data) > LARGEST:
            raise ValueError(f"expected at most {LARGEST:,} bytes")
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        if (size := sum(entry.file_size for entry in self._zip.infolist())) > LARGEST:
            raise ValueError(f"expected at most {LARGEST:,} bytes once unpacked, got {size:,}")

    def array(self, name: str) -> NDArray[np.uint8]:
        """Raises KeyError, ValueError, BadZipFile, zlib.error."""
        entry = self._zip.getinfo(f"{name}.npy")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a limit
            raise ValueError(f"{name}: expected no other compression than deflate")
        with self._zip.open(entry) as stream:
            data = stream.read(entry.file_size)  # to its end: the checksum is compared there
        header = io.BytesIO(data)
        if np.lib.format.read_magic(header) != (1, 0):
            raise ValueError(f"{name}: expected version 1.0 of .npy")
        shape, _, dtype = np.lib.format.read_array_header_1_0(header)
        if dtype != np.uint8:
            raise ValueError(f"{name}: expected bytes, got {dtype}")
        found: NDArray[np.uint8] = np.frombuffer(data[header.tell() :], np.uint8).reshape(shape)
        return found


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error!s:.200}"


def _is_word(name: str, word: object) -> bool:
    """Whether a file may say this of the run that it is about: it is shown in reports."""
    return isinstance(word, str) and len(word) <= 300 and re.fullmatch(_PATTERNS.get(name, "[ -~]*"), word) is not None


def digest_of(words: Mapping[str, str], arrays: Mapping[str, NDArray[Any]]) -> str:
    """sha256 over what a file of answers says and holds, hex."""
    digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for name in _ARRAYS:
        digest.update(name.encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def steps(nats: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Distances in nats, 0 or more, as `Reference.margins` has them."""
    known = np.clip(np.where(np.isnan(nats), 0, nats), 0, _MOST / _STEPS)
    found: NDArray[np.uint8] = np.rint(known * _STEPS).astype(np.uint8)
    return found


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
    if int(shared.sum(dtype=np.int64)) + len(tails) > _LARGEST_NAMES:
        raise ValueError(f"expected at most {_LARGEST_NAMES:,} bytes of names")
    names, before = [], b""
    for same, part in zip(shared.tolist(), parts, strict=False):
        before = before[:same] + part
        names.append(before.decode("utf-8", "surrogateescape"))
    return tuple(names)
