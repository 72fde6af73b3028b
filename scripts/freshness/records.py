"""Which results are up to date, by the stages' own records, whichever engine ran them."""

import fcntl
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import provenance
from core.errors import UnreadableError, UserError
from core.parameters import as_flags
from freshness.parameters import changed_values
from freshness.revision import in_project

# How long and how often download tries to fetch a file does not affect the file.
WITHOUT_EFFECT = ("timeout", "attempts")


@dataclass(frozen=True)
class Stage:
    """A stage as the current code and parameters define it.

    Attributes:
        name: the name of the rule, and the wildcards of the run.
        record: the path of its provenance record.
        command: the words of its command line, without the interpreter.
        inputs, outputs: the paths of its files, without `record` and without the modules that its
            script imports: the record lists these, as the depfile of a compiler does.
    """

    name: str
    record: str
    command: list[str]
    inputs: list[str]
    outputs: list[str]


def recorded_stages(records: Iterable[Path], parameters: Mapping[str, Any]) -> Iterator[Stage]:
    """The stages that wrote `records`, with the current values of params.yaml. Their outputs are
    the recorded results that are available. Imported code is always checked, data is not.
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
            command, outputs = [], []  # stale_reasons reports it as missing or damaged
        yield Stage(path.stem, path.as_posix(), command, [], outputs)


def stale_reasons(stages: Iterable[Stage]) -> dict[str, str]:
    """Why the results of a stage are out of date with its command, code or inputs, by stage name.
    The parameters WITHOUT_EFFECT may differ.
    """
    digests: dict[str, str | None] = {}  # so that each file is read once
    reasons = {stage.name: _stale_reason(stage, digests) for stage in stages}
    return {name: reason for name, reason in reasons.items() if reason}


def changed_files(
    recorded: Mapping[str, str | None], paths: Iterable[str], digest: Callable[[str], str | None]
) -> Iterator[str]:
    """A sentence for each of `paths` that differs from its record.

    Args:
        recorded: the digest of each file, by path.
        paths: the files to check.
        digest: returns the current digest of a file, None if there is none. May raise UserError.

    Raises:
        UnreadableError: `digest` raises it.
    """
    for path in paths:
        try:
            found = digest(path)
        except UnreadableError:
            raise  # unknown, neither missing nor changed
        except UserError as error:
            yield str(error)
        else:
            if found is None:
                yield f"{path} is missing"
            elif found != recorded.get(path):
                yield f"{path} has changed"


def downstream(stages: Iterable[Stage], names: Iterable[str]) -> list[str]:
    """The names of the stages `names` and of all stages downstream of them.

    Args:
        stages: each after those whose outputs it reads.
        names: the names of some of them.
    """
    found, changing = [], set()
    for stage in stages:
        if stage.name in names or changing.intersection(stage.inputs):
            found.append(stage.name)
            changing.update(stage.outputs)
    return found


def orphans(stages: Iterable[Stage]) -> Iterator[str]:
    """Wait for runs that a killed engine left running; yield the name of each before waiting."""
    for stage in stages:
        lock = Path(stage.record).with_name(f".{Path(stage.record).stem}.lock")
        if lock.exists():
            with lock.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield stage.name
                    fcntl.flock(file, fcntl.LOCK_EX)


def _stale_reason(stage: Stage, digests: dict[str, str | None]) -> str | None:
    try:
        record = json.loads(Path(stage.record).read_text(encoding="utf-8"))
        made_by, inputs, outputs = record["command"], record["inputs"], record["outputs"]
        if made_by != stage.command:
            before, now = _flags(made_by), _flags(stage.command)
            for reason in changed_values(before, now):
                return reason
            if list(before) != list(now):
                return "the order of the flags has changed"
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
    """The words of `command` with its flags set to `values`, and with flags added for the rest."""
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


def _flags(words: list[str]) -> dict[str, str]:
    """The values of each flag of a command line, without the parameters WITHOUT_EFFECT."""
    flags: dict[str, list[str]] = {"": []}
    for word in words:
        if word.startswith("--"):
            flags[word] = []
        else:
            flags[list(flags)[-1]].append(word)
    ignored = {f"--{key}" for key in WITHOUT_EFFECT}
    return {flag: " ".join(values) for flag, values in flags.items() if flag not in ignored}
