"""Every row of the project's own data, each with a test of its own, named after its id."""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from zoo import disk, records
from zoo.documents.load import Zoo, load_zoo
from zoo.frameworks.table import public_frameworks
from zoo.images import recognition

ZOOS = {name: load_zoo(name) for name in ("published", "embedded")}
PUBLISHED = ZOOS["published"]
DIGITS = {"sha256": 64, "sha384": 96, "sha1": 40, "md5": 32}
PUBLISHED_FORMATS = {
    "onnxruntime": {"onnx"},
    "torch": {"torch_state_dict"},
    "mindspore": {"mindspore_ckpt"},
    "tensorflow": {"tflite", "frozen_graph", "saved_model", "slim_ckpt", "keras_h5"},
    "openvino": {"openvino_ir"},
    "mxnet": {"gluon_params", "mxnet_symbol"},
}
SIZES = {"MB": 1_000_000, "MiB": 1 << 20}
CLAIM_COLUMNS = [
    *("id", "checkpoint", "model", "alpha", "resolution", "framework", "metric", "value", "unit", "decimals"),
    *("population", "n_images", "by", "file", "source", "place", "note", "device"),
    *("threads", "batch"),
]


def each(kind: str) -> list[object]:
    """Every record of one kind in both zoos, without the base data twice."""
    zoos = reversed(ZOOS.values())  # what both have counts as the published zoo's
    records_of = {name: (zoo, record) for zoo in zoos for name, record in getattr(zoo, kind).items()}
    return [pytest.param(*pair, id=name) for name, pair in records_of.items()]


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


# --- claims ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("zoo", "claim"), each("claims"))
def test_claim(zoo: Zoo, claim: records.Claim) -> None:
    low, high = claim.interval()
    assert low <= claim.number() <= high  # as floats, the ends of sixteen digits meet
    assert claim.source in zoo.sources
    assert claim.place
    assert bool(claim.checkpoint) != claim.note.startswith("no checkpoint: ")
    if claim.is_accuracy:
        assert claim.n_images
        assert 0 < claim.n_images <= zoo.populations[claim.population].images
        assert 0.2 < claim.number() < (0.95 if zoo is PUBLISHED else 1.0)
    else:
        assert (claim.population, claim.n_images) == ("", None)
    if checkpoint := zoo.checkpoints.get(claim.checkpoint):
        assert claim.framework in ("", checkpoint.framework)
        check_variant(claim, checkpoint)


def check_variant(claim: records.Claim, checkpoint: records.Checkpoint) -> None:
    """Width and resolution printed with a claim are those of its checkpoint."""
    network = checkpoint.network
    if isinstance(network, records.MobileNetV2) and claim.alpha is not None:
        assert (claim.alpha, claim.resolution) == (network.alpha, network.resolution)


@pytest.mark.parametrize("row", csv_rows(disk.REFERENCE_RESULTS / "claims.csv"), ids=lambda row: row["id"])
def test_claim_keeps_the_printed_text(row: dict[str, str]) -> None:
    claim = PUBLISHED.claims[row["id"]]
    assert claim.value == row["value"]
    assert len(claim.value.partition(".")[2]) == int(row["decimals"])
    assert None not in row
    assert not any(value != value.strip() or "\n" in value for value in row.values())


@pytest.mark.parametrize("claim", [c for c in PUBLISHED.claims.values() if c.metric == "size"], ids=lambda c: c.id)
def test_size_claim(claim: records.Claim) -> None:
    """A printed size fits one of the checkpoint's files or archives, where theirs are known, within 5 %.

    Publishers write MB for MiB, and cut digits instead of rounding them.
    """
    checkpoint = PUBLISHED.checkpoints.get(claim.checkpoint)
    known = [size for file in checkpoint.files for size in sizes(file)] if checkpoint else []
    printed = [float(Decimal(claim.value)) * unit for unit in SIZES.values()]
    assert not known or any(abs(size / wanted - 1) < 0.05 for size in known for wanted in printed)


