"""The trained models that a page is to hold, read and turned into steps of arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError
from core.files import read_json
from core.split import Split
from evaluation.ranking import ranking
from evaluation.trained_model import TrainedModel
from linear.linear_model import read_linear_model
from networks.network import predict, read_network
from try_page.packing import rounded
from try_page.program import Program, linear_program, network_program

TOGETHER = 1_000  # images that a network predicts at a time
MENDED = "make report trains it"
SMALLER_LAYERS = [128]


@dataclass(frozen=True)
class Model:
    """A model of which a page may be made.

    Attributes:
        name: of its folder.
        scores: its part of the metrics.
        trained_on: images that it was trained on.
        smaller: what parameter of its training would make it smaller.
        program: its steps; None where the page lacks the arithmetic.
        problem: which one it lacks.
        probabilities: of images, (n, height, width), with weights of so many bits: (n, k).
    """

    name: str
    scores: dict[str, Any]
    trained_on: int
    smaller: str
    program: Program | None
    problem: str
    probabilities: Callable[[np.ndarray, int], np.ndarray]


def read_models(folder: Path, metrics: Path, test: Split) -> list[Model]:
    """The models that the metrics name, the most accurate first.

    Args:
        folder: has a folder for each.
        test: the images that they take.

    Raises:
        UserError: a model is missing, damaged, or does not fit the images.
    """
    scores = read_json(metrics)
    try:
        ranked = ranking(scores)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{metrics}: not what evaluate writes; make report writes it") from error
    strange = [name for name in ranked if Path(name).name != name]
    if strange or not ranked:
        raise UserError(f"{metrics}: {strange!a} is no model's name; make report writes it")
    return [_read(folder / name, scores[name], test) for name in ranked]


def _read(folder: Path, scores: dict[str, Any], test: Split) -> Model:
    files = [folder / name for name in ("network.json", "model.npz")]
    if not any(file.is_file() for file in files):
        raise UserError(f"{folder}: no trained model; {MENDED}")
    try:
        record = read_json(folder / "training.json")
        trained_on, settings = int(record["training_images"]), dict(record["settings"])
    except (KeyError, TypeError, ValueError, FileNotFoundError) as error:
        raise UserError(f"{folder}/training.json: not what a training writes; {MENDED}") from error
    program, problem, probabilities = (_network if files[0].is_file() else _linear)(folder, test)
    model = Model(
        *(folder.name, scores, trained_on, _smaller(folder.name, settings)),
        *(program, problem, probabilities),
    )
    some = test.images[:1]
    trained = TrainedModel(folder, (), 0, lambda images: probabilities(images, 32))
    trained.probabilities(some, len(test.classes))  # does it fit?
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


def _smaller(name: str, settings: dict[str, Any]) -> str:
    if settings.get("members", 1) > 1:
        return f"train_{name}.members: 1"
    if settings.get("architecture", "compact") != "compact":
        return f"train_{name}.architecture: compact"
    if settings.get("hidden", SMALLER_LAYERS) != SMALLER_LAYERS:
        return f"train_{name}.hidden: {SMALLER_LAYERS}"
    return ""
