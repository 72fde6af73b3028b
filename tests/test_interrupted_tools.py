"""Tools that are interrupted, run twice at once, or read what is being replaced."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from core.errors import UserError
from core.files import Snapshot, only_writer, write_text, written_whole
from export import exporting

# A tool that is interrupted while it is imported, or while it writes; with and without a library
# that hides the first interrupt.
TOOL = """
import os, signal, sys, types
from pathlib import Path

sys.path.insert(0, "scripts")
import tool

when, number = sys.argv.pop(), int(sys.argv.pop())
output = Path(sys.argv.pop())
fake = types.ModuleType("tools.predict")
fake.add_arguments = lambda _: None

def run():
    from core.files import written_whole
    with written_whole(output) as partial:
        partial.write_text("half")
        try:
            os.kill(os.getpid(), number)
        except BaseException:
            if when != "hidden":
                raise
        os.kill(os.getpid(), number)

def load(name):
    if when == "import":
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # as while TensorFlow loads
        try:
            os.kill(os.getpid(), number)
        except BaseException as error:
            raise ImportError from error
    return fake

fake.run = run
tool.import_module = load
tool.main()
"""


@pytest.mark.parametrize("when", ["import", "run", "hidden"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_a_line(when, number, tmp_path):
    output = tmp_path / "table.csv"
    output.write_text("earlier")
    run = subprocess.run(
        [sys.executable, "-c", TOOL, "predict", str(output), str(int(number)), when],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == "interrupted; earlier results are complete\n"
    assert run.returncode == 128 + number
    assert output.read_text() == "earlier"
    left = {path.name for path in tmp_path.iterdir()}
    assert when == "hidden" or left == {"table.csv"}


def test_an_ignored_interrupt_stays_ignored(tmp_path):
    """As in the background of a shell."""
    words = [sys.executable, "-c", TOOL, "predict", str(tmp_path / "a"), str(int(signal.SIGINT))]
    run = subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *words, "run"], cwd=ROOT, check=False
    )
    assert run.returncode == 0
    assert (tmp_path / "a").read_text() == "half"


class TestTwoAtOnce:
    def test_the_second_is_refused(self, tmp_path):
        path = tmp_path / "table.csv"
        with written_whole(path) as partial:
            partial.write_text("first")
            with pytest.raises(UserError, match=r"table\.csv: another process is writing it"):
                write_text(path, "second")
        assert path.read_text() == "first"
        write_text(path, "second")
        assert path.read_text() == "second"
        assert [one.name for one in tmp_path.iterdir()] == ["table.csv"]

    def test_what_a_killed_process_has_left_is_replaced(self, tmp_path):
        path = tmp_path / "table.csv"
        path.with_name(".partial.table.csv").write_text("half")
        precious = tmp_path / "precious"
        precious.write_text("precious")
        write_text(path, "whole")
        os.link(precious, path.with_name(".partial.table.csv"))
        write_text(path, "whole")
        assert path.read_text() == "whole"
        assert precious.read_text() == "precious"

    def test_many_writers_never_mix(self, tmp_path):
        """Each file is one writer's, and all that a refused writer says is the line."""
        path = tmp_path / "table.csv"
        context = multiprocessing.get_context("fork")
        said = context.Queue()
        writers = [context.Process(target=write_often, args=(path, n, said)) for n in range(3)]
        for writer in writers:
            writer.start()
        problems = {said.get(timeout=60) for _ in writers}
        for writer in writers:
            writer.join()
        assert problems == {""}
        assert len(set(path.read_text())) == 1
        assert [one.name for one in tmp_path.iterdir()] == ["table.csv"]


def write_often(path: Path, number: int, said: multiprocessing.Queue) -> None:
    try:
        for _ in range(50):
            try:
                write_text(path, str(number) * 50_000)
            except UserError:
                continue
            assert len(set(path.read_text())) == 1
        said.put("")
    except BaseException as error:
        said.put(repr(error))


class TestSnapshot:
    @pytest.fixture
    def model(self, tmp_path) -> Iterator[Path]:
        (tmp_path / "model.npz").write_text("old")
        (tmp_path / "training.json").write_text("old")
        return tmp_path

    def test_nothing_changed(self, model):
        snapshot = Snapshot([model, model / "none", model / "model.npz" / "none"])
        (model / "model.npz").read_text()
        snapshot.check()

    @pytest.mark.parametrize("change", ["write", "replace", "remove", "add"])
    def test_a_change_is_named(self, change, model):
        snapshot, file = Snapshot([model]), model / "model.npz"
        times = file.stat()
        if change == "write":
            file.write_text("new")
        elif change == "replace":
            write_text(file, "new")
        elif change == "remove":
            file.unlink()
        else:
            file = model / "network.json"
            file.touch()
        if file.exists():  # as with a clock that was set back
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(UserError, match=f"{file.name}: changed while it was read"):
            snapshot.check()


def folders(output: Path) -> dict[str, str]:
    return {path.name: (path / "model").read_text() for path in sorted(output.iterdir())}


@pytest.mark.parametrize("moment", range(8))
@pytest.mark.parametrize("after", [False, True])
def test_interrupted_exports_are_all_new_or_all_old(moment, after, tmp_path, monkeypatch):
    """Before and after each time that a folder is moved."""
    written, rename, count = {}, Path.rename, iter(range(100))
    for name in ("cnn", "mlp", "new"):
        for place, text in ((f".partial.{name}", "new"), (name, "old")):
            if place != "new":
                (tmp_path / place).mkdir()
                (tmp_path / place / "model").write_text(text)
        written[tmp_path / name] = tmp_path / f".partial.{name}"

    def interrupted(path: Path, to: Path) -> None:
        now = next(count) == moment
        if now and not after:
            raise KeyboardInterrupt
        rename(path, to)
        if now:
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", interrupted)
    old, new = {"cnn": "old", "mlp": "old"}, {"cnn": "new", "mlp": "new", "new": "new"}
    try:
        exporting._replace(written)
        expected = new
    except KeyboardInterrupt:
        expected = old
    for partial in written.values():
        exporting._remove(partial)
    assert folders(tmp_path) == expected
    assert (expected == new) == (moment > 4)


def test_an_export_that_a_killed_run_has_moved_away_comes_back(tmp_path):
    for place, text in ((".old.cnn", "old"), (".partial.cnn", "new")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "model").write_text(text)
    (tmp_path / ".partial.cnn").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        exporting._replace({tmp_path / "cnn": tmp_path / ".partial.cnn"})
    assert folders(tmp_path)["cnn"] == "old"


def test_links_in_the_folder_of_exports_are_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    output = tmp_path / "exports"
    (output / ".partial.cnn").mkdir(parents=True)
    for name in ("cnn", ".old.cnn"):
        (output / name).symlink_to(outside)
    exporting._replace({output / "cnn": output / ".partial.cnn"})
    assert [path.name for path in output.iterdir()] == ["cnn"]
    assert not (output / "cnn").is_symlink()
    (output / ".partial.cnn").symlink_to(outside)
    exporting._remove(output / ".partial.cnn")
    assert [path.name for path in outside.iterdir()] == ["precious"]


def test_a_second_export_into_a_folder_is_refused(tmp_path):
    with (
        only_writer(tmp_path, tmp_path / ".partial"),
        pytest.raises(UserError, match="another process is writing it"),
        only_writer(tmp_path, tmp_path / ".partial"),
    ):
        pass
