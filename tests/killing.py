"""Kills a run before a chosen access to a file, in the engine or in a stage.

`killed` makes Python import this file as `sitecustomize` in each process of a run. Accesses have
names, so that a run is killed at the same point however fast the machine is.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

VERBS = {"os.rename": "renames", "os.remove": "removes", "os.link": "links"}
OF_RANDOM_NAMES = re.compile(r"(?<=[./])[\w-]{22}(?=\.|$)|[0-9a-f]{2}/[0-9a-f]{30}\b")


def killed(
    command: tuple[str, ...], folder: Path, environment: dict[str, str], point: str, whom: str
) -> str:
    """Run `command` in `folder` until it is killed before `point`; returns its output.

    Args:
        point: a regular expression of an access's name, such as "report writes reports/.*",
            "explore_stats renames reports/.partial.stats.json to .*" or "dvc reads dvc.lock".
        whom: "all" processes, or only the "engine", and the stage that runs is left behind.
    """
    hook = folder.parent / "sitecustomize"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(Path(__file__).read_text())
    values = {"KILLED_FOLDER": str(folder), "KILLED_POINT": point, "KILLED_WHOM": whom}
    output = folder.parent / "killed.log"
    with output.open("w") as log:
        run = subprocess.run(
            command,
            cwd=folder,
            env={**environment, **values, "PYTHONPATH": str(hook)},
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
        )
    said = output.read_text()
    assert run.returncode == -signal.SIGKILL, f"never came to {point}:\n{said}"
    return said


def _watch(folder: str, point: str, whom: str) -> None:
    words = Path("/proc/self/cmdline").read_bytes().decode().split("\0")  # sys.argv is not set yet
    program = next((Path(word).stem for word in words[1:] if "/" in word), words[0])

    def kill_at_point(event: str, arguments: tuple) -> None:
        name = _name(event, arguments, folder)
        if name is None or not re.fullmatch(point, f"{program} {name}"):
            return
        if whom == "all":
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getsid(0), signal.SIGKILL)

    sys.addaudithook(kill_at_point)


def _name(event: str, arguments: tuple, folder: str) -> str | None:
    """The name of an access to a file of the project, without the program's; None for others."""
    if event != "open" and event not in VERBS:
        return None
    paths = arguments[: 1 if event in ("open", "os.remove") else 2]
    if not all(isinstance(path, str | bytes | os.PathLike) for path in paths):
        return None  # an open file
    paths = [os.path.relpath(os.fsdecode(path), folder) for path in paths]
    if any(path.startswith("..") or "__pycache__" in path for path in paths):
        return None
    named = " to ".join(OF_RANDOM_NAMES.sub("*", path) for path in paths)
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    return f"{VERBS.get(event) or ('writes' if writes else 'reads')} {named}"


if "KILLED_POINT" in os.environ:
    _watch(*(os.environ[f"KILLED_{name}"] for name in ("FOLDER", "POINT", "WHOM")))