def sizes(file: records.File) -> list[int]:
    every = [file.size_bytes, file.archive.size_bytes if file.archive else None]
    return [size for size in every if size]


def test_all_claims_are_there() -> None:
    rows = csv_rows(disk.REFERENCE_RESULTS / "claims.csv")
    assert len(rows) == 522
    assert len(PUBLISHED.claims) == 522
    assert list(rows[0]) == CLAIM_COLUMNS
    assert Counter(row["metric"] for row in rows) == {
        "top1": 174,
        "top5": 158,
        "parameters": 68,
        "latency": 53,
        "multiply_adds": 37,
        "size": 22,
        "gflops": 10,
    }


def test_mindspore_evaluations_are_whole_counts() -> None:
    """The long fractions of the sample output are k/n of the n that the row gives."""
    long = [claim for claim in PUBLISHED.claims.values() if claim.n_images in (49_920, 49_984)]
    assert len(long) == 4
    for claim in long:
        n = claim.n_images
        assert n
        assert round(claim.number() * n) / n == claim.number()


# --- sources -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("zoo", "source"), each("sources"))
def test_source(zoo: Zoo, source: records.Source) -> None:
    assert source.title
    assert source.url or zoo.name == "embedded"
    users = {claim.source for claim in zoo.claims.values()}
    users |= {name for checkpoint in zoo.checkpoints.values() for name in checkpoint.sources}
    users |= {statement.source for statement in zoo.statements.values()}
    users |= {sample.source for sample in zoo.sample_answers.values()}
    assert source.id in users or not zoo.claims
    if source.url and "/blob/" in source.url:
        assert source.revision in source.url


def test_sources_are_not_named_twice() -> None:
    urls = Counter(source.url for source in PUBLISHED.sources.values())
    issue = "https://github.com/tensorflow/models/issues/4809"  # quotes a document and holds a measurement
    assert {url for url, count in urls.items() if count > 1} == {issue}


# --- checkpoints -------------------------------------------------------------------------------


@pytest.mark.parametrize(("zoo", "checkpoint"), each("checkpoints"))
def test_checkpoint(zoo: Zoo, checkpoint: records.Checkpoint) -> None:
    assert checkpoint.format in PUBLISHED_FORMATS[checkpoint.framework]
    assert checkpoint.recipe in zoo.recipes
    assert checkpoint.label_map in zoo.label_maps
    assert checkpoint.converted_from is None or checkpoint.converted_from in zoo.checkpoints
    assert all(note and note == note.strip() for note in checkpoint.quirks)
    if zoo.name == "published":
        assert checkpoint.sources
        assert checkpoint.files or checkpoint.unavailable
    names = [file.name for file in checkpoint.files]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "path", sorted((disk.DATA / "published" / "checkpoints").glob("*.toml")), ids=lambda path: path.stem
)
def test_publisher_file(path: Path) -> None:
    """A record is in the file named like the first part of its id."""
    ids = [entry["id"] for entry in tomllib.loads(path.read_text(encoding="utf-8"))["checkpoint"]]
    assert {name.partition("/")[0] for name in ids} == {path.stem}


FILES = [
    pytest.param(checkpoint, file, id=f"{checkpoint.id}:{file.name}")
    for checkpoint in PUBLISHED.checkpoints.values()
    for file in checkpoint.files
]


@pytest.mark.parametrize(("checkpoint", "file"), FILES)
def test_file(checkpoint: records.Checkpoint, file: records.File) -> None:
    archive = file.archive
    hashes = {**file.published(), **(archive.published() if archive else {})}
    assert hashes or any("no hash is published" in quirk for quirk in checkpoint.quirks)
    for name, value in hashes.items():
        assert re.fullmatch(r"[0-9a-f]+", value)
        assert len(value) == DIGITS.get(name, len(value))
    urls = [*file.urls, *(archive.urls if archive else ())]
    assert urls or any("no address" in quirk for quirk in checkpoint.quirks)
    assert all(url.startswith("https://") for url in urls)
    if archive:
        assert Path(archive.member).name == file.name
        assert not Path(archive.member).is_absolute()
    for prefix in (file.sha256_prefix, file.sha1_prefix):
        assert prefix is None or prefix in file.name


