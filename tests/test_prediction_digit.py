"""How a digit is found on paper and put into the middle, step by step and by hand."""

import numpy as np
import pytest

from core.errors import UserError
from prediction import digit
from prediction.digit import centred_digit, has_light_border


def square(top: int, left: int, height: int, width: int, side: int = 40) -> np.ndarray:
    """Ink of 1 on paper of 0."""
    ink = np.zeros((side, side), np.float32)
    ink[top : top + height, left : left + width] = 1
    return ink


@pytest.mark.parametrize(("height", "width"), [(20, 20), (10, 4), (4, 10), (20, 8)])
@pytest.mark.parametrize("light", [False, True])
def test_the_longest_side_fills_the_box_and_the_centre_is_in_the_middle(height, width, light):
    ink = square(9, 13, height, width)
    found = centred_digit(1 - ink if light else ink, 28, 20)
    high, wide = (round(20 / max(height, width) * length) for length in (height, width))
    expected = np.zeros((28, 28))
    expected[14 - high // 2 : 14 + high // 2, 14 - wide // 2 : 14 + wide // 2] = 1
    assert (found.dtype, found.max()) == (np.float32, 1)
    np.testing.assert_array_equal(found > 0.5, expected == 1)


def test_the_centre_is_that_of_the_mass_as_far_as_there_is_room():
    """A line across, with a bar at its left end."""
    ink = square(20, 10, 2, 20)
    ink[17:25, 10:13] = 1
    found = centred_digit(ink, 28, 20)
    mass = found.sum(axis=0) @ np.arange(28) / found.sum()
    assert abs(mass - 13.5) <= 0.5
    full = centred_digit(ink, 20, 20)  # no room to move
    assert full[:, 0].max() > 0.5
    assert full[:, -1].max() > 0.5


@pytest.mark.parametrize(("speck", "is_kept"), [((2, 5), True), ((3, 3), False)])
def test_parts_of_a_tenth_of_the_largest_belong_to_the_digit(speck, is_kept):
    ink = square(10, 10, 10, 10)
    ink[25 : 25 + speck[0], 30 : 30 + speck[1]] = 1
    drawn = digit._strokes(ink)
    assert drawn[10:20, 10:20].all()
    assert drawn.sum() == 100 + is_kept * 10
    touching = square(10, 10, 10, 10)
    touching[20, 20] = 1  # at a corner
    assert digit._strokes(touching).sum() == 101


@pytest.mark.parametrize(("grey", "is_drawn"), [(0.24, False), (0.26, True)])
def test_what_is_lighter_than_a_quarter_of_the_ink_is_noise_of_the_paper(grey, is_drawn):
    """Although so much of it would be told apart from the paper."""
    ink = square(10, 10, 5, 5)
    ink[15:35, 10:30] = grey
    assert digit._threshold(ink) < 0.2
    drawn = digit._strokes(ink)
    assert (drawn[12, 12], drawn[20, 20], drawn[0, 0]) == (True, is_drawn, False)


@pytest.mark.parametrize("contrast", [0.099, 0.101])
@pytest.mark.parametrize("sign", [1, -1])
def test_ink_of_a_tenth_of_the_range_is_drawn(contrast, sign):
    image = 0.5 + sign * contrast * square(10, 10, 5, 5)
    if contrast < 0.1:
        with pytest.raises(UserError, match="nothing is drawn on it"):
            digit._ink(image)
    else:
        np.testing.assert_allclose(digit._ink(image), square(10, 10, 5, 5), atol=1e-5)


def test_a_single_pixel_is_noise_and_a_spot_is_ink():
    image = np.zeros((20, 20))
    image[10, 10] = 0.8  # a ninth of it is less than a tenth
    with pytest.raises(UserError, match="nothing is drawn on it"):
        digit._ink(image)
    image[9:12, 9:12] = 0.2
    ink = digit._ink(image)
    assert ink[9, 9] == pytest.approx(1)  # of the other eight and the middle: (8 * 0.2 + 0.2) / 9
    assert ink[0, 0] == 0


def test_paper_that_is_lit_from_a_side_is_a_plane():
    rows, columns = np.mgrid[:30, :20]
    plane = 0.2 + 0.01 * rows - 0.005 * columns
    image = plane.copy()
    image[5:15, 5:15] = 1
    np.testing.assert_allclose(digit._paper(image), plane)


def test_the_border_is_one_pixel_wide():
    expected = np.ones((4, 5), bool)
    expected[1:3, 1:4] = False
    np.testing.assert_array_equal(digit._border(np.zeros((4, 5))), expected)
    ring = expected.astype(float)
    assert has_light_border(ring[:3, :3])
    assert not has_light_border(1 - ring[:3, :3])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((512, 100), (512, 100)),
        ((1024, 300), (512, 150)),
        ((300, 2000), (77, 512)),
        ((1, 5000), (1, 512)),
    ],
)
def test_images_of_more_than_512_pixels_a_side_are_reduced(shape, expected):
    found = digit._reduced(np.full(shape, 0.25))
    assert (found.shape, found.dtype) == (expected, np.float32)
    np.testing.assert_allclose(found, 0.25)


def test_the_level_between_ink_and_paper_by_trying_all():
    """The one that leaves the most variance between its two sides."""
    random = np.random.default_rng(0)
    ink = np.abs(np.concatenate([random.normal(0.1, 0.1, 800), random.normal(0.8, 0.2, 200)]))
    counted = np.minimum(ink, 1)
    levels = np.arange(1, 256) / 256

    def between(level: float) -> float:
        below = np.floor(counted * 256) / 256 < level
        middles = (np.minimum(np.floor(counted * 256), 255) + 0.5) / 256
        share = below.mean()
        if share in (0, 1):
            return 0
        return share * (1 - share) * (middles[below].mean() - middles[~below].mean()) ** 2

    assert digit._threshold(ink.reshape(20, 50)) == max(levels, key=between)
    assert 0.3 < digit._threshold(ink.reshape(20, 50)) < 0.6
