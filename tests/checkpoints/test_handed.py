"""What a framework reads is what the record lists, byte for byte, and nothing that lies beside it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.by_hand import little_zoo
from tests.by_hand.built import built
from tests.by_hand.commands import validated
from tests.by_hand.onnx_zoos import SIDE, WEIGHTS, a_zoo_of, an_onnx
from zoo import disk
from zoo.checkpoints.files import Located, locate
from zoo.checkpoints.handed import handed
from zoo.documents.load import load_zoo
from zoo.errors import FileUnavailableError, ManifestError
from zoo.frameworks.environments import Environment
from zoo.frameworks.table import framework
from zoo.images import image_sets, pixels
from zoo.images.digests import file_digests
from zoo.measure.accuracy import Evaluation, Settings
from zoo.measure.preparation import Planned, Preparation
from zoo.progress import Talk
from zoo.records import Run
from zoo.runs.folder import RunFolder


def located(*paths: Path, names: tuple[str, ...] = ()) -> Located:
    digests = tuple(map(disk.file_sha256, paths))
    return Located(paths, names or tuple(path.name for path in paths), digests, verified=False)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two files among others."""
    for name in ("a.bin", "b.bin", "beside.bin"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path / "a.bin", tmp_path / "b.bin"


def test_copies_are_alone(two: tuple[Path, Path]) -> None:
    with handed(located(*two, names=("net.xml", "deep/net.bin"))) as files:
        first, second = map(Path, files.paths)
        folder = first.parent
        assert [first.read_bytes(), second.read_bytes()] == [b"a.bin", b"b.bin"]
        assert {path.relative_to(folder).as_posix() for path in folder.rglob("*")} == {
            "net.xml",
            "deep",
            "deep/net.bin",
        }
        assert not first.is_symlink()
        assert files.names[str(first)] == str(two[0])
        two[0].write_bytes(b"changed by somebody")
        assert first.read_bytes() == b"a.bin"
    assert not folder.exists()


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"x.bin"), lambda path: path.unlink()])
def test_a_file_that_changed_after_it_was_hashed_is_refused(
    two: tuple[Path, Path], change: Callable[[Path], object]
) -> None:
    found = located(*two)
    change(two[1])
    with pytest.raises(FileUnavailableError, match=r"b\.bin: "), handed(found):
        pass


@pytest.mark.parametrize("name", ["../a.bin", "/a.bin", "deep/../../a.bin", ""])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, own_home: Path, name: str) -> None:
    zoo = little_zoo.make(tmp_path / "little")
    records = zoo / "checkpoints.toml"
    records.write_text(records.read_text().replace('name = "good.json"', f'name = "{name}"'))
    with pytest.raises(ManifestError, match=r"checkpoints\.toml"):
        load_zoo(str(zoo))


def test_one_name_twice_is_refused(tmp_path: Path, own_home: Path) -> None:
    zoo = little_zoo.make(tmp_path / "little")
    records = zoo / "checkpoints.toml"
    records.write_text(records.read_text().replace('{ name = "good.json" }', '{ name = "a" }, { name = "a" }'))
    with pytest.raises(ManifestError, match=r"checkpoints\.toml"):
        load_zoo(str(zoo))


def a_task(zoo: Path) -> tuple[Any, pixels.Block]:
    known = load_zoo(str(zoo))
    checkpoint = known.checkpoints["little/good"]
    planned = Planned(checkpoint, framework("fake"), known.recipes[checkpoint.recipe])
    task = Preparation(known, Talk(quiet=True)).task(planned)
    image_set = image_sets.open_image_set(zoo / "images")
    (block,) = pixels.blocks(image_set, file_digests(image_set, zoo / "digests"))
    return task, block


def test_weights_that_change_under_a_run_end_it(tmp_path: Path, own_home: Path) -> None:
    """Between the hash, which is part of the key, and the worker that reads them."""
    zoo = little_zoo.make(tmp_path / "little")
    task, _ = a_task(zoo)
    model = json.loads((zoo / "good.json").read_text())
    (zoo / "good.json").write_text(json.dumps({**model, "misbehave": "change_mind"}))
    with (
        pytest.raises(FileUnavailableError, match=r"good\.json: changed while it was in use: expected sha256"),
        Evaluation(task, Settings(1)) as evaluation,
    ):
        evaluation.check()
    assert not (own_home / "results").exists()


def test_an_image_that_changes_under_a_run_is_named(tmp_path: Path, own_home: Path) -> None:
    zoo = little_zoo.make(tmp_path / "little")
    task, block = a_task(zoo)
    (zoo / "images" / "0003.png").write_bytes((zoo / "images" / "0004.png").read_bytes())
    with pytest.raises(Exception, match=r"0003\.png: it is not the file that was hashed before"):
        pixels.fill(task.recipe.geometry, [block], jobs=1)
    assert not list((own_home / "pixels").rglob("*.npy"))


