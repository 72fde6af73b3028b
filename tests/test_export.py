"""Exported models: the files, whether each predicts as the model does, and the model card."""

import json
import re
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from made_results import HOSTILE
from ruamel.yaml import YAML
from small_stages import run_cnn, run_evaluate, run_logreg, run_mlp, split

from core.errors import UserError
from core.files import Snapshot, read_json, write_json
from core.split import read_split, write_split
from core.text import shortened
from data_checks.finding import finding
from data_checks.summary import summarize
from dataset.dataset import read_dataset
from drawing.escaping import escape_markdown
from evaluation.evaluation import read_evaluation
from evaluation.ranking import ranking
from export import exporting
from export.checking import BOUND, check_predictions
from export.exporting import Results, export_models
from linear.linear_model import read_linear_model, write_linear_model

CLASSES = [f"class {number}" for number in range(9)] + [
    """4: [x] '\"><img src=x onerror=alert(1)>|`@everyone"""
]
ENDS = ("label", "answer")
MODELS = ("logreg", "mlp", "cnn")


def results(folder: Path, **changed) -> Results:
    files = {"test": "test.npz", "evaluation": "evaluation.npz", "stats": "stats.json"}
    paths = {key: folder / name for key, name in files.items()}
    return Results(**{**paths, "dataset": "own", "batch_size": 64, "threads": 2, **changed})


def make(folder: Path, *models: str, **kinds) -> None:
    """Train `models`, two of them with all that a network may have, and evaluate them."""
    split(folder, **kinds)
    runs = {
        "logreg": lambda: run_logreg(folder, calibration="temperature"),
        "mlp": lambda: run_mlp(folder, hidden=[8]),
        "cnn": lambda: run_cnn(folder, architecture="fast", members=2, test_time_shift=1),
    }
    for name in models:
        runs[name]()
    linear = folder / "logreg" / "model.npz"  # too few images to find a doubt on
    write_linear_model(linear, replace(read_linear_model(linear), doubt=np.float64(0.05)))
    run_evaluate(folder, *models, corrupted_images=2)
    stats = summarize(read_dataset(folder / "dataset.npz"))
    checks = {"leak": finding("leak", "stop", "90 images are also in train.", "Bad.", "Mend it.")}
    write_json(folder / "stats.json", {**stats, "checks": checks})


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Three models, evaluated and exported into `exports`. Not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    make(folder, *MODELS, names=CLASSES)
    export_models([folder / name for name in MODELS], folder / "exports", results(folder))
    return folder


