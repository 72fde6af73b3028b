"""Whether a model belongs to the parameters and code, as make fresh finds it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from core.errors import UserError
from core.files import read_json
from core.parameters import read_schema
from freshness.dvc_files import read_stages
from freshness.parameters import read_parameters, reading
from freshness.records import recorded_stages, stale_reasons
from freshness.revision import Revision


class _Stage(NamedTuple):
    """Paths of a stage's files, and why it has to run, if it has."""

    inputs: set[str]
    outputs: set[str]
    stale: str | None


def stale_models(folders: Iterable[Path]) -> dict[Path, str]:
    """Why the stage that made a model, or one before it, has to run, for each that has: by dvc.lock
    and by the stages' own records. Nothing is said of folders outside of the project.
    """
    here, found = Revision("this folder"), {}
    inside = [
        (folder, path)
        for folder in folders
        if (path := _in_project(folder)) is not None and folder.is_dir()
    ]
    if not inside:
        return found
    try:
        memories = [_recorded(here)]
        if Path("dvc.yaml").exists() or Path("dvc.lock").exists():
            memories.insert(0, _locked(here))
    except UserError as error:
        return {folder: str(error) for folder, _ in inside}
    for folder, path in inside:
        needed = [(stages, _needed(stages, path)) for stages in memories]
        if not any(names for _, names in needed):
            found[folder] = "nothing says what it was made of"
        for stages, names in reversed(needed):
            for name in reversed(names):
                if stages[name].stale:
                    found[folder] = f"{name} has to run: {stages[name].stale}"
    return found


def _in_project(folder: Path) -> str | None:
    try:
        return folder.resolve().relative_to(Path.cwd().resolve()).as_posix()
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


def _needed(stages: Mapping[str, _Stage], folder: str) -> list[str]:
    """The stage that makes `folder`, and those that make what it reads, and so on, the first ones
    first.
    """
    wanted = {
        name
        for name, stage in stages.items()
        if any(path.startswith(f"{folder}/") for path in stage.outputs)
    }
    waiting = list(wanted)
    while waiting:
        inputs = stages[waiting.pop()].inputs
        more = {name for name, stage in stages.items() if inputs & stage.outputs} - wanted
        wanted |= more
        waiting += more
    return [name for name in stages if name in wanted]
