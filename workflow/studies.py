"""Studies: the runs that study.yaml asks for, and the stages that they share."""

import hashlib
import json
import math
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

from jsonschema import ValidationError

from core.parameters import SCHEMAS, as_number, find_errors, first_error, read_schema, read_yaml
from core.text import printable
from freshness.records import WITHOUT_EFFECT

ASK_ABOVE = 100  # the default of ask_above in study.yaml
MOST_MODELS = 20_000  # in all studies; Snakemake would need hours to plan more
STARTUP = 10  # approximate seconds to load the libraries to train and evaluate a model


@dataclass(frozen=True)
class StageRun:
    """A run of a stage: its parameters, and the run upstream of it.

    Attributes:
        stage: the name of the stage.
        values: its section of the parameters.
        seed: the seed, if the stage has one.
        before: the run whose outputs it reads.
    """

    stage: str
    values: dict[str, Any]
    seed: int | None = None
    before: "StageRun | None" = None

    @cached_property
    def id(self) -> str:
        """A hash of the values of this run and the runs upstream; the name of its folder."""
        values = {key: value for key, value in self.values.items() if key not in WITHOUT_EFFECT}
        own = [self.stage, _read(values), self.seed, self.before and self.before.id]
        return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:12]

    def chain(self) -> Iterator["StageRun"]:
        """The runs upstream of it, then the run itself."""
        if self.before:
            yield from self.before.chain()
        yield self


@dataclass(frozen=True)
class Study:
    """A study in study.yaml.

    Attributes:
        name: the name of the study.
        models: the models to train.
        seeds: the seeds of each variant.
        variants: by name, the changed values by `section.key` of params.yaml.
        grid: lists of values by `section.key`; each variant runs with each combination.
    """

    name: str
    models: list[str]
    seeds: list[int]
    variants: dict[str, dict[str, Any]]
    grid: dict[str, list[Any]]

    def size(self) -> int:
        """How many of each model the study trains, if no two runs are the same."""
        combinations = math.prod(len(values) for values in self.grid.values())
        return len(self.variants) * combinations * len(self.seeds)

    def combined(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each variant with each combination of the grid: its name and its values."""
        for name, values in self.variants.items():
            for combination in product(*self.grid.values()):
                chosen = dict(zip(self.grid, combination, strict=True))
                words = [f"{key}={value}" for key, value in chosen.items()]
                yield ", ".join(filter(None, [name, *words])), {**values, **chosen}


def read_studies(
    path: Path, parameters: Mapping[str, Any], models: list[str]
) -> tuple[list[Study], int]:
    """The studies in the file at `path`, and its value of ask_above.

    Checks each key and each value, but not their combinations. An error ends the program with one
    line.

    Args:
        path: the file of the studies.
        parameters: the contents of params.yaml, which the variants change.
        models: the models of the pipeline.
    """
    if not path.exists():
        _refuse(path, "", "missing; docs/studies.md describes this file")
    document = read_yaml(path)
    errors = find_errors(document, read_yaml(SCHEMAS / "study.schema.yaml"))
    if errors:
        _refuse(path, ".".join(map(str, errors[0].absolute_path)), _fault(errors[0]))
    schema = read_schema()
    studies = []
    for name, given in document["studies"].items():
        place = f"studies.{name}"
        for model in given.get("models", []):
            if model not in models:
                _refuse(path, place, f"models: {model} is unknown; allowed: {', '.join(models)}")
        variants = given.get("variants") or {"" if "grid" in given else "as in params.yaml": {}}
        study = Study(
            name,
            given.get("models", models),
            given["seeds"],
            {variant: values or {} for variant, values in variants.items()},
            given.get("grid", {}),
        )
        _check_keys(path, study, parameters, schema)
        studies.append(study)
    return studies, document.get("ask_above", ASK_ABOVE)


def plan(path: Path, studies: list[Study], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The studies with their runs, as written to study/plan.json.

    There is a run for each model: `variant`, the index of the variant; `model`; `seed`; and
    `chain`, the stages' runs from download to evaluate. A combination that is not allowed ends the
    program with one line.
    """
    schema = read_schema()
    planned = []
    for study in studies:
        variants, runs = [], []
        for place, (name, changes) in enumerate(study.combined()):
            values = _changed(parameters, changes)
            _check(path, f"studies.{study.name}.{name}", values, schema)
            variants.append(
                {
                    "name": name,
                    "changes": {key: str(value) for key, value in changes.items()},
                    "dataset": values["download"]["dataset"],
                }
            )
            download = StageRun("download", values["download"])
            for seed in study.seeds:
                data = StageRun("preprocess", values["preprocess"], seed, download)
                for model in study.models:
                    stage = f"train_{model}"
                    trained = StageRun(stage, values[stage], seed, data)
                    evaluated = StageRun("evaluate", values["evaluate"], seed, trained)
                    chain = list(evaluated.chain())
                    runs.append({"variant": place, "model": model, "seed": seed, "chain": chain})
        planned.append({"name": study.name, "variants": variants, "runs": runs})
    return planned


def write_plan(path: Path, planned: list[dict[str, Any]], logs: Path) -> None:
    """Write the plan for scripts/tool.py study, before any run starts.

    Also deletes the old logs of runs without results: the page would show them as the reason.
    """
    steps = (step for study in planned for run in study["runs"] for step in run["chain"])
    for stage, key in {(step.stage, step.id) for step in steps}:
        if not (path.parent / stage / key / "provenance.json").exists():
            (logs / f"{stage}_{key}.log").unlink(missing_ok=True)
    path.write_text(json.dumps(planned, default=_folders, indent=1), encoding="utf-8")


def ask(question: str) -> None:
    """Ask `question` in the terminal; end the program unless the reply is yes."""
    if not sys.stdin.isatty():
        sys.exit(f"{question}; confirm this in a terminal, or raise ask_above in study.yaml")
    try:
        answer = input(f"{question}. Continue? [y/N] ")
    except EOFError:
        answer = "no"
    if answer.strip().lower() not in ("y", "yes"):
        sys.exit("Nothing was run.")


def work(trainings: Mapping[str, int], folder: Path) -> str:
    """A text with the number of models to train and the approximate time.

    The time is estimated from the trainings of the same model in `folder`, or else in models/.

    Args:
        trainings: the number of trainings of each model.
        folder: the folder of the studies' results.
    """
    total = sum(trainings.values())
    models = f"{total:,} model{'s' if total > 1 else ''} to train"
    seconds, unknown = 0.0, []
    for model, number in trainings.items():
        own = sorted((folder / f"train_{model}").glob("*/training.json"))
        times = [*map(_fit_seconds, own or [Path("models") / model / "training.json"])]
        known = [time for time in times if time is not None]
        if number and not known:
            unknown.append(model)
        seconds += number * (STARTUP + (sum(known) / len(known) if known else 0))
    words = next(
        f"{seconds / unit:,.0f} {name}"
        for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))
        if seconds >= 2 * unit or unit == 1
    )
    if unknown:
        unmeasured = f"no {' or '.join(unknown)} has been trained here yet"
        return f"{models}, which takes more than {words} in sequence ({unmeasured})"
    return f"{models}, which takes about {words} in sequence"


