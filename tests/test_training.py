"""The training stages: what they train, by which recipe, on which images, and what they save."""

import csv

import numpy as np
import pandas as pd
import pytest
from small_stages import parameters, run_cnn, run_evaluate, run_logreg, run_mlp, split

from core.errors import UserError
from core.split import background, read_split
from layers.architectures import ARCHITECTURES, SMALLEST_SIDE, FusedBatchNormalization
from linear.linear_model import read_linear_model
from networks.backend import keras
from networks.network import predict, read_network

RECIPE = dict.fromkeys(("optimizer", "learning_rate"), "recipe")


class TestTraining:
    def test_parameter_counts_on_28x28(self, tmp_path):
        """As in the tutorial, whose 8,624 for the logistic regression should be 784 * 10 + 10."""
        split(tmp_path, side=28, images=100)
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
            *(pytest.param(n, marks=pytest.mark.long) for n in ((20, 20), (28, 28), (64, 48))),
        ],
    )
    @pytest.mark.parametrize("architecture", ["tutorial", "fast", "compact"])
    def test_every_architecture_takes_every_size(self, architecture, shape, tmp_path):
        """And brings its recipe."""
        split(tmp_path, shape=shape, images=100)
        chosen = run_cnn(tmp_path, architecture=architecture, **RECIPE)["settings"]
        assert chosen["optimizer"] == ("adam" if architecture == "tutorial" else "sgd")
        assert ("dense_dropout" in chosen) == (architecture == "tutorial")
        assert run_evaluate(tmp_path, "cnn")["cnn"]["parameters"] > 0

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_no_size_leaves_an_architecture_without_pixels(self, architecture):
        chosen = ARCHITECTURES[architecture]
        for side in (*range(SMALLEST_SIDE, 9), *range(15, 19)):  # beyond, more is left
            layers = chosen.hidden_layers((side, side + 3), **chosen.dropout)
            outputs = keras.Sequential([keras.Input((side, side + 3, 1)), *layers]).output_shape
            assert outputs[-1] > 0

    def test_fused_normalization_is_keras_own(self):
        random = np.random.default_rng(0)
        images = random.normal(3, 2, (64, 5, 6, 16)).astype(np.float32)
        layers = [
            kind(momentum=0.85)
            for kind in (keras.layers.BatchNormalization, FusedBatchNormalization)
        ]
        for training in (True, True, False):
            kerass, fused = (np.array(layer(images, training=training)) for layer in layers)
            np.testing.assert_allclose(fused, kerass, rtol=1e-3, atol=1e-3)
        for kerass, fused in zip(*(layer.get_weights() for layer in layers), strict=True):
            np.testing.assert_allclose(fused, kerass, rtol=1e-3)

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
        with pytest.raises(UserError, match="are not a valid network"):
            read_network(tmp_path / "network.json", tmp_path / "network.weights.npz")

    def test_damaged_weights_are_refused(self, tmp_path):
        split(tmp_path)
        run_mlp(tmp_path, hidden=[4])
        weights = tmp_path / "mlp" / "network.weights.npz"
        whole = weights.read_bytes()
        weights.write_bytes(whole[:500])
        with pytest.raises(UserError, match=r"not a complete \.npz archive"):
            read_network(tmp_path / "mlp" / "network.json", weights)
        weights.write_bytes(whole)
        run_mlp(tmp_path, hidden=[5])
        network = (tmp_path / "mlp" / "network.json").read_text()
        (tmp_path / "network.json").write_text(network.replace('"units": 5', '"units": 4'))
        with pytest.raises(UserError, match="are not a valid network"):
            read_network(tmp_path / "network.json", weights)

    def test_a_linear_model_survives_the_file(self, tmp_path):
        part = split(tmp_path)["test"]
        run_logreg(tmp_path)
        model = read_linear_model(tmp_path / "logreg" / "model.npz")
        likely = model.probabilities(part.images)
        np.testing.assert_allclose(likely.sum(axis=1), 1)
        assert (likely.argmax(axis=1) == part.labels).mean() > 0.9
