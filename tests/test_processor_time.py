"""A limit on processor time: waiting does not count, work does, also that of other programs."""

import re
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from core.errors import UserError
from freshness.processor_time import limited_time

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


@pytest.fixture(autouse=True)
def limit(monkeypatch) -> None:
    monkeypatch.setattr("freshness.processor_time.SECONDS", 0.2)


def test_waiting_does_not_count():
    """A machine that does other work makes a program wait."""
    with limited_time("file"):
        time.sleep(0.5)
        subprocess.run(["sleep", "0.1"], check=True)


def work() -> None:
    while True:
        pass


def wait() -> None:
    subprocess.run(["sleep", "10"], check=False)


def let_another_work() -> None:
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    wait()


def ignore_errors() -> None:
    with suppress(Exception):
        wait()
    wait()


@pytest.mark.parametrize(
    ("longest", "block", "why"),
    [
        (400, work, "not read within 0.2 seconds of processor time"),
        (400, let_another_work, "not read within 0.2 seconds of processor time"),
        (0.1, wait, "too slow here, not read within 0.1 seconds; run again"),
        (0.1, ignore_errors, "too slow here, not read within 0.1 seconds; run again"),
    ],
)
def test_a_block_that_takes_too_long_ends(longest, block, why, monkeypatch):
    monkeypatch.setattr("freshness.processor_time.LONGEST", longest)
    with pytest.raises(UserError, match=f"^file: {re.escape(why)}$"):
        limited_time("file")(block)()


def test_work_before_the_block_does_not_count():
    exec(BUSY)  # noqa: S102 - in this process
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    with limited_time("file"):
        time.sleep(0.2)


def test_other_errors_pass_and_no_alarm_is_left():
    def raise_late() -> None:
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1
        raise TimeoutError("late")

    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TimeoutError, match="late"):
        limited_time("file")(raise_late)()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before
