# Which results of a study are up to date, one study at a time, and the page even where a run failed.

import atexit
from contextlib import ExitStack

from freshness.records import downstream, orphans, stale_reasons
from reruns import lock, rerun, stage_of
from studies import HOW_TO_FETCH

locks = ExitStack()
atexit.register(locks.close)  # whatever ends the run

study_rules = [rule for rule in workflow.rules if rule.name in runs]
stages = [stage_of(rule, id=id) for rule in study_rules for id in runs[rule.name]]
stale, trainings = [], Counter()


def be_alone():
    locks.enter_context(lock(FOLDER / ".running", "a study is at work in this folder"))
    for name in orphans(stages):
        logger.warning(f"waiting for {name}, which a killed run has left behind")


def find_stale(is_run):
    if is_run:
        be_alone()
    reasons = stale_reasons(stages, ignoring=[f"--{key}" for key in HOW_TO_FETCH])
    for stage in stages:
        if stage.name in reasons and Path(stage.record).exists():
            logger.info(f"{stage.name} has to run: {reasons[stage.name]}")
    stale.extend(downstream(stages, reasons))
    trainings.update(
        name.split()[0].removeprefix("train_") for name in stale if name.startswith("train_")
    )
    if trainings:
        logger.info(work(trainings, FOLDER))
    return reasons


rerun(workflow, study_rules, stages, find_stale)


onstart:
    if trainings.total() > ask_above:
        ask(f"{FILE}: {work(trainings, FOLDER)}")
    for stage in stages:
        if stage.name in stale:  # so that the page does not take it for a result, if it fails
            Path(stage.record).unlink(missing_ok=True)
    write_plan(FOLDER / "plan.json", planned)


onerror:
    shell(f"{PAGE} || true")  # what has failed was said already
