"""Folders of images, as cameras and programs save them; what is damaged is named."""

import numpy as np
import pytest
from own_datasets import X_TEST, Y_TEST, X, Y, refusal, save, take, write_pictures
from PIL import Image


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
        f"{tmp_path}/own: images of 2 sizes: 6x6 (12, such as 0/0000.png), 8x9 (1, such as"
        " 1/large.png);"
        " allowed: one size, or download.resize: [height, width]"
    )
    dataset = take(tmp_path, tmp_path / "own", resize=[4, 5])
    assert dataset.x_train.shape[1:] == (4, 5)
    assert dataset.origin["resized"] == [4, 5]


def test_images_of_several_depths_are_counted(tmp_path):
    write_pictures(tmp_path / "own", X, Y)
    save(tmp_path / "own" / "1" / "deep.png", Image.fromarray(X[0].astype(np.uint16) * 257))
    assert "images of 2 depths: uint8 (12, such as 0/0000.png), uint16 (1, such as 1/deep.png)" in (
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
    assert "2/page.png (not an image; allowed: PNG, JPEG, BMP, GIF or TIFF)" in line


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
        f"{tmp_path}/own/top.png: an image in an unexpected folder; allowed: CLASS/image, or train/"
        in (refusal(tmp_path, tmp_path / "own"))
    )
    write_pictures(tmp_path / "parts" / "test", X, Y)
    assert "no images of train; allowed: CLASS/image" in refusal(tmp_path, tmp_path / "parts")
