"""Arrays of NumPy's and IDX files, by any usual names, of any usual shape and dtype."""

import gzip
import struct

import numpy as np
import pytest
from own_datasets import (
    X_TEST,
    Y_TEST,
    X,
    Y,
    assert_whole,
    idx,
    refusal,
    take,
    write_idx,
)
from PIL import Image

NAMES = [
    *(("x_train", "y_train", "x_test", "y_test"), ("X_train", "Y_train", "X_test", "Y_test")),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("training_data", "training_targets", "testing_data", "testing_targets"),
]


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("suffix", ["npz", "NPZ"])
def test_arrays_by_any_usual_name(names, suffix, tmp_path, capsys):
    arrays = dict(zip(names, (X, Y, X_TEST, Y_TEST), strict=True))
    np.savez(tmp_path / "a.npz", **arrays, other=Y)
    (tmp_path / "a.npz").rename(tmp_path / f"own.{suffix}")
    dataset = take(tmp_path, tmp_path / f"own.{suffix}")
    assert_whole(dataset)
    assert dataset.name == "own"
    assert dataset.origin["format"] == "npz"
    assert dataset.origin["test_size"] is None
    assert capsys.readouterr().err == f"{tmp_path}/own.{suffix}: not used: other\n"


def test_arrays_as_medmnist_has_them(tmp_path):
    """Labels in a column, and a validation part."""
    arrays = {"train_images": X, "train_labels": Y[:, None], "val_images": X[:3]}
    arrays |= {"val_labels": Y[:3, None], "test_images": X_TEST, "test_labels": Y_TEST[:, None]}
    np.savez_compressed(tmp_path / "own.npz", **arrays)
    dataset = take(tmp_path, tmp_path / "own.npz")
    assert_whole(dataset)
    np.testing.assert_array_equal(dataset.x_validation, X[:3])
    np.testing.assert_array_equal(dataset.y_validation, Y[:3])


def test_files_of_one_nameless_array_as_kmnist_has_them(tmp_path):
    folder = tmp_path / "kmnist"
    folder.mkdir()
    files = {"train-imgs": X, "train-labels": Y, "test-imgs": X_TEST, "test-labels": Y_TEST}
    for name, array in files.items():
        np.savez(folder / f"kmnist-{name}.npz", array)
    assert_whole(take(tmp_path, folder))


