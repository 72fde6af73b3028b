"""The temperature of networks that answer together, made part of their last layers."""

from collections.abc import Callable

import numpy as np

from core.split import Split
from networks.backend import keras
from networks.network import predict
from training.calibration import Calibration, calibrate

TOGETHER = 1_000  # images to answer at a time

Views = Callable[[keras.KerasTensor], list[keras.KerasTensor]]


def calibrate_members(
    stage: str, method: str, members: list[keras.Sequential], views: Views, held_out: Split
) -> Calibration:
    """Find the temperature of the mean answer of all members to all views, and divide the weights
    and biases of their last layers by it: whoever loads the network has it.

    Args:
        stage, method, held_out: as `calibrate` takes them.
        members: each ends in a dense layer with a softmax.
        views: gives what the members are asked of images, (n, height, width, 1).
    """
    found = calibrate(stage, method, lambda images: _logits(members, views, images), held_out)
    for member in members:
        last = member.layers[-1]
        last.set_weights([array / found.temperature for array in last.get_weights()])
    return found


def _logits(members: list[keras.Sequential], views: Views, images: np.ndarray) -> np.ndarray:
    """What each member makes of each view before its softmax, (n, members * views, k), of images,
    (n, height, width).
    """
    shown = keras.Input(members[0].input_shape[1:])
    seen = views(shown)
    logits = []
    for member in members:
        last = member.layers[-1]
        before = keras.layers.Dense(last.units)
        unnormalized = keras.Model(member.inputs, before(last.input))
        before.set_weights(last.get_weights())
        logits += [unnormalized(view) for view in seen]
    return predict(keras.Model(shown, keras.ops.stack(logits, axis=1)), images, TOGETHER)
