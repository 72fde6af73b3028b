"""The runs of all studies for Snakemake's rules: the inputs and parameters of each run."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError
from snakemake.iocontainers import Wildcards
from snakemake.rules import Rule

from core.parameters import as_flags
from dataset.own_file import overwriting, own_file
from studies import MOST_MODELS, StageRun, plan, read_studies

Ask = Callable[[Wildcards], Any]  # an input or params function of a rule


class StudyRuns:
    """The runs of the studies in a file, without duplicates.

    Attributes:
        planned: the studies with their runs, from `studies.plan`.
        by_stage: the runs of each stage, by id.
        ask_above: the number of models to train without asking.
    """

    def __init__(
        self, file: Path, folder: Path, parameters: Mapping[str, Any], rules: Mapping[str, Rule]
    ) -> None:
        """Read `file`. An error in it ends the program with one line.

        Args:
            file: the studies.
            folder: the folder of their results.
            parameters: the contents of params.yaml.
            rules: the rules of the pipeline, by stage.
        """
        self.file, self.folder, self.rules = file, folder, rules
        self.model_files = [path for path in rules["evaluate"].input if path.startswith("models/")]
        models = list(dict.fromkeys(path.split("/")[1] for path in self.model_files))
        studies, self.ask_above = read_studies(file, parameters, models)
        at_most = sum(study.size() * len(study.models) for study in studies)
        if at_most > MOST_MODELS:
            sys.exit(f"{file}: {at_most:,} models to train; allowed: up to {MOST_MODELS:,}")
        self.planned = plan(file, studies, parameters)
        self.by_stage: dict[str, dict[str, StageRun]] = {}
        for study in self.planned:
            for run in study["runs"]:
                for step in run["chain"]:
                    self.by_stage.setdefault(step.stage, {})[step.id] = step
        self._check_own_files()

    def path(self, run: StageRun, name: str = "") -> str:
        """The path of the folder of `run`, or of the file `name` in it."""
        return (self.folder / run.stage / run.id / name).as_posix()

    def before(self, stage: str, name: str) -> Ask:
        """A function that returns the file `name` of the run upstream of a run of `stage`."""
        return lambda wildcards: self.path(self._find(stage, wildcards).before, name)

    def own_dataset(self, wildcards: Wildcards) -> list[str]:
        """The user's own file that the run of download reads, if any."""
        path = own_file(self._find("download", wildcards).values)
        return [path] if path and Path(path).exists() else []

    def model_folder(self, wildcards: Wildcards) -> str:
        return self.path(self._find("evaluate", wildcards).before)

    def model(self, wildcards: Wildcards) -> list[str]:
        """The files of the model that the run of evaluate tests."""
        run = self._find("evaluate", wildcards).before
        folder = f"models/{run.stage.removeprefix('train_')}/"
        return [
            self.path(run, Path(path).name) for path in self.model_files if path.startswith(folder)
        ]

    def split(self, part: str) -> Ask:
        """A function that returns the part of the data for the model that evaluate tests."""
        return lambda wildcards: self.path(
            self._find("evaluate", wildcards).before.before, f"{part}.npz"
        )

    def seed(self, stage: str) -> Ask:
        return lambda wildcards: self._find(stage, wildcards).seed

    def threads(self, stage: str) -> Ask:
        return lambda wildcards: self._find(stage, wildcards).values["threads"]

    def flags(self, stage: str) -> Ask:
        return lambda wildcards: as_flags(self._find(stage, wildcards).values)

    def environment(self, stage: str) -> str:
        return self.rules[stage].input.environment

    def _find(self, stage: str, wildcards: Wildcards) -> StageRun:
        run = self.by_stage.get(stage, {}).get(wildcards.id)
        if run is None:
            raise WorkflowError(
                f"{stage} {wildcards.id}: not a run of the current {self.file} and params.yaml"
            )
        return run

    def _check_own_files(self) -> None:
        """End the program if a stage would overwrite the user's own dataset."""
        outputs = [path for rule in self.rules.values() for path in rule.output]
        outputs += map(str, self.folder.glob("*/*/*"))
        for run in self.by_stage["download"].values():
            error = overwriting(own_file(run.values), outputs)
            if error:
                sys.exit(f"{self.file}: {error}")
