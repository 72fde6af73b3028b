# The runs of the studies. workflow/study_runs.py has their inputs and parameters.

from snakemake_interface_executor_plugins.settings import ExecMode
from study_runs import StudyRuns

FILE, FOLDER, LOGS = Path("study.yaml"), Path("study"), Path("logs/study")
PAGE = (
    f"python scripts/tool.py study --plan study/plan.json --logs {LOGS}"
    " --html reports/study.html --markdown reports/study.md"
)

is_main = workflow.exec_mode == ExecMode.DEFAULT  # not in a cluster job
if is_main and parameters != read_yaml(Path("params.yaml")):
    sys.exit(
        "--config: a study reads its values from params.yaml and study.yaml; change them there"
    )

pipeline_rules = {rule.name.removeprefix("pipeline_"): rule for rule in workflow.rules}
runs = StudyRuns(FILE, FOLDER, parameters, pipeline_rules)
