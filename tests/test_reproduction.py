"""Whether results made again are those committed, and what is said of it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from changed_results import Repository
from conftest import ROOT
from made_results import make_results

from core.errors import UserError
from core.files import write_text
from core.split import read_split
from core.text import csv_text
from drawing.templates import template_environment
from evaluation.evaluation import read_evaluation
from evaluation.findings import as_texts
from freshness.dvc_files import outputs_in_git
from freshness.revision import Revision, find_revision
from page.model_view import describe_models
from page.view import describe_page
from review.github import TITLE
from review.judging import Judge
from review.reproduced_page import differing_lines
from review.reproduction import differences
from review.results import FAILURES, METRICS, STATS, read_results

HERE = Revision("this folder")
SUMMARY, RELIABILITY = "reports/summary.json", "reports/reliability.json"
PAGE, LABELS = "reports/comparison.md", "reports/labels.csv"
IMAGES, CLASSES, NAMES = 300, 3, ("a", "b")
SURENESS = {"a": 3.0, "b": 1.5}  # of the models: how much larger the logit of the label is


@dataclass(frozen=True)
class Remembered(Revision):
    """What was in the folder, without a commit, since there is much to compare."""

    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)


def remember() -> Remembered:
    kept = ("dvc.yaml", *outputs_in_git(HERE))
    return Remembered("main", files={path: HERE.read(path) for path in kept})


def probabilities(noise: float = 0, images: int = IMAGES) -> np.ndarray:
    """(models, images, classes), as a processor computes them that rounds by so much."""
    random = np.random.default_rng(5)
    labels = np.arange(images) % CLASSES
    logits = random.normal(size=(len(NAMES), images, CLASSES))
    logits += np.array(list(SURENESS.values()))[:, None, None] * np.eye(CLASSES)[labels]
    logits += noise * np.random.default_rng(6).normal(size=logits.shape)
    likely = np.exp(logits)
    return (likely / likely.sum(axis=2, keepdims=True)).astype(np.float32)


CALIBRATION = {
    **{"temperature": 1.5, "doubt": 0.0, "images": 20, "mistakes": 2},
    "before": {"loss": 0.3, "calibration_error": 0.04},
    "after": {"loss": 0.2, "calibration_error": 0.03},
}
OTHER_CALIBRATION = {
    **{"temperature": 1.6, "doubt": 0.0, "images": 20, "mistakes": 2},
    "before": {"loss": 0.32, "calibration_error": 0.05},
    "after": {"loss": 0.21, "calibration_error": 0.025},
}


def fill(folder: Path, likely: np.ndarray, **kinds) -> None:
    """Write the files that a run leaves in `folder`, with these predictions of the models."""
    kinds = {
        **{"corrupted_right": {"a": 200, "b": 100}, "validation": (18, 20), "images": IMAGES},
        "calibration": CALIBRATION,
        **kinds,
    }
    made = folder / "made"
    for inner in (made, folder / "reports", folder / "data" / "processed"):
        inner.mkdir(parents=True, exist_ok=True)
    make_results(made, dict.fromkeys(NAMES, 0), classes=CLASSES, likely=likely, **kinds)
    (made / "test.npz").replace(folder / "data" / "processed" / "test.npz")
    for name in NAMES:
        (folder / "models" / name).mkdir(parents=True, exist_ok=True)
        for file in (made / name).iterdir():
            file.replace(folder / "models" / name / file.name)
    for name in ("evaluation.npz", "stats.json"):
        (made / name).replace(folder / "reports" / name)
    (folder / LABELS).write_text("part,index\ntest,7\n")
    write_texts(folder)


def write_texts(folder: Path) -> None:
    """Write the text files of evaluate and report, as they do, from evaluation.npz."""
    found = read_evaluation(folder / "reports" / "evaluation.npz")
    part = read_split(folder / "data" / "processed" / "test.npz")
    for name, text in as_texts(found.models, found.probabilities, part, found.findings).items():
        write_text(folder / "reports" / name, text)
    folders = [folder / "models" / name for name in NAMES]
    models = describe_models(folders, found, part, failures=5, seed=1)
    stats = json.loads((folder / STATS).read_text())
    page = describe_page(models, found, part, stats, (folder / METRICS).read_bytes(), 5, 1)
    environment = template_environment(ROOT / "scripts" / "templates")
    write_text(folder / PAGE, environment.get_template("comparison.md.j2").render(page))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """What a run leaves in its folder. Not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copy(ROOT / "dvc.yaml", folder)
    (folder / "params.yaml").write_text("seed: 1\nreport: {failures: 5}\n")
    fill(folder, probabilities())
    return folder


