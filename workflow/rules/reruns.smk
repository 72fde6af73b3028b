# Which results are up to date, whichever engine made them, and one engine at a time.

import atexit
import importlib.util
from contextlib import ExitStack

from freshness.records import orphans, stale_reasons
from reruns import lock, rerun, stage_of

stages = [stage_of(rule) for rule in workflow.rules if rule.name != "all"]
has_dvc = Path("dvc.yaml").exists() and Path(".dvc").exists() and importlib.util.find_spec("dvc")
locks = ExitStack()
atexit.register(locks.close)  # whatever ends the run


def be_alone():
    locks.enter_context(lock(Path(".snakemake/running"), "Snakemake is at work in this folder"))
    for name in orphans(stages):
        if has_dvc:
            import dvc_lock

            with dvc_lock.held():  # ends here, if it is a run of DVC
                pass
        logger.warning(f"waiting for {name}, which a killed run has left behind")


def find_stale(runs):
    if runs:
        be_alone()
    reasons = stale_reasons(stages)
    for name, reason in reasons.items():
        logger.info(f"{name} has to run: {reason}")
    return reasons


rerun(workflow, [rule for rule in workflow.rules if rule.name != "all"], stages, find_stale)


onstart:
    if has_dvc:
        import dvc_lock

        locks.enter_context(dvc_lock.held())


def up_to_date():
    """The stages whose results belong to params.yaml, the code and the data, as they are now."""
    if parameters != read_yaml(Path("params.yaml")):
        return []
    stale = stale_reasons(stages)
    return [stage.name for stage in stages if stage.name not in stale]


def finish():
    with locks:
        if has_dvc:
            import dvc_lock

            names = up_to_date()
            dvc_lock.commit(names, still_up_to_date=lambda: up_to_date() == names)


onsuccess:
    finish()


onerror:
    finish()
