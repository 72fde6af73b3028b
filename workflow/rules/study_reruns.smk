# Rerun what is out of date in a study, one study at a time. Write the page even if a run failed.

import atexit
from collections import Counter
from contextlib import ExitStack, nullcontext

from freshness.records import downstream, stale_reasons
from reruns import lock, rerun, stage_of, wait_for_orphans
from studies import ask, work, write_plan

locks = ExitStack()
atexit.register(locks.close)  # however the run ends

study_rules = [rule for rule in workflow.rules if rule.name in runs.by_stage]
stages = [stage_of(rule, id=id) for rule in study_rules for id in runs.by_stage[rule.name]]
stale, trainings = [], Counter()


def find_stale(is_run):
    if is_run:
        locks.enter_context(lock(FOLDER / ".running", "a study is already running in this folder"))
        wait_for_orphans(stages, nullcontext)
    reasons = stale_reasons(stages)
    for stage in stages:
        if stage.name in reasons and Path(stage.record).exists():
            logger.info(f"{stage.name} must be rerun: {reasons[stage.name]}")
    stale.extend(downstream(stages, reasons))
    trained = [name.split()[0] for name in stale if name.startswith("train_")]
    trainings.update(stage.removeprefix("train_") for stage in trained)
    if trainings:
        logger.info(work(trainings, FOLDER))
    return reasons


rerun(workflow, study_rules, stages, find_stale)


onstart:
    if trainings.total() > runs.ask_above:
        ask(f"{FILE}: {work(trainings, FOLDER)}")
    for stage in stages:
        if stage.name in stale:  # the page must not show the old result if the rerun fails
            Path(stage.record).unlink(missing_ok=True)
    write_plan(FOLDER / "plan.json", runs.planned, LOGS)


onerror:
    shell(f"{PAGE} || true")  # the failure is already reported
