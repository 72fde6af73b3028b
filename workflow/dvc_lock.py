"""The other door: while Snakemake runs, DVC does not; afterwards dvc.lock knows the results."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLockFileCorruptedError, rwlock


@contextmanager
def shut() -> Iterator[None]:
    """Hold the lock that a run of DVC holds on the files it writes.

    Raises:
        SystemExit: DVC is running, as process so and so; or the lock cannot be written.
    """
    try:
        repo = Repo()
        outputs = [out.fs_path for stage in repo.index.stages for out in stage.outs]
        command = " ".join(sys.argv)  # as DVC has it: its lock does not shut out `commit` below
        hardlink = repo.config["core"].get("hardlink_lock", False)
        lock = rwlock(repo.tmp_dir, repo.fs, command, [], outputs, hardlink)
        lock.__enter__()
    except LockError as error:
        holder = next((line for line in str(error).splitlines() if "(PID" in line), str(error))
        sys.exit(f"DVC is at work in this folder: {holder.strip()}; try again when it has ended")
    except (RWLockFileCorruptedError, OSError) as error:
        _delete_half(repo)
        sys.exit(f"DVC's lock could not be taken ({error}); try again")
    except DvcException as error:
        sys.exit(f"DVC: {error}")
    try:
        yield
    finally:
        try:
            lock.__exit__(None, None, None)
        except OSError:
            _delete_half(repo)


def commit(stages: Iterable[str], still_hold: Callable[[], bool]) -> None:
    """Enter the results of `stages`, as they are, into dvc.lock and DVC's cache.

    DVC reads code and parameters anew for this. Where somebody has edited them meanwhile, so that
    `still_hold` is false, dvc.lock becomes what it was.
    """
    book = Path("dvc.lock")
    before = book.read_bytes() if book.exists() else None
    try:
        repo = Repo()
        for stage in stages:
            repo.commit(target=stage.replace("_", "-"), force=True, relink=False)
    except (DvcException, OSError) as error:  # the results are right all the same
        print(f"dvc.lock is not up to date, so DVC will run again: {error}", file=sys.stderr)
    if not still_hold():
        book.unlink(missing_ok=True) if before is None else book.write_bytes(before)


def _delete_half(repo: Repo) -> None:
    """Delete the lock's file, half of which a full disk leaves, and DVC would stumble over it."""
    Path(repo.tmp_dir, RWLOCK_FILE).unlink(missing_ok=True)
