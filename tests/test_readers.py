"""Each format in which people have their images is read as it is; what is damaged is named."""

import gzip
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from own_datasets import csv_text, fetched, idx, numbered, write_idx, write_pictures
from PIL import Image

from core.errors import UserError

X, Y = numbered(12), np.arange(12) % 3
X_TEST, Y_TEST = numbered(6), np.arange(6) % 3


def take(folder: Path, path: Path | str, **changes):
    return fetched(folder / "out.npz", path, **changes)


def assert_whole(dataset, test: bool = True, names: list[str] | None = None) -> None:
    """`X` and `Y` are the training part; and `X_TEST` and `Y_TEST` the test part."""
    np.testing.assert_array_equal(dataset.x_train, X)
    np.testing.assert_array_equal(dataset.y_train, Y)
    if test:
        np.testing.assert_array_equal(dataset.x_test, X_TEST)
        np.testing.assert_array_equal(dataset.y_test, Y_TEST)
    assert dataset.classes.tolist() == (names or ["0", "1", "2"])


def refusal(folder: Path, path: Path | str, **changes) -> str:
    with pytest.raises(UserError) as error:
        take(folder, path, **changes)
    assert str(error.value).isprintable()
    assert not (folder / "out.npz").exists()
    return str(error.value)


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


@pytest.mark.parametrize("name", ["train.csv", "TRAIN.CSV", "any.csv.gz"])
def test_a_table_as_on_kaggle(name, tmp_path):
    text = csv_text(X, Y)
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if "gz" in name else text.encode())
    dataset = take(tmp_path / "made", tmp_path / name)
    assert dataset.x_train.dtype == np.uint8
    assert {image.tobytes() for image in dataset.x_train} < {image.tobytes() for image in X}
    assert dataset.name == name.split(".")[0]
    assert dataset.origin["format"] == "csv"


