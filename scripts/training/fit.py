"""Train Keras networks, a single one or an ensemble."""

import csv
import io
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.command_line import StageParser
from core.errors import UserError
from core.files import write_text
from core.split import Split, background, read_split
from networks.backend import batches, keras, memory_errors, tf, use_seed, use_threads, verbosity
from networks.network import predict, write_network
from training.augmentation import Augmentation, augmented
from training.averaging import STEPS_PER_CALL, WeightAverage
from training.calibration import TEMPERATURE
from training.network_calibration import calibrate_members
from training.recipe import THREADS, Recipe, resolved
from training.training_record import Layer, microseconds_an_image, write_record

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
    # With Nesterov momentum, for which the recipes were chosen.
    "sgd": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
}
WARM_UP = 0.2  # share of the steps in which the learning rate rises
ANSWERED_TOGETHER = 1_000  # images, where the time of an answer is taken
POLICIES = {"bfloat16": "mixed_bfloat16", "float32": "float32"}


def add_training_paths(parser: StageParser) -> None:
    """Add the paths of `train_network` and the seed to the command line."""
    parser.add_input("train", "the training part, .npz")
    parser.add_input("validation", "the validation part, .npz")
    parser.add_output("network", "the architecture, .json")
    parser.add_output("weights", "the weights, .npz")
    parser.add_output("history", "the training curve, .csv")
    parser.add_output("record", "the record of the training, .json")
    parser.add_seed()


@memory_errors()
def train_network(
    stage: str,
    hidden_layers: Callable[[tuple[int, int]], list[keras.Layer]],
    recipe: Recipe,
    own_settings: dict[str, Any],
    own_defaults: dict[str, Any],
    *,
    train: Path,
    validation: Path,
    network: Path,
    weights: Path,
    history: Path,
    record: Path,
    threads: int,
    seed: int,
    calibration: str,
    members: int = 1,
    **requested: Any,
) -> None:
    """Train a network of a scaling layer, `hidden_layers` and a softmax layer with cross-entropy
    loss, and save it.

    Args:
        stage: the section of params.yaml, for messages.
        hidden_layers: makes the layers for images of (height, width).
        recipe: the values of parameters that are "recipe".
        own_settings: the stage's own parameters, for the record.
        own_defaults: their default values.
        train, validation: the files of the training and validation parts.
        network, weights, history, record: the files to write.
        threads: the threads of TensorFlow; they affect the order of float sums, and so the results.
        seed: of all random choices.
        calibration: "temperature" or "none".
        members: networks to train, each with its own seed; the model averages their predictions.
        requested: the parameters in `Recipe`; "recipe" leaves one to the recipe.

    Raises:
        UserError: the loss diverges, or a parameter does not fit the images.
    """
    use_threads(threads)
    part, held_out = read_split(train), read_split(validation)
    image_shape = part.images.shape[1:]
    settings, defaults = (
        resolved(stage, recipe, given, len(part.labels), image_shape) for given in (requested, {})
    )

    def member(name: str) -> keras.Sequential:
        low, high = part.pixel_range
        scale = 1 / (high - low)
        return keras.Sequential(
            [
                keras.Input((*image_shape, 1)),
                keras.layers.Rescaling(scale, offset=-low * scale, dtype="float32"),
                *hidden_layers(image_shape),
                keras.layers.Dense(len(part.classes), activation="softmax", dtype="float32"),
            ],
            name=name,
        )

    trained, curves = [], []
    start = time.perf_counter()
    for order, own_seed in enumerate(np.random.SeedSequence(seed).generate_state(members), 1):
        if verbosity() and members > 1:
            print(f"Network {order} of {members}")
        use_seed(int(own_seed))
        keras.config.set_dtype_policy(POLICIES[settings["precision"]])
        model = member(f"member_{order}")
        keras.config.set_dtype_policy("float32")
        curves.append(_fit(stage, model, part, held_out, settings, int(own_seed)))
        trained.append(_for_any_processor(model))
    fit_seconds = time.perf_counter() - start

    shift, fill = settings["test_time_shift"], background(part.images)
    model = _as_one(trained, shift, fill)
    calibrated = calibrate_members(
        stage, calibration, trained, lambda images: _views(images, shift, fill), held_out
    )
    write_network(network, weights, model)
    write_text(history, _curve(curves))
    write_record(
        record,
        settings={
            **{**own_settings, **settings, "threads": threads},
            "calibration": calibrated.method,
        },
        defaults={**own_defaults, **defaults, "threads": THREADS, "calibration": TEMPERATURE},
        layers=_layer_table(trained),
        train=part,
        validation=held_out,
        fit_seconds=fit_seconds,
        answer_microseconds=microseconds_an_image(
            lambda images: predict(model, images, ANSWERED_TOGETHER), part.images
        ),
        calibration=calibrated.record,
        remarks=calibrated.remarks,
    )


