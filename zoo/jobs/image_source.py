"""The images of a job: opened at the start; recognised, hashed and decoded when a network is ready for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from zoo import disk
from zoo.documents.load import Zoo
from zoo.errors import UsageError, listing
from zoo.images import image_sets, pixels, recognition
from zoo.images.digests import archive_digest, file_digests, listing_digest
from zoo.images.image_sets import ImageSet
from zoo.images.recognition import Recognised
from zoo.jobs.request import Request
from zoo.measure.accuracy import Material
from zoo.progress import Talk
from zoo.records import Geometry, PopulationKind
from zoo.report import text

COPIES_SAID = 3  # report.json lists more


class WholeSet:
    """An image set as it was opened. All of it is hashed: a sample does not show what it was drawn from."""

    def __init__(self, zoo: Zoo, image_set: ImageSet, talk: Talk, *, fresh: bool) -> None:
        self.set, self._populations, self._talk, self._fresh = image_set, zoo.populations, talk, fresh

    @cached_property
    def digests(self) -> dict[str, str]:
        """Id of every image to the sha256 of its file, in the set's order."""
        with self._talk.bar("hashing images", len(self.set.images)) as advance:
            digests = file_digests(self.set, disk.home() / "digests", advance, fresh=self._fresh)
        return dict(zip((image.id for image in self.set.images), digests, strict=True))

    @cached_property
    def recognised(self) -> Recognised:
        """What the set is. The user is warned of doubts at once, because a run may take hours."""
        recognised = recognition.recognise(
            self.set, tuple(self.digests.values()), self._populations, self._archive_digest
        )
        if recognised.how.doubt:
            doubt = f"{self.set.root}: not the documented images: {recognised.how.doubt}"
            self._talk.warn(f"{doubt}. No documented accuracy is judged on them.")
        if recognised.how.copies:
            copies = f"{self.set.root}: {text.copies(recognised.how)}, such as"
            self._talk.warn(listing(copies, recognised.how.copies_listed[:COPIES_SAID]))
        return recognised

    def _archive_digest(self, path: Path) -> str:
        self._talk.say(f"{path.name}: comparing the whole archive with the published sha256")
        return archive_digest(path, disk.home() / "digests", fresh=self._fresh)


class ImageSource:
    """The image set of a job: opened at once, hashed and decoded only when the first network is ready for it.

    whole: the set that it was chosen from.
    """

    def __init__(self, whole: WholeSet, chosen: ImageSet, jobs: int, talk: Talk) -> None:
        self.whole, self.set, self._jobs, self._talk = whole, chosen, jobs, talk
        self._filled: set[str] = set()

    @classmethod
    def of(cls, zoo: Zoo, request: Request, talk: Talk, *, fresh: bool = False) -> ImageSource:
        """What a request asks for. Raises UsageError, ImageSetError."""
        whole = WholeSet(zoo, opened(zoo, request.images, request.labels), talk, fresh=fresh)
        return cls(whole, _chosen(whole.set, request), request.jobs, talk)

    @classmethod
    def nothing(cls, zoo: Zoo, talk: Talk) -> ImageSource:
        """No image at all: of a job that looks at sample answers alone, whose pictures are the publishers' own."""
        none = ImageSet("none", Path(), ())
        return cls(WholeSet(zoo, none, talk, fresh=False), none, 1, talk)

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """sha256 of every image file."""
        return tuple(self.whole.digests[image.id] for image in self.set.images)

    @property
    def population(self) -> tuple[PopulationKind, str]:
        """What the set is of a population; a sample of a full set is a random one."""
        whole = self.whole.recognised
        sampled = whole.population == "full" and len(self.set.counted) < len(self.whole.set.counted)
        return "random_sample" if sampled else whole.population, whole.population_id

    @cached_property
    def digest(self) -> str:
        """One hash for images and labels."""
        return listing_digest(self.set, self.digests)

    @cached_property
    def blocks(self) -> list[pixels.Block]:
        """The set, cut for the store."""
        return pixels.blocks(self.set, self.digests)

    @cached_property
    def labels_digest(self) -> str:
        """What identifies names and labels of the images that count, as `recognition.labels_digest`."""
        return recognition.labels_digest((image.stem, image.classes) for image in self.set.counted)

    def first(self, blocks: int) -> ImageSource:
        """Its first blocks; the rest was not needed."""
        return self._with(self.set.first(self.blocks[blocks - 1].stop))

    def everything(self) -> ImageSource:
        """The whole set in its own order."""
        return self._with(self.whole.set)

    def drawn(self, stems: Sequence[str]) -> ImageSource:
        """The images in the order of these stems, each of which is there once."""
        by_stem = {image.stem: image for image in self.set.images}
        return self._with(replace(self.set, images=tuple(by_stem[stem] for stem in stems)))

    def only(self, ids: Collection[str]) -> ImageSource:
        """The images with these ids, in the order of the whole set."""
        return self._with(
            replace(self.whole.set, images=tuple(each for each in self.whole.set.images if each.id in ids))
        )

    def _with(self, chosen: ImageSet) -> ImageSource:
        return ImageSource(self.whole, chosen, self._jobs, self._talk)

    def material(self) -> Material:
        """The set as networks are given it."""
        return Material(self.set, self.blocks, self.digest, *self.population)

    def decoded(self, geometry: Geometry) -> Material:
        """The same, decoded in one geometry."""
        material = self.material()  # first, because it warns of doubts about the images
        if geometry.id not in self._filled:
            with self._talk.bar(f"decoding ({geometry.id})", len(self.set.images)) as advance:
                pixels.fill(geometry, self.blocks, self._jobs, advance)
            self._filled.add(geometry.id)
        return material


