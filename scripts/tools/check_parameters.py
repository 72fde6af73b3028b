"""Check params.yaml, and where outputs go; say in one line what is not allowed, with status 1.

The first command of each of DVC's stages, since DVC puts keys and values into the next one, for the
shell to read, as they are. Snakemake does the same before any job.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.errors import UserError
from core.parameters import first_error, read_schema, read_sections, read_yaml
from core.text import printable
from dataset.own_file import overwriting, own_file


def add_arguments(_: argparse.ArgumentParser) -> None:
    """It takes none."""


def run() -> None:
    """Raise UserError where something is not allowed."""
    if "{" in str(Path.cwd()):
        raise UserError(f"{Path.cwd()}: DVC cannot work in a folder with braces; rename it")
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
    """Why DVC would find nothing at `path`, on which it depends whichever dataset is asked for."""
    if Path(path).exists():
        return None
    found = Path(path).expanduser()
    why = "DVC takes ~ for a name" if path.startswith("~") else "no such file or folder"
    way = found if found.exists() else "the path of a file or folder, as data/own"
    return printable(f"download.path: {path!r} is not allowed ({why}); allowed: {way}")


def _behind_a_link(outputs: Iterable[str]) -> str | None:
    """The folder of an output that is a symbolic link: DVC would fail once the stage has run."""
    folders = {folder for output in outputs for folder in Path(output).parents}
    linked = next((folder for folder in sorted(folders) if folder.is_symlink()), None)
    return linked and f"{linked}: a symbolic link, where DVC keeps nothing; allowed: a folder"
