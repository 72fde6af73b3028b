"""The temperature that trainings find on validation images, and make part of the model."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_stages import run_evaluate, run_logreg, run_mlp, split

from core.split import Split
from evaluation.trained_model import read_model
from linear.linear_model import LinearModel
from networks.backend import keras, use_threads
from networks.network import predict, read_network, write_network
from training.calibration import HIGHEST, LOWEST, MOST_DOUBT, best_temperature, calibrate
from training.network_calibration import calibrate_members

use_threads(2)  # as every test that trains; TensorFlow takes it only before it computes
CLASSES = np.array(["0", "1", "2"])


def logits_that_mean_what_they_say(images: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (images, 1, 3))
    # A label drawn from a softmax, by adding noise to its logits (Gumbel 1954).
    labels = (logits[:, 0] + random.gumbel(size=(images, 3))).argmax(axis=1)
    return logits, labels


def part(labels: np.ndarray, images: np.ndarray | None = None) -> Split:
    images = np.zeros((len(labels), 1, 1)) if images is None else images
    return Split(images, labels, CLASSES, np.array([0.0, 1.0]))


@pytest.mark.parametrize("wrong", [0.3, 1, 4])
def test_a_deliberately_miscalibrated_model_is_mended(wrong):
    logits, labels = logits_that_mean_what_they_say()
    found = calibrate("train_mlp", "temperature", lambda _: logits * wrong, part(labels))
    assert found.temperature == pytest.approx(wrong, rel=0.03)
    before, after = found.record["before"], found.record["after"]
    assert after["calibration_error"] < 0.01
    if wrong != 1:
        assert before["calibration_error"] > 0.05
        assert before["loss"] > after["loss"] + 0.01
    assert found.remarks == ()


def test_it_is_the_temperature_of_the_mean_prediction():
    """Two views that differ: the mean of their softmaxes is less confident than each."""
    logits, labels = logits_that_mean_what_they_say()
    noise = np.random.default_rng(1).normal(0, 3, logits.shape)
    views = np.concatenate([logits + noise, logits - noise], axis=1)
    found = best_temperature(views, labels)

    def loss(temperature: float) -> float:
        answers = np.exp(views / temperature)
        answers = (answers / answers.sum(axis=2, keepdims=True)).mean(axis=1)
        return -np.log(answers[np.arange(len(labels)), labels]).mean()

    assert abs(math.log(found / best_temperature(views[:, :1], labels))) > 0.1
    assert loss(found) < min(loss(found * 1.02), loss(found / 1.02))
    record = calibrate("train_cnn", "temperature", lambda _: views, part(labels)).record
    assert (record["before"]["loss"], record["after"]["loss"]) == pytest.approx(
        (loss(1), loss(found))
    )


def test_a_doubt_spares_all_predictions_what_a_few_confident_mistakes_cost():
    """Three of a hundred labels are as likely one class as another, whatever the logits."""
    logits, labels = logits_that_mean_what_they_say()
    random = np.random.default_rng(2)
    odd = random.random(len(labels)) < 0.03
    labels[odd] = random.integers(0, 3, odd.sum())
    alone, found = (
        calibrate("train_logreg", "temperature", lambda _: logits, part(labels), with_doubt=doubts)
        for doubts in (False, True)
    )
    assert alone.doubt == alone.record["doubt"] == 0
    assert alone.temperature > 1.05
    assert (found.temperature, found.doubt) == pytest.approx((1, 0.03), abs=0.01)
    assert (found.record["temperature"], found.record["doubt"]) == (found.temperature, found.doubt)
    for measure in ("loss", "calibration_error"):
        assert found.record["after"][measure] < alone.record["after"][measure] - 0.001


@pytest.mark.parametrize(("odd", "doubt"), [(0, 0), (10_000, MOST_DOUBT)])
def test_a_doubt_is_as_small_as_can_be_and_has_a_bound(odd, doubt):
    logits, labels = logits_that_mean_what_they_say()
    labels[:odd] = np.arange(odd) % 3
    found = calibrate(
        "train_logreg", "temperature", lambda _: logits, part(labels), with_doubt=True
    )
    assert found.doubt == pytest.approx(doubt, abs=0.005)


@pytest.mark.parametrize("mistakes", [9, 10])
def test_a_few_mistakes_tell_of_no_doubt(mistakes):
    """All predictions are right except these, which are the most confident."""
    labels = np.arange(1000) % 3
    wrong = np.arange(1000) < mistakes
    logits = (np.where(wrong, 9, 3)[:, None] * np.eye(3)[(labels + wrong) % 3])[:, None]
    found = calibrate("train_logreg", "temperature", lambda _: logits, part(labels), True)
    assert found.record["mistakes"] == mistakes
    assert (found.doubt > 0.005) == (mistakes == 10)
    assert bool(found.remarks) == (mistakes == 9)


def test_few_correct_predictions_are_said():
    labels = np.arange(1000) % 3
    logits = np.eye(3)[(labels + (np.arange(1000) >= 9)) % 3][:, None]
    found = calibrate("train_mlp", "temperature", lambda _: logits, part(labels))
    assert "991 misclassified), too few" in found.remarks[0]


def test_a_prediction_with_a_doubt_by_hand():
    model = LinearModel(
        *(np.array([[1.0], [3.0]]), np.zeros(2), np.array([0.0, 1.0]), np.float64(0.1))
    )
    likely = 0.9 / (1 + math.exp(2)) + 0.05
    given = model.probabilities(np.ones((1, 1, 1)))
    np.testing.assert_allclose(given, [[likely, 1 - likely]])


@pytest.mark.parametrize("sure", [1, 1000])
def test_perfectly_predicted_images_say_no_more_than_their_number_can(sure, capsys):
    """Ten of ten right: the confidence is 10 1/3 of 11, and the temperature is bounded."""
    labels = np.arange(10) % 3
    logits = sure * np.eye(3)[labels][:, None]
    found = calibrate("train_cnn", "temperature", lambda _: logits, part(labels))
    likely = 1 / (1 + 2 * math.exp(-sure / found.temperature))
    assert LOWEST * 0.999 <= found.temperature <= HIGHEST * 1.001
    if sure == 1:
        assert likely == pytest.approx((10 + 1 / 3) / 11, abs=1e-3)
    else:
        assert "to 10, the end of the search range" in found.remarks[1]
    few = "10 validation images (3 of 3 classes, 0 misclassified), too few for a reliable"
    assert found.remarks[0] == f"estimated the temperature from {few} estimate"
    said = capsys.readouterr().err.splitlines()
    assert said == [f"train_cnn.calibration: {remark}" for remark in found.remarks]


def test_a_class_without_validation_images_is_said():
    logits, labels = logits_that_mean_what_they_say()
    kept = labels > 0
    found = calibrate("train_mlp", "temperature", lambda _: logits[kept], part(labels[kept]))
    assert "(2 of 3 classes" in found.remarks[0]
    assert LOWEST < found.temperature < HIGHEST


@settings(max_examples=30)
@given(
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=6, max_size=6),
    st.lists(st.integers(0, 2), min_size=2, max_size=2),
)
def test_no_logits_break_it(logits, labels):
    given = np.array(logits).reshape(2, 1, 3)
    for doubts in (False, True):
        found = calibrate(
            "train_mlp", "temperature", lambda _: given, part(np.array(labels)), with_doubt=doubts
        )
        assert LOWEST * 0.999 <= found.temperature <= HIGHEST * 1.001
        assert 0 <= found.doubt <= MOST_DOUBT
        json.dumps(found.record, allow_nan=False)


def test_images_whose_logits_are_no_numbers_are_left_out():
    logits, labels = logits_that_mean_what_they_say(100)
    broken = logits.copy()
    broken[:50] = np.inf
    found = calibrate("train_mlp", "temperature", lambda _: broken, part(labels))
    assert found.temperature == best_temperature(logits[50:], labels[50:])
    assert found.record["images"] == 50
    broken[:] = np.nan
    none = ("none", 1, 0, None, ())
    assert calibrate("train_mlp", "temperature", lambda _: broken, part(labels), True) == none
    assert calibrate("train_mlp", "none", lambda _: logits, part(labels), True) == none
    assert calibrate("train_mlp", "temperature", lambda _: logits[:0], part(labels[:0])) == none


def member(seed: int) -> keras.Sequential:
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((4, 5, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    return keras.Sequential(layers)


def test_the_saved_members_have_it(tmp_path):
    """Each last layer is divided by it: weights and bias, of members that see two views each."""
    random = np.random.default_rng(0)
    images = random.normal(size=(300, 4, 5)).astype(np.float32)
    members = [member(seed) for seed in (1, 2)]
    for one in members:
        one.layers[-1].set_weights([array + 0.1 for array in one.layers[-1].get_weights()])
    begun = [one.get_weights() for one in members]
    model_input = keras.Input((4, 5, 1))

    def views(shown: keras.KerasTensor) -> list[keras.KerasTensor]:
        return [shown, keras.layers.Rescaling(-1.0)(shown)]

    answers = [one(view) for one in members for view in views(model_input)]
    model = keras.Model(model_input, keras.layers.Average()(answers))
    labels = predict(model, images, 100).argmax(axis=1)
    labels[:100] = random.integers(0, 3, 100)
    found = calibrate_members("train_cnn", "temperature", members, views, part(labels, images))
    assert abs(math.log(found.temperature)) > 0.1
    for one, before in zip(members, begun, strict=True):
        for now, was in zip(one.get_weights(), before, strict=True):
            np.testing.assert_allclose(now, was / found.temperature, rtol=1e-6)
    files = tmp_path / "network.json", tmp_path / "weights.npz"
    write_network(*files, model)
    likely = predict(read_network(*files), images, 100)
    loss = -np.log(likely[np.arange(300), labels]).mean()
    assert loss == pytest.approx(found.record["after"]["loss"], abs=1e-5)


def run(folder: Path, name: str, calibration: str) -> dict:
    if name == "logreg":
        return run_logreg(folder, calibration)
    return run_mlp(folder, hidden=[8], test_time_shift=1, calibration=calibration)


def kernel(folder: Path, name: str) -> np.ndarray:
    """The weights of the last layer."""
    if name == "logreg":
        return np.load(folder / name / "model.npz")["coefficients"]
    arrays = np.load(folder / name / "network.weights.npz")
    return arrays[f"weight_{len(arrays) - 2}"]


@pytest.mark.parametrize("name", ["logreg", "mlp"])
def test_a_stage_divides_the_last_layer_by_what_it_records(name, tmp_path):
    parts = split(tmp_path, validation_size=0.4)
    plain = run(tmp_path, name, "none")
    assert (plain["calibration"], plain["settings"]["calibration"]) == (None, "none")
    assert plain["defaults"]["calibration"] == "temperature"
    before = kernel(tmp_path, name)
    record = run(tmp_path, name, "temperature")
    found = record["calibration"]
    np.testing.assert_allclose(kernel(tmp_path, name), before / found["temperature"], rtol=1e-5)
    assert record["settings"]["calibration"] == "temperature"
    assert found["images"] == len(parts["validation"].labels) == record["validation_images"]
    assert found["before"]["loss"] > found["after"]["loss"]
    scores = run_evaluate(tmp_path, name)[name]
    assert scores["validation_images"] - scores["validation_right"] == found["mistakes"]
    held_out = parts["validation"]
    likely = read_model(tmp_path / name, 100).probabilities(held_out.images, 10)
    loss = -np.log(likely[np.arange(len(likely)), held_out.labels]).mean()
    assert loss == pytest.approx(found["after"]["loss"], abs=1e-5)
    content = [path.read_bytes() for path in sorted((tmp_path / name).glob("*.npz"))]
    run(tmp_path, name, "temperature")
    assert content == [path.read_bytes() for path in sorted((tmp_path / name).glob("*.npz"))]


@pytest.mark.parametrize("name", ["logreg", "mlp"])
def test_without_validation_images_there_is_no_temperature(name, tmp_path):
    split(tmp_path, validation_size=0)
    record = run(tmp_path, name, "temperature")
    assert (record["calibration"], record["settings"]["calibration"]) == (None, "none")
