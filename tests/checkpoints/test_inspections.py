"""Looking into files: what is kept, what is found by name alone, what the published files hold."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.by_hand import little_zoo
from tests.by_hand.built import built
from tests.by_hand.commands import report_of, zoo
from zoo import disk, kept
from zoo.checkpoints import inspections
from zoo.documents.load import load_zoo
from zoo.jobs.audit import audit, look
from zoo.records import Verdict
from zoo.rules.judge import FILE_RULES


def publish(folder: Path, name: str, content: bytes) -> None:
    """Note the hash and size of `content` as those of `name`.json."""
    path = folder / "checkpoints.toml"
    facts = f'size_bytes = {len(content)}, sha256 = "{hashlib.sha256(content).hexdigest()}"'
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f'name = "{name}.json"', f'name = "{name}.json", {facts}'), encoding="utf-8")


def rules_of(verdicts: tuple[Verdict, ...]) -> dict[str, str]:
    return {verdict.rule: verdict.outcome for verdict in verdicts if verdict.rule[0] in "PS"}


def test_validate_looks_into_what_it_runs(folder: Path, out: Path) -> None:
    publish(folder, "good", (folder / "good.json").read_bytes())
    assert zoo("validate", "--zoo", folder, "--out", out).returncode == 0
    report = report_of(out)
    (found,) = report.inspections
    assert (found.subject, found.sha256) == (report.runs[0].subject, report.runs[0].sha256)
    assert [(file.name, file.hash, file.by) for file in found.files] == [("good.json", "equal", "sha256")]
    assert found.measured is not None
    assert found.measured.ops == {"Sum": 1, "Mod": 1}
    assert rules_of(report.verdicts) == {"P101": "pass", "P102": "pass"}
    # judged again from the folder alone
    shutil.rmtree(folder)
    assert "the stored verdicts stand" in zoo("compare", out).stdout


def test_nothing_is_looked_into_twice(folder: Path, out: Path, own_home: Path) -> None:
    zoo("validate", "--zoo", folder, "--out", out)
    kept = {path: path.stat().st_mtime_ns for path in (own_home / "results" / "inspections").iterdir()}
    zoo("validate", "--zoo", folder, "--out", out)
    assert len(kept) == 1
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    zoo("validate", "--zoo", folder, "--out", out, "--fresh")
    assert {path: path.stat().st_mtime_ns for path in kept} != kept


def test_a_file_that_cannot_be_looked_into_is_told(folder: Path, out: Path) -> None:
    little_zoo.add_checkpoint(folder, "shy", misbehave_at_inspect=True)
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 0, done.stdout
    assert "little/shy@fake: not looked into: fake: asked to fail at inspect" in done.stderr
    report = report_of(out)
    assert [run.status for run in report.runs] == ["done", "done"]
    assert rules_of(report.verdicts) == {"S103": "not_run"}


def test_wrong_bytes_are_not_run_and_named(folder: Path, out: Path) -> None:
    publish(folder, "good", b"other bytes")
    done = zoo("validate", "--zoo", folder, "--out", out)
    assert done.returncode == 3
    report = report_of(out)
    assert report.runs[0].status == "not_run"
    assert rules_of(report.verdicts) == {"P101": "fail", "P102": "fail"}
    assert report.inspections[0].measured is None


def test_audit_looks_at_files(folder: Path) -> None:
    said: list[str] = []
    little_zoo.add_checkpoint(folder, "absent")
    (folder / "absent.json").unlink()
    publish(folder, "good", (folder / "good.json").read_bytes())
    known = load_zoo(str(folder))
    found = look(known, [], said.append)
    assert said == ["looked at 1 file on this machine, of 1 of 2 checkpoints; measured inside 1"]
    assert rules_of(audit(known, files=found).verdicts) == {"P101": "pass", "P102": "pass"}
    # without files the same on every machine, and what is there is no part of the rules' list
    assert rules_of(audit(known).verdicts) == {}
    assert not set(audit(known).messages) & {rule.id for rule in FILE_RULES}


def test_audit_without_file_rules_looks_at_nothing(folder: Path) -> None:
    said: list[str] = []
    assert look(load_zoo(str(folder)), ["C"], said.append) == ()
    assert said == []


def test_another_checkpoints_file_is_no_wrong_file(folder: Path) -> None:
    """Publishers use one name for different bytes."""
    little_zoo.add_checkpoint(folder, "twin")
    for name, content in (("good", (folder / "good.json").read_bytes()), ("twin", b"twin")):
        publish(folder, name, content)
    (folder / "twin.json").unlink()
    records = folder / "checkpoints.toml"
    records.write_text(records.read_text(encoding="utf-8").replace('"twin.json"', '"good.json"'), encoding="utf-8")
    known = load_zoo(str(folder))
    assert [each.checkpoint for each in look(known, [], print)] == ["little/good"]
    (folder / "good.json").write_text("neither of the two", encoding="utf-8")
    found = look(known, [], print)
    assert [each.checkpoint for each in found] == ["little/good", "little/twin"]
    assert {verdict.outcome for verdict in audit(known, ["P"], found).verdicts} == {"fail"}


def test_published_files(assets: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("onnxruntime", "tensorflow"):
        built(name)
    monkeypatch.setenv("ZOO_MIRROR", str(assets / "checkpoints"))
    known = load_zoo("published")
    verdicts = audit(known, ["P", "S"], look(known, [], print)).verdicts
    said = {(verdict.subject.split("@")[0], verdict.rule): verdict for verdict in verdicts}
    onnx, lite = "onnx-zoo/mobilenetv2-12-int8", "tflite/mobilenet_v2_1.0_224_quant"
    open_ = [(onnx, "S105")]
    both = ["P101", "P102", "P103", "S103", "S104"]
    assert sorted(said) == sorted([*((name, rule) for name in (onnx, lite) for rule in both), *open_, (onnx, "P104")])
    assert {name for name, verdict in said.items() if verdict.outcome != "pass"} == {(onnx, "S105")}
    assert said[onnx, "S105"].outcome == "inconclusive"  # nothing was run
    assert "3,489,097 stored values, batch norm folded" in said[lite, "S103"].reason
    assert "300,774,272 multiply-adds, 3,487,816 stored values" in said[onnx, "S103"].reason
    assert said[onnx, "P104"].reason == "opset 12"
    assert said[lite, "S104"].reason == "52 convolutions; quantised arithmetic"


def test_kept_facts_are_read_back(folder: Path, own_home: Path) -> None:
    known = load_zoo(str(folder))
    first = inspections.look(known, print)
    (path,) = (disk.home() / "results" / "inspections").iterdir()
    facts = json.loads(path.read_text(encoding="utf-8"))
    kept.write_json(path, path.stem, {**facts, "ops": {"Kept": 1}})
    second = inspections.look(known, print)
    assert [each.measured.ops for look in (first, second) for each in look.inspections if each.measured] == [
        {"Sum": 1, "Mod": 1},
        {"Kept": 1},
    ]
