"""Whether results are up to date with the current parameters and code, as make fresh checks it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from core.errors import UserError
from core.files import read_json
from core.parameters import read_schema
from core.text import printable
from freshness.dvc_files import read_stages
from freshness.parameters import read_parameters, reading
from freshness.records import recorded_stages, stale_reasons
from freshness.revision import Revision


class _Stage(NamedTuple):
    """The paths of a stage's files, and why it must be rerun, if so."""

    inputs: set[str]
    outputs: set[str]
    stale: str | None


def stale_results(results: Iterable[Path]) -> dict[Path, str]:
    """For each result that is out of date, why the stage that makes it, or a stage before it, must
    be rerun, by dvc.lock and by the stages' own records. Paths outside of the project and paths
    that do not exist are skipped.
    """
    here, found = Revision("this folder"), {}
    inside = [
        (result, path)
        for result in results
        if (path := _in_project(result)) is not None and result.exists()
    ]
    if not inside:
        return found
    try:
        memories = [_recorded(here)]
        if Path("dvc.yaml").exists() or Path("dvc.lock").exists():
            memories.insert(0, _locked(here))
    except UserError as error:
        return {result: str(error) for result, _ in inside}
    for result, path in inside:
        needed = [(stages, _needed(stages, path)) for stages in memories]
        if not any(names for _, names in needed):
            found[result] = f"there is no record of what {result} was made from"
        for stages, names in reversed(needed):
            for name in reversed(names):
                if stages[name].stale:
                    found[result] = f"{name} must be rerun: {stages[name].stale}"
    return found


def check_results(results: Sequence[Path]) -> None:
    """Raise UserError, with the command that fixes it, if a result is missing or out of date."""
    for path in results:
        if not path.exists():
            raise UserError(printable(f"{path} is missing; run make report"))
    for reason in stale_results(results).values():
        raise UserError(printable(f"{reason}; run make report"))


def _in_project(path: Path) -> str | None:
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return None


def _locked(here: Revision) -> dict[str, _Stage]:
    return {
        name: _Stage(set(state.inputs), set(state.outputs), state.stale)
        for name, state in read_stages(here).items()
    }


def _recorded(here: Revision) -> dict[str, _Stage]:
    with reading("the records in provenance"):
        parameters = read_parameters(here)
        names = [name for name in read_schema()["properties"] if name != "seed"]
        records = [Path(f"provenance/{name}.json") for name in names]
        records = [record for record in records if record.is_file()]
        reasons = stale_reasons(recorded_stages(records, parameters))
        files = {record.stem: read_json(record) for record in records}
        return {
            name: _Stage(set(record["inputs"]), set(record["outputs"]), reasons.get(name))
            for name, record in files.items()
        }


def _needed(stages: Mapping[str, _Stage], result: str) -> list[str]:
    """The stage that makes `result` and all stages upstream of it, in running order."""
    wanted = {
        name
        for name, stage in stages.items()
        if any(path == result or path.startswith(f"{result}/") for path in stage.outputs)
    }
    waiting = list(wanted)
    while waiting:
        inputs = stages[waiting.pop()].inputs
        more = {name for name, stage in stages.items() if inputs & stage.outputs} - wanted
        wanted |= more
        waiting += more
    return [name for name in stages if name in wanted]
