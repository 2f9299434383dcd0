"""One test body, every framework: write the embedded network in each format, load it as a published file, run it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.by_hand.built import built
from tests.by_hand.inspections import measured
from tests.by_hand.real_networks import as_logits
from zoo import disk
from zoo.documents import counting
from zoo.documents.load import load_zoo
from zoo.errors import WorkerError
from zoo.frameworks.environments import Environment
from zoo.frameworks.workers import Worker
from zoo.records import Network

NUMERIC: list[dict[str, Any]] = [
    {"op": "divide", "by": 255},
    {"op": "normalise", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
]


def network() -> Network:
    found = next(iter(load_zoo("embedded").checkpoints.values())).network
    assert found is not None
    return found


def formats(environment: Environment) -> list[str]:
    """Formats that the adapter both writes and reads."""
    framework = environment.framework
    return [name for name in framework.formats if name in framework.exports and name not in UNFIT]


UNFIT = {
    "keras_h5",  # Keras's own network pads as TensorFlow's SAME does; the embedded one pads symmetrically
}


Exported = dict[str, list[str]]


@pytest.fixture
def worker(environment: Environment) -> Any:
    """A fresh worker: some frameworks fix their threads at the first thing they do."""
    with Worker(environment.framework, environment.python) as running:
        yield running


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Environment], Exported]:
    """Writes the embedded network in every format of a framework, once a session: format -> files."""
    folder = tmp_path_factory.mktemp("exported")
    tensors = folder / "tensors.npz"
    np.savez(tensors, allow_pickle=False, **load_file(disk.EMBEDDED / "weights.safetensors"))

    @cache
    def write(name: str) -> Exported:
        environment, files = built(name), {}
        with Worker(environment.framework, environment.python) as running:
            for fmt in formats(environment):
                target = folder / name / fmt
                target.mkdir(parents=True)
                request = {"network": network().to_json(), "format": fmt, "target": str(target)}
                files[fmt] = running.request("export", tensors=str(tensors), **request)["files"]
        return files

    return lambda environment: write(environment.framework.name)


@pytest.fixture
def exported(exporter: Callable[[Environment], Exported], environment: Environment) -> Exported:
    return exporter(environment)


def load(worker: Worker, files: list[str], fmt: str, **options: Any) -> dict[str, Any]:
    given = {"threads": 2, "format": fmt, "batch_size": 4, "network": network().to_json(), **options}
    info: dict[str, Any] = worker.request("load", files=files, options=given)["info"]
    return info


def answers(worker: Worker, info: dict[str, Any], folder: Path) -> np.ndarray:
    """Scores of seven images: batches of four, so that the last one is short."""
    pixels = np.random.default_rng(3).integers(0, 256, (7, 96, 96, 3), dtype=np.uint8)
    np.save(folder / "store.npy", pixels)
    layout = "nhwc" if info["input_shape"][-1] == 3 else "nchw"
    worker.request(
        "predict",
        store=str(folder / "store.npy"),
        rows=[0, 7],
        numeric=[*NUMERIC, {"op": "layout", "order": layout}],
        out=str(folder / "scores.npy"),
    )
    return np.load(folder / "scores.npy")


@pytest.fixture(scope="session")
def reference(exporter: Callable[[Environment], Exported], tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """ONNX Runtime's answers on the same seven images."""
    environment = built("onnxruntime")
    with Worker(environment.framework, environment.python) as running:
        info = load(running, exporter(environment)["onnx"], "onnx")
        return answers(running, info, tmp_path_factory.mktemp("reference"))


def test_hello_tells_versions(worker: Worker, each_framework: str) -> None:
    assert {each_framework, "numpy", "python"} <= set(worker.versions)


def test_every_format_loads_and_answers(
    environment: Environment, exported: Exported, tmp_path: Path, reference: np.ndarray
) -> None:
    for fmt, files in exported.items():
        with Worker(environment.framework, environment.python) as worker:
            info = load(worker, files, fmt)
            assert (info["threads"], info["precision"]) == (2, "fp32"), fmt
            assert info["outputs"] == network().classes, fmt
            scores = answers(worker, info, tmp_path)
        assert scores.shape == (7, network().classes)
        assert scores.dtype == np.float32
        if environment.framework.name != "fake":
            assert np.abs(as_logits(scores, reference) - reference).max() < 2e-3, fmt


def test_an_answer_does_not_depend_on_its_batch(worker: Worker, exported: Exported, tmp_path: Path) -> None:
    fmt, files = next(iter(exported.items()))
    one, four, all_seven = (answers(worker, load(worker, files, fmt, batch_size=size), tmp_path) for size in (1, 4, 7))
    assert np.abs(one - four).max() < 1e-5 * np.abs(one).max()
    assert np.abs(one - all_seven).max() < 1e-5 * np.abs(one).max()


