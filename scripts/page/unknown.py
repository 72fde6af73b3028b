"""The data of the page about out-of-distribution images: examples, and each model's confidence."""

from typing import Any

import numpy as np

from core.errors import UserError
from drawing.images import as_grey, png, reduced, reduction
from evaluation.evaluation import Evaluation

# Title, singular, plural, and description.
KINDS = {
    "noise": ("Noise", "a noise image", "noise images", "random pixels"),
    "grey": ("Blank", "a blank image", "blank images", "uniform grey"),
    "shuffled": (
        *("Shuffled", "a shuffled image", "shuffled images"),
        "test images with their pixels in random order",
    ),
    "letters": (
        *("Letters", "a letter", "letters"),
        "drawn with strokes like the digits'; letters that look like digits are left out",
    ),
    "held_out": (
        *("Held-out classes", "an image of a held-out class", "images of held-out classes"),
        "test images of classes that no model was trained on",
    ),
}


def describe_unknown(
    evaluation: Evaluation, pixel_range: np.ndarray, models: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The data for the templates; None if there are no such images.

    Args:
        evaluation: the results of evaluate.
        pixel_range: the pixels to draw black and white.
        models: each as `describe_model` returns it.

    Raises:
        UserError: the examples do not match the findings.
    """
    found = evaluation.findings["unknown"]
    if not found:
        return None
    images = evaluation.unknown_examples
    if sum(row["examples"] for row in found["kinds"]) != len(images):
        raise UserError("evaluation: the example images do not match the findings; rerun evaluate")
    grey = as_grey(reduced(images, reduction(*images.shape[1:])), pixel_range)
    kinds, start = [], 0
    for row in found["kinds"]:
        title, one, several, meaning = KINDS[row["kind"]]
        shown = grey[start : start + row["examples"]]
        start += row["examples"]
        kinds.append(
            {
                **{"kind": row["kind"], "title": title, "one": one, "several": several},
                **{"meaning": meaning, "images": row["images"]},
                "examples": [{"png": png(each)} for each in shown],
                "models": row["models"],
            }
        )
    thresholds = found["thresholds"]
    return {
        "kinds": kinds,
        "thresholds": thresholds,
        "wanted": [row["wanted"] for row in thresholds[models[0]["name"]]],
        "worst": {
            model["name"]: min(kinds, key=lambda kind: kind["models"][model["name"]]["auroc"])
            for model in models
        },
    }
