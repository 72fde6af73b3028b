"""A trained logistic regression, stored as plain arrays: loading it executes no code."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.arrays import Kind, read_checked
from core.errors import UserError
from core.npz import write_arrays
from core.split import check_range, scaled_and_flat

KINDS = {
    **{"coefficients": Kind("f", ("rows", "pixels")), "intercepts": Kind("f", ("rows",))},
    **{"pixel_range": Kind("f", (2,)), "doubt": Kind("f", ())},
}


@dataclass(frozen=True)
class LinearModel:
    """The softmax of an affine map of the scaled pixels, mixed with the uniform distribution.

    Attributes:
        coefficients: (k, d), float32, for k classes and d pixels; (1, d) for two classes, whose
            first has the logit 0.
        intercepts: (k,) or (1,), float32.
        pixel_range: (2,), float64, the pixels that are scaled to 0 and 1.
        doubt: in [0, 1), the share of the uniform distribution in each prediction.
    """

    coefficients: np.ndarray
    intercepts: np.ndarray
    pixel_range: np.ndarray
    doubt: np.ndarray | float = 0.0

    @property
    def parameters(self) -> int:
        """The number of trained weights."""
        return self.coefficients.size + self.intercepts.size

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The logits, (n, k), float64, of images, (n, height, width)."""
        rows = scaled_and_flat(images, self.pixel_range)
        logits = (rows @ self.coefficients.T + self.intercepts).astype(np.float64)
        if logits.shape[1] == 1:
            logits = np.hstack([np.zeros_like(logits), logits])
        return logits

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities, (n, k), float64, of images, (n, height, width)."""
        logits = self.logits(images)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        likely = exponentials / exponentials.sum(axis=1, keepdims=True)
        return (1 - self.doubt) * likely + self.doubt / likely.shape[1]


def write_linear_model(path: Path, model: LinearModel) -> None:
    """Write `model` as one `.npz` archive."""
    write_arrays(
        path,
        coefficients=model.coefficients,
        intercepts=model.intercepts,
        pixel_range=model.pixel_range,
        doubt=model.doubt,
    )


def read_linear_model(path: Path) -> LinearModel:
    """Read a model that `write_linear_model` wrote. Raises UserError and OSError."""
    model = LinearModel(**read_checked(path, KINDS))
    check_range(str(path), model.pixel_range)
    if not 0 <= model.doubt < 1:
        raise UserError(f"{path}: doubt {model.doubt:g}; allowed: from 0 to below 1")
    return model