def test_tables_of_each_part(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sign_train.csv").write_text(csv_text(X, Y))
    (tmp_path / "own" / "sign_test.csv").write_text(csv_text(X_TEST, Y_TEST))
    assert_whole(take(tmp_path, tmp_path / "own"))


def test_a_test_table_without_labels_is_left_out_and_named(tmp_path, capsys):
    """As Kaggle's; and its example of an answer is no dataset."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "train.csv").write_text(csv_text(X, Y))
    (tmp_path / "own" / "test.csv").write_text(csv_text(X_TEST, None))
    (tmp_path / "own" / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    dataset = take(tmp_path, tmp_path / "own")
    assert len(dataset.x_test) == 3
    line = f"{tmp_path}/own/test.csv: not used, since it has no column label\n"
    assert line in capsys.readouterr().err


TABLES = {
    "label last": "a,b,c,d,Label\n1,2,3,4,{}\n",
    "label within": "a,b,LABEL,c,d\n1,2,{},3,4\n",
    "quoted": '"label","a","b","c","d"\n"{}","1","2","3","4"\n',
    "spaces": " label , a, b, c, d\n{}, 1, 2, 3, 4\n",
    "Windows": "\ufefflabel,a,b,c,d\r\n{},1,2,3,4\r\n",
    "real": "label,a,b,c,d\n{},1.0,2.00,3,4e0\n",
    "empty lines": "label,a,b,c,d\n\n{},1,2,3,4\n\n",
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_as_people_write_them(kind, tmp_path):
    head, *rest = TABLES[kind].split("\n", 1)
    rows = "".join(rest[0].format(label) for label in ("cat, small", "dog") * 2)
    if kind != "quoted":
        rows = rows.replace("cat, small", "cat")
    (tmp_path / "own.csv").write_bytes(f"{head}\n{rows}".encode())
    dataset = take(tmp_path, tmp_path / "own.csv")
    assert dataset.classes.tolist() == ["cat, small" if kind == "quoted" else "cat", "dog"]
    assert dataset.x_train[0].tolist() == [[1, 2], [3, 4]]
    assert dataset.x_train.dtype == np.uint8


def test_real_pixels_in_one_table_are_real_in_both(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "train.csv").write_text(csv_text(X / 255, Y))
    (tmp_path / "own" / "test.csv").write_text(csv_text(X_TEST * 0, Y_TEST))
    dataset = take(tmp_path, tmp_path / "own")
    assert dataset.x_train.dtype == dataset.x_test.dtype == np.float32
    np.testing.assert_allclose(dataset.x_train, X / 255, atol=1e-6)


def test_a_table_of_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("dataset.table.BLOCK_BYTES", 50)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "train.csv").write_text(csv_text(X, Y))
    (tmp_path / "own" / "test.csv").write_text(csv_text(X_TEST, Y_TEST).rstrip("\n"))
    assert_whole(take(tmp_path, tmp_path / "own"))


HEAD = "label,a,b,c,d\n"
BAD_TABLES = {
    "own.csv: the first line names 5 columns, 0 of them label; allowed: one called": "a,b,c,d,e\n",
    "own.csv: the first line names 4 columns, 1 of them label": "label,a,b,c\n0,1,2,3\n",
    "own.csv: the first line names 5 columns, 2 of them label": "label,a,b,c,Label\n0,1,2,3,4\n",
    "own.csv: the first line names 0 columns, 0 of them": "\n",
    "own.csv: the first line names 0 columns": "",
    "own.csv, line 3: 4 cells; allowed: 5, as in the first line": f"{HEAD}0,1,2,3,4\n0,1,2,3\n",
    "own.csv, line 2: c is 'x'; allowed: a number": f"{HEAD}0,1,2,x,4\n",
    "own.csv, line 2: c is ''; allowed: a number": f"{HEAD}0,1,2,,4\n",
    "own.csv, line 4: d is 'nan'; allowed: a number": f"{HEAD}0,1,2,3,4\n\n0,1,2,3,nan\n",
    "own.csv, line 2: a is '1_0'": f"{HEAD}0,1_0,2,3,4\n",
    "own.csv: 'utf-8' codec": b"label,a,b,c,d\n\xff,1,2,3,4\n",
    "own.csv: no images in train": HEAD,
}


@pytest.mark.parametrize("message", BAD_TABLES)
def test_what_is_no_table_is_named(message, tmp_path):
    content = BAD_TABLES[message]
    (tmp_path / "own.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert refusal(tmp_path, tmp_path / "own.csv").startswith(f"{tmp_path}/{message}")


def test_a_line_without_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("dataset.table.LONGEST_ROW", 1000)
    (tmp_path / "own.csv.gz").write_bytes(gzip.compress(HEAD.encode() + b"1" * 3_000_000))
    assert "a line of over 1000 bytes; allowed: shorter" in refusal(
        tmp_path, tmp_path / "own.csv.gz"
    )


@pytest.mark.parametrize("suffix", ["png", "PNG", "bmp", "gif", "tiff"])
def test_folders_of_images(suffix, tmp_path):
    own = tmp_path / "own"
    order = np.argsort(Y, kind="stable")
    write_pictures(own / "train", X[order], Y[order], suffix)
    write_pictures(own / "test", X_TEST, Y_TEST, suffix)
    write_pictures(own / "Validation", X[:3], Y[:3], suffix)
    (own / "train" / "0" / ".hidden.png").write_text("no image")
    (own / "train" / "0" / "._0000.png").write_text("what macOS leaves")
    (own / "README.md").write_text("no image")
    dataset = take(tmp_path, own)
    np.testing.assert_array_equal(dataset.x_train, X[order])
    np.testing.assert_array_equal(dataset.y_train, Y[order])
    np.testing.assert_array_equal(dataset.x_validation, X[:3])
    assert dataset.y_test.tolist() == [0, 0, 1, 1, 2, 2]
    assert dataset.origin["format"] == "images"


@pytest.mark.parametrize("above", ["", "letters/deep"])
def test_folders_of_classes_only(above, tmp_path):
    names = np.array(["sun", "moon", "star"])[Y]
    write_pictures(tmp_path / "own" / above, X, names)
    dataset = take(tmp_path, tmp_path / "own")
    assert dataset.classes.tolist() == ["moon", "star", "sun"]
    assert np.bincount(dataset.y_test).tolist() == [1, 1, 1]


def test_a_jpeg_is_read(tmp_path):
    smooth = np.full((12, 8, 8), 100, np.uint8) + Y[:, None, None].astype(np.uint8)
    write_pictures(tmp_path / "own", smooth, Y, "jpg")
    assert np.abs(take(tmp_path, tmp_path / "own").x_train - 101.0).max() <= 2


def save(path: Path, image: Image.Image, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


GREY = Image.fromarray(np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6))
TURNED = Image.Exif()
TURNED[0x0112] = 6  # a quarter of a turn to the right


def clear(image: Image.Image) -> Image.Image:
    """With its left half transparent."""
    image = image.convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 3, 4))
    return image


ON_WHITE = np.asarray(GREY).copy()
ON_WHITE[:, :3] = 255
MODES = {
    "palette": (GREY.convert("RGB").quantize(256), {}, np.asarray(GREY), 8),
    "alpha": (clear(GREY), {}, ON_WHITE, 1),
    "grey and alpha": (clear(GREY).convert("LA"), {}, ON_WHITE, 1),
    "palette and alpha": (GREY.convert("P"), {"transparency": 0}, None, 0),
    "one bit": (GREY.convert("1", dither=0), {}, np.where(np.asarray(GREY) > 127, 255, 0), 0),
    "turned": (GREY, {"exif": TURNED}, np.rot90(np.asarray(GREY), -1), 0),
    "16 bits": (Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257), {}, None, 0),
}


@pytest.mark.parametrize("kind", MODES)
def test_images_as_cameras_and_programs_save_them(kind, tmp_path):
    image, options, expected, near = MODES[kind]
    for place in range(4):
        save(tmp_path / "own" / str(place % 2) / f"{place}.png", image, **options)
    dataset = take(tmp_path, tmp_path / "own")
    if kind == "16 bits":
        expected = np.asarray(GREY) * 257.0
        assert dataset.origin["dtypes"]["train"] == "uint16"
    elif kind == "palette and alpha":
        expected = np.where(np.asarray(GREY) == np.asarray(GREY)[0, 0], 255, np.asarray(GREY))
    assert np.abs(dataset.x_train[0] - expected.astype(float)).max() <= near


@pytest.mark.parametrize("kind", ["CMYK", "RGB", "turned", "TIFF"])
def test_other_files_than_png(kind, tmp_path):
    turned = kind in ("turned", "TIFF")
    flat = Image.new("RGB", (8, 16), (200, 100, 50)) if not turned else GREY.resize((16, 8), 0)
    suffix = "tif" if kind == "TIFF" else "jpg"
    options = {"exif": TURNED} if turned else {}
    for place in range(4):
        image = flat.convert("CMYK") if kind == "CMYK" else flat
        save(tmp_path / "own" / str(place % 2) / f"{place}.{suffix}", image, **options)
    dataset = take(tmp_path, tmp_path / "own")
    assert dataset.x_train[0].shape == (16, 8)
    assert dataset.origin["colour"] is not turned
    if not turned:
        assert np.abs(dataset.x_train[0] - (0.299 * 200 + 0.587 * 100 + 0.114 * 50)).max() < 3


def test_images_of_several_sizes_are_counted_or_resized(tmp_path):
    write_pictures(tmp_path / "own", X, Y)
    save(tmp_path / "own" / "1" / "large.png", Image.new("L", (9, 8), 7))
    line = refusal(tmp_path, tmp_path / "own")
    assert line == (
        f"{tmp_path}/own: images of 2 sizes: 6x6 (12, as 0/0000.png), 8x9 (1, as 1/large.png);"
        " allowed: one size, or download.resize: [height, width]"
    )
    dataset = take(tmp_path, tmp_path / "own", resize=[4, 5])
    assert dataset.x_train.shape[1:] == (4, 5)
    assert dataset.origin["resized"] == [4, 5]


def test_images_of_several_depths_are_counted(tmp_path):
    write_pictures(tmp_path / "own", X, Y)
    save(tmp_path / "own" / "1" / "deep.png", Image.fromarray(X[0].astype(np.uint16) * 257))
    assert "images of 2 depths: uint8 (12, as 0/0000.png), uint16 (1, as 1/deep.png); allowed" in (
        refusal(tmp_path, tmp_path / "own")
    )


def test_damaged_images_are_named(tmp_path):
    write_pictures(tmp_path / "own", X, Y)
    whole = (tmp_path / "own" / "0" / "0000.png").read_bytes()
    (tmp_path / "own" / "1" / "cut.png").write_bytes(whole[:50])
    (tmp_path / "own" / "2" / "page.png").write_text("<html>not found</html>")
    frames = [Image.fromarray(image) for image in X[:2]]
    frames[0].save(tmp_path / "own" / "2" / "moves.gif", save_all=True, append_images=frames[1:])
    line = refusal(tmp_path, tmp_path / "own")
    assert line.startswith(f"{tmp_path}/own: 3 of 15 images cannot be read: 1/cut.png (")
    assert "2/moves.gif (several images in one file; allowed: one)" in line
    assert "2/page.png (cannot identify image file" in line


def test_an_image_too_large_is_not_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr("dataset.pictures.MOST_PIXELS", 35)
    write_pictures(tmp_path / "own", X, Y)
    monkeypatch.setattr(Image.Image, "load", None)
    assert "12 of 12 images cannot be read: 0/0000.png (6x6 pixels; allowed: up to 35)" in (
        refusal(tmp_path, tmp_path / "own")
    )


def test_images_elsewhere_are_named(tmp_path):
    write_pictures(tmp_path / "own", X, Y)
    save(tmp_path / "own" / "top.png", GREY)
    assert (
        f"{tmp_path}/own/top.png: an image in another place; allowed: CLASS/image, or train/"
        in (refusal(tmp_path, tmp_path / "own"))
    )
    write_pictures(tmp_path / "parts" / "test", X, Y)
    assert "no images of train; allowed: CLASS/image" in refusal(tmp_path, tmp_path / "parts")


def pack(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
        archive.writestr("__MACOSX/own/._x.png", "what macOS leaves")
    return path


@pytest.mark.parametrize("kind", ["npz", "idx", "csv", "images"])
def test_a_zip_of_any_of_these(kind, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    if kind == "npz":
        np.savez(own / "a.npz", x_train=X, y_train=Y, x_test=X_TEST, y_test=Y_TEST)
    elif kind == "idx":
        arrays = {"images_train": X, "labels_train": Y.astype("u1")}
        write_idx(own, images_t10k=X_TEST, labels_t10k=Y_TEST.astype("u1"), **arrays)
    elif kind == "csv":
        (own / "train.csv").write_text(csv_text(X, Y))
        (own / "test.csv").write_text(csv_text(X_TEST, Y_TEST))
    else:
        for part, x, y in (("train", X, Y), ("test", X_TEST, Y_TEST)):
            order = np.argsort(y, kind="stable")
            write_pictures(own / part, x[order], y[order])
    from_folder = take(tmp_path / "folder", own)
    dataset = take(tmp_path / "zip", pack(own, tmp_path / "letters.ZIP"))
    assert dataset.name == "letters"
    for name in ("x_train", "y_train", "x_test", "y_test", "classes"):
        np.testing.assert_array_equal(getattr(dataset, name), getattr(from_folder, name))
    (tmp_path / "data").mkdir()
    (tmp_path / "letters.ZIP").rename(tmp_path / "data" / "letters.ZIP")
    np.testing.assert_array_equal(take(tmp_path, tmp_path / "data").x_train, dataset.x_train)


def member(name: str, method: int = zipfile.ZIP_STORED, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type, info.external_attr = method, mode << 16
    return info


MEMBERS = {
    "../x.csv: a path that leads out of the archive; allowed: files within": member("../x.csv"),
    "/x.csv: a path that leads out of the archive": member("/x.csv"),
    "x.csv: a link; allowed: files": member("x.csv", mode=0o120777),
    "x.csv: compressed in a way that unpacks without limit": member("x.csv", zipfile.ZIP_BZIP2),
    ": no dataset (found x.txt); allowed: .npz": member("x.txt"),
}


@pytest.mark.parametrize("message", MEMBERS)
def test_a_zip_that_cannot_be_trusted_is_refused(message, tmp_path):
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr(MEMBERS[message], csv_text(X, Y))
    separator = "" if message.startswith(":") else ": "
    line = f"{tmp_path}/own.zip{separator}{message}"
    assert refusal(tmp_path, tmp_path / "own.zip").startswith(line)


def test_a_file_without_a_name_is_refused(tmp_path):
    """As none of Python's own archives has one; the fuzzer made it."""
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("own.csv", csv_text(X, Y))
    content = (tmp_path / "own.zip").read_bytes().replace(b"own.csv", b"\0wn.csv")
    (tmp_path / "own.zip").write_bytes(content)
    assert "a file without a name; allowed: files" in refusal(tmp_path, tmp_path / "own.zip")


def test_bombs_are_refused_before_they_unpack(tmp_path, monkeypatch):
    for module in ("files", "table", "idx", "arrays", "shapes"):
        monkeypatch.setattr(f"dataset.{module}.MAXIMUM_BYTES", 10**6)
    with zipfile.ZipFile(tmp_path / "own.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", bytes(2 * 10**6))
    assert "unpacks to 2000000 bytes; allowed: at most" in refusal(tmp_path, tmp_path / "own.zip")
    long = "\n".join([HEAD.strip(), *["0" + ",1" * 4] * 300_000])
    (tmp_path / "own.csv.gz").write_bytes(gzip.compress(long.encode()))
    assert "over 1000000 bytes of images; allowed: fewer" in refusal(
        tmp_path, tmp_path / "own.csv.gz"
    )
    write_idx(
        tmp_path / "idx", images_train=np.zeros((30, 200, 200), "u1"), labels_train=Y.astype("u1")
    )
    assert "whose header says 1200000 bytes" in refusal(tmp_path, tmp_path / "idx")
    write_pictures(tmp_path / "own", np.zeros((30, 200, 200), np.uint8), np.arange(30) % 2)
    assert "30 images of 200x200 take 1200000 bytes; allowed: at most 1000000" in (
        refusal(tmp_path, tmp_path / "own")
    )
    np.savez(tmp_path / "two.npz", x_train=np.zeros((12, 280, 280), "u1"), y_train=Y, x_test=X)
    assert "allowed: y_test, test_labels" in refusal(tmp_path, tmp_path / "two.npz")


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


def test_which_files_are_meant_is_said(tmp_path, capsys):
    own = tmp_path / "own"
    write_idx(own, "emnist-letters-", images_train=X, labels_train=Y.astype("u1"))
    assert "no IDX file" not in capsys.readouterr().err
    write_idx(own, "emnist-digits-", images_train=X, labels_train=Y.astype("u1"))
    assert "IDX files of several datasets (emnist-digits-, emnist-letters-); allowed: those" in (
        refusal(tmp_path, own)
    )
    lone = tmp_path / "lone"
    write_idx(lone, images_train=X)
    (lone / "x.txt").write_text("x")
    assert "no IDX file of the labels of train; allowed: one like train-labels-idx1-ubyte.gz" in (
        refusal(tmp_path, lone)
    )
    np.savez(tmp_path / "two.npz", x_train=X, train_images=X, y_train=Y)
    assert "train_images and x_train are both the images of train; allowed: one" in (
        refusal(tmp_path, tmp_path / "two.npz")
    )
    (tmp_path / "csv").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "csv" / name).write_text(csv_text(X, Y))
    assert "0 CSV files of train (found a.csv, b.csv); allowed: one of each part, as train.csv" in (
        refusal(tmp_path, tmp_path / "csv")
    )
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path}/empty: no dataset (found nothing); allowed: .npz" in (
        refusal(tmp_path, tmp_path / "empty")
    )