@pytest.mark.parametrize("names", [("X", "y"), ("x_train", "y_train"), ("images", "labels")])
@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_one_part_is_cut_in_two(names, kind, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    arrays = dict(zip(names, (X, Y), strict=True))
    if kind == "npz":
        np.savez(folder / "any.npz", **arrays)
    else:
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
    dataset = take(tmp_path, folder)
    assert dataset.origin["test_size"] == 0.2
    both = np.concatenate([dataset.x_train, dataset.x_test])
    assert sorted(image.tobytes() for image in both) == sorted(image.tobytes() for image in X)
    assert np.bincount(dataset.y_test).tolist() == [1, 1, 1]


def test_class_names_are_kept(tmp_path):
    np.savez(tmp_path / "own.npz", X=X, y=Y, class_names=["sun", "moon", "a star"])
    assert take(tmp_path, tmp_path / "own.npz").classes.tolist() == ["sun", "moon", "a star"]


LABELS = {
    "text": np.array(["5", "7", "5", "7"] * 3),
    "bytes": np.array([b"5", b"7", b"5", b"7"] * 3),
    "names": np.array(["zero", "one", "zero", "one"] * 3),
    "one-hot": np.eye(2)[[0, 1] * 6],
    "bool": np.array([False, True] * 6),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind(kind, tmp_path):
    np.savez(tmp_path / "own.npz", X=X, y=LABELS[kind])
    dataset = take(tmp_path, tmp_path / "own.npz")
    assert len(dataset.classes) == 2
    assert np.bincount(dataset.y_train).tolist() == [5, 5]


SHAPES = {
    "rows": X.reshape(12, 36),
    "channel last": X[..., None],
    "channel first": X[:, None],
    "grey in three channels": np.repeat(X[..., None], 3, axis=3),
    "three channels first": np.repeat(X[:, None], 3, axis=1),
    "opaque": np.concatenate([*[X[..., None]] * 3, np.full_like(X, 255)[..., None]], axis=3),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_images_of_any_shape(kind, tmp_path):
    np.savez(tmp_path / "own.npz", x_train=SHAPES[kind], y_train=Y, x_test=X_TEST, y_test=Y_TEST)
    dataset = take(tmp_path, tmp_path / "own.npz")
    assert_whole(dataset)
    assert dataset.origin["colour"] is False


def test_colour_becomes_its_luma(tmp_path):
    """Of whole and of real numbers, as Pillow has it."""
    colours = np.random.default_rng(0).integers(0, 256, (12, 4, 4, 3), np.uint8)
    grey = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in colours])
    for images in (colours, colours.astype(np.int64), colours.astype(np.float64)):
        np.savez(tmp_path / "own.npz", x_train=images, y_train=Y, x_test=images, y_test=Y)
        dataset = take(tmp_path, tmp_path / "own.npz")
        assert np.abs(dataset.x_train - grey.astype(float)).max() <= 0.5 * (
            images.dtype.kind == "f"
        )
        assert dataset.origin["colour"] is True
    by_hand = colours[0, 0, 0] @ [0.299, 0.587, 0.114]
    assert dataset.x_train[0, 0, 0] == pytest.approx(by_hand, abs=0.01)


@pytest.mark.parametrize("top", [255, 1.0, 65535])
def test_what_is_transparent_is_on_white(top, tmp_path):
    images = np.zeros((12, 2, 2, 4), np.uint16 if top == 65535 else type(top))
    images[:, 0, 0] = [0, 0, 0, top]
    images[:, 0, 1] = [top, 0, 0, 0]
    images[:, 1, 0, 3] = top / 2 if top == 1 else top // 2
    np.savez(tmp_path / "own.npz", X=images, y=Y)
    first = take(tmp_path, tmp_path / "own.npz").x_train[0]
    assert first[0].tolist() == [0, top]
    assert first[1, 0] == pytest.approx(top / 2, abs=1 if top > 1 else 0)


@pytest.mark.parametrize("prefix", ["", "fashion-", "emnist-letters-"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_of_idx_files(prefix, packed, tmp_path):
    arrays = {"images_train": X, "labels_train": Y.astype("u1")}
    arrays |= {"images_t10k": X_TEST, "labels_t10k": Y_TEST.astype("u1")}
    write_idx(tmp_path / "own", prefix, packed, **arrays)
    dataset = take(tmp_path, tmp_path / "own")
    assert_whole(dataset)
    assert dataset.origin["format"] == "idx"


def test_idx_files_as_qmnist_has_them(tmp_path):
    """Eight numbers a label, of which the first is the class."""
    for part, x, y in (("train", X, Y), ("test", X_TEST, Y_TEST)):
        many = np.column_stack([y, np.full((len(y), 7), 99)]).astype(np.int32)
        (tmp_path / f"qmnist-{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x)))
        (tmp_path / f"qmnist-{part}-labels-idx2-int.gz").write_bytes(gzip.compress(idx(many)))
    assert_whole(take(tmp_path / "made", tmp_path))


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
def test_idx_files_of_any_numbers(dtype, tmp_path):
    x = (X // 2).astype(dtype)
    write_idx(tmp_path / "own", images_train=x, labels_train=Y.astype("u1"))
    dataset = take(tmp_path, tmp_path / "own", test_size=0.3)
    assert np.isin(dataset.x_train, x).all()
    assert dataset.origin["dtypes"]["train"] == str(np.dtype(dtype))


BAD_IDX = {
    "cut": gzip.compress(idx(X))[:-20],
    "no idx": gzip.compress(b"hello"),
    "lying": struct.pack(">BBBB3I", 0, 0, 8, 3, 10**9, 28, 28) + bytes(9),
    "packed lie": gzip.compress(struct.pack(">BBBB3I", 0, 0, 8, 3, 10**9, 28, 28) + bytes(9)),
    "longer": idx(X) + b"0",
}


@pytest.mark.parametrize("kind", BAD_IDX)
def test_a_damaged_idx_file_is_named(kind, tmp_path):
    write_idx(tmp_path, images_train=X, labels_train=Y.astype("u1"))
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(BAD_IDX[kind])
    assert refusal(tmp_path / "made", tmp_path).startswith(f"{path}: ")