def _fit(
    stage: str,
    model: keras.Sequential,
    part: Split,
    held_out: Split,
    settings: dict[str, Any],
    seed: int,
) -> list[dict[str, float]]:
    """Train `model` and return its training curve, one row per epoch."""
    epochs, batch_size = settings["epochs"], settings["batch_size"]
    steps_per_epoch = math.ceil(len(part.labels) / batch_size)
    steps = epochs * steps_per_epoch
    model.compile(
        optimizer=OPTIMIZERS[settings["optimizer"]](_learning_rate(settings, steps)),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings["label_smoothing"]),
        metrics=["accuracy", keras.metrics.CategoricalCrossentropy("log_loss")],
        steps_per_execution=min(STEPS_PER_CALL, steps_per_epoch),
    )
    average = WeightAverage((1 - settings["averaging"]) * steps)
    callbacks = [keras.callbacks.TerminateOnNaN(), *([average] if settings["averaging"] else [])]
    augmentation = Augmentation(*(settings[key] for key in ("shift", "rotation", "zoom", "shear")))
    fill = background(part.images)
    images, labels = _arrays(part)
    # Variables, reused for every epoch: TensorFlow would keep new arrays until Python's garbage
    # collection, which may be epochs later.
    epochs_images, epochs_labels = tf.Variable(images), tf.Variable(labels)
    shown = batches(batch_size, epochs_images, epochs_labels)
    watched = batches(batch_size, *_arrays(held_out)) if len(held_out.labels) else None
    random = np.random.default_rng(seed)
    curve = []
    for epoch in range(epochs):
        order = random.permutation(len(images))
        epochs_images.assign(augmented(images, order, augmentation, fill, random))
        epochs_labels.assign(labels[order])
        fitted = model.fit(
            shown,
            validation_data=watched,
            initial_epoch=epoch,
            epochs=epoch + 1,
            callbacks=callbacks,
            shuffle=False,
            verbose=verbosity(),
        )
        curve.append({key: values[-1] for key, values in fitted.history.items()})
        finite = all(np.isfinite(weight).all() for weight in model.get_weights())
        if not (finite and math.isfinite(curve[-1]["loss"])):  # the last step may be the fatal one
            raise UserError(
                f"{stage}.learning_rate: {settings['learning_rate']} made the loss diverge;"
                " allowed: a smaller value"
            )
        # Record the log loss; the loss in training includes label smoothing.
        for part_name in ("", "val_") if watched else ("",):
            curve[-1][f"{part_name}loss"] = curve[-1].pop(f"{part_name}log_loss")
    if average.count:
        model.set_weights(average.mean)
    return curve


def _learning_rate(
    settings: dict[str, Any], steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """A constant, or one cycle: a linear rise, then a cosine decay to 0."""
    highest = settings["learning_rate"]
    if settings["schedule"] == "constant":
        return highest
    rising = max(1, round(WARM_UP * steps))
    return keras.optimizers.schedules.CosineDecay(
        highest / rising,  # not 0, or a run of one step would train nothing
        max(1, steps - rising),
        warmup_target=highest,
        warmup_steps=rising,
    )


def _for_any_processor(model: keras.Sequential) -> keras.Sequential:
    """A copy in float32 with Keras' own layer classes only, to save."""
    copies = [keras.Input(model.input_shape[1:])]
    for layer in model.layers:
        kind = next(kind for kind in type(layer).__mro__ if kind.__module__.startswith("keras."))
        copies.append(kind.from_config({**layer.get_config(), "dtype": "float32"}))
    copy = keras.Sequential(copies, name=model.name)
    copy.set_weights(model.get_weights())
    return copy


def _as_one(members: list[keras.Sequential], shift: int, fill: float) -> keras.Model:
    """One model that averages the predictions of all members for the image and its shifted copies.

    Args:
        members: networks with inputs of (height, width, 1).
        shift: pixels to shift the image by in each of four directions; 0 for no shifted copies.
        fill: the pixel outside of the shifted image.
    """
    if len(members) == 1 and not shift:
        return members[0]
    images = keras.Input(members[0].input_shape[1:])
    views = _views(images, shift, fill)
    predictions = [member(view) for member in members for view in views]
    return keras.Model(images, keras.layers.Average()(predictions))


def _views(images: keras.KerasTensor, shift: int, fill: float) -> list[keras.KerasTensor]:
    """The inputs of the members: the images and, unless `shift` is 0, their four shifted copies."""
    if not shift:
        return [images]
    # Keras pads with zeros, so the background is made zero before and restored after.
    zero_around = keras.layers.Rescaling(1.0, offset=-fill)(images)
    padded = keras.layers.ZeroPadding2D(shift)(zero_around)
    padded = keras.layers.Rescaling(1.0, offset=fill)(padded)
    views = []
    for down, right in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
        top, left = shift - down * shift, shift - right * shift
        crop = ((top, 2 * shift - top), (left, 2 * shift - left))
        views.append(keras.layers.Cropping2D(crop)(padded))
    return views


def _arrays(part: Split) -> tuple[np.ndarray, np.ndarray]:
    return part.images[..., None], keras.utils.to_categorical(part.labels, len(part.classes))


def _curve(curves: list[list[dict[str, float]]]) -> str:
    """The mean of the members' training curves as CSV, one row per epoch."""
    table = io.StringIO()
    columns = sorted(curves[0][0])
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["epoch", *columns])
    for epoch, rows in enumerate(zip(*curves, strict=True)):
        writer.writerow([epoch, *(float(np.mean([row[key] for row in rows])) for key in columns)])
    return table.getvalue()


def _layer_table(members: list[keras.Sequential]) -> list[Layer]:
    table: list[Layer] = [
        {
            "layer": type(layer).__name__,
            "output_shape": list(layer.output.shape[1:]),
            "parameters": layer.count_params(),
        }
        for layer in members[0].layers
    ]
    others = members[1:]
    if others:
        table.append(
            {
                "layer": f"{len(others)} more such networks, averaged",
                "output_shape": list(members[0].output_shape[1:]),
                "parameters": sum(member.count_params() for member in others),
            }
        )
    return table
