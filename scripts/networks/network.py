"""Keras networks as files: text and plain arrays, of which nothing is ever executed."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError
from core.files import write_text
from core.npz import read_arrays, write_arrays
from networks.backend import batches, keras, memory_errors, tf, verbosity

# Keras makes an object of whatever class a file names. A network here consists of these and no
# others, so a file that asks for more was not written by a training stage.
SAFE_CLASSES = frozenset(
    (
        *("Sequential", "Functional", "InputLayer", "Rescaling", "Flatten", "Dense", "Dropout"),
        *("Conv2D", "MaxPooling2D", "BatchNormalization", "ReLU"),
        *("ZeroPadding2D", "Cropping2D", "Average"),
        *("GlorotUniform", "Zeros", "Ones", "DTypePolicy", "__keras_tensor__"),
    )
)

KERAS_MODULES = ("keras", "keras.layers", "keras.initializers", "keras.src.models.functional")


def write_network(network: Path, weights: Path, model: keras.Model) -> None:
    """Write the architecture as JSON and the weights, in the order of `model.weights`, as `.npz`.

    A `.keras` archive holds the date, and HDF5, which Keras writes, crashes on a full disk and
    trusts what a file says of itself.
    """
    write_text(network, json.dumps(json.loads(model.to_json()), indent=1, sort_keys=True) + "\n")
    arrays = model.get_weights()
    write_arrays(weights, **dict(zip(_array_names(model), arrays, strict=True)))


def read_network(network: Path, weights: Path) -> keras.Model:
    """Read what `write_network` wrote.

    Raises:
        UserError: the files name a class that our networks do not have, are damaged, or do not
            belong together.
    """
    try:
        text = network.read_text(encoding="utf-8")
        strange = _class_names(json.loads(text)) - SAFE_CLASSES
        if strange:
            raise UserError(
                f"{network}: class {min(strange)!r}; allowed: {', '.join(sorted(SAFE_CLASSES))}"
            )
        model = keras.models.model_from_json(text)
        arrays = read_arrays(weights, _array_names(model))
        model.set_weights(list(arrays.values()))
    # Keras has any of these for a strange file.
    except (
        *(ValueError, TypeError, KeyError, AttributeError, RecursionError),
        tf.errors.OpError,
    ) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise UserError(f"{network} and {weights.name} are no valid network ({reason})") from error
    return model


def predict(model: keras.Model, images: np.ndarray, batch_size: int) -> np.ndarray:
    """Class probabilities, (n, k), float32, of images, (n, height, width).

    Raises:
        ValueError: the network cannot take such images.
    """
    try:
        with memory_errors():
            return model.predict(batches(batch_size, images[..., None]), verbose=verbosity())
    except tf.errors.OpError as error:
        raise ValueError(error.message) from error


def _array_names(model: keras.Model) -> tuple[str, ...]:
    return tuple(f"weight_{number}" for number in range(len(model.weights)))


def _class_names(node: Any) -> set[str]:
    """Every class that a Keras configuration names; one from outside Keras with its module."""
    if isinstance(node, list):
        return set().union(*map(_class_names, node))
    if not isinstance(node, dict):
        return set()
    names = set().union(*map(_class_names, node.values()))
    if "class_name" in node:
        module = str(node.get("module") or "keras")
        prefix = "" if module in KERAS_MODULES else f"{module}."
        names.add(f"{prefix}{node['class_name']}")
    return names
