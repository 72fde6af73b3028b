"""Check that exported models, loaded as users load them, predict like the pipeline's models."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from tqdm import tqdm

from core.errors import UserError
from export.linear_forms import predict_plain_arrays
from export.onnx_graph import IMAGES, PROBABILITIES
from networks.backend import keras

BOUND = 1e-5  # allowed difference of a probability; rounding causes 2e-6 on MNIST
Predict = Callable[[np.ndarray], np.ndarray]


def check_predictions(
    path: Path, name: str, images: np.ndarray, expected: np.ndarray, batch_size: int, threads: int
) -> float:
    """The largest difference between the probabilities of the exported model at `path` and the
    expected ones.

    Args:
        name: the model's name in messages.
        images: (n, height, width), in the dataset's own units.
        expected: (n, k), float32, the probabilities of the pipeline's model.
        batch_size: images to predict at a time.
        threads: threads of onnxruntime.

    Raises:
        UserError: it predicts another class, or a probability that differs by more than BOUND.
    """
    predict = LOADED[path.suffix](path, threads)
    most, others = 0.0, 0
    starts = range(0, len(images), batch_size)
    for start in tqdm(starts, f"{name}: {path.name}", disable=None, leave=False):  # in a terminal
        batch = slice(start, start + batch_size)
        found = predict(images[batch].astype(np.float32))
        if found.shape != expected[batch].shape:
            raise UserError(f"{name}: not exported, because {path.name} has other classes")
        most = float(np.maximum(most, np.abs(found - expected[batch]).max()))
        others += int((found.argmax(axis=1) != expected[batch].argmax(axis=1)).sum())
    if others or not most <= BOUND:
        raise UserError(
            f"{name}: not exported, because {path.name} predicts differently than the model:"
            f" another class for {others:,} of {len(images):,} test images, and probabilities"
            f" differ by up to {most:.1g}; allowed: the same classes, and {BOUND:.0e}"
        )
    return most


def _keras(path: Path, _threads: int) -> Predict:
    model = keras.models.load_model(path)
    return lambda images: model.predict_on_batch(images)


def _onnx(path: Path, threads: int) -> Predict:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run([PROBABILITIES], {IMAGES: images})[0]


def _arrays(path: Path, _threads: int) -> Predict:
    return lambda images: predict_plain_arrays(path, images)


LOADED: dict[str, Callable[[Path, int], Predict]] = {
    ".keras": _keras,
    ".onnx": _onnx,
    ".npz": _arrays,
}
