"""Small parts of Markdown: escaped text, names, tables, folds."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from zoo.report import text

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+@:-]*")
_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")
_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")
_MARKS = {
    "refuted": "❌", "fail": "❌", "failed": "❌", "not_run": "⛔", "inconclusive": "❔",
    "not_comparable": "➖", "known": "📌", "confirmed": "✅", "pass": "✅",
}  # fmt: skip


def escape(value: str) -> str:
    """Outside text for a line or a table cell: no Markdown, no HTML, no mention of people.

    >>> escape("a|b <i>")
    'a\\\\|b &lt;i&gt;'
    """
    line = _SPECIAL.sub(r"\\\1", html.escape(text.one_line(value), quote=False))
    return _MENTION.sub("@<!-- -->", line)


def name(value: str) -> str:
    """An id as code where it looks like one, else escaped."""
    line = text.one_line(value)
    return f"`{line}`" if _PLAIN.fullmatch(line) else escape(line)


def code(value: str) -> str:
    """A block of code that its own content cannot end."""
    lines = text.clean(value).strip("\n")
    longest = max((len(run) for run in re.findall(r"`+", lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{lines}\n{fence}"


def table(heads: Sequence[str], lines: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A pipe table of cells that are already escaped."""
    rule = ["---:" if head in right else "---" for head in heads]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [heads, rule, *lines])


def folded(title: str, body: str) -> str:
    """A section that is closed until the reader opens it."""
    return f"<details>\n<summary>{html.escape(title)}</summary>\n\n{body}\n\n</details>"


def marked(outcome: str, words: str) -> str:
    """Words after the mark of an outcome."""
    mark = _MARKS.get(outcome)
    return f"{mark} {words}" if mark else words
