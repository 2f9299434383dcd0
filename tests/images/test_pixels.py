"""Decode once: blocks are whole or absent, shared by processes, and keyed by what they depend on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.by_hand import little_zoo
from zoo import machine
from zoo.disk import CacheError
from zoo.errors import ImageSetError
from zoo.images import image_sets
from zoo.images import pixels as store
from zoo.images.digests import file_digests
from zoo.records import CentreCrop, Decode, Geometry, ResizeExact, ToFloat

DECODE = Decode(op="decode", library="pil", exif="ignore")
WHOLE = Geometry(id="whole", steps=(DECODE, CentreCrop(op="centre_crop", size=8, offset="floor")))
SLOW = Geometry(
    id="slow",
    steps=(DECODE, ResizeExact(op="resize_exact", size=300, library="pil", interpolation="bicubic", antialias=True)),
)


def cut(folder: Path, home: Path, count: int = 300) -> list[store.Block]:
    image_set = image_sets.open_image_set(little_zoo.make_images(folder, count))
    return store.blocks(image_set, file_digests(image_set, home / "digests"))


def test_blocks_cover_the_set_in_order(own_home: Path, tmp_path: Path) -> None:
    blocks = cut(tmp_path, own_home)
    assert [(block.start, block.stop) for block in blocks] == [(0, 128), (128, 256), (256, 300)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_decoded_pixels_are_the_images(own_home: Path, tmp_path: Path, jobs: int) -> None:
    blocks = cut(tmp_path, own_home)
    told: list[int] = []
    store.fill(WHOLE, blocks, jobs, told.append)
    assert sum(told) == 300
    for block in blocks:
        pixels = np.load(store.block_path(WHOLE, block), mmap_mode="r")
        assert pixels.shape == (len(block.images), 8, 8, 3)
        assert pixels.dtype == np.uint8
        first = np.asarray(Image.open(tmp_path / "images" / block.images[0].id))
        assert np.array_equal(pixels[0], first)


def test_float_geometry_is_kept_as_float(own_home: Path, tmp_path: Path) -> None:
    steps = (DECODE, ToFloat(op="to_float", divide=255), CentreCrop(op="centre_crop", size=8, offset="floor"))
    (block,) = cut(tmp_path, own_home, 3)
    store.fill(Geometry(id="f", steps=steps), [block], 1)
    pixels = np.load(store.block_path(Geometry(id="f", steps=steps), block))
    assert pixels.dtype == np.float32
    assert pixels.max() <= 1.0


def test_a_killed_process_is_said_in_words_and_what_was_decoded_stays(own_home: Path, tmp_path: Path) -> None:
    done, *blocks = cut(tmp_path, own_home, 400)
    store.fill(WHOLE, [done], 1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # whoever reads it waits
    waiting = [replace(block, images=(*block.images[:-1], replace(block.images[-1], path=pipe))) for block in blocks]

    def kill_one() -> None:
        while not multiprocessing.active_children():
            time.sleep(0.05)
        multiprocessing.active_children()[0].kill()

    threading.Thread(target=kill_one, daemon=True).start()
    with pytest.raises(store.DecodingError, match="a process that decodes images was killed") as told:
        store.fill(WHOLE, [done, *waiting], 2)
    assert "0128.png to 0255.png" in str(told.value)
    assert "--jobs 1" in str(told.value)
    assert multiprocessing.active_children() == []
    assert store.block_path(WHOLE, done).is_file()
    store.fill(WHOLE, [done, *blocks], 2)


def test_nothing_is_decoded_twice(own_home: Path, tmp_path: Path) -> None:
    blocks = cut(tmp_path, own_home, 130)
    store.fill(WHOLE, blocks, 1)
    before = [store.block_path(WHOLE, block).stat().st_mtime_ns for block in blocks]
    store.fill(WHOLE, blocks, 2)
    assert [store.block_path(WHOLE, block).stat().st_mtime_ns for block in blocks] == before


def test_key_follows_geometry_content_processor_and_bytes_not_names(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = cut(tmp_path, own_home, 3)
    renamed = WHOLE.changed(id="other", note="x")
    other = Geometry(id="whole", steps=(DECODE, CentreCrop(op="centre_crop", size=7, offset="floor")))
    changed = store.Block(block.start, block.images, ("0" * 64, *block.digests[1:]))
    assert store.block_path(renamed, block) == store.block_path(WHOLE, block)
    assert store.block_path(other, block) != store.block_path(WHOLE, block)
    assert store.block_path(WHOLE, changed) != store.block_path(WHOLE, block)
    here = store.block_path(WHOLE, block)
    monkeypatch.setattr(machine, "instruction_sets", lambda: ("avx2", "avx512_vnni", "sve"))
    assert store.block_path(WHOLE, block) != here


def test_every_bad_image_is_listed(own_home: Path, tmp_path: Path) -> None:
    little_zoo.make_images(tmp_path, 140)
    for number in (3, 5, 135):
        (tmp_path / "images" / f"{number:04d}.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    image_set = image_sets.open_image_set(tmp_path / "images")
    blocks = store.blocks(image_set, file_digests(image_set, own_home / "digests"))
    with pytest.raises(ImageSetError, match="3 images cannot be used") as caught:
        store.fill(WHOLE, blocks, 2)
    assert all(name in str(caught.value) for name in ("0003.png", "0005.png", "0135.png"))


def _fill(home: str, folder: str) -> None:
    os.environ["ZOO_HOME"] = home
    image_set = image_sets.open_image_set(Path(folder))
    store.fill(SLOW, store.blocks(image_set, file_digests(image_set, Path(home) / "digests")), 2)


def test_two_processes_on_one_cache(own_home: Path, tmp_path: Path) -> None:
    blocks = cut(tmp_path, own_home, 200)
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_fill, args=(str(own_home), str(tmp_path / "images"))) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
        assert process.exitcode == 0
    assert all(len(np.load(store.block_path(SLOW, block), mmap_mode="r")) == len(block.images) for block in blocks)
    assert not [path for path in (own_home / "pixels").rglob("*") if path.name.startswith(".")]


def test_killed_half_way_leaves_only_whole_blocks(own_home: Path, tmp_path: Path) -> None:
    blocks = cut(tmp_path, own_home, 600)
    process = multiprocessing.get_context("spawn").Process(target=_fill, args=(str(own_home), str(tmp_path / "images")))
    process.start()
    deadline = time.monotonic() + 60
    while not list((own_home / "pixels").rglob("*.npy")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.pid is not None
    helpers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert helpers
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    while any(Path(f"/proc/{helper}").exists() for helper in helpers) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [helper for helper in helpers if Path(f"/proc/{helper}").exists()]
    there = [path for block in blocks if (path := store.block_path(SLOW, block)).is_file()]
    assert there
    for path in there:
        assert np.load(path, mmap_mode="r").shape[1:] == (300, 300, 3)
    store.fill(SLOW, blocks, 2)
    assert all(store.block_path(SLOW, block).is_file() for block in blocks)


def test_unwritable_cache_is_one_sentence(own_home: Path, tmp_path: Path) -> None:
    (block,) = cut(tmp_path, own_home, 3)
    (own_home / "pixels").write_text("a file where a folder should be")
    with pytest.raises(CacheError, match=r"cannot write .*pixels.*bytes are needed.*ZOO_HOME"):
        store.fill(WHOLE, [block], 1)
