"""Each stage as a function on files, from exploring to evaluating."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluate import evaluate
from explore_stats import explore_stats
from preprocess import preprocess
from shared.augmentation import Augmentation, augmented, background
from shared.dataset import checked_dataset, write_dataset
from shared.errors import UserError
from shared.linear_model import LinearModel, read_linear_model, write_linear_model
from shared.network import predict, read_network
from shared.recipe import Recipe, resolved
from shared.significance import accuracy_interval, compare_pairs
from shared.split import read_split, write_split
from train_cnn import train_cnn
from train_logreg import train_logreg
from train_mlp import train_mlp


def dataset(
    folder: Path, side: int = 8, shape: tuple = (), classes: int = 10, images: int = 200
) -> Path:
    """Noise with a bright row that tells the class: easy to learn, of any size."""
    random = np.random.default_rng(0)
    parts = {}
    for part, count in (("train", images), ("test", images // 2)):
        y = np.arange(count) % classes
        height, width = shape or (side, side)
        x = random.integers(0, 120, (count, height, width), dtype=np.uint8)
        x[np.arange(count), y % height] += 100
        x[np.arange(count), :, y // height] += 30
        parts |= {f"x_{part}": x, f"y_{part}": y + 5}
    write_dataset(folder / "dataset.npz", checked_dataset("noise", "noise", parts))
    return folder / "dataset.npz"


def split(folder: Path, validation_size: float = 0.1, train_size: int | str = "all", **kinds):
    path = dataset(folder, **kinds)
    names = ("train", "validation", "test")
    paths = {name: folder / f"{name}.npz" for name in names}
    preprocess(path, **paths, validation_size=validation_size, train_size=train_size, seed=1)
    return {name: read_split(paths[name]) for name in names}


def network_paths(folder: Path, name: str) -> dict[str, Path]:
    return {
        "train": folder / "train.npz",
        "validation": folder / "validation.npz",
        "network": folder / name / "network.json",
        "weights": folder / name / "network.weights.npz",
        "history": folder / name / "history.csv",
        "record": folder / name / "training.json",
    }


FIT = {"schedule": "constant", "epochs": 1, "batch_size": 32, "threads": 2, "seed": 1}


def run_mlp(folder: Path, hidden=(1024, 512), **fit) -> dict:
    settings = {"activation": "relu", "dropout": 0.25}
    fit = {"optimizer": "adam", "learning_rate": 0.001, **FIT, **fit}
    train_mlp(hidden=list(hidden), **settings, **network_paths(folder, "mlp"), **fit)
    return json.loads((folder / "mlp" / "training.json").read_text())


def run_cnn(folder: Path, **fit) -> dict:
    dropout = {"convolution_dropout": "recipe", "dense_dropout": "recipe"}
    own = {"architecture": "tutorial", "members": 1, **dropout}
    train_cnn(**network_paths(folder, "cnn"), **{**own, **FIT, **fit})
    return json.loads((folder / "cnn" / "training.json").read_text())


def run_logreg(folder: Path) -> dict:
    paths = {name: folder / f"{name}.npz" for name in ("train", "validation")}
    out = {"model": "model.npz", "history": "history.csv", "record": "training.json"}
    paths |= {name: folder / "logreg" / file for name, file in out.items()}
    train_logreg(**paths, C=1.0, max_iter=50, tol=1e-4, threads=2)
    return json.loads((folder / "logreg" / "training.json").read_text())


def run_evaluate(folder: Path, *models: str) -> dict:
    evaluate(
        folder / "test.npz",
        [folder / name for name in models],
        folder / "metrics.json",
        folder / "failures.csv",
        folder / "predictions.npz",
        batch_size=64,
        threads=2,
    )
    return json.loads((folder / "metrics.json").read_text())


def parameters(record: dict) -> int:
    return sum(layer["parameters"] for layer in record["layers"])


class TestExploreStats:
    def explore(self, folder: Path, **kinds) -> dict:
        figures = [folder / f"{name}.svg" for name in ("train", "test", "classes")]
        path = dataset(folder, **kinds)
        explore_stats(path, folder / "stats.json", *figures, samples=25, seed=1)
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
        assert "no difference beyond chance" in stats["train_against_test"]["sentence"]

    def test_same_bytes_twice(self, tmp_path):
        contents = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            self.explore(tmp_path / name)
            paths = sorted((tmp_path / name).iterdir())
            contents.append([path.read_bytes() for path in paths])
        assert contents[0] == contents[1]

    def test_fewer_images_than_samples(self, tmp_path):
        self.explore(tmp_path, images=8, classes=2)


class TestPreprocess:
    def test_every_training_image_is_in_one_part(self, tmp_path):
        parts = split(tmp_path, validation_size=0.25)
        assert len(parts["train"].labels) == 150
        assert len(parts["validation"].labels) == 50
        assert set(np.bincount(parts["validation"].labels)) == {5}
        rows = np.concatenate([parts["train"].images, parts["validation"].images]).reshape(200, -1)
        assert len(np.unique(rows, axis=0)) == 200

    def test_labels_become_indices(self, tmp_path):
        part = split(tmp_path)["test"]
        np.testing.assert_array_equal(part.classes, np.arange(5, 15))
        np.testing.assert_array_equal(part.labels, np.arange(100) % 10)

    def test_no_validation(self, tmp_path):
        parts = split(tmp_path, validation_size=0)
        assert len(parts["train"].labels) == 200
        assert parts["validation"].images.shape == (0, 8, 8)

    def test_train_size_caps_and_keeps_shares(self, tmp_path):
        parts = split(tmp_path, validation_size=0, train_size=50)
        assert set(np.bincount(parts["train"].labels)) == {5}

    def test_a_cap_above_the_data_takes_all(self, tmp_path):
        assert len(split(tmp_path, validation_size=0, train_size=10**6)["train"].labels) == 200

    def test_a_rare_class_is_not_lost(self, tmp_path):
        """scikit-learn keeps shares only as well as rounding lets it."""
        y = np.repeat([0, 1, 2], [600, 397, 3])
        x = np.arange(4000, dtype=np.uint16).reshape(1000, 2, 2) % 256
        parts = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
        write_dataset(tmp_path / "rare.npz", checked_dataset("rare", "rare", parts))
        paths = {name: tmp_path / f"{name}.npz" for name in ("train", "validation", "test")}
        with pytest.raises(UserError, match=r"^preprocess\.train_size: 50 gives 50 of 1000 images"):
            preprocess(tmp_path / "rare.npz", **paths, validation_size=0.1, train_size=50, seed=1)

    @pytest.mark.parametrize(
        ("key", "values"),
        [("train_size", {"train_size": 7}), ("validation_size", {"validation_size": 0.01})],
    )
    def test_a_class_left_without_images_is_refused(self, key, values, tmp_path):
        with pytest.raises(UserError, match=rf"^preprocess\.{key}: .* allowed: sizes that leave"):
            split(tmp_path, **values)


class TestTraining:
    def test_parameter_counts_on_28x28(self, tmp_path):
        """As in the tutorial, whose 8,624 for the logistic regression should be 784 * 10 + 10."""
        split(tmp_path, side=28)
        counts = [parameters(run(tmp_path)) for run in (run_logreg, run_mlp, run_cnn)]
        assert counts == [7_850, 1_333_770, 1_199_882]

    def test_hidden_takes_any_list(self, tmp_path):
        split(tmp_path)
        names = [layer["layer"] for layer in run_mlp(tmp_path, hidden=[7])["layers"]]
        assert names == ["Rescaling", "Flatten", "Dense", "Dropout", "Dense"]
        assert parameters(run_mlp(tmp_path, hidden=[3, 4, 5])) == 65 * 3 + 4 * 4 + 5 * 5 + 6 * 10

    def test_same_seed_same_bytes(self, tmp_path):
        split(tmp_path)
        weights = []
        for seed in (1, 1, 2):
            run_cnn(tmp_path, seed=seed)
            weights.append((tmp_path / "cnn" / "network.weights.npz").read_bytes())
        assert weights[0] == weights[1] != weights[2]

    def test_one_cycle_ends_where_nothing_moves(self, tmp_path):
        """The last steps of a cycle are so small that the loss of an epoch no longer changes."""
        split(tmp_path)
        run_mlp(tmp_path, hidden=[16], epochs=30, schedule="one_cycle")
        loss = pd.read_csv(tmp_path / "mlp" / "history.csv")["val_loss"]
        assert abs(loss.iloc[-1] - loss.iloc[-2]) < 0.01 * abs(loss.iloc[0] - loss.iloc[-1])

    def test_one_step_of_a_cycle_trains(self, tmp_path):
        split(tmp_path)
        weights = []
        for rate in (0.001, 0.1):
            run_mlp(tmp_path, hidden=[4], batch_size=500, schedule="one_cycle", learning_rate=rate)
            weights.append((tmp_path / "mlp" / "network.weights.npz").read_bytes())
        assert weights[0] != weights[1]

    def test_curve_has_a_row_an_epoch(self, tmp_path):
        split(tmp_path)
        run_mlp(tmp_path, hidden=[4], epochs=3)
        rows = list(csv.DictReader((tmp_path / "mlp" / "history.csv").open()))
        assert [row["epoch"] for row in rows] == ["0", "1", "2"]
        assert {"loss", "accuracy", "val_loss", "val_accuracy"} < set(rows[0])

    def test_no_validation_images(self, tmp_path):
        split(tmp_path, validation_size=0)
        run_mlp(tmp_path, hidden=[4])
        run_logreg(tmp_path)
        for name in ("mlp", "logreg"):
            curve = pd.read_csv(tmp_path / name / "history.csv").dropna(axis=1, how="all")
            assert {"loss", "accuracy"} == set(curve.columns[1:])

    @pytest.mark.parametrize(
        "shape",
        [
            (8, 8),
            (64, 48),
            *(pytest.param(n, marks=pytest.mark.long) for n in ((20, 20), (28, 28))),
        ],
    )
    @pytest.mark.parametrize("architecture", ["tutorial", "fast", "compact"])
    def test_every_architecture_takes_every_size(self, architecture, shape, tmp_path):
        split(tmp_path, shape=shape, images=100)
        run_cnn(tmp_path, architecture=architecture)
        assert run_evaluate(tmp_path, "cnn")["cnn"]["parameters"] > 0

    def test_the_recipe_goes_by_the_images(self):
        left = dict.fromkeys((field.name for field in dataclasses.fields(Recipe)), "recipe")
        recipe = Recipe(optimizer="sgd", learning_rate=0.1, epochs=3, batch_size=64)

        def settings(images, shape, **own):
            return resolved("train_cnn", recipe, {**left, **own}, images, shape)

        many = settings(60_000, (28, 30))
        assert "recipe" not in many.values()
        assert (many["epochs"], many["batch_size"], many["shift"]) == (3, 64, 1)
        few = settings(180, (8, 8))
        assert (few["epochs"], few["batch_size"], few["shift"]) == (30, 9, 0)  # 600 steps, 20 each
        assert settings(180, (8, 8), epochs=2, shift=3) == {**few, "epochs": 2, "shift": 3}
        assert settings(180, (8, 8), batch_size=90)["epochs"] == 300

    def test_an_architecture_brings_its_recipe(self, tmp_path):
        split(tmp_path)
        rates = dict.fromkeys(("optimizer", "learning_rate"), "recipe")
        chosen = [run_cnn(tmp_path, architecture=name, **rates) for name in ("tutorial", "fast")]
        assert [record["settings"]["optimizer"] for record in chosen] == ["adam", "sgd"]
        assert "dense_dropout" in chosen[0]["settings"]
        assert "dense_dropout" not in chosen[1]["settings"]

    def test_members_answer_by_their_mean(self, tmp_path):
        test = split(tmp_path)["test"]
        record = run_cnn(tmp_path, architecture="fast", members=2)
        folder = tmp_path / "cnn"
        model = read_network(folder / "network.json", folder / "network.weights.npz")
        members = [model.get_layer(f"member_{order}") for order in (1, 2)]
        answers = [predict(member, test.images, 50) for member in members]
        assert not np.allclose(answers[0], answers[1], atol=1e-3)
        mean = np.mean(answers, axis=0)
        np.testing.assert_allclose(predict(model, test.images, 50), mean, atol=1e-6)
        assert parameters(record) == sum(member.count_params() for member in members)
        assert parameters(record) == run_evaluate(tmp_path, "cnn")["cnn"]["parameters"]

    def test_test_time_shift_asks_five_times(self, tmp_path):
        """The background of these images is not 0."""
        test = split(tmp_path)["test"]
        models = []
        for pixels in (0, 2):
            run_mlp(tmp_path, hidden=[16], test_time_shift=pixels)
            folder = tmp_path / "mlp"
            models.append(read_network(folder / "network.json", folder / "network.weights.npz"))
        fill = background(read_split(tmp_path / "train.npz").images)
        assert fill > 20
        padded = np.pad(test.images, ((0, 0), (2, 2), (2, 2)), constant_values=round(fill))
        corners = ((2, 2), (0, 2), (4, 2), (2, 0), (2, 4))
        views = [padded[:, top : top + 8, left : left + 8] for top, left in corners]
        mean = np.mean([predict(models[0], view, 50) for view in views], axis=0)
        np.testing.assert_allclose(predict(models[1], test.images, 50), mean, atol=0.01)

    @pytest.mark.parametrize(
        ("asked", "flags", "used"),
        [
            ("auto", "fma avx512_bf16", "bfloat16"),
            ("auto", "fma avx512f", "float32"),
            ("auto", None, "float32"),
            ("bfloat16", "fma", "bfloat16"),
            ("float32", "avx512_bf16", "float32"),
        ],
    )
    def test_auto_is_what_the_processor_has(self, asked, flags, used, tmp_path, monkeypatch):
        if flags:
            (tmp_path / "cpuinfo").write_text(f"flags\t\t: fpu {flags} sse\n")
        monkeypatch.setattr("shared.recipe.CPU_FLAGS", tmp_path / "cpuinfo")
        recipe = Recipe(optimizer="sgd", learning_rate=0.1, epochs=3, batch_size=64)
        settings = resolved("train_cnn", recipe, {"precision": asked}, 100, (8, 8))
        assert settings["precision"] == used

    def test_precision_is_recorded_and_stays_out_of_the_model(self, tmp_path):
        split(tmp_path)
        weights = []
        for precision in ("bfloat16", "float32"):
            record = run_cnn(tmp_path, architecture="fast", precision=precision)
            assert record["settings"]["precision"] == precision
            assert "bfloat16" not in (tmp_path / "cnn" / "network.json").read_text()
            weights.append((tmp_path / "cnn" / "network.weights.npz").read_bytes())
        assert weights[0] != weights[1]

    def test_averaging_takes_the_mean_of_the_last_weights(self, tmp_path):
        """With one step a call, the mean of the last two of four steps."""
        split(tmp_path)
        ends = []
        for epochs, averaging in ((3, 0), (4, 0), (4, 0.5)):
            fit = {"epochs": epochs, "batch_size": 500, "optimizer": "sgd", "learning_rate": 0.1}
            run_mlp(tmp_path, hidden=[4], averaging=averaging, **fit)
            with np.load(tmp_path / "mlp" / "network.weights.npz") as file:
                ends.append(file["weight_0"])
        third, fourth, mean = ends
        assert not np.allclose(third, fourth, atol=1e-4)
        np.testing.assert_allclose(mean, (third + fourth) / 2, atol=1e-6)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"architecture": "fast", "dense_dropout": 0.1}, r"dense_dropout: 0\.1 cannot be used"),
            ({"shift": 8}, "shift: 8 leaves nothing of images of 8x8; allowed: less than 8"),
            ({"test_time_shift": 9}, "test_time_shift: 9 leaves nothing"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, values, message, tmp_path):
        split(tmp_path)
        with pytest.raises(UserError, match=rf"^train_cnn\.{message}"):
            run_cnn(tmp_path, **values)

    def test_a_diverging_fit_leaves_no_model(self, tmp_path):
        split(tmp_path)
        with pytest.raises(UserError, match=r"^train_cnn\.learning_rate: 3e\+38 made the loss"):
            run_cnn(tmp_path, optimizer="sgd", learning_rate=3e38)
        assert list(tmp_path.glob("cnn/*")) == []

    def test_images_too_small_for_the_architecture(self, tmp_path):
        split(tmp_path, side=5, classes=4)
        with pytest.raises(UserError, match=r"^train_cnn\.architecture: tutorial cannot take"):
            run_cnn(tmp_path)


class TestAugmentation:
    IMAGES = np.random.default_rng(0).integers(0, 256, (50, 9, 12, 1), dtype=np.uint8)

    def moved(self, *, images=IMAGES, shift=0, rotation=0, zoom=0, shear=0, fill=7.0):
        augmentation = Augmentation(shift, rotation, zoom, shear)
        return augmented(images, augmentation, fill, np.random.default_rng(0))

    def test_shifts_are_exact(self):
        padded = np.pad(self.IMAGES, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=7)
        found = set()
        for moved, around in zip(self.moved(shift=2), padded, strict=True):
            places = [
                (top, left)
                for top in range(5)
                for left in range(5)
                if np.array_equal(moved, around[top : top + 9, left : left + 12])
            ]
            assert len(places) == 1
            found.update(places)
        assert len(found) > 15  # of 25, in 50 draws

    def test_nothing_asked_nothing_moved(self):
        np.testing.assert_array_equal(self.moved(), self.IMAGES)

    @pytest.mark.parametrize("kind", [{"rotation": 30}, {"zoom": 0.3}, {"shear": 30}])
    def test_the_centre_stays_and_nothing_is_mirrored(self, kind):
        image = np.zeros((100, 21, 21, 1), np.float32)
        image[:, 10, 10], image[:, 10, 16], image[:, 4, 10] = 1, 2, 3
        moved = self.moved(images=image, fill=0.0, **kind)[..., 0]
        assert not np.allclose(moved[0], moved[1])
        assert (moved[:, 9:12, 9:12].sum(axis=(1, 2)) > 0.5).all()
        assert (moved[:, :, 11:].sum(axis=(1, 2)) > moved[:, :, :10].sum(axis=(1, 2)) - 2).all()

    def test_background_is_the_median_of_the_border(self):
        images = np.zeros((3, 5, 5), np.uint8)
        images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1] = 9, 9, 9, 9
        assert background(images) == 9


class TestEvaluate:
    def test_metrics_by_hand(self, tmp_path):
        """A model that always answers the first class, on images of all ten."""
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
        assert all(
            part.classes[part.labels[int(row["index"])]] == int(row["label"]) for row in rows
        )

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
            with pytest.raises(UserError, match="cannot take the test images of 9x9"):
                run_evaluate(tmp_path, name)

    def test_a_model_that_gives_nan_is_refused(self, tmp_path):
        part = split(tmp_path)["test"]
        weights = np.full((10, 64), np.nan, np.float32), np.zeros(10, np.float32)
        write_linear_model(tmp_path / "nan" / "model.npz", LinearModel(*weights, part.pixel_range))
        with pytest.raises(UserError, match="not probabilities that sum to 1"):
            run_evaluate(tmp_path, "nan")

    def test_one_test_image(self, tmp_path):
        part = split(tmp_path)["test"]
        run_logreg(tmp_path)
        one = type(part)(part.images[:1], part.labels[:1], part.classes, part.pixel_range)
        write_split(tmp_path / "test.npz", one)
        assert run_evaluate(tmp_path, "logreg")["logreg"]["successes"] in (0, 1)


class TestSavedModels:
    def test_a_network_file_cannot_name_other_classes(self, tmp_path):
        split(tmp_path)
        run_mlp(tmp_path, hidden=[4])
        path = tmp_path / "mlp" / "network.json"
        harmless = path.read_text()
        for strange in ("Lambda", "TorchModuleWrapper"):
            path.write_text(harmless.replace('"Flatten"', f'"{strange}"'))
            with pytest.raises(UserError, match=f"class '{strange}'; allowed: Average"):
                read_network(path, tmp_path / "mlp" / "network.weights.npz")
        path.write_text(harmless.replace('"keras.layers"', '"os"'))
        with pytest.raises(UserError, match=r"class 'os\."):
            read_network(path, tmp_path / "mlp" / "network.weights.npz")

    @pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"class_name": "Sequential"}'])
    def test_a_damaged_network_is_refused(self, content, tmp_path):
        (tmp_path / "network.json").write_text(content)
        (tmp_path / "network.weights.npz").write_bytes(b"damaged")
        with pytest.raises(UserError, match="are not a network"):
            read_network(tmp_path / "network.json", tmp_path / "network.weights.npz")

    def test_damaged_weights_are_refused(self, tmp_path):
        split(tmp_path)
        run_mlp(tmp_path, hidden=[4])
        weights = tmp_path / "mlp" / "network.weights.npz"
        whole = weights.read_bytes()
        weights.write_bytes(whole[:500])
        with pytest.raises(UserError, match=r"not a whole \.npz archive"):
            read_network(tmp_path / "mlp" / "network.json", weights)
        weights.write_bytes(whole)
        run_mlp(tmp_path, hidden=[5])
        network = (tmp_path / "mlp" / "network.json").read_text()
        (tmp_path / "network.json").write_text(network.replace('"units": 5', '"units": 4'))
        with pytest.raises(UserError, match="are not a network"):
            read_network(tmp_path / "network.json", weights)

    def test_a_linear_model_survives_the_file(self, tmp_path):
        part = split(tmp_path)["test"]
        run_logreg(tmp_path)
        model = read_linear_model(tmp_path / "logreg" / "model.npz")
        likely = model.probabilities(part.images)
        np.testing.assert_allclose(likely.sum(axis=1), 1)
        assert (likely.argmax(axis=1) == part.labels).mean() > 0.9


class TestSignificance:
    def test_interval_by_hand(self):
        """Wilson's interval for 10 of 10: (n / (n + z^2), 1)."""
        low, high = accuracy_interval(10, 10)
        assert low == pytest.approx(10 / (10 + 1.959964**2), abs=1e-6)
        assert high == 1

    def test_pairs_by_hand(self):
        """Five images that only the first has right: 2 / 2^5; three pairs, so Holm triples it."""
        right = np.ones((3, 20), bool)
        right[1, :5] = False
        pairs = {(pair.first, pair.second): pair for pair in compare_pairs(right)}
        assert pairs[0, 1].only_first_right == 5
        assert pairs[0, 1].p_value == pytest.approx(3 * 2 / 2**5)
        assert pairs[0, 2].p_value == 1
        assert pairs[1, 2].p_value == pytest.approx(3 * 2 / 2**5)
