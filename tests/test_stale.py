"""Whether results belong to parameters and code: dvc.yaml, dvc.lock, params.yaml by hand."""

import ast
import hashlib
import os
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from changed_results import Repository
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from core.errors import UserError
from freshness.dvc_files import SHOWN, StageState, faults, ran_again, read_stages
from freshness.parameters import changed_parameters
from freshness.revision import Revision, find_revision

HERE = Revision("this folder")
READERS = ("review.py", "comment.py", "post.py", "fresh.py", "reproduced.py")


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

    def faults(self) -> dict[str, str | None]:
        return {name: state.fault for name, state in self.states().items()}


@pytest.fixture
def pipeline(tmp_path, monkeypatch) -> Pipeline:
    pipeline = Pipeline(tmp_path / "project")
    monkeypatch.chdir(pipeline.folder)
    return pipeline


SOUND = {"train": None, "evaluate": None}


def test_what_holds_is_read_as_it_was_made(pipeline):
    assert pipeline.committed() == pipeline.states()
    assert pipeline.states() == {
        "train": StageState(
            None,
            ["python train.py --out model --epochs 3 --layers 8 8 --seed '1'"],
            {"seed": 1, "train.epochs": 3, "train.layers": [8, 8], "train.deep.rate": 0.1},
            {"train.py": md5(FILES["train.py"])},
            {"model": md5("model"), "log": md5("log")},
        ),
        "evaluate": StageState(
            None,
            ["python check.py", "python evaluate.py model"],
            {},
            {"evaluate.py": md5(FILES["evaluate.py"]), "model": md5("model")},
            {"scores": md5(FILES["scores"]), "curve": md5(FILES["curve"])},
        ),
    }


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


ONE_FAULT = {
    "a parameter": (
        change(["parameters", "train", "epochs"], 4),
        {"train": "train.epochs was 3 and is 4"},
    ),
    "a parameter within two sections": (
        change(["parameters", "train", "deep"], {"rate": 0.2}),
        {"train": "train.deep.rate was 0.1 and is 0.2"},
    ),
    "a list": (
        change(["parameters", "train", "layers"], [8]),
        {"train": "train.layers was [8, 8] and is [8]"},
    ),
    "a new parameter": (
        change(["parameters", "train", "new"], 1),
        {"train": "train.new was none and is 1"},
    ),
    "a parameter gone": (
        change(["parameters", "train", "epochs"], None),
        {"train": "train.epochs was 3 and is none"},
    ),
    "a number that is no longer a text": (
        change(["locked", "train", "params", "params.yaml", "seed"], True),
        {"train": "seed was True and is 1"},
    ),
    "a parameter that no stage lists": (change(["parameters", "other"], 6), {}),
    "a section whose name begins the same": (change(["parameters", "training"], {"a": 1}), {}),
    "a listed key": (
        change(["declared", "train", "params"], ["seed", "train.epochs"]),
        {"train": "dvc.yaml no longer lists train.deep.rate; dvc repro --force train runs it"},
    ),
    "a script": (edit("train.py", "new"), {"train": "train.py has changed"}),
    "an input of two": (edit("evaluate.py", "new"), {"evaluate": "evaluate.py has changed"}),
    "an input gone": (edit("evaluate.py", None), {"evaluate": "evaluate.py is missing"}),
    "a metric edited": (edit("scores", "new"), {"evaluate": "scores has changed"}),
    "a plot edited": (edit("curve", "new"), {"evaluate": "curve has changed"}),
    "a metric gone, which git should hold": (
        edit("scores", None),
        {"evaluate": "scores is missing"},
    ),
    "an output that is at hand and another": (
        edit("model", "x"),
        {"train": "model has changed", "evaluate": "model has changed"},
    ),
    "an output that is at hand": (edit("model", "model"), {}),
    "an output of another run": (
        change(["locked", "train", "outs", 1, "md5"], md5("x")),
        {"evaluate": "model has changed"},
    ),
    "an output that git need not hold, and that nothing has recorded": (
        change(["declared", "train", "outs"], ["model", "log", "more"]),
        {"train": "more is missing"},
    ),
    "a new input": (
        change(["declared", "train", "deps"], ["train.py", "evaluate.py"]),
        {"train": "evaluate.py has changed"},
    ),
    "an input no longer listed": (
        change(["declared", "evaluate", "deps"], ["model"]),
        {"evaluate": "dvc.yaml no longer lists evaluate.py; dvc repro --force evaluate runs it"},
    ),
    "an output no longer listed": (
        change(["declared", "evaluate", "plots"], None),
        {"evaluate": "dvc.yaml no longer lists curve; dvc repro --force evaluate runs it"},
    ),
    "a stage not in dvc.lock": (
        change(["locked", "train"], None),
        {"train": "dvc.lock does not know it", "evaluate": "model is missing"},
    ),
    "a stage not in dvc.yaml": (
        change(["declared", "evaluate"], None),
        {"evaluate": "dvc.lock has it and dvc.yaml has not, so delete it there"},
    ),
    "two faults": (
        lambda pipeline: (edit("scores", "new")(pipeline), edit("curve", "new")(pipeline)),
        {"evaluate": "scores has changed, and 1 more"},
    ),
    "three faults, the parameter first": (
        lambda pipeline: (
            edit("train.py", "new")(pipeline),
            change(["parameters", "train", "epochs"], 4)(pipeline),
            edit("model", "other")(pipeline),
            edit("model", "model")(pipeline),
            edit("log", "other")(pipeline),
        ),
        {"train": "train.epochs was 3 and is 4, and 2 more"},
    ),
}