def test_same_hash_means_same_size_and_nothing_else() -> None:
    by_hash: dict[str, set[int | None]] = {}
    for checkpoint in PUBLISHED.checkpoints.values():
        for file in checkpoint.files:
            for part in (file, file.archive):
                if part and part.sha256:
                    by_hash.setdefault(part.sha256, set()).add(part.size_bytes)
    assert all(len(found) == 1 for found in by_hash.values())


def test_same_weights_mean_the_same_network() -> None:
    groups: dict[str, list[records.Checkpoint]] = {}
    for checkpoint in PUBLISHED.checkpoints.values():
        if checkpoint.weights:
            groups.setdefault(checkpoint.weights, []).append(checkpoint)
    for group in groups.values():
        assert len({(c.network.variant, c.network.resolution, c.network.classes) for c in group if c.network}) <= 1


def test_conversions_end_somewhere() -> None:
    for checkpoint in PUBLISHED.checkpoints.values():
        seen = [checkpoint.id]
        while source := PUBLISHED.checkpoints[seen[-1]].converted_from:
            assert source not in seen
            seen.append(source)


def test_all_checkpoints_are_there() -> None:
    publishers = Counter(name.partition("/")[0] for name in PUBLISHED.checkpoints)
    assert publishers == {
        "tf-slim": 44,
        "keras": 22,
        "mindspore": 22,
        "d-li14": 11,
        "omz": 11,
        "onnx-zoo": 10,
        "mindcv": 7,
        "timm": 5,
        "gluoncv": 4,
        "mxnet-gluon": 4,
        "opencv-zoo": 3,
        "torchvision": 3,
        "coral": 2,
        "tflite": 2,
        "tonylins": 2,
        "lornatang": 1,
        "mmpretrain": 1,
        "onnx-pytorch-models": 1,
    }


def test_frameworks_are_the_suites() -> None:
    assert {entry.name for entry in public_frameworks()} <= set(PUBLISHED_FORMATS)


# --- recipes, label maps, populations ----------------------------------------------------------


@pytest.mark.parametrize(("zoo", "geometry"), each("geometries"))
def test_geometry(zoo: Zoo, geometry: records.Geometry) -> None:
    assert geometry.side in (96, 128, 160, 192, 224)
    assert any(recipe.geometry == geometry for recipe in zoo.recipes.values())
    for step in geometry.steps:
        if isinstance(step, records.ResizeShort):
            assert step.size >= geometry.side
    assert all(source.startswith("https://") for source in geometry.sources)


@pytest.mark.parametrize(("zoo", "recipe"), each("recipes"))
def test_recipe(zoo: Zoo, recipe: records.Recipe) -> None:
    assert recipe.geometry is zoo.geometries[recipe.geometry.id]
    assert recipe.numeric is zoo.numerics[recipe.numeric.id]
    assert all(source.startswith("https://") for source in (*recipe.sources, *recipe.numeric.sources))
    low, high = input_range(recipe)
    assert (low, high) == (0, 255) or (-2.5 < low < -0.9 and 0.9 < high < 3.0)


def input_range(recipe: records.Recipe) -> tuple[float, float]:
    """Smallest and largest value that black and white pixels can have in the network's input."""
    divisors = [step.divide for step in recipe.geometry.steps if isinstance(step, records.ToFloat)]
    low, high = 0.0, 255.0 / divisors[0] if divisors else 255.0
    for step in recipe.numeric.steps:
        if isinstance(step, records.Divide):
            low, high = low / step.by, high / step.by
        elif isinstance(step, records.Subtract):
            low, high = low - step.value, high - step.value
        elif isinstance(step, records.Normalise):
            low = min((low - mean) / std for mean, std in zip(step.mean, step.std, strict=True))
            high = max((high - mean) / std for mean, std in zip(step.mean, step.std, strict=True))
    return low, high


