"""The data of the page about one model."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.errors import WRONG_FORM, UserError
from core.files import read_json
from core.split import Split
from drawing.braille import image_as_text
from drawing.escaping import address_name
from drawing.images import as_grey, png, reduced, reduction
from drawing.svg import inline, model_style
from evaluation.evaluation import Evaluation
from page.charts import draw_curves, draw_reliability
from page.matrices import confusion_rows
from page.mistakes import mistake_sentences

DRAWS = 200  # random failures per model that the page can step through
GLYPHS = dict(zip("os^DvP*Xd<>h", "●■▲◆▼✚★✖♦◀▶⬢", strict=True))


def describe_models(
    folders: list[Path], evaluation: Evaluation, part: Split, failures: int, seed: int
) -> list[dict[str, Any]]:
    """Each model as `describe_model` returns it; `seed` chooses the failures to show."""
    return [
        # A generator per model, so that the failures of one do not affect the choice for another.
        describe_model(folder, evaluation, part, failures, np.random.default_rng((seed, place)))
        for place, folder in enumerate(folders)
    ]


def describe_model(
    folder: Path, evaluation: Evaluation, part: Split, failures: int, random: np.random.Generator
) -> dict[str, Any]:
    """Everything that the templates need about one model.

    Args:
        folder: the model's folder, with its record and its curve.
        evaluation: the results of evaluate.
        part: the test images.
        failures: how many random failures to show.
        random: chooses these failures.
    """
    name = folder.name
    place = evaluation.models.index(name)
    key = address_name(name, place)
    wrong = np.flatnonzero(evaluation.predicted[place] != evaluation.labels)
    drawn = random.choice(wrong, min(max(failures, DRAWS), len(wrong)), replace=False)
    findings = evaluation.findings
    scores = findings["metrics"][name]
    return {
        "name": name,
        "key": key,
        "place": place,
        "glyph": GLYPHS[model_style(place)["marker"]],
        "scores": scores,
        **_describe_training(folder, key),
        "confusion": confusion_rows(scores["confusion"], key),
        "mistakes": mistake_sentences(
            findings.get("mistakes", {}).get(name), evaluation.classes.tolist(), key
        ),
        "failures": [describe_image(index, evaluation, part) for index in drawn[:failures]],
        "draws": drawn.tolist(),
        "reliability": findings["reliability"][name],
        # Charts are drawn for the HTML page only, and once: this takes long.
        "reliability_chart": cache(
            lambda: inline(
                draw_reliability(findings["reliability"][name], place),
                f"reliability-{place}",
                f"Accuracy of {name} against its confidence; they differ by"
                f" {100 * scores['calibration_error']:.2f} points on average",
            )
        ),
        "abstention": findings["abstention"][name],
    }


def _describe_training(folder: Path, key: str) -> dict[str, Any]:
    return _in_format(folder, lambda: _describe_record(folder, key))


def _in_format(folder: Path, describe: Callable[[], Any]) -> Any:
    try:
        return describe()
    except WRONG_FORM as error:
        raise UserError(
            f"{folder}: training.json or history.csv is not in the format of a training"
            f" ({type(error).__name__}); retrain the model"
        ) from error


def _describe_record(folder: Path, key: str) -> dict[str, Any]:
    record = read_json(folder / "training.json")
    history = pd.read_csv(folder / "history.csv").dropna(axis=1, how="all")  # no validation
    step = history.columns[0]
    losses = {"training": "loss", "validation": "val_loss"}
    curves = {name: history[column] for name, column in losses.items() if column in history}
    defaults = record["defaults"]
    return {
        "record": record,
        "calibration": _describe_calibration(record["calibration"]),
        "settings": [
            {
                "key": setting,
                "value": _short(value),
                "default": _short(defaults[setting]),
                "changed": value != defaults[setting],
            }
            for setting, value in sorted(record["settings"].items())
        ],
        "curve": cache(
            lambda: _in_format(
                folder,
                lambda: inline(
                    draw_curves(history[step] + 1, curves, step),
                    f"curve-{key}",
                    f"Training loss of {folder.name}; it ends at {history['loss'].iloc[-1]:.3f}",
                ),
            )
        ),
    }


def _describe_calibration(found: dict[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    measures = ("loss", "calibration_error")
    return {
        "temperature": float(found["temperature"]),
        "doubt": float(found["doubt"]),
        "images": int(found["images"]),
        **{
            when: {measure: float(found[when][measure]) for measure in measures}
            for when in ("before", "after")
        },
    }


def _short(value: Any) -> str:
    """A parameter's value as short text."""
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def describe_image(index: int, evaluation: Evaluation, part: Split) -> dict[str, Any]:
    """One test image, and the predictions of each model for it."""
    factor = reduction(*part.images.shape[1:])
    image = reduced(part.images[index : index + 1], factor)[0]
    likely = evaluation.probabilities[:, index]  # (models, classes)
    return {
        "index": int(index),
        "label": str(evaluation.classes[evaluation.labels[index]]),
        "answers": evaluation.classes[likely.argmax(axis=1)].tolist(),
        "confidences": likely.max(axis=1).astype(float).tolist(),
        "probabilities": likely.T.astype(float).tolist(),
        "png": png(as_grey(image, part.pixel_range)),
        "braille": image_as_text(image, part.pixel_range),
    }
