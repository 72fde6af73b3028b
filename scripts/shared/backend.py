"""Keras on a TensorFlow that is quiet, and whose results depend on nothing that is not given."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it once, at import

import keras
import tensorflow as tf

__all__ = ["keras", "memory_errors", "tf", "use_seed", "use_threads", "verbosity"]


def use_threads(threads: int) -> None:
    """Fix TensorFlow's threads, whatever the environment says. To be called before it computes."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def use_seed(seed: int) -> None:
    """Make what follows depend on `seed` alone, as in a process of its own."""
    keras.utils.clear_session()  # layers are numbered from the start
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


@contextmanager
def memory_errors() -> Iterator[None]:
    """Make TensorFlow's own error for too little memory Python's."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error


def verbosity() -> int:
    """For Keras: a progress bar in a terminal, nothing in a log."""
    return 1 if sys.stdout.isatty() else 0
