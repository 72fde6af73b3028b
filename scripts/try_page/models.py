"""Read trained models for the page, and translate them into steps of arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import WRONG_FORM, UserError
from core.files import read_json
from core.npz import reason
from core.split import Split
from evaluation.ranking import ranking
from evaluation.trained_model import TrainedModel
from linear.linear_model import read_linear_model
from networks.network import predict, read_network
from try_page.packing import rounded
from try_page.program import Program, linear_program, network_program

TOGETHER = 1_000  # images that a network predicts at a time
MENDED = "run make report to train it"
SMALLER_LAYERS = [128]


@dataclass(frozen=True)
class Model:
    """A model for the page.

    Attributes:
        name: the name of its folder.
        scores: its metrics.
        trained_on: the number of its training images.
        smaller: a parameter value that makes it smaller, or empty.
        program: its steps; None if the page does not support one of its layers.
        problem: the unsupported layer.
        probabilities: returns the probabilities, (n, k), of images, (n, height, width), with
            weights rounded to a number of bits.
    """

    name: str
    scores: dict[str, Any]
    trained_on: int
    smaller: str
    program: Program | None
    problem: str
    probabilities: Callable[[np.ndarray, int], np.ndarray]


def read_models(folder: Path, metrics: Path, test: Split) -> list[Model]:
    """The models in the metrics, the most accurate first.

    Args:
        folder: the folder with a folder for each model.
        test: the test images.

    Raises:
        UserError: a model is missing, damaged, or does not fit the images.
    """
    scores = read_json(metrics)
    try:
        ranked = ranking(scores)
        if not all(0 <= scores[name]["accuracy"] <= 1 for name in ranked):
            raise ValueError("no share")
    except WRONG_FORM as error:
        raise UserError(f"{metrics}: not in evaluate's format; run make report") from error
    strange = [name for name in ranked if Path(name).name != name]
    if strange or not ranked:
        raise UserError(f"{metrics}: {strange!a} is not a model's name; run make report")
    return [_read(folder / name, scores[name], test) for name in ranked]


def _read(folder: Path, scores: dict[str, Any], test: Split) -> Model:
    files = [folder / name for name in ("network.json", "model.npz")]
    if not any(file.is_file() for file in files):
        raise UserError(f"{folder}: no trained model; {MENDED}")
    try:
        record = read_json(folder / "training.json")
        trained_on, smaller = (
            int(record["training_images"]),
            _smaller(folder.name, record["settings"]),
        )
    except (*WRONG_FORM, FileNotFoundError) as error:
        raise UserError(
            f"{folder}/training.json: not in the format of a training; {MENDED}"
        ) from error
    program, problem, probabilities = (_network if files[0].is_file() else _linear)(folder, test)
    model = Model(
        *(folder.name, scores, trained_on, smaller),
        *(program, problem, probabilities),
    )
    some = test.images[:1]
    trained = TrainedModel(folder, (), 0, lambda images: probabilities(images, 32))
    trained.probabilities(some, len(test.classes))  # raises UserError if the images do not fit
    return model


def _linear(folder: Path, test: Split) -> tuple[Program, str, Callable]:
    model = read_linear_model(folder / "model.npz")

    def probabilities(images: np.ndarray, bits: int) -> np.ndarray:
        kernel = rounded(model.coefficients.T, bits)
        return replace(model, coefficients=kernel.T).probabilities(images)

    return linear_program(model, test.images.shape[1:]), "", probabilities


def _network(folder: Path, _: Split) -> tuple[Program | None, str, Callable]:
    network = read_network(folder / "network.json", folder / "network.weights.npz")
    weights = network.get_weights()

    def probabilities(images: np.ndarray, bits: int) -> np.ndarray:
        network.set_weights([rounded(array, bits) for array in weights])
        return predict(network, images, TOGETHER)

    try:
        return network_program(network), "", probabilities
    except UserError as error:
        return None, str(error), probabilities
    except WRONG_FORM as error:
        raise UserError(
            f"{folder / 'network.json'}: settings of a layer that no training writes"
            f" ({reason(error)}); {MENDED}"
        ) from error


def _smaller(name: str, settings: dict[str, Any]) -> str:
    if settings.get("members", 1) > 1:
        return f"train_{name}.members: 1"
    if settings.get("architecture", "compact") != "compact":
        return f"train_{name}.architecture: compact"
    if settings.get("hidden", SMALLER_LAYERS) != SMALLER_LAYERS:
        return f"train_{name}.hidden: {SMALLER_LAYERS}"
    return ""
