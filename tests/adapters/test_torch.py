"""Every file that the PyTorch adapter reads and writes, driven through serve.py in PyTorch's environment."""

from __future__ import annotations

import json
import pickle
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.common import torch_pickles, torch_states
from adapters.common.contract import AdapterError
from adapters.common.mobilenet_v2 import MobileNetV2
from adapters.common.torch_names import DIALECTS, counters, names, unwrapped
from tests.by_hand import far_side
from tests.by_hand.far_side import FarSide
from tests.by_hand.real_networks import NCHW, close, exported_logits, random_tensors

FRAMEWORK, FORMAT = "torch", "torch_state_dict"
SMALL = MobileNetV2(alpha=0.35, resolution=96, classes=11)
LAYOUTS = {**{name: name for name in DIALECTS}, "lornatang": "torchvision"}  # export -> dialect of its names
EXPORTS = [f"{FORMAT}:{name}" for name in LAYOUTS]
PROJECTION = "features.3.conv.2.weight"  # a tensor like any other, for the error cases


run_inside = partial(far_side.run_inside, FRAMEWORK)


def rewritten(path: Path, target: Path, **changes: Any) -> Path:
    run_inside("rewrite", path, target, json.dumps(changes))
    return target


@pytest.fixture(scope="module")
def exported(exported: dict[str, list[Path]]) -> dict[str, Path]:
    """The one file of every layout."""
    return {name: exported[f"{FORMAT}:{name}"][0] for name in LAYOUTS}


@pytest.fixture(scope="module")
def expected(batch: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return exported_logits(SMALL, batch, tmp_path_factory.mktemp("onnx"))


def answers(far: FarSide, path: Path, batch: np.ndarray, network: MobileNetV2 = SMALL, **extra: Any) -> np.ndarray:
    far.load([path], FORMAT, network=network, extra=extra)
    return far.predict(batch, NCHW)


def refusal(far: FarSide, path: Path, network: MobileNetV2 = SMALL, **extra: Any) -> str:
    return far.refusal([path], FORMAT, network=network, extra=extra)


# names, without PyTorch


def test_names_are_the_published_ones() -> None:
    known = {
        "torchvision": ["features.1.conv.0.0.weight", "features.1.conv.2.bias", "features.17.conv.3.running_var"],
        "tonylins_2018": ["features.1.conv.4.bias", "features.17.conv.7.running_mean", "classifier.1.bias"],
        "tonylins_2019": ["features.2.conv.0.weight", "features.18.0.weight", "classifier.weight"],
        "d_li14": ["features.17.conv.6.weight", "conv.0.weight", "conv.1.running_mean", "classifier.bias"],
        "timm": ["conv_stem.weight", "blocks.0.0.conv_pw.weight", "blocks.5.2.bn3.weight", "bn2.bias"],
        "mmpretrain": ["backbone.layer1.0.conv.1.bn.bias", "backbone.layer7.0.conv.2.conv.weight", "head.fc.bias"],
    }
    assert set(known) == set(DIALECTS)
    for dialect, some in known.items():
        published = list(names(DIALECTS[dialect], MobileNetV2().layers()).values())
        assert set(some) <= set(published)
        # torchvision's file has 314 entries (checkpoints.md, section 5)
        assert len(published) + len(counters(DIALECTS[dialect], MobileNetV2().layers())) == 314
    table = names(DIALECTS["torchvision"], MobileNetV2().layers())
    assert list(table) == list(table.values())


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "network", [SMALL, MobileNetV2(alpha=1.4), MobileNetV2(expand_first=True, classifier_bias=False)]
)
def test_names_are_one_to_one(dialect: str, network: MobileNetV2) -> None:
    table = names(DIALECTS[dialect], network.layers())
    assert list(table) == list(network.layers().tensor_shapes())
    assert len(set(table.values())) == len(table)


