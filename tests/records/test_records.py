"""Records: what a changed one may be, and that nothing in the project changes one unchecked."""

from __future__ import annotations

import ast

import pytest
from pydantic import ValidationError

from tests.by_hand.built import REPOSITORY
from tests.by_hand.records import a_claim, a_report, a_run
from zoo.records import Checkpoint, File, MobileNetV2

UNCHECKED = {"model_copy", "model_construct", "__replace__"}  # pydantic's ways to a record that no validator has seen


def test_a_changed_record_is_a_new_one() -> None:
    run = a_run()
    assert run.changed(n=2000, top1_correct=700) == a_run(n=2000, top1_correct=700)
    assert run == a_run()
    nested = a_report().changed(runs=[run])
    assert nested.runs == (run,)
    assert nested.runs[0] is run  # what has been checked once is not read again


@pytest.mark.parametrize("fields", [{"files": ()}, {"export_from": "a.safetensors"}, {"id": "a b"}, {"fille": ()}])
def test_no_checkpoint_that_its_own_validator_forbids(fields: dict[str, object]) -> None:
    one = Checkpoint(
        id="x/net", framework="onnxruntime", format="onnx", recipe="r", label_map="l", files=(File(name="net.onnx"),)
    )  # fmt: skip
    with pytest.raises(ValidationError):
        one.changed(**fields)
    network = MobileNetV2(alpha=1.0, resolution=224, classes=1000)
    assert one.changed(files=(), export_from="a.safetensors", network=network).files == ()


def test_what_belongs_together_is_changed_together() -> None:
    with pytest.raises(ValidationError, match=r"'71\.8' has 1"):
        a_claim().changed(value="71.8")
    assert a_claim().changed(value="71.8", decimals=1).number() == 0.718


@pytest.mark.parametrize("folder", ["zoo", "tests", "docs", "adapters", "benchmarks"])
def test_nobody_makes_an_unchecked_record(folder: str) -> None:
    for path in (REPOSITORY / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in UNCHECKED, f"{path}, line {node.lineno}: use Record.changed"
                assert node.attr != "__dict__", f"{path}, line {node.lineno}: what is cached is not reset; make another"
