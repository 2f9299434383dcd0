"""Whether an image set is one of the populations that documented accuracies are about, and how much of it is verified.

A file's name does not tell its content, and a right count of images in each class does not prove the labels. A
population is recognised by a digest of all bytes and labels, or by a digest of the labels together with what is known
of the bytes. The result says what is not known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.images.digests import duplicates, listing_digest
from zoo.images.image_sets import Image, ImageSet
from zoo.records import KnownImage, Population, PopulationKind, Recognition

LISTED = 20  # copies
# A few images of the real validation set are there twice: 29, if images are reduced to 32 x 32 pixels
# (https://github.com/PatrykChrabaszcz/Imagenet32_Scripts/issues/8), and whatever has equal bytes is equal then. So a
# population whose bytes we do not know may hold copies, but no more than one in a thousand: as many as the tolerance
# of 0.1 points allows to be wrong. A copy that failed, or one picture in place of many, gives more.
ALLOWED_COPIES = 0.001


@dataclass(frozen=True)
class Recognised:
    """What a whole set is: "full" and the id of a population, or "other" and ""; and how that was found out."""

    population: PopulationKind
    population_id: str
    how: Recognition


def labels_digest(labels: Iterable[tuple[str, int]]) -> str:
    """What identifies names and labels without any byte of an image: sha256 over the sorted lines "stem class".

    stem: a name without folders and suffix; class: from 0, in the order of the label map (for ImageNet that of the
    sorted wnids). A space between them, a newline after each line, UTF-8.

    >>> labels_digest([("b", 10), ("a", 2)]) == hashlib.sha256(b"a 2\\nb 10\\n").hexdigest()
    True
    """
    lines = sorted(f"{stem} {class_index}\n" for stem, class_index in labels)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def recognise(
    image_set: ImageSet,
    digests: Sequence[str],
    populations: Mapping[str, Population],
    hash_archive: Callable[[Path], str],
) -> Recognised:
    """Which population the whole set is, if any. hash_archive: sha256 of a file, asked for only where it can decide."""
    comparison = _Comparison(image_set, digests, hash_archive)
    doubts = []
    for candidate in populations.values():
        if len(image_set.images) != candidate.images:
            continue
        bytes_by, doubt = comparison.compared(candidate)
        if bytes_by:
            known = len(candidate.known_images) if bytes_by == "known_images" else 0
            return Recognised("full", candidate.id, comparison.recognition(bytes_by=bytes_by, known_images=known))
        doubts.append(doubt)
    return Recognised("other", "", comparison.recognition(doubt="; ".join(filter(None, doubts))))


class _Comparison:
    """One image set, and what is computed of it once."""

    def __init__(self, image_set: ImageSet, digests: Sequence[str], hash_archive: Callable[[Path], str]) -> None:
        self.root, self.images, self.digests = image_set.root, image_set.images, digests
        self.hash_archive = hash_archive
        pairs = [(image.stem, image.class_index) for image in image_set.images]
        self.place = {stem: number for number, (stem, _) in enumerate(pairs)}
        self.labels_digest = labels_digest(pairs)
        self.digest = listing_digest(image_set, digests)
        groups = duplicates(digests)
        self.copies = [(self.images[copy], self.images[first]) for first, *copies in groups for copy in copies]

    def recognition(self, **known: Any) -> Recognition:
        """The record, with what holds of every set."""
        return Recognition(
            labels_digest=self.labels_digest,
            copies=len(self.copies),
            copies_relabelled=sum(copy.class_index != first.class_index for copy, first in self.copies),
            copies_listed=tuple(_listed(*pair) for pair in self.copies[:LISTED]),
            **known,
        )

    def compared(self, population: Population) -> tuple[str, str]:
        """(what shows that the bytes are the population's, ""), or ("", what is wrong with a set that resembles it)."""
        equal_labels = population.labels_digest == self.labels_digest
        if population.digest is not None:
            if population.digest == self.digest:
                return "digest", ""
            wrong = "paths or bytes are not"
        elif equal_labels:
            bytes_by, wrong = self._bytes(population)
            if not wrong:
                return bytes_by, ""
        else:
            return "", self._other_labels(population)
        return "", f"names and labels are those of {population.id}, but {wrong}" if equal_labels else ""

    def _other_labels(self, population: Population) -> str:
        if population.names() != self.place.keys():
            return ""
        expected = (population.labels_digest or "none")[:8]
        problem = f"names are those of {population.id}, labels are not"
        return f"{problem} (their digest begins {self.labels_digest[:8]}, expected {expected})"

    def _bytes(self, population: Population) -> tuple[str, str]:
        """The same, of a set that has the population's names and labels."""
        archive, known = population.archive, population.known_images
        if archive is not None and self.root.is_file() and self.root.stat().st_size == archive.size_bytes:
            if self.hash_archive(self.root) == archive.sha256:
                return "archive", ""
            return "", f"the archive has the size of {archive.name} and another sha256: it is damaged or was altered"
        if len(self.copies) > max(1, ALLOWED_COPIES * len(self.images)):
            return "", "too many images are copies of another one"
        if different := [image.stem for image in known if not self._is(image)]:
            such = f"{len(different)} of {len(known)} known images have other bytes, such as {different[0]}"
            return "", f"{such}: were the images resized or re-encoded?"
        return "known_images" if known else "nothing", ""

    def _is(self, known: KnownImage) -> bool:
        number = self.place.get(known.stem)
        if number is None:
            return False
        if known.sha256 is not None:
            return self.digests[number] == known.sha256
        return self.images[number].bytes_stored() == known.size_bytes


def _listed(copy: Image, first: Image) -> str:
    labels = "the same label" if copy.class_index == first.class_index else "another label"
    return f"{copy.id} has the bytes of {first.id} and {labels}"
