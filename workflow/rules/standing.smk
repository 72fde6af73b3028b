# Which results of a study hold, one study at a time, and the page even where a run has failed.

import atexit
import fcntl
from contextlib import ExitStack

from provenance import find_faults, following, left_behind, settle_times, stage_of

doors = ExitStack()
atexit.register(doors.close)  # whatever ends the run

if IS_MAIN:
    try:
        FOLDER.mkdir(exist_ok=True)
        running = doors.enter_context((FOLDER / ".running").open("w"))
        # Ends with the process, even if that is killed.
        fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("a study is at work in this folder; try again when it has ended")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    stages = [
        stage_of(rule, id=id)
        for rule in workflow.rules
        if not rule.name.startswith("pipeline_")
        for id in runs.get(rule.name, {})
    ]
    for name in left_behind(stages):
        logger.warning(f"waiting for {name}, which a killed run has left behind")
    faults = find_faults(stages)
    for stage in stages:
        if stage.name in faults and Path(stage.record).exists():
            logger.info(f"{stage.name} has to run: {faults[stage.name]}")
    stale = following(stages, faults)
    trainings = Counter(
        name.split()[0].removeprefix("train_") for name in stale if name.startswith("train_")
    )
    if trainings:
        logger.info(work(trainings, FOLDER))
    settle_times(stages, faults)


onstart:
    if trainings.total() > ask_above:
        ask(f"{FILE}: {work(trainings, FOLDER)}")
    for stage in stages:
        if stage.name in stale:  # so that the page does not take it for a result, if it fails
            Path(stage.record).unlink(missing_ok=True)
    write_plan(FOLDER / "plan.json", planned)


onerror:
    shell(f"{PAGE} || true")  # what has failed was said already
