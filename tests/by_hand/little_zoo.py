"""A stranger's zoo in a folder: the fake framework, a handful of generated images, claims that hold or do not."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 8
CLASSES = 10


def make_images(folder: Path, count: int) -> Path:
    """PNGs of SIDE x SIDE random pixels, labelled with the class that the fake network gives them."""
    images = folder / "images"
    images.mkdir(parents=True)
    random = np.random.default_rng(7)
    rows = [("file", "class_index")]
    for number in range(count):
        pixels = random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        name = f"{number:04d}.png"
        Image.fromarray(pixels).save(images / name)
        rows.append((name, str(int(pixels.sum()) % CLASSES)))
    with (images / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return images


def add_checkpoint(folder: Path, name: str, **behaviour: object) -> None:
    """A checkpoint `little/<name>` whose network behaves as told (see adapters/fake/adapter.py)."""
    model = {"outputs": CLASSES, "input_shape": [-1, SIDE, SIDE, 3], **behaviour}
    (folder / f"{name}.json").write_text(json.dumps(model), encoding="utf-8")
    with (folder / "checkpoints.toml").open("a", encoding="utf-8") as file:
        file.write(
            f'[[checkpoint]]\nid = "little/{name}"\nframework = "fake"\nformat = "fake"\nrecipe = "whole"\n'
            f'label_map = "ten"\nfiles = [{{ name = "{name}.json" }}]\n\n'
        )


def make(folder: Path, count: int = 12) -> Path:
    """A zoo with one well-behaved checkpoint, `little/good`, that is always right."""
    folder.mkdir(parents=True, exist_ok=True)
    make_images(folder, count)
    (folder / "recipes.toml").write_text(
        f"""
[[geometry]]
id = "whole"
steps = [
  {{ op = "decode", library = "pil", exif = "ignore" }},
  {{ op = "centre_crop", size = {SIDE}, offset = "floor" }},
]

[[numeric]]
id = "pixels"
steps = [{{ op = "layout", order = "nhwc" }}]

[[recipe]]
id = "whole"
geometry = "whole"
numeric = "pixels"
""",
        encoding="utf-8",
    )
    (folder / "label_maps.toml").write_text(
        f'[[label_map]]\nid = "ten"\noutputs = {CLASSES}\nclasses = {CLASSES}\nfirst = 0\n', encoding="utf-8"
    )
    add_checkpoint(folder, "good")
    return folder


def claim_accuracy(folder: Path, checkpoint: str, top1: str, digest: str, images: int) -> None:
    """Document a top-1 (percent, one decimal) on exactly the images with that listing digest."""
    (folder / "populations.toml").write_text(
        f'[[population]]\nid = "own"\ntitle = "the little images"\nimages = {images}\ndigest = "{digest}"\n',
        encoding="utf-8",
    )
    (folder / "sources.csv").write_text("id,title,url,revision,note\npage,A page,,,\n", encoding="utf-8")
    decimals = len(top1.partition(".")[2])
    (folder / "claims.csv").write_text(
        "id,checkpoint,metric,value,unit,decimals,population,source\n"
        f"{checkpoint}-top1,{checkpoint},top1,{top1},percent,{decimals},own,page\n",
        encoding="utf-8",
    )
