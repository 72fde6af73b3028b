"""Charts as SVG that depend only on the data: without dates, random identifiers or local fonts."""

import io
import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from core.plotting import Axes, Figure, matplotlib
from core.text import columns, shortened

# For colour-blind readers; the first three are by Okabe and Ito. model_style adds markers and
# dashes. The style sheet has the same colours.
MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#B8860B", "#C0569B", "#2A9FD6")
# For parts of the data, unlike the colours of the models. Black becomes the page's text colour.
PART_COLOURS = ("#000000", "#8c959f")
STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text
    **{f"{axis}tick.{kind}.size": 0 for axis in "xy" for kind in ("major", "minor")},
    **{f"{axis}tick.{kind}.pad": 6 for axis in "xy" for kind in ("major", "minor")},
    "text.parse_math": False,  # a $ in a name is a $
    "svg.hashsalt": "digits",  # identifiers would be random without it
}
TITLE, TICK = 11, 20  # columns of a class's name above an image, and below a bar
COLUMN = 5.6  # points, about
CELL, GAP, TITLE_ROOM = 0.85, 0.1, 0.25  # inches: longer side of a sample, gap, title


def draw_samples(
    images: np.ndarray, titles: Sequence[str], pixel_range: tuple[float, float]
) -> str:
    """A square grid of images, (n, height, width), each under its title.

    Args:
        pixel_range: the pixels to draw black and white.
    """
    height, width = images.shape[1:]
    side = max(1, math.ceil(math.sqrt(len(images))))
    rows = math.ceil(len(images) / side)
    pixel = CELL / max(height, width)  # inches
    down, across = (math.ceil(inches / pixel) for inches in (CELL + TITLE_ROOM, CELL + GAP))
    above, beside = down - height, (across - width) // 2
    # One picture for all images: the page opens faster with fewer pictures.
    grid = np.ma.masked_all((rows * down, side * across))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(pixel * side * across, pixel * rows * down))
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        for place, (image, title) in enumerate(zip(images, titles, strict=True)):
            top, left = above + place // side * down, beside + place % side * across
            grid[top : top + height, left : left + width] = image
            centre, line = left + width / 2 - 0.5, top - 0.5 - 0.03 / pixel
            axes.text(centre, line, shortened(title, TITLE), ha="center", va="bottom", size=10)
        low, high = pixel_range
        axes.imshow(grid, cmap="gray", interpolation="none", vmin=low, vmax=high, aspect="auto")
        axes.set_axis_off()
        return as_svg(figure)


def draw_class_counts(classes: Sequence[str], shares: Mapping[str, np.ndarray]) -> str:
    """Bars of each part's class shares, (classes,), side by side on one scale."""
    with matplotlib.rc_context(STYLE):
        inches = max(6.0, 0.35 * len(classes))
        names = [shortened(name, TICK) for name in classes]
        room = 72 * (inches - 1) / len(classes)
        turned = COLUMN * max(map(columns, names)) > room
        figure, axes = chart(inches, *([3.8] if turned else []))
        width = 0.8 / len(shares)
        for offset, (part, heights) in enumerate(shares.items()):
            places = np.arange(len(classes)) + (offset - (len(shares) - 1) / 2) * width
            colour = PART_COLOURS[offset]
            axes.bar(places, 100 * heights, width, label=part, color=colour)
        axes.set_xticks(range(len(classes)), names)
        if turned:
            axes.tick_params("x", rotation=45)
            for label in axes.get_xticklabels():
                label.set(ha="right", rotation_mode="anchor")
        axes.set(xlabel="class", ylabel="share of images, %")
        axes.legend(frameon=False, ncols=len(shares), loc="lower right", bbox_to_anchor=(1, 1))
        return as_svg(figure)


def chart(width: float, height: float = 2.8) -> tuple[Figure, Axes]:
    """An empty chart of a size in inches. Use it and `as_svg` within the style `STYLE`."""
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def as_svg(figure: Figure) -> str:
    """The figure as SVG text."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has the font
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
