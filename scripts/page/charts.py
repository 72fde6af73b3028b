"""Charts of the page: drawn by Matplotlib, then made to follow the page's colours."""

from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from drawing.figures import STYLE, as_svg, chart
from drawing.svg import model_style


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