def test_a_path_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "own.npz", x_train=X, y_train=Y, x_test=X_TEST, y_test=Y_TEST)
    assert_whole(take(tmp_path, "~/own.npz"))
    assert refusal(tmp_path / "made", "~/none.npz") == (
        f"download.path: '{tmp_path}/none.npz' is not allowed (no such file or folder); allowed:"
        " the path of a file or folder with a dataset"
    )


def test_links_to_files_are_followed_and_to_folders_refused(tmp_path):
    """DVC notices a change behind the one, and not behind the other."""
    write_pictures(tmp_path / "real", X, Y)
    (tmp_path / "own" / "0").mkdir(parents=True)
    (tmp_path / "own" / "1").mkdir()
    for place, file in enumerate(sorted((tmp_path / "real" / "0").iterdir())):
        (tmp_path / "own" / str(place % 2) / file.name).symlink_to(file)
    assert take(tmp_path, tmp_path / "own").x_train.shape == (2, 6, 6)
    (tmp_path / "own" / "2").symlink_to(tmp_path / "real" / "2")
    (tmp_path / "out.npz").unlink()
    assert f"{tmp_path}/own/2: a link to a folder, whose changes DVC would not notice" in (
        refusal(tmp_path, tmp_path / "own")
    )
    (tmp_path / "own" / "2").unlink()
    os.mkfifo(tmp_path / "own" / "0" / "pipe.png")
    assert "own/0/pipe.png: no file; allowed: folders and files" in (
        refusal(tmp_path, tmp_path / "own")
    )


