"""Which changed files a run executes, installs or is configured by, and which hide modules."""

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from changed_results import Repository
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from freshness.revision import Revision, find_revision
from review.changed_code import _hides_a_module, changed_code

HERE = Revision("this folder")
NO_CODE = {"params.yaml", "study.yaml", "dvc.lock", "README.md", "CONTRIBUTING.md", "CHANGES.md"}
NEW = [  # files of kinds that the project does not have
    *("GNUmakefile", "conftest.py", ".envrc", "a b", "new/kind.of", "tests/notes.md", "data/x.csv"),
    *(
        "docs/dvc.yaml",
        "docs/x.dvc",
        "docs/.gitattributes",
        "docs/run.sh",
        "docs/x.so",
        "docs/noend",
        "docs/x.json",
    ),
    *(
        "reports/dvc.yaml",
        "reports/.dvcignore",
        "reports/x.py",
        "reports/comparison.html",
        "Docs/x.md",
        "docs",
        "reports2/x.md",
    ),
    *("data/own/README.md", "data/own/0/a.png", "x/params.yaml", "x/dvc.lock", "README.md.py"),
    *(".github/x.md", "params.yaml/x", 'a"b', "*", ":(top)x", "-x", "new\nline", "README.markdown"),
]


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    return listed.stdout.decode().split("\0")[:-1]


def write(path: str, text: str = "# x") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def commits(repository: Repository) -> tuple[Revision, Revision]:
    """The last two commits."""
    return find_revision("HEAD^"), find_revision("HEAD")


def test_all_files_but_parameters_results_and_texts_are_code(repository):
    """In a commit, and in the folder: added, changed and removed."""
    results = {name for name in tracked() if name.startswith(("docs/", "reports/"))}
    results |= {*NO_CODE, "docs/new/x.png", "reports/new.json"}
    code = {*tracked(), *NEW} - results - {"docs", "params.yaml/x"}
    names = code | results
    base = Revision("base", repository.commit("base"))
    for name in names:
        write(name)
    assert set(changed_code(base, HERE).files) == code
    repository.git("add", "--all", "--force")
    added = Revision("added", repository.commit("added"))
    assert set(changed_code(base, added).files) == code
    assert changed_code(added, HERE).files == []
    for name in names:
        write(name, "# y")
    assert set(changed_code(added, HERE).files) == code
    for name in names:
        Path(name).unlink()
    assert set(changed_code(added, HERE).files) == code
    removed = Revision("removed", repository.commit("removed"))
    assert set(changed_code(added, removed).files) == code
    assert len(code) > len(NEW) + 200


def test_a_file_in_place_of_a_folder_is_code(repository):
    write("docs/x.md")
    repository.commit("base")
    (repository.folder / "docs/x.md").unlink()
    (repository.folder / "docs").rmdir()
    write("docs")
    repository.commit("change")
    assert changed_code(*commits(repository)).files == ["docs"]


def test_links_submodules_and_programs_are_code_whatever_they_are_called(repository):
    names = ("params.yaml", "README.md", "docs/x.md", "reports/x.json", "dvc.lock")
    for name in names:
        write(name)
    base = Revision("base", repository.commit("base"))
    for name in names:
        Path(name).chmod(0o755)
    assert set(changed_code(base, HERE).files) == {*names}
    program = Revision("program", repository.commit("programs"))
    assert set(changed_code(base, program).files) == {*names}
    for name in names:
        Path(name).unlink()
        Path(name).symlink_to("elsewhere")
    assert set(changed_code(base, HERE).files) == {*names}
    link = Revision("link", repository.commit("links"))
    assert set(changed_code(base, link).files) == {*names}
    write(".gitmodules", '[submodule "docs/m.md"]\n\tpath = docs/m.md\n\turl = x\n\tignore = all\n')
    repository.git("add", "--all")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{link.commit},docs/m.md")
    repository.git("commit", "--quiet", "--message", "submodule")
    assert changed_code(link, find_revision("HEAD")).files == [".gitmodules", "docs/m.md"]
    repository.git("update-index", "--cacheinfo", f"160000,{base.commit},docs/m.md")
    repository.git("commit", "--quiet", "--message", "another commit of it")
    assert changed_code(*commits(repository)).files == ["docs/m.md"]


