"""Keras networks: trained so that a seed gives the same weights, saved as text and plain arrays."""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it once, at import

import keras
import numpy as np
import tensorflow as tf

from shared.command_line import StageParser, number, one_of, whole_number
from shared.errors import UserError
from shared.files import write_text, written_whole
from shared.npz import read_arrays, write_arrays
from shared.split import Split, read_split
from shared.training_record import Layer, write_record

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
    "sgd": keras.optimizers.SGD,
}
SCHEDULES = ("constant", "one_cycle")
WARM_UP = 0.2  # share of a cycle's steps in which the learning rate rises

# Keras makes an object of whatever class a file names. A network here consists of these and no
# others, so a file that asks for more was not written by a training stage.
SAFE_CLASSES = frozenset(
    (
        *("Sequential", "InputLayer", "Rescaling", "Reshape", "Flatten", "Dense", "Dropout"),
        *("Conv2D", "MaxPooling2D", "GlorotUniform", "Zeros", "DTypePolicy"),
    )
)


def add_training_flags(parser: StageParser) -> None:
    """Add the paths and parameters that `train_network` takes from the command line."""
    parser.add_input("train", "the training part, .npz")
    parser.add_input("validation", "the validation part, .npz")
    parser.add_output("network", "the architecture, .json")
    parser.add_output("weights", "the weights, .npz")
    parser.add_output("history", "the training curve, .csv")
    parser.add_output("record", "the record of the training, .json")
    parser.add_parameter("optimizer", one_of(*OPTIMIZERS), "Keras optimizer")
    parser.add_parameter("learning_rate", number(above=0), "step size of the optimizer")
    parser.add_parameter("schedule", one_of(*SCHEDULES), "the step size over the training")
    parser.add_parameter("epochs", whole_number(at_least=1), "passes over the training images")
    parser.add_parameter("batch_size", whole_number(at_least=1), "images a step")
    parser.add_parameter("threads", whole_number(1, 1024), "threads of TensorFlow")
    parser.add_seed()


