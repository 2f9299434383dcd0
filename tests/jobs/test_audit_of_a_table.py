"""A published table of 1,556 rows, every figure of which is right: nothing is found, and what is planted is.

tests/data/timm-results-imagenet.csv.gz has six columns of timm's results-imagenet.csv (Apache-2.0) at aa4b5850,
https://github.com/huggingface/pytorch-image-models/blob/aa4b5850c1543fa488abf260f18390eda46cf85d/results/results-imagenet.csv
without thousands commas.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from zoo import disk
from zoo.cli.commands import cli
from zoo.documents.load import load_zoo
from zoo.errors import ManifestError, UsageError
from zoo.jobs.audit import audit
from zoo.measure.selection import checkpoints
from zoo.records import Verdict

TABLE = disk.PACKAGE.parent / "tests" / "data" / "timm-results-imagenet.csv.gz"
COLUMNS = [
    "id",
    "model",
    "resolution",
    "crop",
    "framework",
    "metric",
    "value",
    "unit",
    "decimals",
    "population",
    "source",
    "place",
]
Row = dict[str, str]


@pytest.fixture(scope="module")
def table() -> list[Row]:
    return list(csv.DictReader(io.StringIO(gzip.decompress(TABLE.read_bytes()).decode())))


def test_the_table_is_the_published_one(table: list[Row], assets: Path) -> None:
    path = assets.parent / "facts" / "timm-results-imagenet.csv"
    if not path.is_file():
        pytest.skip(f"needs the published table at {path}")
    with path.open(encoding="utf-8", newline="") as stream:
        published = list(csv.DictReader(stream))
    assert [{name: row[name].replace(",", "") for name in table[0]} for row in published] == table


def claims(rows: Iterable[Row], checkpoint: str = "") -> list[dict[str, Any]]:
    """Three claims of each row, as a user would enter them."""
    found = []
    for number, row in enumerate(rows):
        for metric, column in (("top1", "top1"), ("top5", "top5"), ("parameters", "param_count")):
            accuracy = metric != "parameters"
            found.append(
                {
                    "id": f"row-{number}-{metric}", "checkpoint": checkpoint, "model": row["model"],
                    "resolution": row["img_size"], "crop": row["crop_pct"] if accuracy else "", "framework": "torch",
                    "metric": metric, "value": row[column], "unit": "percent" if accuracy else "M",
                    "decimals": len(row[column].partition(".")[2]), "population": "imagenet_val" if accuracy else "",
                    "source": "results", "place": f"row {row['model']}, column {column}",
                }
            )  # fmt: skip
    return found


def audited(
    folder: Path, entered: Sequence[dict[str, Any]], checkpoint: str = "", columns: Sequence[str] = ()
) -> list[Verdict]:
    """Findings of `zoo audit` over a folder with these claims, and no checkpoint unless one is given."""
    (folder / "sources.csv").write_text(
        "id,title\nresults,timm's results-imagenet.csv\nreadme,A page\n", encoding="utf-8"
    )
    if checkpoint:
        (folder / "checkpoints.toml").write_text(checkpoint, encoding="utf-8")
    with (folder / "claims.csv").open("w", encoding="utf-8", newline="") as stream:
        heads = [*(columns or COLUMNS), *(["checkpoint"] if checkpoint else [])]
        writer = csv.DictWriter(stream, heads, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(entered)
    return audit(load_zoo(folder), ["C"]).of("fail")


def test_nothing_is_found(table: list[Row], tmp_path: Path) -> None:
    assert len(table) == 1556
    assert len({row["model"] for row in table}) < len(table)  # many at two resolutions
    assert audited(tmp_path, claims(table)) == []


def test_nothing_is_found_without_the_crops(table: list[Row], tmp_path: Path) -> None:
    assert audited(tmp_path, [each | {"crop": ""} for each in claims(table)]) == []


def quoted(table: list[Row], rounding: str) -> list[dict[str, Any]]:
    """The accuracies of the table once more with one decimal, in another document."""
    tenth = Decimal("0.1")
    return [
        each | {"id": f"{each['id']}-quoted", "source": "readme", "decimals": 1}
        | {"value": str(Decimal(each["value"]).quantize(tenth, rounding))}
        for each in claims(table) if each["metric"] != "parameters"
    ]  # fmt: skip


def test_errors_beside_accuracies_and_rounded_quotations_are_no_findings(table: list[Row], tmp_path: Path) -> None:
    errors = [
        each | {"id": f"{each['id']}-error", "unit": "percent_error", "value": str(100 - Decimal(each["value"]))}
        for each in claims(table) if each["metric"] != "parameters"
    ]  # fmt: skip
    assert audited(tmp_path, [*claims(table), *errors, *quoted(table, ROUND_HALF_EVEN)]) == []


def test_quotations_that_are_cut_off_are_called_so(table: list[Row], tmp_path: Path) -> None:
    """How many are: of each name at one setting those whose second decimal is 5 or more."""
    found = audited(tmp_path, [*claims(table[:300]), *quoted(table[:300], ROUND_DOWN)])
    assert {(each.rule, each.finding_class) for each in found} == {("C206", "unit_or_rounding")}
    cut = {
        (row["model"].casefold(), metric)
        for row in table[:300] for metric in ("top1", "top5")
        if Decimal(row[metric]) % Decimal("0.1") > Decimal("0.05")
    }  # fmt: skip
    assert len(found) == len(cut) > 100
    assert max(each.size or 0 for each in found) == 0.098


def test_a_table_of_checkpoints_has_no_findings(table: list[Row], tmp_path: Path) -> None:
    """Each name a checkpoint known by the beginning of its hash: at two resolutions it is not compared."""
    names = dict.fromkeys(row["model"] for row in table)
    records = "".join(
        CHECKPOINT.replace("mine/net", f"mine/{name}").format(
            recipe="torch_256_224", more=f', sha256_prefix = "{hashlib.sha256(name.encode()).hexdigest()[:8]}"'
        ) + "recipe_assumed = true\n"
        for name in names
    )  # fmt: skip
    entered = [each | {"checkpoint": f"mine/{each['model']}"} for each in claims(table)]
    assert audited(tmp_path, entered, records) == []


def planted(table: list[Row], **changes: str) -> list[dict[str, Any]]:
    """The table, and its first network's row once more with changes."""
    return claims([*table, {**table[0], **changes}])


