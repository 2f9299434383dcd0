"""Links between the Markdown files lead somewhere on a forge: the file is there, and the heading in it.

`tox -e docs` checks the same on the site.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.by_hand.built import REPOSITORY

PATTERNS = ("*.md", "adapters/*.md", "docs/**/*.md", "reference_results/*.md", "reports/*.md", "zoo/data/**/*.md")
PAGES = sorted(path for pattern in PATTERNS for path in REPOSITORY.glob(pattern))


@cache
def parsed(path: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8")))


def links(path: Path) -> list[str]:
    inline = [child for token in parsed(path) for child in token.children or ()]
    return [str(token.attrs[name]) for token in inline for name in ("href", "src") if name in token.attrs]


@cache
def anchors(path: Path) -> frozenset[str]:
    """Ids that a forge gives the headings."""
    found: list[str] = []
    tokens = parsed(path)
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            children = tokens[number + 1].children or ()
            text = "".join(child.content for child in children if child.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            twice = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other) is not None for other in found)
            found.append(f"{slug}-{twice}" if twice else slug)
    return frozenset(found)


def dead(path: Path) -> list[str]:
    """Links of a page that lead nowhere; those to other sites are not looked at."""
    found = []
    for link in links(path):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        lost = parts.fragment and (target.suffix != ".md" or parts.fragment not in anchors(target))
        if not target.exists() or not target.is_relative_to(REPOSITORY) or lost:
            found.append(link)
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_link_is_dead(path: Path) -> None:
    assert dead(path) == []


def test_dead_links_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.REPOSITORY", tmp_path)
    (tmp_path / "other.md").write_text("# A `zoo` of your own\n\n## Twice\n\n## Twice\n", encoding="utf-8")
    good = ("other.md", "other.md#a-zoo-of-your-own", "other.md#twice-1", "https://example.org/x#y")
    bad = ("gone.md", "other.md#a-zoo", "other.md#twice-2", "../outside.md", "#nowhere")
    (tmp_path / "page.md").write_text("\n".join(f"[x]({link})" for link in good + bad), encoding="utf-8")
    assert dead(tmp_path / "page.md") == list(bad)


def test_pages_are_found() -> None:
    names = {path.relative_to(REPOSITORY).as_posix() for path in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "adapters/README.md", "docs/reference/rules.md"} < names
    assert "docs/statistics.md" in links(REPOSITORY / "README.md")
