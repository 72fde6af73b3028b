"""Files that git could not merge, that are cut off or empty, or hold a number of any length."""

import io
import json
from pathlib import Path

import pytest
from changed_results import Repository
from conftest import ROOT
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from small_pipeline import DECLARED, PARAMETERS, locked

from core.damage import CONFLICT, RESTORE, WRITTEN
from core.errors import UserError
from core.files import parse_json, read_json
from core.parameters import first_error, read_schema, read_sections
from freshness.dvc_files import read_stages
from freshness.revision import Revision, check_folder, find_revision
from overrides import read_parameters
from review.results import FAILURES, METRICS, STATS, read_results
from studies import read_studies
from tools.check_parameters import run as check_parameters

RESULTS = [
    *(METRICS, FAILURES, STATS, "reports/reliability.json", "reports/summary.json"),
    *("reports/labels.csv", "reports/comparison.md"),
]


def with_conflict(text: str, line: int) -> str:
    """`text` with a conflict, as git writes it, before a line."""
    lines = [f"{line}\n" for line in text.splitlines()]
    marked = ["<<<<<<< HEAD\n", *lines[:1], "=======\n", *lines[:1], ">>>>>>> branch\n"]
    line %= len(lines) + 1
    return "".join([*lines[:line], *marked, *lines[line:]])


@pytest.mark.parametrize("name", [*WRITTEN, *RESULTS])
def test_every_command_calls_a_conflict_by_its_name(name, tmp_path, monkeypatch):
    """Wherever it is in the file: the tools, DVC's first command of a stage, and Snakemake."""
    monkeypatch.chdir(tmp_path)
    Path("reports").mkdir()
    for other in (*WRITTEN, *RESULTS):
        Path(other).write_bytes((ROOT / other).read_bytes())
    whole = Path(name).read_text()
    for line in range(0, len(whole.splitlines()), 40):
        Path(name).write_text(with_conflict(whole, line))
        for command in (check_folder, check_parameters):
            with pytest.raises(UserError) as refused:
                command()
            assert str(refused.value) == f"{name}: {CONFLICT}"


class Held(Revision):
    """A folder whose only files are the small pipeline's, with `subject` as dvc.lock."""

    def read(self, path: str) -> bytes | None:
        files = {"dvc.yaml": {"stages": DECLARED}, "params.yaml": PARAMETERS}
        return self.subject.encode() if path == "dvc.lock" else json.dumps(files[path]).encode()

    def md5(self, path: str) -> str | None:
        return MD5.get(path)


def _lock() -> str:
    text = io.StringIO()
    YAML().dump({"schema": "2.0", "stages": locked()}, text)
    return text.getvalue()


MD5 = {
    file["path"]: file["md5"]
    for entry in locked().values()
    for file in [*entry["deps"], *entry["outs"]]
}
LOCK = _lock()


def reasons(lock: str) -> list[str]:
    try:
        states = read_stages(Held("this folder", subject=lock))
    except UserError as error:
        return [str(error)]
    return [state.stale for state in states.values() if state.stale]


@settings(max_examples=40)
@given(st.integers(0, len(LOCK) - 1))
def test_half_a_lock_blames_no_other_file(end):
    for reason in reasons(LOCK[:end]):
        assert "dvc.lock" in reason or reason == "model is missing", reason


@settings(max_examples=10)
@given(st.integers(0, LOCK.count("\n")))
def test_a_lock_with_a_conflict(line):
    assert reasons(LOCK) == []
    assert reasons(with_conflict(LOCK, line)) == [f"dvc.lock of this folder: {CONFLICT}"]


def test_a_damaged_lock_is_restored_by_git():
    for lock in (
        "",
        "\n",
        "stages: [",
        "stages: 1",
        "stages: {train: {cmd: a, outs: [{path: b}]}}",
    ):
        (reason,) = reasons(lock)
        assert reason.startswith("dvc.lock of this folder: ")
        assert reason.endswith(RESTORE)


