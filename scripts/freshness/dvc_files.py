"""What the results of a revision were made of, by its dvc.lock, and whether they are up to date.

Reads dvc.yaml, dvc.lock and params.yaml as text: DVC itself would follow the revision's own
configuration, to any file and any address.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import UserError
from freshness.parameters import (
    changed_values,
    differing,
    flat,
    read_parameters,
    read_yaml,
    reading,
)
from freshness.records import changed_files
from freshness.revision import Revision, in_a_line, in_project
from review.results import FAILURES, METRICS, STATS

SHOWN = (METRICS, FAILURES, STATS, "reports/comparison.md")  # what a reviewer is shown as results


@dataclass(frozen=True)
class StageState:
    """A stage as dvc.lock has it.

    Attributes:
        stale: why its results do not belong to its command, parameters and inputs, if so.
        command: the command lines it was made by.
        parameters: what it was made with, by their names with dots.
        inputs, outputs: MD5 of its files, by their paths.
    """

    stale: str | None = None
    command: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str | None] = field(default_factory=dict)
    outputs: dict[str, str | None] = field(default_factory=dict)


def read_stages(revision: Revision) -> dict[str, StageState]:
    """Every stage of `revision`, in the order of dvc.yaml. Needs no data and runs nothing.

    Files that git does not hold need not be there: then what the stage that makes them has
    recorded must be what the others have recorded of them. Nothing outside of the project is
    opened, whatever dvc.yaml says.

    Raises:
        UserError: dvc.yaml and dvc.lock are missing, or one of the files is damaged.
    """
    with reading(f"dvc.yaml or dvc.lock of {revision.name}"):
        declared, entries = read_yaml(revision, "dvc.yaml"), _locked(revision)
        if declared is None and entries is None:
            raise UserError(
                f"{revision.name} has no dvc.yaml and no dvc.lock, so nothing says what its "
                "results were made of"
            )
        parameters = read_parameters(revision)
        stages = (declared or {}).get("stages") or {}
        entries = entries or {}
        made = {path: md5 for entry in entries.values() for path, md5 in entry.outputs.items()}
        states = {
            _text(name): _state(revision, name, stage, entries.get(name), parameters, made)
            for name, stage in stages.items()
        }
        removed = StageState("dvc.lock has it and dvc.yaml has not, so delete it there")
        return states | {name: removed for name in entries if name not in stages}


def locked_stages(revision: Revision) -> dict[str, StageState] | None:
    """Every stage by its entry in dvc.lock alone; None if there is no dvc.lock.

    Raises:
        UserError: it is damaged.
    """
    with reading(f"dvc.lock of {revision.name}"):
        return _locked(revision)


def stale_stages(states: dict[str, StageState]) -> list[str]:
    """Why results are not up to date, one line for each stage."""
    made = {path for state in states.values() for path in state.outputs}
    return [
        *(f"{name} has to run: {state.stale}" for name, state in states.items() if state.stale),
        *(f"{path} is made by no stage of dvc.yaml" for path in SHOWN if path not in made),
    ]


def ran_again(base: dict[str, StageState], here: dict[str, StageState]) -> dict[str, list[str]]:
    """The stages whose results are not those of the base, by name, and what was changed for it."""
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
        ]
        if not reasons and before.command != state.command:
            reasons = ["its command"]
        if reasons or before.outputs != state.outputs:
            again[name] = reasons or ["nothing that dvc.lock knows of"]
    return again | {name: ["removed"] for name in base if name not in here}


def _locked(revision: Revision) -> dict[str, StageState] | None:
    lock = read_yaml(revision, "dvc.lock")
    if lock is None:
        return None
    return {_text(name): _recorded(entry) for name, entry in (lock.get("stages") or {}).items()}


def _recorded(entry: dict[str, Any]) -> StageState:
    """A stage by its entry in dvc.lock alone."""
    inputs, outputs = (
        {_text(file["path"]): _text(file["md5"]) for file in entry.get(kind) or []}
        for kind in ("deps", "outs")
    )
    parameters = flat((entry.get("params") or {}).get("params.yaml") or {})
    return StageState(None, _lines(entry["cmd"]), parameters, inputs, outputs)


def _state(
    revision: Revision,
    name: str,
    stage: dict[str, Any],
    entry: StageState | None,
    parameters: dict[str, Any],
    made: dict[str, str | None],
) -> StageState:
    """A stage of dvc.yaml, judged by its entry in dvc.lock, if it has one.

    Args:
        parameters: the whole of params.yaml.
        made: MD5 of what any stage has made, by its path.
    """
    for key in ("wdir", "foreach", "matrix"):
        if key in stage:
            raise ValueError(f"{name} has {key}; allowed: stages without")
    command = _lines(stage["cmd"])
    inputs, own = _inputs_of(stage, parameters)
    outputs = {
        _text(path): options.get("cache", True)
        for kind in ("outs", "metrics", "plots")
        for output in stage.get(kind) or []
        for path, options in (output if isinstance(output, dict) else {output: {}}).items()
    }
    if entry is None:
        missing = dict.fromkeys
        return StageState("dvc.lock does not know it", [], {}, missing(inputs), missing(outputs))
    current, listed = _parameters_of(stage, parameters)
    recorded = {key: value for key, value in entry.parameters.items() if listed(key)}
    reasons = [*changed_values(recorded, current)]
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
        reasons.append(f"dvc.yaml no longer lists {lost[0]}; dvc repro --force {name} runs it")
    if not reasons and not _same_command(command, entry.command):
        reasons.append("its command has changed")
    more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return replace(
        entry,
        stale=f"{reasons[0]}{more}" if reasons else None,
        inputs={path: entry.inputs.get(path) for path in inputs},
        outputs={path: entry.outputs.get(path) for path in outputs},
    )


def _inputs_of(stage: dict[str, Any], parameters: dict[str, Any]) -> tuple[list[str], set[str]]:
    """The inputs of a stage of dvc.yaml, and which of them are what a parameter names.

    These are somebody's own data, which lies anywhere, and not in git: only that parameter is
    judged, and the data by what has it at hand.
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


def _parameters_of(
    stage: dict[str, Any], parameters: dict[str, Any]
) -> tuple[dict[str, Any], Callable[[str], bool]]:
    """The parameters that a stage of dvc.yaml lists, by name, and whether it lists a name.

    A section that is listed stands for all of its keys.
    """
    names = [_text(name) for name in stage.get("params") or []]

    def listed(key: str) -> bool:
        return any(key == name or key.startswith(f"{name}.") for name in names)

    return {key: value for key, value in flat(parameters).items() if listed(key)}, listed


def _digest(revision: Revision, elsewhere: Mapping[str, str | None]) -> Callable[[str], str | None]:
    """Gives the MD5 of a file; of one that is not at hand, what `elsewhere` has."""

    def digest(path: str) -> str | None:
        if not in_project(path):
            raise UserError(f"{path} is not in this project")
        try:
            return revision.md5(path) or elsewhere.get(path)
        except UserError:  # a link, as DVC makes them where it is told so, or too large
            if elsewhere.get(path) is None:
                raise
            return elsewhere[path]

    return digest


def _same_command(declared: list[str], recorded: list[str]) -> bool:
    """Whether `recorded` is `declared` with anything in the place of each of its ${...}: what stood
    there are parameters, and those are compared by themselves.
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
        raise ValueError(f"{in_a_line(str(value))}; allowed: a text")
    return value
