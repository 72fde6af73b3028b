"""What the results of a revision were made from, by its dvc.lock, and whether they are up to date.

Reads dvc.yaml, dvc.lock and params.yaml as text: DVC itself would apply the configuration of the
revision, which can name any file and any URL.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import UserError
from freshness.parameters import (
    changed_values,
    damaged,
    differing,
    flat,
    read_parameters,
    read_yaml,
    reading,
)
from freshness.records import changed_files
from freshness.revision import Revision, in_a_line, in_project
from review.results import FAILURES, METRICS, STATS

# They hold durations or places, so that they differ each time.
EACH_TIME = re.compile(r"provenance/.*|models/[^/]*/training\.json|reports/comparison\.html")
# Why a stage has other results, if nothing in dvc.lock explains it.
UNEXPLAINED = "no dependency in dvc.lock, but the results differ"
SHOWN = (METRICS, FAILURES, STATS, "reports/comparison.md")  # what a reviewer is shown as results


@dataclass(frozen=True)
class StageState:
    """A stage as recorded in dvc.lock.

    Attributes:
        stale: why its results are out of date with its command, parameters or inputs; None if they
            are up to date.
        command: the command lines that ran.
        parameters: the values of its parameters, by dotted name.
        inputs, outputs: the MD5 of each file, by path.
        unlisted: files of the stage in dvc.yaml that dvc.lock does not list.
    """

    stale: str | None = None
    command: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str | None] = field(default_factory=dict)
    outputs: dict[str, str | None] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)


def read_stages(revision: Revision) -> dict[str, StageState]:
    """Every stage of `revision`, in the order of dvc.yaml. Needs no data and runs nothing.

    Files that are not in git may be missing. Then the hash that one stage recorded for its output
    is compared with the hash that later stages recorded for their input. No file outside of the
    project is opened, whatever dvc.yaml says.

    Raises:
        UserError: dvc.yaml and dvc.lock are missing, or one of them is damaged.
    """
    entries = locked_stages(revision)
    with reading(f"dvc.yaml of {revision.name}"):
        declared = read_yaml(revision, "dvc.yaml")
        if declared is None and entries is None:
            raise UserError(
                f"{revision.name} has neither dvc.yaml nor dvc.lock, so there is no record of what "
                "its results were made from"
            )
        parameters = read_parameters(revision)
        stages = (declared or {}).get("stages") or {}
        entries = entries or {}
        made = {path: md5 for entry in entries.values() for path, md5 in entry.outputs.items()}
        states = {
            _text(name): _state(revision, name, stage, entries.get(name), parameters, made)
            for name, stage in stages.items()
        }
        removed = StageState("it is in dvc.lock but not in dvc.yaml; delete it from dvc.lock")
        return states | {name: removed for name in entries if name not in stages}


def locked_stages(revision: Revision) -> dict[str, StageState] | None:
    """Every stage as dvc.lock alone describes it; None if there is no dvc.lock.

    Raises:
        UserError: dvc.lock is damaged.
    """
    with reading(f"dvc.lock of {revision.name}"):
        return _locked(revision)


def outputs_in_git(revision: Revision) -> list[str]:
    """The outputs that dvc.yaml of `revision` declares and git tracks, in its order.

    Raises:
        UserError: there is no dvc.yaml, or it is damaged.
    """
    with reading(f"dvc.yaml of {revision.name}"):
        declared = read_yaml(revision, "dvc.yaml")
        if declared is None:
            raise UserError(f"{revision.name} has no dvc.yaml, which lists the results")
        outputs = map(_outputs_of, (declared.get("stages") or {}).values())
        return [path for each in outputs for path, cached in each.items() if not cached]


def undeclared(outputs: Collection[str]) -> list[str]:
    """A line for each result that a reviewer is shown and that is not among `outputs`."""
    return [
        f"{path} is not an output of a stage in dvc.yaml" for path in SHOWN if path not in outputs
    ]


def stale_stages(states: dict[str, StageState]) -> list[str]:
    """Why results are out of date, one line per stage."""
    made = {path for state in states.values() for path in state.outputs}
    return [
        *(f"{name} must be rerun: {state.stale}" for name, state in states.items() if state.stale),
        *undeclared(made),
    ]


def ran_again(base: dict[str, StageState], here: dict[str, StageState]) -> dict[str, list[str]]:
    """The stages whose results differ from the base's, by name, and which of their inputs changed.
    Files that differ each time do not count.
    """
    again = {}
    for name, state in here.items():
        before = base.get(name)
        if before is None:
            again[name] = ["new"]
            continue
        reasons = [
            key
            for one, other in ((before.parameters, state.parameters), (before.inputs, state.inputs))
            for key in differing(one, other)
            if not EACH_TIME.fullmatch(key)
        ]
        if not reasons and before.command != state.command:
            reasons = ["command"]
        outputs = differing(before.outputs, state.outputs)
        if reasons or not all(EACH_TIME.fullmatch(path) for path in outputs):
            again[name] = reasons or [UNEXPLAINED]
    return again | {name: ["removed"] for name in base if name not in here}


def _locked(revision: Revision) -> dict[str, StageState] | None:
    lock = read_yaml(revision, "dvc.lock")
    if lock is None:
        return None
    try:
        return {_text(name): _recorded(entry) for name, entry in (lock.get("stages") or {}).items()}
    except ValueError as error:
        raise damaged(revision, "dvc.lock", str(error)) from error
    except (KeyError, TypeError, AttributeError) as error:
        why = f"not in DVC's format ({type(error).__name__})"
        raise damaged(revision, "dvc.lock", why) from error


def _recorded(entry: dict[str, Any]) -> StageState:
    """A stage as its entry in dvc.lock describes it."""
    inputs, outputs = (
        {_text(file["path"]): _md5(file["md5"]) for file in entry.get(kind) or []}
        for kind in ("deps", "outs")
    )
    parameters = flat((entry.get("params") or {}).get("params.yaml") or {})
    return StageState(None, _lines(entry["cmd"]), parameters, inputs, outputs)


def _md5(value: Any) -> str:
    if not re.fullmatch(r"[0-9a-f]{32}(\.dir)?", _text(value)):
        raise ValueError(f"{in_a_line(value)}; allowed: an MD5")
    return value


def _state(
    revision: Revision,
    name: str,
    stage: dict[str, Any],
    entry: StageState | None,
    parameters: dict[str, Any],
    made: dict[str, str | None],
) -> StageState:
    """A stage of dvc.yaml, compared with its entry in dvc.lock, if it has one.

    Args:
        parameters: all of params.yaml.
        made: the MD5 of every output of every stage, by path.
    """
    for key in ("wdir", "foreach", "matrix"):
        if key in stage:
            raise ValueError(f"{name} has {key}; allowed: stages without")
    command = _lines(stage["cmd"])
    inputs, own = _inputs_of(stage, parameters)
    outputs = _outputs_of(stage)
    if entry is None:
        missing = dict.fromkeys
        return StageState(
            "it is not in dvc.lock", [], {}, missing(inputs), missing(outputs), [*inputs]
        )
    # In a lock that was cut off, the last paths are missing: no file is to blame.
    unlisted = [
        *(path for path in inputs if path not in entry.inputs and path not in own),
        *(path for path in outputs if path not in entry.outputs),
    ]
    current, listed = _parameters_of(stage, parameters)
    recorded = {key: value for key, value in entry.parameters.items() if listed(key)}
    reasons = [f"dvc.lock does not list {path}" for path in unlisted]
    if not unlisted:
        reasons += changed_values(recorded, current)
        judged = [path for path in inputs if path not in own]
        reasons += changed_files(entry.inputs, judged, _digest(revision, made))
        kept = {path: entry.outputs.get(path) for path, cached in outputs.items() if cached}
        reasons += changed_files(entry.outputs, outputs, _digest(revision, kept))
    lost = [
        *(path for path in entry.inputs if path not in inputs),
        *(path for path in entry.outputs if path not in outputs),
        *(key for key in entry.parameters if not listed(key)),
    ]
    if lost and not reasons:
        reasons.append(f"dvc.yaml no longer lists {lost[0]}; run dvc repro --force {name}")
    if not reasons and not _same_command(command, entry.command):
        reasons.append("its command has changed")
    more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return replace(
        entry,
        stale=f"{reasons[0]}{more}" if reasons else None,
        inputs={path: entry.inputs.get(path) for path in inputs},
        outputs={path: entry.outputs.get(path) for path in outputs},
        unlisted=unlisted,
    )


def _inputs_of(stage: dict[str, Any], parameters: dict[str, Any]) -> tuple[list[str], set[str]]:
    """The inputs of a stage of dvc.yaml, and which of them a parameter names.

    The latter are the user's own data, anywhere on disk and not in git. Only the parameter is
    checked here; make verify also checks the data.
    """
    values = flat(parameters)
    inputs, own = [], set()
    for path in map(_text, stage.get("deps") or []):
        name = re.fullmatch(r"\$\{([\w.]+)\}", path)
        if name:
            path = _text(values.get(name[1]))
            own.add(path)
        inputs.append(path)
    return inputs, own


def _outputs_of(stage: dict[str, Any]) -> dict[str, bool]:
    """The outputs of a stage of dvc.yaml, and whether DVC caches each; those it does not are in
    git.
    """
    return {
        _text(path): (options or {}).get("cache", True)
        for kind in ("outs", "metrics", "plots")
        for output in stage.get(kind) or []
        for path, options in (output if isinstance(output, dict) else {output: {}}).items()
    }


def _parameters_of(
    stage: dict[str, Any], parameters: dict[str, Any]
) -> tuple[dict[str, Any], Callable[[str], bool]]:
    """The parameters that a stage of dvc.yaml lists, and a function that tells whether it lists a
    name. A listed section stands for all of its keys.
    """
    names = [_text(name) for name in stage.get("params") or []]

    def listed(key: str) -> bool:
        return any(key == name or key.startswith(f"{name}.") for name in names)

    return {key: value for key, value in flat(parameters).items() if listed(key)}, listed


def _digest(revision: Revision, elsewhere: Mapping[str, str | None]) -> Callable[[str], str | None]:
    """A function that returns the MD5 of a file; for one that is not available, the MD5 in
    `elsewhere`.
    """

    def digest(path: str) -> str | None:
        if not in_project(path):
            raise UserError(f"{path} is not in this project")
        try:
            return revision.md5(path) or elsewhere.get(path)
        except UserError:  # too large, or a link, which DVC can be configured to create
            if elsewhere.get(path) is None:
                raise
            return elsewhere[path]

    return digest


def _same_command(declared: list[str], recorded: list[str]) -> bool:
    """Whether `recorded` is `declared` with any text in place of each ${...}: these are parameters,
    which are compared separately.
    """
    return len(declared) == len(recorded) and all(map(_fits, declared, recorded))


def _fits(declared: str, recorded: str) -> bool:
    first, *others = re.split(r"\$\{[^}]*\}", declared)
    if not others:
        return first == recorded
    *between, last = others
    place, end = len(first), len(recorded) - len(last)
    if not (recorded.startswith(first) and recorded.endswith(last)):
        return False
    for part in between:
        found = recorded.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return place <= end


def _lines(command: Any) -> list[str]:
    return [_text(line) for line in (command if isinstance(command, list) else [command])]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{in_a_line(str(value))}; allowed: text")
    return value
