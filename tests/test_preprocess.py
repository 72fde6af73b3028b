"""Training, validation and test part: which images each gets, and with what."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.split import Split, read_split
from dataset.dataset import checked_dataset, write_dataset
from dataset.digits import load_digits
from dataset.found import Found
from dataset.pixel_range import robust_range
from preprocess import preprocess


def cut(
    folder: Path,
    labels: np.ndarray,
    validation_size: float = 0.25,
    train_size: int | str = "all",
    seed: int = 1,
    pixels: np.ndarray | None = None,
    own_validation: bool = False,
    hold_out="none",
) -> dict[str, Split]:
    """The parts of a dataset whose images have numbers for pixels; its test labels are `labels`
    backwards, and so are those of its own validation part, if it has one.
    """
    if pixels is None:
        pixels = np.arange(len(labels))
    images = np.repeat(pixels, 4).reshape(len(labels), 2, 2)
    found = Found({"train": images, "test": images}, {"train": labels, "test": labels[::-1]})
    if own_validation:
        found.images["validation"], found.labels["validation"] = images, labels[::-1]
    write_dataset(folder / "dataset.npz", checked_dataset("own", "own", found))
    paths = {name: folder / f"{name}.npz" for name in ("train", "validation", "test", "held_out")}
    preprocess(
        folder / "dataset.npz",
        **paths,
        **{"validation_size": validation_size, "train_size": train_size, "seed": seed},
        hold_out=hold_out,
    )
    return {name: read_split(path) for name, path in paths.items()}


def numbers(part: Split) -> list[int]:
    return part.images[:, 0, 0].astype(int).tolist()


TEN_CLASSES = np.arange(200) % 10 + 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("preprocess")


@given(
    st.lists(st.integers(2, 12), min_size=2, max_size=4),
    st.sampled_from([0, 0.1, 0.25, 0.5, 0.9]),
    st.integers(4, 50) | st.just("all"),
    st.integers(0, 3),
)
def test_every_image_is_in_one_part_with_its_label(folder, sizes, share, train_size, seed):
    """And each class in each part, or the sizes are refused; all in the order of the dataset."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)) * 3, sizes))
    used = len(labels) if train_size == "all" else min(train_size, len(labels))
    try:
        parts = cut(folder, labels, share, train_size, seed)
    except UserError as refusal:
        assert "leaves no image of a class on one side (class " in str(refusal)  # noqa: PT017
        return
    train, validation = numbers(parts["train"]), numbers(parts["validation"])
    assert len(train) + len(validation) == len({*train, *validation}) == used
    assert len(validation) == round(share * used)
    assert (train, validation) == (sorted(train), sorted(validation))
    assert numbers(parts["test"]) == list(range(len(labels)))
    for name, part in parts.items():
        own = labels[::-1] if name == "test" else labels
        assert part.classes[part.labels].tolist() == [str(label) for label in own[numbers(part)]]
        assert part.labels.dtype == np.int64
        assert part.pixel_range.tolist() == [0, len(labels) - 1]
    for part in ("train", "validation") if validation else ("train",):
        assert set(parts[part].labels) == set(range(len(sizes)))


def test_classes_keep_their_shares(tmp_path):
    parts = cut(tmp_path, TEN_CLASSES)
    assert len(parts["train"].labels) == 150
    assert set(np.bincount(parts["validation"].labels)) == {5}
    parts = cut(tmp_path, TEN_CLASSES, validation_size=0, train_size=50)
    assert set(np.bincount(parts["train"].labels)) == {5}


