"""Git, called as a program. What it refuses is an error with its own words."""

import os
import re
import subprocess
from collections.abc import Collection

from core.errors import UnreadableError
from core.text import printable, shortened

LONGEST = 500  # characters of git's words in a message


def git(*words: str, may_end: Collection[int] = (0,), **environment: str) -> bytes:
    """What git prints, run with the additional variables `environment`.

    Paths are literal: a star in a path, or a colon before it, has no special meaning.

    Args:
        may_end: the exit statuses that are an answer.

    Raises:
        UnreadableError: git ends with another status, or cannot be started. The message has git's
            reason, and the remedy if git names one.
    """
    command, env = ["git", "--literal-pathspecs", *words], {**os.environ, **environment}
    try:
        done = subprocess.run(command, capture_output=True, check=False, env=env)
    except FileNotFoundError as error:
        raise UnreadableError("git is not installed; it is needed to compare results") from error
    except OSError as error:
        raise UnreadableError(f"git cannot be started: {error.strerror}") from error
    if done.returncode not in may_end:
        raise UnreadableError(f"git {words[0]}: {_reason(done.stderr.decode(errors='replace'))}")
    return done.stdout


def _reason(said: str) -> str:
    """Git's words in one line, from its last error on: a remedy can follow it."""
    *_, last = re.split(r"^(?:fatal|error): ", said.strip(), flags=re.MULTILINE)
    return shortened(printable(last), LONGEST) or "failed without a message"
