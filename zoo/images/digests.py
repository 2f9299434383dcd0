"""Hashes of the files of an image set, remembered as long as the files do not change."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from stat import S_ISREG

from zoo import kept
from zoo.errors import ImageSetError, refuse
from zoo.images.image_sets import Image, ImageSet

_HASHING_THREADS = 8


def file_digests(
    image_set: ImageSet, folder: Path, progress: Callable[[int], None] | None = None, *, fresh: bool = False
) -> tuple[str, ...]:
    """sha256 of every image file, in the set's order; `progress` is told how many more are done.

    Remembered in `folder`, one file per listing (root, and id, size, mtime and ctime of every image). fresh: read every
    byte again, whatever is remembered.
    Raises ImageSetError listing the files that cannot be read, CacheError where `folder` cannot be written.
    """
    tell = progress or (lambda images: None)
    images = sorted(image_set.images, key=lambda image: image.id)
    key = _listing_key(image_set.root, images)
    path = folder / f"{key}.json"
    remembered = None if fresh else kept.read_json(path, key)
    if remembered is None:
        known = _hashed(image_set.root, images, tell)
        kept.write_json(path, key, {"digests": known})
    else:
        known = remembered["digests"]
        tell(len(images))
    by_id = dict(zip((image.id for image in images), known, strict=True))
    return tuple(by_id[image.id] for image in image_set.images)


def archive_digest(path: Path, folder: Path, *, fresh: bool = False) -> str:
    """sha256 of a whole archive, remembered as those of images are; raises as `file_digests` does."""
    whole = ImageSet(path.name, path, (Image(path.name, -1, path),))
    return file_digests(whole, folder, fresh=fresh)[0]


def _listing_key(root: Path, images: Sequence[Image]) -> str:
    whole = hashlib.sha256(f"{os.fspath(root)}\n".encode("utf-8", "surrogateescape"))
    stats: dict[Path, os.stat_result] = {}
    unreadable = []
    for image in images:
        try:
            stat = stats.get(image.path) or image.path.stat()
        except OSError as error:
            unreadable.append(f"{image.id}: {error.strerror or error}")
            continue
        if not S_ISREG(stat.st_mode):
            unreadable.append(f"{image.id}: expected a file, got a pipe or a device")
            continue
        if image.offset is not None:
            stats[image.path] = stat  # the archive's own
        size = stat.st_size if image.size is None else image.size
        # Programs set mtime back after a change; ctime cannot be set.
        line = f"{image.id}\0{image.offset}\0{size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}\n"
        whole.update(line.encode("utf-8", "surrogateescape"))
    refuse(f"{root}: {len(unreadable):,} images cannot be read", unreadable)
    return whole.hexdigest()


def _hashed(root: Path, images: Sequence[Image], tell: Callable[[int], None]) -> list[str]:
    digests: list[str] = []
    unreadable: list[str] = []
    with ThreadPoolExecutor(_HASHING_THREADS) as pool:
        try:
            for image, future in [(image, pool.submit(image.sha256)) for image in images]:
                try:
                    digests.append(future.result())
                except (OSError, ImageSetError) as error:
                    unreadable.append(f"{image.id}: {getattr(error, 'strerror', None) or error}")
                tell(1)
        except BaseException:  # Ctrl-C must not wait for 50,000 files
            pool.shutdown(cancel_futures=True)
            raise
    refuse(f"{root}: {len(unreadable):,} images cannot be read", unreadable)
    return digests


def duplicates(digests: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Positions of images with the same bytes, a group each, in the order of the images."""
    positions: dict[str, list[int]] = defaultdict(list)
    for position, digest in enumerate(digests):
        positions[digest].append(position)
    return tuple(tuple(group) for group in positions.values() if len(group) > 1)


def listing_digest(image_set: ImageSet, digests: Sequence[str]) -> str:
    """What identifies images and labels together: sha256 over the sorted lines "id sha256 class"."""
    lines = sorted(
        f"{image.id} {digest} {image.class_index}\n" for image, digest in zip(image_set.images, digests, strict=True)
    )
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