# what is planted in the first row's copy, and the class and size of what is found under which rule
PLANTED = [
    ({"top1": "89.056"}, "C206", "contradiction", 1.0),
    ({"top5": "99.050"}, "C206", "contradiction", 0.004),
    ({"model": "new", "top5": "90.050"}, "C104", "cannot_be", 0.006),
    ({"model": "new", "top1": "89.057"}, "C101", "cannot_be", 0.001),
]


@pytest.mark.parametrize(("changes", "rule", "kind", "size"), PLANTED)
def test_what_is_planted_is_found(
    table: list[Row], tmp_path: Path, changes: dict[str, str], rule: str, kind: str, size: float
) -> None:
    (found,) = audited(tmp_path, planted(table, **changes))
    assert (found.rule, found.finding_class, found.size, found.size_unit) == (rule, kind, size, "points")
    assert changes.get("model", table[0]["model"]) in f"{found.subject} {found.printed}"


@pytest.mark.parametrize("changes", [{"img_size": "336"}, {"crop_pct": "0.900"}])
def test_another_setting_is_no_contradiction(table: list[Row], tmp_path: Path, changes: dict[str, str]) -> None:
    assert audited(tmp_path, planted(table, top1="89.056", **changes)) == []


CHECKPOINT = """
[[checkpoint]]
id = "mine/net"
framework = "torch"
format = "torch_state_dict"
recipe = "{recipe}"
label_map = "imagenet1000"
files = [{{ name = "net.pth", urls = ["https://example.org/net.pth"]{more} }}]
"""


