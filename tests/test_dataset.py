"""A dataset of the user's own: taken as it is, or refused in one line that says why."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from own_datasets import fetched

from core.errors import UserError
from core.npz import read_arrays, write_arrays
from dataset.dataset import KINDS, Dataset, checked_dataset, read_dataset, write_dataset
from dataset.found import Found, found_in
from dataset.idx import parse_idx


def arrays(**changes: np.ndarray) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    good = {
        "x_train": random.integers(0, 256, (6, 5, 4), dtype=np.uint8),
        "y_train": np.array([3, 7, 3, 7, 3, 7]),
        "x_test": random.integers(0, 256, (2, 5, 4), dtype=np.uint8),
        "y_test": np.array([7, 3]),
    }
    return {name: array for name, array in {**good, **changes}.items() if array is not None}


def checked(**changes: np.ndarray) -> Dataset:
    return checked_dataset("own", "own.npz", found_in(arrays(**changes), "npz"))


def take(tmp_path: Path, **changes: np.ndarray) -> Dataset:
    np.savez(tmp_path / "own.npz", **arrays(**changes))
    return fetched(tmp_path / "out.npz", tmp_path / "own.npz")


def test_arrays_are_kept(tmp_path):
    dataset = take(tmp_path)
    assert dataset.name == "own"
    for part in ("train", "test"):
        images, labels = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        np.testing.assert_array_equal(images, arrays()[f"x_{part}"])
        assert dataset.classes[labels].tolist() == arrays()[f"y_{part}"].astype(str).tolist()
    assert dataset.x_validation is dataset.y_validation is None


def test_what_was_found_is_kept(tmp_path):
    dataset = take(tmp_path, x_train=arrays()["x_train"] % 2 == 0)
    test = arrays()["x_test"]
    assert dataset.origin == {
        "dtypes": {"train": "bool", "test": "uint8"},
        "ranges": {"train": [0, 1], "test": [test.min(), test.max()]},
        **{"format": "npz", "colour": False, "transposed": False, "resized": None},
        **{"test_size": None, "unused": [], "unused_files": 0},
    }


def test_a_validation_part_of_its_own_is_kept(tmp_path):
    images = {part: np.full((2, 3, 3), place) for place, part in enumerate(("train", "test"))}
    images["validation"] = np.full((3, 3, 3), 300)
    labels = {part: np.array(["cat", "dog"]) for part in ("train", "test")}
    labels["validation"] = np.array([["dog"], ["dog"], ["cat"]])
    made = checked_dataset("own", "own", Found(images, labels, origin={"test_size": 0.2}))
    write_dataset(tmp_path / "own.npz", made)
    read = read_dataset(tmp_path / "own.npz")
    for dataset in (made, read):
        assert dataset.x_train.dtype == dataset.x_validation.dtype == np.float32
        assert dataset.x_validation.tolist() == images["validation"].tolist()
        assert dataset.y_validation.tolist() == [1, 1, 0]
        assert dataset.origin["test_size"] == 0.2
    labels["validation"] = np.array(["dog", "dog", "cow"])
    with pytest.raises(UserError, match="class cow is in validation but not in train"):
        checked_dataset("own", "own", Found(images, labels))
    images["validation"] = np.zeros((3, 2, 3))
    with pytest.raises(UserError, match="images of 3x3 in train and 2x3 in validation"):
        checked_dataset("own", "own", Found(images, labels))


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int16])
def test_whole_numbers_to_255_become_bytes(dtype, tmp_path):
    x = arrays()["x_train"]
    dataset = take(tmp_path, x_train=x.astype(dtype))
    assert dataset.x_train.dtype == np.uint8
    np.testing.assert_array_equal(dataset.x_train, x)


def test_real_pixels_become_float32_in_both_parts(tmp_path):
    random = np.random.default_rng(0)
    parts = {"x_train": random.normal(size=(6, 5, 4)), "x_test": random.normal(size=(2, 5, 4))}
    dataset = take(tmp_path, **parts)
    assert dataset.x_train.dtype == dataset.x_test.dtype == np.float32


@pytest.mark.parametrize(
    ("pixels", "kind"),
    [((0, 255), np.uint8), ((0, 256), np.float32), ((-1, 255), np.float32), ((0, 1), np.uint8)],
)
def test_bytes_are_taken_where_all_pixels_fit(pixels, kind):
    x = np.zeros((6, 5, 4), np.int16)
    x[0, 0, 0], x[5, 4, 3] = pixels
    dataset = checked(x_train=x)
    assert dataset.x_train.dtype == dataset.x_test.dtype == kind
    np.testing.assert_array_equal(dataset.x_train, x)


def test_a_channel_axis_of_one_is_dropped(tmp_path):
    dataset = take(tmp_path, x_train=arrays()["x_train"][..., None])
    assert dataset.x_train.shape == (6, 5, 4)


NAN = arrays()["x_train"].astype(float)
NAN[0, 0, 0] = np.nan
REFUSED = {
    "no labels of test (found x_train, y_train, x_test); allowed: y_test": {"y_test": None},
    "array x_train cannot be read (it contains Python objects": {
        "x_train": np.array([[["a", 1]]], object)
    },
    "6 images and 5 labels in train": {"y_train": np.zeros(5, int)},
    "no images in test": {"x_test": np.zeros((0, 5, 4)), "y_test": np.zeros(0, int)},
    "class 9 is in test but not in train": {"y_test": np.array([9, 3])},
    "train contains NaN": {"x_train": NAN},
    "x_train has shape (6, 20)": {"x_train": np.zeros((6, 20))},
    "x_train has shape (6, 5, 4, 5)": {"x_train": np.zeros((6, 5, 4, 5))},
    "x_train has shape (6, 0, 4)": {"x_train": np.zeros((6, 0, 4))},
    "images of 5x4 in train and 4x5 in test": {"x_test": np.zeros((2, 4, 5))},
    "the images of train have dtype complex128": {"x_train": np.zeros((6, 5, 4), complex)},
    "only class 3 in train": {"y_train": np.full(6, 3), "y_test": np.full(2, 3)},
    "train has numbers that are too large": {"x_train": np.full((6, 5, 4), 1e300)},
    "train has real numbers and test has whole numbers": {"x_train": np.zeros((6, 5, 4))},
    "2 images and 1 labels in test": {"y_test": np.array([[7, 3]])},
    "2 images and no labels in test": {"y_test": np.array(7)},
    "2 images and 0 labels in test": {"y_test": np.zeros(0, int)},
    "test contains NaN or infinity": {"x_test": np.full((2, 5, 4), np.inf)},
    "train contains NaN or infinity": {"x_train": np.where(NAN > 9, -np.inf, 1.0)},
    "test has numbers that are too large": {"x_test": np.full((2, 5, 4), -1e300)},
}


@pytest.mark.parametrize("message", REFUSED)
def test_wrong_datasets_are_refused(message, tmp_path):
    with pytest.raises(UserError) as error:
        take(tmp_path, **REFUSED[message])
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "own.npz"))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.npz").exists()


def stored(path: Path, **changes: np.ndarray) -> Dataset:
    """A file of ours, read with some of its arrays changed."""
    write_dataset(path, checked())
    write_arrays(path, **{**read_arrays(path, tuple(KINDS)), **changes})
    return read_dataset(path)


CHANGED = {
    "classes": {
        **{"numbers": np.array([3, 7]), "twice": np.array(["3", "3"])},
        **{"empty": np.array(["3", ""]), "long": np.array(["3", "7" * 201])},
        **{"two lines": np.array(["3", "7\n"]), "no character": np.array(["3", "7"]).view("<i4")},
    },
    "origin": {"list": np.frombuffer(b"[]", np.uint8), "large": np.full(2**16 + 1, 32, np.uint8)},
    "x_train": {
        "float64": np.zeros((6, 5, 4)),
        "nothing": np.zeros((6, 5, 0), np.uint8),
    },
    "x_test": {
        **{"others": np.zeros((2, 5, 4), np.float32), "none": np.zeros((0, 5, 4), np.uint8)},
        "wide": np.zeros((2, 5, 5), np.uint8),
    },
    "x_validation": {"other": np.zeros((0, 5, 5), np.uint8)},
    "y_train": {
        **{"beyond": np.array([0, 1, 2, 0, 1, 0]), "below": np.array([0, 1, -1, 0, 1, 0])},
        **{"class unseen": np.zeros(6, int), "few": np.zeros(5, int)},
        "small": np.zeros(6, np.int8),
    },
    "y_test": {"beyond": np.array([0, 2]), "below": np.array([-1, 0])},
    "y_validation": {"alone": np.zeros(1, int)},
}


@pytest.mark.parametrize(
    ("name", "array"),
    [
        pytest.param(name, array, id=f"{name} {kind}")
        for name, kinds in CHANGED.items()
        for kind, array in kinds.items()
    ],
)
def test_a_file_that_download_did_not_write_is_refused(name, array, tmp_path):
    with pytest.raises(UserError, match=rf"dataset\.npz: not in download's format \({name}\)"):
        stored(tmp_path / "dataset.npz", **{name: array})


def test_a_file_of_one_class_is_refused(tmp_path):
    changes = {"classes": np.array(["3"]), "y_train": np.zeros(6, int), "y_test": np.zeros(2, int)}
    with pytest.raises(UserError, match=r"not in download's format \(y_train\)"):
        stored(tmp_path / "dataset.npz", **changes)


def test_as_much_as_is_allowed_is_read(tmp_path):
    origin = np.frombuffer(b"{}".ljust(2**16), np.uint8)
    names, labels = np.array(["3", "5", "7" * 200]), np.array([0, 1, 2, 0, 1, 2])
    read = stored(tmp_path / "dataset.npz", origin=origin, classes=names, y_train=labels)
    assert read.classes.tolist() == names.tolist()
    assert read.origin == {}


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_pixels_that_are_right_are_not_copied(kind):
    found = found_in(
        arrays(**{part: arrays()[part].astype(kind) for part in ("x_train", "x_test")}), "npz"
    )
    assert np.shares_memory(found.images["train"], checked_dataset("own", "own", found).x_train)


def test_what_is_no_json_or_no_text_is_refused(tmp_path):
    strange = np.array([0x110000], "<u4").view("<U1")
    changes = {"origin": np.frombuffer(b"{", np.uint8), "name": strange[0:1].reshape(())}
    changes["classes"] = np.concatenate([strange, np.array(["7"])])
    for name, array in changes.items():
        with pytest.raises(UserError, match=r"dataset\.npz: not in download's format \("):
            stored(tmp_path / "dataset.npz", **{name: array})


def member(header: str, data: bytes) -> bytes:
    """An .npy file with a header of one's own."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


