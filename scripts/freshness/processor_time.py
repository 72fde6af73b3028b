"""A limit on processor time: unlike a clock, it does not run while other programs are busy."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import UserError

SECONDS = 20  # of processor time, to read and judge one revision
LONGEST = 400  # seconds in all, for a machine that does twenty times as much besides
TICK = 0.05  # seconds between two looks at the clocks


class _TimeUpError(Exception):
    """Not a UserError or TimeoutError: the limited code handles those itself."""


@contextmanager
def limited_time(what: str) -> Iterator[None]:
    """End the block after SECONDS of processor time of this process and of the processes that it
    has waited for, or after LONGEST seconds. Main thread only.

    Raises:
        UserError: the block took longer; the message begins with `what`.
    """
    start, used_before = time.monotonic(), _processor_time()

    def look(*_: object) -> None:  # raises at each further tick, if the block handles the error
        if _processor_time() - used_before > SECONDS:
            raise _TimeUpError(f"not read within {SECONDS} seconds of processor time")
        if time.monotonic() - start > LONGEST:
            raise _TimeUpError(f"too slow here, not read within {LONGEST} seconds; run again")

    earlier = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
    try:
        yield
    except _TimeUpError as error:
        raise UserError(f"{what}: {error}") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


def _processor_time() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])
