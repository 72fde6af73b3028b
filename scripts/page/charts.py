"""Charts of the page: drawn by Matplotlib, then made to follow the page's colours."""

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from shared.drawing import SERIES_STYLES, STYLE, as_svg, chart
from shared.errors import UserError

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
        "color": SERIES_STYLES[place % len(SERIES_STYLES)]["color"],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": DASHES[place % len(DASHES)],
    }


def draw_accuracies(names: Sequence[str], scores: Sequence[dict[str, Any]]) -> str:
    """Each model's accuracy with its interval at 95 %, below each other."""
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=4.8, height=0.55 + 0.3 * len(names))
        for place, score in enumerate(scores):
            style = model_style(place)
            line = [score["accuracy_low"], score["accuracy_high"]]
            axes.plot(line, [place, place], color=style["color"], linewidth=2)
            axes.plot(score["accuracy"], place, color=style["color"], marker=style["marker"])
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(axis="x", alpha=0.3)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        return as_svg(figure)


def draw_curves(steps: Sequence[float], curves: dict[str, Sequence[float]], x_label: str) -> str:
    """Lines over training steps, one for each of `curves`."""
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=4.5)
        every = -(-len(steps) // 25)
        for place, (name, values) in enumerate(curves.items()):
            axes.plot(
                steps, values, label=name, markersize=3, markevery=every, **model_style(place)
            )
        axes.set(xlabel=x_label, ylabel="loss")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False)
        return as_svg(figure)


def draw_reliability(rows: Sequence[dict[str, float]], place: int) -> str:
    """The accuracy of answers over their confidence, of the model at `place`."""
    style = model_style(place)
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=3.6, height=3.2)
        axes.plot([0, 1], [0, 1], color="#888888", linewidth=1, linestyle=":")
        sure, right = [row["confidence"] for row in rows], [row["accuracy"] for row in rows]
        low, high = [row["accuracy_low"] for row in rows], [row["accuracy_high"] for row in rows]
        axes.vlines(sure, low, high, color=style["color"], linewidth=1.5)
        axes.plot(sure, right, **style)
        axes.set(xlabel="confidence", ylabel="share right", xlim=(0, 1.02), ylim=(0, 1.02))
        _in_percent(axes)
        return as_svg(figure)


def draw_abstention(names: Sequence[str], curves: Sequence[Sequence[dict[str, float]]]) -> str:
    """The share of wrong answers over the share of images that are answered, of each model."""
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=4.8, height=3)
        for place, (name, curve) in enumerate(zip(names, curves, strict=True)):
            answered = [row["answered"] for row in curve]
            wrong = [1 - row["accuracy"] for row in curve]
            axes.plot(answered, wrong, label=name, markevery=10, markersize=4, **model_style(place))
        axes.set(xlabel="share of images answered, the surest first", ylabel="share wrong")
        axes.set_xlim(0.5, 1.005)
        axes.set_ylim(bottom=0)
        _in_percent(axes)
        axes.legend(frameon=False, loc="upper left")
        return as_svg(figure)


def draw_cost(costs: Sequence[float], scores: Sequence[dict[str, Any]], x_label: str) -> str:
    """Each model's share of wrong answers, with its interval, over a cost."""
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=3.8, height=2.8)
        for place, (cost, score) in enumerate(zip(costs, scores, strict=True)):
            style = model_style(place)
            wrong = [1 - score["accuracy_high"], 1 - score["accuracy_low"]]
            axes.plot([cost, cost], wrong, color=style["color"], linewidth=1.5)
            axes.plot(cost, 1 - score["accuracy"], color=style["color"], marker=style["marker"])
        axes.set(xlabel=x_label, ylabel="share wrong", xscale="log")
        axes.set_ylim(bottom=0)
        axes.margins(x=0.15)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda cost, _: f"{cost:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        return as_svg(figure)


def _in_percent(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


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
