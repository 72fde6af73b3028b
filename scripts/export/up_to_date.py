"""Whether models and the evaluation belong to the parameters and code, as make fresh finds it."""

from collections.abc import Sequence
from pathlib import Path

from core.errors import UserError
from core.parameters import read_schema
from core.text import printable
from freshness.dvc_files import read_stages
from freshness.parameters import read_parameters, reading
from freshness.records import recorded_stages, stale_reasons
from freshness.revision import Revision

NOT_EXPORTED = ("report",)  # stages of which nothing is


def check_models(folders: Sequence[Path], evaluation: Path) -> None:
    """Raise UserError, in one line with how to mend it, where a model or the evaluation is missing,
    or a stage before them has to run.
    """
    for path in (evaluation, *(folder / "training.json" for folder in folders)):
        if not path.is_file():
            raise UserError(f"{path} is missing; make report makes it, or dvc pull fetches it")
    here = Revision("this folder")
    with reading(f"params.yaml of {here.name}"):
        parameters = read_parameters(here)
    names = [name for name in read_schema()["properties"] if name not in ("seed", *NOT_EXPORTED)]
    records, reasons = [Path(f"provenance/{name}.json") for name in names], {}
    if Path("dvc.yaml").exists() or Path("dvc.lock").exists():
        stages = read_stages(here)
        reasons = {name: state.stale for name, state in stages.items() if state.stale}
        records = [record for record in records if record.exists()]
    reasons |= stale_reasons(recorded_stages(records, parameters))
    for name, reason in reasons.items():
        if name not in NOT_EXPORTED:
            raise UserError(printable(f"{name} has to run: {reason}; make report runs it"))
