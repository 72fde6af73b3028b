"""What was done to a dataset of one's own is said, and of others nothing."""

import numpy as np
import pytest

from data_checks.preparation import describe_preparation
from dataset.dataset import Dataset, checked_dataset
from dataset.digits import load_digits
from dataset.found import Found

DONE = {
    "nothing": ({}, ""),
    "test part": (
        {"test_size": 0.125},
        "The dataset has no test part, so 12.5 % of each class, chosen at random, became the test"
        " part. No model was trained on it.",
    ),
    "colour": (
        {"colour": True},
        "Colour images were converted to grey: 0.299 red + 0.587 green + 0.114 blue.",
    ),
    "two things": (
        {"transposed": True, "resized": [8, 9]},
        "Rows and columns of each image were swapped (download.transpose). Each image was resized"
        " to 8x9 pixels (download.resize).",
    ),
}


def made(parts: tuple[str, ...], **origin: object) -> Dataset:
    images = {part: np.arange(8, dtype=np.uint8).reshape(2, 2, 2) for part in parts}
    labels = dict.fromkeys(parts, np.array([0, 1]))
    return checked_dataset("own", "own", Found(images, labels, origin=origin))


@pytest.mark.parametrize("kind", DONE)
def test_each_thing_that_was_done_is_a_sentence(kind):
    origin, said = DONE[kind]
    assert " ".join(describe_preparation(made(("train", "test"), **origin)).values()) == said


def test_a_validation_part_of_its_own_is_said():
    data = made(("train", "test", "validation"))
    said = "The dataset has its own validation part of 2 images."
    assert describe_preparation(data) == {"validation": said}


def test_of_digits_there_is_nothing_to_say():
    assert describe_preparation(checked_dataset("digits", "digits", load_digits())) == {}
