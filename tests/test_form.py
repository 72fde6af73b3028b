"""The format of a model's images at the bounds of its rules, in numbers by hand."""

import json

import numpy as np
import pytest

from core.errors import UserError
from prediction.form import MOST_PIXELS, Form, read_trained


def form(low: float = 0.0, high: float = 255.0, dtype: str = "uint8", paper: float | None = None):
    return Form(8, 8, dtype, low, high, low if paper is None else paper)


def of(value: float, dtype: str) -> np.ndarray:
    return np.full((1, 8, 8), value, dtype)


@pytest.mark.parametrize(
    ("high", "dtype", "value", "expected"),
    [
        # Pictures of 8 bits of a dataset up to 33 or more have its units, as have those up to 16.
        *((255, "uint8", 200, 200), (33, "uint8", 200, 200), (32, "uint8", 255, 32)),
        *((32, "uint8", 64, 64), (32, "uint8", 65, 8), (255, "bool", 1, 255)),
        # Pictures of 16 bits, and real ones: from 0 to 1, or as the dataset.
        *((255, "uint16", 65_535, 255), (255, "int32", 32_768, 128)),
        *((255, "float32", 1, 255), (255, "float32", 2, 2), (16, "float64", 0.5, 8)),
    ],
)
def test_the_units_of_pictures(high, dtype, value, expected):
    found = form(0, high).as_it_is(of(value, dtype), pictures=True)
    assert found.dtype == np.uint8
    assert np.unique(found).tolist() == [expected]


@pytest.mark.parametrize(
    ("high", "kind", "dtype", "value", "expected"),
    [
        *((255, "uint8", "float32", 1, 255), (255, "uint8", "float32", 1.5, 2)),
        *((255, "float32", "float32", 1, 1), (1, "uint8", "float32", 1, 1)),
        *((1, "float32", "uint8", 2, 2), (1, "float32", "uint8", 255, 1)),
        *((1, "float32", "uint16", 256, 256), (16, "uint8", "uint8", 32, 32)),
        *((16, "uint8", "uint8", 51, 3), (0.25, "float32", "float32", 1, 1)),
    ],
)
def test_the_units_of_arrays(high, kind, dtype, value, expected):
    found = form(0, high, kind).as_it_is(of(value, dtype), pictures=False)
    assert (found.dtype, np.unique(found).tolist()) == (kind, [expected])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("pictures", [False, True])
def test_pixels_that_are_no_number_are_refused(value, pictures):
    images = of(0.5, "float32")
    images[0, 3, 3] = value
    for kind in ("uint8", "float32"):
        with pytest.raises(UserError, match="NaN or infinite; allowed: finite numbers"):
            form(dtype=kind).as_it_is(images, pictures)
    for digit in (False, True):
        with pytest.raises(UserError, match="NaN or infinite; allowed: finite numbers"):
            form().fitted(images[0], digit)


def test_pixels_that_bytes_cannot_hold_are_refused():
    assert form().as_it_is(of(0, "int64"), False).dtype == np.uint8
    assert len(form().as_it_is(of(0, "int64")[:0], False)) == 0
    for value in (-1, 256):
        with pytest.raises(UserError, match=rf"pixels from {value} to {value}; allowed: 0 to 255"):
            form().as_it_is(of(value, "int64"), False)


@pytest.mark.parametrize(
    ("dtype", "pixels", "expected"),
    [
        ("uint8", (0, 51, 255), (0, 0.2, 1)),
        ("uint16", (0, 13_107, 65_535), (0, 0.2, 1)),
        ("int64", (0, 51, 255), (0, 0.2, 1)),
        ("int64", (0, 256, 13_107), (0, 256 / 65_535, 0.2)),
        ("float64", (0, 0.2, 1), (0, 0.2, 1)),
        ("float64", (0, 51, 255), (0, 0.2, 1)),
        ("float64", (-1, 0, 3), (0, 0.25, 1)),  # of no units: from the lowest to the highest
        ("float64", (1, 10, 100_001), (0, 9e-5, 1)),
    ],
)
def test_an_image_of_any_units_is_scaled(dtype, pixels, expected):
    """From 0 to 1, as far as its dtype and its highest pixel tell the units."""
    image = np.tile(np.array(pixels, dtype), (3, 1))
    real = Form(3, 3, "float32", 2.0, 4.0, 3.0)  # of a grey background: nothing is inverted
    found = real.fitted(image, digit=False)
    np.testing.assert_allclose(found, np.tile(2 + 2 * np.array(expected), (3, 1)), rtol=1e-6)


