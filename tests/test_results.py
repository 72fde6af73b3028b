"""Which results of a revision are read, and which are refused in one line."""

import json
import re
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import check
from test_review import against

from core.errors import UserError
from freshness.revision import Revision
from review.results import FAILURES, METRICS, STATS, Mistake, Results, read_results

HERE = Revision("this folder")
STATS_OF_TOY = b'{"dataset": "toy", "sha256": "0"}'


DAMAGED = [
    *(
        (name, text)
        for name in ("metrics.json", "stats.json")
        for text in ("", "[", "[]", "3", "{}")
    ),
    ("metrics.json", '{"a": {"failures": 1.5, "successes": 98.5}}'),
    ("metrics.json", '{"a": {"failures": -1, "successes": 101}}'),
    ("metrics.json", '{"a": {"failures": 2, "successes": 98}, "b": {"failures": 0}}'),
    ("metrics.json", '{"a": {"failures": 3, "successes": 97}}'),
    ("metrics.json", '{"a": {"failures": NaN, "successes": 97}}'),
    ("metrics.json", '{"a": {"failures": 2, "successes": true}}'),
    ("metrics.json", '{"a": {"failures": 0, "successes": 0}}'),
    pytest.param("metrics.json", "[" * 100_000, id="deep"),
    ("stats.json", '{"dataset": 3, "sha256": "0"}'),
    ("stats.json", '{"dataset": "\\ud800", "sha256": "0"}'),
    *(
        ("stats.json", json.dumps({"dataset": "toy", "sha256": "0", "checks": checks}))
        for checks in (
            [],
            {"a": 3},
            {"a": {"severity": "stop"}},
            {"a": check("fatal")},
            {"a": {**check("stop"), "found": 3}},
            {"a": {**check("stop"), "action": "\ud800"}},
            {str(place): check("warn") for place in range(101)},
        )
    ),
    ("metrics.json", '{"\\ud800": {"failures": 2, "successes": 98}}'),
    ("failures.csv", ""),
    ("failures.csv", "index,label,b,b_confidence\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n1000,1,2,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,3,nan\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,3\n"),
    ("failures.csv", 'index,label,a,a_confidence\n1,1,2,0.9\n2,2,"3'),
    ("failures.csv", 'index,label,a,a_confidence\n1,1,2,0.9\n2,2,"3"x,0.9\n'),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n100,2,3,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n-1,2,3,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,3,1.0001\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,3,-0.0001\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,2,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n1,1,3,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\nx,2,3,0.9\n"),
    ("failures.csv", "\xff\xfe"),
    ("failures.csv", None),
]


@pytest.mark.parametrize(("name", "text"), DAMAGED)
def test_damaged_results_are_a_sentence(name, text, repository):
    repository.write({"a": [1, 2]})
    path = repository.folder / "reports" / name
    path.write_bytes(text.encode("latin-1")) if text is not None else path.unlink()
    with pytest.raises(UserError) as refused:
        read_results(HERE)
    said = str(refused.value)
    assert said.startswith("reports/")
    assert name in said
    assert "of this folder" in said
    assert "\n" not in said


REFUSED = [
    ({"m": (1, 99), "n": (0, 101)}, "reports/failures.csv of this folder does not match"),
    ({"m": (1, 99), "n": (1, 99)}, "reports/failures.csv of this folder does not match"),
    (
        {"m": (1, 10**20), "n": (0, 10**20 + 1)},
        "this folder: successes: 21 digits; allowed: up to 18",
    ),
    ({"m": (1, 1_000_000), "n": (0, 1_000_001)}, "has too many test images; allowed: up to"),
    (
        {"m": (-1, 101), "n": (0, 100)},
        "metrics.json of this folder is not in the pipeline's format",
    ),
    ({"m": (0, 0), "n": (0, 0)}, "metrics.json of this folder is not in the pipeline's format"),
    ({str(name): (0, 100) for name in range(8_000)}, "has 8,000 models; allowed: up to 100"),
    ({str(name): (0, 100) for name in range(101)}, "has 101 models; allowed: up to 100"),
]


@pytest.mark.parametrize(("counts", "said"), REFUSED, ids=range(len(REFUSED)))
def test_counts_that_do_not_fit_are_a_sentence(counts, said, repository):
    """Of both revisions, so that they fit each other."""
    repository.write({"m": [1], "n": []})
    metrics = {name: {"failures": f, "successes": s} for name, (f, s) in counts.items()}
    (repository.folder / METRICS).write_text(json.dumps(metrics))
    repository.commit("base")
    with pytest.raises(UserError, match=re.escape(said)):
        read_results(HERE)
    assert against("main").verdict.startswith("No comparison: reports/")


