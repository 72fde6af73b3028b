"""Models of random weights, and the page to draw on, in which they predict."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browsing import Watched
from made_results import HOSTILE
from playwright.sync_api import Page

from core.files import read_json, write_json
from core.split import Split, read_split, write_split
from evaluation.trained_model import read_model
from linear.linear_model import LinearModel, write_linear_model
from networks.backend import keras, tf, use_threads
from networks.network import write_network
from try_page.models import read_models
from try_page.page import render

use_threads(2)  # as every test that trains; TensorFlow takes it only before it computes
DIGITS = {"dataset": "digits"}
TOLERANCE = 1e-5  # of a probability; what is promised is 1e-4


@pytest.fixture(autouse=True, scope="module")
def uncompiled() -> Iterator[None]:
    """So little runs sooner than TensorFlow compiles it."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def write_metrics(folder: Path, *names: str) -> None:
    scores = {name: {"accuracy": 0.9 - 0.1 * i, "loss": 1} for i, name in enumerate(names)}
    write_json(folder / "metrics.json", scores)


def write_images(folder: Path, classes: int = 2, paper: int = 0, ink: int = 255) -> Split:
    """Images of 28x28 as MNIST has them, of strokes that take 20 rows; noise between these."""
    noise = np.random.default_rng(2).integers(0, 256, (100, 20, 10))
    images = np.full((100, 28, 28), paper, np.uint8)
    images[:, 4:24, 8:18] = noise
    images[:, 4:24, 12:14] = ink
    names = np.arange(classes).astype(str) if classes > 2 else np.array(["0", HOSTILE])
    part = Split(images, np.arange(100) % classes, names, np.array([0.0, 255.0]))
    write_split(folder / "test.npz", part)
    return part


def write_logreg(folder: Path, **paper: int) -> Split:
    """A logistic regression of two classes, of random weights, and its images."""
    part = write_images(folder, **paper)
    weights = np.random.default_rng(1).normal(0, 0.05, (1, 784)).astype(np.float32)
    model = LinearModel(weights, np.float32([0.5]), part.pixel_range, doubt=0.2)
    write_linear_model(folder / "logreg" / "model.npz", model)
    write_json(folder / "logreg" / "training.json", {"training_images": 4, "settings": {}})
    write_metrics(folder, "logreg")
    return part


def keep_network(folder: Path, hidden: list[keras.Layer], name: str) -> keras.Model:
    """A network of random weights, as a training leaves it, for images of 28x28."""
    layers = [keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255), *hidden]
    model = keras.Sequential([*layers, keras.layers.Dense(10, "softmax")])
    write_network(folder / name / "network.json", folder / name / "network.weights.npz", model)
    record = {"training_images": 4, "settings": {"hidden": [64]}}
    write_json(folder / name / "training.json", record)
    return model


def draw_page(folder: Path, stats: dict = DIGITS) -> str:
    part = read_split(folder / "test.npz")
    html = render(read_models(folder, folder / "metrics.json", part), part, stats)
    (folder / "page.html").write_text(html)
    return html


def opened(watched: Watched, folder: Path) -> Page:
    page = watched.open(folder, script=False)
    page.locator("body[data-ready]").wait_for()
    return page


def check_predictions(page: Page, folder: Path) -> None:
    """Every model predicts each test image as the pipeline does."""
    part = read_split(folder / "test.npz")
    found = answers_on(page, part.images)
    assert set(found) == set(read_json(folder / "metrics.json"))
    for name, answers in found.items():
        expected = read_model(folder / name, 100).probabilities(part.images, len(part.classes))
        np.testing.assert_allclose(answers, expected, atol=TOLERANCE, err_msg=name)
        np.testing.assert_array_equal(answers.argmax(axis=1), expected.argmax(axis=1))
        assert np.ptp(expected, axis=0).max() > 0.01, name  # or anything would do


def answers_on(page: Page, images: np.ndarray) -> dict[str, np.ndarray]:
    """What each model of the page makes of images, (n, classes)."""
    rows = images.reshape(len(images), -1).tolist()
    found = page.evaluate(
        "images => models.map((one) => images.map((pixels) => [...probabilities(one, pixels)]))",
        rows,
    )
    return dict(zip(page.evaluate("data.models"), map(np.array, found), strict=True))
