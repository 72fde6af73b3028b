"""What an exported model takes and gives, as its files say it."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import UserError
from core.files import read_json


class Description(NamedTuple):
    """The form of a model's images, and its classes.

    Attributes:
        name: the model's.
        classes: in the order of its probabilities.
        height, width: of its images.
        pixels: the dtype of the dataset's pixels.
        pixel_range: the lowest and highest of them, which the model scales by.
        background: the pixel around the digits.
    """

    name: str
    classes: list[str]
    height: int
    width: int
    pixels: str
    pixel_range: list[float]
    background: float

    def as_json(self) -> dict[str, Any]:
        """For the JSON file beside the model."""
        form = f"{self.height}, {self.width}"
        return {
            **self._asdict(),
            "input": {"name": "images", "dtype": "float32", "shape": f"(images, {form})"},
            "output": {
                "name": "probabilities",
                "dtype": "float32",
                "shape": f"(images, {len(self.classes)})",
            },
        }

    def as_metadata(self) -> dict[str, str]:
        """For the ONNX file, whose metadata is text: JSON where it is none."""
        return {
            key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            for key, value in self.as_json().items()
        }


def read_description(folder: Path) -> Description:
    """What the training of the model in `folder` recorded of it.

    Raises:
        UserError: an older training, which recorded nothing of it, or none.
        OSError: the record cannot be read.
    """
    path = folder / "training.json"
    record = read_json(path)
    try:
        image = record["image"]
        low, high = map(float, image["pixel_range"])
        described = Description(
            folder.name,
            [str(name) for name in record["classes"]],
            int(image["height"]),
            int(image["width"]),
            str(image["dtype"]),
            [low, high],
            float(image["background"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{path}: does not say what the images are like, as older ones; make report trains it"
            " anew"
        ) from error
    if not all(map(math.isfinite, (low, high, described.background))):
        raise UserError(f"{path}: pixels that are no numbers; make report trains it anew")
    return described
