"""How far a model's confidence can be trusted: reliability, and abstention."""

import numpy as np

from core.measures import BINS, tenths
from evaluation.significance import accuracy_interval

CURVE_POINTS = 100
ANSWERED_SHARES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5)


def reliability(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    """How often answers of about the same confidence are right.

    Args:
        confidence: (n,), the probability of each answer.
        right: (n,), bool.

    Returns:
        One object for each tenth of the confidence that has answers: `from` and `to`, `images`,
        their mean `confidence`, and their `accuracy` with its interval at 95 %.
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
    """The models' `reliability` side by side, for DVC to plot: for the middle of each tenth of the
    `confidence`, each model's accuracy there, None where it has no answers.
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
    """How often a model is right if it answers only where it is surest.

    Answers of the same confidence are given together or not at all, so that a share can come out
    larger than was asked.

    Args:
        confidence: (n,), the probability of each answer.
        right: (n,), bool.

    Returns:
        `curve` and, for a few round shares, `steps`. Each has objects with the share `answered`,
        the least confidence answered, `threshold`, and what becomes of these answers: `images`,
        `failures` and `accuracy` with its interval at 95 %.
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
