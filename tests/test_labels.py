"""Labels in all the ways that people write them."""

import numpy as np
import pytest

from core.errors import UserError
from dataset.labels import indexed

ONE_HOT = np.eye(12)[[11, 2, 2]]


def classes_of(labels: object, names: list[str] | None = None) -> tuple[list[str], list[int]]:
    classes, indices = indexed("own", {"train": np.array(labels)}, names)
    assert classes.dtype.kind == "U"
    assert indices["train"].dtype == np.int64
    return classes.tolist(), indices["train"].tolist()


@pytest.mark.parametrize(
    ("labels", "classes", "indices"),
    [
        ([7, 30, 7], ["7", "30"], [0, 1, 0]),
        (np.array([[7], [30], [7]], np.uint8), ["7", "30"], [0, 1, 0]),
        ([7.0, 30.0, 7.0], ["7", "30"], [0, 1, 0]),
        ([-3, 8999997, -3], ["-3", "8999997"], [0, 1, 0]),
        ([True, False, True], ["False", "True"], [1, 0, 1]),
        (["7", "30", "-1"], ["-1", "7", "30"], [1, 2, 0]),
        (["boot", "Bag", "bag"], ["Bag", "bag", "boot"], [2, 0, 1]),
        (["7", "30", "x"], ["30", "7", "x"], [1, 0, 2]),
        ([["cat"], ["dog"]], ["cat", "dog"], [0, 1]),
        ([b"caf\xc3\xa9", b"\xff"], ["\\xff", "caf\xe9"], [1, 0]),
        (
            [" ankle  boot\n", "\u202ebag", "\u9774"],
            ["\\u202ebag", "ankle boot", "\u9774"],
            [1, 0, 2],
        ),
        (ONE_HOT, ["2", "11"], [1, 0, 0]),
        (ONE_HOT.astype(bool), ["2", "11"], [1, 0, 0]),
        (np.eye(2, dtype=np.uint8), ["0", "1"], [0, 1]),
    ],
)
def test_each_way_is_read(labels, classes, indices):
    assert classes_of(labels) == (classes, indices)


@pytest.mark.parametrize(
    ("labels", "indices"),
    [
        ([2, 0, 2], [1, 0, 1]),
        (["2", "0", "2"], [1, 0, 1]),
        (["bag", "shirt", "bag"], [1, 0, 1]),
        (np.eye(3)[[2, 0]], [1, 0]),
    ],
)
def test_names_are_in_their_own_order_and_those_of_no_image_are_left_out(labels, indices):
    assert classes_of(labels, ["shirt", "ankle boot", "bag"]) == (["shirt", "bag"], indices)


def test_a_number_is_a_place_among_names_that_are_numbers():
    assert classes_of([1, 0], ["1", "0"]) == (["1", "0"], [1, 0])
    assert classes_of(["1", "0"], ["1", "0"]) == (["1", "0"], [0, 1])


def test_bool_has_two_names():
    assert classes_of([True, False], ["ill", "well"]) == (["ill", "well"], [1, 0])


def test_a_class_that_is_not_in_train_is_named():
    parts = {"train": np.array(list("abc")), "test": np.array(list("fabed"))}
    with pytest.raises(UserError, match=r"^own: class d is in test but not in train$"):
        indexed("own", parts, None)


def test_a_name_of_200_characters_is_taken():
    assert classes_of(["a", "b" * 200])[0] == ["a", "b" * 200]


def test_parts_may_write_them_in_different_ways():
    parts = {"train": np.array([9, 10]), "test": np.array(["10"]), "validation": np.eye(11)[[9]]}
    classes, indices = indexed("own", parts, None)
    assert classes.tolist() == ["9", "10"]
    assert [indices[part].tolist() for part in parts] == [[0, 1], [1], [0]]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_labels_are_below_2_to_the_53(sign, kind):
    """From there on, a whole number and the next are one float."""
    largest = sign * (2**53 - 1)
    labels = np.array([0, largest], kind)
    assert set(classes_of(labels)[0]) == {"0", str(largest)}
    labels[1] += sign
    with pytest.raises(UserError, match=r"^own: train has labels beyond 2\^53; allowed"):
        classes_of(labels)


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([1, 1.5], None, "train has labels that are not whole numbers"),
        ([1, np.nan], None, "train has labels that are not whole numbers"),
        ([1, 2j], None, "the labels of train have dtype complex128; allowed: whole numbers, bool"),
        ([[1, 0], [1, 1]], None, r"have shape \(2, 2\); allowed: \(images,\), \(images, 1\), or"),
        ([[0.5, 0.5], [0, 1]], None, r"have shape \(2, 2\)"),
        ([["a", "b"]], None, r"have shape \(1, 2\)"),
        ([[[1]]], None, r"have shape \(1, 1, 1\)"),
        (["a", " "], None, "empty labels in train; allowed: a text or a number for each"),
        (["a", "b" * 201], None, "labels in train of 201 characters, 'b{40}'...; allowed: up to"),
        (["cat", "cat "], None, "labels in train that look the same: 'cat' and 'cat '"),
        (
            [0, 3],
            ["a", "b", "c"],
            "label 3 in train and 3 class names; allowed: labels from 0 to 2",
        ),
        ([0, -1], ["a", "b"], "label -1 in train and 2 class names"),
        (["a", "d"], ["a", "b"], "label d in train and 2 class names"),
        ([0, 1], ["a", "a"], "class names that look the same: 'a' and 'a'"),
        ([0, 1], ["a", ""], "empty class names"),
        ([0, 1], [], "label 0 in train and 0 class names"),
        (np.array([0x110000, 65], "<u4").view("<U1"), None, "train has labels that are not text"),
    ],
)
def test_what_is_no_label_is_refused(labels, names, message):
    with pytest.raises(UserError, match=f"^own: .*{message}"):
        classes_of(labels, names)
