"""What all tables on a terminal share: colours of outcomes, folded names, a plain table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

STYLES = {
    "refuted": "bold red", "fail": "bold red", "failed": "bold red", "not_run": "red",
    "inconclusive": "yellow", "not_comparable": "cyan", "known": "magenta", "confirmed": "green",
    "pass": "green", "no_claim": "dim",
}  # fmt: skip
GAP = 2  # columns between two cells


def plain(heads: Sequence[str], right: Sequence[str], foldable: Sequence[str] = (), title: str | None = None) -> Table:
    """A table without a frame. right: heads of columns of numbers; foldable: of columns that may take several lines."""
    result = Table(
        title=title and Text(title), title_justify="left", title_style="bold",
        box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, show_edge=False,
    )  # fmt: skip
    for head in heads:
        justify = "right" if head in right else "left"
        result.add_column(head, justify=justify, no_wrap=head not in foldable, overflow="fold")  # type: ignore[arg-type]
    return result


def folded(name: str, width: int) -> Text:
    """An id over as many lines as `fold` makes of it."""
    return Text("\n".join(fold(name, width)))


def fold(name: str, width: int) -> list[str]:
    """Cut an id into pieces of at most `width` characters, after / _ - @ where possible.

    >>> fold("mindspore/mobilenet_v2_0.75_192", 20)
    ['mindspore/', 'mobilenet_v2_0.75_', '192']
    """
    lines = [""]
    for piece in re.findall(r"[^/]+/?|/", name):
        if len(lines[-1]) + len(piece) <= width:
            lines[-1] += piece
        else:
            lines += _cut(piece, width)
    return [line for line in lines if line]


def _cut(piece: str, width: int) -> list[str]:
    lines = [""]
    for part in re.findall(r"[^_@-]+[_@-]?|[_@-]", piece):
        rest = part
        while rest:
            free = width - len(lines[-1])
            if len(rest) > free and lines[-1]:
                lines.append("")
                continue
            lines[-1] += rest[:free]
            rest = rest[free:]
    return lines
