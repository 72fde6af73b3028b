# Which results still hold, whichever engine made them, and one engine at a time.

import atexit
import fcntl
import importlib.util
from contextlib import ExitStack

from provenance import find_faults, left_behind, settle_times, stage_of
from snakemake_interface_executor_plugins.settings import ExecMode

stages = [stage_of(rule) for rule in workflow.rules if rule.name != "all"]
has_dvc = Path("dvc.yaml").exists() and Path(".dvc").exists() and importlib.util.find_spec("dvc")
doors = ExitStack()
atexit.register(doors.close)  # whatever ends the run

if workflow.exec_mode == ExecMode.DEFAULT:  # and not within a job of a cluster
    Path(".snakemake").mkdir(exist_ok=True)
    running = doors.enter_context(open(".snakemake/running", "w"))
    try:
        fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, even if killed
    except BlockingIOError:
        sys.exit("Snakemake is at work in this folder; try again when it has ended")
    for name in left_behind(stages):
        if has_dvc:
            import dvc_door

            with dvc_door.shut():  # ends here, if it is a run of DVC
                pass
        logger.warning(f"waiting for {name}, which a killed run has left behind")
    faults = find_faults(stages)
    for name, fault in faults.items():
        logger.info(f"{name} has to run: {fault}")
    settle_times(stages, faults)


onstart:
    if has_dvc:
        import dvc_door

        doors.enter_context(dvc_door.shut())


def holding():
    """The stages whose results belong to params.yaml, the code and the data, as they are now."""
    if parameters != read_yaml(Path("params.yaml")):
        return []
    stale = find_faults(stages)
    return [stage.name for stage in stages if stage.name not in stale]


def close_doors():
    with doors:
        if has_dvc:
            import dvc_door

            names = holding()
            dvc_door.commit(names, still_hold=lambda: holding() == names)


onsuccess:
    close_doors()


onerror:
    close_doors()