def test_transposed_and_resized(tmp_path):
    wide = numbered(12, 4, 6)
    np.savez(tmp_path / "own.npz", x_train=wide, y_train=Y, x_test=wide, y_test=Y)
    dataset = take(tmp_path, tmp_path / "own.npz", transpose=True)
    np.testing.assert_array_equal(dataset.x_train, wide.swapaxes(1, 2))
    assert dataset.origin["transposed"] is True
    for part in ("train", "test"):
        write_pictures(tmp_path / "own" / part, wide, Y)
    for path in (tmp_path / "own.npz", tmp_path / "own"):
        both = take(tmp_path, path, transpose=True, resize=[3, 2])
        first = Image.fromarray(wide[0]).transpose(Image.Transpose.TRANSPOSE)
        near = np.asarray(first.resize((2, 3), Image.Resampling.BILINEAR)).astype(float)
        assert np.abs(both.x_train[0] - near).max() <= 1
    flat = np.full((12, 4, 6), 40_000, np.uint16)
    for images in (flat, flat / 40_000, flat > 0):
        np.savez(tmp_path / "own.npz", x_train=images, y_train=Y, x_test=images, y_test=Y)
        dataset = take(tmp_path, tmp_path / "own.npz", resize=[9, 9])
        assert dataset.x_train.shape == (12, 9, 9)
        assert (dataset.x_train == float(images[0, 0, 0])).all()


