"""What trained models predict on the page to draw on: the same as in the pipeline."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browsing import browser, watched
from small_stages import run_cnn, run_logreg, run_mlp, split
from tried_models import (
    TOLERANCE,
    answers_on,
    check_predictions,
    draw_page,
    keep_network,
    opened,
    uncompiled,
    write_images,
    write_logreg,
    write_metrics,
)

from core.errors import UserError
from core.split import read_split, write_split
from linear.linear_model import LinearModel, write_linear_model
from networks.backend import keras
from training import fit as training
from try_page import page as try_page
from try_page.packing import rounded

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run"),
]
ACTIVATIONS = ("relu", "elu", "gelu", "selu", "sigmoid", "silu", "softplus", "tanh")


def unfitted(_stage: str, model: keras.Sequential, *_: object) -> list[dict[str, float]]:
    """Instead of a training, which takes long: weights that tell images apart."""
    random = np.random.default_rng(len(model.layers))
    model.set_weights(
        [
            array + random.uniform(0, 0.5, array.shape) if array.ndim < 2 else 2 * array
            for array in model.get_weights()
        ]
    )
    return [{"loss": 1.0}]


def make_models(folder: Path, **networks: dict) -> None:
    """A logistic regression, an MLP, and a CNN for each architecture, with its own settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "_fit", unfitted)
        patch.setattr(training, "microseconds_an_image", lambda *_: 1.0)
        for architecture, own in networks.items():
            run_cnn(folder, architecture=architecture, **own)
            (folder / "cnn").rename(folder / architecture)
        run_mlp(folder, hidden=(64,))
    run_logreg(folder)
    write_metrics(folder, *networks, "mlp", "logreg")
    assert "rounded to" not in draw_page(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Models of small images, whose size convolutions keep."""
    folder = tmp_path_factory.mktemp("small")
    split(folder, shape=(9, 8))
    shifted = {"test_time_shift": 1}
    make_models(folder, compact={"members": 2, **shifted}, tutorial={"test_time_shift": 2})
    return folder


@pytest.fixture(scope="module")
def larger(tmp_path_factory) -> Path:
    """Models of images that are higher than wide, and halved to an odd height."""
    folder = tmp_path_factory.mktemp("larger")
    split(folder, shape=(22, 16))
    make_models(folder, fast={"test_time_shift": 0}, compact={"test_time_shift": 1})
    return folder


@pytest.mark.parametrize("models", ["folder", "larger"])
def test_the_page_predicts_as_the_pipeline_does(models, watched, request):
    """On 100 test images, every kind of model."""
    folder = request.getfixturevalue(models)
    assert len(read_split(folder / "test.npz").images) == 100
    check_predictions(opened(watched, folder), folder)


def test_every_activation_is_that_of_keras(watched, tmp_path):
    write_images(tmp_path, classes=10)
    keras.utils.set_random_seed(1)
    for name in ACTIVATIONS:
        keep_network(tmp_path, [keras.layers.Flatten(), keras.layers.Dense(16, name)], name)
    write_metrics(tmp_path, *ACTIVATIONS)
    draw_page(tmp_path)
    check_predictions(opened(watched, tmp_path), tmp_path)


@pytest.mark.parametrize(("room", "bits"), [(0.75, 16), (0.55, 8)])
def test_weights_are_rounded_where_they_would_not_fit(room, bits, watched, tmp_path, monkeypatch):
    """If that changes no predicted class; the page says so, and predicts with them."""
    part = write_images(tmp_path, classes=10)
    part = replace(part, images=part.images[:10], labels=part.labels[:10])
    write_split(tmp_path / "test.npz", part)
    keras.utils.set_random_seed(1)
    hidden = [keras.layers.Flatten(), keras.layers.Dense(64, "relu")]
    model = keep_network(tmp_path, hidden, "mlp")
    write_metrics(tmp_path, "mlp")
    whole = len(draw_page(tmp_path))
    monkeypatch.setattr(try_page, "PAGE_BYTES", round(room * whole))
    monkeypatch.setattr(try_page, "BOUND", 0.5)
    html = draw_page(tmp_path)
    assert len(html) <= room * whole
    assert f"rounded to {bits} bits" in html
    model.set_weights([rounded(array, bits) for array in model.get_weights()])
    expected = model.predict(part.images[..., None], verbose=0)
    found = answers_on(opened(watched, tmp_path), part.images)["mlp"]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_a_model_without_room_is_named_and_how_to_mend_it(folder, monkeypatch):
    monkeypatch.setattr(try_page, "PAGE_BYTES", 84_000)
    html = draw_page(folder)
    assert len(html) <= 84_000
    assert '<th scope="col">mlp</th><th scope="col">logreg</th></tr>' in html
    for name, smaller in (("compact", "members: 1"), ("tutorial", "architecture: compact")):
        why = html.split(f"<strong>{name}</strong>")[1].split("</li>")[0]
        assert "is left out: its weights (0." in why
        assert f"<code>train_{name}.{smaller}</code>" in why
    monkeypatch.setattr(try_page, "PAGE_BYTES", 30_000)
    with pytest.raises(UserError, match=r"^no model fits on the page: compact: its weights"):
        draw_page(folder)


@pytest.mark.parametrize(("bias", "bound"), [(0, 1), (9, 1e-9)])
def test_rounded_weights_that_change_predictions_are_not_used(bias, bound, tmp_path, monkeypatch):
    """A class, or a probability by more than the bound."""
    part = write_logreg(tmp_path)
    weights = np.random.default_rng(1).normal(0, 0.05, (1, 784)).astype(np.float32)
    weights[0, 0] = 100  # where there is never ink; beside it 8 bits leave nothing of the others
    model = LinearModel(weights, np.float32([bias]), part.pixel_range)
    write_linear_model(tmp_path / "logreg" / "model.npz", model)
    assert len(set(model.probabilities(part.images).argmax(axis=1))) == (1 if bias else 2)
    monkeypatch.setattr(try_page, "BITS", (8,))
    monkeypatch.setattr(try_page, "BOUND", bound)
    with pytest.raises(UserError, match="rounded to 8 bits they would change predicted classes"):
        draw_page(tmp_path)


def test_a_layer_without_arithmetic_is_named(tmp_path):
    write_images(tmp_path, classes=10)
    keep_network(
        tmp_path, [keras.layers.Flatten(), keras.layers.ReLU(max_value=6, name="six")], "mlp"
    )
    keep_network(tmp_path, [keras.layers.Flatten()], "cnn")
    write_metrics(tmp_path, "mlp", "cnn")
    assert "is left out: the page does not support its layer six (ReLU)" in draw_page(tmp_path)


def test_the_same_bytes_each_time(tmp_path):
    write_logreg(tmp_path)
    assert draw_page(tmp_path) == draw_page(tmp_path)
