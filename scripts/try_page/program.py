"""A trained model as steps of plain arithmetic, because the page has no Keras."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.errors import UserError
from linear.linear_model import LinearModel
from networks.backend import keras

ACTIVATIONS = ("relu", "elu", "gelu", "selu", "sigmoid", "silu", "softplus", "tanh", "softmax")
LEFT_OUT = ("Dropout", "Flatten", "InputLayer")  # they change no prediction: arrays are flat anyway
# The options of layers that the page supports.
PLAIN = {
    "Conv2D": {"strides": (1, 1), "dilation_rate": (1, 1), "groups": 1},
    "MaxPooling2D": {"padding": "valid"},
    "BatchNormalization": {"axis": -1},
    "ReLU": {"max_value": None, "negative_slope": 0, "threshold": 0},
    "Rescaling": {},
    "Dense": {},
}
NAMES_OF_AXES = {"data_format": "channels_last"}


@dataclass
class Program:
    """Steps; each computes one array, (height, width, channels), from earlier ones.

    Attributes:
        shapes: the shape of the image, then the output shape of each step.
        steps: `do` is the operation, `from` the indices of its inputs in `shapes`, and `weights`
            the indices of its weights in `arrays`.
        arrays: the weights, float32; those with several axes are the largest.
    """

    shapes: list[tuple[int, int, int]]
    steps: list[dict[str, Any]] = field(default_factory=list)
    arrays: list[np.ndarray] = field(default_factory=list)

    def add(self, do: str, source: int, shape: tuple[int, ...], **what: Any) -> int:
        """Add a step; returns the index of its output."""
        self.steps.append({"do": do, "from": [source], **what})
        self.shapes.append(shape)
        return len(self.shapes) - 1

    def keep(self, *arrays: np.ndarray) -> list[int]:
        """Add weights; returns their indices."""
        first = len(self.arrays)
        self.arrays += [np.ascontiguousarray(array, "<f4") for array in arrays]
        return list(range(first, len(self.arrays)))


def linear_program(model: LinearModel, shape: tuple[int, int]) -> Program:
    """The steps of a logistic regression on images of `shape`."""
    kernel, bias = model.coefficients.T, model.intercepts
    if len(bias) == 1:  # for two classes, the first has the logit 0
        kernel, bias = (np.concatenate([0 * array, array], axis=-1) for array in (kernel, bias))
    low, high = model.pixel_range
    program = Program([(*shape, 1)])
    scale = 1 / (high - low)
    place = program.add("rescale", 0, program.shapes[0], scale=scale, offset=-low * scale)
    weights = program.keep(kernel, bias)
    place = program.add("dense", place, (1, 1, len(bias)), weights=weights)
    shape = program.shapes[place]
    place = program.add("softmax", place, shape)
    doubt = float(model.doubt)
    program.add("rescale", place, shape, scale=1 - doubt, offset=doubt / len(bias))
    return program


def network_program(model: keras.Model) -> Program:
    """The steps of a network on images, (height, width, 1).

    Raises:
        UserError: the page does not support a layer.
    """
    program = Program([tuple(model.input_shape[1:])])
    _Translation(program).model(model, 0)
    return program


class _Translation:
    """Adds the layers of a network to a program; the weights of a layer are added only once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.weights: dict[int, list[int]] = {}

    def model(self, model: keras.Model, source: int) -> int:
        """Add all layers of `model`, applied to `source`; returns the index of its output."""
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                source = self.layer(layer, source)
            return source
        config = model.get_config()
        calls = {layer["name"]: layer["inbound_nodes"] for layer in config["layers"]}
        made = {(config["input_layers"][0], 0): source}

        def output(name: str, call: int) -> int:
            if (name, call) not in made:
                layer, (given, *_) = model.get_layer(name), calls[name][call]["args"]
                nodes = given if isinstance(given, list) else [given]
                found = [output(*node["config"]["keras_history"][:2]) for node in nodes]
                average = isinstance(layer, keras.layers.Average)
                add = self.average if average else lambda places: self.layer(layer, places[0])
                made[name, call] = add(found)
            return made[name, call]

        return output(*config["output_layers"][:2])

    def average(self, places: list[int]) -> int:
        place = self.program.add("average", places[0], self.program.shapes[places[0]])
        self.program.steps[-1]["from"] = places
        return place

    def layer(self, layer: keras.Layer, source: int) -> int:
        """Add one layer, or the layers of a nested model."""
        if isinstance(layer, keras.Model):
            return self.model(layer, source)
        kind = type(layer).__name__
        if kind in LEFT_OUT:
            return source
        config = layer.get_config()
        add = getattr(self, f"_{kind.lower()}", None)
        for key, wanted in {**PLAIN.get(kind, {}), **NAMES_OF_AXES}.items():
            found = config.get(key, wanted)
            found = tuple(found) if isinstance(found, list) else found
            if add is None or found != wanted:
                raise UserError(f"the page does not support its layer {layer.name} ({kind})")
        return add(layer, config, source)

    def _rescaling(self, _: keras.Layer, config: dict[str, Any], source: int) -> int:
        numbers = {key: float(config[key]) for key in ("scale", "offset")}
        return self.program.add("rescale", source, self.program.shapes[source], **numbers)

    def _dense(self, layer: keras.Layer, config: dict[str, Any], source: int) -> int:
        weights = self._kept(layer, lambda: layer.get_weights())
        place = self.program.add("dense", source, (1, 1, layer.units), weights=weights)
        return self._activated(config["activation"], place)

    def _conv2d(self, layer: keras.Layer, config: dict[str, Any], source: int) -> int:
        height, width, _ = self.program.shapes[source]
        size = config["kernel_size"]
        same = config["padding"] == "same"
        margin = [(length - 1) // 2 if same else 0 for length in size]
        lost = [0 if same else length - 1 for length in size]
        place = self.program.add(
            "convolve",
            source,
            (height - lost[0], width - lost[1], layer.filters),
            size=list(size),
            margin=margin,
            weights=self._kept(layer, lambda: layer.get_weights()),
        )
        return self._activated(config["activation"], place)

    def _maxpooling2d(self, _: keras.Layer, config: dict[str, Any], source: int) -> int:
        height, width, channels = self.program.shapes[source]
        size = list(config["pool_size"])
        if list(config["strides"]) != size:
            raise UserError("the page does not support pooling whose strides differ from its size")
        shape = (height // size[0], width // size[1], channels)
        return self.program.add("pool", source, shape, size=size)

    def _batchnormalization(self, layer: keras.Layer, config: dict[str, Any], source: int) -> int:
        def scale_and_offset() -> list[np.ndarray]:
            arrays = iter(np.float64(array) for array in layer.get_weights())
            gamma = next(arrays) if config["scale"] else 1.0
            beta = next(arrays) if config["center"] else 0.0
            mean, variance = arrays
            scale = gamma / np.sqrt(variance + config["epsilon"])
            return [scale, beta - mean * scale]

        weights = self._kept(layer, scale_and_offset)
        return self.program.add("normalize", source, self.program.shapes[source], weights=weights)

    def _relu(self, _: keras.Layer, __: dict[str, Any], source: int) -> int:
        return self._activated("relu", source)

    def _zeropadding2d(self, _: keras.Layer, config: dict[str, Any], source: int) -> int:
        (top, bottom), (left, right) = config["padding"]
        return self._window(source, -top, -left, top + bottom, left + right)

    def _cropping2d(self, _: keras.Layer, config: dict[str, Any], source: int) -> int:
        (top, bottom), (left, right) = config["cropping"]
        return self._window(source, top, left, -top - bottom, -left - right)

    def _window(self, source: int, top: int, left: int, taller: int, wider: int) -> int:
        height, width, channels = self.program.shapes[source]
        shape = (height + taller, width + wider, channels)
        return self.program.add("window", source, shape, top=top, left=left)

    def _activated(self, name: Any, source: int) -> int:
        if name == "linear":
            return source
        if name not in ACTIVATIONS:
            raise UserError(f"the page does not support the activation {name}")
        return self.program.add(name, source, self.program.shapes[source])

    def _kept(self, layer: keras.Layer, arrays: Any) -> list[int]:
        if id(layer) not in self.weights:
            self.weights[id(layer)] = self.program.keep(*arrays())
        return self.weights[id(layer)]
