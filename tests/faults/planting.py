"""Writes a setup, good or bad, as a zoo folder that `zoo validate --zoo` runs: real files of each format."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from adapters.common import numeric as arithmetic
from tests.by_hand.commands import report_of, zoo
from tests.by_hand.far_side import FarSide, run_inside
from tests.faults.base import FORMATS, Fault, Form
from tests.faults.setups import Outputs, Picture, Setup
from zoo import disk, kept
from zoo.images import image_sets, preprocess
from zoo.images.digests import listing_digest
from zoo.records import Geometry

BAD, GOOD = "faults/bad", "faults/good"
LONGEST = 1800  # seconds of one command
CALIBRATION = 24  # images from which ranges of quantised networks are taken


@dataclass(frozen=True)
class Planted:
    """A zoo with a fault in it.

    words: arguments of `zoo validate` beside --zoo and --out; subject: the bad run; home: a ZOO_HOME of its own, where
    the fault lies in what is kept there.
    """

    zoo: Path
    words: tuple[str, ...]
    subject: str
    home: Path | None = None
    right: Path | None = None

    def run(self, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
        """`zoo validate` as a user runs it, with more arguments."""
        return self.command("validate", "--zoo", str(self.zoo), *self.words, "--out", str(out), *more)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of `zoo`, in the home of this one."""
        own = {"ZOO_HOME": str(self.home)} if self.home else {}
        line = [sys.executable, "-m", "zoo", *words]
        return subprocess.run(
            line, capture_output=True, text=True, timeout=LONGEST, check=False, env={**os.environ, **own}
        )


def planted(fault: Fault, form: Form, good: Setup, folder: Path) -> Planted:
    """Writes the zoo of a fault in this form to `folder`, which is made. good: the setup that it is planted in."""
    bad = fault.plant(good)
    if bad.accuracy is None:
        numbers = measured(good, form, folder.with_name(f"{folder.name}-good"))
        bad = replace(bad, accuracy=numbers)
    write(folder, bad, form, original=replace(good, quantised="", graph=None) if form.beside else None)
    reader = form.reader or FORMATS[form.fmt][0]
    chosen = "faults/*" if form.together else BAD
    threads = [] if "--threads" in bad.words else ["--threads", "1"]
    words = ("--checkpoints", chosen, *(["--frameworks", reader] if form.reader else []), *threads, *bad.words)
    found = Planted(folder, words, f"{BAD}@{reader}")
    if form.reference:
        found = replace(found, right=_right_run(good, form, folder.with_name(f"{folder.name}-right")))
    return _with_stale_answers(found) if bad.stale else found


def _right_run(good: Setup, form: Form, folder: Path) -> Path:
    write(folder / "zoo", good, Form(form.fmt))
    Planted(folder / "zoo", ("--threads", "1"), "").run(folder / "run")
    return folder / "run"


def _with_stale_answers(planted: Planted) -> Planted:
    """Runs it in a ZOO_HOME of its own, and moves the kept answers of most blocks three images on."""
    home = planted.zoo.with_name(f"{planted.zoo.name}-home")
    home.mkdir()
    (home / "envs").symlink_to(disk.home() / "envs")
    own = replace(planted, home=home)
    out = planted.zoo.with_name(f"{planted.zoo.name}-before")
    own.run(out)
    shutil.rmtree(out)
    for path in sorted(home.glob("results/??/*.npz"))[1:]:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: np.roll(archive[name], 3, 0) if archive[name].ndim else archive[name] for name in archive}
        kept.write(path, path.stem, lambda stream, arrays=arrays: np.savez(stream, **arrays))  # type: ignore[misc]
    return own


