"""A trained model of any kind: a function from images to class probabilities."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from core.errors import UserError
from core.split import Split
from linear.linear_model import read_linear_model
from networks.network import predict, read_network


@dataclass(frozen=True)
class TrainedModel:
    """A model that a training stage wrote into a folder.

    Attributes:
        folder: the folder; its name is the model's name.
        files: the files of the model.
        parameters: the number of trained weights.
        answer: returns class probabilities, (n, k), of images, (n, height, width); raises
            ValueError for images of another size.
    """

    folder: Path
    files: tuple[Path, ...]
    parameters: int
    answer: Callable[[np.ndarray], np.ndarray]

    @property
    def name(self) -> str:
        """The model's name."""
        return self.folder.name

    def probabilities(self, images: np.ndarray, classes: int) -> np.ndarray:
        """Class probabilities, (n, classes), float32, of images, (n, height, width).

        Raises:
            UserError: the model does not fit the images, or its output is not probabilities.
        """
        try:
            with np.errstate(all="ignore"):  # of damaged models, which the checks below find
                probabilities = self.answer(images)
        except ValueError as error:
            size = "x".join(map(str, images.shape[1:]))
            raise UserError(f"{self.folder}: the model cannot take images of {size}") from error
        if probabilities.shape != (len(images), classes):
            raise UserError(f"{self.folder}: the model does not have {classes} classes")
        # NaN passes neither comparison.
        sums = probabilities.sum(axis=1)
        if not ((probabilities >= 0).all() and np.allclose(sums, 1, atol=1e-3)):
            raise UserError(f"{self.folder}: its predictions are not probabilities that sum to 1")
        return probabilities.astype(np.float32)

    def described(self, validation: Split) -> dict[str, int]:
        """The metrics of the model that do not depend on the test images. Raises UserError."""
        right = 0
        if len(validation.labels):
            likely = self.probabilities(validation.images, len(validation.classes))
            right = int((likely.argmax(axis=1) == validation.labels).sum())
        return {
            "parameters": self.parameters,
            "bytes": sum(file.stat().st_size for file in self.files),
            "validation_images": len(validation.labels),
            "validation_right": right,
        }


def read_models(folders: list[Path], batch_size: int) -> list[TrainedModel]:
    """Read several models, whose names must differ. Raises UserError and OSError."""
    names = [folder.name for folder in folders]
    if len(set(names)) < len(names):
        raise UserError(f"evaluate: models {', '.join(names)}; allowed: each name once")
    return [read_model(folder, batch_size) for folder in folders]


def read_model(folder: Path, batch_size: int) -> TrainedModel:
    """Read the model in `folder`; a network predicts `batch_size` images at a time.

    Raises UserError and OSError.
    """
    network, weights = folder / "network.json", folder / "network.weights.npz"
    if network.exists():
        read = read_network(network, weights)
        answer = partial(predict, read, batch_size=batch_size)
        return TrainedModel(folder, (network, weights), read.count_params(), answer)
    arrays = folder / "model.npz"
    linear = read_linear_model(arrays)
    return TrainedModel(folder, (arrays,), linear.parameters, linear.probabilities)