@contextmanager
def memory_errors() -> Iterator[None]:
    """Make TensorFlow's own error for too little memory Python's."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error


@memory_errors()
def train_network(
    stage: str,
    hidden_layers: Callable[[tuple[int, int]], list[keras.Layer]],
    settings: dict[str, Any],
    *,
    train: Path,
    validation: Path,
    network: Path,
    weights: Path,
    history: Path,
    record: Path,
    optimizer: str,
    learning_rate: float,
    schedule: str,
    epochs: int,
    batch_size: int,
    threads: int,
    seed: int,
) -> None:
    """Train scaling, `hidden_layers` and a softmax layer on cross-entropy, and save the outcome.

    Args:
        stage: the section of params.yaml, for messages.
        hidden_layers: makes the layers for images of (height, width); called once the seed is set.
        settings: the stage's own parameters, to be recorded with those given here.
        learning_rate: the step size, or the highest of a cycle.
        schedule: "constant", or "one_cycle": up in a straight line, then down to 0 along a cosine.
        threads: threads of TensorFlow; sums of floats depend on it.

    Raises:
        UserError: the loss is no longer a number.
    """
    use_threads(threads)
    keras.utils.clear_session()  # layers are numbered from the start, as in a process of its own
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()

    part, held_out = read_split(train), read_split(validation)
    image_shape, classes = part.images.shape[1:], len(part.classes)
    model = keras.Sequential(
        [
            keras.Input(image_shape),
            _scaling(part.pixel_range),
            *hidden_layers(image_shape),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    rate: float | keras.optimizers.schedules.LearningRateSchedule = learning_rate
    if schedule == "one_cycle":
        steps = epochs * math.ceil(len(part.labels) / batch_size)
        rising = max(1, round(WARM_UP * steps))
        rate = keras.optimizers.schedules.CosineDecay(
            learning_rate / rising,  # not 0, or a run of one step would train nothing
            max(1, steps - rising),
            warmup_target=learning_rate,
            warmup_steps=rising,
        )
    model.compile(
        optimizer=OPTIMIZERS[optimizer](rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    with written_whole(history) as curve:
        start = time.perf_counter()
        model.fit(
            *_arrays(part),
            validation_data=_arrays(held_out) if len(held_out.labels) else None,
            epochs=epochs,
            batch_size=batch_size,
            callbacks=[keras.callbacks.CSVLogger(curve), keras.callbacks.TerminateOnNaN()],
            verbose=_verbosity(),
        )
        fit_seconds = time.perf_counter() - start
        if not math.isfinite(model.history.history["loss"][-1]):
            raise UserError(
                f"{stage}.learning_rate: {learning_rate} made the loss grow beyond all numbers;"
                " allowed: a smaller one"
            )
    write_network(network, weights, model)
    write_record(
        record,
        settings={
            **settings,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "schedule": schedule,
            "epochs": epochs,
            "batch_size": batch_size,
            "threads": threads,
        },
        layers=_layer_table(model),
        training_images=len(part.labels),
        validation_images=len(held_out.labels),
        fit_seconds=fit_seconds,
    )


def use_threads(threads: int) -> None:
    """Fix TensorFlow's threads, whatever the environment says. To be called before it computes."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def write_network(network: Path, weights: Path, model: keras.Sequential) -> None:
    """Write the architecture as JSON and the weights, in the order of `model.weights`, as `.npz`.

    A `.keras` archive holds the date, and HDF5, which Keras writes, crashes on a full disk and
    trusts what a file says of itself.
    """
    bare = keras.Sequential.from_config(model.get_config())  # without the optimizer's settings
    write_text(network, json.dumps(json.loads(bare.to_json()), indent=1, sort_keys=True) + "\n")
    arrays = model.get_weights()
    write_arrays(weights, **dict(zip(_array_names(model), arrays, strict=True)))


def read_network(network: Path, weights: Path) -> keras.Sequential:
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
        raise UserError(f"{network} and {weights.name} are not a network ({reason})") from error
    return model


def predict(model: keras.Sequential, images: np.ndarray, batch_size: int) -> np.ndarray:
    """Class probabilities, (n, k), float32, of images, (n, height, width).

    Raises:
        ValueError: the network cannot take such images.
    """
    try:
        return model.predict(images, batch_size=batch_size, verbose=_verbosity())
    except tf.errors.OpError as error:
        raise ValueError(error.message) from error


def _array_names(model: keras.Sequential) -> tuple[str, ...]:
    return tuple(f"weight_{number}" for number in range(len(model.weights)))


def _scaling(pixel_range: np.ndarray) -> keras.Layer:
    low, high = pixel_range
    return keras.layers.Rescaling(1 / (high - low), offset=-low / (high - low))


def _arrays(part: Split) -> tuple[np.ndarray, np.ndarray]:
    return part.images, keras.utils.to_categorical(part.labels, len(part.classes))


def _verbosity() -> int:
    """A progress bar in a terminal, nothing in a log."""
    return 1 if sys.stdout.isatty() else 0


def _layer_table(model: keras.Sequential) -> list[Layer]:
    return [
        {
            "layer": type(layer).__name__,
            "output_shape": list(layer.output.shape[1:]),
            "parameters": layer.count_params(),
        }
        for layer in model.layers
    ]


def _class_names(node: Any) -> set[str]:
    """Every class that a Keras configuration names; one from outside Keras with its module."""
    if isinstance(node, list):
        return set().union(*map(_class_names, node))
    if not isinstance(node, dict):
        return set()
    names = set().union(*map(_class_names, node.values()))
    if "class_name" in node:
        module = str(node.get("module") or "keras")
        prefix = "" if module in ("keras", "keras.layers", "keras.initializers") else f"{module}."
        names.add(f"{prefix}{node['class_name']}")
    return names
