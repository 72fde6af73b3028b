"""What the training of a network is made of: flags, steps, curves and members, by hand."""

import csv
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.command_line import StageParser
from core.errors import UserError
from core.split import Split, write_split
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


FLAGS = {  # values that are allowed, and such that are not
    "optimizer": ("adam adadelta sgd recipe", "rmsprop"),
    "learning_rate": ("1e-9 5 recipe", "0 -1"),
    "schedule": ("constant one_cycle recipe", "cosine"),
    "epochs": ("1 2 recipe", "0 -1 1.5"),
    "batch_size": ("1 2 recipe", "0 -1"),
    "label_smoothing": ("0 0.999 recipe", "-0.001 1"),
    "shift": ("0 1 recipe", "-1 0.5"),
    "rotation": ("0 179.9 recipe", "-0.1 180"),
    "zoom": ("0 0.999 recipe", "-0.001 1"),
    "shear": ("0 89.9 recipe", "-0.1 90"),
    "averaging": ("0 0.999 recipe", "-0.001 1"),
    "test_time_shift": ("0 1 recipe", "-1"),
    "precision": ("auto bfloat16 float32 recipe", "float16"),
    "threads": ("1 1024", "0 1025 recipe"),
    "seed": ("0", "-1"),
}


@pytest.mark.parametrize("key", FLAGS)
def test_flags_take_what_can_be_used(key, monkeypatch, capsys):
    parser = StageParser("train_cnn", "")
    training.add_training_flags(parser)
    assert set(parser.kinds) == set(FLAGS)
    assert parser.inputs == ["train", "validation"]
    assert parser.outputs == ["network", "weights", "history", "record"]
    allowed, refused = (values.split() for values in FLAGS[key])
    for value in allowed:
        number = float(value) if value[0].isdigit() else value
        assert parser.kinds[key].parse(value) == number
    for value in refused:
        with pytest.raises(ValueError, match=value):
            parser.kinds[key].parse(value)


def rates(schedule: str, steps: int) -> list[float]:
    rate = training._learning_rate({"learning_rate": 0.4, "schedule": schedule}, steps)
    return [float(rate(step)) if callable(rate) else rate for step in range(steps)]


def test_one_cycle_by_hand():
    """Of 10 steps 2 rise, from a half; then the cosine falls over 8, and ends a step above 0."""
    falling = [0.4 * (1 + math.cos(math.pi * step / 8)) / 2 for step in range(8)]
    assert rates("one_cycle", 10) == pytest.approx([0.2, 0.3, *falling], abs=1e-6)
    assert rates("one_cycle", 1) == pytest.approx([0.4])
    assert rates("one_cycle", 2) == pytest.approx([0.4, 0.4])
    assert rates("constant", 3) == [0.4] * 3


def test_the_curve_is_the_mean_of_the_members():
    curves = [[{"loss": 1, "acc": 3}, {"loss": 2, "acc": 4}], [{"acc": 4, "loss": 3}] * 2]
    assert training._curve(curves) == "epoch,acc,loss\n0,3.5,2.0\n1,4.0,2.5\n"


def member(outputs: int = 3, seed: int = 1) -> keras.Sequential:
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((4, 5, 1)), keras.layers.Flatten(), keras.layers.Dense(outputs)]
    return keras.Sequential(layers)


def test_the_table_of_layers_counts_every_member():
    rows = [
        {"layer": "Flatten", "output_shape": [20], "parameters": 0},
        {"layer": "Dense", "output_shape": [3], "parameters": 63},
    ]
    more = {"output_shape": [3], "parameters": 126}
    members = [member() for _ in range(3)]
    assert training._layer_table(members[:1]) == rows
    assert training._layer_table(members) == [
        *rows,
        {"layer": "2 more such networks, averaged", **more},
    ]


def test_members_answer_by_the_mean_of_all_views():
    """Each of two, of the image and its shifts by 2 to all four sides."""
    members = [member(seed=seed) for seed in (1, 2)]
    images = np.random.default_rng(0).normal(size=(6, 4, 5, 1)).astype(np.float32)
    assert training._as_one(members[:1], 0, 9.0) is members[0]
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=9)
    places = [(2, 2), (0, 2), (4, 2), (2, 0), (2, 4)]
    views = [padded[:, top : top + 4, left : left + 5] for top, left in places]
    for chosen, shift, seen in (
        (members, 0, [images]),
        (members, 2, views),
        (members[:1], 2, views),
    ):
        answers = [np.array(one(view)) for one in chosen for view in seen]
        model = training._as_one(chosen, shift, 9.0)
        np.testing.assert_allclose(model(images), np.mean(answers, axis=0), atol=1e-4)


X = np.array([[[2, 6]], [[4, 4]], [[6, 2]], [[3, 5]]], np.uint8)
PART = Split(X, np.array([0, 1, 1, 0]), np.array([5, 8]), np.array([2.0, 6.0]))
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


def step(weights: np.ndarray, smoothing: float = 0) -> np.ndarray:
    """The gradient of the mean cross-entropy of a softmax regression, (3, 2), bias last."""
    rows = np.column_stack([(X.reshape(4, 2) - 2.0) / 4, np.ones(4)])
    wanted = np.eye(2)[PART.labels] * (1 - smoothing) + smoothing / 2
    answers = np.exp(rows @ weights)
    answers /= answers.sum(axis=1, keepdims=True)
    return rows.T @ (answers - wanted) / 4


def weights_of(model: keras.Sequential) -> np.ndarray:
    kernel, bias = model.get_weights()
    return np.vstack([kernel, bias])


@pytest.mark.parametrize("smoothing", [0, 0.2])
def test_two_steps_by_hand(smoothing):
    """Gradient descent with Nesterov's momentum (Sutskever et al. 2013), on all images at once."""
    weights = velocity = np.zeros((3, 2))
    for _ in range(2):
        gradient = step(weights, smoothing)
        velocity = 0.9 * velocity - 0.5 * gradient
        weights = weights + 0.9 * velocity - 0.5 * gradient
    model, curve = fit(epochs=2, label_smoothing=smoothing)
    np.testing.assert_allclose(weights_of(model), weights, atol=1e-5)
    assert len(curve) == 2
    assert set(curve[0]) == {"loss", "accuracy"}
    assert curve[0]["loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert curve[0]["loss"] > curve[1]["loss"]


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


def test_each_epoch_moves_all_images_anew(monkeypatch):
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
        "train_cnn.learning_rate: 1e+39 made the loss grow beyond all numbers;"
        " allowed: a smaller one"
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


def train(folder: Path, **wishes: object) -> dict[str, Path]:
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
        **{"threads": 2, "seed": 1, "epochs": 2, **STILL, "test_time_shift": 0, **wishes},
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
        **{"test_time_shift": 0, "threads": 2},
    }
    assert (record["defaults"]["own"], record["defaults"]["threads"]) == (6, 2)
    assert (record["defaults"]["epochs"], record["defaults"]["label_smoothing"]) == (150, 0.05)
    assert (record["training_images"], record["validation_images"]) == (4, 2)
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
    """Without what takes long: no step is made, and no answer timed."""
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
