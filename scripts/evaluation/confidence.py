"""How reliable a model's confidence is: the reliability diagram, and abstention."""

import numpy as np

from core.measures import BINS, tenths
from evaluation.significance import accuracy_interval

CURVE_POINTS = 100
ANSWERED_SHARES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5)


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    """The accuracy of predictions of similar confidence.

    Args:
        confidence: (n,), the probability of each predicted class.
        right: (n,), bool, whether it is the label.

    Returns:
        One object for each bin of the confidence that is not empty: `from` and `to`, the number of
        `images`, their mean `confidence`, and their `accuracy` with its 95 % interval.
    """
    places = tenths(confidence)
    rows = []
    for place in np.unique(places):
        inside = places == place
        images, successes = int(inside.sum()), int(right[inside].sum())
        low, high = accuracy_interval(successes, images)
        rows.append(
            {
                "from": int(place) / BINS,
                "to": (int(place) + 1) / BINS,
                "images": images,
                "confidence": float(confidence[inside].mean(dtype=np.float64)),
                "accuracy": successes / images,
                "accuracy_low": low,
                "accuracy_high": high,
            }
        )
    return rows


def reliability_table(
    rows: dict[str, list[dict[str, float]]],
) -> list[dict[str, float | None]]:
    """The `reliability` of all models, for DVC to plot: for the middle of each bin of the
    `confidence`, the accuracy of each model, None where the bin is empty.
    """
    table = []
    for place in range(BINS):
        accuracies = {
            name: next((row["accuracy"] for row in own if row["from"] == place / BINS), None)
            for name, own in rows.items()
        }
        table.append({"confidence": (place + 0.5) / BINS, **accuracies})
    return table


def abstention(confidence: np.ndarray, right: np.ndarray) -> dict[str, list[dict[str, float]]]:
    """The accuracy of a model if it abstains from its least confident predictions.

    Predictions of equal confidence are kept or dropped together, so that a share can be larger than
    requested.

    Args:
        confidence: (n,), the probability of each predicted class.
        right: (n,), bool, whether it is the label.

    Returns:
        `curve` and, for a few round shares, `steps`. Each has objects with the share `answered` of
        predictions kept, the least confidence among them, `threshold`, their numbers of `images`
        and `failures`, and their `accuracy` with its 95 % interval.
    """
    order = np.argsort(-confidence, kind="stable")
    falling, successes = confidence[order], np.cumsum(right[order])

    def answering(share: float) -> dict[str, float]:
        wanted = max(1, int(np.ceil(share * len(order) - 1e-9)))
        threshold = falling[wanted - 1]
        images = int((falling >= threshold).sum())
        low, high = accuracy_interval(int(successes[images - 1]), images)
        return {
            "answered": images / len(order),
            "threshold": float(threshold),
            "images": images,
            "failures": images - int(successes[images - 1]),
            "accuracy": int(successes[images - 1]) / images,
            "accuracy_low": low,
            "accuracy_high": high,
        }

    curve = {}
    for point in range(1, CURVE_POINTS + 1):
        row = answering(point / CURVE_POINTS)
        curve[row["images"]] = row
    steps = {row["images"]: row for row in map(answering, ANSWERED_SHARES)}
    return {"curve": list(curve.values()), "steps": list(steps.values())}
