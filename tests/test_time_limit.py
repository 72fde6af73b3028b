"""A limit on time ends what it limits, and leaves no alarm."""

import signal
import time

import pytest

from core.time_limit import time_limit


def test_what_takes_longer_ends_by_the_error_given():
    error = KeyError("late")
    with pytest.raises(KeyError) as raised, time_limit(0.05, error):
        time.sleep(10)
    assert raised.value is error


def test_it_ends_what_it_limits_and_nothing_after():
    calls = []
    earlier = signal.signal(signal.SIGALRM, lambda *_: calls.append("own"))
    try:
        took = pytest.raises(KeyError)
        with took, time_limit(9, KeyError()):
            assert 1 < signal.getitimer(signal.ITIMER_REAL)[0] <= 9
            signal.raise_signal(signal.SIGALRM)
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        signal.raise_signal(signal.SIGALRM)
        assert calls == ["own"]
    finally:
        signal.signal(signal.SIGALRM, earlier)
