"""Temperature scaling of an ensemble of networks, folded into the weights of their last layers."""

from collections.abc import Callable

import numpy as np

from core.split import Split
from networks.backend import keras
from networks.network import predict
from training.calibration import Calibration, calibrate

TOGETHER = 1_000  # images to predict at a time

Views = Callable[[keras.KerasTensor], list[keras.KerasTensor]]


def calibrate_members(
    stage: str, method: str, members: list[keras.Sequential], views: Views, held_out: Split
) -> Calibration:
    """Find the temperature of the mean prediction of all members for all views, and divide the
    weights and biases of their last layers by it, so that the saved network includes it.

    Args:
        stage, method, held_out: as in `calibrate`.
        members: networks that end in a dense layer with softmax.
        views: returns the inputs of the members, given images, (n, height, width, 1).
    """
    found = calibrate(stage, method, lambda images: _logits(members, views, images), held_out)
    for member in members:
        last = member.layers[-1]
        last.set_weights([array / found.temperature for array in last.get_weights()])
    return found


def _logits(members: list[keras.Sequential], views: Views, images: np.ndarray) -> np.ndarray:
    """The logits of each member for each view, (n, members * views, k), of images, (n, height,
    width).
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
