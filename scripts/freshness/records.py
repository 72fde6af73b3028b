"""Which results are up to date, by what their stages recorded of themselves, whoever ran them."""

import fcntl
import json
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import provenance
from core.errors import UserError
from core.parameters import as_flags
from freshness.parameters import changed_values
from freshness.revision import in_project


@dataclass(frozen=True)
class Stage:
    """A stage as the current code and parameters want it.

    Attributes:
        name: of the rule, and of which of its runs.
        record: where the stage writes its provenance.
        command: the words of its command line, without the interpreter.
        inputs, outputs: the paths of its files. `record` is not among them, nor are the modules
            that its script imports: the record names them, as a compiler's depfile does.
    """

    name: str
    record: str
    command: list[str]
    inputs: list[str]
    outputs: list[str]


def recorded_stages(records: Iterable[Path], parameters: Mapping[str, Any]) -> Iterator[Stage]:
    """The stages that have written `records`, as params.yaml wants them now. Of their files the
    results that are at hand; the code that they imported is judged in any case, and data is not.
    """
    for path in records:
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            section = {**parameters[path.stem], "seed": parameters["seed"]}
            command = _with_values(record["command"], section)
            outputs = [
                name for name in record["outputs"] if in_project(name) and Path(name).is_file()
            ]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            command, outputs = [], []  # it will be found missing or damaged
        yield Stage(path.stem, path.as_posix(), command, [], outputs)


def stale_reasons(stages: Iterable[Stage], ignoring: Collection[str] = ()) -> dict[str, str]:
    """Why the results of a stage do not belong to its command, code and inputs, by its name.

    Args:
        stages: to be judged.
        ignoring: flags of their commands that no result depends on.
    """
    digests: dict[str, str | None] = {}  # so that each file is read once
    reasons = {stage.name: _stale_reason(stage, ignoring, digests) for stage in stages}
    return {name: reason for name, reason in reasons.items() if reason}


def changed_files(
    recorded: Mapping[str, str | None], paths: Iterable[str], digest: Callable[[str], str | None]
) -> Iterator[str]:
    """Which of `paths` are not as they are recorded, in words.

    Args:
        recorded: the digest of each file, by its path.
        digest: of a file as it is now; None if there is none. It may raise UserError.
    """
    for path in paths:
        try:
            found = digest(path)
        except UserError as error:
            yield str(error)
        else:
            if found is None:
                yield f"{path} is missing"
            elif found != recorded.get(path):
                yield f"{path} has changed"


def downstream(stages: Iterable[Stage], names: Iterable[str]) -> list[str]:
    """The stages `names`, and those that read what they make, or what these make, and so on.

    Args:
        stages: each after those whose outputs it reads.
        names: of some of them.
    """
    found, changing = [], set()
    for stage in stages:
        if stage.name in names or changing.intersection(stage.inputs):
            found.append(stage.name)
            changing.update(stage.outputs)
    return found


def orphans(stages: Iterable[Stage]) -> Iterator[str]:
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


def _stale_reason(
    stage: Stage, ignoring: Collection[str], digests: dict[str, str | None]
) -> str | None:
    try:
        record = json.loads(Path(stage.record).read_text(encoding="utf-8"))
        made_by, inputs, outputs = record["command"], record["inputs"], record["outputs"]
        if made_by != stage.command:
            before, now = _flags(made_by, ignoring), _flags(stage.command, ignoring)
            for reason in changed_values(before, now):
                return reason
            if list(before) != list(now):
                return "the flags have another order"
        code = [path for path in inputs if path.startswith("scripts/") and in_project(path)]

        def digest(path: str) -> str | None:
            if path not in digests:
                digests[path] = _digest(path)
            return digests[path]

        for recorded, paths in ((inputs, [*stage.inputs, *code]), (outputs, stage.outputs)):
            for reason in changed_files(recorded, paths, digest):
                return reason
    except FileNotFoundError:
        return f"{stage.record} is missing"
    except OSError as error:
        return f"{error.filename} cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{stage.record} is damaged"
    return None


def _with_values(command: list[str], values: Mapping[str, Any]) -> list[str]:
    """The words of `command` with the `values` of its flags; and those that it lacks."""
    words, is_replaced = [], False
    for word in command:
        if word.startswith("--"):
            key = word.removeprefix("--")
            if isinstance(values.get(key.removeprefix("no-")), bool):
                key = key.removeprefix("no-")
            is_replaced = key in values
            words += shlex.split(as_flags({key: values[key]})) if is_replaced else [word]
        elif not is_replaced:
            words.append(word)
    missing = {
        key: value
        for key, value in values.items()
        if not {f"--{key}", f"--no-{key}"} & {*command, "--seed"}
    }
    return [*words, *shlex.split(as_flags(missing))]


def _digest(path: str) -> str | None:
    try:
        return provenance.digest(Path(path))
    except FileNotFoundError:
        return None


def _flags(words: list[str], ignoring: Collection[str]) -> dict[str, str]:
    """The values of each flag of a command line, those of `ignoring` left out."""
    flags: dict[str, list[str]] = {"": []}
    for word in words:
        if word.startswith("--"):
            flags[word] = []
        else:
            flags[list(flags)[-1]].append(word)
    return {flag: " ".join(values) for flag, values in flags.items() if flag not in ignoring}
