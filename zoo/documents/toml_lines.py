"""Line numbers for valid TOML, so that an error can name its line; `tomllib` gives none."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_NAME = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*\]")
_KEY = re.compile(rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
_LONG = r'"""(?:\\.|[^\\])*?"""+|' + "'''.*?'''+"
_TOKEN = re.compile(rf"""{_LONG}|"(?:\\.|[^"\\])*"|'[^']*'|\#[^\n]*|[\[{{\]}},\n]|[^\s\[{{\]}},\#"']+""", re.DOTALL)


def line_of(text: str, path: Path) -> int:
    """Line (from 1) of `path`, such as ("checkpoint", 3, "files", 0), or of its nearest known parent."""
    known = lines_of(text)
    while path and path not in known:
        path = path[:-1]
    return known.get(path, 1)


def lines_of(text: str) -> dict[Path, int]:
    """Lines of tables, keys and array elements; what lies deeper in a value is on its element's line."""
    lines: dict[Path, int] = {}
    table: Path = ()
    at, number = 0, 1
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        if header := _HEADER.match(text, at, end):
            table = _table(_names(header[2]), header[1] == "[[", lines)
            lines.setdefault(table, number)
        elif match := _KEY.match(text, at, end):
            key = (*table, *_names(match[1]))
            lines.setdefault(key, number)
            end = _value(text, match.end(), key, number, lines)
        number += text.count("\n", at, end)
        at = end
    return lines


def _value(text: str, at: int, key: Path, number: int, lines: dict[Path, int]) -> int:
    """Note the elements of the array that begins at `at`, and return where the value's last line ends."""
    depth = element = 0
    for token in _TOKEN.finditer(text, at):
        if token[0] == "\n" and not depth:
            return token.end()
        if depth == 1 and token[0] not in "]},\n" and token[0][0] != "#":
            lines.setdefault((*key, element), number)
        depth += (token[0] in "[{") - (token[0] in "]}")
        element += token[0] == "," and depth == 1
        number += token[0].count("\n")
    return len(text)


def _names(dotted: str) -> Path:
    return tuple(name.strip("\"'") for name in re.findall(_NAME, dotted))


def _table(names: Path, is_array: bool, lines: dict[Path, int]) -> Path:
    """The header's path with indices: an array of tables on the way means its last element so far."""
    path: Path = ()
    for name in names:
        whole = (*path, name)
        count = next(index for index in range(len(lines) + 1) if (*whole, index) not in lines)
        path = (*whole, count - 1) if count else whole
    return (*whole, count) if is_array else path
