"""The charts of the page, drawn with Matplotlib."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.plotting import Axes, Axis, matplotlib, ticker
from drawing.figures import PART_COLOURS, STYLE, as_svg, chart
from drawing.svg import model_style

GOOD = 0.01  # error rate below which a linear axis no longer separates models
LEAST = 3  # ticks on a logarithmic axis, at least, if its ends are a factor of two apart
LARGEST, SMALLEST = 90, 5  # areas of markers, in square points


def is_logarithmic(models: Sequence[Mapping[str, Any]]) -> bool:
    """Whether error rates are drawn on a logarithmic axis: if the lowest one is less than `GOOD`,
    but not 0, which such an axis cannot show.
    """
    wrong = [1 - model["scores"]["accuracy"] for model in models]
    return 0 < min(wrong) < GOOD


def draw_accuracies(models: Sequence[Mapping[str, Any]]) -> str:
    """Each model's accuracy with its 95 % interval, one row per model, in the order of `models`."""
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=4.4, height=0.55 + 0.3 * len(models))
        logarithmic = is_logarithmic(models)
        for row, model in enumerate(models):
            scores, style = model["scores"], model_style(model["place"])
            ends = ("accuracy_low", "accuracy", "accuracy_high")
            low, accuracy, high = (1 - scores[end] if logarithmic else scores[end] for end in ends)
            axes.plot([low, high], [row, row], color=style["color"], linewidth=2)
            axes.plot(accuracy, row, color=style["color"], marker=style["marker"])
        if logarithmic:
            _spread(axes, axes.xaxis)
            axes.xaxis.set_major_formatter(
                ticker.FuncFormatter(lambda wrong, _: percent(1 - wrong))
            )
            axes.invert_xaxis()  # better to the right
        else:
            axes.xaxis.set_major_locator(ticker.MaxNLocator(5))
            axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda share, _: percent(share)))
        axes.set_yticks(range(len(models)), [model["name"] for model in models])
        axes.set_ylim(len(models) - 0.5, -0.5)
        axes.grid(axis="x", alpha=0.3)
        axes.spines["left"].set_visible(False)
        axes.tick_params(length=0)
        return as_svg(figure)


def draw_curves(steps: Sequence[float], curves: dict[str, Sequence[float]], x_label: str) -> str:
    """Lines over training steps, one for each part in `curves`; the colours are no model's."""
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=4.5)
        for (name, values), colour, dash in zip(curves.items(), PART_COLOURS, "-:", strict=False):
            axes.plot(steps, values, label=name, color=colour, linestyle=dash)
        axes.set(xlabel=x_label, ylabel="log loss")
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        axes.legend(frameon=False)
        return as_svg(figure)


def draw_reliability(rows: Sequence[dict[str, float]], place: int) -> str:
    """The accuracy by confidence of the model at `place`: a point for each bin, the larger the more
    images it has.
    """
    style = model_style(place)
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=3.6, height=3.2)
        axes.plot([0, 1], [0, 1], color="#888888", linewidth=1, linestyle=":")
        confidence, right = ([row[key] for row in rows] for key in ("confidence", "accuracy"))
        low, high = ([row[key] for row in rows] for key in ("accuracy_low", "accuracy_high"))
        most = max(row["images"] for row in rows)
        sizes = [SMALLEST + LARGEST * row["images"] / most for row in rows]
        axes.vlines(confidence, low, high, color="#888888", linewidth=0.8)
        axes.scatter(confidence, right, sizes, color=style["color"], marker=style["marker"])
        axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.03), ylim=(0, 1.03))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ticker.FuncFormatter(lambda share, _: percent(share)))
        return as_svg(figure)


def draw_abstention(models: Sequence[Mapping[str, Any]]) -> str:
    """The error rate by share of images classified, of each model. On a logarithmic axis, a line
    ends where the error rate is 0.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=4.8, height=3)
        logarithmic = is_logarithmic(models)
        for model in models:
            curve = model["abstention"]["curve"]
            answered = [row["answered"] for row in curve]
            wrong = [1 - row["accuracy"] for row in curve]
            if logarithmic:
                wrong = [share or math.nan for share in wrong]
            style = {**model_style(model["place"]), "markevery": 10, "markersize": 4}
            axes.plot(answered, wrong, label=model["name"], **style)
        axes.set(xlabel="images classified, most confident first", ylabel="error rate")
        axes.set_xlim(0.5, 1.005)
        if logarithmic:
            _spread(axes, axes.yaxis)
        else:
            axes.set_ylim(bottom=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(ticker.FuncFormatter(lambda share, _: percent(share)))
        axes.legend(frameon=False, loc="best")
        return as_svg(figure)


def draw_cost(models: Sequence[Mapping[str, Any]], cost: str, x_label: str) -> str:
    """Each model's error rate, with its 95 % interval, by a cost.

    Args:
        models: the models.
        cost: the key of the cost in a model's record.
        x_label: the label of the axis.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=3.8, height=2.8)
        for model in models:
            style, scores, x = model_style(model["place"]), model["scores"], model["record"][cost]
            wrong = [1 - scores["accuracy_high"], 1 - scores["accuracy_low"]]
            axes.plot([x, x], wrong, color=style["color"], linewidth=1.5)
            axes.plot(x, 1 - scores["accuracy"], color=style["color"], marker=style["marker"])
        axes.set(xlabel=x_label, ylabel="error rate")
        _spread(axes, axes.xaxis)
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,g}"))
        if is_logarithmic(models):
            _spread(axes, axes.yaxis)
        else:
            axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda share, _: percent(share)))
        return as_svg(figure)


def percent(share: float) -> str:
    """The label of a tick, with up to two decimals."""
    return f"{round(100 * share, 2):g}\u00a0%"


def _spread(axes: Axes, axis: Axis) -> None:
    """Make `axis` logarithmic, with room at both ends and at least `LEAST` ticks."""
    name = axis.axis_name
    low, high = (limit for limit in getattr(axes.dataLim, f"interval{name}"))
    if name == "y" and not low > 0:  # lines that end have NaN
        low = min(axes.dataLim.minposy, high)
    low, high = low / 1.5, high * 1.5
    getattr(axes, f"set_{name}scale")("log")
    getattr(axes, f"set_{name}lim")(low, high)
    axis.set_major_locator(ticker.FixedLocator(log_ticks(low, high)))
    axis.set_minor_locator(ticker.NullLocator())


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, at least `LEAST` if they are a factor of two apart."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for steps in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        ticks = [step * 10.0**power for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= LEAST:
            break
    return ticks
