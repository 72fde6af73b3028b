"""A small pipeline of two stages in a repository, with a dvc.lock as DVC would have written it."""

import hashlib
from copy import deepcopy
from pathlib import Path
from typing import Any

from changed_results import Repository
from ruamel.yaml import YAML

from freshness.dvc_files import StageState, read_stages
from freshness.revision import Revision, find_revision

HERE = Revision("this folder")


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - DVC's


# Two stages: the second reads what the first has made, which git does not hold.
DECLARED = {
    "train": {
        "cmd": "python train.py --out model ${train} --seed '${seed}'",
        "deps": ["train.py"],
        "params": ["seed", "train"],
        "outs": ["model", {"log": {"persist": True}}],
    },
    "evaluate": {
        "cmd": ["python check.py", "python evaluate.py model"],
        "deps": ["evaluate.py", "model"],
        "metrics": [{"scores": {"cache": False}}],
        "plots": [{"curve": {"cache": False, "x": "epoch"}}],
    },
}
PARAMETERS = {
    "seed": 1,
    "train": {"epochs": 3, "layers": [8, 8], "deep": {"rate": 0.1}},
    "other": 5,
}
FILES = {name: f"the content of {name}" for name in ("train.py", "evaluate.py", "scores", "curve")}


def locked() -> dict[str, Any]:
    """What dvc.lock says after these two stages have run."""

    def files(*names: str) -> list[dict[str, str]]:
        return [{"path": name, "hash": "md5", "md5": md5(FILES.get(name, name))} for name in names]

    return {
        "train": {
            "cmd": "python train.py --out model --epochs 3 --layers 8 8 --seed '1'",
            "deps": files("train.py"),
            "params": {"params.yaml": {"seed": 1, "train": deepcopy(PARAMETERS["train"])}},
            "outs": files("log", "model"),
        },
        "evaluate": {
            "cmd": ["python check.py", "python evaluate.py model"],
            "deps": files("evaluate.py", "model"),
            "outs": files("curve", "scores"),
        },
    }


class Pipeline:
    """A repository with these stages, their files and their parameters."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder)
        self.folder = folder
        self.declared, self.parameters = deepcopy(DECLARED), deepcopy(PARAMETERS)
        self.locked = locked()
        for name, text in FILES.items():
            (folder / name).write_text(text)

    def dump(self, path: str, value: Any) -> None:
        with (self.folder / path).open("w") as file:
            YAML(typ="safe").dump(value, file)

    def write(self) -> None:
        self.dump("dvc.yaml", {"stages": self.declared})
        self.dump("dvc.lock", {"schema": "2.0", "stages": self.locked})
        self.dump("params.yaml", self.parameters)

    def states(self) -> dict[str, StageState]:
        """What is read of the folder."""
        self.write()
        return read_stages(HERE)

    def committed(self) -> dict[str, StageState]:
        """What is read of a commit of the folder."""
        self.write()
        self.repository.commit("as it is")
        return read_stages(find_revision("main"))

    def reasons(self) -> dict[str, str | None]:
        return {name: state.stale for name, state in self.states().items()}


def change(path: list[Any], value: Any):
    """Sets what is at `path` of a pipeline's declared stages, dvc.lock or parameters."""

    def make(pipeline: Pipeline) -> None:
        node: Any = vars(pipeline)
        for key in path[:-1]:
            node = node[key]
        if value is None:
            del node[path[-1]]
        else:
            node[path[-1]] = value

    return make


def edit(name: str, text: str | None):
    return lambda pipeline: (
        (pipeline.folder / name).write_text(text)
        if text is not None
        else (pipeline.folder / name).unlink()
    )
