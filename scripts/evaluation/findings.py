"""All that evaluate computes from the models' answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.split import Split
from evaluation.agreement import against_others, compare_answers, contested, error_sets
from evaluation.confidence import abstention, reliability
from evaluation.mistakes import mistakes
from evaluation.scores import score
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
        sizes: what is in the metrics of each besides what its answers say, among it how many
            "validation_images" there are, and how many of them are "validation_right".
        probabilities: (models, n, k), float32, their answers to the n images of `part`.
        robustness: what `ask_corrupted` found.
        unknown: what `ask_unknown` found.
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
