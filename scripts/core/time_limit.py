"""A time limit for a block of code."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def time_limit(seconds: float, error: Exception) -> Iterator[None]:
    """Raise `error` in the block after `seconds`, whatever it waits for. Main thread only.

    The caller chooses the error, because libraries handle a TimeoutError themselves.
    """

    def stop(*_: object) -> NoReturn:
        raise error

    earlier = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
