"""DVC's lock and dvc.lock: keep DVC from running beside Snakemake, then record the results."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLockFileCorruptedError, rwlock
from dvc.scm import SCMError

from core.errors import UserError
from freshness.git import git


@contextmanager
def held() -> Iterator[None]:
    """Hold the lock that a run of DVC holds on its outputs.

    Does nothing if DVC cannot run because there is no git repository.

    Raises:
        SystemExit: DVC is running, or the lock cannot be written.
    """
    try:
        repo = Repo()
        outputs = [out.fs_path for stage in repo.index.stages for out in stage.outs]
    except SCMError as error:
        print(f"{_without_git(error)}; until then dvc.lock is not updated", file=sys.stderr)
        yield
        return
    except (DvcException, OSError, ValueError) as error:
        sys.exit(f"DVC: {_words_of_git() or error}")
    path = Path(repo.tmp_dir, RWLOCK_FILE)
    command = " ".join(sys.argv)  # as in DVC, so that the lock allows `commit` below
    hardlink = repo.config["core"].get("hardlink_lock", False)
    lock = rwlock(repo.tmp_dir, repo.fs, command, [], outputs, hardlink)
    try:
        lock.__enter__()
    except LockError as error:
        holder = next((line for line in str(error).splitlines() if "(PID" in line), str(error))
        sys.exit(f"DVC is running in this folder: {holder.strip()}; try again when it has finished")
    except (RWLockFileCorruptedError, OSError) as error:
        _delete_half(path)
        sys.exit(f"DVC's lock cannot be acquired ({error}); try again")
    except DvcException as error:
        sys.exit(f"DVC: {error}")
    try:
        yield
    finally:
        try:
            lock.__exit__(None, None, None)
        except OSError:
            _delete_half(path)


def commit(up_to_date: Callable[[], list[str]]) -> None:
    """Record the current results of the stages that are `up_to_date` in dvc.lock and DVC's cache.

    DVC reads the code and parameters again for this. If they were edited in the meantime, so that
    other stages are up to date, dvc.lock is restored.
    """
    lock = Path("dvc.lock")
    before = lock.read_bytes() if lock.exists() else None
    stages = up_to_date()
    try:
        repo = Repo()
        for stage in stages:
            repo.commit(target=stage.replace("_", "-"), force=True, relink=False)
    except SCMError:  # reported by `held`
        pass
    except (DvcException, OSError) as error:  # the results are right nevertheless
        print(f"dvc.lock is not updated, so DVC will rerun the stages: {error}", file=sys.stderr)
    if up_to_date() != stages:
        lock.unlink(missing_ok=True) if before is None else lock.write_bytes(before)


def _words_of_git() -> str | None:
    """Why git cannot use the repository, as after a mistake in its configuration."""
    try:
        git("rev-parse", "--git-dir")
    except UserError as error:
        return str(error)
    return None


def _without_git(error: SCMError) -> str:
    return f"DVC: {error}; run git init, or dvc config --local core.no_scm true"


def _delete_half(path: Path) -> None:
    """Delete DVC's lock file if it is incomplete, as after a full disk: DVC would fail on it. A
    complete one may contain entries of other processes.
    """
    with suppress(OSError):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            path.unlink()