@pytest.mark.parametrize("kind", ONE_FAULT)
def test_what_has_to_run_is_named(kind, pipeline):
    make, found = ONE_FAULT[kind]
    make(pipeline)
    assert pipeline.faults() == {**SOUND, **found}


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "a parameter",
            "an input gone",
            "a metric edited",
            "an output that is at hand and another",
        ),
        *("a metric gone, which git should hold", "an output of another run", "two faults"),
    ],
)
def test_a_commit_is_read_as_the_folder_is(kind, pipeline):
    ONE_FAULT[kind][0](pipeline)
    assert pipeline.committed() == pipeline.states()


COMMANDS = [
    ("a ${x} b", "a 1 2 b", True),
    ("a ${x} b", "a  b", True),
    ("a ${x} b", "a b", False),
    ("a ${x} b", "a 1 c", False),
    ("a ${x} b", "c 1 b", False),
    ("a ${x} b", "a 1 b c", False),
    ("a ${x} b", "0 a 1 b", False),
    ("${x}", "", True),
    ("${x}", "anything\nat all", True),
    ("a", "a", True),
    ("a", "a ", False),
    ("a", "b", False),
    ("a${x}b${y}c", "a1b2c", True),
    ("a${x}b${y}c", "abc", True),
    ("a${x}b${y}c", "a12c", False),
    ("a${x}b${y}c", "acb", False),
    ("a${x}b${y}b", "ab", False),
    ("a${x}b${y}b", "abb", True),
    ("a${x}ab", "ab", False),
    ("a${x.y[0]}b$z", "a1b$z", True),
    ("(${x})", "(1)", True),
    ("a.${x}", "ab1", False),
    (["a", "b ${x}"], ["a", "b 1"], True),
    (["a", "b ${x}"], ["b 1", "a"], False),
    (["a", "b"], ["a"], False),
    (["a"], ["a", "b"], False),
    ("a", ["a"], True),
]


@pytest.mark.parametrize(("declared", "recorded", "same"), COMMANDS)
def test_a_command_with_anything_for_its_parameters(declared, recorded, same, pipeline):
    pipeline.declared["evaluate"]["cmd"] = declared
    pipeline.locked["evaluate"]["cmd"] = recorded
    fault = None if same else "its command has changed"
    assert pipeline.faults() == {**SOUND, "evaluate": fault}


