"""Which results are up to date, by records of stages written by hand."""

import fcntl
import hashlib
import json
from pathlib import Path
from threading import Timer

import pytest

from core.errors import UserError
from freshness.records import (
    Stage,
    changed_files,
    downstream,
    orphans,
    recorded_stages,
    stale_reasons,
)

WORDS = ["train.py", "--out", "model", "--epochs", "3", "--layers", "8", "8", "--seed", "1"]
RECORD = Path("provenance/train.json")
STAGE = Stage("train", RECORD.as_posix(), WORDS, ["data", "more"], ["model"])


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A stage's two inputs, its two modules, its output and its record."""
    monkeypatch.chdir(tmp_path)
    for name in ("data", "more", "scripts/train.py", "scripts/core/a.py", "model"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    RECORD.parent.mkdir()
    write_record()
    return tmp_path


def write_record(command: list[str] | None = None, **kinds: list[str]) -> None:
    inputs = kinds.get("inputs", ["data", "more", "scripts/train.py", "scripts/core/a.py"])
    files = {"inputs": inputs, "outputs": kinds.get("outputs", ["model"])}
    hashes = {kind: {name: sha256(name) for name in names} for kind, names in files.items()}
    RECORD.write_text(json.dumps({"command": command or WORDS, **hashes}))


def reason(command: list[str] | None = None) -> str | None:
    wanted = Stage(STAGE.name, STAGE.record, command or WORDS, STAGE.inputs, STAGE.outputs)
    return stale_reasons([wanted]).get("train")


def test_what_holds_has_no_reason():
    other = Stage("other", "provenance/other.json", WORDS, [], [])
    assert stale_reasons([STAGE]) == {}
    assert stale_reasons([STAGE, other]) == {"other": "provenance/other.json is missing"}


@pytest.mark.parametrize("name", ["data", "more", "scripts/train.py", "scripts/core/a.py", "model"])
def test_a_file_that_is_another_is_named(name):
    Path(name).write_text("other")
    assert reason() == f"{name} has changed"
    Path(name).unlink()
    assert reason() == f"{name} is missing"
    Path(name).mkdir()
    assert reason() == f"{name} has changed"


def test_inputs_come_before_outputs_and_code():
    for name in ("model", "scripts/core/a.py"):
        Path(name).write_text("other")
    assert reason() == "scripts/core/a.py has changed"
    Path("more").write_text("other")
    assert reason() == "more has changed"


def test_files_that_were_not_recorded_count_and_others_do_not():
    write_record(inputs=["data", "scripts/train.py", "gone", "notscripts/x.py"])
    assert reason() == "more has changed"
    write_record(inputs=["data", "more", "gone", "notscripts/x.py"])
    assert reason() is None
    write_record(outputs=[])
    assert reason() == "model has changed"


SOUND = {name: sha256(name) for name in STAGE.inputs}


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "3", "[]", "{}", "null", "\udcff", "[" * 100_000),
        '{"command": [], "inputs": {}}',
        '{"command": null, "inputs": {}, "outputs": {}}',
        '{"command": ["train.py", 3], "inputs": {}, "outputs": {}}',
        json.dumps({"command": WORDS, "inputs": 3, "outputs": {}}),
        json.dumps({"command": WORDS, "inputs": SOUND, "outputs": None}),
    ],
    ids=range(13),
)
def test_a_damaged_record_is_named(text):
    RECORD.write_bytes(text.encode(errors="surrogateescape"))
    assert reason() == "provenance/train.json is damaged"
    (found,) = recorded_stages([RECORD], {"train": {}, "seed": 1})
    assert reason(found.command or None) == "provenance/train.json is damaged"


def changed(*pairs: tuple[str, str]) -> list[str]:
    line = " ".join(WORDS)
    for before, after in pairs:
        assert before in line
        line = line.replace(before, after)
    return line.split()


@pytest.mark.parametrize(
    ("made_by", "said"),
    [
        (changed(("epochs 3", "epochs 2")), "--epochs was 2 and is 3"),
        (changed(("8 8", "8")), "--layers was 8 and is 8 8"),
        (changed(("seed 1", "seed 2")), "--seed was 2 and is 1"),
        (changed(("train.py", "other.py")), " was other.py and is train.py"),
        (changed(("--epochs 3 ", "")), "--epochs was none and is 3"),
        ([*WORDS, "--new", "5"], "--new was 5 and is none"),
        ([*WORDS, "--new"], "--new was  and is none"),
        # What the command has now comes first, and in its order.
        ([*changed(("seed 1", "seed 2"), ("epochs 3", "epochs 2")), "--a"], "--epochs was 2 and"),
        (
            [*changed(("--epochs 3 ", "")), "--epochs", "3"],
            "the order of the flags has changed",
        ),
    ],
)
def test_a_command_that_is_another_is_named(made_by, said):
    write_record(made_by)
    assert reason().startswith(said)


