"""The models to predict with, and the classes and image formats that their trainings recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import WRONG_FORM, UserError
from core.files import Snapshot, read_json
from core.text import printable
from evaluation.ranking import ranking
from evaluation.trained_model import TrainedModel, read_model
from evaluation.validation import check_validation
from prediction.form import Form, read_trained

MODELS = Path("models")
METRICS, STATS = Path("reports/metrics.json"), Path("reports/stats.json")
TRAINS = "run make report to train it"


@dataclass(frozen=True)
class Model:
    """A trained model.

    Attributes:
        trained: the model.
        classes: the names of its classes, in the order of its probabilities.
        form: the format of its images.
    """

    trained: TrainedModel
    classes: list[str]
    form: Form

    @property
    def name(self) -> str:
        """Its name in the table."""
        return self.trained.name

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities, (n, k), float32, of images in its form. Raises UserError."""
        return self.trained.probabilities(images, len(self.classes))


def best_model() -> str:
    """The name of the model that the page names as best. Raises UserError if there is no page,
    or it names none.
    """
    if not METRICS.is_file():
        raise UserError(f"{METRICS} is missing, so the best model is unknown; name one: MODEL=cnn")
    try:
        metrics = read_json(METRICS)
        name = ranking(metrics)[0]
        checks = check_validation(metrics) | (read_json(STATS)["checks"] if STATS.is_file() else {})
        stops = [one["found"] for one in checks.values() if one["severity"] == "stop"]
    except WRONG_FORM as error:
        raise UserError(f"{METRICS} or {STATS}: not in the pipeline's format") from error
    if stops:
        raise UserError(f"the page names no best model: {printable(stops[0])} Name one: MODEL=cnn")
    if Path(name).name != name:
        raise UserError(f"{METRICS}: {printable(name)!r} is not a model; allowed: a plain name")
    return name


def folders_of(names: Sequence[str]) -> list[Path]:
    """The folders of models, each given by a name, such as `cnn`, or a path. Raises UserError if
    two have the same name.
    """
    folders = [
        MODELS / name if (MODELS / name).is_dir() and Path(name).name == name else Path(name)
        for name in names
    ]
    called = [folder.resolve().name for folder in folders]
    if len(set(called)) < len(called):
        raise UserError(
            f"two models have the same name: {printable(', '.join(names))}; allowed: each name once"
        )
    return folders


def read_models(
    folders: Sequence[Path],
    batch_size: int,
    find_stale: Callable[[Sequence[Path]], Mapping[Path, str]],
    report: Callable[[str], None],
) -> list[Model]:
    """Read the models in `folders`.

    Args:
        batch_size: images that a network predicts at a time.
        find_stale: returns, given the folders, why some are out of date; they predict nevertheless.
        report: called with a line for each model that is out of date, missing, damaged, or changed
            while it was read.

    Raises:
        UserError: no model is usable.
    """
    models = []
    snapshots = [Snapshot([folder]) for folder in folders]
    stale = find_stale(folders)
    for folder, snapshot in zip(folders, snapshots, strict=True):
        try:
            model = _read(folder, batch_size)
            snapshot.check()
        except UserError as error:
            report(printable(error))
        except OSError as error:
            report(printable(f"{error.filename or folder}: {error.strerror}; {TRAINS}"))
        else:
            models.append(model)
            if folder in stale:
                report(printable(f"{folder} is out of date: {stale[folder]}; run make report"))
    if not models:
        raise UserError("no usable model")
    return models


def _read(folder: Path, batch_size: int) -> Model:
    record = folder / "training.json"
    if not folder.is_dir() or not ((folder / "network.json").is_file() or record.is_file()):
        there = sorted(path.name for path in MODELS.glob("*") if path.is_dir())
        known = f"one of {', '.join(there)}, or a folder" if there else "a folder"
        raise UserError(f"{folder}: no model; allowed: {known} with a trained model; {TRAINS}")
    _, classes, form = read_trained(folder)
    model = Model(read_model(folder.resolve(), batch_size), classes, form)
    model.probabilities(np.zeros((1, form.height, form.width), form.dtype))  # raises UserError
    return model
