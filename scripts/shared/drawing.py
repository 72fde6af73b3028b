"""Charts as SVG that depend on the data alone: no date, no random identifier, no local font."""

import io
import math
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by colour-blind readers, each with its own marker and dash.
MODEL_STYLES = (
    {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    {"color": "#D55E00", "marker": "s", "linestyle": "--"},
    {"color": "#009E73", "marker": "^", "linestyle": ":"},
)
STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "digits",  # identifiers would be random without it
}


def draw_samples(
    images: np.ndarray, titles: Sequence[str], pixel_range: tuple[float, float]
) -> str:
    """A square grid of images, (n, height, width), each under its title.

    Args:
        pixel_range: the pixels to draw black and white.
    """
    side = max(1, math.ceil(math.sqrt(len(images))))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(0.95 * side, 1.1 * math.ceil(len(images) / side)))
        for position, (image, title) in enumerate(zip(images, titles, strict=True), start=1):
            axes = figure.add_subplot(math.ceil(len(images) / side), side, position)
            low, high = pixel_range
            axes.imshow(image, cmap="gray", interpolation="nearest", vmin=low, vmax=high)
            axes.set_title(title, pad=3)
            axes.set_axis_off()
        return _svg(figure)


def draw_class_counts(classes: Sequence[str], shares: Mapping[str, np.ndarray]) -> str:
    """Bars of each part's class shares, (classes,), side by side on one scale."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _chart(width=max(6.0, 0.35 * len(classes)))
        width = 0.8 / len(shares)
        for offset, (part, heights) in enumerate(shares.items()):
            places = np.arange(len(classes)) + (offset - (len(shares) - 1) / 2) * width
            colour = MODEL_STYLES[offset]["color"]
            axes.bar(places, 100 * heights, width, label=part, color=colour, hatch="//" * offset)
        axes.set_xticks(range(len(classes)), classes)
        axes.set(xlabel="class", ylabel="share of images, %")
        axes.legend(frameon=False, ncols=len(shares), loc="lower right", bbox_to_anchor=(1, 1))
        return _svg(figure)


def draw_curves(steps: Sequence[float], curves: Mapping[str, Sequence[float]], x_label: str) -> str:
    """Lines over training steps, one for each of `curves`."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _chart(width=4.5)
        for style, (name, values) in zip(MODEL_STYLES, curves.items(), strict=False):
            axes.plot(steps, values, label=name, markersize=3, **style)
        axes.set(xlabel=x_label, ylabel="loss")
        axes.legend(frameon=False)
        return _svg(figure)


def draw_probabilities(classes: Sequence[str], probabilities: np.ndarray, true: int) -> str:
    """One image's class probabilities, (classes,), with the true class marked."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _chart(width=max(4.5, 0.3 * len(classes)), height=2.2)
        colours = [MODEL_STYLES[int(place == true)]["color"] for place in range(len(classes))]
        bars = axes.bar(range(len(classes)), probabilities, color=colours)
        bars[true].set_hatch("//")
        axes.set_xticks(range(len(classes)), classes)
        axes.set(xlabel="class (the true one is hatched)", ylabel="probability", ylim=(0, 1))
        return _svg(figure)


def braille(ink: np.ndarray) -> str:
    """A bitmap, (height, width), bool, as text: a Braille pattern (U+2800) for each 4x2 pixels."""
    height, width = ink.shape
    cells = np.zeros((-(-height // 4) * 4, -(-width // 2) * 2), np.uint32)
    cells[:height, :width] = ink
    blocks = cells.reshape(cells.shape[0] // 4, 4, cells.shape[1] // 2, 2)
    bits = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint32)
    codes = 0x2800 + np.einsum("iajb,ab->ij", blocks, bits)
    return "\n".join("".join(map(chr, row)) for row in codes.tolist())


def _chart(width: float, height: float = 2.8) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
