"""`zoo audit` over the published zoo: what it finds, what it is computed from, how it is shown."""

from __future__ import annotations

import dataclasses
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from zoo import disk
from zoo.cli.commands import cli
from zoo.documents.load import Zoo, load_zoo
from zoo.errors import ManifestError, UsageError
from zoo.jobs.audit import audit, evidence_of, select
from zoo.records import Claim
from zoo.records.statements import LearningRates, Statement
from zoo.report import importance
from zoo.report.audit import FORMATS, Audit
from zoo.rules.base import Evidence
from zoo.rules.judge import judge

ROOT = disk.PACKAGE.parent
COVERAGE = ROOT / "docs" / "audit-coverage.md"


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return load_zoo("published")


@pytest.fixture(scope="module")
def found(zoo: Zoo) -> Audit:
    return audit(zoo)


def failures(documents: Evidence, *rules: str) -> set[tuple[str, str]]:
    verdicts = judge(documents, select(rules))
    return {(verdict.rule, verdict.subject) for verdict in verdicts if verdict.outcome == "fail"}


def with_claim(zoo: Zoo, name: str, value: str) -> Evidence:
    """The published documents with one number printed otherwise."""
    changed = {"value": value, "decimals": len(value.partition(".")[2])}
    claims = [Claim(**{**c.model_dump(), **changed}) if c.id == name else c for c in zoo.claims.values()]
    return dataclasses.replace(evidence_of(zoo), claims=claims)


def with_statement(zoo: Zoo, name: str, **changes: Any) -> Evidence:
    statements: list[Statement] = [
        each.changed(**changes) if each.id == name else each for each in zoo.statements.values()
    ]
    return dataclasses.replace(evidence_of(zoo), statements=statements)


