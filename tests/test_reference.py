"""The reference pages hold everything that the code has, and are what Markdown can show."""

from __future__ import annotations

import importlib.util
import re
import sys
from types import ModuleType

import click
import pytest

from tests.by_hand.built import REPOSITORY
from zoo.cli.commands import cli
from zoo.documents.load import load_zoo
from zoo.ending.exit_codes import EXIT_CODES
from zoo.frameworks.table import public_frameworks
from zoo.records import Report
from zoo.rules import judge

PAGES = sorted((REPOSITORY / "docs" / "reference").glob("*.md"))


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """docs/_reference.py."""
    spec = importlib.util.spec_from_file_location("_reference", REPOSITORY / "docs" / "_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["_reference"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(reference: ModuleType) -> dict[str, str]:
    return {path.stem: reference.filled(path.read_text(encoding="utf-8")) for path in PAGES}


def headings(page: str) -> list[str]:
    return re.findall(r"^#+ (.*)$", page, re.MULTILINE)


def test_every_part_is_on_a_page(reference: ModuleType, pages: dict[str, str]) -> None:
    marks = re.findall(reference.MARK, "".join(path.read_text(encoding="utf-8") for path in PAGES))
    assert sorted(marks) == sorted(reference.PARTS)
    assert not any("<!-- generated" in page for page in pages.values())


def test_every_rule_with_its_message(pages: dict[str, str]) -> None:
    rules = (*judge.RULES, *judge.CLAIM_RULES)
    listed = [heading[:4] for heading in headings(pages["rules"]) if re.match(r"[A-Z]\d{3}: ", heading)]
    assert {rule.id for rule in rules} | {"D101"} <= set(listed)
    assert len(listed) == len(set(listed))
    assert all(rule.message() in pages["rules"] for rule in rules)


def test_a_rule_in_a_tuple_of_its_own_is_found(reference: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    class Quotable(type(judge.RULES[0])):  # type: ignore[misc]
        """A latency is quoted with its spread, and the spread is small."""

        id = "L101"

    monkeypatch.setattr(judge, "MORE_RULES", (Quotable(),), raising=False)
    assert "### L101: quotable" in reference.rules()


def test_every_command_and_option(pages: dict[str, str]) -> None:
    for name, command in cli.commands.items():
        _, _, section = pages["command-line"].partition(f"### zoo {name}\n")
        section = section.partition("\n### ")[0]
        options = [each.opts[-1] for each in command.params if isinstance(each, click.Option)]
        assert [option for option in options if f"- `{option}" not in section] == []


def test_every_recipe_with_its_parts(pages: dict[str, str]) -> None:
    for zoo in (load_zoo("published"), load_zoo("embedded")):
        for recipe in zoo.recipes.values():
            assert f"| `{recipe.id}` | [`{recipe.geometry.id}`](#geometry-{recipe.geometry.id})" in pages["recipes"]
        assert {*zoo.geometries, *zoo.numerics} <= set(headings(pages["recipes"]))


def test_every_framework_and_record(pages: dict[str, str]) -> None:
    assert {each.title for each in public_frameworks()} <= set(headings(pages["frameworks"]))
    assert {"Report", "Run", "Claim", "Verdict"} <= set(headings(pages["records"]))
    assert all(f"| `{name}` |" in pages["records"] for name in Report.model_fields)


def test_exit_codes(pages: dict[str, str]) -> None:
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in pages["command-line"]


def test_plain_text_is_not_markdown(reference: ModuleType) -> None:
    assert reference.plain("ids like 'a/*' or `b/*` [default: x_y]") == (
        "ids like 'a/\\*' or `b/*` \\[default: x\\_y\\]"
    )
