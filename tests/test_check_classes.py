"""The checks of the classes at their bounds, for made numbers of images of each class."""

import numpy as np
import pytest

from data_checks.classes import NO_CLASS, check_classes
from data_checks.finding import Data, Part


def classes_of(classes: tuple[str, ...] = ("a", "b", "c"), **counts: tuple[int, ...]) -> list[dict]:
    """What is found in parts with these numbers of images of each class."""
    parts = {
        name: Part(np.zeros((sum(own), 1, 1)), np.repeat(np.arange(len(own)), own))
        for name, own in counts.items()
    }
    return list(check_classes(Data(parts, classes, (0, 1))))


@pytest.mark.parametrize(("images", "severity"), [(49, "note"), (50, "warn")])
def test_a_class_of_which_five_are_expected(images, severity):
    (found,) = classes_of(("a", "b"), train=(90, 10), test=(images, 0))
    assert (found["check"], found["severity"]) == ("class_not_in_test", severity)
    said = "1 of 2 classes have no image in test (in brackets: their images in train): b (10)."
    assert found["found"] == said


@pytest.mark.parametrize("missing", [5, 6, 7])
def test_the_five_most_frequent_are_named(missing):
    train, test = (100, *range(1, missing + 1)), (100, *[0] * missing)
    (found,) = classes_of(tuple("abcdefgh"[: missing + 1]), train=train, test=test)
    named = [f"{'abcdefgh'[place]} ({place})" for place in range(missing, missing - 5, -1)]
    more = f" and {missing - 5} more" if missing > 5 else ""
    assert found["found"].endswith(f"in train): {', '.join(named)}{more}.")


@pytest.mark.parametrize(
    ("train", "test", "is_found"),
    [
        ((4000, 6000, 0), (5000, 5000, 0), True),  # ten points of a hundred
        ((4000, 6000, 0), (4999, 5001, 0), False),
        ((100, 100, 0), (148, 52, 0), False),  # 24 points, and the standard error is 4.854
        ((100, 100, 0), (149, 51, 0), True),  # 24.5 points, and 4.848
        ((5000, 2000, 3000), (5000, 5000, 0), True),  # b; c is a matter of its own
        ((4500, 4500, 1000), (5000, 5000, 0), False),
        ((4400, 4400, 1200), (5000, 4999, 1), True),
    ],
)
def test_other_shares(train, test, is_found):
    found = classes_of(train=train, validation=train, test=test)
    shares = [one for one in found if "class_shares_of" in one["check"]]
    assert [one["check"] for one in shares] == ["class_shares_of_test"] * is_found


def test_the_class_with_the_widest_gap_is_named():
    (found,) = classes_of(train=(3000, 3000, 4000), test=(200, 500, 300))
    assert found["found"] == (
        "Class b has 3,000 of 10,000 (30.0 %) images of train, but 500 of 1,000 (50.0 %) of test."
    )


@pytest.mark.parametrize("label", [*sorted(NO_CLASS), "Unknown", "NaN"])
def test_labels_that_are_no_class(label):
    (found,) = classes_of(("a", label), train=(1000, 500), test=(1000, 500))
    said = f"1,000 images are labelled {label}: 500 in train, 500 in test."
    assert (found["check"], found["severity"], found["found"]) == ("no_class", "warn", said)
    assert classes_of(("a", f"{label}x"), train=(9, 9), test=(9, 9)) == []


@pytest.mark.parametrize(("others", "is_found"), [(2, False), (3, True)])
def test_a_label_of_minus_one_is_a_class_beside_fewer_than_three(others, is_found):
    """Labels of -1 and 1, or of -1, 0 and 1, are common."""
    counts = (10,) * (others + 1)
    found = classes_of(("-1", *map(str, range(others))), train=counts, test=counts)
    assert [one["check"] for one in found] == ["no_class"] * is_found
