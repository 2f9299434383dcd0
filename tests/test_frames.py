"""A run folder as data frames: right types, right numbers, and `import zoo` stays light."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from tests.by_hand import folders as folders_by_hand
from tests.by_hand.built import REPOSITORY
from tests.by_hand.folders import SHIFTED, answers, run_with
from tests.by_hand.records import a_latency_run, a_run, a_verdict
from tests.by_hand.samples import a_sample_run
from zoo.errors import RunFolderError
from zoo.records import LatencyRun, Run, SampleRun, Verdict

TRUTH = [0, 1, 2, 3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two frameworks that disagree on one image, a run that failed, three verdicts."""
    one, two = answers([0, 1, 2, 4], TRUTH), answers([0, 1, 2, 3], TRUTH, first=1)
    two.indices[0, 4] = 0  # the background, which is no class
    runs = [
        (run_with(one), one),
        (run_with(two, key="2e" * 32, framework="tensorflow", label_map=SHIFTED.id), two),
        (a_run(key="", framework="mxnet", status="failed", error="it died"), None),
    ]
    verdicts = [a_verdict(outcome=outcome, n=n) for outcome, n in (("confirmed", 4), ("refuted", 4), ("not_run", None))]
    folders_by_hand.write(tmp_path / "run", runs, verdicts)
    return tmp_path / "run"


def test_runs(folder: Path) -> None:
    runs = zoo.load_run(folder).runs
    assert set(runs.columns) == {*Run.model_fields, "top1", "top5"} - {"key"}
    assert runs.index.name == "run"
    assert [str(runs[name].dtype) for name in ("n", "seconds", "hash_verified", "framework", "top1")] == [
        "int64", "float64", "bool", "category", "float64",
    ]  # fmt: skip
    assert runs["top1"].tolist()[:2] == [0.75, 1.0]
    assert runs["top1"].isna().tolist() == [False, False, True]
    assert runs["error"].isna().tolist() == [True, True, False]


def test_predictions(folder: Path) -> None:
    predictions = zoo.load_run(folder).predictions
    assert len(predictions) == 8
    assert [str(predictions[name].dtype) for name in ("run", "label", "predicted", "score", "top1")] == [
        "category", "int64", "Int64", "float32", "bool",
    ]  # fmt: skip
    table = predictions.pivot(index="image", columns="framework", values="predicted")
    assert table[table["onnxruntime"] != table["tensorflow"]].index.tolist() == ["3.png"]
    assert predictions["class_5"].isna().sum() == 1
    assert predictions.groupby("framework", observed=True)["top1"].mean().to_dict() == {
        "onnxruntime": 0.75, "tensorflow": 1.0,
    }  # fmt: skip


def test_verdicts(folder: Path) -> None:
    verdicts = zoo.load_run(folder).verdicts
    assert list(verdicts.columns) == list(Verdict.model_fields)
    assert [str(verdicts[name].dtype) for name in ("outcome", "measured", "n")] == ["category", "float64", "Int64"]
    assert verdicts["outcome"].value_counts().to_dict() == {"confirmed": 1, "refuted": 1, "not_run": 1}


def test_latencies_and_their_rounds(tmp_path: Path) -> None:
    failed = a_latency_run(key="", framework="torch", status="failed", error="it died")
    short = a_latency_run(key="2e" * 32, batch_size=8, quantiles=a_latency_run().quantiles[:2], multiply_adds=None)
    folders_by_hand.write(tmp_path, [], latencies=[a_latency_run(), short, failed])
    found = zoo.load_run(tmp_path)
    assert found.latencies.index.name == "run"
    quantiles = {f"{name}{end}" for name in ("p50", "p90", "p99") for end in ("", "_low", "_high")}
    fields = {*LatencyRun.model_fields} - {"key", "quantiles", "rounds"}
    assert set(found.latencies.columns) == fields | quantiles | {"subject"}
    types = ("p50", "p99_high", "calls", "multiply_adds", "untrained", "framework", "subject")
    assert [str(found.latencies[name].dtype) for name in types] == [
        "float64", "float64", "int64", "Int64", "bool", "category", "string",
    ]  # fmt: skip
    assert found.latencies["p99"].isna().tolist() == [False, True, True]
    assert found.latencies["p50"].isna().tolist() == [False, False, True]
    assert (found.latencies["p50_low"] <= found.latencies["p50"]).tolist() == [True, True, False]
    assert found.latencies["subject"].tolist()[1] == "embedded/onnx@onnxruntime/b8t1"
    assert len(found.rounds) == 12
    medians = found.rounds.groupby("run")["median"].median()
    assert medians["7a" * 32] == pytest.approx(0.004, rel=0.01)
    assert found.rounds["number"].tolist() == [*range(1, 7)] * 2
    empty = folders_by_hand.write(tmp_path / "empty", [(a_run(), None)])
    none = zoo.load_run(empty.path)
    assert (len(none.latencies), len(none.rounds)) == (0, 0)
    assert str(none.latencies["p50"].dtype) == str(none.rounds["median"].dtype) == "float64"


def test_sample_answers(tmp_path: Path) -> None:
    missing = a_sample_run(status="not_run", error="no file", sample="two")
    folders_by_hand.write(tmp_path, [], samples=[a_sample_run(), missing])
    samples = zoo.load_run(tmp_path).samples
    assert set(samples.columns) == {*SampleRun.model_fields, "subject"}
    assert samples["outputs"].tolist() == [(1.0, 3.0, -0.5), ()]
    assert samples["subject"].tolist() == ["a/net@torch"] * 2
    empty = folders_by_hand.write(tmp_path / "empty", [(a_run(), None)])
    assert zoo.load_run(empty.path).samples.empty


def test_a_run_without_answers_has_none(tmp_path: Path) -> None:
    folders_by_hand.write(tmp_path, [(a_run(), None)])
    predictions = zoo.load_run(str(tmp_path)).predictions
    assert predictions.empty
    assert {"run", "image", "label", "predicted", "class_5", "score_5"} <= set(predictions.columns)


def test_no_run_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is not a run folder"):
        zoo.load_run(tmp_path)


def test_import_is_light() -> None:
    code = "import sys, zoo; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "numpy", "pydantic"} & set(loaded)


def test_the_documented_example_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 3
    monkeypatch.chdir(folder.parent)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block.replace("runs/embedded", folder.name), "docs/python.md", "exec"), names)
    assert list(names["differing"].index) == ["3.png"]  # type: ignore[attr-defined]
