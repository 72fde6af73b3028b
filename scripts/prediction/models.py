"""The models that predict, with what their trainings recorded of classes and images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError
from core.files import read_json
from core.text import printable
from evaluation.ranking import ranking
from evaluation.trained_model import TrainedModel, read_model
from evaluation.validation import check_validation
from prediction.form import Form, read_form

MODELS = Path("models")
METRICS, STATS = Path("reports/metrics.json"), Path("reports/stats.json")
TRAINS = "make report trains it"


@dataclass(frozen=True)
class Model:
    """A trained model.

    Attributes:
        classes: their names, in the order of its probabilities.
        form: what its images are like.
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
        raise UserError(f"{METRICS} is missing, which says what model is best; name one: MODEL=cnn")
    try:
        metrics = read_json(METRICS)
        name = ranking(metrics)[0]
        checks = check_validation(metrics) | (read_json(STATS)["checks"] if STATS.is_file() else {})
        stops = [one["found"] for one in checks.values() if one["severity"] == "stop"]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"{METRICS} or {STATS}: not what the pipeline writes") from error
    if stops:
        raise UserError(f"the page calls no model best: {printable(stops[0])} Name one: MODEL=cnn")
    if Path(name).name != name:
        raise UserError(f"{METRICS}: {printable(name)!r} is no model; allowed: a plain name")
    return name


def folders_of(names: Sequence[str]) -> list[Path]:
    """The folders of models, each given by its name, as `cnn`, or as a path. Raises UserError where
    two have the same name.
    """
    folders = [
        MODELS / name if (MODELS / name).is_dir() and Path(name).name == name else Path(name)
        for name in names
    ]
    called = [folder.resolve().name for folder in folders]
    if len(set(called)) < len(called):
        raise UserError(
            f"two models of one name in {printable(', '.join(names))}; allowed: each name once"
        )
    return folders


def read_models(
    folders: Sequence[Path],
    batch_size: int,
    stale: Mapping[Path, str],
    report: Callable[[str], None],
) -> list[Model]:
    """Read the models in `folders`.

    Args:
        batch_size: images that a network predicts at a time.
        stale: why a model does not belong to the parameters and code; it predicts all the same.
        report: is told of each model that is stale, missing or damaged, in one line.

    Raises:
        UserError: none is left.
    """
    models = []
    for folder in folders:
        try:
            models.append(_read(folder, batch_size))
        except UserError as error:
            report(printable(error))
        except OSError as error:
            report(printable(f"{error.filename or folder}: {error.strerror}; {TRAINS} anew"))
        else:
            if folder in stale:
                report(printable(f"{folder} is stale: {stale[folder]}; {TRAINS} anew"))
    if not models:
        raise UserError("no model is left to predict with")
    return models


def _read(folder: Path, batch_size: int) -> Model:
    record = folder / "training.json"
    if not folder.is_dir() or not ((folder / "network.json").is_file() or record.is_file()):
        there = sorted(path.name for path in MODELS.glob("*") if path.is_dir())
        known = f"one of {', '.join(there)}, or a folder" if there else "a folder"
        raise UserError(f"{folder}: no model; allowed: {known} that a training wrote; {TRAINS}")
    recorded = read_json(record)
    try:
        classes, form = _classes(recorded["classes"]), read_form(recorded)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{record}: does not say what the images are like, as older ones; {TRAINS} anew"
        ) from error
    model = Model(read_model(folder.resolve(), batch_size), classes, form)
    model.probabilities(np.zeros((1, form.height, form.width), form.dtype))  # does it fit its form?
    return model


def _classes(recorded: Any) -> list[str]:
    """The names of classes. Raises ValueError or TypeError for what are none."""
    names = [printable(name) for name in recorded]
    if names != recorded or len(set(names)) < len(names) or len(names) < 2 or not all(names):
        raise ValueError(names)
    return names
