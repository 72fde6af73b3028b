"""What the results of a revision were made of, by its dvc.lock, and whether that still holds."""

import hashlib
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.repo import Repo
from dvc.stage import PipelineStage

from change.revision import Revision
from shared.errors import UserError


@dataclass(frozen=True)
class StageState:
    """A stage of DVC as dvc.lock has it.

    Attributes:
        fault: why its results do not belong to its command, parameters and inputs, if so.
        parameters: what it was made with, by their names with dots.
        inputs, outputs: MD5 of its files, by their paths.
    """

    fault: str | None
    parameters: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]


def read_stages(revision: Revision) -> dict[str, StageState]:
    """Every stage of `revision`, in the order of dvc.yaml. Needs no data and runs nothing.

    Files that git does not hold need not be there: then what the stage that makes them has
    recorded must be what the others have recorded of them.

    Raises:
        UserError: the folder is not DVC's, or its files are damaged.
    """
    try:
        repo = Repo()
        with repo.switch(revision.commit) if revision.commit else nullcontext():
            stages = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
            made = {
                out.fs_path: out.hash_info.value if out.hash_info else None
                for stage in stages
                for out in stage.outs
            }
            states = {stage.name: _state(stage, made) for stage in stages}
    except NotDvcRepoError:
        raise UserError("no DVC here, so nothing says what the results were made of") from None
    except (DvcException, OSError, ValueError, TypeError, AttributeError) as error:
        message = " ".join(str(error).split())
        raise UserError(f"dvc.yaml or dvc.lock of {revision.name}: {message}") from error
    if not states:
        raise UserError(f"dvc.yaml of {revision.name} is missing or has no stage")
    return states


def faults(states: dict[str, StageState]) -> list[str]:
    """Why results do not hold, one line for each stage."""
    return [f"{name} has to run: {state.fault}" for name, state in states.items() if state.fault]


def ran_again(base: dict[str, StageState], here: dict[str, StageState]) -> dict[str, list[str]]:
    """The stages whose results are not those of the base, by name, and what was changed for it."""
    again = {}
    for name, state in here.items():
        before = base.get(name)
        if before is None:
            again[name] = ["new"]
        elif (before.parameters, before.inputs, before.outputs) != (
            state.parameters,
            state.inputs,
            state.outputs,
        ):
            reasons = [
                key
                for one, other in (
                    (before.parameters, state.parameters),
                    (before.inputs, state.inputs),
                )
                for key in [*other, *(key for key in one if key not in other)]
                if one.get(key) != other.get(key)
            ]
            again[name] = reasons or ["nothing that dvc.lock knows of"]
    return again


def changed_parameters(base: Revision, here: Revision) -> dict[str, tuple[str, str]]:
    """The parameters that differ, by their names with dots: the values before and here."""
    try:
        difference = Repo().params.diff(base.commit, here.commit or "workspace")
    except (DvcException, OSError, ValueError, TypeError, AttributeError) as error:
        message = " ".join(str(error).split())
        raise UserError(f"the parameters cannot be compared: {message}") from error
    values = difference.get("diff", {}).get("params.yaml", {})
    return {
        key: (_as_written(value.get("old")), _as_written(value.get("new")))
        for key, value in values.items()
    }


def _state(stage: PipelineStage, made: dict[str, str | None]) -> StageState:
    parameters: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    reasons: list[str] = []
    for dep in stage.deps:
        if isinstance(dep, ParamsDependency):
            parameters |= _flat(dep.hash_info.value if dep.hash_info else {})
            reasons += _parameter_faults(dep)
        else:
            recorded = dep.hash_info.value if dep.hash_info else None
            inputs[dep.def_path] = recorded
            found = _md5(dep) or made.get(dep.fs_path)
            if recorded is None or found != recorded:
                reasons.append(f"{dep.def_path} {'has changed' if found else 'is missing'}")
    outputs = {}
    for out in stage.outs:
        recorded = outputs[out.def_path] = out.hash_info.value if out.hash_info else None
        found = _md5(out)
        if found is None and not out.use_cache:
            reasons.append(f"{out.def_path} is missing")
        elif found is not None and found != recorded:
            reasons.append(f"{out.def_path} has changed")
    if not any(outputs.values()):
        reasons = ["dvc.lock does not know it"]
    elif stage.cmd_changed:
        reasons.append("its command has changed")
    return StageState(reasons[0] if reasons else None, parameters, inputs, outputs)


def _parameter_faults(dep: ParamsDependency) -> list[str]:
    """The parameters whose values are not those that dvc.lock has."""
    locked = _flat(dep.hash_info.value if dep.hash_info else {})
    current = _flat(dep.read_params())
    return [
        f"{key} was {_as_written(locked.get(key))} and is {_as_written(current.get(key))}"
        for key in [*current, *(key for key in locked if key not in current)]
        if locked.get(key) != current.get(key)
    ]


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """`values` without nesting, by their names with dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def _as_written(value: Any) -> str:
    return "not there" if value is None else str(value)


def _md5(file: Any) -> str | None:
    """Of an input or output of DVC; None if it is not there."""
    if not file.fs.exists(file.fs_path):
        return None
    with file.fs.open(file.fs_path, "rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest()
