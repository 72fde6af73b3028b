"""The record of a training, which a training stage writes beside its model."""

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
        path: the file to write.
        settings: the values of the stage's parameters that were used.
        defaults: their default values.
        layers: the layer table, input first.
        train, validation: the images; the model accepts images of this size and range.
        fit_seconds: the duration of the fit alone. It differs from run to run, so it is stored here
            and never in a file that git tracks.
        answer_microseconds: the result of `microseconds_an_image`; stored here for the same reason.
        calibration: the temperature, the doubt and their effect, from `calibrate`.
        remarks: sentences about this training for the reader of the results.
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
    """The time in microseconds that the prediction function `answer` takes per image, measured on
    some of `images` after a warm-up.
    """
    some = images[:TIMED_IMAGES]
    answer(some)
    start = time.perf_counter()
    answer(some)
    return 1e6 * (time.perf_counter() - start) / len(some)
