"""Tells Snakemake what to run again: what is not up to date, and what is downstream of that.

Only the records of the stages count: times do not (`inputflags: ancient` in rules/common.smk), nor
do Snakemake's own records, which know of Snakemake's runs only.
"""

import fcntl
import os
import shlex
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TextIO

from snakemake.iocontainers import Wildcards
from snakemake.logging import logger
from snakemake.rules import Rule
from snakemake.workflow import Workflow
from snakemake_interface_executor_plugins.settings import ExecMode

from freshness.records import Stage, downstream, orphans


def rerun(
    workflow: Workflow,
    rules: Iterable[Rule],
    stages: Collection[Stage],
    find_stale: Callable[[bool], Iterable[str]],
) -> None:
    """Have Snakemake run the stages that are not up to date or that its command line forces, and
    what is downstream of them, and no others.

    It is decided when Snakemake builds its DAG, which is when it knows whether it will run jobs.

    Args:
        rules: that run `stages`.
        stages: each after those whose outputs it reads.
        find_stale: the names of those that are not up to date; called once, with whether Snakemake
            is going to run jobs.
    """
    found: list[dict[str, Stage]] = []

    def wanted() -> dict[str, Stage]:
        """The stages to run, by name."""
        if not found:
            runs_jobs = workflow.executor_plugin is not None and not workflow.dryrun
            names = downstream(stages, {*find_stale(runs_jobs), *_forced(workflow, stages)})
            found.append({stage.name: stage for stage in stages if stage.name in names})
            workflow.dag_settings.rerun_triggers = frozenset()  # whatever the profile says
        return found[0]

    def inputs_of(rule: Rule) -> Callable[[Any], list[str]]:
        def inputs(wildcards: Any) -> list[str]:
            """More inputs of a job, for which Snakemake asks when the job enters the DAG.

            A job whose inputs are all ancient would not follow one that runs. These are not.
            """
            stage = wanted().get(stage_name(rule, wildcards))
            if stage is None:
                return []
            workflow.dag.forcefiles.add(stage.record)
            read = set(stage.inputs)
            return [other.record for other in stages if not read.isdisjoint(other.outputs)]

        return inputs

    if workflow.exec_mode == ExecMode.DEFAULT:  # and not within a job of a cluster
        workflow.modifier.default_input_flags.clear()
        for rule in rules:
            rule.set_input(inputs_of(rule))


def stage_name(rule: Rule, wildcards: Iterable[str]) -> str:
    """The name of the stage that `rule` runs with these values of its wildcards."""
    return " ".join([rule.name, *wildcards])


def stage_of(rule: Rule, **wildcards: str) -> Stage:
    """The stage that `rule` runs."""
    values = Wildcards(fromdict=wildcards)
    outputs, _ = rule.expand_output(values)
    inputs, *_ = rule.expand_input(values)
    parameters, _ = rule.expand_params(values, inputs, outputs, job=None)
    command = rule.shellcmd.partition(" > ")[0].format(
        input=inputs, output=outputs, params=parameters
    )
    record = str(outputs.provenance)
    return Stage(
        stage_name(rule, wildcards.values()),
        record,
        shlex.split(command)[1:],
        [Path(os.path.relpath(path)).as_posix() for path in inputs],
        [path for path in map(str, outputs) if path != record],
    )


def lock(path: Path, busy: str) -> TextIO:
    """Hold the lock at `path` as long as the file is open. The kernel gives it back, however the
    process ends.

    Raises:
        SystemExit: `busy`, if another run holds it; or the file cannot be written.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        file = path.open("w")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"{busy}; try again when it has finished")
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}; a run needs write access to its folder")
    return file


def wait_for_orphans(stages: Iterable[Stage], held: Callable[[], AbstractContextManager]) -> None:
    """Wait for stages that a killed run has left behind.

    Args:
        stages: that Snakemake may run.
        held: holds the lock of DVC, whose run a stage may be; it ends the program then.
    """
    for name in orphans(stages):
        with held():
            pass
        logger.warning(f"waiting for {name}, which a killed run left running")


def _forced(workflow: Workflow, stages: Iterable[Stage]) -> set[str]:
    """The stages that Snakemake's command line forces."""
    rules = {rule.name for rule in workflow.dag.forcerules}
    files = set(workflow.dag.forcefiles)
    return {
        stage.name
        for stage in stages
        if stage.name.split()[0] in rules or not files.isdisjoint([*stage.outputs, stage.record])
    }
