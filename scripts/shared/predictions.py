"""What every model makes of every test image, as evaluate leaves it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shared.errors import UserError
from shared.npz import read_arrays, write_arrays


@dataclass(frozen=True)
class Predictions:
    """The class probabilities of all models.

    Attributes:
        models: the models' names, m of them.
        probabilities: (m, n, k), float32, of n images and k classes.
    """

    models: list[str]
    probabilities: np.ndarray


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote. Raises UserError and OSError."""
    arrays = read_arrays(path, ("models", "probabilities"))
    models, probabilities = arrays["models"].tolist(), arrays["probabilities"]
    if probabilities.ndim != 3 or len(models) != len(probabilities):
        raise UserError(
            f"{path}: probabilities of shape {probabilities.shape} for {len(models)} models;"
            " allowed: (models, images, classes)"
        )
    return Predictions(models, probabilities)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write `predictions` as one `.npz` archive."""
    write_arrays(
        path,
        models=np.array(predictions.models),
        probabilities=predictions.probabilities,
    )
