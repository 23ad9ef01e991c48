"""What every page of Bellhop has: templates, style, and headers that let nothing else in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web
from markupsafe import Markup, escape

HERE = Path(__file__).parent
STATIC = "/static"

_CODE = re.compile(r"`([^`]+)`")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""No page runs or loads anything that is not a file of ours."""


def add_pages(app: web.Application) -> None:
    """Let an application show pages."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        filters={"prose": prose},
    )
    app.router.add_static(STATIC, HERE / "static")


def prose(text: str) -> Markup:
    """A sentence as HTML: what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def show(request: web.Request, template: str, values: dict[str, Any]) -> web.Response:
    """A page made from a template."""
    response = aiohttp_jinja2.render_template(template, request, values)
    response.headers.update(HEADERS)
    return response