def test_a_path_in_a_message_is_the_readers_own(tmp_path: Path, own_home: Path) -> None:
    zoo = little_zoo.make(tmp_path / "little")
    (zoo / "good.json").write_text("no JSON")
    (run,) = runs(zoo, tmp_path / "out")
    assert run.status == "failed"
    assert "zoo-files-" not in (run.error or "")


# frameworks that look beside the file they are given


def runs(zoo: Path, out: Path) -> list[Run]:
    return list(validated(zoo, out).runs)


def an_ir(environment: Environment, folder: Path) -> None:
    """net.xml and net.bin."""
    program = (
        "import numpy as np, openvino as ov, openvino.opset8 as ops, sys\n"
        f"weights = np.array({WEIGHTS.tolist()}, np.float32)\n"
        f"image = ops.parameter([-1, 3, {SIDE}, {SIDE}], np.float32, name='image')\n"
        "mean = ops.reduce_mean(image, np.array([2, 3]), keep_dims=False)\n"
        "scores = ops.matmul(mean, ops.constant(weights), False, False)\n"
        "model = ov.Model([ops.result(scores, name='scores')], [image], 'net')\n"
        "ov.save_model(model, sys.argv[1], compress_to_fp16=False)\n"
    )
    subprocess.run([environment.python, "-c", program, folder / "net.xml"], check=True)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_weights_beside_a_graph_are_listed_or_refused(tmp_path: Path, own_home: Path, name: str) -> None:
    """A file that lies beside and is not in the record is never read; one that is, is part of the key."""
    environment = built(name)
    graph, weights, fmt = (
        ("net.onnx", "net.data", "onnx") if name == "onnxruntime" else ("net.xml", "net.bin", "openvino_ir")
    )
    alone = a_zoo_of(tmp_path / "alone", name, fmt, graph)
    both = a_zoo_of(tmp_path / "both", name, fmt, graph, weights)
    for folder in (alone, both):
        an_onnx(folder, weights) if name == "onnxruntime" else an_ir(environment, folder)
    (run,) = runs(alone, tmp_path / "1")
    assert run.status == "failed"
    assert f"{weights} is not among the checkpoint's files" in (run.error or "")

    (first,) = runs(both, tmp_path / "2")
    assert (first.status, first.reused) == ("done", False), first.error
    (again,) = runs(both, tmp_path / "3")
    assert (again.key, again.reused) == (first.key, True)
    data = (both / weights).read_bytes()
    assert WEIGHTS.tobytes() in data
    (both / weights).write_bytes(data.replace(WEIGHTS.tobytes(), WEIGHTS[:, ::-1].tobytes()))
    (other,) = runs(both, tmp_path / "4")
    assert (other.status, other.reused) == ("done", False), other.error
    assert other.key != first.key
    before, after = (RunFolder(tmp_path / out).predictions(run) for out, run in (("2", first), ("4", other)))
    assert before is not None
    assert after is not None
    assert not np.array_equal(before.indices, after.indices)


@pytest.mark.parametrize("location", ["../elsewhere.data", "deep/net.data"])
def test_external_data_outside_the_listed_files_is_refused(tmp_path: Path, own_home: Path, location: str) -> None:
    built("onnxruntime")
    zoo = a_zoo_of(tmp_path / "zoo", "onnxruntime", "onnx", "net.onnx", "net.data")
    (zoo / "deep").mkdir()
    an_onnx(zoo, "net.data")
    model = onnx.load(zoo / "net.onnx", load_external_data=False)
    next(each for each in model.graph.initializer[0].external_data if each.key == "location").value = location
    (zoo / "net.onnx").write_bytes(model.SerializeToString())
    (zoo / location).write_bytes((zoo / "net.data").read_bytes())
    (run,) = runs(zoo, tmp_path / "out")
    assert run.status == "failed"
    assert f"{location} is not among the checkpoint's files" in (run.error or "")


def test_a_listed_file_in_a_folder_is_handed_in_that_folder(tmp_path: Path, own_home: Path) -> None:
    """As the parts of a SavedModel lie."""
    zoo = little_zoo.make(tmp_path / "little")
    records = zoo / "checkpoints.toml"
    (zoo / "deep").mkdir()
    (zoo / "good.json").rename(zoo / "deep" / "good.json")
    records.write_text(records.read_text().replace('name = "good.json"', 'name = "deep/good.json"'))
    known = load_zoo(str(zoo))
    found = locate(known.checkpoints["little/good"], known.root)
    assert found.names == ("deep/good.json",)
    with handed(found) as files:
        assert files.paths[0].endswith("/deep/good.json")