LIES = {
    "larger": member("{'descr': '|u1', 'fortran_order': False, 'shape': (10**9,), }", b"abc"),
    "huge": member("{'descr': '|u1', 'fortran_order': False, 'shape': (10000000000000,), }", b"a"),
    "smaller": member("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", b"abc"),
    "negative": member("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }", b"abc"),
    "object": member("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cos\nsystem\n"),
    "code": member("{'descr': __import__('os').getcwd(), 'shape': (1,), }", b"a"),
    "empty": b"",
    "text": b"hello",
}


@pytest.mark.parametrize("lie", LIES)
def test_lying_headers_are_refused(lie, tmp_path):
    path = tmp_path / "lie.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", LIES[lie])
    with pytest.raises(UserError, match="array a "):
        read_arrays(path, ("a",))


def test_bombs_are_refused_before_they_unpack(tmp_path, monkeypatch):
    monkeypatch.setattr("core.npz.MAXIMUM_BYTES", 10**6)
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(10**7, np.uint8))
    with pytest.raises(UserError, match="bytes of arrays; allowed: at most 1000000"):
        read_arrays(tmp_path / "bomb.npz", ("a",))


@pytest.mark.parametrize("cut", [0, 10, 100, -30])
def test_damaged_archives_are_refused(cut, tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, a=np.arange(100))
    (tmp_path / "cut.npz").write_bytes(buffer.getvalue()[:cut])
    with pytest.raises(UserError, match=r"not a complete \.npz archive"):
        read_arrays(tmp_path / "cut.npz", ("a",))


def test_flipped_bytes_are_noticed(tmp_path):
    np.savez(tmp_path / "flip.npz", a=np.arange(100))
    content = bytearray((tmp_path / "flip.npz").read_bytes())
    content[400] ^= 1
    (tmp_path / "flip.npz").write_bytes(content)
    with pytest.raises(UserError):
        read_arrays(tmp_path / "flip.npz", ("a",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        b"\0\0\x08\x03\0\0",
        b"\0\0\x08\x01\0\0\0\x05abc",
        b"\0\0\x08\x01\0\0\0\x02abc",
        b"\0\0\x0d\x01\0\0\0\x01abc",
        b"\0\0\x0a\x01\0\0\0\x01ab",
        b"\0\0\x08\xff" + b"\xff" * 1020,
    ],
)
def test_wrong_idx_files_are_refused(content):
    with pytest.raises(ValueError, match="IDX"):
        parse_idx(content)
