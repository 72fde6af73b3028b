"""The accuracy of the models on corrupted test images, at increasing severity."""

from itertools import combinations
from typing import Any

import numpy as np

from core.split import Split, background
from evaluation.corruptions import CORRUPTIONS, corrupted
from evaluation.significance import mean_interval
from evaluation.trained_model import TrainedModel

TOGETHER = 1_000  # images to corrupt at a time, which limits the memory
SEVERITIES = len(CORRUPTIONS[0].severities)


def ask_corrupted(
    models: list[TrainedModel], part: Split, images: int, seed: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Run each model on a sample of the test images, uncorrupted and with each corruption at each
    severity.

    Args:
        models: the models.
        part: the test images.
        images: the size of the sample; 0 for none.
        seed: chooses the sample and all random corruptions.

    Returns:
        The finding "robustness" of docs/evaluation.md, empty if there is no sample; and one example
        image, (corruptions, 1 + severities, height, width), uncorrupted first.
    """
    random = np.random.default_rng(seed)
    chosen = random.choice(len(part.labels), min(images, len(part.labels)), replace=False)
    size = part.images.shape[1:]
    examples = np.empty((len(CORRUPTIONS), 1 + SEVERITIES, *size), part.images.dtype)
    if not len(chosen):
        return {}, examples[:0]
    paper = background(part.images)
    shape = (len(CORRUPTIONS), 1 + SEVERITIES, len(models), len(chosen))
    right, confidence = np.empty(shape, bool), np.empty(shape, np.float32)
    for start in range(0, len(chosen), TOGETHER):
        some = slice(start, start + TOGETHER)
        originals, labels = part.images[chosen[some]], part.labels[chosen[some]]
        right[:, 0, :, some], confidence[:, 0, :, some] = _ask(models, originals, labels, part)
        for kind, corruption in enumerate(CORRUPTIONS):
            changed = np.stack(
                [
                    corrupted(originals, part.pixel_range, paper, corruption, severity, random)
                    for severity in corruption.severities
                ]
            )
            if start == 0:
                examples[kind] = originals[0], *changed[:, 0]
            found = _ask(models, changed.reshape(-1, *size), np.tile(labels, SEVERITIES), part)
            for kept, each in zip((right, confidence), found, strict=True):
                by_severity = each.reshape(len(models), SEVERITIES, -1)
                kept[kind, 1:, :, some] = by_severity.transpose(1, 0, 2)
    return summary([model.name for model in models], right, confidence), examples


def _ask(
    models: list[TrainedModel], images: np.ndarray, labels: np.ndarray, part: Split
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each model classifies each image correctly, and its confidence, both (models, n)."""
    likely = np.stack([model.probabilities(images, len(part.classes)) for model in models])
    return likely.argmax(axis=2) == labels, likely.max(axis=2)


def summary(names: list[str], right: np.ndarray, confidence: np.ndarray) -> dict[str, Any]:
    """The finding "robustness".

    Args:
        names: the models.
        right: (corruptions, 1 + severities, models, images), bool, whether the prediction is
            correct; the uncorrupted images come first.
        confidence: the confidence of these predictions, of the same shape.
    """
    accuracy, sure = (each.mean(axis=3, dtype=np.float64) for each in (right, confidence))
    share = right[:, 1:].mean(axis=(0, 1))  # (models, images), of all corruptions of an image
    overall, pairs = {}, []
    for place, name in enumerate(names):
        low, high = np.clip(mean_interval(share[place]), 0, 1).tolist()
        overall[name] = {
            "accuracy": float(share[place].mean()),
            "accuracy_low": low,
            "accuracy_high": high,
            "confidence": float(sure[:, 1:, place].mean()),
        }
    for first, second in combinations(range(len(names)), 2):
        surplus = share[first] - share[second]
        low, high = np.clip(mean_interval(surplus), -1, 1).tolist()
        pairs.append(
            {
                **{"first": names[first], "second": names[second]},
                **{"difference": float(surplus.mean()), "low": low, "high": high},
            }
        )
    return {
        "images": right.shape[3],
        "models": overall,
        "pairs": pairs,
        "corruptions": [
            {
                "name": corruption.name,
                "unit": corruption.unit,
                "severities": list(corruption.severities),
                "accuracy": dict(zip(names, accuracy[kind].T.tolist(), strict=True)),
                "confidence": dict(zip(names, sure[kind].T.tolist(), strict=True)),
            }
            for kind, corruption in enumerate(CORRUPTIONS)
        ],
    }
