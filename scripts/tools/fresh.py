"""Check that the results belong to the parameters and code beside them; status 1 if they do not.

Needs neither the data nor the models nor any training: dvc.lock says what the results were made of,
and so do the records of the stages, where they are at hand. Without DVC's files, the records alone.
"""

import argparse
from pathlib import Path

from core.errors import UserError
from core.parameters import read_schema
from core.text import printable
from freshness.dvc_files import read_stages, stale_stages
from freshness.parameters import read_parameters, reading
from freshness.records import recorded_stages, stale_reasons
from freshness.revision import Revision, check_folder


def add_arguments(_: argparse.ArgumentParser) -> None:
    """It takes none."""


def run() -> str:
    """Raise UserError with why results are not up to date, in lines."""
    check_folder()
    here = Revision("this folder")
    with reading(f"params.yaml of {here.name}"):
        parameters = read_parameters(here)  # which follows no link, as a stranger's commit may have
    names = [name for name in read_schema()["properties"] if name != "seed"]
    records, found = [Path(f"provenance/{name}.json") for name in names], []
    if Path("dvc.yaml").exists() or Path("dvc.lock").exists():
        found = stale_stages(read_stages(here))
        records = [record for record in records if record.exists()]
    reasons = stale_reasons(recorded_stages(records, parameters))
    found = found or [f"{name} has to run: {reason}" for name, reason in reasons.items()]
    if found:
        raise UserError("\n".join(map(printable, found)))
    return "The results belong to the parameters and code."
