"""Runs Python programs in forks of one process that has imported what takes long to import.

A fork runs the program's own file from its first line to its exit, as a new interpreter would. It
knows none of our modules before. TensorFlow is not imported: it does not bear to be forked.
"""

import gc
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

LIBRARIES = (
    *("numpy", "scipy.stats", "sklearn.metrics", "pandas"),
    *("matplotlib.figure", "matplotlib.backends.backend_svg"),
    *("jinja2", "jsonschema", "networkx", "PIL.Image", "requests", "rich.text", "ruamel.yaml"),
    *("dvc.cli", "dvc.cli.parser", "dvc.lock", "dvc.rwlock", "dvc.utils.strictyaml"),
    *("dvc.repo.commit", "dvc.repo.index", "dvc.repo.plots", "dvc.repo.reproduce"),
    *("dvc.repo.status", "dvc_render", "scmrepo.git"),
    *("snakemake.cli", "snakemake.report.html_reporter", "snakemake.storage", "smart_open"),
    *("snakemake.executors.dryrun", "snakemake.executors.local"),
)


class ForkedPrograms:
    """To be asked for one program after another; ends with the process that has made it."""

    def __init__(self) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.server = subprocess.Popen([sys.executable, __file__], **pipes)

    def run(
        self, program: str, arguments: Sequence[str], folder: Path, environment: dict[str, str]
    ) -> tuple[int, str]:
        """The exit status of a program in the folder `folder`, and its output, both streams."""
        with tempfile.NamedTemporaryFile() as output:
            request = (program, arguments, str(folder), environment, output.name)
            print(json.dumps(request), file=self.server.stdin, flush=True)
            status = int(self.server.stdout.readline())
            return status, output.read().decode()


def serve() -> None:
    for name in LIBRARIES:
        import_module(name)
    gc.freeze()  # or each fork, as it ends, would go through all that is imported
    for line in sys.stdin:
        child = os.fork()
        if not child:
            return become(*json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return None


def become(program: str, arguments: list[str], folder: str, environment: dict, output: str) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), 1)
    os.dup2(1, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *arguments]
    sys.path[0] = str(Path(program).parent.resolve())
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    serve()
