"""The arguments of a command as words that make it again."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


def command_line(command: str, request: Any, **shown: str) -> tuple[str, ...]:
    """`zoo COMMAND --option value ...` of a dataclass whose fields are named like the options.

    Options at their default are left out. shown: what stands for a value that the command line writes otherwise.
    """
    words, default = ["zoo", command], type(request)()
    for each in fields(request):
        value = getattr(request, each.name)
        if value == getattr(default, each.name):
            continue
        words.append(f"--{each.name.replace('_', '-')}")
        if value is not True:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words.append(shown.get(each.name, text))
    return tuple(words)