def test_extras_and_the_wrapper_are_data() -> None:
    stored = ["module.bn1.weight", "module.bn1.num_batches_tracked", "n_averaged"]
    assert unwrapped(stored) == {"module.bn1.weight": "bn1.weight"}
    assert unwrapped(["module.a", "b"]) == {"module.a": "module.a", "b": "b"}


# round trips


@pytest.mark.parametrize("layout", LAYOUTS)
def test_inspect(far: FarSide, exported: dict[str, Path], layout: str) -> None:
    extra: dict[str, Any] = {"state_dict_key": "state_dict"} if layout == "lornatang" else {}
    facts = far.inspect([exported[layout]], FORMAT, network=SMALL, extra=extra)
    assert facts["dialect"] == LAYOUTS[layout]
    assert facts["tensors"] == 262
    assert facts["ops"]["Conv2d"] == 52
    assert facts["parameters"] == sum(array.size for array in random_tensors(SMALL).values())


def test_info(far: FarSide, exported: dict[str, Path]) -> None:
    for threads in (1, 2):
        info = far.load([exported["timm"]], FORMAT, network=SMALL, threads=threads)
        assert info["threads"] == threads
    assert info["input_shape"] == [-1, 3, 96, 96]
    assert (info["outputs"], info["precision"], info["input_dtype"]) == (11, "fp32", "float32")


def test_a_file_that_names_its_dialect(far: FarSide, exported: dict[str, Path], batch: np.ndarray) -> None:
    answers(far, exported["timm"], batch, dialect="timm")
    assert "fit no known dialect (d_li14)" in refusal(far, exported["timm"], dialect="d_li14")
    assert "dialect 'keras' is not known; known: torchvision, tonylins_2018" in refusal(
        far, exported["timm"], dialect="keras"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"legacy": True},
        {"wrap": "module."},
        {"nest": ["state_dict"]},
        {"reshape": {"classifier.1.weight": [11, 1280, 1, 1]}},
    ],
    ids=["legacy", "wrapped", "nested", "convolution"],
)
def test_other_packings(
    far: FarSide,
    exported: dict[str, Path],
    batch: np.ndarray,
    expected: np.ndarray,
    tmp_path: Path,
    changes: dict[str, Any],
) -> None:
    path = rewritten(exported["torchvision"], tmp_path / "other.pth", **changes)
    assert close(answers(far, path, batch), expected)


def test_averaged_weights_are_asked_for(
    far: FarSide, exported: dict[str, Path], batch: np.ndarray, expected: np.ndarray
) -> None:
    path = exported["lornatang"]
    assert close(answers(far, path, batch, state_dict_key="ema_state_dict"), expected)
    message = refusal(far, path)
    assert "which of its state dicts is not said; its keys: epoch, best_acc1, optimizer, scheduler" in message
    assert "state dicts among them: state_dict, ema_state_dict; the option state_dict_key names one" in message
    assert "'optimizer' is not a state dict of it" in refusal(far, path, state_dict_key="optimizer")


# files that do not fit


def test_wrong_class_count(far: FarSide, exported: dict[str, Path]) -> None:
    message = refusal(far, exported["timm"], MobileNetV2(alpha=0.35, resolution=96, classes=12))
    assert "(dialect 'timm'): tensors 2 of another shape" in message
    assert "classifier.weight: expected [12, 1280], got [11, 1280]" in message


def test_wrong_width(far: FarSide, exported: dict[str, Path]) -> None:
    message = refusal(far, exported["torchvision"], MobileNetV2(alpha=0.75, resolution=96, classes=11))
    assert "of another shape (features.0.0.weight: expected [24, 3, 3, 3], got [16, 3, 3, 3]; " in message


