"""The mean of a network's weights over the last steps of its training."""

import numpy as np

from networks.backend import keras

STEPS_PER_CALL = 20  # reduces the overhead between steps, which is large for small networks


class WeightAverage(keras.callbacks.Callback):
    """The mean of the weights after step `start`, sampled every STEPS_PER_CALL steps.

    It includes the moving statistics of BatchNormalization, which Keras' `use_ema` leaves out.
    """

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start
        self.count = 0
        self.mean: list[np.ndarray] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if int(self.model.optimizer.iterations) <= self.start:
            return
        self.count += 1
        weights = self.model.get_weights()
        self.mean = self.mean or [np.zeros_like(weight) for weight in weights]
        for mean, weight in zip(self.mean, weights, strict=True):
            mean += (weight - mean) / self.count
