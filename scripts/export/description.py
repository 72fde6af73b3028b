"""The inputs and outputs of an exported model, as its files describe them."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import UserError
from core.files import read_json


class Description(NamedTuple):
    """The form of a model's images, and its classes.

    Attributes:
        name: the model's name.
        classes: its classes, in the order of its probabilities.
        height, width: the size of its images.
        pixels: the dtype of the dataset's pixels.
        pixel_range: the pixels that the model scales to 0 and 1.
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
        """The content of the JSON file beside the model."""
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
        """The metadata of the ONNX file, which must be text: other values are JSON."""
        return {
            key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            for key, value in self.as_json().items()
        }


def read_description(folder: Path) -> Description:
    """The description of the model in `folder`, from the record of its training.

    Raises:
        UserError: the record is from an older version without this information, or damaged.
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
            f"{path}: the size and range of the images are missing, as in older versions; run make"
            " report to retrain the model"
        ) from error
    if not all(map(math.isfinite, (low, high, described.background))):
        raise UserError(
            f"{path}: the range of the pixels is not finite; run make report to retrain the model"
        )
    return described