def test_flags_that_no_result_depends_on():
    write_record([*WORDS, "--timeout", "9"])
    assert reason([*WORDS, "--timeout", "60", "--attempts", "3"]) is None
    assert reason([*changed(("seed 1", "seed 2")), "--timeout", "60"]) == "--seed was 1 and is 2"
    Path("data").write_text("other")
    assert reason([*WORDS, "--timeout", "60"]) == "data has changed"


def test_changed_files_in_words():
    now = {"same": "1", "other": "2", "new": "3", "gone": None, "never": None}

    def digest(path: str) -> str | None:
        if path == "refused":
            raise UserError("refused, and why")
        return now[path]

    recorded = {"same": "1", "other": "1", "gone": "1", "refused": "1"}
    assert list(changed_files(recorded, [*now, "refused", "same"], digest)) == [
        "other has changed",
        "new has changed",
        "gone is missing",
        "never is missing",
        "refused, and why",
    ]


def stage(name: str, inputs: str, outputs: str) -> Stage:
    return Stage(name, f"{name}.json", [], inputs.split(), outputs.split())


def test_downstream_is_what_reads_what_is_made():
    stages = [
        stage("get", "", "raw"),
        stage("look", "raw", "picture"),
        stage("split", "raw", "train test"),
        stage("fit", "train", "model"),
        stage("judge", "test model", "scores"),
        stage("draw", "picture scores", "page"),
    ]
    assert downstream(stages, ["get"]) == ["get", "look", "split", "fit", "judge", "draw"]
    assert downstream(stages, ["look"]) == ["look", "draw"]
    assert downstream(stages, ["fit", "look"]) == ["look", "fit", "judge", "draw"]
    assert downstream(stages, ["draw"]) == ["draw"]
    assert downstream(stages, []) == []


@pytest.mark.parametrize(
    ("command", "parameters", "wanted"),
    [
        (WORDS, {"train": {"epochs": 3, "layers": [8, 8]}, "seed": 1}, WORDS),
        (
            WORDS,
            {"train": {"layers": [4], "epochs": 2}, "seed": 7, "other": {"out": "x"}},
            ["train.py", "--out", "model", "--epochs", "2", "--layers", "4", "--seed", "7"],
        ),
        (
            ["train.py", "first", "--out", "a b", "c"],
            {"train": {"name": "it's 1", "rate": 1e-05}, "seed": 1},
            ["train.py", "first", "--out", "a b", "c", "--name", "it's 1", "--rate", "1e-05"],
        ),
        (["train.py", "--seed", "3", "--seed", "4"], {"train": {}, "seed": 1}, None),
    ],
)
def test_the_command_that_params_yaml_wants(command, parameters, wanted):
    write_record(command)
    (found,) = recorded_stages([RECORD], parameters)
    assert found.command == (wanted or ["train.py", "--seed", "1", "--seed", "1"])
    assert (found.name, found.record) == ("train", "provenance/train.json")


def test_the_recorded_files_that_are_available(folder):
    (folder.parent / "outside").write_text("outside")
    names = ["data", "missing", "../outside", str(folder / "more"), "scripts", "scripts/train.py"]
    write_record(inputs=names, outputs=names[1:])
    (found,) = recorded_stages([RECORD], {"train": {}, "seed": 1})
    assert found.inputs == []  # code is judged in any case, and data not
    assert found.outputs == ["scripts/train.py"]


@pytest.mark.parametrize("parameters", [{}, {"train": {}}, {"train": 3, "seed": 1}, {"seed": 1}])
def test_a_stage_without_its_parameters_has_another_command(parameters):
    found = list(recorded_stages([RECORD, Path("provenance/no.json")][:1], parameters))
    assert found == [Stage("train", "provenance/train.json", [], [], [])]
    assert list(stale_reasons(found)) == ["train"]


def test_a_run_left_behind_is_named_and_waited_for():
    stages = [stage(f"provenance/{name}", "", "") for name in ("none", "free", "held")]
    Path("provenance/.free.lock").touch()
    with Path("provenance/.held.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = orphans(stages)
        assert next(found) == "provenance/held"
        ended = []

        def end() -> None:
            ended.append(True)
            fcntl.flock(lock, fcntl.LOCK_UN)

        Timer(0.1, end).start()
        assert list(found) == []
        assert ended
    assert list(orphans(stages)) == []
