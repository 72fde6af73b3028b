"""What a training stage leaves besides its model: how it was trained, and its curve."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from core.files import write_json
from core.split import Split, background

TIMED_IMAGES = 1_000


class Layer(TypedDict):
    """One row of a model's layer table."""

    layer: str
    output_shape: list[int]
    parameters: int


def write_record(
    path: Path,
    *,
    settings: dict[str, Any],
    defaults: dict[str, Any],
    layers: list[Layer],
    train: Split,
    validation: Split,
    fit_seconds: float,
    answer_microseconds: float,
    calibration: dict[str, Any] | None,
    remarks: tuple[str, ...] = (),
) -> None:
    """Write the record of one training run as JSON.

    Args:
        settings: the stage's parameters, as they were used.
        defaults: what each setting is when nobody changes it.
        layers: the layer table, input first.
        train, validation: the images; their form is what the model takes.
        fit_seconds: duration of the fit alone. It differs from run to run, so it is kept here and
            never in a file that git tracks.
        answer_microseconds: what `microseconds_an_image` gave; kept here for the same reason.
        calibration: the temperature, the doubt and what they did, as `calibrate` found them.
        remarks: what a reader of the results should know of this training.
    """
    write_json(
        path,
        {
            "settings": settings,
            "defaults": defaults,
            "layers": layers,
            "training_images": len(train.labels),
            "validation_images": len(validation.labels),
            "classes": train.classes.tolist(),
            "image": {
                "height": train.images.shape[1],
                "width": train.images.shape[2],
                "dtype": str(train.images.dtype),
                "pixel_range": train.pixel_range.tolist(),
                "background": background(train.images),
            },
            "fit_seconds": fit_seconds,
            "answer_microseconds": answer_microseconds,
            "calibration": calibration,
            "remarks": list(remarks),
        },
    )


def microseconds_an_image(answer: Callable[[np.ndarray], object], images: np.ndarray) -> float:
    """How long `answer` takes for each of some of `images`, once it has warmed up."""
    some = images[:TIMED_IMAGES]
    answer(some)
    start = time.perf_counter()
    answer(some)
    return 1e6 * (time.perf_counter() - start) / len(some)