def _folders(run: StageRun) -> dict[str, str]:
    return {"stage": run.stage, "id": run.id}


def _fit_seconds(record: Path) -> float | None:
    try:
        return float(json.loads(record.read_text(encoding="utf-8"))["fit_seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_keys(
    path: Path, study: Study, parameters: Mapping[str, Any], schema: dict[str, Any]
) -> None:
    """Check each key and each value of a study on its own."""
    stages = ["download", "preprocess", *(f"train_{model}" for model in study.models), "evaluate"]
    places = [(f"studies.{study.name}.grid", key, study.grid[key]) for key in study.grid]
    for variant, values in study.variants.items():
        place = f"studies.{study.name}.variants.{variant}"
        places += [(place, key, [value]) for key, value in values.items()]
        for key in values:
            if key in study.grid:
                _refuse(path, place, f"{key} is also in the grid; allowed: in one of the two")
    for place, key, values in places:
        section = key.partition(".")[0]
        if section not in stages:
            reason = "no model of the study depends on it"
            if section not in schema["properties"]:
                reason = "unknown parameter"
            _refuse(path, place, f"{key}: {reason}; allowed: keys of {', '.join(stages)}")
        for value in values:
            _check(path, place, {section: {key.partition(".")[2]: value}}, _alone(schema))
            if sum(_read({key: value}) == _read({key: other}) for other in values) > 1:
                _refuse(path, f"{place}.{key}", f"{value} is listed twice; allowed: each once")


def _alone(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema`, reduced to what it says about each key on its own."""
    kept = ("type", "description", "additionalProperties", "properties")
    sections = schema["properties"].items()
    return {
        "properties": {
            name: {word: section[word] for word in kept if word in section}
            for name, section in sections
        }
    }


def _read(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """`values`, normalized so that values that stages read alike, such as 1 and "1", are equal."""
    words = {key: value if isinstance(value, list) else [value] for key, value in values.items()}
    numbers = {key: [as_number(word) for word in listed] for key, listed in words.items()}
    return {
        key: [float(one) if type(one) in (int, float) else str(one) for one in listed]
        for key, listed in numbers.items()
    }


def _changed(parameters: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    values = deepcopy(dict(parameters))
    for key, value in changes.items():
        section, _, name = key.partition(".")
        values[section][name] = value
    return values


def _check(path: Path, place: str, values: dict[str, Any], schema: dict[str, Any]) -> None:
    error = first_error(values, schema)
    if error:
        _refuse(path, place, error)


def _fault(error: ValidationError) -> str:
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        strange = next(key for key in error.instance if key not in known)
        return f"{strange} is unknown; allowed: {', '.join(known)}"
    return f"{error.instance!r:.100} is not allowed; allowed: {error.schema['description']}"


def _refuse(path: Path, place: str, fault: str) -> NoReturn:
    sys.exit(printable(": ".join(filter(None, [str(path), place, fault]))))