@pytest.fixture
def repository(made, tmp_path, monkeypatch) -> Repository:
    repository = Repository(tmp_path / "repository")
    shutil.copytree(made, repository.folder, dirs_exist_ok=True)
    (repository.folder / ".gitignore").write_text("*.npz\n/made\n/models\n")
    monkeypatch.chdir(repository.folder)
    return repository


@pytest.fixture
def committed(repository) -> Remembered:
    return remember()


@pytest.fixture
def judge(repository) -> Judge:
    return Judge(HERE, read_results(HERE))


def changed(text: bytes, **models: dict[str, object]) -> bytes:
    """A metrics.json with other values."""
    metrics = json.loads(text)
    for name, values in models.items():
        metrics[name] |= values
    return as_written(metrics)


def as_written(value: object) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


@pytest.fixture(scope="module")
def elsewhere(made, tmp_path_factory) -> dict[str, Remembered]:
    """What other processors make: by the least that may differ, other predictions for `a`, and
    other numbers in all that git does not have elsewhere.
    """
    kinds = {
        "rounded": (probabilities(1e-6), {}),
        "other predictions": (probabilities(0.03), {"corrupted_right": {"a": 201, "b": 100}}),
        "other confidences": (probabilities(0.01), {"calibration": OTHER_CALIBRATION}),
    }
    found = {}
    for kind, (likely, others) in kinds.items():
        folder = tmp_path_factory.mktemp("elsewhere")
        shutil.copytree(made, folder, dirs_exist_ok=True)
        fill(folder, likely, **others)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            found[kind] = remember()
    return found


def test_the_same_bytes(repository, committed):
    assert differences(committed, HERE) == []
    repository.commit("results")
    assert differences(find_revision("main"), HERE) == []


@pytest.mark.parametrize("kind", ["rounded", "other predictions", "other confidences"])
def test_what_another_processor_may_come_to(kind, elsewhere, repository, committed):
    assert elsewhere[kind].files[METRICS] != committed.files[METRICS]
    assert elsewhere[kind].files[STATS] == committed.files[STATS]
    assert differences(elsewhere[kind], HERE) == []


def test_other_wrong_classes_are_other_predictions(elsewhere, judge):
    """Even if each image that is misclassified stays so."""
    files = elsewhere["rounded"].files
    head, *rows = (row.split(",") for row in files[FAILURES].decode().splitlines())
    for row in rows:
        if row[4] != row[1]:  # label and prediction of b: now the third class
            row[4] = str(3 - int(row[1]) - int(row[4]))
    table = "\n".join(map(",".join, [head, *rows])) + "\n"
    said = said_of(judge, {**files, FAILURES: table.encode()})
    assert (
        "b misclassifies 65 of 300 images, 65 in the committed results; 65 predictions" in said[0]
    )