def test_one_checkpoint_at_two_resolutions_is_not_contradicted(table: list[Row], tmp_path: Path) -> None:
    """Its bytes are the same, and what was done with them is not."""
    rows = [{**table[0], "img_size": "224"}, {**table[1], "img_size": "256", "param_count": table[0]["param_count"]}]
    assert audited(tmp_path, claims(rows, "mine/net"), CHECKPOINT.format(recipe="torch_256_224", more="")) == []
    rows[1]["img_size"] = "224"
    rows[1]["crop_pct"] = rows[0]["crop_pct"]
    found = audited(tmp_path, claims(rows, "mine/net"), CHECKPOINT.format(recipe="torch_256_224", more=""))
    assert {(each.rule, each.subject) for each in found} == {("C201", "mine/net top1"), ("C201", "mine/net top5")}


def test_a_statement_says_it_of_several_rows(table: list[Row], tmp_path: Path) -> None:
    entered = [each | {"crop": ""} for each in claims([table[0], {**table[0], "top1": "89.056"}])]
    assert [each.rule for each in audited(tmp_path, entered)] == ["C206"]
    setting = '[[setting]]\nid = "s"\nsource = "results"\nclaims = ["{}"]\n{}\n'
    statements = tmp_path / "statements.toml"
    statements.write_text(setting.format("row-0-top1", "crop = 0.9"), encoding="utf-8")
    assert [each.rule for each in audited(tmp_path, entered)] == ["C206"]  # of the other row nothing is said
    both = setting.format("row-0-top1", 'device = "one"'), setting.format("row-1-top1", 'device = "other"')
    statements.write_text(both[0] + both[1].replace('"s"', '"t"'), encoding="utf-8")
    assert audited(tmp_path, entered) == []
    statements.write_text(setting.format("row-9-top1", "crop = 0.9"), encoding="utf-8")
    with pytest.raises(ManifestError, match=r"statements.toml, line 4: setting 's', field claims: .*'row-9-top1'"):
        audited(tmp_path, entered)
    statements.write_text(setting.format("row-0-top1", ""), encoding="utf-8")
    with pytest.raises(ManifestError, match="one of recipe, crop, device is needed"):
        audited(tmp_path, entered)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"recipe": "torch_256_225"}, "field recipe: expected the id of a known recipe, got 'torch_256_225'"),
        ({"recipe": "torch_256_224"}, "field resolution: expected 224, as recipe 'torch_256_224' makes, got 448"),
        ({"crop": "0"}, "field crop: expected greater than 0, got '0'"),
        ({"metric": "parameters", "unit": "M", "population": ""}, "crop is for accuracies, not for parameters"),
        ({"threads": "2"}, "threads is for latencies, not for top1"),
        ({"batch": "one"}, "field batch: expected a valid integer"),
    ],
)
def test_wrong_settings_are_named(table: list[Row], tmp_path: Path, changes: dict[str, str], problem: str) -> None:
    first = claims(table[:1])[0] | {"recipe": ""} | changes
    with pytest.raises(ManifestError) as refused:
        audited(tmp_path, [first], columns=[*COLUMNS, "recipe", "threads", "batch"])
    assert problem in str(refused.value)


def test_documents_alone_are_audited_and_nothing_else(table: list[Row], tmp_path: Path) -> None:
    audited(tmp_path, claims(table[:2]))
    shown = CliRunner().invoke(cli, ["audit", "--zoo", str(tmp_path)], standalone_mode=False)
    assert shown.return_value == 0
    assert shown.output.endswith("0 findings in 0 documents; 7 checks passed.\n")
    with pytest.raises(UsageError, match="got documents alone; `zoo audit --zoo"):
        checkpoints(load_zoo(tmp_path), None)
