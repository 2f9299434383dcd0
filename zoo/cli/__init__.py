"""The command line."""

from zoo.cli.commands import cli, run

__all__ = ["cli", "run"]
