"""Predictions for images of any kind."""

import csv
import io
import json
import os
import re
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from own_datasets import csv_text, write_pictures
from PIL import Image
from small_stages import run_cnn, run_evaluate, run_logreg, run_mlp, split

from core.errors import UserError
from core.split import read_split, write_split
from evaluation.evaluation import read_evaluation
from linear.linear_model import read_linear_model, write_linear_model
from prediction import models
from prediction.predicting import Request, predict_all

MODELS = ("logreg", "mlp", "cnn")
NAMES = [f"class {letter}" for letter in "abcdefghij"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Three models of noise with bright rows, and what evaluate makes of them."""
    folder = tmp_path_factory.mktemp("trained")
    split(folder, side=10, names=NAMES)
    run_logreg(folder)
    run_mlp(folder, hidden=(16,))
    run_cnn(folder, architecture="fast")
    run_evaluate(folder, *MODELS)
    return folder


@pytest.fixture
def project(trained, tmp_path, monkeypatch) -> Path:
    """A folder of the project with these models, and nothing that says what they were made of."""
    folder = tmp_path / "project"
    (folder / "reports").mkdir(parents=True)
    text = (ROOT / "params.yaml").read_text().replace("batch_size: 1000", "batch_size: 64")
    (folder / "params.yaml").write_text(text)
    shutil.copy(trained / "metrics.json", folder / "reports" / "metrics.json")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def ask(trained, project, capsys):
    """Asks models; gives the rows, standard error in lines, and how many problems there were."""

    def asked(images: Path | str, *models: str, **flags):
        folders = [name if "/" in name else str(trained / name) for name in models or ("logreg",)]
        problems = predict_all(Request(Path(images), folders, **flags))
        out, said = capsys.readouterr()
        return list(csv.DictReader(io.StringIO(out))), said.splitlines(), problems

    return asked


def test_predictions_are_evaluates_to_the_last_bit(trained, ask):
    rows, said, problems = ask(trained / "test.npz", *MODELS)
    evaluation, part = read_evaluation(trained / "evaluation.npz"), read_split(trained / "test.npz")
    assert [row["label"] for row in rows] == part.classes[part.labels].tolist()
    assert [row["row"] for row in rows] == [str(number) for number in range(1, 101)]
    for name, likely in zip(MODELS, evaluation.probabilities, strict=True):
        best, second = np.argsort(-likely, axis=1, kind="stable")[:, :2].T
        for column, place in ((name, best), (f"{name}_second", second)):
            assert [row[column] for row in rows] == part.classes[place].tolist()
            found = np.array([row[f"{column}_probability"] for row in rows], np.float32)
            np.testing.assert_array_equal(found, likely[np.arange(100), place])
        right = int((best == part.labels).sum())
        assert any(
            line.startswith(f"{name}: accuracy {right}.00 %, {right} of 100") for line in said
        )
    assert problems == 0


def test_a_table_arrays_folders_and_a_file_say_the_same(trained, ask, tmp_path):
    part = read_split(trained / "test.npz")
    texts = part.classes[part.labels]
    (tmp_path / "a.csv").write_text(csv_text(part.images, texts))
    (tmp_path / "b.csv").write_text(csv_text(part.images, None))
    np.savez(tmp_path / "c.npz", X_test=part.images, y_test=texts)
    np.save(tmp_path / "whatever.npy", part.images[..., None])
    write_pictures(tmp_path / "folder", part.images, texts)
    expected, _, _ = ask(trained / "test.npz")
    unlabelled = [{key: row[key] for key in row if key != "label"} for row in expected]
    assert ask(tmp_path / "a.csv")[0] == expected
    assert ask(tmp_path / "b.csv")[0] == unlabelled
    assert ask(tmp_path / "c.npz")[0] == expected
    assert ask(tmp_path / "whatever.npy")[0] == unlabelled
    rows, said, _ = ask(tmp_path / "folder")
    place = {f"{text}/{number:04}.png": number for number, text in enumerate(texts)}
    assert len(rows) == 100
    for row in rows:
        assert row["logreg"] == expected[place[row["file"]]]["logreg"]
        assert row["label"] == row["file"].split("/")[0]
    assert said[0].startswith("logreg: accuracy ")
    file = f"{texts[3]}/0003.png"
    one, _, _ = ask(tmp_path / "folder" / file)
    assert one[0]["file"] == "0003.png"
    assert one[0]["logreg"] == expected[3]["logreg"]


def test_the_pages_best_model_predicts_by_default(trained, project, capsys):
    shutil.copytree(trained / "mlp", project / "models" / "mlp")
    metrics = json.loads((project / "reports" / "metrics.json").read_text())
    for name, scores in metrics.items():
        scores |= {"accuracy": 0.9, "loss": 1 - 0.1 * (name == "mlp")}
    (project / "reports" / "metrics.json").write_text(json.dumps(metrics))
    problems = predict_all(Request(trained / "test.npz"))
    out, said = capsys.readouterr()
    assert out.startswith("row,label,mlp,")
    assert "using mlp, the best model on the page" in said
    assert "reports/metrics.json, which ranks the models, is out of date: there is" in said
    assert "models/mlp is out of date: there is no record of what" in said
    assert problems == 2
    stop = {"severity": "stop", "found": "Half of test is also in train."}
    (project / "reports" / "stats.json").write_text(json.dumps({"checks": {"test_in_train": stop}}))
    with pytest.raises(UserError, match=r"no best model: Half of .* Name one: MODEL=cnn"):
        predict_all(Request(trained / "test.npz"))
    (project / "reports" / "metrics.json").unlink()
    with pytest.raises(UserError, match=r"metrics\.json is missing.*name one: MODEL=cnn"):
        predict_all(Request(trained / "test.npz"))


def test_what_cannot_be_used_is_named_and_all_else_predicted(trained, ask, tmp_path):
    part = read_split(trained / "test.npz")
    folder = tmp_path / "folder"
    write_pictures(folder, part.images[:3], np.array(["=cmd()", "<b>", "c"]))
    (folder / "bad.png").write_text("no picture")
    whole = (folder / "c" / "0002.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("L", (50, 40), 255).save(folder / "blank.png")
    (folder / "notes.txt").write_text("a note")
    page = tmp_path / "seen.html"
    rows, said, problems = ask(folder, "logreg", str(tmp_path / "nowhere"), seen=page, fit="digit")
    assert [row["file"] for row in rows] == ["<b>/0001.png", "'=cmd()/0000.png", "c/0002.png"]
    assert problems == 4
    assert f"{folder}/bad.png: not an image; allowed: PNG, JPEG, BMP, GIF or TIFF" in said
    assert f"{folder}/blank.png: nothing is drawn on it" in said
    assert any(line.startswith(f"{folder}/cut.png: ") for line in said)
    assert any(line.startswith(f"{tmp_path}/nowhere: no model; allowed: a folder") for line in said)
    assert f"{folder}: other files not used: 1" in said
    text = page.read_text()
    assert "&lt;b&gt;/0001.png" in text
    assert text.count("<img") == 3
    assert not re.search(r"<b>|https?://", text)


def test_rows_that_cannot_be_read_are_named(trained, ask, tmp_path):
    part = read_split(trained / "test.npz")
    lines = csv_text(part.images[:6], None).splitlines()
    lines[2] += ",7"  # the second row
    lines[4] = lines[4].replace(",", ",x", 1)
    lines.insert(3, "")
    path = tmp_path / "test.csv"
    path.write_text("\n".join(lines))
    rows, said, problems = ask(path)
    assert [row["row"] for row in rows] == ["1", "3", "5", "6"]
    assert f"{path}, line 3: 101 cells; allowed: 100, as in the first line" in said
    assert any(line.startswith(f"{path}, line 6: pixel1 is ") for line in said)
    assert problems == 2
    expected, _, _ = ask(trained / "test.npz")
    kept = [expected[number]["logreg"] for number in (0, 2, 4, 5)]
    assert [row["logreg"] for row in rows] == kept
    real = part.images[:3].astype(np.float64)
    real[1, 2, 3] = np.nan
    np.savez(tmp_path / "real.npz", x=real)
    rows, said, problems = ask(tmp_path / "real.npz")
    assert [row["row"] for row in rows] == ["1", "3"]
    assert (
        f"{tmp_path}/real.npz, row 2: pixels that are NaN or infinite; allowed: finite numbers"
        in said
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("folder", None, "no images (found nothing); allowed: a picture"),
        ("nowhere.png", None, "no such file or folder; allowed: a picture"),
        ("a.csv", "a,b,c\n1,2,3\n", "the first line names 3 columns, 0 of them label"),
        (
            "a.csv",
            "1,2,3,4\n1,2,3,4\n",
            "the first line contains numbers; allowed: column names",
        ),
        ("a.npz", {"x_test": np.zeros((3, 4, 5, 2))}, "x_test has shape (3, 4, 5, 2)"),
        ("a.npz", {"x_test": np.array(["a", "b"])}, "images of dtype <U1"),
        ("a.npz", {"x_test": np.zeros((3, 4, 4)), "y_test": np.zeros(2)}, "3 images and labels"),
        ("a.npz", {"p": np.zeros(3), "q": np.zeros(3)}, "no images (found p, q)"),
        ("a.npz", b"PK not one", "not a complete .npz archive"),
        ("a.zip", b"PK not one", "not a complete .zip archive"),
    ],
)
def test_what_holds_no_images_is_refused_in_a_line(ask, tmp_path, name, content, message):
    path = tmp_path / name
    if isinstance(content, dict):
        np.savez(path, **content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.write_text(content)
    elif name == "folder":
        path.mkdir()
    with pytest.raises(UserError, match=re.escape(message)) as error:
        ask(path)
    assert str(error.value).isprintable()
    assert str(path) in str(error.value)


def test_models_that_cannot_predict_are_named(trained, ask, tmp_path):
    for name, change in (
        ("old", lambda record: record.pop("image")),
        ("odd", lambda record: record["image"].update(height=10**9)),
        ("other", lambda record: record["image"].update(height=11)),
        ("few", lambda record: record["classes"].pop()),
    ):
        shutil.copytree(trained / "logreg", tmp_path / name)
        path = tmp_path / name / "training.json"
        record = json.loads(path.read_text())
        change(record)
        path.write_text(json.dumps(record))
    names = [str(tmp_path / name) for name in ("old", "odd", "other", "few")]
    rows, said, problems = ask(trained / "test.npz", "logreg", *names)
    assert (len(rows), problems) == (100, 4)
    assert f"{names[0]}/training.json: the classes or the format of the images" in said[0]
    assert f"{names[1]}/training.json: the classes or the format of the images" in said[1]
    assert said[2] == f"{names[2]}: the model cannot take images of 11x10"
    assert said[3] == f"{names[3]}: the model does not have 9 classes"
    with pytest.raises(UserError, match="no usable model"):
        ask(trained / "test.npz", names[0])
    with pytest.raises(UserError, match="two models have the same name"):
        ask(trained / "test.npz", "logreg", f"{trained}/cnn/../logreg")


def test_a_person_is_asked_below_the_threshold(trained, ask, tmp_path):
    part = read_split(trained / "test.npz")  # more images than validation has
    validation = tmp_path / "validation.npz"
    write_split(validation, part)
    rows, said, _ = ask(trained / "test.npz", sure=0.9, validation=validation)
    least = float(re.match(r"logreg: no person is needed .* at least ([\d.]+\d)\. ", said[0])[1])
    asks = [float(row["logreg_probability"]) < least * (1 - 1e-5) for row in rows]
    assert [row["logreg_ask_a_person"] == "yes" for row in rows] == asks
    kept = [row for row in rows if row["logreg_ask_a_person"] == "no"]
    right = sum(row["logreg"] == row["label"] for row in kept)
    assert right >= 0.9 * len(kept) > 0
    assert f"{len(kept)} reach it, and {right} of these are classified correctly" in said[0]
    with pytest.raises(UserError, match=r"--sure 0.999: logreg .*validation images"):
        ask(trained / "test.npz", sure=0.999, validation=validation)
    with pytest.raises(UserError, match=r"--sure needs .*missing; run dvc repro preprocess"):
        ask(trained / "test.npz", sure=0.9, validation=tmp_path / "none.npz")


def test_kaggles_format(trained, ask, tmp_path):
    part = read_split(trained / "test.npz")
    (tmp_path / "test.csv").write_text(csv_text(part.images, None))
    output = tmp_path / "submission.csv"
    expected, _, _ = ask(trained / "test.npz")
    ask(tmp_path / "test.csv", kaggle=True, output=output)
    lines = output.read_text().splitlines()
    assert lines[0] == "ImageId,Label"
    assert lines[1:] == [f"{row['row']},{row['logreg']}" for row in expected]
    with pytest.raises(UserError, match="one prediction per image"):
        ask(tmp_path / "test.csv", "logreg", "mlp", kaggle=True)


def test_the_images_are_never_written_over(trained, ask, tmp_path):
    path = tmp_path / "test.csv"
    path.write_text(csv_text(read_split(trained / "test.npz").images[:2], None))
    (tmp_path / "link.csv").hardlink_to(path)
    with pytest.raises(UserError, match="also the input"):
        ask(path, output=tmp_path / "link.csv")
    assert path.read_text().startswith("pixel0")
    ask(path, output=tmp_path / "out.csv")
    before = (tmp_path / "out.csv").read_text()
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n")
    with pytest.raises(UserError, match="text in UTF-8"):
        ask(path, output=tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == before


def test_what_is_no_regular_file_is_not_replaced(trained, ask, tmp_path):
    pipe, link, target = (tmp_path / name for name in ("pipe.csv", "link.csv", "target.csv"))
    os.mkfifo(pipe)
    with pytest.raises(UserError, match="not a regular file"):
        ask(trained / "test.npz", output=pipe)
    assert pipe.is_fifo()
    link.symlink_to(target)
    ask(trained / "test.npz", output=link)
    assert link.is_symlink()
    assert target.read_text().startswith("row,label,logreg")


@pytest.mark.parametrize("to", ["output", "seen"])
def test_a_full_disk_leaves_the_earlier_files(to, trained, ask, tmp_path):
    """A limit on the size of a file stands for it."""
    path = tmp_path / "earlier"
    path.write_text("earlier")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as error:
            ask(trained / "test.npz", **{to: path})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.filename == str(path)
    assert path.read_text() == "earlier"
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["earlier"]


def test_a_model_that_is_replaced_while_it_is_read(trained, ask, tmp_path, monkeypatch):
    """As by a training that runs: never new weights with an old record."""
    shutil.copytree(trained / "logreg", tmp_path / "changing")
    read = models.read_trained

    def read_and_replace(folder: Path):
        found = read(folder)
        if folder.name == "changing":
            write_linear_model(folder / "model.npz", read_linear_model(folder / "model.npz"))
        return found

    monkeypatch.setattr(models, "read_trained", read_and_replace)
    rows, said, problems = ask(trained / "test.npz", "logreg", str(tmp_path / "changing"))
    assert (len(rows), problems) == (100, 1)
    assert "changing" not in rows[0]
    assert said[0] == (
        f"{tmp_path}/changing/model.npz: changed while it was read; run this again when no stage"
        " runs"
    )


def test_links_and_special_files_in_a_folder_are_named_and_skipped(ask, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in (b"a.png", b"b\xff.png"):
        Image.new("L", (10, 10)).save(folder / os.fsdecode(name))
    (folder / "loop").symlink_to(folder)
    (folder / "gone.png").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.png")
    output = tmp_path / "out.csv"
    _, said, problems = ask(folder, output=output)
    assert problems == 3
    assert any("loop: a link to a folder" in line for line in said)
    assert sum("not a file" in line for line in said) == 2
    assert len(output.read_text().splitlines()) == 3
