"""What the results of a revision were made of, by its dvc.lock, and whether that still holds."""

import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from dvc.dependency.param import ParamsDependency
from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo
from dvc.stage import PipelineStage
from ruamel.yaml import YAML

from change.results import FAILURES, METRICS, STATS
from change.revision import Revision, printable
from shared.errors import UserError

SHOWN = (METRICS, FAILURES, STATS, "reports/comparison.md")  # what a reviewer is shown as results
SECONDS = 20  # for DVC to read one revision
MOST_NODES = 100_000  # of a YAML file; aliases can make a short one endless


@dataclass(frozen=True)
class StageState:
    """A stage of DVC as dvc.lock has it.

    Attributes:
        fault: why its results do not belong to its command, parameters and inputs, if so.
        command: its command line, as dvc.yaml and params.yaml have it.
        parameters: what it was made with, by their names with dots.
        inputs, outputs: MD5 of its files, by their paths.
    """

    fault: str | None
    command: str
    parameters: dict[str, Any]
    inputs: dict[str, str | None]
    outputs: dict[str, str | None]


def read_stages(revision: Revision) -> dict[str, StageState]:
    """Every stage of `revision`, in the order of dvc.yaml. Needs no data and runs nothing.

    Files that git does not hold need not be there: then what the stage that makes them has
    recorded must be what the others have recorded of them. Nothing outside of the repository is
    opened, whatever dvc.yaml says.

    Raises:
        UserError: the folder is not DVC's, or its files are damaged.
    """
    with _reading(f"dvc.yaml or dvc.lock of {revision.name}"):
        _read_yaml(revision, "dvc.yaml"), _read_yaml(revision, "params.yaml")
        lock = _read_yaml(revision, "dvc.lock")
        repo = Repo()
        with repo.switch(revision.commit) if revision.commit else nullcontext():
            stages = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
            made = {out.fs_path: _recorded(out) for stage in stages for out in stage.outs}
            states = {stage.name: _state(repo, stage, made) for stage in stages}
        states = _with_lock(states, lock)
    if not states:
        raise UserError(f"dvc.yaml of {revision.name} is missing or has no stage")
    return states


def faults(states: dict[str, StageState]) -> list[str]:
    """Why results do not hold, one line for each stage."""
    made = {path for state in states.values() for path in state.outputs}
    return [
        *(f"{name} has to run: {state.fault}" for name, state in states.items() if state.fault),
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
            for key in [*other, *(key for key in one if key not in other)]
            if one.get(key) != other.get(key)
        ]
        if not reasons and before.command != state.command:
            reasons = ["its command"]
        if reasons or before.outputs != state.outputs:
            again[name] = reasons or ["nothing that dvc.lock knows of"]
    return again | {name: ["removed"] for name in base if name not in here}


def changed_parameters(base: Revision, here: Revision) -> dict[str, tuple[str, str]]:
    """The parameters that differ, by their names with dots: the values before and here.

    Raises:
        UserError: params.yaml is damaged.
    """
    with _reading(f"params.yaml of {base.name} or {here.name}"):
        _read_yaml(base, "params.yaml"), _read_yaml(here, "params.yaml")
        difference = Repo().params.diff(base.commit, here.commit or "workspace")
        values = difference.get("diff", {}).get("params.yaml", {})
        return {
            key: (_as_written(value.get("old")), _as_written(value.get("new")))
            for key, value in values.items()
        }


def _read_yaml(revision: Revision, path: str) -> Any:
    """A YAML file of `revision`, {} if there is none. Raises ValueError if it is too large."""
    content = YAML(typ="safe").load(revision.read(path) or b"{}")
    waiting, nodes = [content], 0
    while waiting:
        node = waiting.pop()
        nodes += 1
        if nodes > MOST_NODES:
            raise ValueError(f"{path} has over {MOST_NODES} values")
        waiting += (
            node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        )
    return content


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Give the block a limited time, and make whatever goes wrong in it a UserError."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"not read within {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    except NotDvcRepoError:
        raise UserError("no DVC here, so nothing says what the results were made of") from None
    except Exception as error:  # what DVC raises for files made in bad faith is not to be foreseen
        raise UserError(f"{what}: {printable(str(error) or type(error).__name__)}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _state(repo: Repo, stage: PipelineStage, made: dict[str, str | None]) -> StageState:
    parameters: dict[str, Any] = {}
    inputs: dict[str, str | None] = {}
    reasons: list[str] = []
    for dep in stage.deps:
        if isinstance(dep, ParamsDependency):
            parameters |= _flat(dep.hash_info.value if dep.hash_info else {})
            reasons += _parameter_faults(dep)
        else:
            inputs[dep.def_path] = _recorded(dep)
            reasons += _file_faults(repo, dep, made.get(dep.fs_path))
    outputs = {}
    for out in stage.outs:
        outputs[out.def_path] = _recorded(out)
        reasons += _file_faults(repo, out, _recorded(out) if out.use_cache else None)
    if not any(outputs.values()):
        reasons = ["dvc.lock does not know it"]
    elif stage.cmd_changed and not reasons:
        reasons.append("its command has changed")
    more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    fault = f"{reasons[0]}{more}" if reasons else None
    return StageState(fault, str(stage.cmd), parameters, inputs, outputs)


def _with_lock(states: dict[str, StageState], lock: Any) -> dict[str, StageState]:
    """`states`, with a fault where dvc.lock has more than dvc.yaml: DVC itself lets that pass."""
    found = dict(states)
    for name, entry in lock.get("stages", {}).items():
        if name not in states:
            fault = "dvc.lock has it and dvc.yaml has not, so delete it there"
            found[name] = StageState(fault, "", {}, {}, {})
            continue
        known = {*states[name].inputs, *states[name].outputs}
        locked = [file["path"] for file in [*entry.get("deps", []), *entry.get("outs", [])]]
        lost = [path for path in locked if path not in known]
        if lost and not states[name].fault:
            fault = f"dvc.yaml no longer lists {lost[0]}; dvc repro --force {name} runs it"
            found[name] = replace(states[name], fault=fault)
    return found


def _parameter_faults(dep: ParamsDependency) -> list[str]:
    """The parameters whose values are not those that dvc.lock has."""
    locked = _flat(dep.hash_info.value if dep.hash_info else {})
    current = _flat(dep.read_params())
    return [
        f"{key} was {_as_written(locked.get(key))} and is {_as_written(current.get(key))}"
        for key in [*current, *(key for key in locked if key not in current)]
        if locked.get(key) != current.get(key)
    ]


def _file_faults(repo: Repo, file: Any, elsewhere: str | None) -> list[str]:
    """What is wrong with an input or output; `elsewhere` is its MD5 where it may be missing."""
    if file.fs is not repo.fs or not repo.fs.isin(file.fs_path, repo.root_dir):
        return [f"{file.def_path} is not in this project"]
    found = elsewhere
    if repo.fs.exists(file.fs_path):
        with repo.fs.open(file.fs_path, "rb") as content:
            found = hashlib.file_digest(content, "md5").hexdigest()
    if found is None:
        return [f"{file.def_path} is missing"]
    return [f"{file.def_path} has changed"] if found != _recorded(file) else []


def _recorded(file: Any) -> str | None:
    return file.hash_info.value if file.hash_info else None


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """`values` without nesting, by their names with dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return flat


def _as_written(value: Any) -> str:
    return "none" if value is None else printable(str(value))