def test_the_seed_says_which(tmp_path):
    chosen = [numbers(cut(tmp_path, TEN_CLASSES, seed=seed)["validation"]) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize("size", [200, 201, 10**6, "all"])
def test_a_cap_above_the_data_takes_all(size, tmp_path):
    assert len(cut(tmp_path, TEN_CLASSES, 0, size)["train"].labels) == 200


def test_no_validation_needs_no_room_for_it(tmp_path):
    """A class of one image would have none on one side."""
    parts = cut(tmp_path, np.array([0, 0, 1]), validation_size=0)
    assert parts["validation"].images.shape == (0, 2, 2)
    assert len(parts["train"].labels) == 3


@pytest.mark.parametrize(
    ("key", "values", "ways"),
    [
        ("train_size: 9 selects 9 of 200", {"train_size": 9}, "all, a larger value"),
        ("train_size: 191 selects 191 of 200", {"train_size": 191}, "all, a smaller value"),
        (
            "validation_size: 0.01 selects 2 of 200",
            {"validation_size": 0.01},
            "0 for no validation part, a larger value",
        ),
        (
            "validation_size: 0.96 selects 192 of 200",
            {"validation_size": 0.96},
            "0 for no validation part, a smaller value",
        ),
    ],
)
def test_a_class_left_without_images_is_named_with_the_ways_on(key, values, ways, tmp_path):
    with pytest.raises(UserError) as refusal:
        cut(tmp_path, TEN_CLASSES, **values)
    assert str(refusal.value) == (
        f"preprocess.{key} images, which leaves no image of a class on one side (class 5, with 20"
        f" in all); allowed: {ways}, or more images of the class"
    )


def test_classes_of_two_need_half_of_the_images(tmp_path):
    line = r"train_size: 8 selects 8 of 20 images, .* with 2 in all\); allowed: all, a larger value"
    with pytest.raises(UserError, match=line):
        cut(tmp_path, np.arange(20) % 10, train_size=8)


@pytest.mark.parametrize("values", [{"train_size": 10}, {"train_size": 190}])
def test_one_of_each_class_is_enough(values, tmp_path):
    parts = cut(tmp_path, TEN_CLASSES, validation_size=0, **values)
    assert len(set(parts["train"].labels)) == 10


def test_a_class_of_two_can_be_divided_and_of_one_cannot(tmp_path):
    parts = cut(tmp_path, np.array([0, 0, 1, 1]), validation_size=0.5)
    assert [len(set(parts[name].labels)) for name in ("train", "validation")] == [2, 2]
    line = r"^preprocess\.validation_size: 0\.5 selects 2 .*class 1, with 1 in all\); allowed: 0"
    line += " for no validation part, or more images of the class$"
    with pytest.raises(UserError, match=line):
        cut(tmp_path, np.array([0, 0, 0, 1]), validation_size=0.5)


def test_a_rare_class_is_not_lost(tmp_path):
    """scikit-learn keeps shares only as well as rounding lets it."""
    labels = np.repeat([0, 1, 2], [600, 397, 3])
    with pytest.raises(UserError, match=r"^preprocess\.train_size: 50 selects 50 of 1000 images"):
        cut(tmp_path, labels, train_size=50)


def test_images_of_one_pixel_value_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"dataset\.npz: each pixel of x_train is 3; allowed: two"):
        cut(tmp_path, TEN_CLASSES, pixels=np.full(200, 3))
    assert cut(tmp_path, TEN_CLASSES, pixels=np.where(TEN_CLASSES == 5, 3, 4))


def test_a_pixel_far_outside_does_not_count(tmp_path):
    """Neither in the range nor in the images of any part."""
    labels = np.arange(200) % 2
    for odd, cut_to in ((65535, 199), (-400, 0)):
        pixels = np.arange(200)
        pixels[7] = odd
        parts = cut(tmp_path, labels, pixels=pixels, validation_size=0)
        assert parts["train"].pixel_range.tolist() == [0, 199]
        expected = [cut_to if number == 7 else number for number in range(200)]
        assert numbers(parts["train"]) == numbers(parts["test"]) == expected


@pytest.mark.parametrize(
    ("count", "odd"), [(200, 150), (100, 120), (99, 65535), (4, 500), (2, 900)]
)
def test_the_range_is_of_all_pixels_that_are_not_far_outside(count, odd):
    """Beyond the others by no more than their range, or one of fewer than a hundred images."""
    highest = np.full(count, 80)
    highest[1] = odd
    images = np.stack([np.arange(count) % 2, highest], axis=1)[:, None].astype(np.float32)
    assert robust_range(images) == (0, odd)
    assert robust_range(-images) == (-odd, 0)
    assert robust_range(images + 1000) == (1000, 1000 + odd)


@pytest.mark.parametrize("value", [0, 7])
def test_the_range_where_most_images_are_of_one_value(value):
    images = np.full((300, 2, 2), value, np.uint8)
    assert robust_range(images) == (value, value)
    images[5, 0, 1] = 200
    assert robust_range(images) == (value, 200)


def test_the_range_of_digits_is_of_all_their_pixels():
    images = load_digits().images["train"]
    assert robust_range(images) == (0, 16)


@pytest.mark.parametrize("train_size", ["all", 50])
def test_a_validation_part_of_its_own_is_taken(train_size, tmp_path, capsys):
    parts = cut(tmp_path, TEN_CLASSES, train_size=train_size, own_validation=True)
    assert len(parts["train"].labels) == (200 if train_size == "all" else 50)
    assert numbers(parts["validation"]) == list(range(200))
    assert parts["validation"].labels.tolist() == (TEN_CLASSES[::-1] - 5).tolist()
    assert capsys.readouterr().err == (
        "preprocess: the dataset has its own validation part of 200 images, so validation_size is"
        " ignored\n"
    )
