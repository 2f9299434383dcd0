"""A worker that misbehaves becomes one error that says what happened; a well-behaved one may print."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.by_hand.built import REPOSITORY
from zoo.errors import WorkerError
from zoo.frameworks.table import framework
from zoo.frameworks.workers import Worker

NHWC = [{"op": "layout", "order": "nhwc"}]
OPTIONS = {"threads": 1, "format": "fake", "batch_size": 2}


def fake_model(folder: Path, **changes: object) -> Path:
    path = folder / "model.json"
    path.write_text(json.dumps({"outputs": 10, "input_shape": [-1, 4, 4, 3], **changes}))
    return path


def ask(tmp_path: Path, limits: dict[str, float] | None = None, **changes: object) -> np.ndarray:
    """Scores of five images, from a fake that behaves as `changes` say."""
    store, out = tmp_path / "store.npy", tmp_path / "out.npy"
    np.save(store, np.arange(5 * 48, dtype=np.uint8).reshape(5, 4, 4, 3))
    with Worker(framework("fake"), Path(sys.executable), limits=limits) as worker:
        worker.request("load", files=[str(fake_model(tmp_path, **changes))], options=OPTIONS)
        worker.request("predict", store=str(store), rows=[1, 5], numeric=NHWC, out=str(out))
    return np.load(out)


def test_answers_follow_the_rule(tmp_path: Path) -> None:
    scores = ask(tmp_path)
    sums = np.arange(5 * 48, dtype=np.uint8).reshape(5, 48).astype(int).sum(axis=1)
    assert scores.argmax(axis=1).tolist() == (sums[1:] % 10).tolist()
    assert scores.dtype == np.float32


def test_printing_harms_nothing(tmp_path: Path) -> None:
    assert np.array_equal(ask(tmp_path, misbehave="print"), ask(tmp_path))


@pytest.mark.parametrize(
    ("misbehave", "kind", "message"),
    [
        ("crash", "died", "the worker died (exit code 9) during 'predict'"),
        ("nan", "OutputError", "scores of 1 of 2 rows hold NaN or infinity"),
        ("wrong_shape", "OutputError", "expected shape (2, 10), got (2, 9)"),
        ("raise", "RuntimeError", "asked to raise"),
        ("garbage", "garbage", "expected a JSON reply to 'predict', got 'not json'"),
    ],
)
def test_misbehaviour_is_named(tmp_path: Path, misbehave: str, kind: str, message: str) -> None:
    with pytest.raises(WorkerError) as caught:
        ask(tmp_path, misbehave=misbehave, misbehave_at=1)
    assert caught.value.kind == kind
    assert message in str(caught.value)


def test_crash_shows_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(WorkerError) as caught:
        ask(tmp_path, misbehave="crash")
    assert "about to crash" in caught.value.details


def test_error_brings_the_far_traceback(tmp_path: Path) -> None:
    with pytest.raises(WorkerError) as caught:
        ask(tmp_path, misbehave="raise")
    assert "fake/adapter.py" in caught.value.details


def test_hang_is_ended(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="no answer to 'predict' within 1 s") as caught:
        ask(tmp_path, limits={"predict": 1.0}, misbehave="hang")
    assert caught.value.kind == "hung"


def test_death_at_load(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"died \(exit code 7\) during 'load'"):
        ask(tmp_path, stumble_at_load=True)


def test_failed_import_is_a_reply(tmp_path: Path) -> None:
    adapters = tmp_path / "adapters"
    shutil.copytree(REPOSITORY / "adapters", adapters, ignore=shutil.ignore_patterns("__pycache__"))
    (adapters / "fake" / "adapter.py").write_text("import no_such_framework\n")
    with (
        pytest.raises(WorkerError, match="no_such_framework") as caught,
        Worker(framework("fake"), Path(sys.executable), adapters=adapters),
    ):
        pass
    assert caught.value.kind == "ModuleNotFoundError"


def test_wrong_dtype_is_refused_before_the_network(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="expected float32, got uint8"):
        ask(tmp_path, input_dtype="float32")


def test_fixed_batch_is_filled_up(tmp_path: Path) -> None:
    assert np.array_equal(ask(tmp_path, input_shape=[3, 4, 4, 3]), ask(tmp_path))


def test_unknown_request(tmp_path: Path) -> None:
    with Worker(framework("fake"), Path(sys.executable), limits={"dance": 5}) as worker:
        with pytest.raises(WorkerError, match="op 'dance' is not known"):
            worker.request("dance")
        assert worker.versions["numpy"]
