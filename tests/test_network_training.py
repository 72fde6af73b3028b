"""The training of a network on four images of two pixels: by hand, and what it saves."""

import csv
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import UserError
from core.split import Split, background, write_split
from networks.backend import keras, tf, use_threads
from networks.network import predict, read_network
from training import fit as training
from training.recipe import Recipe

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run")
use_threads(2)  # as every test that trains; TensorFlow takes it only before it computes


@pytest.fixture(autouse=True, scope="module")
def uncompiled() -> Iterator[None]:
    """So little runs sooner than TensorFlow compiles it."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


X = np.array([[[2, 6]], [[4, 4]], [[6, 2]], [[3, 5]]], np.uint8)
PART = Split(X, np.array([0, 1, 1, 0]), np.array(["5", "8"]), np.array([2.0, 6.0]))
STILL = dict.fromkeys(("label_smoothing", "shift", "rotation", "zoom", "shear", "averaging"), 0)
SETTINGS = {
    **STILL,
    **{"optimizer": "sgd", "learning_rate": 0.5, "schedule": "constant"},
    **{"epochs": 1, "batch_size": 4},
}


def softmax_regression() -> keras.Sequential:
    layers = [keras.Input((1, 2, 1)), keras.layers.Rescaling(1 / 4, offset=-0.5)]
    dense = keras.layers.Dense(2, "softmax", kernel_initializer="zeros")
    return keras.Sequential([*layers, keras.layers.Flatten(), dense])


def fit(held_out: Split | None = None, **settings: object) -> tuple[keras.Sequential, list[dict]]:
    model = softmax_regression()
    none = Split(X[:0], PART.labels[:0], PART.classes, PART.pixel_range)
    return model, training._fit(
        "train_cnn", model, PART, held_out or none, {**SETTINGS, **settings}, seed=1
    )


ROWS = np.column_stack([(X.reshape(4, 2) - 2.0) / 4, np.ones(4)])


def answers_of(weights: np.ndarray) -> np.ndarray:
    answers = np.exp(ROWS @ weights)
    return answers / answers.sum(axis=1, keepdims=True)


def step(weights: np.ndarray, smoothing: float = 0) -> np.ndarray:
    """The gradient of the mean cross-entropy of a softmax regression, (3, 2), bias last."""
    wanted = np.eye(2)[PART.labels] * (1 - smoothing) + smoothing / 2
    return ROWS.T @ (answers_of(weights) - wanted) / 4


def weights_of(model: keras.Sequential) -> np.ndarray:
    kernel, bias = model.get_weights()
    return np.vstack([kernel, bias])


@pytest.mark.parametrize("smoothing", [0, 0.2])
def test_two_steps_by_hand(smoothing):
    """Gradient descent with Nesterov's momentum (Sutskever et al. 2013), on all images at once; the
    curve has the log loss before each step, of the labels as they are.
    """
    weights = velocity = np.zeros((3, 2))
    losses = []
    for _ in range(2):
        losses.append(-np.log(answers_of(weights)[np.arange(4), PART.labels]).mean())
        gradient = step(weights, smoothing)
        velocity = 0.9 * velocity - 0.5 * gradient
        weights = weights + 0.9 * velocity - 0.5 * gradient
    model, curve = fit(epochs=2, label_smoothing=smoothing)
    np.testing.assert_allclose(weights_of(model), weights, atol=1e-5)
    assert len(curve) == 2
    assert set(curve[0]) == {"loss", "accuracy"}
    assert losses[0] == pytest.approx(math.log(2))
    assert [row["loss"] for row in curve] == pytest.approx(losses, abs=1e-5)


def test_averaging_is_over_the_last_share_of_the_steps():
    """Of four epochs of one step, the last two."""
    ends = [weights_of(fit(epochs=epochs)[0]) for epochs in (3, 4)]
    np.testing.assert_allclose(
        weights_of(fit(epochs=4, averaging=0.5)[0]), np.mean(ends, axis=0), atol=1e-6
    )


def test_held_out_images_are_watched_and_not_learned_from():
    turned = Split(X[:3], 1 - PART.labels[:3], PART.classes, PART.pixel_range)
    (model, curve), (alone, _) = fit(turned, epochs=3), fit(epochs=3)
    assert set(curve[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert curve[-1]["val_accuracy"] == pytest.approx(1 - curve[-1]["accuracy"], abs=0.3)
    assert curve[-1]["val_loss"] > curve[0]["val_loss"]
    np.testing.assert_array_equal(weights_of(model), weights_of(alone))


def test_each_epoch_moves_all_images_again(monkeypatch):
    """In an order of its own, by the settings, with the background around them."""
    seen = []

    def augmented(images, order, augmentation, fill, random):
        seen.append((images, order.tolist(), augmentation, fill, random.random()))
        return images[order]

    monkeypatch.setattr(training, "augmented", augmented)
    moves = {"shift": 1, "rotation": 2, "zoom": 0.3, "shear": 4}
    fit(epochs=5, batch_size=3, **moves)
    images, orders, augmentations, fills, drawn = zip(*seen, strict=True)
    assert len(seen) == len(set(drawn)) == 5
    np.testing.assert_array_equal(images[-1], X[..., None])
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert {tuple(vars(one).items()) for one in augmentations} == {tuple(moves.items())}
    assert set(fills) == {4.0}


@pytest.mark.parametrize("epochs", [1, 5])
def test_a_loss_beyond_all_numbers_is_refused(epochs):
    """Also where only the weights are: the last step is the fatal one."""
    with pytest.raises(UserError) as refusal:
        fit(epochs=epochs, learning_rate=1e39)
    assert str(refusal.value) == (
        "train_cnn.learning_rate: 1e+39 made the loss diverge; allowed: a smaller value"
    )


@pytest.mark.parametrize(("images", "batch_size", "steps"), [(4, 1, 4), (4, 3, 2), (4, 9, 1)])
def test_a_cycle_is_over_all_steps(images, batch_size, steps, monkeypatch):
    given = []
    monkeypatch.setattr(
        training, "_learning_rate", lambda settings, steps: given.append(steps) or 0.1
    )
    model, _ = fit(epochs=2, batch_size=batch_size)
    assert given == [2 * steps]
    assert int(model.optimizer.iterations) == 2 * steps
    assert model.steps_per_execution == steps


RECIPE = Recipe(optimizer="sgd", learning_rate=0.5, epochs=2, batch_size=4)


def train(folder: Path, **requested: object) -> dict[str, Path]:
    """Train on `PART`, the first two images held out as well."""
    write_split(folder / "train.npz", PART)
    write_split(
        folder / "validation.npz", Split(X[:2], PART.labels[:2], PART.classes, PART.pixel_range)
    )
    paths = {
        **{"train": folder / "train.npz", "validation": folder / "validation.npz"},
        **{"network": folder / "network.json", "weights": folder / "weights.npz"},
        **{"history": folder / "history.csv", "record": folder / "record.json"},
    }
    training.train_network(
        "train_cnn",
        lambda shape: [keras.layers.Flatten()],
        RECIPE,
        {"own": 7},
        {"own": 6},
        **paths,
        **{
            **{"threads": 2, "seed": 1, "epochs": 2, **STILL, "test_time_shift": 0},
            **{"calibration": "temperature", **requested},
        },
    )
    return paths


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[dict[str, Path], float]:
    """The files, and how many seconds it took in all."""
    start = time.perf_counter()
    paths = train(tmp_path_factory.mktemp("two"), members=2, precision="bfloat16")
    return paths, time.perf_counter() - start


def test_what_is_saved_of_a_training(trained):
    trained, longest = trained
    record = json.loads(trained["record"].read_text())
    assert record["settings"] == {
        **STILL,
        **{"own": 7, "optimizer": "sgd", "learning_rate": 0.5, "schedule": "one_cycle"},
        **{"epochs": 2, "batch_size": 1, "precision": "bfloat16"},
        **{"test_time_shift": 0, "threads": 2, "calibration": "temperature"},
    }
    assert (record["defaults"]["own"], record["defaults"]["threads"]) == (6, 2)
    assert (record["defaults"]["epochs"], record["defaults"]["label_smoothing"]) == (150, 0.05)
    assert (record["training_images"], record["validation_images"]) == (4, 2)
    assert record["classes"] == ["5", "8"]
    assert record["image"] == {
        **{"height": X.shape[1], "width": X.shape[2], "dtype": str(X.dtype)},
        **{"pixel_range": [2, 6], "background": background(X)},
    }
    assert 0 < record["fit_seconds"] < longest
    assert [row["parameters"] for row in record["layers"]] == [0, 0, 6, 6]
    rows = list(csv.DictReader(trained["history"].open()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert set(rows[0]) == {"epoch", "accuracy", "loss", "val_accuracy", "val_loss"}


def test_members_differ_and_scale_with_the_pixel_range(trained):
    """From 2 to 6: (pixel - 2) / 4, and every layer in float32 once it is saved."""
    trained, _ = trained
    model = read_network(trained["network"], trained["weights"])
    members = [model.get_layer(f"member_{order}") for order in (1, 2)]
    for one in members:
        scaling, *others = one.layers
        assert (scaling.scale, scaling.offset) == (0.25, -0.5)
        assert {layer.dtype_policy.name for layer in (scaling, *others)} == {"float32"}
    answers = [predict(one, X, 4) for one in members]
    assert not np.allclose(*answers, atol=1e-3)
    np.testing.assert_allclose(predict(model, X, 4), np.mean(answers, axis=0), atol=1e-6)
    np.testing.assert_allclose(answers[0].sum(axis=1), [1] * 4, atol=1e-6)


def test_too_little_memory_is_pythons_error(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "")

    monkeypatch.setattr(training, "_fit", full)
    with pytest.raises(MemoryError):
        train(tmp_path)


@pytest.fixture
def untrained(monkeypatch) -> None:
    """Without the slow parts: no training step, and no timed prediction."""
    monkeypatch.setattr(training, "_fit", lambda *_: [{"loss": 1.0}])
    monkeypatch.setattr(training, "microseconds_an_image", lambda *_: 1.0)


def test_the_seed_says_how_the_one_network_begins(tmp_path, untrained):
    contents = []
    for name, seed in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        paths = train(tmp_path / name, seed=seed)
        contents.append(paths["weights"].read_bytes())
        layers = json.loads(paths["record"].read_text())["layers"]
        assert [layer["layer"] for layer in layers] == ["Rescaling", "Flatten", "Dense"]
    assert contents[0] != contents[1]


@pytest.mark.parametrize(
    ("shown", "members", "lines"),
    [(1, 1, []), (0, 2, []), (1, 2, ["Network 1 of 2", "Network 2 of 2"])],
)
def test_a_terminal_shows_which_of_several_is_trained(
    shown, members, lines, tmp_path, untrained, monkeypatch, capsys
):
    monkeypatch.setattr(training, "verbosity", lambda: shown)
    train(tmp_path, members=members)
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "Network" in line] == lines
