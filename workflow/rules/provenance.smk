# Which results still hold, whichever engine made them, and one engine at a time.

import atexit
import fcntl
import importlib.util
import shlex
from contextlib import ExitStack

from provenance import Stage, find_faults, settle_times
from snakemake_interface_executor_plugins.settings import ExecMode


def as_stage(rule):
    command = rule.shellcmd.partition(" > ")[0].format(
        input=rule.input, output=rule.output, params=rule.params
    )
    record = str(rule.output.provenance)
    outputs = [path for path in map(str, rule.output) if path != record]
    return Stage(rule.name, record, shlex.split(command)[1:], list(map(str, rule.input)), outputs)


stages = [as_stage(rule) for rule in workflow.rules if rule.name != "all"]
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
    faults = find_faults(stages)
    for name, fault in faults.items():
        logger.info(f"{name} has to run: {fault}")
    settle_times(stages, faults)


onstart:
    if has_dvc:
        import dvc_door

        doors.enter_context(dvc_door.shut())


def close_doors():
    with doors:
        if has_dvc and parameters == read_yaml(Path("params.yaml")):
            import dvc_door

            stale = find_faults(stages)
            dvc_door.commit(stage.name for stage in stages if stage.name not in stale)


onsuccess:
    close_doors()


onerror:
    close_doors()
