"""Small pictures of images for a page; made only on request, because most image sets may not be passed on."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import PIL.Image

from zoo import disk
from zoo.documents.load import load_zoo
from zoo.errors import UsageError
from zoo.images import image_sets
from zoo.images.digests import file_digests, listing_digest
from zoo.images.image_sets import Image, ImageSet
from zoo.records import Conditions, Report, Run
from zoo.report.reproduce import option
from zoo.runs.folder import RunFolder

LONGEST = 96  # pixels of the long side
QUALITY = 70  # of the JPEG; about 3 kB each


class Thumbnails(Mapping[str, str]):
    """Image id -> data URI of a JPEG, made when it is looked up; an image that cannot be decoded has none."""

    def __init__(self, image_set: ImageSet) -> None:
        self._images = {image.id: image for image in image_set.images}

    def __getitem__(self, name: str) -> str:
        uri = data_uri(self._images[name])
        if uri is None:
            raise KeyError(name)
        return uri

    def __iter__(self) -> Iterator[str]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)


@lru_cache(maxsize=1024)
def data_uri(image: Image) -> str | None:
    """The picture as it is stored, turned by no EXIF, with nothing of the file's own metadata."""
    try:
        with PIL.Image.open(io.BytesIO(image.read())) as opened:
            opened.draft("RGB", (LONGEST * 2, LONGEST * 2))
            small = opened.convert("RGB")
    except (OSError, ValueError, PIL.UnidentifiedImageError, PIL.Image.DecompressionBombError):
        return None
    small.thumbnail((LONGEST, LONGEST))
    small.info.clear()  # a comment in the file would be written again
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def of_report(folder: RunFolder, report: Report, path: str | None) -> Thumbnails:
    """Pictures for a run folder that is rendered again. path: its images, or None for where its runs found them.

    Raises UsageError where the images are not those of the runs, and ImageSetError.
    """
    parts = [(part.conditions, {*part.runs}) for part in report.parts]
    known: dict[str, tuple[Image, str]] = {}
    for conditions, keys in parts or [(report.conditions, {run.key for run in report.runs})]:
        own = [run for run in report.runs if run.key in keys]
        ids = next((predictions.ids for run in own if (predictions := folder.predictions(run)) is not None), None)
        if ids is not None:
            for image, digest in _seen(_opened(conditions, path), ids, conditions, own[0], path):
                if known.setdefault(image.id, (image, digest))[1] != digest:
                    raise UsageError(
                        f"--thumbnails: two runs have different images by the name {image.id}, and a page shows one "
                        "picture for a name; make a page of each run folder"
                    )
    return Thumbnails(ImageSet("", Path(), tuple(image for image, _ in known.values())))


def _opened(conditions: Conditions, path: str | None) -> ImageSet:
    command = conditions.command
    given = path or option(command, "--images")
    labels = option(command, "--labels")
    where = Path(given) if given else load_zoo(option(command, "--zoo") or "embedded").root / "images"
    return image_sets.open_image_set(where, Path(labels) if labels else None)


def _seen(
    whole: ImageSet, ids: tuple[str, ...], conditions: Conditions, run: Run, given: str | None
) -> Iterator[tuple[Image, str]]:
    """The images that were judged, with their sha256. Others are refused: a picture of another one would mislead."""
    wanted = {*ids}
    seen = ImageSet(whole.name, whole.root, tuple(image for image in whole.images if image.id in wanted))
    if len(seen.images) == len(wanted):
        digests = file_digests(seen, disk.home() / "digests")
        if listing_digest(seen, digests) == conditions.images_digest:
            return zip(seen.images, digests, strict=True)
    named = f"--images {whole.root}" if given else f"{whole.root}, where {run.subject} found its images"
    remedy = "give those of the run" if given else "give them with --images"
    raise UsageError(
        f"{named}: these are not the images of {run.subject}: expected {len(wanted):,} with the list sha256 "
        f"{conditions.images_digest[:12]}, found {len(seen.images):,} of their names; {remedy}"
    )
