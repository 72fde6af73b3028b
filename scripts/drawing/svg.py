"""Charts of Matplotlib's on the page, whose colours they follow."""

import re
from xml.etree import ElementTree

from markupsafe import Markup

from core.errors import UserError
from drawing.figures import MODEL_COLOURS

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
TAGS = {
    *("svg", "g", "defs", "clipPath", "pattern"),
    *("path", "rect", "use", "text", "tspan", "image"),
}
MARKERS = "os^DvP*Xd<>h"
DASHES = ("-", "--", ":", "-.")


def model_style(place: int) -> dict[str, str]:
    """Colour, marker and dash of the model at `place`."""
    return {
        "color": MODEL_COLOURS[place % len(MODEL_COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": DASHES[place % len(DASHES)],
    }


def inline(svg: str, name: str, alt: str) -> Markup:
    """A chart by Matplotlib as an element of the page.

    The page allows no `style` attribute, so each declaration becomes an attribute of its own;
    black becomes the colour of the text around, and white is left out. Only what a chart needs is
    let through, and text stays text.

    Args:
        name: stands before each identifier, which would else be there twice.
        alt: what the chart says, for those who do not see it.

    Raises:
        UserError: `svg` is not whole.
    """
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - expat itself refuses bombs of entities
    except ElementTree.ParseError as error:
        raise UserError(f"{name}: not a whole drawing ({error})") from error
    used = set(re.findall(r'(?:url\(|href=")#([\w-]+)', svg))
    for parent in root.iter():
        for child in list(parent):
            if child.tag.removeprefix(SVG) not in TAGS:
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        element.attrib = dict(_attributes(element, name, used))
        element.tail = None  # indentation
        element.text = (element.text or "").strip() or None
    _flatten(root)
    _, _, width, height = root.attrib.pop("viewBox").split()
    root.attrib |= {
        **{"viewBox": f"0 0 {width} {height}", "width": f"{float(width) * 4 / 3:.0f}"},
        **{"role": "img", "aria-label": alt, "fill": "currentColor", "class": "chart"},
        **{"stroke-linejoin": "round"},
    }
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - built above


def _attributes(element: ElementTree.Element, name: str, used: set[str]):
    """The attributes that `element` keeps, each with its value."""
    for key, value in element.attrib.items():
        if key == "style":
            for declaration in value.split(";"):
                said, _, what = (part.strip() for part in declaration.partition(":"))
                if said == "font":  # the shorthand is no attribute
                    said, what = "font-size", re.search(r"[\d.]+px", what)[0]
                if said and said != "image-rendering":  # the style sheet says it
                    what = {"#000000": "currentColor", "#ffffff": "none"}.get(what, what)
                    yield said, _rounded(what.replace("url(#", f"url(#{name}-"))
        elif key == "id":
            if value in used:
                yield "id", f"{name}-{value}"
        elif key in (HREF, "href"):
            if value.startswith("#"):
                yield "href", f"#{name}-{value[1:]}"
            elif value.startswith("data:image/png;base64,"):
                yield "href", re.sub(r"\s", "", value)
        elif key == "clip-path":
            yield key, value.replace("url(#", f"url(#{name}-")
        elif (not key.startswith("on") and element.tag != "svg") or key == "viewBox":
            yield key, _rounded(value)


def _flatten(element: ElementTree.Element) -> None:
    """Put the members of groups that say nothing in the groups' places: a browser counts each."""
    members: list[ElementTree.Element] = []
    for child in element:
        _flatten(child)
        members += child if child.tag == "g" and not child.attrib else [child]
    element[:] = members


def _rounded(text: str) -> str:
    """`text` with its numbers to a hundredth of a point, which nobody sees."""
    shorter = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", text)
    return re.sub(r"\s+", " ", shorter).strip()