def test_both_forms_of_the_imagenet_statistics_agree() -> None:
    """MindSpore writes mean and standard deviation times 255; Caffe writes BGR."""

    def normalise(name: str) -> records.Normalise:
        (step,) = [step for step in PUBLISHED.numerics[name].steps if isinstance(step, records.Normalise)]
        return step

    unit, scaled, caffe = (normalise(name) for name in ("imagenet_nchw", "imagenet_255_nchw", "caffe_bgr_nchw"))
    times_255 = [255 * value for value in (*unit.mean, *unit.std)]
    assert times_255 == pytest.approx([*scaled.mean, *scaled.std], abs=1e-9)
    assert caffe.mean == pytest.approx(scaled.mean[::-1], abs=0.6)
    assert caffe.std == pytest.approx([1 / 0.017] * 3)


@pytest.mark.parametrize(("zoo", "numeric"), each("numerics"))
def test_numeric(zoo: Zoo, numeric: records.Numeric) -> None:
    layout = numeric.steps[-1]
    assert isinstance(layout, records.Layout)
    assert numeric.id.endswith(layout.order)


@pytest.mark.parametrize(("zoo", "label_map"), each("label_maps"))
def test_label_map(zoo: Zoo, label_map: records.LabelMap) -> None:
    assert label_map.outputs - label_map.classes in (0, 1)
    assert any(checkpoint.label_map == label_map.id for checkpoint in zoo.checkpoints.values())


@pytest.mark.parametrize(("zoo", "population"), each("populations"))
def test_population(zoo: Zoo, population: records.Population) -> None:
    assert population.title
    assert population.labels_digest
    if names := population.names():
        assert (len(names), min(names)) == (50_000, "ILSVRC2012_val_00000001")
        assert {image.stem for image in population.known_images} < names


def test_recipe_used_by_the_torch_publishers() -> None:
    geometry = PUBLISHED.recipes["torch_256_224"].geometry
    assert [step.to_json() for step in geometry.steps] == [
        {"op": "decode", "library": "pil", "exif": "ignore"},
        {
            "op": "resize_short",
            "size": 256,
            "library": "pil",
            "interpolation": "bilinear",
            "antialias": True,
            "long_side": "truncate",
        },
        {"op": "centre_crop", "size": 224, "offset": "round_half_even"},
    ]


# --- the embedded zoo --------------------------------------------------------------------------


def test_embedded_population_is_the_committed_images() -> None:
    rows = csv_rows(disk.EMBEDDED / "labels.csv")
    lines = []
    for row in rows:
        content = (disk.EMBEDDED / "images" / row["file"]).read_bytes()
        lines.append(f"{row['file']} {hashlib.sha256(content).hexdigest()} {row['class_index']}\n")
    population = ZOOS["embedded"].populations["embedded_val"]
    assert len(rows) == population.images
    assert hashlib.sha256("".join(sorted(lines)).encode()).hexdigest() == population.digest
    pairs = ((Path(row["file"]).stem, int(row["class_index"])) for row in rows)
    assert recognition.labels_digest(pairs) == population.labels_digest


def test_embedded_classes() -> None:
    classes = {int(row["class_index"]) for row in csv_rows(disk.EMBEDDED / "labels.csv")}
    assert classes == set(range(ZOOS["embedded"].label_maps["embedded"].classes))


def test_embedded_checkpoints_share_one_network() -> None:
    checkpoints = ZOOS["embedded"].checkpoints.values()
    assert len({checkpoint.weights for checkpoint in checkpoints}) == 1
    assert len({checkpoint.export_from for checkpoint in checkpoints}) == 1
    assert len({checkpoint.network.model_dump_json() for checkpoint in checkpoints if checkpoint.network}) == 1
