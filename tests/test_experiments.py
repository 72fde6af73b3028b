"""DVC's own experiments, queued and run side by side, over the keys of params.yaml."""

import csv
import io
import re
import time

import pytest


@pytest.mark.long
def test_queued_experiments_run_side_by_side(made_by_dvc, tmp_path):
    project = made_by_dvc.copy(tmp_path / "project")
    project.run("dvc", "exp", "run", "--queue", "-S", "train_logreg.max_iter=5,6")
    project.run("dvc", "queue", "start", "-j", "2")
    deadline = time.monotonic() + 300
    while re.search(r"Queued|Running", status := project.run("dvc", "queue", "status")):
        assert time.monotonic() < deadline, status
        time.sleep(1)
    assert status.count("Success") == 2, status
    table = project.run("dvc", "exp", "show", "--csv")
    rows = csv.DictReader(io.StringIO(table[table.index("Experiment,") :]))
    found = {row["train_logreg.max_iter"]: row for row in rows if row["typ"] != "baseline"}
    assert set(found) == {"5", "6"}
    assert all(0 < float(row["logreg.acc"]) < 1 for row in found.values())
