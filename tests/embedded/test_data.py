"""The embedded zoo's files: drawn as documented, complete, within their limits, and in agreement."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import struct
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.by_hand.built import REPOSITORY
from zoo.documents import counting
from zoo.embedded import shapes
from zoo.records import MobileNetV2

ROOT = REPOSITORY
DATA = ROOT / "zoo" / "data" / "embedded"
WEIGHTS = DATA / "weights.safetensors"
SAMPLE = (0, 411, 959)  # three committed images


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    text = (DATA / "training.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def tensor_header(path: Path) -> dict[str, dict[str, Any]]:
    """The JSON table at the start of a safetensors file: name -> dtype, shape, data_offsets."""
    with path.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        header = dict(json.loads(stream.read(length)))
    header.pop("__metadata__", None)
    return header


@pytest.mark.parametrize("index", SAMPLE)
def test_an_image_depends_on_its_seed_alone(index: int) -> None:
    first = shapes.render(shapes.VALIDATION, index)
    shapes.render(shapes.VALIDATION, index + 1)
    assert np.array_equal(first, shapes.render(shapes.VALIDATION, index))
    assert not np.array_equal(first, shapes.render(shapes.TRAINING, index))


@pytest.mark.parametrize("index", SAMPLE)
def test_committed_image_is_the_drawn_one(index: int) -> None:
    drawn = shapes.render(shapes.VALIDATION, index)
    with Image.open(DATA / "images" / f"{index:04d}.jpg") as image:
        committed = np.asarray(image.convert("RGB"), dtype=np.float64)
    assert committed.shape == drawn.shape
    # JPEG with halved colour resolution changes every pixel a little; another image differs by more than 30
    assert np.abs(committed - drawn).mean() < 12


@pytest.mark.parametrize("index", SAMPLE)
def test_image_sizes_leave_work_for_resize_and_crop(index: int) -> None:
    height, width, colours = shapes.render(shapes.VALIDATION, index).shape
    short, long = sorted((height, width))
    assert colours == 3
    assert shapes.SHORT_SIDE[0] <= short <= shapes.SHORT_SIDE[1]
    assert short < long <= short * shapes.ASPECT[1]


def test_hues_are_pairs_under_a_swap_of_red_and_blue() -> None:
    hues = set(shapes.HUES.values())
    assert {(240 - hue) % 360 for hue in hues} == hues
    assert all((240 - hue) % 360 != hue for hue in hues)


def test_classes_are_distinct() -> None:
    assert len({kind.name for kind in shapes.CLASSES}) == len(shapes.CLASSES) == 24


def test_weights_are_the_tensors_of_the_layer_table(record: dict[str, Any]) -> None:
    header = tensor_header(WEIGHTS)
    expected = counting.layers(MobileNetV2.from_json(record["network"])).tensor_shapes()
    assert {name: tuple(entry["shape"]) for name, entry in header.items()} == expected
    assert {entry["dtype"] for entry in header.values()} == {"F32"}


def test_weights_are_the_recorded_ones(record: dict[str, Any]) -> None:
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == record["weights_sha256"]


def test_sizes_stay_within_the_limits() -> None:
    assert WEIGHTS.stat().st_size <= 2_000_000
    assert sum(path.stat().st_size for path in (DATA / "images").iterdir()) <= 3_900_000


def test_labels_are_complete_balanced_and_named() -> None:
    labels = rows("labels.csv")
    assert [row["file"] for row in labels] == sorted(path.name for path in (DATA / "images").iterdir())
    assert all(row["name"] == shapes.CLASSES[int(row["class_index"])].name for row in labels)
    assert all(shapes.class_of(int(Path(row["file"]).stem)) == int(row["class_index"]) for row in labels)
    counts = Counter(row["class_index"] for row in labels)
    assert len(counts) == len(shapes.CLASSES)
    assert len(set(counts.values())) == 1


def test_claims_are_the_recorded_counts(record: dict[str, Any]) -> None:
    claims = rows("claims.csv")
    assert len({row["id"] for row in claims}) == len(claims)
    for row in claims:
        assert row["id"] == f"{row['checkpoint'].replace('/', '-')}-{row['metric']}"
        assert row["value"] == f"{100 * record[row['metric'] + '_correct'] / record['n_images']:.2f}"
        assert int(row["n_images"]) == record["n_images"] == len(rows("labels.csv"))
        assert (row["unit"], row["decimals"], row["population"]) == ("percent", "2", "embedded_val")
    metrics = {(row["checkpoint"], row["metric"]) for row in claims}
    assert metrics == {(row["checkpoint"], metric) for row in claims for metric in ("top1", "top5")}


def test_accuracy_leaves_room_on_both_sides(record: dict[str, Any]) -> None:
    assert 0.65 <= record["top1_correct"] / record["n_images"] <= 0.92
    assert record["top1_correct"] < record["top5_correct"] < record["n_images"]


def test_every_wrong_recipe_cost_accuracy(record: dict[str, Any]) -> None:
    assert len(record["sensitivity"]) == 6
    for row in record["sensitivity"]:
        lost, gained = row["lost"], row["gained"]
        assert row["top1_correct"] == record["top1_correct"] - lost + gained
        tail = sum(math.comb(lost + gained, k) for k in range(min(lost, gained) + 1))
        assert row["p_value"] == pytest.approx(min(1.0, 2 * tail / 2 ** (lost + gained)))
        assert lost > gained
        assert row["p_value"] < 1e-4, row["wrong"]


def test_label_map_names_the_classes_as_the_labels_do() -> None:
    known = tomllib.loads((DATA / "label_maps.toml").read_text(encoding="utf-8"))["label_map"][0]["names"]
    assert {int(row["class_index"]): row["name"] for row in rows("labels.csv")} == dict(enumerate(known))
