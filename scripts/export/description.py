"""The inputs and outputs of an exported model, as its files describe them."""

import json
from typing import Any, NamedTuple

from prediction.form import Form


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


def describe(name: str, classes: list[str], form: Form) -> Description:
    """The description of the model `name` of images in `form`."""
    image = form.height, form.width, form.dtype, [form.low, form.high], form.background
    return Description(name, classes, *image)
