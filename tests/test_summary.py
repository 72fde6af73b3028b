"""The statistics of a dataset, against NumPy, SciPy and a hash by hand."""

import hashlib

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from data_checks.summary import summarize
from dataset.dataset import checked_dataset
from dataset.found import Found


@pytest.mark.parametrize(
    ("names", "stored"),
    [
        (["0", "12"], np.int64),
        (["-7", "999999999999999"], np.int64),
        (["00", "1"], str),
        (["a", "1"], str),
        (["1", "12345678901234567"], str),
    ],
)
def test_statistics_by_hand(names, stored):
    """The hash is that of images and labels, whatever the format of the file was."""
    random = np.random.default_rng(0)
    counts = {"train": (30, 10), "validation": (1, 1), "test": (20, 30)}
    labels = {part: np.repeat([0, 1], own) for part, own in counts.items()}
    images = {
        part: random.integers(0, 9, (len(own), 2, 3), np.uint8) for part, own in labels.items()
    }
    data = checked_dataset("own", "own", Found(images, labels, names))
    found = summarize(data)
    assert found["image_shape"] == [2, 3]
    train = found["parts"]["train"]
    assert (train["images"], train["dtype"], train["mean"]) == (40, "uint8", images["train"].mean())
    assert (train["minimum"], train["maximum"]) == (0, 8)
    assert train["standard_deviation"] == images["train"].std()
    assert [(row["class"], row["train"], row["test"]) for row in found["class_counts"]] == [
        *((data.classes[0], 30, 20), (data.classes[1], 10, 30))
    ]
    compared = found["train_against_test"]
    expected = chi2_contingency([counts["train"], counts["test"]], correction=False).pvalue
    assert compared["p_value"] == pytest.approx(expected)
    assert compared["widest_gap_points"] == pytest.approx(35)
    assert "by at most 35.0 percentage points; a chi-squared test finds a " in compared["sentence"]
    digest = hashlib.sha256()
    for part in ("train", "test", "validation"):
        spelled = data.classes.astype(stored)[labels[part]]
        for letter, array in (("x", images[part]), ("y", spelled)):
            digest.update(f"{letter}_{part} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.tobytes())
    assert found["sha256"] == digest.hexdigest()


def test_shares_that_are_the_same_are_said_to_be():
    images = np.arange(80, dtype=np.uint8).reshape(20, 2, 2)
    parts = ("train", "test")
    labels = dict.fromkeys(parts, np.arange(20) % 2)
    data = checked_dataset("own", "own", Found(dict.fromkeys(parts, images), labels))
    compared = summarize(data)["train_against_test"]
    assert compared["p_value"] == 1
    assert "by at most 0.0 percentage points; a chi-squared test finds no" in compared["sentence"]