def write(folder: Path, setup: Setup, form: Form, original: Setup | None = None) -> None:
    """A zoo of one checkpoint, or of two with the original that it was converted from."""
    (folder / "files").mkdir(parents=True)
    checkpoints = [(BAD, setup, form.fmt), *([(GOOD, original, "onnx")] if original else [])]
    _write_images(folder / "images", setup)
    shutil.copy(disk.EMBEDDED / "sources.csv", folder / "sources.csv")
    _write_recipes(folder, checkpoints)
    _write_label_maps(folder, checkpoints)
    _write_population(folder)
    _write_claims(folder, [name for name, _, _ in checkpoints], setup.accuracy or {})
    records = [
        _record(name, each, fmt, write_files(each, fmt, folder / "files" / name.partition("/")[2]), original)
        for name, each, fmt in checkpoints
    ]
    (folder / "checkpoints.toml").write_text("\n".join(records), encoding="utf-8")


def measured(good: Setup, form: Form, folder: Path) -> dict[str, str]:
    """Percentages that a good setup gives, as a publisher would print them."""
    write(folder / "zoo", replace(good, accuracy={}), Form(form.fmt))
    done = zoo("validate", "--zoo", folder / "zoo", "--out", folder / "run", "--threads", 1, timeout=900)
    (run,) = report_of(folder / "run").runs
    if run.status != "done":
        raise RuntimeError(f"the good network does not run: {run.error or done.stderr}")
    shutil.rmtree(folder)
    return {"top1": f"{100 * run.top1_correct / run.n:.2f}", "top5": f"{100 * run.top5_correct / run.n:.2f}"}


# --- the network's files -------------------------------------------------------------------------


def write_files(setup: Setup, fmt: str, target: Path, writer: FarSide | None = None) -> list[str]:
    """The checkpoint's files in a folder that is made; their names, the one that names the others first.

    writer: a running adapter of the format's framework; one is started where it is not given.
    """
    target.mkdir(parents=True)
    if setup.published is not None:
        paths = [target / setup.published.name]
        shutil.copy(setup.published, paths[0])
    else:
        with nullcontext(writer) if writer else FarSide(FORMATS[fmt][0]) as far:
            paths = far.export(setup.tensors, setup.built, fmt, target)
    if fmt == "onnx":
        _edit(setup, paths[0])
        paths = sorted(target.iterdir(), key=lambda path: path.suffix != ".onnx")
    return [path.relative_to(target).as_posix() for path in paths]


def _edit(setup: Setup, path: Path) -> None:
    if setup.quantised:
        rows = path.with_name("rows.npy")
        np.save(rows, inputs(setup, setup.pictures[:CALIBRATION]))
        run_inside("onnxruntime", "quantise", path, rows, setup.quantised, path)
        rows.unlink()
    if setup.graph is None and not setup.external:
        return
    model = onnx.load(str(path))
    model = (setup.graph(model) if setup.graph else None) or model
    onnx.checker.check_model(model)
    if setup.external:
        onnx.save_model(model, str(path), save_as_external_data=True, location="tensors.data")
    else:
        onnx.save_model(model, str(path))


def inputs(setup: Setup, pictures: Sequence[Picture]) -> np.ndarray:
    """float32 (N, 3, side, side): pictures as the setup's recipe makes them."""
    steps = tomllib.loads(f"steps = [{', '.join(setup.geometry)}]")["steps"]
    geometry = Geometry.from_json({"id": "planted", "steps": steps})
    rows = np.stack([preprocess.apply(geometry, _bytes(each)) for each in pictures])
    steps = tomllib.loads(f"steps = [{', '.join(_numeric(setup, 'nchw'))}]")["steps"]
    return arithmetic.apply(steps, rows)


# --- images and labels ---------------------------------------------------------------------------


def _bytes(picture: Picture) -> bytes:
    data = picture.source.read_bytes()
    return data if picture.edit is None else picture.edit(data)


