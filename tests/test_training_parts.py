"""What a training is made of: its flags, its cycle, its curve, its layers and its members."""

import math

import numpy as np
import pytest

from core.command_line import StageParser
from core.parameters import parse_value
from networks.backend import keras, use_threads
from training import fit as training

use_threads(2)  # as every test that trains; TensorFlow takes it only before it computes
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
def test_flags_take_what_can_be_used(key):
    parser = StageParser("train_cnn", "")
    training.add_training_paths(parser)
    assert parser.inputs == ["environment", "train", "validation"]
    assert parser.outputs == ["network", "weights", "history", "record"]
    allowed, refused = (values.split() for values in FLAGS[key])
    for value in allowed:
        number = float(value) if value[0].isdigit() else value
        assert parse_value(value, parser.parameters[key]) == number
    for value in refused:
        with pytest.raises(ValueError, match=value):
            parse_value(value, parser.parameters[key])


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


def test_members_predict_by_the_mean_of_all_views():
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
