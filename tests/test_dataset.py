"""A dataset of the user's own: taken as it is, or refused in one line that says why."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.errors import UserError
from core.npz import read_arrays
from dataset.dataset import checked_dataset, read_dataset
from dataset.idx import parse_idx
from download import download


def arrays(**changes: np.ndarray) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    good = {
        "x_train": random.integers(0, 256, (6, 5, 4), dtype=np.uint8),
        "y_train": np.array([3, 7, 3, 7, 3, 7]),
        "x_test": random.integers(0, 256, (2, 5, 4), dtype=np.uint8),
        "y_test": np.array([7, 3]),
    }
    return {name: array for name, array in {**good, **changes}.items() if array is not None}


def take(tmp_path: Path, **changes: np.ndarray):
    np.savez(tmp_path / "own.npz", **arrays(**changes))
    download(tmp_path / "out.npz", str(tmp_path / "own.npz"), 1, 1, None)
    return read_dataset(tmp_path / "out.npz")


def test_arrays_are_kept(tmp_path):
    dataset = take(tmp_path)
    assert dataset.name == "own"
    for name, array in arrays().items():
        np.testing.assert_array_equal(getattr(dataset, name), array)


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
    dataset = checked_dataset("own", "own.npz", arrays(x_train=x))
    assert dataset.x_train.dtype == dataset.x_test.dtype == kind
    np.testing.assert_array_equal(dataset.x_train, x)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_labels_are_below_2_to_the_53(sign, kind):
    """From there on, a whole number and the next are one float."""
    largest = sign * (2**53 - 1)
    labels = np.array([0, largest] * 3, kind)
    dataset = checked_dataset("own", "own.npz", arrays(y_train=labels, y_test=labels[:2]))
    assert dataset.y_train.tolist() == [0, largest] * 3
    labels[1] += sign
    with pytest.raises(UserError, match=r"^own\.npz: y_train has labels beyond 2\^53; allowed"):
        checked_dataset("own", "own.npz", arrays(y_train=labels, y_test=labels[:2]))


def test_a_column_of_labels_is_taken():
    column = arrays()["y_train"][:, None]
    dataset = checked_dataset("own", "own.npz", arrays(y_train=column))
    np.testing.assert_array_equal(dataset.y_train, column[:, 0])


def test_a_channel_axis_of_one_is_dropped(tmp_path):
    dataset = take(tmp_path, x_train=arrays()["x_train"][..., None])
    assert dataset.x_train.shape == (6, 5, 4)


def test_labels_may_be_whole_floats(tmp_path):
    dataset = take(tmp_path, y_train=arrays()["y_train"].astype(float))
    assert dataset.y_train.dtype == np.int64


NAN = arrays()["x_train"].astype(float)
NAN[0, 0, 0] = np.nan
REFUSED = {
    "no array y_test": {"y_test": None},
    "array x_train cannot be read (it holds Python objects": {
        "x_train": np.array([[["a", 1]]], object)
    },
    "6 images in x_train and 5 labels in y_train": {"y_train": np.zeros(5, int)},
    "no images in x_test": {"x_test": np.zeros((0, 5, 4)), "y_test": np.zeros(0, int)},
    "y_train has labels that are not whole": {"y_train": np.array([1, 2, 1, 2, 1, 1.5])},
    "y_train has dtype <U1; allowed: whole": {"y_train": np.array(list("ababab"))},
    "class 9 is in y_test and not in y_train": {"y_test": np.array([9, 3])},
    "x_train contains NaN": {"x_train": NAN},
    "x_train has shape (6, 20)": {"x_train": np.zeros((6, 20))},
    "x_train has shape (6, 5, 4, 3)": {"x_train": np.zeros((6, 5, 4, 3))},
    "x_train has shape (6, 0, 4)": {"x_train": np.zeros((6, 0, 4))},
    "images of 5x4 in x_train and 4x5 in x_test": {"x_test": np.zeros((2, 4, 5))},
    "x_train has dtype complex128": {"x_train": np.zeros((6, 5, 4), complex)},
    "only class 3 in y_train": {"y_train": np.full(6, 3), "y_test": np.full(2, 3)},
    "x_train has numbers too large": {"x_train": np.full((6, 5, 4), 1e300)},
    "x_train holds real numbers and x_test whole ones": {"x_train": np.zeros((6, 5, 4))},
    "y_test has shape (2, 2)": {"y_test": np.zeros((2, 2), int)},
    "y_test has shape (1, 2)": {"y_test": np.array([[7, 3]])},
    "y_test has shape (2, 1, 1)": {"y_test": np.array([[[7]], [[3]]])},
    "2 images in x_test and 0 labels in y_test": {"y_test": np.zeros(0, int)},
    "class 8 is in y_test": {"y_test": np.array([9, 8])},
    "y_test has labels that are not": {"y_test": np.array([7, np.inf])},
    "x_test contains NaN or infinity": {"x_test": np.full((2, 5, 4), np.inf)},
    "x_train contains NaN or infinity": {"x_train": np.where(NAN > 9, -np.inf, 1.0)},
    "x_test has numbers too large": {"x_test": np.full((2, 5, 4), -1e300)},
}


@pytest.mark.parametrize("message", REFUSED)
def test_wrong_datasets_are_refused(message, tmp_path):
    with pytest.raises(UserError) as error:
        take(tmp_path, **REFUSED[message])
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "own.npz"))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.npz").exists()


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
    with pytest.raises(UserError, match=r"not a whole \.npz archive"):
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
        b"\0\0\x0d\x01\0\0\0\x01abcd",
        b"\0\0\x08\xff" + b"\xff" * 1020,
    ],
)
def test_wrong_idx_files_are_refused(content):
    with pytest.raises(ValueError, match="IDX"):
        parse_idx(content)
