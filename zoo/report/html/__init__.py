"""The pages: of a run folder, and of anything else that has a template."""

from zoo.report.html.page import page
from zoo.report.html.run import render

__all__ = ["page", "render"]
