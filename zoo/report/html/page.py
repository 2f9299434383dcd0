"""Self-contained pages from templates: no request leaves a page, and nothing from outside is trusted in it."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from zoo.documents import formatting
from zoo.report import importance, text

if TYPE_CHECKING:
    from jinja2 import Environment

SYMBOLS = {
    "refuted": "✗", "fail": "✗", "failed": "!", "not_run": "!", "inconclusive": "?",
    "not_comparable": "≠", "known": "≈", "confirmed": "✓", "pass": "✓", "no_claim": "·",
}  # fmt: skip


def page(template: str, own_style: str = "", script: str = "", *, with_pictures: bool = False, **values: Any) -> str:
    """A page in the style of all reports and in its own style, with its own script or none.

    The page's content security policy lets in exactly these two, and where it is made with_pictures, pictures that are
    part of the page. values: what the template shows.
    """
    style = "".join(_source(name) for name in ("report.css", own_style) if name)
    policy = f"default-src 'none'; base-uri 'none'; style-src 'sha256-{_digest(style)}'"
    policy += f"; script-src 'sha256-{_digest(_source(script))}'" if script else ""
    policy += "; img-src data:" if with_pictures else ""
    assets = {"style": Markup(style), "policy": policy, "script": Markup(_source(script)) if script else ""}
    return _environment().get_template(template).render(**values, **assets)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # loaded only where a page is written

    environment = Environment(
        loader=PackageLoader("zoo.report.html"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        finalize=lambda value: text.clean(value) if type(value) is str else value,
    )  # fmt: skip
    environment.globals.update(text=text, formatting=formatting, symbols=SYMBOLS, importance=importance)
    environment.filters.update(breakable=_breakable, outcome_name=text.outcome_name)
    return environment


def _breakable(name: str) -> Markup:
    """An escaped name that may be broken over lines after / _ - @."""
    parts = re.findall(r"[^/_@-]*[/_@-]|[^/_@-]+", text.one_line(name))
    return Markup("<wbr>").join(escape(part) for part in parts)


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
