"""Everything that evaluate computes from the models' predictions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.files import as_json
from core.split import Split
from evaluation.agreement import against_others, compare_answers, contested, error_sets
from evaluation.confidence import abstention, reliability, reliability_table
from evaluation.mistakes import mistakes
from evaluation.scores import counted, failures_csv, measured
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
    found = {}
    for name, size, likely in zip(names, sizes, probabilities, strict=True):
        found[name] = {**size, **measured(likely, part.labels)}
        if robustness:
            found[name]["corrupted_accuracy"] = robustness["models"][name]["accuracy"]
    metrics = metrics_of(probabilities.argmax(axis=2), part, found)
    return findings_with(metrics, probabilities, part, robustness, unknown)


def findings_with(
    metrics: dict[str, dict[str, Any]],
    probabilities: np.ndarray,
    part: Split,
    robustness: dict[str, Any],
    unknown: dict[str, Any],
) -> dict[str, Any]:
    """The findings with these `metrics`, from `metrics_of`; all else as for `findings_of`."""
    names = list(metrics)
    predicted, confidence = probabilities.argmax(axis=2), probabilities.max(axis=2)
    right = predicted == part.labels
    answers = dict(zip(names, zip(confidence, right, strict=True), strict=True))
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
            for pair in compare_pairs(right)
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


def metrics_of(
    predicted: np.ndarray, part: Split, found: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The metrics of each model: those in `found`, and all that follow from them and from the
    predicted classes. make reproduce calls this with numbers found on another processor.

    Args:
        predicted: (models, n), indices of classes.
        part: the n test images.
        found: by model, the metrics that do not follow from `predicted`: its size, what it gets
            right of the validation and corrupted images, and the result of `measured`.
    """
    names, images = list(found), len(part.labels)
    against = against_others(names, compare_pairs(predicted == part.labels), images)
    metrics = {}
    for name, own in zip(names, predicted, strict=True):
        scores = counted(own, part)
        counts = found[name]["validation_right"], found[name]["validation_images"]
        watched = validation_scores(*counts, scores["successes"], images)
        metrics[name] = {**found[name], **scores, **watched, "against": against[name]}
    return metrics


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
