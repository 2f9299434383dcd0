"""Reports for pull requests."""

from zoo.report.markdown.run import render

__all__ = ["render"]