def test_the_same_folder_gives_the_same_bytes(tmp_path):
    for name, order in (("one", range(12)), ("two", reversed(range(12)))):
        for place in order:
            path = tmp_path / name / "own" / str(Y[place]) / f"{place}.png"
            save(path, Image.fromarray(X[place]))
        take(tmp_path / name, tmp_path / name / "own")
    assert (tmp_path / "one" / "out.npz").read_bytes() == (
        tmp_path / "two" / "out.npz"
    ).read_bytes()


@pytest.mark.parametrize(("share", "expected"), [(0.2, [2, 1, 1, 0]), (0.5, [5, 1, 1, 0])])
def test_each_class_gives_its_share_and_keeps_an_image(share, expected, tmp_path):
    y = np.repeat([0, 1, 2, 3], [10, 3, 2, 1])
    x = numbered(len(y))
    np.savez(tmp_path / "own.npz", X=x, y=y)
    made = [take(tmp_path, tmp_path / "own.npz", test_size=share, test_seed=s) for s in (1, 1, 2)]
    counts = np.bincount(made[0].y_test, minlength=4)
    assert counts.tolist()[0] == expected[0]
    assert (counts[1:] >= [1, 1, 0]).all()
    assert np.bincount(made[0].y_train).min() >= 1
    np.testing.assert_array_equal(made[0].x_test, made[1].x_test)
    assert not np.array_equal(made[0].x_test, made[2].x_test)


def test_no_image_to_spare_is_said(tmp_path):
    np.savez(tmp_path / "own.npz", X=X[:3], y=Y[:3])
    assert "no class has two images, so that none can be held out as test part; allowed: two" in (
        refusal(tmp_path, tmp_path / "own.npz")
    )
    np.savez(tmp_path / "own.npz", X=X[:3], y=Y)
    assert "3 images and 12 labels in train" in refusal(tmp_path, tmp_path / "own.npz")
