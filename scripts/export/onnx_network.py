"""Keras networks as ONNX graphs: the layers that networks/network.py allows."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from core.errors import UserError
from export.onnx_graph import IMAGES, Graph
from networks.backend import keras

ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "linear": lambda _, x: x,
    "relu": lambda graph, x: graph.apply("Relu", x),
    "elu": lambda graph, x: graph.apply("Elu", x),
    "selu": lambda graph, x: graph.apply("Selu", x),
    "sigmoid": lambda graph, x: graph.apply("Sigmoid", x),
    "silu": lambda graph, x: graph.apply("Mul", x, graph.apply("Sigmoid", x)),
    "softplus": lambda graph, x: graph.apply("Softplus", x),
    "tanh": lambda graph, x: graph.apply("Tanh", x),
    "softmax": lambda graph, x: graph.apply("Softmax", x, axis=1),
    "gelu": lambda graph, x: _gelu(graph, x),
}


def add_network(graph: Graph, model: keras.Model) -> str:
    """Add `model` to `graph`; returns the name of its output.

    Raises:
        UserError: it has a layer, or an option of a layer, that the pipeline's networks lack.
    """
    pictures = graph.apply("Unsqueeze", IMAGES, graph.numbers(1))
    return _add_layer(graph, model, [pictures])


def _add_layer(graph: Graph, layer: keras.Layer, inputs: list[str]) -> str:
    kind = type(layer).__name__
    if kind not in LAYERS:
        raise UserError(
            f"layer {kind} cannot be exported to ONNX; allowed: {', '.join(sorted(LAYERS))}"
        )
    return LAYERS[kind](graph, layer, *inputs)


def _sequential(graph: Graph, model: keras.Sequential, x: str) -> str:
    for layer in model.layers:
        x = _add_layer(graph, layer, [x])
    return x


def _functional(graph: Graph, model: keras.Model, x: str) -> str:
    """Follow the configuration back from the output; it lists the inputs of each layer call."""
    config = model.get_config()
    calls = {entry["name"]: entry["inbound_nodes"] for entry in config["layers"]}
    made = {_place(config["input_layers"]): x}

    def made_by(place: tuple[str, int]) -> str:
        if place not in made:
            name, call = place
            inputs = [made_by(before) for before in _tensors(calls[name][call]["args"])]
            made[place] = _add_layer(graph, model.get_layer(name), inputs)
        return made[place]

    return made_by(_place(config["output_layers"]))


def _tensors(argument: Any) -> Iterator[tuple[str, int]]:
    """For each tensor in `argument`, the layer that returned it and the index of the call."""
    if isinstance(argument, dict):
        yield _place(argument["config"]["keras_history"])
    else:
        for one in argument:
            yield from _tensors(one)


def _place(history: Any) -> tuple[str, int]:
    while not isinstance(history[0], str):
        (history,) = history
    return history[0], history[1]


def _rescaling(graph: Graph, layer: keras.Layer, x: str) -> str:
    scaled = graph.apply("Mul", x, graph.scalar(layer.scale))
    return graph.apply("Add", scaled, graph.scalar(layer.offset))


def _convolution(graph: Graph, layer: keras.Layer, x: str) -> str:
    _check(layer, strides=(1, 1), dilation_rate=(1, 1), groups=1)
    kernel = layer.kernel.numpy().transpose(3, 2, 0, 1)  # ONNX has the channels first
    inputs = [x, graph.constant(layer.kernel.path, kernel)]
    if layer.use_bias:
        inputs.append(graph.constant(layer.bias.path, layer.bias.numpy()))
    padding = {"same": "SAME_UPPER", "valid": "VALID"}[layer.padding]
    return _activated(graph, layer, graph.apply("Conv", *inputs, auto_pad=padding))


def _pooling(graph: Graph, layer: keras.Layer, x: str) -> str:
    _check(layer, padding="valid")
    return graph.apply("MaxPool", x, kernel_shape=layer.pool_size, strides=layer.strides)


def _normalization(graph: Graph, layer: keras.Layer, x: str) -> str:
    _check(layer, axis=-1, center=True, scale=True)
    weights = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    named = [graph.constant(weight.path, weight.numpy()) for weight in weights]
    return graph.apply("BatchNormalization", x, *named, epsilon=layer.epsilon)


def _dense(graph: Graph, layer: keras.Layer, x: str) -> str:
    kernel = graph.constant(layer.kernel.path, layer.kernel.numpy())
    bias = graph.constant(layer.bias.path, layer.bias.numpy())
    return _activated(graph, layer, graph.apply("Gemm", x, kernel, bias))


def _flatten(graph: Graph, _: keras.Layer, x: str) -> str:
    channels_last = graph.apply("Transpose", x, perm=[0, 2, 3, 1])  # as Keras counts the pixels
    return graph.apply("Flatten", channels_last, axis=1)


def _padding(graph: Graph, layer: keras.Layer, x: str) -> str:
    (top, bottom), (left, right) = layer.padding
    return graph.apply("Pad", x, graph.numbers(0, 0, top, left, 0, 0, bottom, right))


def _cropping(graph: Graph, layer: keras.Layer, x: str) -> str:
    starts, ends = zip(*layer.cropping, strict=True)
    ends = [-end or np.iinfo(np.int64).max for end in ends]
    axes = graph.numbers(2, 3)
    return graph.apply("Slice", x, graph.numbers(*starts), graph.numbers(*ends), axes)


def _relu(graph: Graph, layer: keras.Layer, x: str) -> str:
    _check(layer, max_value=None, negative_slope=0, threshold=0)
    return graph.apply("Relu", x)


def _activated(graph: Graph, layer: keras.Layer, x: str) -> str:
    name = layer.activation.__name__
    if name not in ACTIVATIONS:
        raise UserError(
            f"activation {name} cannot be exported to ONNX; allowed: {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[name](graph, x)


def _gelu(graph: Graph, x: str) -> str:
    """Computed with the error function; ONNX has Gelu from opset 20 on."""
    share = graph.apply("Erf", graph.apply("Mul", x, graph.scalar(0.5**0.5)))
    share = graph.apply("Mul", graph.apply("Add", share, graph.scalar(1)), graph.scalar(0.5))
    return graph.apply("Mul", x, share)


def _check(layer: keras.Layer, **options: Any) -> None:
    """Raise UserError if a layer has other options than in the pipeline's networks."""
    for key, allowed in options.items():
        value = getattr(layer, key)
        if value != allowed:
            kind = type(layer).__name__
            raise UserError(
                f"{kind} with {key} {value} cannot be exported to ONNX; allowed: {allowed}"
            )


LAYERS: dict[str, Callable[..., str]] = {
    "Sequential": _sequential,
    "Functional": _functional,
    "Rescaling": _rescaling,
    "Conv2D": _convolution,
    "MaxPooling2D": _pooling,
    "BatchNormalization": _normalization,
    "ReLU": _relu,
    "Dense": _dense,
    "Dropout": lambda _graph, _layer, x: x,
    "Flatten": _flatten,
    "ZeroPadding2D": _padding,
    "Cropping2D": _cropping,
    "Average": lambda graph, _, *inputs: graph.apply("Mean", *inputs),
}
