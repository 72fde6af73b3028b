"""Check params.yaml and the places of the outputs; report an error in one line, with exit status 1.

DVC runs this as the first command of each stage, because it inserts keys and values unquoted into
the shell command that follows. Snakemake makes the same checks before any job.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.damage import refuse_damage
from core.errors import UserError
from core.parameters import first_error, read_schema, read_sections, read_yaml
from core.text import printable
from dataset.own_file import overwriting, own_file


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add nothing: this tool has no arguments."""


def run() -> None:
    """Raise UserError if something is not allowed."""
    if "{" in str(Path.cwd()):
        raise UserError(f"{Path.cwd()}: DVC cannot run in a folder with braces; rename it")
    refuse_damage()
    values = read_sections(Path("params.yaml"))
    error = first_error(values, read_schema())
    outputs = list(_outputs_of_dvc())
    error = error or overwriting(own_file(values["download"]), outputs) or _behind_a_link(outputs)
    error = error or _no_dependency(values["download"]["path"])
    if error:
        raise UserError(error)


def _outputs_of_dvc() -> Iterator[str]:
    for stage in read_yaml(Path("dvc.yaml"))["stages"].values():
        for kind in ("outs", "metrics", "plots"):
            for output in stage.get(kind, []):
                yield output if isinstance(output, str) else next(iter(output))


def _no_dependency(path: str) -> str | None:
    """An error if `path` does not exist: DVC depends on it whichever dataset is chosen."""
    if Path(path).exists():
        return None
    found = Path(path).expanduser()
    why = "DVC does not expand ~" if path.startswith("~") else "no such file or folder"
    way = found if found.exists() else "the path of a file or folder, such as data/own"
    return printable(f"download.path: {path!r} is not allowed ({why}); allowed: {way}")


def _behind_a_link(outputs: Iterable[str]) -> str | None:
    """An error if the folder of an output is a symbolic link: DVC would fail after the stage."""
    folders = {folder for output in outputs for folder in Path(output).parents}
    linked = next((folder for folder in sorted(folders) if folder.is_symlink()), None)
    return linked and f"{linked}: a symbolic link, which DVC does not support; allowed: a folder"
