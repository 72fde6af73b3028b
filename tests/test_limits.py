"""How much of a revision's files is read, to the byte, and what DVC calls a folder of them."""

import hashlib
import json
from pathlib import Path

import pytest

from core.errors import UnreadableError, UserError
from freshness.git import git
from freshness.parameters import differing, flat, read_parameters, read_yaml, reading
from freshness.revision import (
    Revision,
    commits_only_in,
    find_revision,
    in_a_line,
    in_project,
)

HERE = Revision("this folder")


class Held(Revision):
    """A revision whose files are all `text`."""

    def read(self, path: str) -> bytes:
        return self.subject.encode()


def held(text: str) -> Revision:
    return Held("held", subject=text)


def test_yaml_of_two_million_bytes_is_read():
    text = "a: 1\n#"
    longest = text + "x" * (2_000_000 - len(text))
    assert read_yaml(held(longest), "any") == {"a": 1}
    with pytest.raises(UserError, match=r"^any of held: 2000001 bytes; allowed: up to 2000000$"):
        read_yaml(held(f"{longest}x"), "any")


def test_yaml_of_a_hundred_thousand_values_is_read():
    """The mapping, c, the list b, and a 19 times: 3 + 19 * (1 + 5262)."""
    items, again = ",".join("1" * 5262), ",".join(["*a"] * 18)
    largest = f"a: &a [{items}]\nb: [{again}]\nc: 1\n"
    assert len(read_yaml(held(largest), "any")["b"]) == 18
    with pytest.raises(UserError, match=r"^any of held: over 100000 values$"):
        read_yaml(held(f"{largest}d: 1\n"), "any")


def test_what_is_no_yaml_is_one_line():
    for text in ("a: [", "3", "", "- a", "a: 1\na: 2\n", "a: \x00"):
        with pytest.raises(UserError) as refused:
            read_parameters(held(text))
        assert str(refused.value).startswith("params.yaml of held: ")
        assert str(refused.value).isprintable()


def test_values_that_differ_are_named_first_those_of_now():
    before, now = {"b": 1, "a": 1, "gone": None, "z": 0}, {"a": True, "c": None, "b": "1", "z": 0}
    assert differing(before, now) == ["a", "b"]
    assert differing(before, {}) == ["b", "a", "z"]
    assert flat({"a": {"b": {}, "c": {"d": 1}}, "e": [{"f": 1}], 2: 3}) == {
        **{"a.c.d": 1, "e": [{"f": 1}], "2": 3}
    }


def test_what_goes_wrong_is_said_of_what_was_read():
    for raised, said in (
        (UserError("as it is"), "as it is"),
        (ValueError("a\nb"), "file: a b"),
        (ZeroDivisionError("x"), "file: not in DVC's format (ZeroDivisionError)"),
    ):
        with pytest.raises(UserError) as refused, reading("file"):
            raise raised
        assert str(refused.value) == said


def test_a_file_of_fifty_million_bytes_is_read(repository):
    with Path("large").open("wb") as file:
        file.truncate(50_000_000)
    assert len(HERE.read("large")) == 50_000_000
    with Path("large").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match=r"^large of this folder is too large; allowed: up to 5000"):
        HERE.read("large")


def test_a_folder_is_hashed_as_dvc_does(repository):
    """As the list of its files, as JSON; the names as DVC sorts them."""
    for name in ("b", "a/c", "a/b/d", "a-", "__pycache__/x", "a/__pycache__/y"):
        path = Path("deep/folder") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    repository.commit("folder")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - DVC's

    listed = [{"md5": md5(name), "relpath": name} for name in ("a-", "a/b/d", "a/c", "b")]
    for revision in (HERE, find_revision("main")):
        assert revision.md5("deep/folder") == f"{md5(json.dumps(listed))}.dir"
        assert revision.md5("deep/folder/b") == md5("b")
        assert revision.md5("deep/none") is None


def test_commits_are_counted_from_the_other_revision(repository):
    first = repository.commit("first")
    repository.git("branch", "old")
    for subject in ("second", "third", "fourth"):
        repository.commit(subject)
    old, new = find_revision("old"), find_revision("main")
    assert (old.name, old.commit, old.subject) == ("old", first, "first")
    assert find_revision(first).name == first[:8]
    assert (commits_only_in(new, old), commits_only_in(old, new)) == (3, 0)
    assert commits_only_in(new, HERE) == 0
    repository.git("checkout", "--quiet", "old")
    assert commits_only_in(new, HERE) == 3
    with pytest.raises(UnreadableError, match=r"^git rev-list: Invalid revision range \w+\.\.0+$"):
        commits_only_in(Revision("lost", "0" * 40), HERE)


def test_a_name_in_a_line():
    assert in_a_line("x" * 60) == "x" * 60
    assert in_a_line("x" * 61) == "x" * 60 + "…"
    assert in_a_line("a\n\tb\x1b") == "a b\\x1b"


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        *(("a", True), ("a/b", True), ("a..b", True), (".gitignore", True), ("./a", True)),
        *(("", False), (".", False), ("/a", False), ("a/..", False), ("../a", False)),
        *((".git/a", False), ("a/.git", False), ("x://y", False), ("a\nb", False)),
    ],
)
def test_paths_of_the_project(path, inside):
    assert in_project(path) is inside


def test_git_gets_the_environment_besides_its_own(repository):
    assert git("var", "GIT_AUTHOR_IDENT", GIT_AUTHOR_NAME="Somebody").startswith(b"Somebody")


def test_without_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match=r"^git is not installed; it is needed to compare"):
        find_revision("main")
