"""The page of a run folder."""

from zoo.report.html.page import page, render

__all__ = ["page", "render"]
