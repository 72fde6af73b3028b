"""Embed Matplotlib's charts in the page, with the page's colours."""

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

    The page forbids `style` attributes, so each declaration becomes an attribute. Black becomes the
    colour of the surrounding text, and white is left out. Only elements and attributes that charts
    need are kept.

    Args:
        svg: the chart.
        name: a prefix that makes the identifiers unique on the page.
        alt: the text alternative.

    Raises:
        UserError: `svg` is not valid.
    """
    try:
        root = ElementTree.fromstring(svg)  # noqa: S314 - expat itself refuses bombs of entities
    except ElementTree.ParseError as error:
        raise UserError(f"{name}: not a valid SVG file ({error})") from error
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
    _place_markers(root)
    _flatten(root)
    _, _, width, height = root.attrib.pop("viewBox").split()
    root.attrib |= {
        **{"viewBox": f"0 0 {width} {height}", "width": f"{float(width) * 4 / 3:.0f}"},
        **{"role": "img", "aria-label": alt, "fill": "currentColor", "class": "chart"},
        **{"stroke-linejoin": "round"},
    }
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - built above


def _attributes(element: ElementTree.Element, name: str, used: set[str]):
    """The attributes of `element` that are kept, with their values."""
    for key, value in element.attrib.items():
        if key == "style":
            for declaration in value.split(";"):
                said, _, what = (part.strip() for part in declaration.partition(":"))
                if said == "font":  # the shorthand is no attribute
                    said, what = "font-size", re.search(r"[\d.]+px", what)[0]
                # The style sheet scales images, and the page chooses the font.
                if said and said not in ("image-rendering", "font-family"):
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
        elif key == "transform" and value.startswith("rotate(-0 "):
            continue
        elif (not key.startswith("on") and element.tag != "svg") or key == "viewBox":
            yield key, _rounded(value)


def _place_markers(root: ElementTree.Element) -> None:
    """Draw the markers of a line as one path. Matplotlib defines a marker once and uses it at each
    point, and to a browser each use is a small drawing of its own.
    """
    shapes = {one.get("id"): one for one in root.iter("path") if {"id", "d"} <= {*one.keys()}}
    for parent in list(root.iter()):
        members: list[ElementTree.Element] = []
        for child in parent:
            shape = shapes.get(child.get("href", "#")[1:]) if child.tag == "use" else None
            if shape is None:
                if child.tag != "path" or child.get("id") not in shapes:
                    members.append(child)
                continue
            looks = {**child.attrib, **shape.attrib}
            drawn = _moved(looks.pop("d"), *(float(looks.pop(key, 0)) for key in ("x", "y")))
            del looks["href"], looks["id"]
            last = members[-1] if members else None
            if last is not None and last.tag == "path" and _looks(last) == looks:
                last.set("d", f"{last.get('d')} {drawn}")
            else:
                members.append(ElementTree.Element("path", {"d": drawn, **looks}))
        parent[:] = members


def _looks(path: ElementTree.Element) -> dict[str, str]:
    return {key: value for key, value in path.items() if key != "d"}


def _moved(path: str, x: float, y: float) -> str:
    """`path`, which has absolute coordinates in pairs, moved by x and y."""
    pair = r"(-?[\d.]+(?:e-?\d+)?) (-?[\d.]+(?:e-?\d+)?)"
    return re.sub(pair, lambda at: f"{float(at[1]) + x:.2f} {float(at[2]) + y:.2f}", path)


def _flatten(element: ElementTree.Element) -> None:
    """Replace groups without attributes by their members: fewer elements are faster to render."""
    members: list[ElementTree.Element] = []
    for child in element:
        _flatten(child)
        empty = child.tag == "defs" and not len(child)
        members += child if (child.tag == "g" and not child.attrib) or empty else [child]
    element[:] = members


def _rounded(text: str) -> str:
    """`text` with its numbers rounded to a hundredth of a point, which is invisible."""
    shorter = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", text)
    return re.sub(r"\s+", " ", shorter).strip()
