"""Decoded images, as uint8 or float32 arrays on disk that all runs share and workers memory-map.

An image list is cut into blocks of BLOCK images. Each block of one geometry is one .npy file (N, side, side, 3),
RGB, named by a hash of the geometry's steps, the decoders (their versions, and the program text that calls them) and
the images' hashes. A block is written whole or not at all, so that a killed run loses at most the blocks in flight and
a second process finds the rest. It is checked each time before a worker gets it.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path

import cv2
import numpy as np

from zoo import disk, kept, machine
from zoo.errors import ImageSetError, ZooError, listing, refuse
from zoo.images import preprocess
from zoo.images.image_sets import Image, ImageSet
from zoo.records import Geometry

BLOCK = 128
Progress = Callable[[int], None]


class DecodingError(ZooError):
    """A process that decodes images ended before it had answered (exit code 3)."""


@dataclass(frozen=True)
class Block:
    """Images `start` to `start + len(images)` of a set, with the sha256 of each file."""

    start: int
    images: tuple[Image, ...]
    digests: tuple[str, ...]

    @property
    def stop(self) -> int:
        """One behind the last image."""
        return self.start + len(self.images)


def blocks(image_set: ImageSet, digests: Sequence[str]) -> list[Block]:
    """The set in order, cut into blocks; only the last one may be shorter."""
    starts = range(0, len(image_set.images), BLOCK)
    return [
        Block(start, image_set.images[start : start + BLOCK], tuple(digests[start : start + BLOCK])) for start in starts
    ]


def block_key(geometry: Geometry, block: Block) -> str:
    """Everything that the decoded block depends on, as a hash; the decoders have kernels for each kind of processor."""
    steps = [step.to_json() for step in geometry.steps]
    decoders = [preprocess.versions(), disk.source_digest(preprocess), machine.instruction_sets()]
    return disk.digest_of([steps, decoders, list(block.digests)])


def block_path(geometry: Geometry, block: Block) -> Path:
    """Where the decoded block lies, or will lie."""
    key = block_key(geometry, block)
    return disk.home() / "pixels" / key[:2] / f"{key}.npy"


def ready(geometry: Geometry, block: Block) -> Path:
    """The decoded block, looked through; decoded again where it is not whole. Raises ImageSetError, CacheError."""
    path = block_path(geometry, block)
    if not kept.is_whole(path, path.stem):
        problems = decode_block(geometry, block)
        refuse(f"{len(problems)} images cannot be used", problems)
    return path


def fill(geometry: Geometry, wanted: Sequence[Block], jobs: int, progress: Progress | None = None) -> None:
    """Decode every block that is not there yet, with `jobs` processes; `progress` is told finished images.

    Raises ImageSetError listing every image that cannot be used, CacheError if the disk refuses, DecodingError.
    """
    tell = progress or (lambda images: None)
    missing = []
    for block in wanted:
        if block_path(geometry, block).is_file():
            tell(len(block.images))
        else:
            missing.append(block)
    problems: list[str] = []
    for block, decoded in _decoded(geometry, missing, jobs):
        problems.extend(decoded)
        tell(len(block.images))
    refuse(f"{len(problems)} images cannot be used", problems)


def _decoded(geometry: Geometry, missing: Sequence[Block], jobs: int) -> Iterator[tuple[Block, list[str]]]:
    """Each block as it is finished, with its problems."""
    if jobs <= 1 or len(missing) <= 1:
        yield from ((block, decode_block(geometry, block)) for block in missing)
        return
    # "spawn": a fork would copy locks that image libraries hold in threads of their own.
    pool = ProcessPoolExecutor(min(jobs, len(missing)), mp_context=get_context("spawn"), initializer=_alone)
    try:
        running: dict[Future[list[str]], Block] = {}
        waiting = list(reversed(missing))
        while waiting or running:
            while waiting and len(running) < 2 * jobs:
                block = waiting.pop()
                running[pool.submit(decode_block, geometry, block)] = block
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running[future], future.result()
                del running[future]
    except BrokenProcessPool:
        raise DecodingError(_killed(running.values())) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _killed(running: Iterable[Block]) -> str:
    first = sorted(running, key=lambda block: block.start)
    names = (f"{block.images[0].id} to {block.images[-1].id}" for block in first)
    what = (
        "a process that decodes images was killed: for lack of memory, or by an image; what was decoded is kept: run "
        "it again, perhaps with --jobs 1; it was at work among these images"
    )
    return listing(what, names)


def _alone() -> None:
    """One thread a process: OpenCV would start one for every core in each of them. Ctrl-C is the parent's.

    Whatever ends such a process is told by the parent, in words; nobody reads its stderr.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stderr__.fileno() if sys.__stderr__ else 2)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def decode_block(geometry: Geometry, block: Block) -> list[str]:
    """Write one block; what is wrong with its images (then nothing is written)."""
    return decode_block_by_all([geometry], block)


def decode_block_by_all(geometries: Sequence[Geometry], block: Block, threads: int = 1) -> list[str]:
    """Write one block in each geometry, every image decoded once; what is wrong with its images (then nothing is).

    threads: so many images at a time; the libraries let other threads run while they compute.
    """
    missing = [geometry for geometry in geometries if not block_path(geometry, block).is_file()]
    if not missing:
        return []
    stores = [np.empty((len(block.images), geometry.side, geometry.side, 3), geometry.dtype) for geometry in missing]

    def fill_row(row: int) -> str:
        image = block.images[row]
        try:
            found = preprocess.apply_all(missing, _bytes(image, block.digests[row]))
        except ImageSetError as error:
            return f"{image.id}: {error}"
        except OSError as error:
            return f"{image.id}: {error.strerror or error}"
        for store, pixels in zip(stores, found, strict=True):
            store[row] = pixels
        return ""

    rows = range(len(block.images))
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            problems = [problem for problem in pool.map(fill_row, rows) if problem]
    else:
        problems = [problem for row in rows if (problem := fill_row(row))]
    if not problems:
        for geometry, store in zip(missing, stores, strict=True):
            path = block_path(geometry, block)
            save = partial(np.save, arr=store, allow_pickle=False)
            kept.write(path, path.stem, save, bytes_needed=store.nbytes, once=True)
    return problems


def _bytes(image: Image, digest: str) -> bytes:
    """The image's file; raises ImageSetError where it is not the one whose hash names the block."""
    data = image.read()
    got = hashlib.sha256(data).hexdigest()
    if got != digest:
        raise ImageSetError(
            f"it is not the file that was hashed before: expected sha256 {digest}, got {got}; "
            "give --fresh if the change is meant"
        )
    return data
