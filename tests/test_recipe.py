"""Recipes: each parameter of the training for any number and size of images."""

import dataclasses
import math

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.parameters import read_yaml
from training.recipe import THREADS, Recipe, resolved

RECIPE = Recipe(optimizer="sgd", learning_rate=0.1, epochs=3, batch_size=64)
LEFT = dict.fromkeys((field.name for field in dataclasses.fields(Recipe)), "recipe")


def settings(images: int, shape: tuple[int, int], **own: object) -> dict[str, object]:
    return resolved("train_cnn", RECIPE, {**LEFT, **own}, images, shape)


def test_it_goes_by_the_images():
    many = settings(60_000, (28, 30), precision="float32")
    assert many == {
        **{"optimizer": "sgd", "learning_rate": 0.1, "schedule": "one_cycle"},
        **{"epochs": 3, "batch_size": 64, "label_smoothing": 0.05, "averaging": 0},
        **{"shift": 1, "test_time_shift": 1, "rotation": 0, "zoom": 0, "shear": 0},
        "precision": "float32",
    }
    few = settings(180, (8, 8))
    assert (few["epochs"], few["batch_size"], few["shift"]) == (30, 9, 0)  # 600 steps, 20 each
    assert settings(180, (8, 8), epochs=2, shift=3) == {**few, "epochs": 2, "shift": 3}
    assert settings(180, (8, 8), batch_size=90)["epochs"] == 300


@given(st.integers(1, 50_000), st.integers(1, 200) | st.just("recipe"))
def test_few_images_get_600_steps_and_no_epoch_more(images, batch_size):
    chosen = settings(images, (28, 28), batch_size=batch_size)
    if batch_size == "recipe":
        assert chosen["batch_size"] == min(64, math.ceil(images / 20))
    steps = -(-images // chosen["batch_size"])
    assert chosen["epochs"] >= 3
    assert chosen["epochs"] * steps >= 600 or chosen["epochs"] == 3
    assert chosen["epochs"] == 3 or (chosen["epochs"] - 1) * steps < 600


@pytest.mark.parametrize(
    ("shape", "pixels"), [((13, 90), 0), ((90, 15), 1), ((41, 57), 1), ((57, 43), 2)]
)
def test_shifts_are_a_share_of_the_shorter_side(shape, pixels):
    chosen = settings(100, shape)
    assert (chosen["shift"], chosen["test_time_shift"]) == (pixels, pixels)


@pytest.mark.parametrize("key", ["shift", "test_time_shift"])
@pytest.mark.parametrize("shape", [(8, 11), (11, 8)])
def test_a_shift_leaves_something_of_the_image(key, shape):
    assert settings(100, shape, **{key: 7})[key] == 7
    size = "x".join(map(str, shape))
    for pixels in (8, 9):
        with pytest.raises(UserError) as refusal:
            settings(100, shape, **{key: pixels})
        assert str(refusal.value) == (
            f"train_cnn.{key}: {pixels} leaves nothing of images of {size};"
            " allowed: less than 8, or recipe"
        )


@pytest.mark.parametrize(
    ("asked", "flags", "used"),
    [
        ("auto", "fma avx512_bf16", "bfloat16"),
        ("recipe", "amx_bf16 fma", "bfloat16"),
        ("auto", "fma avx512f", "float32"),
        ("auto", None, "float32"),
        ("bfloat16", "fma", "bfloat16"),
        ("float32", "avx512_bf16", "float32"),
    ],
)
def test_auto_is_what_the_processor_has(asked, flags, used, tmp_path, monkeypatch):
    if flags:
        (tmp_path / "cpuinfo").write_text(f"flags\t\t: fpu {flags} sse\n")
    monkeypatch.setattr("training.recipe.CPU_FLAGS", tmp_path / "cpuinfo")
    assert settings(100, (8, 8), precision=asked)["precision"] == used


def test_threads_are_as_shipped():
    shipped = read_yaml(ROOT / "params.yaml")
    assert {shipped[stage]["threads"] for stage in ("train_mlp", "train_cnn")} == {THREADS}
