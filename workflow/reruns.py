"""Tell Snakemake what to rerun: the stages that are out of date, and all stages downstream.

Only the records of the stages count. File times do not (`inputflags: ancient` in rules/common.smk),
and neither do Snakemake's own records, which only cover runs of Snakemake.
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
    """Make Snakemake run exactly the stages that are out of date or forced on its command line, and
    the stages downstream of them.

    This is decided when Snakemake builds its DAG, because only then it knows whether it will run
    jobs.

    Args:
        workflow: the workflow.
        rules: the rules that run `stages`.
        stages: each after those whose outputs it reads.
        find_stale: returns the names of the stages that are out of date; called once, with whether
            Snakemake is going to run jobs.
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
            """Additional inputs of a job, which Snakemake requests when it adds the job to the DAG.

            A job with only ancient inputs would not rerun after an upstream job. These inputs are
            not ancient.
            """
            stage = wanted().get(stage_name(rule, wildcards))
            if stage is None:
                return []
            workflow.dag.forcefiles.add(stage.record)
            read = set(stage.inputs)
            return [other.record for other in stages if not read.isdisjoint(other.outputs)]

        return inputs

    if workflow.exec_mode == ExecMode.DEFAULT:  # not in a cluster job
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
    """Hold the lock at `path` as long as the file is open. The kernel releases it however the
    process ends.

    Raises:
        SystemExit: another run holds it, with the message `busy`; or the file cannot be written.
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
    """Wait for stages that a killed run left running.

    Args:
        stages: the stages that Snakemake may run.
        held: holds DVC's lock; ends the program if the stage belongs to a run of DVC.
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
