"""The workflows that docs/your-own-ci.md shows are YAML, and their commands, options and files exist."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import click
import pytest
import yaml

from tests.by_hand.built import REPOSITORY
from zoo.cli.commands import cli

PAGE = (REPOSITORY / "docs" / "your-own-ci.md").read_text(encoding="utf-8")


def workflows() -> dict[str, Any]:
    """File name -> its YAML."""
    found = re.findall(r"`([\w./-]+\.yml)`:\n\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    return {name: yaml.safe_load(text) for name, text in found}


GITHUB = workflows()[".github/workflows/zoo.yml"]["jobs"]["validate"]
GITLAB = workflows()[".gitlab-ci.yml"]["zoo"]


def scripts() -> list[str]:
    """Every piece of shell on the page."""
    shown = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [*shown, *GITLAB["script"], *(step["run"] for step in GITHUB["steps"] if "run" in step)]


def commands() -> Iterator[list[str]]:
    """Words of every call of tox or zoo, without what the shell does with them."""
    for line in "\n".join(scripts()).splitlines():
        words = shlex.split(line)
        if words[:1] in (["tox"], ["zoo"]):
            yield words[: words.index("||")] if "||" in words else words


def zoo_command(words: list[str]) -> list[str]:
    """What runs in the end: `tox -e zoo-validate -- ARGS` is `zoo validate ARGS`."""
    if words[0] == "zoo":
        return words[1:]
    assert words[1:3] == ["-e", "zoo-validate"]
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(REPOSITORY / "tox.ini", encoding="utf-8")
    assert tox["testenv:zoo-validate"]["commands"] == "zoo validate {posargs}"
    return ["validate", *words[words.index("--") + 1 :]]


def test_commands_and_options_exist() -> None:
    calls = [zoo_command(words) for words in commands()]
    assert len(calls) >= 6
    for name, *arguments in calls:
        command = cli.commands[name]
        command.make_context(name, list(arguments), parent=click.Context(cli))


@pytest.mark.parametrize("script", scripts())
def test_shell_is_shell(script: str) -> None:
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_cache_is_the_folder_that_is_used() -> None:
    folder = ".zoo-home"
    kept, saved = (step["with"] for step in GITHUB["steps"] if step.get("uses", "").startswith("actions/cache/"))
    assert kept["path"] == saved["path"] == folder
    assert GITHUB["env"]["ZOO_HOME"].endswith(f"/{folder}")
    assert GITLAB["cache"]["paths"] == [folder]
    assert GITLAB["variables"]["ZOO_HOME"].endswith(f"/{folder}")
    pattern = re.search(r"hashFiles\('([^']+)'\)", kept["key"])
    assert pattern is not None
    assert list(REPOSITORY.glob(pattern[1]))
    assert "ZOO_*" in (REPOSITORY / "tox.ini").read_text(encoding="utf-8")


def test_published_files_are_written_by_a_run() -> None:
    names = re.findall(r"run/([\w.]+)", "\n".join(scripts()) + GITLAB["artifacts"]["reports"]["junit"])
    assert {"report.md", "junit.xml"} <= set(names)
    example = REPOSITORY / "tests" / "data" / "report"
    assert all((example / name).is_file() for name in ("report.md", "junit.xml"))
