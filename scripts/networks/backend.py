"""Keras on TensorFlow, with few log messages and reproducible results."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import core.plotting  # noqa: F401 - before Keras, which imports Matplotlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it once, at import


@contextmanager
def _quiet_import() -> Iterator[None]:
    """Hide what TensorFlow's libraries write to standard error while they load: a note that oneDNN
    can be turned off, which core/environment.py rules out; no log level hides it. Python's own
    errors are shown as always.
    """
    stderr = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


with _quiet_import():
    import keras
    import tensorflow as tf

__all__ = ["batches", "keras", "memory_errors", "tf", "use_seed", "use_threads", "verbosity"]


def use_threads(threads: int) -> None:
    """Set TensorFlow's threads, whatever the environment says. Call this before any computation."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def use_seed(seed: int) -> None:
    """Make all following results depend on `seed` alone, as in a new process."""
    keras.utils.clear_session()  # restarts the numbers in layer names
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def batches(size: int, *arrays: np.ndarray | tf.Variable) -> tf.data.Dataset:
    """A dataset of arrays of equal length for Keras, in order, in batches of `size` rows.

    A variable may change between two passes.

    Keras' own pipeline is not used: it tunes itself in a thread that sleeps for increasing times,
    and the end of a pass can wait for this thread, for up to the duration of the pass.
    """
    tensors = [
        array if isinstance(array, tf.Variable) else tf.convert_to_tensor(array) for array in arrays
    ]

    def batch(start: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(tensor[start : start + size] for tensor in tensors)

    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.range(0, tensors[0].shape[0], size).map(batch).with_options(options)


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn TensorFlow's out-of-memory error into MemoryError."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error


def verbosity() -> int:
    """Keras' `verbose` argument: a progress bar in a terminal, nothing in a log."""
    return 1 if sys.stdout.isatty() else 0