def test_what_a_stage_reads_is_code(repository):
    base = Revision("base", repository.commit("base"))
    for name in ("README.md", "docs/a.png", "docs/b/c.png", "docs/bb.png"):
        write(name)
    assert changed_code(base, HERE).files == []
    read = {"README.md", "docs/b"}
    assert changed_code(base, HERE, read).files == ["README.md", "docs/b/c.png"]


def test_what_git_ignores_is_not_part_of_a_change(repository):
    write(".gitignore", "ignored\n")
    base = Revision("base", repository.commit("base"))
    write("ignored")
    assert changed_code(base, HERE).files == []
    write(".gitignore", "ignored\nscripts\n")
    write("scripts/x.py")
    assert changed_code(base, HERE).files == [".gitignore"]


def test_files_of_a_larger_repository_are_named_from_the_project(tmp_path, monkeypatch):
    repository = Repository(tmp_path / "larger")
    repository.commit("base")
    monkeypatch.chdir(repository.folder)
    for name in ("inner/a.py", "other/b.py", ".github/c.yml", "inner/docs/x.md"):
        write(name)
    repository.commit("change")
    monkeypatch.chdir(repository.folder / "inner")
    assert sorted(changed_code(*commits(repository)).files) == [
        *("../.github/c.yml", "../other/b.py", "a.py")
    ]


def test_many_files_in_a_folder_do_not_crowd_out_those_of_another(repository):
    base = Revision("base", repository.commit("base"))
    for name in (*(f"a/{place}.txt" for place in range(50)), "b/x", "c/d/x", "Makefile", "z.py"):
        write(name)
    assert changed_code(base, HERE).files[:4] == ["Makefile", "a/0.txt", "b/x", "c/d/x"]
    write("tests/json.py")
    found = changed_code(base, HERE)
    assert found.files[-1] == "tests/json.py"
    assert found.hiding == ["tests/json.py"]
    assert len(found.files) == 55


def test_names_of_any_bytes(repository):
    base = Revision("base", repository.commit("base"))
    names = (b"a\xff.py", "ü”.py".encode(), b"tab\t.py", b"re\nturn.py")
    for name in names:
        Path(os.fsdecode(name)).write_text("x")
    expected = {os.fsdecode(name) for name in names}
    assert set(changed_code(base, HERE).files) == expected
    assert set(changed_code(base, Revision("here", repository.commit("x"))).files) == expected


def test_what_git_cannot_compare_is_one_line(repository):
    repository.commit("base")
    with pytest.raises(UserError, match=r"^git diff: bad object 0000"):
        changed_code(Revision("lost", "0" * 40), HERE)


IMPORTED = (*sorted(sys.stdlib_module_names), "numpy", "yaml", "dvc", "keras", "jinja2", "google")
FORMS = (
    *("{}.py", "{}/__init__.py", "{}.pyc", "{}/x/y.py", "{}.abi3.so", "{}.pyd", "{}.pyw"),
    *(f"{{}}{suffix}" for suffix in EXTENSION_SUFFIXES),
)


@given(
    st.sampled_from(["", "scripts/", "tests/", "workflow/", "a new folder/"]),
    st.sampled_from((*IMPORTED, "sitecustomize", "usercustomize")),
    st.sampled_from(FORMS),
    st.sampled_from(["100644", "100755"]),
)
def test_a_module_that_hides_one_of_python_or_of_a_package(folder, name, form, mode):
    assert _hides_a_module(folder + form.format(name), mode)
    assert _hides_a_module(folder + name, "120000")
    assert _hides_a_module(folder + name, "160000")
    assert not _hides_a_module(folder + form.format(name), "000000")


@pytest.mark.parametrize(
    "path",
    [
        *("scripts/__pycache__/tool.cpython-312.pyc", "scripts/core/__init__.pyc", "x.pth"),
        *(".venv/bin/python", ".venv/lib/python3.12/site-packages/x.txt", "scripts/core/files.so"),
    ],
)
def test_a_file_that_hides_a_module_of_the_project(path):
    assert _hides_a_module(path, "100644")


def test_no_file_of_the_project_hides_a_module():
    assert len(tracked()) > 250
    for path in (*tracked(), "scripts/page/statistics.py", "docs/json.md", "data/random/0.png"):
        assert not _hides_a_module(path, "100644"), path