def _chosen(whole: ImageSet, request: Request) -> ImageSet:
    """All images, a sample, or all in the order in which they are looked at until everything is decided."""
    if request.sample is None:
        return whole
    if isinstance(request.sample, int):
        chosen = image_sets.sample(whole, request.sample, request.seed)
        if not chosen.counted:
            raise UsageError(f"--sample {request.sample}: no image drawn has a right class; take more images")
        return chosen
    return image_sets.ordered(replace(whole, images=whole.counted), request.seed)


def with_more_labels(zoo: Zoo, request: Request, first: ImageSource, talk: Talk) -> ImageSource:
    """The images of `first` in their order, with the labels of --more-labels. Raises UsageError, ImageSetError."""
    assert request.more_labels is not None
    if request.sample == "auto":
        raise UsageError(
            "--more-labels with --sample auto: claims about the first labels decide when that stops; give --sample N, "
            "or these labels as --labels"
        )
    whole = opened(zoo, request.images, request.more_labels)
    whole = replace(whole, name=f"{whole.name} by {Path(request.more_labels).name}")
    by_id = {image.id: image for image in whole.images}
    chosen = replace(whole, images=tuple(by_id[image.id] for image in first.set.images))
    if not chosen.counted:
        raise UsageError(f"{request.more_labels}: none of the images that were chosen has a right class")
    return ImageSource(WholeSet(zoo, whole, talk, fresh=False), chosen, request.jobs, talk)


def has_images(zoo: Zoo) -> bool:
    """Whether a zoo has images of its own."""
    return (zoo.root / "images").is_dir()


def opened(zoo: Zoo, given: str | None, labels: str | None) -> ImageSet:
    """The images of --images with --labels, else the zoo's own; raises UsageError, ImageSetError."""
    label_file = Path(labels) if labels else None
    if given is not None:
        return image_sets.open_image_set(Path(given), label_file)
    if not has_images(zoo):
        raise UsageError(
            f"--images is needed: zoo {zoo.name!r} has no images of its own; give a folder of labelled images, "
            "for instance the ILSVRC2012 validation set"
        )
    whole = image_sets.open_image_set(zoo.root / "images", label_file)
    return replace(whole, name=f"{zoo.name}/{whole.name}")