def test_wrong_shape_is_refused_before_the_framework(worker: Worker, exported: Exported, tmp_path: Path) -> None:
    fmt, files = next(iter(exported.items()))
    load(worker, files, fmt)
    np.save(tmp_path / "small.npy", np.zeros((2, 50, 50, 3), np.uint8))
    numeric = [*NUMERIC, {"op": "layout", "order": "nchw"}]
    with pytest.raises(WorkerError, match=r"expected rows of shape .* got \(3, 50, 50\)"):
        worker.request(
            "predict", store=str(tmp_path / "small.npy"), rows=[0, 2], numeric=numeric, out=str(tmp_path / "o.npy")
        )


def test_missing_file_is_named(worker: Worker, environment: Environment, tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"nothing\.here does not exist"):
        load(worker, [str(tmp_path / "nothing.here")], environment.framework.formats[0])


def test_requests_that_cannot_be_met(worker: Worker, exported: Exported, tmp_path: Path) -> None:
    fmt, files = next(iter(exported.items()))
    for name, options, message in (
        ("nonsense", {}, f"format 'nonsense' is not read here; known: .*{fmt}"),
        (fmt, {"precision": "bf16"}, "precision 'bf16' is not offered; known: fp32"),
    ):
        with pytest.raises(WorkerError, match=message):
            load(worker, files, name, **options)
    request = {"network": network().to_json(), "format": "nonsense", "target": str(tmp_path)}
    np.savez(tmp_path / "tensors.npz", allow_pickle=False)
    with pytest.raises(WorkerError, match=f"format 'nonsense' is not written here; known: .*{fmt}"):
        worker.request("export", tensors=str(tmp_path / "tensors.npz"), **request)


def test_tensors_without_a_graph_need_their_network(worker: Worker, exported: Exported) -> None:
    for fmt, files in exported.items():
        if fmt in ("gluon_params", "mindspore_ckpt", "slim_ckpt", "torch_state_dict"):
            with pytest.raises(WorkerError, match="holds tensors without a graph; the option 'network' is missing"):
                load(worker, files, fmt, network=None)
        else:
            assert load(worker, files, fmt, network=None)["outputs"] == network().classes


@pytest.mark.parametrize("damage", ["garbage", "truncated", "empty"])
def test_damaged_file_is_an_error_not_a_crash(
    environment: Environment, exported: Exported, tmp_path: Path, damage: str
) -> None:
    for fmt, files in exported.items():
        copied = copy_files(files, tmp_path / fmt)
        whole = copied[0].read_bytes()
        text = {"garbage": b"this is no checkpoint" * 100, "truncated": whole[: len(whole) // 2], "empty": b""}
        copied[0].write_bytes(text[damage])
        with (
            Worker(environment.framework, environment.python) as worker,
            pytest.raises(WorkerError) as caught,
        ):
            load(worker, [str(path) for path in copied], fmt)
        assert caught.value.kind != "died", fmt


def copy_files(files: list[str], target: Path) -> list[Path]:
    """The exported files in another folder, sub-folders kept."""
    common = Path(files[0]).parent
    shutil.copytree(common, target)
    return [target / Path(name).relative_to(common) for name in files]


def expected_counts() -> dict[str, int]:
    """Numbers of values in the embedded network: as trained, and with batch norms folded."""
    shapes = counting.layers(network()).tensor_shapes()
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    channels = sum(size for name, size in sizes.items() if name.endswith("running_var"))
    everything = sum(sizes.values())
    return {"with statistics": everything, "folded": everything - 3 * channels}


def test_inspect_counts_what_the_architecture_says(environment: Environment, exported: Exported) -> None:
    """Exactly the table's multiply-adds and one of its counts of parameters, in every format."""
    if environment.framework.name == "fake":
        pytest.skip("the fake has no parameters")
    table = counting.parts(network())
    for fmt, files in exported.items():
        with Worker(environment.framework, environment.python) as worker:
            options = {"threads": 2, "format": fmt, "network": network().to_json()}
            facts = worker.request("inspect", files=files, options=options)["facts"]
        json.dumps(facts)
        assert facts["multiply_adds"] == table.multiply_adds, fmt
        parts = facts["parameters_by"]
        folded = not parts["norms"]
        assert facts["parameters"] == expected_counts()["folded" if folded else "with statistics"], fmt
        assert parts == measured(network(), folded=folded).parameters_by, fmt
        assert (facts["convolutions"], facts["classes"], facts["quantised"]) == (52, network().classes, False), fmt
        assert facts["activations"] == ({"relu6": 35} if facts["graph"] else {}), fmt
        assert sum(facts["ops"].values()) > 50, fmt
        for spec in (*facts["inputs"], *facts["outputs"]):
            assert spec["dtype"] == "float32", fmt
            assert all(isinstance(size, int) for size in spec["shape"]), fmt


def test_inspect_after_load(worker: Worker, environment: Environment, exported: Exported) -> None:
    """The same in a process that has loaded the network: some frameworks fix their threads at first use."""
    if environment.framework.name == "fake":
        pytest.skip("the fake has no parameters")
    fmt, files = next(iter(exported.items()))
    load(worker, files, fmt)
    options = {"threads": 1, "format": fmt, "network": network().to_json()}
    facts = worker.request("inspect", files=files, options=options)["facts"]
    assert facts["multiply_adds"] == counting.parts(network()).multiply_adds
