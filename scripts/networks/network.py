"""Keras networks, stored as text and plain arrays: loading them executes no code."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from core.arrays import Kind, check_arrays
from core.errors import UserError
from core.files import write_text
from core.npz import read_arrays, reason, write_arrays
from networks.backend import batches, keras, memory_errors, tf, verbosity

# Keras instantiates every class that a file names. The training stages use only these classes, so
# files with other classes are refused.
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

    Not as `.keras` or HDF5: a `.keras` archive contains the date; HDF5 crashes on a full disk and
    trusts the sizes in a file.
    """
    write_text(network, json.dumps(json.loads(model.to_json()), indent=1, sort_keys=True) + "\n")
    arrays = model.get_weights()
    write_arrays(weights, **dict(zip(_array_names(model), arrays, strict=True)))


def read_network(network: Path, weights: Path) -> keras.Model:
    """Read a network that `write_network` wrote.

    Raises:
        UserError: the files name a class that is not in SAFE_CLASSES, are damaged, or are from
            different networks.
        OSError: a file cannot be read.
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
        kinds = [Kind("f", tuple(weight.shape)) for weight in model.weights]
        check_arrays(str(weights), arrays, dict(zip(arrays, kinds, strict=True)))
        model.set_weights(list(arrays.values()))
        model(np.zeros((1, *model.input_shape[1:]), np.float32))  # fails for odd settings of layers
    except (UserError, OSError, MemoryError):
        raise
    except Exception as error:  # Keras and TensorFlow raise many types for an invalid file
        raise UserError(
            f"{network} and {weights.name} are not a valid network ({reason(error)})"
        ) from error
    return model


def predict(model: keras.Model, images: np.ndarray, batch_size: int) -> np.ndarray:
    """Class probabilities, (n, k), float32, of images, (n, height, width).

    Raises:
        ValueError: the network does not accept images of this size.
    """
    try:
        with memory_errors():
            return model.predict(batches(batch_size, images[..., None]), verbose=verbosity())
    except tf.errors.OpError as error:
        raise ValueError(error.message) from error


def _array_names(model: keras.Model) -> tuple[str, ...]:
    return tuple(f"weight_{number}" for number in range(len(model.weights)))


def _class_names(node: Any) -> set[str]:
    """All classes that a Keras configuration names; with the module if it is not Keras'."""
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