def test_results_are_read_as_they_are_written(repository):
    """The last image, a confidence of 0 and of 1, a name that a spreadsheet would run."""
    names = {"-x": 2, "b": 0}
    metrics = {
        name: {"failures": wrong, "successes": 1_000_000 - wrong} for name, wrong in names.items()
    }
    (repository.folder / METRICS).write_text(json.dumps(metrics))
    (repository.folder / STATS).write_text('{"dataset": "toy", "sha256": "0"}')
    (repository.folder / FAILURES).write_text(
        "index,label,'-x,-x_confidence,b,b_confidence\n0,1,2,1,1,0.5\n999999,a,b,0,a,1.0\n"
    )
    expected = {0: Mistake("1", "2", 1.0), 999_999: Mistake("a", "b", 0.0)}
    correct = {"-x": {}, "b": {0: 0.5, 999_999: 1.0}}
    losses = {"-x": 0.0, "b": 0.0}
    found = Results("toy", "0", 1_000_000, {"-x": expected, "b": {}}, correct, losses)
    assert read_results(HERE) == found
    for path in (FAILURES, STATS):
        text = (repository.folder / path).read_text()
        (repository.folder / path).unlink()
        with pytest.raises(UserError, match=f"^{path} of this folder is missing$"):
            read_results(HERE)
        (repository.folder / path).write_text(text)


def test_many_models_are_read(repository):
    repository.write({str(name): [] for name in range(100)})
    assert len(read_results(HERE).mistakes) == 100


def test_as_many_mistakes_as_correct_predictions_are_read(repository):
    repository.write({"a": [0]}, images=2)
    assert read_results(HERE).images == 2


def held(metrics: bytes, failures: bytes, stats: bytes = STATS_OF_TOY) -> Revision:
    """A revision that holds these files."""
    files = {METRICS: metrics, FAILURES: failures, STATS: stats}

    class Held(Revision):
        def read(self, path: str) -> bytes:
            return files[path]

    return Held("held")


METRICS_OF_A = b'{"a": {"failures": 2, "successes": 98}}'
HEADER = b"index,label,a,a_confidence\n"
ROWS = HEADER + b"0,1,2,0.5\n1,1,3,0.5\n"
LARGE = {  # a million bytes of each, and why it is refused
    "rows": (METRICS_OF_A, HEADER + b"1,1,2,0.5\n" * 100_000, "over 100 rows; allowed: one for"),
    "a row of one cell": (
        METRICS_OF_A,
        HEADER + b"1" * 10**6 + b"\n",
        "a row that is too long; allowed",
    ),
    "cells": (
        METRICS_OF_A,
        HEADER + b"," * 10**6 + b"\n",
        "a row that is too long; allowed: up to 10,000",
    ),
    "lines of one row": (
        METRICS_OF_A,
        b'"\n",' * 250_000 + b'"\n"\n',
        "a row that is too long; allowed",
    ),
    "predictions": (
        METRICS_OF_A.replace(b"98", b"9998"),
        HEADER + b"1,1,2,0.5\n" * 100_000,
        "too many predictions; allowed: up to 1,000",
    ),
    "lists": (b"[" + b"[]," * 333_333 + b"0]", ROWS, "metrics.json of held has too many values"),
    "objects": (b"[" + b"{}," * 333_333 + b"0]", ROWS, "metrics.json of held has too many values"),
    "numbers": (b"[" + b"1.5," * 250_000 + b"0]", ROWS, "has too many values; allowed: up to 2"),
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_files_are_refused_with_little_memory(kind, monkeypatch):
    """With smaller limits, so that these files are as far beyond them as 50 MB can be."""
    limits = {"MOST_PREDICTIONS": 1_000, "LONGEST_ROW": 10_000, "MOST_VALUES": 20_000}
    for name, limit in limits.items():
        monkeypatch.setattr(f"review.results.{name}", limit)
    *files, why = LARGE[kind]
    revision = held(*files)
    tracemalloc.start()
    with pytest.raises(UserError, match=re.escape(why)):
        read_results(revision)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_000_000


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("MOST_PREDICTIONS", 2),
        ("LONGEST_ROW", len(HEADER)),
        ("MOST_CLASSES", 3),
        ("MOST_VALUES", 3),
    ],
)
def test_files_as_large_as_allowed_are_read(name, limit, monkeypatch):
    revision = held(METRICS_OF_A, ROWS)
    monkeypatch.setattr(f"review.results.{name}", limit)
    assert len(read_results(revision).mistakes["a"]) == 2
    monkeypatch.setattr(f"review.results.{name}", limit - 1)
    revision = held(METRICS_OF_A, ROWS + b"1,1,3,0.5\n")
    with pytest.raises(UserError, match="; allowed: up to"):
        read_results(revision)


def test_results_are_read_within_limited_time(monkeypatch):
    monkeypatch.setattr("freshness.processor_time.SECONDS", 0.1)
    revision = held(METRICS_OF_A.replace(b"98", b"999998"), HEADER + b"1,1,2,0.5\n" * 1_000_000)
    with pytest.raises(UserError, match=r"^the results of held: not read within 0\.1 seconds of"):
        read_results(revision)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(metrics, failures):
    with suppress(UserError):
        read_results(held(metrics, failures))