def test_a_better_model_is_another(made, tmp_path, repository):
    shutil.copytree(made, tmp_path / "better")
    fill(tmp_path / "better", np.repeat(probabilities()[:1], 2, axis=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "better")
        committed = remember()
    said = differences(committed, HERE)
    assert said[0].startswith("b misclassifies 65 of 300 images, 12 in the committed results; ")
    assert not any(line.startswith("a misclassifies") for line in said)


def test_other_predictions_are_only_a_few(elsewhere):
    predicted = probabilities().argmax(axis=2)
    moved = (predicted != probabilities(0.03).argmax(axis=2)).sum(axis=1)
    assert moved.tolist() == [1, 2]


def said_of(judge: Judge, files: dict[str, bytes]) -> list[str]:
    """What is said of these committed files, without the page."""
    try:
        return judge.accept(files, read_results(Remembered("main", files=files)))[1]
    except UserError as error:
        return [str(error)]


MEASURED = {
    *("loss", "brier_score", "confidence", "corrupted_accuracy", "bytes", "validation_right"),
    *("calibration_error", "calibration_error_low", "calibration_error_high"),
    *("calibration_error_equal_mass", "calibration_p_value"),
}


def leaves(value: object, path: tuple = ()) -> Iterator[tuple]:
    """The path of each value in a JSON document that is not a list or an object."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from leaves(inner, (*path, key))
        else:
            yield (*path, key)


def with_leaf(text: bytes, path: tuple, change: Callable[[object], object]) -> bytes:
    document = json.loads(text)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = change(place[path[-1]])
    return as_written(document)


def a_little(value: object) -> object:
    """The least other value."""
    if isinstance(value, float):
        return float(np.nextafter(value, 2))
    return f"{value}x" if isinstance(value, str) else 0.0 if value is None else value + 1


def a_lot(value: object) -> object:
    return value + 200 if isinstance(value, int) else value + 0.2 * (1 if value < 0.5 else -1)


@pytest.mark.parametrize("path", [METRICS, SUMMARY, RELIABILITY])
def test_each_value_that_follows_is_judged_to_the_last_digit(path, elsewhere, judge):
    """And each that is measured, by what is allowed."""
    files = elsewhere["rounded"].files
    assert said_of(judge, files) == []
    missed = []
    for leaf in leaves(json.loads(files[path])):
        change = a_lot if path == METRICS and leaf[-1] in MEASURED else a_little
        forged = {**files, path: with_leaf(files[path], leaf, change)}
        if not said_of(judge, forged):
            missed.append(leaf)
    assert missed == []


@pytest.mark.parametrize("path", [METRICS, SUMMARY, RELIABILITY])
def test_keys_are_those_of_the_pipeline(path, elsewhere, judge):
    files = elsewhere["rounded"].files
    document = json.loads(files[path])
    for place in document.values() if isinstance(document, dict) else document:
        for key in [*place, "new"]:
            before = dict(place)
            if key in place:
                del place[key]
            else:
                place[key] = 1.0
            said = said_of(judge, {**files, path: as_written(document)})
            kinds = ("missing", "unknown", "not in the pipeline's format", "does not match", " is ")
            assert any(kind in line for line in said for kind in kinds), key
            assert any(key in line or path in line for line in said), key
            place.clear()
            place.update(before)
    assert said_of(judge, {**files, path: files[path].replace(b"\n", b"\r\n")}) == [
        f"{path} does not follow from the other results: it is written in another way"
    ]
    broken = said_of(judge, {**files, path: b"["})
    assert path in broken[0]


def test_each_cell_of_the_table(elsewhere, judge):
    files = elsewhere["rounded"].files
    header, *rows = files[FAILURES].decode().splitlines()
    missed = []
    for number, row in enumerate(rows):
        cells = row.split(",")
        for column, cell in enumerate(cells if number % 7 == 0 else ()):
            other = f"{abs(float(cell) - 0.6):.4f}" if "." in cell else str((int(cell) + 1) % 3)
            forged = ",".join([*cells[:column], other, *cells[column + 1 :]])
            lines = [header, *rows[:number], forged, *rows[number + 1 :], ""]
            if not said_of(judge, {**files, FAILURES: "\n".join(lines).encode()}):
                missed.append((row, column))
    assert missed == []


@pytest.mark.parametrize(
    "text",
    [
        lambda text: text + b"59,2,2,0.9000,2,0.9000\n",  # no model is wrong
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.rstrip(b"\n"),
        lambda text: text.replace(b"b_confidence", b"b_sure"),
        lambda text: b"\n".join([text.split(b"\n")[0], *sorted(text.split(b"\n")[1:])]) + b"\n",
        lambda text: text.replace(b",0.", b", 0."),
        lambda text: text.replace(b"\n", b",more\n"),
    ],
)
def test_the_table_is_written_like_the_pipeline_does(text, elsewhere, judge):
    files = elsewhere["rounded"].files
    said = said_of(judge, {**files, FAILURES: text(files[FAILURES])})
    assert any(line.startswith(FAILURES) for line in said), said


NUMBER = re.compile(r"\d+(?=\D*$)")  # the last of a line


def lines_passed(repository, files: dict[str, bytes], change: Callable[[str], str]) -> list[str]:
    """The lines of the page that are accepted after `change`; those that it leaves are not."""
    judge = Judge(HERE, read_results(HERE))
    accepted, said = judge.accept(files, read_results(Remembered("main", files=files)))
    assert said == []
    before = files[PAGE].decode().split("\n")
    after = [change(line) for line in before]
    page = judge.page(files, accepted.models)
    found = differing_lines("\n".join(after), page, accepted, judge.evaluation)
    pairs = enumerate(zip(before, after, strict=True), start=1)
    return [line for number, (line, other) in pairs if line != other and number not in found]


def test_each_line_of_the_page_is_judged(elsewhere, repository):
    """Numbers far off are found in each, and words."""
    files = elsewhere["rounded"].files
    for change in (
        lambda line: NUMBER.sub(lambda found: f"9{found[0]}", line),
        lambda line: re.sub(r"\d", lambda found: str((int(found[0]) + 4) % 10), line, count=1),
        lambda line: re.sub("[a-z]{3}", lambda found: found[0].upper(), line, count=1),
        lambda line: f"{line} " if line else line,
    ):
        assert lines_passed(repository, files, change) == []


def test_only_what_git_has_nowhere_else_may_differ_on_the_page(elsewhere, repository):
    """By one in the last digit of the last number."""
    files = elsewhere["rounded"].files
    passed = lines_passed(
        repository,
        files,
        lambda line: NUMBER.sub(
            lambda found: found[0][:-1] + str((int(found[0][-1]) + 1) % 10), line
        ),
    )
    kinds = (
        r"\| (a|b) \| 1\.5 \| .*",  # calibration on validation images
        r"\| probability .*",  # of the other classes, for one image
        r"Test image .*",  # two roundings of a confidence
        r"- (a|b): mean accuracy .*",  # the interval on corrupted images
        r"\| .*, (degrees|% of .*) \| .*",  # one kind of corruption
        r"- (a|b): .* hardest for it to detect.*",
        r"\| (Noise|Blank|Shuffled|Letters|Held-out classes) \|.*",
    )
    passed = [line.replace("\u00a0", " ") for line in passed]
    assert [line for line in passed if not any(re.fullmatch(kind, line) for kind in kinds)] == []
    assert {kind for kind in kinds if any(re.fullmatch(kind, line) for line in passed)} >= {
        *kinds[:2]
    }
    told = "\n".join(passed)
    assert "Test images" not in told
    assert "failures" not in told


def test_forged_results_are_named_one_by_one(elsewhere, repository):
    """The true results are in the folder; of those committed, each says that a model is better."""
    files = dict(elsewhere["rounded"].files)
    page = files[PAGE].decode()
    accuracy = json.loads(files[METRICS])["b"]["accuracy"]
    forged = {
        METRICS: changed(files[METRICS], b={"accuracy": 0.9999}),
        SUMMARY: as_written({name: {"acc": 0.9999, "loss": 0.01} for name in NAMES}),
        RELIABILITY: b"forged\n",
        PAGE: page.replace(f"{100 * accuracy:.2f}", "99.99").encode(),
        LABELS: b"forged\n",
    }
    committed = Remembered("main", files={**files, **forged})
    said = differences(committed, HERE)
    assert [line.split()[0] for line in said] == [LABELS, METRICS, SUMMARY, RELIABILITY, PAGE]
    assert f"b accuracy is 0.9999, not {accuracy}" in said[1]
    for path in (METRICS, SUMMARY, RELIABILITY):
        said = said_of(Judge(HERE, read_results(HERE)), {**files, path: forged[path]})
        assert [line.split()[0] for line in said] == [path]


def test_without_another_number_nothing_may_differ(repository, committed):
    """On the same processor."""
    for path in (SUMMARY, RELIABILITY, PAGE, LABELS):
        forged = committed.files[path].replace(b"t", b"T", 1)
        other = replace(committed, files={**committed.files, path: forged})
        if forged != committed.files[path]:
            assert differences(other, HERE) == [f"{path} differs"]


def test_what_dvc_declares_is_compared(repository, committed):
    yaml = committed.files["dvc.yaml"].replace(
        b"    outs:\n      - reports/labels.csv: {cache: false, persist: true}",
        b"    outs:\n      - other/new.csv: {cache: false}\n      - gone.csv: {cache: false}",
    )
    files = {**committed.files, "dvc.yaml": yaml, "other/new.csv": b"1\n", LABELS: b"forged"}
    Path("other").mkdir()
    Path("other/new.csv").write_text("2\n")
    Path("gone.csv").write_text("2\n")
    assert differences(replace(committed, files=files), HERE) == [
        "gone.csv is missing in main",
        "other/new.csv differs",
    ]
    yaml = committed.files["dvc.yaml"].replace(
        b"reports/comparison.md: {cache: false", b"x: {cache: true"
    )
    files = {**committed.files, "dvc.yaml": yaml}
    assert differences(replace(committed, files=files), HERE) == [
        "reports/comparison.md is not an output of a stage in dvc.yaml"
    ]
    with pytest.raises(UserError, match=r"^main has no dvc\.yaml, which lists the results$"):
        differences(replace(committed, files={}), HERE)


@pytest.mark.parametrize("path", [SUMMARY, PAGE, LABELS, RELIABILITY])
def test_a_file_that_is_missing_is_named(path, elsewhere, repository):
    files = {key: text for key, text in elsewhere["rounded"].files.items() if key != path}
    committed = Remembered("main", files=files)
    missing = f"{path} is missing in main"
    assert differences(committed, HERE)[0] == missing
    Path(path).unlink()
    assert differences(committed, HERE)[0] == f"{path} is missing in this folder"


def test_other_results_in_the_folder_than_the_run_made(elsewhere, repository):
    """Put there after the run: they do not match evaluation.npz."""
    for path in (METRICS, FAILURES, SUMMARY, RELIABILITY, PAGE):
        Path(path).write_bytes(elsewhere["other predictions"].files[path])
    with pytest.raises(UserError, match=r"^reports/metrics.json: not of the run that wrote"):
        differences(elsewhere["rounded"], HERE)


def run(folder: Path, **environment: str) -> tuple[int, str, str]:
    command = [sys.executable, str(ROOT / "scripts" / "tool.py"), "reproduced"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_run_fails_and_says_why(repository):
    repository.commit("results")
    path = {"PATH": "/usr/bin:/bin"}
    assert run(repository.folder, **path) == (
        0,
        "The results made here equal the committed ones.\n",
        "",
    )
    metrics = json.loads((repository.folder / METRICS).read_text())
    hostile = {"a\n::x::": metrics["a"], "100%": metrics["b"]}
    table = (repository.folder / FAILURES).read_text()
    (repository.folder / METRICS).write_text(json.dumps(hostile))
    columns = ",".join(csv_text(f"{name}{end}") for name in hostile for end in ("", "_confidence"))
    table = table.replace("a,a_confidence,b,b_confidence", columns)
    (repository.folder / FAILURES).write_text(table)
    lines = [f"{name} is only in one of the two" for name in ("100%", "a", "a ::x::", "b")]
    wanted = "\n".join(["The results made here differ from the committed ones:", *lines, ""])
    assert run(repository.folder, **path) == (1, "", wanted)
    note = f"::error title={TITLE}::{'; '.join(lines)}\n".replace("100%", "100%25")
    assert run(repository.folder, **path, GITHUB_ACTIONS="true") == (1, note, wanted)
    (repository.folder / METRICS).write_text("[")
    status, _, said = run(repository.folder, **path)
    assert status == 1
    assert said.endswith(": not valid JSON (line 1: Expecting value)\n")


@pytest.mark.long
def test_forged_results_are_found_by_a_rerun(made_by_dvc, tmp_path):
    """Metrics, failures and the hashes in dvc.lock, changed together, deceive make fresh,
    where there is no record of the stages, as in a clone.
    """
    import hashlib

    project = made_by_dvc.copy(tmp_path / "project")
    lock = (project.folder / "dvc.lock").read_text()
    table, metrics = project.folder / FAILURES, project.folder / METRICS
    recorded = [hashlib.md5(path.read_bytes()).hexdigest() for path in (table, metrics)]  # noqa: S324
    scores = json.loads(metrics.read_text())
    header, *rows = table.read_text().splitlines()
    place = header.split(",").index("logreg")
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[place] = row[1]
    table.write_text("\n".join([header, *map(",".join, cells), ""]))
    images = scores["logreg"]["failures"] + scores["logreg"]["successes"]
    scores["logreg"] |= {"failures": 0, "successes": images, "accuracy": 1.0}
    metrics.write_text(json.dumps(scores))
    for path, old in zip((table, metrics), recorded, strict=True):
        lock = lock.replace(old, hashlib.md5(path.read_bytes()).hexdigest())  # noqa: S324
    (project.folder / "dvc.lock").write_text(lock)
    project.commit()
    changed = "evaluate must be rerun: reports/failures.csv has changed\n"
    assert project.run("python", "scripts/tool.py", "fresh", fails=True) == changed
    shutil.rmtree(project.folder / "provenance")
    assert project.run("python", "scripts/tool.py", "fresh").startswith(
        "The results are up to date"
    )
    project.run("dvc", "repro", "--force")
    output = project.run("python", "scripts/tool.py", "reproduced", fails=True)
    assert "The results made here differ from the committed ones:\nlogreg misclassifies " in output
    assert f"of {images} images, 0 in the committed results; " in output
    assert "cnn misclassifies" not in output
    assert "mlp misclassifies" not in output
    for path in (METRICS, SUMMARY, RELIABILITY, PAGE):
        assert f"\n{path} does not follow from the other results" in output
