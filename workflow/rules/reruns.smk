# Rerun what is out of date, whether DVC or Snakemake made it. Only one of them can run at a time.

import atexit
import importlib.util
from contextlib import ExitStack, nullcontext

from core.files import read_json
from freshness.dvc_files import locked_stages
from freshness.records import stale_reasons
from freshness.revision import Revision
from reruns import lock, rerun, stage_of, wait_for_orphans

stages = [stage_of(rule) for rule in workflow.rules if rule.name != "all"]
has_dvc = Path("dvc.yaml").exists() and Path(".dvc").exists() and importlib.util.find_spec("dvc")
if has_dvc:  # later, DVC could not enter the results
    try:
        locked_stages(Revision("this folder"))
    except UserError as error:
        sys.exit(str(error))
locks = ExitStack()
atexit.register(locks.close)  # however the run ends


def held():
    """DVC's lock. Imports DVC only here, because this takes seconds."""
    if not has_dvc:
        return nullcontext()
    import dvc_lock

    return dvc_lock.held()


def find_stale(is_run):
    if is_run:
        locks.enter_context(
            lock(Path(".snakemake/running"), "Snakemake is already running in this folder")
        )
        wait_for_orphans(stages, held)
    reasons = stale_reasons(stages)
    for name, reason in reasons.items():
        logger.info(f"{name} must be rerun: {reason}")
    return reasons


rerun(workflow, [rule for rule in workflow.rules if rule.name != "all"], stages, find_stale)


def up_to_date():
    if parameters != read_yaml(Path("params.yaml")):
        return []  # with --config: dvc.lock must contain only results of params.yaml
    stale = stale_reasons(stages)
    return [stage.name for stage in stages if stage.name not in stale]


def finish():
    with locks:
        if has_dvc:
            import dvc_lock

            dvc_lock.commit(up_to_date)


onstart:
    locks.enter_context(held())


def say_what_was_found():
    """Repeat the data checks' findings from the log of explore_stats at the end of the output."""
    if "explore_stats" not in stale_reasons(stages):
        from data_checks.finding import alarms

        for line in alarms(read_json(Path("reports/stats.json"))["checks"]):
            logger.warning(f"explore_stats: {line}")


onsuccess:
    finish()
    say_what_was_found()


onerror:
    finish()