def card(folder: Path, name: str) -> tuple[dict, str]:
    """The metadata and the text of a model card."""
    text = (folder / "exports" / name / "README.md").read_text()
    _, metadata, body = text.split("---\n", 2)
    return YAML(typ="safe").load(metadata), body.replace("\u00a0", " ")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_written(made):
    files = {
        name: sorted(path.name for path in (made / "exports" / name).iterdir()) for name in MODELS
    }
    network_files = ["README.md", "model.json", "model.keras", "model.onnx"]
    assert files == {
        "logreg": ["README.md", "model.json", "model.npz", "model.onnx"],
        **dict.fromkeys(("mlp", "cnn"), network_files),
    }
    assert sorted(path.name for path in (made / "exports").iterdir()) == sorted(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_the_code_of_the_card_predicts_as_the_model_does(name, made, monkeypatch):
    """As they stand there, in the folder of the export."""
    monkeypatch.chdir(made / "exports" / name)
    evaluation = read_evaluation(made / "evaluation.npz")
    expected = evaluation.probabilities[evaluation.models.index(name)]
    lines = re.findall(r"```python\n(.*?)```", card(made, name)[1], re.S)
    assert len(lines) == 2
    for code in lines:
        known = {"images": read_split(made / "test.npz").images}
        exec(code, known)  # noqa: S102 - what a reader does
        np.testing.assert_allclose(known["probabilities"], expected, rtol=0, atol=BOUND)


@pytest.mark.long
def test_plain_keras_needs_nothing_of_ours(made):
    """In a process that knows none of our modules."""
    code = (
        "import keras, numpy as np, sys\n"
        "model = keras.models.load_model('model.keras')\n"
        "np.save('/dev/stdout', model.predict(np.zeros((2, 8, 8, 1)), verbose=0).argmax(axis=1))\n"
        "assert not {'networks', 'layers'} & set(sys.modules)\n"
        "kinds = {type(each).__module__.split('.')[0] for each in model._flatten_layers()}\n"
        "assert kinds == {'keras'}, kinds\n"
    )
    folder = made / "exports" / "cnn"
    subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("name", MODELS)
def test_files_say_what_the_model_takes(name, made):
    said = read_json(made / "exports" / name / "model.json")
    image = read_json(made / name / "training.json")["image"]
    assert (said["name"], said["classes"]) == (name, read_split(made / "test.npz").classes.tolist())
    assert (said["height"], said["width"], said["pixels"]) == (8, 8, "uint8")
    assert {key: said[key] for key in ("pixel_range", "background")} == {
        key: image[key] for key in ("pixel_range", "background")
    }
    model = onnx.load(made / "exports" / name / "model.onnx")
    props = {each.key: each.value for each in model.metadata_props}
    assert props.pop("name") == name
    assert props.pop("pixels") == "uint8"
    assert {key: json.loads(value) for key, value in props.items()} == {
        key: value for key, value in said.items() if key not in ("name", "pixels")
    }
    (shown,), (answers,) = model.graph.input, model.graph.output
    assert (shown.name, answers.name) == ("images", "probabilities")
    shape = [each.dim_param or each.dim_value for each in shown.type.tensor_type.shape.dim]
    assert shape == ["batch", 8, 8]
    assert shown.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_same_model_same_bytes(made, tmp_path, monkeypatch):
    """On another day, after other models: a fixed time in each place that has one."""
    monkeypatch.setattr("time.time", lambda: 2e9)
    export_models([made / "cnn", made / "logreg"], tmp_path / "exports", results(made))
    again, before = contents(tmp_path / "exports"), contents(made / "exports")
    assert again == {path: before[path] for path in again}
    assert len(again) == 8
    with zipfile.ZipFile(made / "exports" / "cnn" / "model.keras") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read("metadata.json")).keys() == {"keras_version"}


def test_two_classes_of_float_pixels(tmp_path):
    for name, part in split(tmp_path, classes=2).items():
        pixels, ends = (values / np.float32(7) - 3 for values in (part.images, part.pixel_range))
        changed = replace(part, images=pixels.astype(np.float32), pixel_range=ends)
        write_split(tmp_path / f"{name}.npz", changed)
    run_logreg(tmp_path)
    run_evaluate(tmp_path, "logreg")
    write_json(
        tmp_path / "stats.json", {**summarize(read_dataset(tmp_path / "dataset.npz")), "checks": {}}
    )
    found = export_models([tmp_path / "logreg"], tmp_path / "exports", results(tmp_path))
    assert found["logreg"] <= BOUND
    said = read_json(tmp_path / "exports" / "logreg" / "model.json")
    assert said["pixels"] == "float32"
    assert said["pixel_range"][0] < 0
    arrays = np.load(tmp_path / "exports" / "logreg" / "model.npz")
    assert arrays["coefficients"].shape == (2, 64)
    assert arrays["intercepts"].shape == (2,)


