# Which runs the studies have, and what each reads and is given.

from collections import Counter
from functools import partial

from snakemake.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import ExecMode
from studies import MOST_MODELS, ask, plan, read_studies, work, write_plan

FILE, FOLDER, LOGS = Path("study.yaml"), Path("study"), Path("logs/study")
PAGE = (
    f"python scripts/tool.py study --plan study/plan.json --logs {LOGS}"
    " --html reports/study.html --markdown reports/study.md"
)

write_plan = partial(write_plan, logs=LOGS)
IS_MAIN = workflow.exec_mode == ExecMode.DEFAULT  # and no job of a cluster

pipeline_rules = {rule.name.removeprefix("pipeline_"): rule for rule in workflow.rules}
model_files = [path for path in pipeline_rules["evaluate"].input if path.startswith("models/")]
models = list(dict.fromkeys(path.split("/")[1] for path in model_files))
studies, ask_above = read_studies(FILE, parameters, models)

if IS_MAIN and parameters != read_yaml(Path("params.yaml")):
    sys.exit("--config: a study has its values from params.yaml and study.yaml; change them there")

at_most = sum(study.size() * len(study.models) for study in studies)
if at_most > MOST_MODELS:
    sys.exit(f"{FILE}: {at_most:,} models to train; allowed: up to {MOST_MODELS:,}")

planned = plan(FILE, studies, parameters)
runs = {}  # by stage and id, each once
for study in planned:
    for run in study["runs"]:
        for step in run["chain"]:
            runs.setdefault(step.stage, {})[step.id] = step

outputs = [path for rule in pipeline_rules.values() for path in rule.output]
for file in filter(None, [own_file(run.values) for run in runs["download"].values()]):
    error = overwriting(file, [*outputs, *map(str, FOLDER.glob("*/*/*"))])
    if error:
        sys.exit(f"{FILE}: {error}")


def find_run(stage, wildcards):
    if wildcards.id not in runs.get(stage, {}):
        raise WorkflowError(
            f"{stage} {wildcards.id}: no run of {FILE} and params.yaml, as they are"
        )
    return runs[stage][wildcards.id]


def folder(run):
    return f"{FOLDER}/{run.stage}/{run.id}"


def made(run, name):
    return f"{folder(run)}/{name}"


def script(stage):
    return f"scripts/{stage}.py"


def environment(stage):
    return pipeline_rules[stage].input.environment


def before(stage, name):
    return lambda wildcards: made(find_run(stage, wildcards).before, name)


def own_dataset(wildcards):
    file = own_file(find_run("download", wildcards).values)
    return [file] if file and isfile(file) else []


def trained(wildcards):
    run = find_run("evaluate", wildcards).before
    model = f"models/{run.stage.removeprefix('train_')}/"
    return [made(run, Path(path).name) for path in model_files if path.startswith(model)]


def test_images(wildcards):
    return made(find_run("evaluate", wildcards).before.before, "test.npz")


def seed(stage):
    return lambda wildcards: find_run(stage, wildcards).seed


def threads(stage):
    return lambda wildcards: find_run(stage, wildcards).values["threads"]


def flags(stage):
    return lambda wildcards: as_flags(find_run(stage, wildcards).values)
