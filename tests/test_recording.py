"""What `recorded` hashes and when it refuses to run, in files and locks made by hand."""

import fcntl
import hashlib
import json
import os
from pathlib import Path
from threading import Timer

import psutil
import pytest

import core
from core.errors import UserError
from core.provenance import hashes, recorded

RECORD = Path("made/deep/stage.json")
LOCK = Path("made/deep/.stage.lock")
STARTED = psutil.Process().create_time()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def write(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def run(*inputs: str, **kinds: list[Path]) -> dict:
    """What an empty run has recorded."""
    with recorded("stage", RECORD, list(map(Path, inputs)), kinds.get("outputs", [])):
        pass
    return json.loads(RECORD.read_text())


def test_each_file_below_a_folder_by_its_path_from_here(folder):
    names = ["a/1", "a/b/2", "c", "../outside"]
    write(*names)
    Path("a/empty").mkdir()
    found = hashes([folder / "project" / "c", Path("a"), Path("../outside"), Path("missing")])
    assert list(found.items()) == [
        (name, sha256(name)) for name in ("c", "a/1", "a/b/2", "../outside")
    ]
    assert hashes([Path("b/../c"), Path("./c")]) == {"c": sha256("c")}


def test_hidden_files_of_a_folder_are_no_input():
    """As a lock, or half a file of a run that was killed."""
    write("a/.hidden", "a/b/.partial.x", "a/x.y", "a/.b/inner", ".own")
    assert sorted(hashes([Path("a")])) == ["a/.b/inner", "a/x.y"]
    assert list(hashes([Path(".own")])) == [".own"]


def test_our_modules_are_recorded_by_their_path_from_here():
    modules = {os.path.relpath(path): digest for path, digest in core.imported.items()}
    assert modules
    assert run()["inputs"] == modules


def test_an_input_is_recorded_as_it_was_before_and_an_output_as_it_is_after():
    write("in", "out")
    with recorded("stage", RECORD, [Path("in")], [Path("out"), Path("new")]):
        Path("out").write_text("made")
        Path("new").write_text("made")
    record = json.loads(RECORD.read_text())
    assert record["inputs"]["in"] == sha256("in")
    assert record["outputs"] == dict.fromkeys(("out", "new"), sha256("made"))


def test_a_module_that_was_another_when_it_was_imported_stops_the_run(monkeypatch):
    """None stands for one that had been edited by the time that it could be looked at."""
    for digest in (None, sha256("other")):
        for names in ((), ("module.py",)):
            write(*names)
            monkeypatch.setattr("core.imported", {Path("module.py").absolute(): digest})
            monkeypatch.setattr("core.provenance.imported", core.imported)
            with pytest.raises(UserError, match=r"^module\.py: changed while stage ran; rerun"):
                run()
            Path("module.py").unlink(missing_ok=True)
    assert not RECORD.exists()


def test_the_lock_says_when_its_last_run_was_started():
    for _ in range(2):
        run()
        assert LOCK.read_text() == str(STARTED)


EARLIER = ["", "x", "1.2.3", "0", "-1", "nan", "\n", str(STARTED - 0.01)]


@pytest.mark.parametrize("text", EARLIER, ids=range(len(EARLIER)))
def test_an_earlier_run_or_half_a_lock_stops_nothing(text):
    write(LOCK.as_posix())
    LOCK.write_text(text)
    run()
    assert LOCK.read_text() == str(STARTED)


def test_a_run_that_was_started_later_stops_this_one(monkeypatch):
    later = STARTED + 0.01
    monkeypatch.setattr("core.provenance.time.time", lambda: later + 1)
    write(LOCK.as_posix())
    LOCK.write_text(str(later))
    with pytest.raises(UserError, match=r"^stage: not run, because a later run has replaced"):
        run()
    assert LOCK.read_text() == str(later)
    assert not RECORD.exists()


def test_a_run_of_the_future_is_none(monkeypatch):
    """The clock was set back since then, and the stage would never run again."""
    now = STARTED + 1
    monkeypatch.setattr("core.provenance.time.time", lambda: now)
    write(LOCK.as_posix())
    LOCK.write_text(str(now + 0.01))
    run()
    assert LOCK.read_text() == str(STARTED)
    LOCK.write_text(str(now))
    with pytest.raises(UserError, match="a later run has replaced this one"):
        run()


def test_a_run_waits_until_the_lock_is_free(capsys):
    write(LOCK.as_posix())
    ended = []
    with LOCK.open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def end() -> None:
            ended.append(True)
            fcntl.flock(lock, fcntl.LOCK_UN)

        Timer(0.1, end).start()
        run()
    assert ended
    assert capsys.readouterr().err == "stage: waiting for an earlier run to end\n"
    run()
    assert capsys.readouterr().err == ""


def test_the_lock_is_held_while_the_block_runs_and_not_after():
    def is_free() -> bool:
        with LOCK.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    with recorded("stage", RECORD, [], []):
        assert not is_free()
    assert is_free()