class TestCard:
    def test_metadata(self, made):
        metadata, _ = card(made, "cnn")
        scores = read_json(made / "metrics.json")["cnn"]
        (one,) = metadata["model-index"]
        (result,) = one["results"]
        assert one["name"] == "cnn"
        assert metadata["license"] == "unknown"
        assert metadata["library_name"] == "keras"
        assert "datasets" not in metadata
        assert result["dataset"]["args"]["sha256"] == read_json(made / "stats.json")["sha256"]
        values = {each["type"]: each["value"] for each in result["metrics"]}
        assert values == {
            "accuracy": scores["accuracy"],
            "log_loss": scores["loss"],
            "brier_score": scores["brier_score"],
            "expected_calibration_error": scores["calibration_error"],
        }
        ends = "{:.2f} % to {:.2f} %".format(
            *(100 * scores[f"accuracy_{e}"] for e in ("low", "high"))
        )
        assert ends in result["metrics"][0]["name"]

    @pytest.mark.parametrize(
        ("dataset", "licence", "said"),
        [
            ("mnist", "cc-by-sa-3.0", "by LeCun, Cortes and Burges, CC BY-SA 3.0."),
            ("digits", "cc-by-4.0", "by Alpaydin and Kaynak, from the UCI repository, CC BY 4.0."),
            ("own", "unknown", "of unknown licence: fill it in"),
        ],
    )
    def test_licence_is_that_of_the_data(self, dataset, licence, said, made, tmp_path):
        export_models([made / "logreg"], tmp_path / "exports", results(made, dataset=dataset))
        metadata, text = card(tmp_path, "logreg")
        assert metadata["license"] == licence
        assert said in text
        assert metadata.get("datasets") == (["ylecun/mnist"] if dataset == "mnist" else None)

    def test_results(self, made):
        _, text = card(made, "cnn")
        metrics = read_json(made / "metrics.json")
        scores = metrics["cnn"]
        ranked = ranking(metrics)
        assert f"this one has rank {1 + ranked.index('cnn')} by accuracy." in text
        assert f"Accuracy on 100 test images: **{100 * scores['accuracy']:.2f} %**" in text
        assert f"| calibration error, points | {100 * scores['calibration_error']:.2f} |" in text
        assert f"On average, the accuracy is {100 * scores['corrupted_accuracy']:.1f} %" in text
        assert "**The data cannot show whether to trust the model.** 90 images are also" in text

    def test_where_it_fails(self, made):
        _, text = card(made, "cnn")
        found = read_evaluation(made / "evaluation.npz").findings
        frequent = found["mistakes"]["cnn"]["frequent"][0]
        names = read_split(made / "test.npz").classes
        label, answer = (escape_markdown(shortened(names[frequent[end]], 24)) for end in ENDS)
        assert f"mistakes: {label} predicted as {answer} ({frequent['images']} times)" in text
        kinds = found["unknown"]["kinds"]
        worst = min(kinds, key=lambda kind: kind["models"]["cnn"]["auroc"])["models"]["cnn"]
        assert f"(AUROC {worst['auroc']:.3f})" in text

    def test_no_name_is_more_than_a_name(self, made, tmp_path):
        stats = read_json(made / "stats.json")
        write_json(tmp_path / "stats.json", {**stats, "dataset": f"a: b\n---\n{HOSTILE}"})
        changed = results(made, stats=tmp_path / "stats.json")
        export_models([made / "logreg"], tmp_path / "exports", changed)
        metadata, text = card(tmp_path, "logreg")
        name = metadata["model-index"][0]["results"][0]["dataset"]["name"]
        assert name.startswith('a: b --- "><img')
        assert "\n" not in name
        assert "<" not in text.replace("< 0.001", "")
        assert "@everyone" not in text


