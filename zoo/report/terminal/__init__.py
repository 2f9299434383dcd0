"""What a person reads on the terminal."""

from zoo.report.terminal.console import fold
from zoo.report.terminal.run import sentences, summary, table

__all__ = ["fold", "sentences", "summary", "table"]