def test_missing_and_extra_tensors(far: FarSide, exported: dict[str, Path], tmp_path: Path) -> None:
    source = exported["torchvision"]
    path = rewritten(source, tmp_path / "less.pth", drop=[PROJECTION])
    assert f"tensors 1 missing ({PROJECTION})" in refusal(far, path)
    path = rewritten(source, tmp_path / "more.pth", add={"features.3.se.weight": [4]})
    assert "tensors 1 not of this network (features.3.se.weight)" in refusal(far, path)
    path = rewritten(source, tmp_path / "half.pth", halve=[PROJECTION])
    assert f"expected float32 tensors only, got 1 others: {PROJECTION} (float16)" in refusal(far, path)


def test_unknown_dialect_shows_the_nearest(far: FarSide, exported: dict[str, Path], tmp_path: Path) -> None:
    path = rewritten(exported["timm"], tmp_path / "other.pth", rename={"blocks.": "stages."})
    message = refusal(far, path)
    assert "fit no known dialect (torchvision, tonylins_2018" in message
    assert "nearest is 'timm' with" in message
    first = "expected blocks.0.0.conv_dw.weight, got stages.0.0.conv_dw.weight"
    assert message.count("expected blocks.") == 5
    assert first in message


def test_quantised_state_dict(far: FarSide, tmp_path: Path) -> None:
    run_inside("quantised", tmp_path / "quantised.pth")
    assert "a quantised state dict (packed int8 weights); only float32 ones are read" in refusal(
        far, tmp_path / "quantised.pth"
    )


def test_truncated_files(far: FarSide, exported: dict[str, Path], tmp_path: Path) -> None:
    legacy = rewritten(exported["timm"], tmp_path / "legacy.pth", legacy=True)
    for source in (exported["timm"], legacy):
        content = source.read_bytes()
        for size in (0, 100, 4000, len(content) // 2, len(content) - 1):
            path = tmp_path / "cut.pth"
            path.write_bytes(content[:size])
            assert f"{path} is truncated or not a PyTorch file: " in refusal(far, path)
            with pytest.raises(AdapterError, match="is truncated or not a PyTorch file"):
                torch_pickles.read(path)


class Trap:
    """Unpickling this creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def test_code_in_a_pickle_is_refused_and_not_run(far: FarSide, exported: dict[str, Path], tmp_path: Path) -> None:
    created, bare, packed = (tmp_path / name for name in ("created", "bare.pth", "packed.pth"))
    bare.write_bytes(pickle.dumps({"features.0.0.weight": Trap(created)}, protocol=2))
    with zipfile.ZipFile(exported["timm"]) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            content = bare.read_bytes() if name.endswith("data.pkl") else source.read(name)
            target.writestr(name, content)
    for path in (bare, packed):
        assert f"{path}: refused: not a plain tensor file, it asks for " in refusal(far, path)
        with pytest.raises(AdapterError, match=r"refused: not a plain tensor file, it asks for \w+\.open"):
            torch_pickles.read(path)
    assert not created.exists()
    pickle.loads(bare.read_bytes())["features.0.0.weight"].close()
    assert created.exists()  # the trap works


def test_a_pickled_module_is_refused(far: FarSide, tmp_path: Path) -> None:
    run_inside("whole", tmp_path / "whole.pth")
    assert "it asks for torch.nn.modules.linear.Linear; nothing of it was run" in refusal(far, tmp_path / "whole.pth")


# reading without PyTorch


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("legacy", [False, True])
def test_files_can_be_read_without_torch(exported: dict[str, Path], tmp_path: Path, layout: str, legacy: bool) -> None:
    path = exported[layout]
    if legacy:
        path = rewritten(path, tmp_path / "legacy.pth", legacy=True)
    extra = {"state_dict_key": "ema_state_dict"} if layout == "lornatang" else {}
    dialect, tensors = torch_states.canonical(torch_pickles.read(path), path, SMALL.layers(), extra)
    assert dialect == LAYOUTS[layout]
    written = random_tensors(SMALL)
    assert list(tensors) == list(written)
    assert all(np.array_equal(tensors[name], written[name]) for name in written)
