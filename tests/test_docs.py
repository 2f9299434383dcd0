"""The tutorial and the pages with commands are followed word by word; what they print is what is printed."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

from tests.by_hand.built import REPOSITORY, built
from tests.by_hand.pages_of_docs import Step, same_everywhere, session, shell, steps

EXAMPLES = [
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for path in (REPOSITORY / "zoo").rglob("*.py")
    if re.search(r"^ *>>> ", path.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.fixture
def folder(tmp_path: Path, own_home: Path) -> Path:
    """An empty folder to follow a page in; published files are nowhere."""
    built("onnxruntime")
    (tmp_path / "page").mkdir()
    return tmp_path / "page"


def follow(step: Step, folder: Path, digest: str) -> str:
    """Write the file, with the digest of this machine's images, or run the command; what it printed."""
    if not step.path:
        return shell(step.text, folder)
    (folder / step.path).write_text(re.sub(r"\b[0-9a-f]{64}\b", digest, step.text), encoding="utf-8")
    return ""


@pytest.mark.parametrize(("page", "compared"), [("tutorial.md", 5), ("your-own-zoo.md", 6), ("preprocessing.md", 1)])
def test_page_prints_what_it_says(page: str, compared: int, folder: Path) -> None:
    found, digest = 0, "0" * 64
    for step in steps(page):
        printed = follow(step, folder, digest)
        if match := re.search(r'"images_digest": "([0-9a-f]{64})"', printed):
            digest = match[1]
        if step.printed is not None:
            assert same_everywhere(printed) == same_everywhere(step.printed), step.text
            found += 1
    assert found == compared


def test_examples_of_the_statistics_print_what_they_say() -> None:
    found = doctest.DocTestRunner().run(session("statistics-library.md"))  # it prints what differs
    assert (found.failed, found.attempted > 20) == (0, True)


@pytest.mark.parametrize("module", sorted(EXAMPLES))
def test_examples_in_docstrings_print_what_they_say(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert (found.failed, found.attempted > 0) == (0, True)


@pytest.mark.parametrize("page", ["statistics.md", "latency.md", "arithmetic.md"])
def test_every_source_is_cited_and_every_citation_has_a_source(page: str) -> None:
    body, _, sources = (REPOSITORY / "docs" / page).read_text(encoding="utf-8").partition("\n## Sources\n")
    cited = {int(number) for group in re.findall(r"\[(\d+(?:, \d+)*)\](?!\()", body) for number in group.split(", ")}
    listed = [int(number) for number in re.findall(r"^(\d+)\. ", sources, re.MULTILINE)]
    assert listed
    assert sorted(cited) == listed == list(range(1, len(listed) + 1))


def test_blocks_are_found() -> None:
    files = [step.path for step in steps("your-own-zoo.md") if step.path]
    assert files[0] == "make_example.py"
    assert {f"my-zoo/{name}.toml" for name in ("checkpoints", "recipes", "label_maps", "populations")} < set(files)
    assert not any("ILSVRC2012" in step.text for step in steps("tutorial.md"))