@given(st.lists(st.text("ab ", max_size=3), min_size=2, max_size=5), st.data())
def test_what_is_put_into_a_command_fits_it(parts, data):
    from freshness.dvc_files import (
        _fits,  # the rule alone: each example of the whole would be a commit
    )

    values = [data.draw(st.text("ab $", max_size=3)) for _ in parts[1:]]
    pieces = [parts[0], *(f"{value}{part}" for value, part in zip(values, parts[1:], strict=True))]
    assert _fits("${x}".join(parts), "".join(pieces))
    assert not _fits("${x}".join([*parts, "c"]), "".join(pieces))
    assert not _fits("${x}".join(["c", *parts]), "".join(pieces))


def test_ran_again_says_what_was_changed(pipeline):
    before = pipeline.states()
    assert ran_again(before, before) == {}
    pipeline.parameters["train"]["epochs"] = 4
    pipeline.locked["train"]["params"]["params.yaml"]["train"]["epochs"] = 4
    pipeline.locked["train"]["outs"][1]["md5"] = md5("x")
    pipeline.locked["evaluate"]["deps"][1]["md5"] = md5("x")
    pipeline.locked["evaluate"]["deps"][0]["md5"] = md5("new")
    edit("evaluate.py", "new")(pipeline)
    here = pipeline.states()
    assert here["train"].fault is None
    assert ran_again(before, here) == {
        "train": ["train.epochs"],
        "evaluate": ["evaluate.py", "model"],
    }
    assert ran_again({}, here) == {"train": ["new"], "evaluate": ["new"]}
    assert ran_again(here, {}) == {"train": ["removed"], "evaluate": ["removed"]}
    one = StageState(None, ["a"], {"x": 1, "gone": 2}, {"in": "1"}, {"out": "1"})
    assert ran_again(
        {"s": one}, {"s": StageState(None, ["b"], {"x": 1, "gone": 2}, {"in": "1"})}
    ) == {"s": ["its command"]}
    assert ran_again({"s": one}, {"s": StageState(None, ["b"], {"x": 2}, {"in": "2"})}) == {
        "s": ["x", "gone", "in"]
    }
    other = StageState(None, ["a"], {"x": 1, "gone": 2}, {"in": "1"}, {"out": "2"})
    assert ran_again({"s": one}, {"s": other}) == {"s": ["nothing that dvc.lock knows of"]}


def test_results_that_no_stage_makes():
    known = StageState(None, outputs=dict.fromkeys(SHOWN[1:]))
    assert faults({"a": known, "b": StageState("why")}) == [
        "b has to run: why",
        f"{SHOWN[0]} is made by no stage of dvc.yaml",
    ]


def test_changed_parameters_are_those_whose_values_differ(pipeline):
    pipeline.write()
    pipeline.repository.commit("base")
    assert changed_parameters(find_revision("main"), HERE) == {}
    pipeline.parameters = {"seed": "1", "new": {"a": None, "b": [1]}, "train": {"epochs": 3}}
    pipeline.write()
    assert changed_parameters(find_revision("main"), HERE) == {
        "seed": ("1", "1"),
        "new.b": ("none", "[1]"),
        "train.layers": ("[8, 8]", "none"),
        "train.deep.rate": ("0.1", "none"),
        "other": ("5", "none"),
    }


