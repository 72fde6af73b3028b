"""Everything that evaluate computes from the models' predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.files import as_json
from core.split import Split
from evaluation.agreement import against_others, compare_answers, contested, error_sets
from evaluation.confidence import abstention, reliability, reliability_table
from evaluation.mistakes import mistakes
from evaluation.scores import failures_csv, score
from evaluation.significance import compare_pairs
from evaluation.validation import validation_scores


def findings_of(
    names: list[str],
    sizes: Sequence[dict[str, int]],
    probabilities: np.ndarray,
    part: Split,
    robustness: dict[str, Any],
    unknown: dict[str, Any],
) -> dict[str, Any]:
    """The findings that docs/evaluation.md lists.

    Args:
        names: the models.
        sizes: for each model, the metrics that do not depend on the test images, among them the
            counts "validation_images" and "validation_right".
        probabilities: (models, n, k), float32, class probabilities of the n images of `part`.
        part: the test images.
        robustness: the finding of `ask_corrupted`.
        unknown: the finding of `ask_unknown`.
    """
    predicted, confidence = probabilities.argmax(axis=2), probabilities.max(axis=2)
    right = predicted == part.labels
    pairs = compare_pairs(right)
    against = against_others(names, pairs, len(part.labels))
    answers = dict(zip(names, zip(confidence, right, strict=True), strict=True))
    metrics = {}
    for name, size, likely in zip(names, sizes, probabilities, strict=True):
        scores = score(likely, part)
        counts = size["validation_right"], size["validation_images"]
        watched = validation_scores(*counts, scores["successes"], len(part.labels))
        metrics[name] = {**size, **scores, **watched, "against": against[name]}
        if robustness:
            metrics[name]["corrupted_accuracy"] = robustness["models"][name]["accuracy"]
    return {
        "metrics": metrics,
        "pairs": [
            {
                "first": names[pair.first],
                "second": names[pair.second],
                **compare_answers(
                    predicted[pair.first], predicted[pair.second], part.labels, len(part.classes)
                ),
            }
            for pair in pairs
        ],
        "error_sets": error_sets(names, predicted, part.labels),
        "contested": contested(predicted, part.labels).tolist(),
        "reliability": {name: reliability(*answer) for name, answer in answers.items()},
        "abstention": {name: abstention(*answer) for name, answer in answers.items()},
        "robustness": robustness,
        "unknown": unknown,
        "mistakes": {
            name: mistakes(likely, part.labels)
            for name, likely in zip(names, probabilities, strict=True)
        },
    }


def as_texts(
    names: list[str], probabilities: np.ndarray, part: Split, findings: dict[str, Any]
) -> dict[str, str]:
    """The content of each text file that evaluate writes, by its name in reports/.

    Args:
        names, probabilities, part: as for `findings_of`, whose `findings` these are.
    """
    return {
        "metrics.json": as_json(findings["metrics"]),
        "summary.json": as_json(summary(findings["metrics"])),
        "failures.csv": failures_csv(names, probabilities, part),
        "reliability.json": as_json(reliability_table(findings["reliability"])),
    }


def summary(metrics: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Of the metrics, what DVC's tables have room for in a terminal of 100 columns: they give each
    number a column, as wide as its name.
    """
    return {
        name: {"acc": round(scores["accuracy"], 4), "loss": round(scores["loss"], 4)}
        for name, scores in metrics.items()
    }
