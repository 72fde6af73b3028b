"""Jinja templates, and files to embed in a page."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from core.text import shortened
from drawing.escaping import escape_markdown


def template_environment(*folders: Path) -> Environment:
    """The environment of the templates in `folders`. HTML is escaped automatically, Markdown with
    the filter `md`. The filter `short` cuts off a name; `unbroken` uses no-break spaces.
    """
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = escape_markdown
    environment.filters["short"] = shortened
    environment.filters["unbroken"] = lambda text: str(text).replace(" ", "\u00a0")
    return environment


def embedded(path: Path) -> dict[str, str]:
    """A file of the project, and its hash for the Content-Security-Policy; scripts in ASCII."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        text = text.encode("ascii", "backslashreplace").decode()  # also an escape of JavaScript
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"text": Markup(text), "hash": digest}  # noqa: S704 - our own, and not HTML