REFUSED = [
    ("dvc.yaml", "stages: [1]", "dvc.yaml or dvc.lock of main: not what DVC writes"),
    ("dvc.yaml", "stages: {a: 1}", "dvc.yaml or dvc.lock of main: not what DVC writes"),
    ("dvc.yaml", "stages: {a: {cmd: [[x]]}}", "['x']; allowed: a text"),
    ("dvc.yaml", "stages: {a: {cmd: b, deps: [1]}}", "dvc.lock of main: 1; allowed: a text"),
    ("dvc.yaml", "stages: {a: {cmd: b, outs: [1]}}", "dvc.lock of main: 1; allowed: a text"),
    ("dvc.yaml", "stages: {1: {cmd: b}}", "dvc.lock of main: 1; allowed: a text"),
    ("dvc.yaml", "stages: {a: {deps: [b]}}", "not what DVC writes (KeyError)"),
    ("dvc.yaml", "stages: {train: {cmd: b, params: [{x: [y]}]}}", "{'x': ['y']}; allowed: a text"),
    ("dvc.yaml", "stages: {a: {cmd: b, wdir: ..}}", "a has wdir; allowed: stages without"),
    ("dvc.yaml", "stages: {a: {foreach: [1], do: {}}}", "a has foreach; allowed: stages without"),
    ("dvc.yaml", "stages: {a: {cmd: b, matrix: {}}}", "a has matrix; allowed: stages without"),
    ("dvc.yaml", "[]", "dvc.yaml of main: not a mapping"),
    ("dvc.lock", "stages: {a: {cmd: b, outs: [{path: x}]}}", "not what DVC writes (KeyError)"),
    ("dvc.lock", "stages: {1: {cmd: b}}", "dvc.lock of main: 1; allowed: a text"),
    ("dvc.lock", "stages: {a: {cmd: b, deps: [{path: 1, md5: x}]}}", "1; allowed: a text"),
    ("params.yaml", "a: {b: 1", "params.yaml of main: while parsing a flow mapping"),
    ("params.yaml", None, "main has no params.yaml"),
    ("params.yaml", "# " + "x" * 2_000_000, "2000002 bytes; allowed: up to 2000000"),
    ("params.yaml", "a: [" + "1," * 1_000 + "]", "params.yaml of main: over 1000 values"),
    ("params.yaml", "a: &a {b: *a}", "params.yaml of main: over 1000 values"),
    ("params.yaml", "a: &a [*a]", "params.yaml of main: over 1000 values"),
]


