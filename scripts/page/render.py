"""Render the templates to the HTML page and its Markdown version."""

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment

from drawing.escaping import inert_json
from drawing.templates import embedded, template_environment

PAGE_BYTES = 2_000_000
DOWNLOAD_BYTES = 200_000  # what is larger is not on the page
SCRIPTS = (
    "viewer",
    "data",
    "filters",
    "gallery",
    "matrices",
    "navigation",
    "start",
)  # each after those that it uses


def render(
    templates: Path,
    page: dict[str, Any],
    attached: dict[str, bytes],
    fill_browser: Callable[[int], dict[str, Any]],
) -> tuple[str, str]:
    """The page as HTML and as Markdown.

    Args:
        templates: the folder of the Jinja templates, the style sheet and the script.
        page: the data for the templates.
        attached: files to download from the page, by name, unless they are too large.
        fill_browser: returns the data of the image browser, of at most so many bytes.
    """
    environment = template_environment(templates)
    markdown = render_markdown(environment, page)
    downloads = {**attached, "comparison.md": markdown.encode()}
    template = environment.get_template("comparison.html.j2")
    page = {
        **page,
        "style": embedded(templates / "style.css"),
        "scripts": [embedded(templates / "page" / f"{name}.js") for name in SCRIPTS],
        "downloads": [_link(name, content) for name, content in downloads.items()],
    }

    def fill(room: int) -> str:
        browser = fill_browser(room)
        data = inert_json(_for_script(page, browser))
        text = _without_dead_links(template.render(page, browser=browser, data=data))
        # Browsers open pure ASCII faster.
        return text.encode("ascii", "xmlcharrefreplace").decode()

    room = PAGE_BYTES - len(fill(0))
    if room < 0:
        print(f"report: the page is {-room} bytes larger than {PAGE_BYTES}", file=sys.stderr)
    return fill(room), markdown


def render_markdown(environment: Environment, page: dict[str, Any]) -> str:
    """The Markdown version of the page. It has no charts, so `page` needs no `charts`."""
    return environment.get_template("comparison.md.j2").render(page)


def _without_dead_links(html: str) -> str:
    """`html` whose links to images lead to the section of the images, which says that it needs
    JavaScript; the script makes them open the images. Quotes in texts are escaped, so this finds
    only links.
    """
    return html.replace('href="#images?', 'href="#images" data-images="?')


def _link(name: str, content: bytes) -> dict[str, str]:
    if len(content) > DOWNLOAD_BYTES:
        return {"name": name, "address": ""}
    kinds = {".json": "application/json", ".csv": "text/csv", ".md": "text/markdown"}
    return {
        "name": name,
        "address": f"data:{kinds[Path(name).suffix]};base64,{base64.b64encode(content).decode()}",
    }


def _for_script(page: dict[str, Any], browser: dict[str, Any]) -> dict[str, Any]:
    """The data for the script, which draws images and computes nothing."""
    return {
        "models": [{"key": model["key"], "name": model["name"]} for model in page["models"]],
        "best": page["ranked"][0]["key"],
        "draws": {model["key"]: model["draws"] for model in page["models"]},
        "classes": page["classes"],
        "images": browser["layout"],
        "seed": page["seed"],
    }
