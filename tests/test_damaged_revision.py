"""A revision damaged or in bad faith: not in DVC's format, or with paths that lead elsewhere."""

import ast
import os
import time

import pytest
from conftest import ROOT
from small_pipeline import FILES, HERE, Pipeline, edit, md5

from core.errors import UserError
from freshness.dvc_files import read_stages
from freshness.parameters import read_yaml
from freshness.revision import Revision, find_revision

READERS = ("review.py", "comment.py", "post.py", "fresh.py", "reproduced.py")


@pytest.fixture
def pipeline(tmp_path, monkeypatch) -> Pipeline:
    pipeline = Pipeline(tmp_path / "project")
    monkeypatch.chdir(pipeline.folder)
    return pipeline


REFUSED = [
    ("dvc.yaml", "stages: [1]", "dvc.yaml of main: not in DVC's format"),
    ("dvc.yaml", "stages: {a: 1}", "dvc.yaml of main: not in DVC's format"),
    ("dvc.yaml", "stages: {a: {cmd: [[x]]}}", "['x']; allowed: text"),
    ("dvc.yaml", "stages: {a: {cmd: b, deps: [1]}}", "dvc.yaml of main: 1; allowed: text"),
    ("dvc.yaml", "stages: {a: {cmd: b, outs: [1]}}", "dvc.yaml of main: 1; allowed: text"),
    ("dvc.yaml", "stages: {1: {cmd: b}}", "dvc.yaml of main: 1; allowed: text"),
    ("dvc.yaml", "stages: {a: {deps: [b]}}", "not in DVC's format (KeyError)"),
    ("dvc.yaml", "stages: {train: {cmd: b, params: [{x: [y]}]}}", "{'x': ['y']}; allowed: text"),
    ("dvc.yaml", "stages: {a: {cmd: b, wdir: ..}}", "a has wdir; allowed: stages without"),
    ("dvc.yaml", "stages: {a: {foreach: [1], do: {}}}", "a has foreach; allowed: stages without"),
    ("dvc.yaml", "stages: {a: {cmd: b, matrix: {}}}", "a has matrix; allowed: stages without"),
    ("dvc.yaml", "[]", "dvc.yaml of main: not a mapping"),
    ("dvc.lock", "stages: {a: {cmd: b, outs: [{path: x}]}}", "not in DVC's format (KeyError)"),
    ("dvc.lock", "stages: {1: {cmd: b}}", "dvc.lock of main: 1; allowed: text"),
    ("dvc.lock", "stages: {a: {cmd: b, deps: [{path: 1, md5: x}]}}", "1; allowed: text"),
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
    assert {state.stale for state in read_stages(HERE).values()} == {"it is not in dvc.lock"}
    (pipeline.folder / "dvc.yaml").write_text("stages:")
    assert read_stages(HERE) == {}
    (pipeline.folder / "dvc.yaml").unlink()
    with pytest.raises(
        UserError, match=r"^this folder has neither dvc\.yaml nor dvc\.lock, so there"
    ):
        read_stages(HERE)


def test_reading_takes_a_limited_time(pipeline, monkeypatch):
    """Of processor time, however long it waits."""
    pipeline.write()
    read = read_yaml
    monkeypatch.setattr("freshness.processor_time.SECONDS", 0.5)

    def slow(revision: Revision, path: str) -> dict:
        time.sleep(0.2)
        return read(revision, path)

    monkeypatch.setattr("freshness.dvc_files.read_yaml", slow)
    assert read_stages(HERE)["train"].stale is None

    def busy(*_: object) -> None:
        while True:
            pass

    monkeypatch.setattr("freshness.dvc_files.read_yaml", busy)
    with pytest.raises(UserError, match=r"this folder: not read within 0\.5 seconds of pro"):
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
    found = {name: state.stale for name, state in read_stages(HERE).items()}
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
    assert read_stages(HERE)["train"].stale == f"{path} is not in this project"
    # A commit has no file behind a link.
    said = "is missing" if kind == "folder" else "is not in this project"
    assert read_stages(find_revision("main"))["train"].stale == f"{path} {said}"
    with pytest.raises(UserError, match="is not in this project"):
        HERE.read(path)


def test_a_link_that_dvc_has_made_is_as_good_as_its_record(pipeline):
    """As DVC does where its configuration says cache.type symlink."""
    pipeline.write()
    (pipeline.folder / "model").symlink_to("../cache")
    assert {state.stale for state in read_stages(HERE).values()} == {None}


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