@pytest.mark.parametrize(("path", "text", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_dvc_would_not_write_is_refused_in_a_line(path, text, said, pipeline, monkeypatch):
    monkeypatch.setattr("freshness.parameters.MOST_NODES", 1000)
    pipeline.write()
    edit(path, text)(pipeline)
    pipeline.repository.commit("damaged")
    with pytest.raises(UserError) as refused:
        read_stages(find_revision("main"))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_half_of_what_dvc_writes(pipeline):
    pipeline.write()
    (pipeline.folder / "dvc.lock").unlink()
    assert {state.fault for state in read_stages(HERE).values()} == {"dvc.lock does not know it"}
    (pipeline.folder / "dvc.yaml").write_text("stages:")
    assert read_stages(HERE) == {}
    (pipeline.folder / "dvc.yaml").unlink()
    with pytest.raises(
        UserError, match=r"^this folder has no dvc\.yaml and no dvc\.lock, so nothing"
    ):
        read_stages(HERE)


def test_reading_takes_a_limited_time(pipeline, monkeypatch):
    pipeline.write()
    monkeypatch.setattr("freshness.parameters.SECONDS", 0.05)
    monkeypatch.setattr("freshness.dvc_files.read_yaml", lambda *_: time.sleep(10))
    with pytest.raises(UserError, match=r"this folder: not read within 0\.05 seconds$"):
        read_stages(HERE)


OUTSIDE = [
    *("/etc/hostname", "../outside", "folder/../../outside", ".git/config", "http://127.0.0.1:9/x"),
    *("remote://store/x", "a\0b", "a\udc80b", "", "."),
]


@pytest.mark.parametrize("place", OUTSIDE)
def test_a_path_that_leaves_the_project_is_named(place, pipeline, monkeypatch):
    """Even where dvc.lock knows what it would find there, as an input and as an output."""
    (pipeline.folder.parent / "outside").write_text("secret")
    entry = {"path": place, "md5": md5("secret")}
    stages = {
        "stages": {"a": {"cmd": "c", "deps": [place]}, "b": {"cmd": "c", "outs": [place]}},
    }
    lock = {"stages": {"a": {"cmd": "c", "deps": [entry]}, "b": {"cmd": "c", "outs": [entry]}}}
    files = {"dvc.yaml": stages, "dvc.lock": lock}
    monkeypatch.setattr("freshness.dvc_files.read_yaml", lambda _, path: files[path])
    found = {name: state.fault for name, state in read_stages(HERE).items()}
    assert found == dict.fromkeys("ab", f"{place} is not in this project")


@pytest.mark.parametrize("kind", ["train.py", "folder"])
def test_a_link_is_not_followed(kind, pipeline):
    (pipeline.folder.parent / "outside").mkdir()
    (pipeline.folder.parent / "outside" / "train.py").write_text(FILES["train.py"])
    (pipeline.folder / "train.py").unlink()
    if kind == "folder":
        (pipeline.folder / "folder").symlink_to("../outside")
        path = "folder/train.py"
    else:
        (pipeline.folder / "train.py").symlink_to("../outside/train.py")
        path = "train.py"
    pipeline.declared["train"]["deps"] = [path]
    pipeline.locked["train"]["deps"][0]["path"] = path
    pipeline.write()
    pipeline.repository.commit("link")
    assert read_stages(HERE)["train"].fault == f"{path} is not in this project"
    # A commit has no file behind a link.
    said = "is missing" if kind == "folder" else "is not in this project"
    assert read_stages(find_revision("main"))["train"].fault == f"{path} {said}"
    with pytest.raises(UserError, match="is not in this project"):
        HERE.read(path)


def test_a_link_that_dvc_has_made_is_as_good_as_its_record(pipeline):
    """As DVC does where its configuration says cache.type symlink."""
    pipeline.write()
    (pipeline.folder / "model").symlink_to("../cache")
    assert {state.fault for state in read_stages(HERE).values()} == {None}


def test_what_is_no_file_is_none(pipeline):
    (pipeline.folder / "folder" / "inner").mkdir(parents=True)
    (pipeline.folder / "folder" / "file").write_text("text")
    os.mkfifo(pipeline.folder / "pipe")
    pipeline.repository.commit("folder")
    for revision in (HERE, find_revision("main")):
        for path in ("missing", "pipe", "*", ":(top)folder/file", "-x"):
            assert revision.read(path) is None, path
            assert revision.md5(path) is None
        for path in ("folder", "folder/"):
            assert revision.read(path) is None
        assert revision.read("folder/file") == b"text"
        assert revision.read("./folder//file") == b"text"
        assert revision.md5("folder/file") == md5("text")


def test_a_file_is_read_up_to_its_limit(pipeline, monkeypatch):
    monkeypatch.setattr("freshness.revision.LARGEST_FILE", 4)
    pipeline.repository.commit("more")
    for revision in (HERE, find_revision("main")):
        for text in ("1234", "12345", ""):
            (pipeline.folder / "file").write_text(text)
            pipeline.repository.commit("file")
            revision = HERE if revision.commit is None else find_revision("main")
            if len(text) > 4:
                said = f"file of {revision.name} is too large; allowed: up to 4 bytes"
                with pytest.raises(UserError, match=said):
                    revision.read("file")
            else:
                assert revision.read("file") == text.encode()
    assert HERE.md5("evaluate.py") == md5(FILES["evaluate.py"])  # data may be large


def test_what_reads_a_revision_has_nothing_of_dvc():
    scripts = ROOT / "scripts"
    paths = [*(scripts / "review").glob("*.py"), *((scripts / "tools" / name) for name in READERS)]
    assert len(paths) > len(READERS) + 5
    for path in paths:
        names = [*ast.walk(ast.parse(path.read_text()))]
        imported = [
            each.name for node in names if isinstance(node, ast.Import) for each in node.names
        ]
        imported += [node.module for node in names if isinstance(node, ast.ImportFrom)]
        assert not {name.split(".")[0] for name in imported} & {"dvc", "dvc_data", "scmrepo"}, path