@settings(max_examples=40)
@example(name=FAILURES, place=-2)  # within the last number
@given(name=st.sampled_from([METRICS, FAILURES, STATS]), place=st.integers(0, 10_000))
def test_half_a_result_blames_no_other_file(name, place, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("results") / "repository"
        (folder / "reports").mkdir(parents=True)
        patch.chdir(folder)
        Repository.write(Here(folder), {"a": [1, 5, 7], "b": [2]})
        whole = Path(name).read_text()
        end = place % len(whole)
        Path(name).write_text(whole[:end])
        with pytest.raises(UserError, match=f"^{name} of this folder"):
            read_results(Revision("this folder"))
        Path(name).write_text(with_conflict(whole, place))
        with pytest.raises(UserError, match=f"^{name} of this folder: a merge conflict"):
            read_results(Revision("this folder"))


class Here:
    """A folder to write results into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def test_a_committed_conflict_is_named(repository):
    repository.commit("base", {"a": [1]})
    Path(METRICS).write_text(with_conflict(Path(METRICS).read_text(), 0))
    repository.commit("conflict")
    with pytest.raises(UserError, match=f"^{METRICS} of main: a merge conflict"):
        read_results(find_revision("main"))


LONG = st.builds(
    lambda sign, digit, digits: f"{sign}{digit * digits}",
    st.sampled_from(["", "-"]),
    st.sampled_from("19"),
    st.sampled_from([19, 310, 4_300, 4_301, 6_000]),  # Python converts 4,300 digits
)
OURS = read_sections(ROOT / "params.yaml")
KEYS = [
    f"{section}.{key}"
    for section, schema in read_schema()["properties"].items()
    for key in schema.get("properties", {})
    if key not in ("path", "test_seed")
]


@settings(max_examples=20)
@given(
    number=LONG | st.sampled_from(["1e400", "-1e400"]),
    key=st.sampled_from(KEYS),
)
def test_a_parameter_of_any_length_is_refused_in_a_line(number, key, tmp_path_factory):
    """In params.yaml, which DVC's first command and Snakemake read, and from --config."""
    section, name = key.split(".")
    path = tmp_path_factory.mktemp("long") / "params.yaml"
    path.write_text(json.dumps({**OURS, section: {**OURS[section], name: "@"}}))
    path.write_text(path.read_text().replace('"@"', number))
    ways = [read_sections(path)]
    if len(number) < 4_000 and "e" not in number:
        options = {section: {name: int(number)}}  # as Snakemake reads it
        ways.append(read_parameters(path, [], options))
    for read in ways:
        error = first_error(read, read_schema())
        assert error.startswith(f"{key}: "), error
        assert len(error) < 1_000
        assert error.isprintable()


@settings(max_examples=6)
@given(number=LONG)
def test_a_study_with_a_number_of_any_length_is_refused_in_a_line(number, tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "study.yaml"
    for study in (
        f"studies: {{a: {{seeds: [{number}]}}}}",
        f"studies: {{a: {{seeds: [1], grid: {{train_mlp.epochs: [{number}]}}}}}}",
        f"ask_above: {number}\nstudies: {{a: {{seeds: [1]}}}}",
    ):
        path.write_text(study)
        with pytest.raises(SystemExit) as ending:
            read_studies(path, OURS, ["mlp"])
        assert "study.yaml: " in ending.value.code
        assert "allowed: " in ending.value.code
        assert len(ending.value.code) < 1_000


@settings(max_examples=20)
@given(LONG, st.sampled_from(["seed", "train.epochs"]))
def test_a_lock_with_a_number_of_any_length(number, key):
    lock = LOCK.replace(f"{key.split('.')[-1]}: ", f"{key.split('.')[-1]}: {number} # ")
    (reason,) = reasons(lock)
    assert reason.startswith(f"{key} was {number[:9]}")


@given(LONG, st.booleans())
def test_a_result_with_a_number_of_any_length_names_the_key(number, listed):
    value = f"[1, {number}]" if listed else number
    with pytest.raises(UserError, match=r"^m: loss: \d+ digits; allowed: up to 18$"):
        parse_json(f'{{"cnn": {{"failures": 1, "loss": {value}}}}}'.encode(), "m")
    assert parse_json(b'{"a": -0, "b": 999999999999999999}', "m") == {"a": 0, "b": 10**18 - 1}


def test_a_json_file_that_is_none_names_itself(tmp_path):
    for text in ("", "{", '{"a": 1} x', "[" * 100_000, with_conflict("{}", 0)):
        path = tmp_path / "metrics.json"
        path.write_text(text)
        with pytest.raises(UserError, match=r"metrics\.json: (empty|not valid JSON|a merge)"):
            read_json(path)
