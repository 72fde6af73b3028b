"""What a training stage leaves besides its model: how it was trained, and its curve."""

from pathlib import Path
from typing import Any, TypedDict

from shared.files import write_json


class Layer(TypedDict):
    """One row of a model's layer table."""

    layer: str
    output_shape: list[int]
    parameters: int


def write_record(
    path: Path,
    *,
    settings: dict[str, Any],
    layers: list[Layer],
    training_images: int,
    validation_images: int,
    fit_seconds: float,
    remarks: tuple[str, ...] = (),
) -> None:
    """Write the record of one training run as JSON.

    Args:
        settings: the stage's parameters, as they were used.
        layers: the layer table, input first.
        fit_seconds: duration of the fit alone. It differs from run to run, so it is kept here and
            never in a file that git tracks.
        remarks: what a reader of the results should know of this training.
    """
    write_json(
        path,
        {
            "settings": settings,
            "layers": layers,
            "training_images": training_images,
            "validation_images": validation_images,
            "fit_seconds": fit_seconds,
            "remarks": list(remarks),
        },
    )