@pytest.mark.parametrize(
    ("height", "width"), [(28, 28), (28, 40), (40, 28), (8, 8), (8, 14), (9, 9)]
)
@pytest.mark.parametrize("paper", [0, 255])
def test_a_digit_is_put_into_the_middle_of_the_shorter_side(height, width, paper):
    """Its longest side takes 20 of 28 pixels, and all of the 8 of small digits."""
    image = np.zeros((30, 30), np.uint8)
    image[5:25, 5:25] = 255
    found = Form(height, width, "uint8", 0.0, 255.0, float(paper)).fitted(image, digit=True)
    side = min(height, width)
    box = {28: 20, 8: 8, 9: 6}[side]
    ink = found < 128 if paper else found >= 128
    for axis, length in ((1, height), (0, width)):
        lines = np.flatnonzero(ink.any(axis=axis))
        assert len(lines) == box
        assert abs(lines[0] - (length - 1 - lines[-1])) <= 1


def test_images_of_the_models_size_and_their_paper():
    own = Form(4, 6, "float32", 10.0, 30.0, 10.0)
    assert own.side == "4x6"
    assert own.fits(np.zeros((2, 4, 6)))
    assert not own.fits(np.zeros((2, 6, 4)))
    dark = np.full((4, 6), 10.0)
    dark[1:3, 1:5] = 30
    assert own.inverted(np.stack([dark, 40 - dark, 40 - dark])) == 2


@pytest.mark.parametrize(
    ("change", "is_valid"),
    [
        ({"height": MOST_PIXELS // 8, "width": 8}, True),
        ({"height": MOST_PIXELS // 8 + 1, "width": 8}, False),
        ({"height": 1, "width": 1}, True),
        ({"width": 0}, False),
        ({"height": 8.0}, False),
        ({"dtype": "float32", "pixel_range": [-2.5, 1]}, True),
        ({"pixel_range": [float("-inf"), 1]}, False),
        ({"pixel_range": [0, float("inf")]}, False),
        ({"pixel_range": [2, 1]}, False),
        ({"dtype": "uint16"}, False),
    ],
)
def test_the_record_of_a_form(change, is_valid, tmp_path):
    image = {"height": 8, "width": 8, "dtype": "uint8", "pixel_range": [0, 16], "background": 0}
    image |= change
    (tmp_path / "training.json").write_text(json.dumps({"classes": ["a", "b"], "image": image}))
    if is_valid:
        _, _, found = read_trained(tmp_path)
        assert (found.height, found.width) == (image["height"], image["width"])
    else:
        with pytest.raises(UserError, match="or not valid; run make report"):
            read_trained(tmp_path)


@pytest.mark.parametrize("paper", [0, 0.2, 0.3, 0.5, 0.7, 0.8, 1])
def test_a_training_background_in_the_middle_half_decides_nothing(paper):
    """Only a background in the darkest or the lightest quarter says whether ink is light."""
    form = Form(28, 28, "float32", 10.0, 30.0, 10 + 20 * paper)
    image = np.zeros((28, 28))
    image[10:18, 10:18] = 1
    for light_border, shown in ((False, image), (True, 1 - image)):
        inverted = 1 - shown if paper in (0.2, 0) and light_border else shown
        if paper in (0.8, 1) and not light_border:
            inverted = 1 - shown
        found = form.fitted(shown, digit=False)
        np.testing.assert_allclose(found, 10 + 20 * inverted)
        in_units = (10 + 20 * shown).astype(np.float32)
        assert form.inverted(in_units[None]) == (inverted is not shown)


@pytest.mark.parametrize("contrast", [0.2, 0.3])
def test_an_image_without_contrast_is_not_inverted(contrast):
    image = np.full((28, 28), 0.9)
    image[10:18, 10:18] -= contrast
    expected = image if contrast < 0.25 else 1 - image
    form = Form(28, 28, "float32", 0.0, 1.0, 0.0)
    np.testing.assert_allclose(form.fitted(image, digit=False), expected, atol=1e-6)


def test_up_to_twice_the_range_pixels_are_as_they_are():
    """Arrays, and pictures of 8 bits, for a model of pixels from 4 to 16: twice is 28."""
    form = Form(8, 8, "uint8", 4.0, 16.0, 4.0)
    for pictures in (False, True):
        for top in (16, 17, 28, 29, 255):
            image = np.full((1, 8, 8), top, np.uint8)
            found = form.as_it_is(image, pictures).max()
            assert found == (top if top <= 28 else round(4 + 12 * top / 255))