class TestFailures:
    def other_answers(self, made, tmp_path) -> Results:
        """An evaluation in which the model predicts other classes."""
        arrays = dict(np.load(made / "evaluation.npz"))
        arrays["probabilities"] = arrays["probabilities"].copy()
        arrays["probabilities"][1, :3] = np.roll(arrays["probabilities"][1, :3], 1, axis=1)
        np.savez(tmp_path / "other.npz", **arrays)
        return results(made, evaluation=tmp_path / "other.npz")

    def test_another_answer_leaves_the_earlier_export(self, made, tmp_path):
        """Of all models, also of those that would have come before."""
        output = tmp_path / "exports"
        for name in ("logreg", "mlp"):
            (output / name).mkdir(parents=True)
            (output / name / "README.md").write_text("earlier")
        before = contents(output)
        with pytest.raises(
            UserError, match=r"^mlp: not exported, because model\.keras .* 3 of 100"
        ):
            export_models(
                [made / "logreg", made / "mlp"], output, self.other_answers(made, tmp_path)
            )
        assert contents(output) == before

    def test_another_probability(self, made, tmp_path):
        arrays = dict(np.load(made / "evaluation.npz"))
        arrays["probabilities"] = arrays["probabilities"] * np.float32(1 - 1e-4)
        np.savez(tmp_path / "other.npz", **arrays)
        changed = results(made, evaluation=tmp_path / "other.npz")
        with pytest.raises(UserError, match=r"0 of 100 test images, .* differ by up to .*1e-05"):
            export_models([made / "logreg"], tmp_path / "exports", changed)
        assert not any((tmp_path / "exports").iterdir())

    def test_an_evaluation_of_other_images(self, made, tmp_path):
        arrays = dict(np.load(made / "evaluation.npz"))
        arrays |= {"labels": arrays["labels"][1:], "probabilities": arrays["probabilities"][:, 1:]}
        np.savez(tmp_path / "other.npz", **arrays)
        changed = results(made, evaluation=tmp_path / "other.npz")
        with pytest.raises(UserError, match=r"other\.npz: made from other images than .*test\.npz"):
            export_models([made / "logreg"], tmp_path / "exports", changed)

    @pytest.mark.parametrize(
        ("found", "message"),
        [
            ([np.nan, 0.4999995], "0 of 1 test images, .* differ by up to nan"),
            ([0.4999995, 0.5000005], "1 of 1 test images, .* differ by up to 1e-06"),
            ([0.5, 0.25, 0.25], "has other classes"),
        ],
    )
    def test_each_way_to_answer_otherwise(self, found, message, monkeypatch):
        """By a number that is none, though the largest; by a hair's breadth; by another class."""
        told = {".onnx": lambda *_: lambda _: np.array([found])}
        monkeypatch.setattr("export.checking.LOADED", told)
        expected = np.array([[0.5000005, 0.4999995]], np.float32)
        with pytest.raises(UserError, match=message):
            check_predictions(Path("a.onnx"), "a", np.zeros((1, 2, 2)), expected, 8, 1)

    def test_a_failed_write_leaves_the_earlier_export(self, made, tmp_path, monkeypatch):
        export_models([made / "logreg"], tmp_path / "exports", results(made))
        before = contents(tmp_path / "exports")

        def full(*_):
            raise OSError(28, "No space left on device", "model.npz")

        monkeypatch.setattr(exporting, "write_plain_arrays", full)
        with pytest.raises(OSError, match="No space left"):
            export_models([made / "logreg"], tmp_path / "exports", results(made))
        assert contents(tmp_path / "exports") == before

    def test_a_model_that_is_replaced_meanwhile(self, made, tmp_path):
        export_models([made / "logreg"], tmp_path / "exports", results(made))
        before = contents(tmp_path / "exports")
        snapshot = Snapshot([tmp_path / "model"])
        (tmp_path / "model").touch()
        with pytest.raises(UserError, match="model: changed while it was read"):
            export_models([made / "logreg"], tmp_path / "exports", results(made), snapshot.check)
        assert contents(tmp_path / "exports") == before

    def test_a_clock_that_was_set_back(self, made, tmp_path, monkeypatch):
        """As of a machine whose battery is empty: no archive can hold its date."""
        monkeypatch.setattr("time.localtime", lambda *_: time.gmtime(0))
        with pytest.raises(UserError, match=r"model\.keras: the clock shows the year 1970"):
            export_models([made / "mlp"], tmp_path / "exports", results(made))
        assert not any((tmp_path / "exports").iterdir())
        export_models([made / "logreg"], tmp_path / "exports", results(made))

    def test_what_a_killed_run_has_left_goes(self, made, tmp_path):
        for name in (".partial.logreg", ".old.logreg"):
            (tmp_path / "exports" / name).mkdir(parents=True)
            (tmp_path / "exports" / name / "half").touch()
        export_models([made / "logreg"], tmp_path / "exports", results(made))
        assert [path.name for path in (tmp_path / "exports").iterdir()] == ["logreg"]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda record: record.pop("image"), "format of the images are missing, as"),
            (
                lambda record: record["image"].update(background=None),
                "are missing, as in older versions, or not valid",
            ),
            (lambda record: record["image"].update(background=float("inf")), "or not valid"),
            (lambda record: record.update(classes=["a", "b"]), "other classes"),
            (lambda record: record.pop("calibration"), "the model card cannot be written"),
        ],
    )
    def test_a_record_of_another_kind(self, change, message, made, tmp_path):
        record = read_json(made / "logreg" / "training.json")
        change(record)
        folder = tmp_path / "logreg"
        folder.mkdir()
        (folder / "model.npz").write_bytes((made / "logreg" / "model.npz").read_bytes())
        (folder / "training.json").write_text(json.dumps(record))
        with pytest.raises(UserError, match=message):
            export_models([folder], tmp_path / "exports", results(made))
