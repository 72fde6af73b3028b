"""Running the models on the test images: all that an evaluation has."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.split import Split
from evaluation.evaluation import Evaluation
from evaluation.findings import findings_of
from evaluation.robustness import ask_corrupted
from evaluation.trained_model import read_models
from evaluation.unknown import ask_unknown
from evaluation.unknown_images import make_unknown


def evaluate_models(
    folders: list[Path],
    parts: Mapping[str, Split],
    batch_size: int,
    corrupted_images: int,
    unknown_images: int,
    seed: int,
) -> Evaluation:
    """Each model's predictions for the test images, and what follows from them.

    Args:
        folders: of the models, each named as its model.
        parts: "test", "validation" and "held_out", by these names.
        batch_size: images to predict at a time.
        corrupted_images: test images to corrupt.
        unknown_images: out-of-distribution images of each kind.
        seed: of the choice and making of these images.

    Raises:
        UserError: a model cannot be read, does not fit the images, or gives no probabilities.
    """
    part, names = parts["test"], [folder.name for folder in folders]
    unknown = make_unknown(part, parts["held_out"], unknown_images, seed)
    trained = read_models(folders, batch_size)
    probabilities = np.stack([one.probabilities(part.images, len(part.classes)) for one in trained])
    sizes = [one.described(parts["validation"]) for one in trained]
    robustness, *corrupted = ask_corrupted(trained, part, corrupted_images, seed)
    found, *strange = ask_unknown(trained, part, probabilities, unknown)
    findings = findings_of(names, sizes, probabilities, part, robustness, found)
    predicted = names, part.classes, part.labels, probabilities, findings
    return Evaluation(*predicted, *corrupted, *strange)
