"""The data of the page about corrupted images."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from core.plotting import matplotlib
from drawing.figures import STYLE, as_svg, chart
from drawing.images import as_grey, reduced, reduction, sheet
from drawing.svg import inline, model_style
from evaluation.evaluation import Evaluation

BAR = 0.95  # the table lists the first severity with a lower accuracy
APART = 0.05  # smaller differences of confidence and accuracy count as none


def describe_robustness(
    evaluation: Evaluation, pixel_range: np.ndarray, models: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The data for the templates; None if no image was corrupted.

    Args:
        evaluation: the results of evaluate.
        pixel_range: the pixels to draw black and white.
        models: as `describe_model` returns them, the best on uncorrupted images first.
    """
    best = models[0]["name"]
    found = evaluation.findings["robustness"]
    if not found:
        return None
    overall = {name: {**scores} for name, scores in found["models"].items()}
    for scores in overall.values():
        surplus = scores["confidence"] - scores["accuracy"]
        scores["sure"] = "too" if surplus > APART else "less" if surplus < -APART else "as"
    leader = max(overall, key=lambda name: overall[name]["accuracy"])
    return {
        "images": found["images"],
        "overall": overall,
        "severities": len(found["corruptions"][0]["severities"]),
        "bar": BAR,
        "other_leader": leader if _leads(leader, best, found["pairs"]) else None,
        "corruptions": [
            _describe_corruption(corruption, place, examples, pixel_range, models)
            for place, (corruption, examples) in enumerate(
                zip(found["corruptions"], evaluation.corrupted_examples, strict=True)
            )
        ],
    }


def _leads(leader: str, best: str, pairs: list[dict[str, Any]]) -> bool:
    """Whether `leader` is better than `best` by more than chance."""
    return any(
        ((pair["first"], pair["second"]) == (leader, best) and pair["low"] > 0)
        or ((pair["second"], pair["first"]) == (leader, best) and pair["high"] < 0)
        for pair in pairs
    )


def _describe_corruption(
    corruption: dict[str, Any],
    place: int,
    examples: np.ndarray,
    pixel_range: np.ndarray,
    models: list[dict[str, Any]],
) -> dict[str, Any]:
    severities, unit = corruption["severities"], corruption["unit"]
    names = [model["name"] for model in models]
    rows = []
    for name in names:
        accuracy, confidence = corruption["accuracy"][name], corruption["confidence"][name]
        below = next((step for step, share in enumerate(accuracy) if share < BAR), None)
        said = "uncorrupted" if below == 0 else "never" if below is None else severities[below - 1]
        rows.append({"below": said, "accuracy": accuracy[-1], "confidence": confidence[-1]})
    hardest = "; ".join(
        f"{name} {100 * row['accuracy']:.0f} %" for name, row in zip(names, rows, strict=True)
    )
    factor = reduction(*examples.shape[1:])
    return {
        "name": corruption["name"],
        "unit": unit,
        "severities": severities,
        "models": rows,
        # Drawn for the HTML page only, and once: this takes long.
        "strip": cache(lambda: sheet(as_grey(reduced(examples, factor), pixel_range))),
        "chart": cache(
            lambda: inline(
                _draw(
                    severities,
                    {model["place"]: corruption["accuracy"][model["name"]] for model in models},
                ),
                f"robustness-{place}",
                f"Accuracy on corrupted images ({corruption['name']}, {severities[-1]} {unit}):"
                f" {hardest}",
            )
        ),
    }


def _draw(severities: Sequence[float], accuracies: Mapping[int, Sequence[float]]) -> str:
    """Accuracy by severity, of the model at each place; uncorrupted images first."""
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=2.5, height=1.7)
        steps = range(len(severities) + 1)
        axes.axhline(BAR, color="#888888", linewidth=0.8, linestyle=":")
        for place, accuracy in accuracies.items():
            style = {**model_style(place), "markersize": 3, "linewidth": 1.2}
            axes.plot(steps, accuracy, clip_on=False, **style)
        axes.set_xticks(steps, ["as is", *(f"{severity:g}" for severity in severities)])
        axes.set_ylim(0, 1.04)
        axes.set_yticks([0, 0.5, 1], ["0", "50\u00a0%", "100\u00a0%"])
        axes.tick_params(length=0)
        return as_svg(figure)
