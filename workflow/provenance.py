"""Which results still hold, by what their stages recorded of themselves, whoever ran them."""

import fcntl
import hashlib
import json
import os
import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from snakemake.iocontainers import Wildcards
from snakemake.rules import Rule

A_SECOND = 10**9  # nanoseconds


@dataclass(frozen=True)
class Stage:
    """A stage as the current code and parameters want it.

    Attributes:
        name: of the rule, and of which of its runs.
        record: where the stage writes its provenance.
        command: the words of its command line, without the interpreter.
        inputs, outputs: the paths of its files; `record` is not among them.
    """

    name: str
    record: str
    command: list[str]
    inputs: list[str]
    outputs: list[str]


def stage_of(rule: Rule, **wildcards: str) -> Stage:
    """The stage that `rule` runs."""
    values = Wildcards(fromdict=wildcards)
    outputs, _ = rule.expand_output(values)
    inputs, *_ = rule.expand_input(values)
    parameters, _ = rule.expand_params(values, inputs, outputs, job=None)
    command = rule.shellcmd.partition(" > ")[0].format(
        input=inputs, output=outputs, params=parameters
    )
    record = str(outputs.provenance)
    return Stage(
        " ".join([rule.name, *wildcards.values()]),
        record,
        shlex.split(command)[1:],
        [Path(os.path.relpath(path)).as_posix() for path in inputs],
        [path for path in map(str, outputs) if path != record],
    )


def find_faults(stages: Iterable[Stage]) -> dict[str, str]:
    """Why the results of a stage do not belong to its command, code and inputs, by its name."""
    digests: dict[str, str | None] = {}  # so that each file is read once
    faults = {stage.name: _fault(stage, digests) for stage in stages}
    return {name: fault for name, fault in faults.items() if fault}


def following(stages: Iterable[Stage], faults: Iterable[str]) -> list[str]:
    """The stages `faults`, and those that read what they make, or what these make, and so on.

    Args:
        stages: each after those whose outputs it reads.
        faults: names of some of them.
    """
    stale, changing = [], set()
    for stage in stages:
        if stage.name in faults or changing.intersection(stage.inputs):
            stale.append(stage.name)
            changing.update(stage.outputs)
    return stale


def left_behind(stages: Iterable[Stage]) -> Iterator[str]:
    """Wait for runs of stages that a killed engine has left behind, and name them before."""
    for stage in stages:
        lock = Path(stage.record).with_name(f".{Path(stage.record).stem}.lock")
        if lock.exists():
            with lock.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield stage.name
                    fcntl.flock(file, fcntl.LOCK_EX)


def settle_times(stages: Sequence[Stage], faults: Iterable[str]) -> None:
    """Let the times of the files say what the records say, since Snakemake goes by times.

    What holds becomes newer than what it was made of, where it is not; what does not becomes
    older. Times in the future, as of a copy from a machine whose clock is ahead, are taken back, or
    what is made now would seem older than what it was made of.

    Raises:
        OSError: the files belong to somebody else.
    """
    stale = [stage for stage in stages if stage.name in faults]
    holding = [stage for stage in stages if stage.name not in faults]
    results = {path for stage in stages for path in _results(stage)}
    sources = {path for stage in stages for path in stage.inputs} - results
    latest = max(time.time_ns(), *_times(sources))
    newest = {stage.name: max(_times(stage.inputs), default=0) for stage in holding}
    if any(
        not newest[stage.name] <= moment <= latest
        for stage in holding
        for moment in _times(_results(stage))
    ):
        _set_times(holding, latest)
    for stage in stale:
        _set_times([stage], max(_times(stage.inputs), default=A_SECOND) - A_SECOND)


def _fault(stage: Stage, digests: dict[str, str | None]) -> str | None:
    try:
        record = json.loads(Path(stage.record).read_text(encoding="utf-8"))
        made_by, inputs, outputs = record["command"], record["inputs"], record["outputs"]
        if made_by != stage.command:
            return _difference(_flags(made_by), _flags(stage.command))
        for recorded, paths in ((inputs, stage.inputs), (outputs, stage.outputs)):
            for path in paths:
                if path not in digests:
                    digests[path] = _digest(path)
                if recorded.get(path) != digests[path] or digests[path] is None:
                    return f"{path} {'has changed' if digests[path] else 'is missing'}"
    except FileNotFoundError:
        return f"{stage.record} is missing"
    except OSError as error:
        return f"{error.filename} cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{stage.record} is damaged"
    return None


def _digest(path: str) -> str | None:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _flags(words: list[str]) -> dict[str, str]:
    """The values of each flag of a command line."""
    flags: dict[str, list[str]] = {"": []}
    for word in words:
        if word.startswith("--"):
            flags[word] = []
        else:
            flags[list(flags)[-1]].append(word)
    return {flag: " ".join(values) for flag, values in flags.items()}


def _difference(made_by: dict[str, str], wanted: dict[str, str]) -> str:
    for flag in [*wanted, *made_by]:
        if made_by.get(flag) != wanted.get(flag):
            return f"{flag} was {made_by.get(flag)} and is {wanted.get(flag)}"
    return "the flags have another order"


def _results(stage: Stage) -> list[str]:
    return [*stage.outputs, stage.record]


def _times(paths: Iterable[str]) -> list[int]:
    return [Path(path).stat().st_mtime_ns for path in paths if Path(path).exists()]


def _set_times(stages: Iterable[Stage], nanoseconds: int) -> None:
    for stage in stages:
        for path in _results(stage):
            if Path(path).exists():
                os.utime(path, ns=(nanoseconds, nanoseconds))
