"""Check that the results are up to date with the parameters and code; exit status 1 if not.

This needs no data, models or training: dvc.lock records what the results were made from, and so do
the records of the stages, where they are available. Without DVC's files, only the records count.
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
    """Add nothing: this tool has no arguments."""


def run() -> str:
    """Raise UserError with the reasons why results are out of date, one per line."""
    check_folder()
    here = Revision("this folder")
    with reading(f"params.yaml of {here.name}"):
        parameters = read_parameters(here)  # follows no links of untrusted commits
    names = [name for name in read_schema()["properties"] if name != "seed"]
    records, found = [Path(f"provenance/{name}.json") for name in names], []
    if Path("dvc.yaml").exists() or Path("dvc.lock").exists():
        found = stale_stages(read_stages(here))
        records = [record for record in records if record.exists()]
    reasons = stale_reasons(recorded_stages(records, parameters))
    found = found or [f"{name} must be rerun: {reason}" for name, reason in reasons.items()]
    if found:
        raise UserError("\n".join(map(printable, found)))
    return "The results are up to date with the parameters and code."
