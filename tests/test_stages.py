"""Each stage but the training ones as a function on files, from exploring to evaluating."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from small_stages import dataset, parameters, run_evaluate, run_logreg, run_mlp, split

from core.errors import UserError
from core.npz import write_arrays
from core.split import write_split
from dataset.dataset import checked_dataset, write_dataset
from dataset.digits import load_digits
from explore_stats import explore_stats
from linear.linear_model import LinearModel, write_linear_model
from preprocess import preprocess


class TestExploreStats:
    def explore(self, folder: Path, **kinds) -> dict:
        figures = [folder / f"{name}.svg" for name in ("train", "test", "classes")]
        path = dataset(folder, **kinds)
        files = (folder / "stats.json", *figures, folder / "labels.csv")
        explore_stats(path, *files, samples=25, label_folds=0, seed=1)
        assert all(figure.read_text().startswith("<?xml") for figure in figures)
        return json.loads((folder / "stats.json").read_text())

    def test_counts_and_shapes(self, tmp_path):
        stats = self.explore(tmp_path)
        assert stats["dataset"] == "noise"
        assert stats["image_shape"] == [8, 8]
        counts = {name: part["images"] for name, part in stats["parts"].items()}
        assert counts == {"train": 200, "test": 100}
        assert stats["class_counts"][0] == {"class": "5", "train": 20, "test": 10}
        assert stats["train_against_test"]["widest_gap_points"] == 0
        assert "finds no significant difference" in stats["train_against_test"]["sentence"]

    def test_same_bytes_twice(self, tmp_path):
        contents = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            self.explore(tmp_path / name)
            paths = sorted((tmp_path / name).iterdir())
            contents.append([path.read_bytes() for path in paths])
        assert contents[0] == contents[1]

    def test_data_that_can_be_right_is_passed_in_silence(self, tmp_path, capfd):
        assert self.explore(tmp_path)["checks"] == {}
        assert capfd.readouterr().err == ""

    def test_what_cannot_be_right_is_said(self, tmp_path, capfd):
        """In a line each, with pictures in the statistics."""
        arrays = np.load(dataset(tmp_path))
        x = np.concatenate([arrays["x_train"], arrays["x_test"][:9]])
        x[3] = 0
        y = np.concatenate([arrays["y_train"], arrays["y_test"][:9]])
        write_arrays(tmp_path / "leaky.npz", **{**arrays, "x_train": x, "y_train": y})
        figures = [tmp_path / f"{name}.svg" for name in ("train", "test", "classes")]
        stats = tmp_path / "stats.json"
        files = (stats, *figures, tmp_path / "labels.csv")
        explore_stats(tmp_path / "leaky.npz", *files, samples=25, label_folds=0, seed=1)
        found = json.loads(stats.read_text())["checks"]
        severities = {name: row["severity"] for name, row in found.items()}
        assert severities == {"test_in_train": "stop", "train_of_one_value": "warn"}
        stop, warn = capfd.readouterr().err.splitlines()
        assert stop.startswith("explore_stats: stop: 9 of 100 (9.0 %) test images are also in tra")
        assert warn.startswith("explore_stats: warn: 1 of 209 (0.5 %) training images are blank,")
        first, second = found["test_in_train"]["images"][0]
        assert (first["part"], first["index"]) == ("train", 200)
        assert (second["part"], second["index"], second["class"]) == ("test", 0, "5")
        rows = second["pixels"].split(" ")
        assert [len(row) for row in rows] == [8] * 8
        expected = np.rint(arrays["x_test"][0] / arrays["x_train"].max() * 15)
        np.testing.assert_array_equal([[int(grey, 16) for grey in row] for row in rows], expected)

    def test_fewer_images_than_samples(self, tmp_path):
        self.explore(tmp_path, images=8, classes=2)


class TestEvaluate:
    def test_metrics_by_hand(self, tmp_path):
        """A model that always predicts the first class, on images of all ten."""
        part = split(tmp_path)["test"]
        weights = np.zeros((10, 64), np.float32), np.array([9, *[0] * 9], np.float32)
        write_linear_model(tmp_path / "lazy" / "model.npz", LinearModel(*weights, part.pixel_range))
        lazy = run_evaluate(tmp_path, "lazy")["lazy"]
        assert (lazy["successes"], lazy["failures"], lazy["accuracy"]) == (10, 90, 0.1)
        assert lazy["parameters"] == 650
        assert lazy["per_class"][0]["recall"] == 1
        assert lazy["per_class"][0]["precision"] == 0.1
        assert lazy["per_class"][1]["f1"] == 0
        assert [row[0] for row in lazy["confusion"]] == [10] * 10
        likely = np.exp(9) / (np.exp(9) + 9)
        loss = -(0.1 * np.log(likely) + 0.9 * np.log((1 - likely) / 9))
        assert lazy["loss"] == pytest.approx(loss)

    def test_one_absurd_pixel_costs_nothing(self, tmp_path):
        """Which cost the logistic regression fifteen points, once."""
        images = load_digits().images["train"].astype(np.uint16)
        accuracies = []
        for odd in (16, 65535):
            images[7, 3, 4] = odd
            found = load_digits()
            found.images["train"] = images
            write_dataset(tmp_path / "odd.npz", checked_dataset("odd", "odd", found))
            names = ("train", "validation", "test", "held_out")
            paths = {name: tmp_path / f"{name}.npz" for name in names} | {"hold_out": "none"}
            preprocess(tmp_path / "odd.npz", **paths, validation_size=0, train_size="all", seed=1)
            run_logreg(tmp_path)
            accuracies.append(run_evaluate(tmp_path, "logreg")["logreg"]["accuracy"])
        assert accuracies[0] == accuracies[1] > 0.85

    def test_failures_are_the_images_someone_gets_wrong(self, tmp_path):
        part = split(tmp_path)["test"]
        run_logreg(tmp_path)
        weights = np.zeros((10, 64), np.float32), np.array([9, *[0] * 9], np.float32)
        write_linear_model(tmp_path / "lazy" / "model.npz", LinearModel(*weights, part.pixel_range))
        metrics = run_evaluate(tmp_path, "logreg", "lazy")
        rows = list(csv.DictReader((tmp_path / "failures.csv").open()))
        wrong = [row for row in rows if row["lazy"] != row["label"]]
        assert len(wrong) == metrics["lazy"]["failures"]
        assert set(rows[0]) == {
            *("index", "label", "logreg", "logreg_confidence", "lazy", "lazy_confidence")
        }
        assert all(part.classes[part.labels[int(row["index"])]] == row["label"] for row in rows)

    def test_two_classes(self, tmp_path):
        """scikit-learn keeps one row of coefficients for two classes."""
        split(tmp_path, classes=2)
        assert parameters(run_logreg(tmp_path)) == 65
        run_mlp(tmp_path, hidden=[4])
        metrics = run_evaluate(tmp_path, "logreg", "mlp")
        assert metrics["logreg"]["accuracy"] > 0.9

    def test_a_model_of_other_images_is_refused(self, tmp_path):
        split(tmp_path)
        run_mlp(tmp_path, hidden=[4])
        run_logreg(tmp_path)
        split(tmp_path, side=9)
        for name in ("mlp", "logreg"):
            with pytest.raises(UserError, match="cannot take images of 9x9"):
                run_evaluate(tmp_path, name)

    def test_a_model_that_gives_nan_is_refused(self, tmp_path):
        part = split(tmp_path)["test"]
        weights = np.full((10, 64), np.nan, np.float32), np.zeros(10, np.float32)
        write_linear_model(tmp_path / "nan" / "model.npz", LinearModel(*weights, part.pixel_range))
        with pytest.raises(UserError, match="has numbers that are NaN, infinite or too large"):
            run_evaluate(tmp_path, "nan")

    def test_two_models_of_one_name_are_refused(self, tmp_path):
        split(tmp_path)
        with pytest.raises(UserError, match="evaluate: models a, b, a; allowed: each"):
            run_evaluate(tmp_path, "a", "b", "c/a")

    def test_one_test_image(self, tmp_path):
        part = split(tmp_path)["test"]
        run_logreg(tmp_path)
        one = type(part)(part.images[:1], part.labels[:1], part.classes, part.pixel_range)
        write_split(tmp_path / "test.npz", one)
        assert run_evaluate(tmp_path, "logreg")["logreg"]["successes"] in (0, 1)