def coverage() -> dict[int, list[tuple[str, str]]]:
    """Number -> rules and subjects, from the table in the docs."""
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", COVERAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {int(number): re.findall(r"`(C\d{3})` `([^`]+)`", cell) for number, cell in rows}


def test_coverage_is_what_the_audit_finds(found: Audit) -> None:
    table = coverage()
    assert list(table) == list(range(1, 51))
    open_ones = {(verdict.rule, verdict.subject) for verdict in found.of("fail")}
    assert [pair for pairs in table.values() for pair in pairs if pair not in open_ones] == []
    assert sum(bool(pairs) for pairs in table.values()) >= 35


def test_no_finding_is_about_the_code(found: Audit) -> None:
    """No publisher, file or number of the data stands in the rules."""
    source = "".join(path.read_text(encoding="utf-8") for path in (disk.PACKAGE / "rules").glob("*.py"))
    for word in ("mobilenetv2", "mindspore", "keras", "slim", "omz", "onnx", "58.6", "3.489", "34559", "34_559"):
        assert word not in source.lower().replace("mobilenetv2 of some width", "")


# claim, another printed text, rule, subject, whether the finding is there then
PERTURBED = [
    ("omz-017", "71.88", "C201", "omz/mobilenet-v2-pytorch top1", False),
    ("omz-012", "3.505", "C401", "omz-012", False),
    ("torchvision-003", "3.504873", "C401", "torchvision-003", True),
    ("torchvision-001", "71.877", "C101", "torchvision-001", True),
    ("onnx-zoo-005", "7.6", "C106", "onnx-models-readme-2018 size (column Download)", False),
    ("onnx-zoo-007", "71.50", "C501", "onnx-zoo-007 against paper-003", False),
    ("onnx-zoo-019", "68.50", "C502", "onnx-zoo-019", True),
    ("onnx-zoo-011", "70.95", "C204", "onnx-zoo/mobilenetv2-7 = onnx-zoo/mobilenetv2-10", False),
    ("tf-slim-057", "301", "C402", "tf-slim-057", False),
    ("gluoncv-022", "5.34", "C502", "gluoncv-022", False),
    ("keras-025", "71.3", "C205", "keras-025", False),
    ("mindspore-mindvision-001", "75.4", "C107", "mindspore-vision-readme table of pretrained models", False),
    ("mindspore-mindvision-002", "70.0", "C104", "mindspore/mobilenet_v2_1.4_224 in mindspore-vision-readme", True),
]


@pytest.mark.parametrize(("name", "value", "rule", "subject", "there"), PERTURBED)
def test_findings_follow_the_numbers(zoo: Zoo, name: str, value: str, rule: str, subject: str, there: bool) -> None:
    assert ((rule, subject) in failures(evidence_of(zoo), rule)) is not there
    assert ((rule, subject) in failures(with_claim(zoo, name, value), rule)) is there


def test_findings_follow_the_statements(zoo: Zoo) -> None:
    assert failures(with_statement(zoo, "mindspore-learning-rates", epochs=100), "C701") == set()
    halves = tuple(str(Decimal(rate) / 2) for rate in ("0.09998", "0.09990", "0.09978", "0.09961"))
    assert isinstance(zoo.statements["mindspore-learning-rates"], LearningRates)
    assert failures(with_statement(zoo, "mindspore-learning-rates", printed=halves, epochs=100), "C701")
    assert failures(with_statement(zoo, "mindspore-yaml-steps", printed=2502), "C702") == set()
    assert failures(with_statement(zoo, "slim-central-crop", of="side"), "C603") == set()
    assert ("C801", "keras: checkpoints") not in failures(with_statement(zoo, "keras-count-16", value="22"), "C801")


def test_report_in_the_repository_is_the_audits(found: Audit) -> None:
    """Write it again with: zoo audit --rules C --format md --out reports/claims-audit.md."""
    assert (ROOT / "reports" / "claims-audit.md").read_bytes().decode() == FORMATS["md"](found)


def test_every_finding_can_be_followed(found: Audit) -> None:
    for verdict in found.of("fail"):
        assert verdict.reason
        assert verdict.remedy
        assert verdict.sources, verdict.subject
        assert set(verdict.sources) <= set(found.sources)


def test_formats(found: Audit) -> None:
    texts = {name: render(found) for name, render in FORMATS.items()}
    assert texts["text"].endswith(found.headline() + ".\n")
    data = json.loads(texts["json"])
    assert len(data["verdicts"]) == len(found.verdicts)
    assert texts["csv"].count("\n") == len(found.verdicts) + 1
    cases = list(ElementTree.fromstring(texts["junit"]).iter("testcase"))
    assert len(cases) == len(found.verdicts)
    assert sum(case.find("failure") is not None for case in cases) == len(found.of("fail"))
    assert "default-src &#39;none&#39;" in texts["html"]
    assert texts["html"].count("<script") == 1  # its own, let in by its hash
    assert "script-src &#39;sha256-" in texts["html"]


def test_every_finding_has_a_class_and_accuracies_a_size(found: Audit, zoo: Zoo) -> None:
    unsized = {"C204", "C503", "C504"}  # copied, of no record, of a whole table: by how much is not known
    for verdict in found.findings():
        assert verdict.finding_class in importance.CLASSES
        accuracy = any(zoo.claims[name].is_accuracy for name in _claims_in(verdict.subject, zoo))
        if accuracy and verdict.rule not in unsized:
            assert (verdict.size_unit, verdict.size is not None) == ("points", True), verdict.subject
        if verdict.rule in ("C401", "C402", "C403", "C404", "C405", "C406"):
            assert verdict.size_unit == "percent"
    for verdict in found.of("pass", "not_comparable"):
        assert (verdict.finding_class, verdict.size, verdict.habit) == (None, None, "")


def _claims_in(subject: str, zoo: Zoo) -> list[str]:
    return [word for word in subject.split() if word in zoo.claims]


def test_what_matters_comes_first(found: Audit) -> None:
    ordered = found.findings()
    habit = [verdict.habit for verdict in ordered]
    assert habit == sorted(habit)  # MiB under the name MB after all others
    assert habit.count("MiB under the name MB") == 13
    others = [verdict for verdict in ordered if not verdict.habit]
    ranks = [importance.CLASSES.index(verdict.finding_class) for verdict in others if verdict.finding_class]
    assert ranks == sorted(ranks)
    assert len(ranks) == len(others)
    for title, verdicts in found.largest().items():
        sizes = [verdict.size or 0 for verdict in verdicts]
        assert (len(sizes), sizes) == (10, sorted(sizes, reverse=True)), title
        assert max(v.size or 0 for v in found.of("fail") if v.size_unit == verdicts[0].size_unit) == sizes[0]
    counts = importance.counts(ordered)
    assert sum(each.findings for each in counts) == len(found.of("fail"))
    assert sum(each.accepted for each in counts) == len(found.of("known"))
    assert counts[-1].habit == "MiB under the name MB"


def test_each_text_begins_with_what_matters(found: Audit) -> None:
    """The counts, then the largest, then the findings one by one; a slip that is common everywhere after them."""
    assert found.largest()["accuracies"][0].subject == "keras-025"  # 61.6 % measured, 71.3 % documented
    for name in ("text", "md", "html"):
        plain = FORMATS[name](found).replace("<wbr>", "").replace("\\", "")
        plain = plain[plain.find("<body>") + 1 :]
        within_limit, keras, recipe = (plain.index(words) for words in ("within limit", "keras-025", "torch_224_224"))
        assert within_limit < keras < recipe
        assert plain.rindex("keras: checkpoints") < plain.rindex("tflite-hosted-003")


def test_figures_under_other_conditions_are_shown_and_are_no_findings(found: Audit) -> None:
    apart = found.of("not_comparable")
    assert "C201" in {verdict.rule for verdict in apart}
    assert found.headline().endswith(f"{len(apart)} not comparable")
    for name in ("md", "html"):
        assert "recipes omz" in FORMATS[name](found).replace("\\", "")


def test_text_from_outside_is_escaped(found: Audit) -> None:
    bad = found.of("fail")[0].changed(reason="<img src=x> \x1b[31mred | `code`")
    hostile = dataclasses.replace(found, verdicts=(bad,))
    for name in ("html", "md", "junit"):
        assert "<img" not in FORMATS[name](hostile)
    for name in ("text", "md", "html", "csv", "junit"):
        assert "\x1b" not in FORMATS[name](hostile)


def test_command(tmp_path: Path) -> None:
    runner = CliRunner()
    out = tmp_path / "audit.json"
    arguments = ["audit", "--rules", "C7,C104", "--format", "json", "--out", str(out)]
    assert cli.main(arguments, standalone_mode=False) == 1
    assert set(json.loads(out.read_text(encoding="utf-8"))["rules"]) == {"C104", "C701", "C702"}
    shown = runner.invoke(cli, ["audit", "--rules", "C104"], standalone_mode=False)
    assert (shown.return_value, shown.output) == (0, "0 findings in 0 documents; 154 checks passed.\n")


def test_embedded_zoo_has_no_findings() -> None:
    assert audit(load_zoo("embedded")).of("fail") == []


def test_unknown_rule() -> None:
    with pytest.raises(UsageError, match="no rule's id begins with 'C9'"):
        select(["C9"])


FOLDER = """
[[checkpoint]]
id = "mine/net"
framework = "torch"
format = "torch_state_dict"
recipe = "torch_256_224"
label_map = "imagenet1000"
files = [{ name = "net.pth", urls = ["https://example.org/net.pth"] }]
"""

CROP = '[[crop]]\nid = "a"\nkept = "1"\nof = "side"'


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("statements.toml", f'{CROP}\nsource = "page"\nrecipe = "torch_256_225"', "field recipe: .*'torch_256_225'"),
        ("statements.toml", f'{CROP}\nsource = "pages"\nrecipe = "torch_256_224"', "field source: .*'pages'"),
        ("statements.toml", '[[named]]\nid = "a"\nsource = "page"\nname = "n"\npublisher = "p"', "one of sha256"),
        ("known_deviations.toml", '[[deviation]]\nid = "a"\nrule = "C1"', "field link: missing"),
    ],
)
def test_wrong_entries_are_named(tmp_path: Path, name: str, text: str, problem: str) -> None:
    (tmp_path / "checkpoints.toml").write_text(FOLDER, encoding="utf-8")
    (tmp_path / "sources.csv").write_text("id,title\npage,A page\n", encoding="utf-8")
    assert audit(load_zoo(tmp_path)).of("fail") == []
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=rf"(?s){name}, line \d.*{problem}"):
        load_zoo(tmp_path)
