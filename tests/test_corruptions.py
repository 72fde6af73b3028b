"""Each kind of change, against a picture computed by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.corruptions import CORRUPTIONS, corrupted

RANGE = np.array([0.0, 16.0])
BY_NAME = {corruption.name: corruption for corruption in CORRUPTIONS}
PICTURES = np.random.default_rng(7).integers(0, 17, (3, 8, 8), dtype=np.uint8)


def changed(
    images: np.ndarray, name: str, severity: float, random: object = None, background: float = 0
) -> np.ndarray:
    random = random or np.random.default_rng(1)
    return corrupted(images, RANGE, background, BY_NAME[name], severity, random)


def test_a_quarter_turn_to_either_side():
    either = SimpleNamespace(choice=lambda signs, count: np.resize(signs, count))
    found = changed(PICTURES, "rotated", 90, either)
    for picture, one, sign in zip(PICTURES, found, (-1, 1, -1), strict=True):
        np.testing.assert_array_equal(one, np.rot90(picture, -sign))


@pytest.mark.parametrize(("turn", "axis"), [(0, 1), (0.25, 0)])
@pytest.mark.parametrize("shape", [(8, 12), (12, 8)])
def test_a_shift_by_a_quarter_of_the_shorter_side(shape, turn, axis):
    """Two pixels to the right, or down, by no turn or a quarter; paper comes in from behind."""
    pictures = np.resize(PICTURES, (3, *shape)).astype(np.float32)
    there = SimpleNamespace(uniform=lambda low, high, count: np.full(count, low + turn * high))
    expected = np.roll(pictures, 2, axis=axis + 1)
    expected[(slice(None), slice(0, 2)) if axis == 0 else (..., slice(0, 2))] = 3
    found = changed(pictures, "shifted", 25, there, 3)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_shifts_go_everywhere():
    dot = np.zeros((200, 9, 9), np.uint8)
    dot[:, 4, 4] = 16
    moved = changed(dot, "shifted", 25).astype(float)
    weights = moved / moved.sum(axis=(1, 2), keepdims=True)
    rows, columns = (weights.sum(axis=axis) @ np.arange(9) - 4 for axis in (2, 1))
    np.testing.assert_allclose(np.hypot(rows, columns), 2.25, atol=0.1)
    for offsets in (rows, columns):
        assert offsets.min() < -2
        assert offsets.max() > 2


def test_half_the_size():
    """Each two by two pixels become one, in the middle of paper."""
    expected = np.full((3, 8, 8), 3.0)
    expected[:, 2:6, 2:6] = PICTURES.reshape(3, 4, 2, 4, 2).mean(axis=(2, 4))
    np.testing.assert_array_equal(changed(PICTURES, "shrunk", 50, background=3), np.rint(expected))


def test_twice_the_size():
    """Each new pixel lies a quarter of a pixel from an old one."""
    ramp = np.tile(np.arange(8, dtype=np.uint8) * 2, (1, 8, 1))
    row = 2 * ((np.arange(8) - 3.5) / 2 + 3.5)
    np.testing.assert_array_equal(changed(ramp, "enlarged", 200)[0], np.rint(np.tile(row, (8, 1))))


def test_strokes_that_grow_by_half_a_pixel():
    """Of 28: a quarter of a pixel on either side."""
    dot = np.zeros((1, 28, 28), np.uint8)
    dot[0, 10, 20] = 16
    expected = np.zeros((28, 28))
    expected[9:12, 19:22] = [[1, 4, 1], [4, 16, 4], [1, 4, 1]]
    np.testing.assert_array_equal(changed(dot, "thicker strokes", 2)[0], expected)


def test_strokes_that_grow_by_three_pixels():
    """One and a half on either side."""
    dot = np.zeros((1, 28, 28), np.uint8)
    dot[0, 10, 20] = 16
    half = np.array([0.5, 1, 1, 1, 0.5])
    expected = np.zeros((28, 28))
    expected[8:13, 18:23] = 16 * np.outer(half, half)
    np.testing.assert_array_equal(changed(dot, "thicker strokes", 10)[0], expected)


def test_strokes_of_large_images():
    """They grow by three quarters of the shorter side: 150 pixels on either side."""
    dot = np.zeros((1, 400, 500), np.uint8)
    dot[0, 200, 200] = 16
    expected = np.zeros((400, 500))
    expected[50:351, 50:351] = 16
    np.testing.assert_array_equal(changed(dot, "thicker strokes", 75)[0], expected)


def test_strokes_that_shrink_by_half_a_pixel():
    square = np.zeros((1, 28, 28), np.uint8)
    square[0, 9:12, 19:22] = 16
    expected = np.zeros((28, 28))
    expected[9:12, 19:22] = [[9, 12, 9], [12, 16, 12], [9, 12, 9]]
    np.testing.assert_array_equal(changed(square, "thinner strokes", 2)[0], expected)


def test_a_blur_of_one_pixel():
    dot = np.zeros((1, 20, 20), np.uint8)
    dot[0, 10, 10] = 16
    bell = np.exp(-((np.arange(20) - 10) ** 2) / 2)
    bell /= bell.sum()
    np.testing.assert_array_equal(changed(dot, "blurred", 5)[0], np.rint(16 * np.outer(bell, bell)))


def test_a_blur_continues_the_pixels_at_the_border():
    """So that ink that touches the border, or light paper, does not fade there."""
    wider = np.pad(PICTURES, ((0, 0), (9, 9), (9, 9)), mode="edge")
    found = changed(PICTURES, "blurred", 10)
    expected = changed(wider, "blurred", 10 * 8 / 26)  # the same number of pixels
    np.testing.assert_array_equal(found, expected[:, 9:-9, 9:-9])


def test_noise_of_a_tenth_of_the_range():
    """Each pixel of each image has its own."""
    grey = np.full((50, 28, 28), 8, np.float32)
    noise = np.random.default_rng(1).standard_normal(grey.shape, dtype=np.float32)
    np.testing.assert_allclose(changed(grey, "noisy", 10), 8 + 1.6 * noise, rtol=1e-4)


def test_half_the_ink():
    """Paper stays paper."""
    found = changed(PICTURES.astype(np.float32), "fainter ink", 50, background=4)
    np.testing.assert_allclose(found, 4 + (PICTURES - 4.0) / 2)


def test_the_middle_half_is_inverted():
    expected = PICTURES.copy()
    expected[:, :, 2:6] = 16 - PICTURES[:, :, 2:6]
    np.testing.assert_array_equal(changed(PICTURES, "inverted", 50), expected)
    np.testing.assert_array_equal(changed(PICTURES, "inverted", 100), 16 - PICTURES)
    wide = np.zeros((1, 2, 200), np.uint8)
    np.testing.assert_array_equal(
        changed(wide, "inverted", 75)[0, 0] == 16, [*[0] * 25, *[1] * 150, *[0] * 25]
    )


def test_a_square_of_half_the_side_is_covered():
    places = iter([np.array([0, 1, 4]), np.array([4, 2, 0])])
    there = SimpleNamespace(integers=lambda low, high, count: next(places))
    expected = PICTURES.copy()
    expected[0, 0:4, 4:8] = expected[1, 1:5, 2:6] = expected[2, 4:8, 0:4] = 3
    np.testing.assert_array_equal(changed(PICTURES, "covered", 50, there, 3), expected)


def test_a_cover_lies_anywhere_within():
    ink = np.full((300, 5, 7), 16, np.uint8)
    covered = changed(ink, "covered", 60) == 0
    assert (covered.sum(axis=(1, 2)) == 9).all()
    assert covered.any(axis=0).all()
    large = changed(np.full((1, 300, 200), 16, np.uint8), "covered", 50)
    assert (large == 0).sum() == 100 * 100


@pytest.mark.parametrize("name", BY_NAME)
def test_dark_ink_on_light_paper_is_changed_as_light_on_dark(name):
    for severity in BY_NAME[name].severities:
        light = changed(PICTURES, name, severity, background=2)
        dark = changed(16 - PICTURES, name, severity, background=14)
        np.testing.assert_array_equal(dark, 16 - light)
        assert light.dtype == np.uint8


ALIKE = ("shrunk", "enlarged", "thicker strokes", "thinner strokes", "blurred", "fainter ink")


@pytest.mark.parametrize("name", ALIKE)
def test_each_image_is_changed_alone_and_rows_as_columns(name):
    images = np.random.default_rng(0).uniform(0, 16, (3, 8, 12)).astype(np.float32)
    for severity in BY_NAME[name].severities:
        found = changed(images, name, severity)
        turned = changed(images.transpose(0, 2, 1), name, severity)
        np.testing.assert_allclose(turned.transpose(0, 2, 1), found, atol=1e-5)
        for image, one in zip(images, found, strict=True):
            np.testing.assert_array_equal(changed(image[None], name, severity)[0], one)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_range_of_the_pixels_makes_no_difference(name):
    images = PICTURES.astype(np.float32)
    for severity in BY_NAME[name].severities:
        wider = corrupted(
            *(5 + 2 * images, 5 + 2 * RANGE, 5 + 2 * 3, BY_NAME[name], severity),
            np.random.default_rng(1),
        )
        np.testing.assert_allclose(
            wider, 5 + 2 * changed(images, name, severity, background=3), atol=1e-4
        )


@pytest.mark.parametrize("name", BY_NAME)
def test_pixels_out_of_the_range_count_as_its_ends(name):
    wide = 2 * PICTURES.astype(np.float32) - 8
    severity = BY_NAME[name].severities[1]
    for background in (-8, 24):
        found = changed(wide, name, severity, background=background)
        ends = wide.clip(0, 16), min(max(background, 0), 16)
        expected = changed(ends[0], name, severity, background=ends[1])
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", BY_NAME)
def test_images_of_other_shapes_ranges_and_dtypes(name):
    """Of one pixel, of more than the canvas, not square; with pixels that are no whole numbers."""
    for shape in ((1, 1, 1), (2, 130, 200), (1, 3, 11)):
        images = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        for severity in BY_NAME[name].severities:
            found = corrupted(
                *(images, np.array([-1.0, 1.0]), -1, BY_NAME[name], severity),
                np.random.default_rng(2),
            )
            assert (found.shape, found.dtype) == (shape, np.float32)
            assert (np.abs(found) <= 1).all()


def test_severities_are_five_even_steps():
    """Except for the faintest ink, since without any ink nothing is left to see."""
    for name, corruption in BY_NAME.items():
        severities = corruption.severities[:4] if name == "fainter ink" else corruption.severities
        assert len(corruption.severities) == 5
        assert len(set(np.diff(severities))) == 1
        assert len(set(corruption.severities)) == 5