def _write_images(target: Path, setup: Setup) -> None:
    """Links to the pictures, files where they are edited; labels beside them."""
    target.mkdir(parents=True)
    rows = []
    for each in setup.pictures:
        path = target / (f"{each.label}/{each.name}" if setup.labels_as == "folders" else each.name)
        path.parent.mkdir(exist_ok=True)
        if each.edit is None:
            path.symlink_to(each.source)
        else:
            path.write_bytes(_bytes(each))
        rows.append((each.name, each.label))
    if setup.labels_as == "csv":
        with (target.parent / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("file", "class_index"), *rows])


def _write_population(folder: Path) -> None:
    """The images as they lie there are the documented ones: whoever has wrong labels believes in them."""
    images = image_sets.open_image_set(folder / "images")
    digest = listing_digest(images, [each.sha256() for each in images.images])
    (folder / "populations.toml").write_text(
        f'[[population]]\nid = "planted"\ntitle = "images of the test"\nimages = {len(images.images)}\n'
        f'digest = "{digest}"\n',
        encoding="utf-8",
    )


# --- documents -----------------------------------------------------------------------------------


def _layout(setup: Setup, fmt: str) -> str:
    return setup.layout if fmt == "onnx" else FORMATS[fmt][1]


def _numeric(setup: Setup, layout: str) -> list[str]:
    return [*setup.numeric, f'{{ op = "layout", order = "{layout}" }}']


def _short(name: str) -> str:
    return name.partition("/")[2]


def _write_recipes(folder: Path, checkpoints: Sequence[tuple[str, Setup, str]]) -> None:
    parts = []
    for name, setup, fmt in checkpoints:
        own = _short(name)
        numeric = ", ".join(_numeric(setup, _layout(setup, fmt)))
        parts.append(
            f'[[geometry]]\nid = "{own}"\nsteps = [{", ".join(setup.geometry)}]\n'
            f'[[numeric]]\nid = "{own}"\nsteps = [{numeric}]\n'
            f'[[recipe]]\nid = "{own}"\ngeometry = "{own}"\nnumeric = "{own}"\n'
        )
    (folder / "recipes.toml").write_text("\n".join(parts), encoding="utf-8")


def _write_label_maps(folder: Path, checkpoints: Sequence[tuple[str, Setup, str]]) -> None:
    (folder / "label_maps.toml").write_text(
        "\n".join(_label_map(_short(name), setup.outputs) for name, setup, _ in checkpoints), encoding="utf-8"
    )


def _label_map(name: str, outputs: Outputs) -> str:
    fields: dict[str, Any] = {"outputs": outputs.outputs, "classes": outputs.classes, "first": outputs.first}
    lines = [f'[[label_map]]\nid = "{name}"', *(f"{field} = {value}" for field, value in fields.items())]
    return "\n".join([*lines, *([f"names = {outputs.names}"] if outputs.names else []), ""])


def _write_claims(folder: Path, checkpoints: Sequence[str], accuracy: dict[str, str]) -> None:
    with (folder / "claims.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "checkpoint", "metric", "value", "unit", "decimals", "population", "source"])
        for name in checkpoints:
            for metric, value in accuracy.items():
                decimals = len(value.partition(".")[2])
                own = f"{_short(name)}-{metric}"
                writer.writerow([own, name, metric, value, "percent", decimals, "planted", "embedded-training"])


def _record(name: str, setup: Setup, fmt: str, files: Sequence[str], original: Setup | None) -> str:
    own = _short(name)
    fields = {"id": name, "framework": FORMATS[fmt][0], "format": fmt, "recipe": own, "label_map": own}
    if original is not None and name == BAD:
        fields["converted_from"] = GOOD
    lines = ["[[checkpoint]]", *(f'{field} = "{value}"' for field, value in fields.items())]
    network = ", ".join(f"{field} = {json.dumps(value)}" for field, value in setup.documented.items())
    named = ", ".join(f'{{ name = "{own}/{each}" }}' for each in files)
    return "\n".join([*lines, f"network = {{ {network} }}", f"files = [{named}]", ""])
