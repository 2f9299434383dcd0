"""The arguments of a command as words that make it again."""

from __future__ import annotations

from zoo.records import Record


def command_line(command: str, request: Record, **shown: str) -> tuple[str, ...]:
    """`zoo COMMAND --option value ...` of a record whose fields are named like the options.

    Options at their default are left out. shown: what stands for a value that the command line writes otherwise.
    """
    words, default = ["zoo", command], type(request)()
    for name in type(request).model_fields:
        value = getattr(request, name)
        if value == getattr(default, name):
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words.append(shown.get(name, text))
    return tuple(words)
