# Shared by the rules: the parameters, checked before any job, and a check for a missing conda.

import atexit
import shutil
import sys
from os.path import exists

from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod

sys.path.insert(0, str(workflow.basedir))
sys.path.append(str(Path(workflow.basedir).parent / "scripts"))
from core.damage import refuse_damage
from core.errors import UserError
from core.parameters import as_flags, first_error, read_schema, read_yaml
from core.program import INTERRUPTED
from dataset.own_file import overwriting, own_file
from overrides import read_parameters, unread_sections


def without_traceback(kind, error, traceback):
    """Let Ctrl-C end Snakemake with one line, also while it builds its DAG."""
    if issubclass(kind, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = without_traceback

if "{" in str(workflow.basedir):
    sys.exit(f"{workflow.basedir}: Snakemake reads braces as wildcards; rename the folder")

try:
    refuse_damage()
except UserError as error:
    sys.exit(str(error))

if workflow.workflow_settings.cache is not None:
    sys.exit(
        "--cache: Snakemake would replace results by links, which git and DVC cannot track; run"
        " without it, because the records and DVC's cache already spare stages that are up to date"
    )

parameters = read_parameters(
    Path("params.yaml"), workflow.config_settings.configfiles, workflow.config_settings.config
)
error = first_error(parameters, read_schema())
if error:
    sys.exit(error)
for section in unread_sections(parameters, read_schema()):
    logger.warning(f"{section}: no stage reads this section")

methods = workflow.deployment_settings.deployment_method
if DeploymentMethod.CONDA in methods and not shutil.which("conda"):
    # Without this, Snakemake would fail at the first job, even if the job needs no environment.
    without = "conda is not on PATH: the rules run in the current environment. See docs/run.md."
    logger.warning(without)
    atexit.register(print, without, file=sys.stderr)  # again at the end, where it is seen
    workflow.deployment_settings.deployment_method = set(methods) - {DeploymentMethod.CONDA}


inputflags:
    ancient,  # ignore file times: checkouts and DVC also change them
