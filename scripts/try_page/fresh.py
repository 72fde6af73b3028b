"""Whether the models belong to the parameters and code."""

from pathlib import Path

from core.errors import UserError
from core.parameters import read_schema
from freshness.parameters import read_parameters
from freshness.records import recorded_stages, stale_reasons
from freshness.revision import Revision

OTHERS = ("seed", "report")  # sections of params.yaml on which nothing here depends


def check_fresh() -> None:
    """Raise UserError where a stage that makes models, or what is said of them, has to run."""
    names = [name for name in read_schema()["properties"] if name not in OTHERS]
    records = [Path(f"provenance/{name}.json") for name in names]
    parameters = read_parameters(Revision("this folder"))
    for name, reason in stale_reasons(recorded_stages(records, parameters)).items():
        raise UserError(f"the models are stale: {name} has to run: {reason}; make report runs it")
