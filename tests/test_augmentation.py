"""Images that move: by how much, about what, and with which pixels where they have left."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from core.split import background
from networks.backend import use_threads
from training.augmentation import Augmentation, augmented

use_threads(2)  # as every test that trains; TensorFlow takes it only before it computes
IMAGES = np.random.default_rng(0).integers(0, 256, (50, 9, 12, 1), dtype=np.uint8)


def move(images=IMAGES, *, shift=0, rotation=0, zoom=0, shear=0, fill=7.0):
    augmentation = Augmentation(shift, rotation, zoom, shear)
    order = np.arange(len(images))
    return augmented(images, order, augmentation, fill, np.random.default_rng(0))


def test_shifts_are_exact():
    padded = np.pad(IMAGES, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=7)
    found = set()
    for moved, around in zip(move(shift=2), padded, strict=True):
        places = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if np.array_equal(moved, around[top : top + 9, left : left + 12])
        ]
        assert len(places) == 1
        found.update(places)
    assert len(found) > 15  # of 25, in 50 draws
    for axis in zip(*found, strict=True):
        assert set(axis) == set(range(5))


def test_nothing_asked_nothing_moved():
    np.testing.assert_array_equal(move(), IMAGES)


@pytest.mark.parametrize("kind", ["shift", "rotation", "zoom", "shear"])
def test_each_kind_alone_moves(kind):
    assert not Augmentation(0, 0, 0, 0).moves
    assert not np.array_equal(move(**{kind: 1}), IMAGES)


class Drawn:
    """Random numbers that are known: the largest of each kind, and `shift` in height and width."""

    def __init__(self, shift: tuple[int, int] = (0, 0)) -> None:
        self.shift = shift

    def uniform(self, low: float, high: float, count: int) -> np.ndarray:
        assert low == -high
        return np.full(count, high)

    def integers(self, low: int, high: int, shape: tuple, endpoint: bool) -> np.ndarray:
        assert low == -high
        assert endpoint
        return np.broadcast_to(self.shift[::-1], shape)


@pytest.mark.parametrize(
    ("asked", "shift", "matrix"),
    [
        (Augmentation(0, 90, 0, 0), (0, 0), [[0, -1], [1, 0]]),
        (Augmentation(0, 0, 1, 0), (0, 0), [[2, 0], [0, 2]]),
        (Augmentation(0, 0, 0, 45), (0, 0), [[1, 1], [0, 1]]),
        (Augmentation(2, 0, 0, 0), (2, -1), [[1, 0], [0, 1]]),
        # All at once: 2 * [[0, -1], [1, 0]] @ [[1, 1], [0, 1]].
        (Augmentation(2, 90, 1, 45), (1, 2), [[0, -2], [2, 2]]),
    ],
)
def test_a_pixel_comes_from_where_the_matrices_say(asked, shift, matrix):
    """Of an image of 7 x 9, about its centre, in (x, y); 0.5 stands where nothing is."""
    image = np.arange(1, 64, dtype=np.float32).reshape(1, 7, 9, 1)
    moved = augmented(image, np.zeros(2, int), asked, 0.5, Drawn(shift))
    centre = np.array([4, 3])
    for y in range(7):
        for x in range(9):
            from_x, from_y = centre + np.array(matrix) @ ((x, y) - centre - shift[::-1])
            inside = 0 <= from_x < 9 and 0 <= from_y < 7
            pixel = image[0, from_y, from_x, 0] if inside else 0.5
            assert moved[:, y, x, 0] == pytest.approx([pixel, pixel], abs=1e-3)


def test_width_and_height_grow_independently():
    flat = np.tile(np.arange(12, dtype=np.float32)[:, None], (40, 9, 1, 1))
    steps = np.diff(move(images=flat, zoom=0.3)[:, 4, 5:7, 0], axis=1)[:, 0]
    upright = flat.transpose(0, 2, 1, 3)
    others = np.diff(move(images=upright, zoom=0.3)[:, 5:7, 4, 0], axis=1)[:, 0]
    assert 0.7 < steps.min() < 0.8 < 1.2 < steps.max() < 1.3
    assert 0.7 < others.min() < 0.8 < 1.2 < others.max() < 1.3
    assert abs(np.corrcoef(steps, others)[0, 1]) < 0.5


def test_the_order_is_that_asked_for_whatever_the_memory(monkeypatch):
    order = np.random.default_rng(1).permutation(50)[:40]
    asked = Augmentation(2, 20, 0.1, 10)
    whole = augmented(IMAGES, order, asked, 7.0, np.random.default_rng(0))
    ordered = augmented(IMAGES[order], np.arange(40), asked, 7.0, np.random.default_rng(0))
    np.testing.assert_array_equal(whole, ordered)
    monkeypatch.setattr("training.augmentation.CHUNK", 7)
    pieces = augmented(IMAGES, order, asked, 7.0, np.random.default_rng(0))
    np.testing.assert_array_equal(whole, pieces)


@pytest.mark.parametrize("kind", [{"rotation": 30}, {"zoom": 0.3}, {"shear": 30}])
def test_the_centre_stays_and_nothing_is_mirrored(kind):
    image = np.zeros((100, 21, 21, 1), np.float32)
    image[:, 10, 10], image[:, 10, 16], image[:, 4, 10] = 1, 2, 3
    moved = move(images=image, fill=0.0, **kind)[..., 0]
    assert not np.allclose(moved[0], moved[1])
    assert (moved[:, 9:12, 9:12].sum(axis=(1, 2)) > 0.5).all()
    assert (moved[:, :, 11:].sum(axis=(1, 2)) > moved[:, :, :10].sum(axis=(1, 2)) - 2).all()


def test_whole_pixels_are_rounded_to_the_nearest(monkeypatch):
    """Half a pixel to the left: between 10 and 13 lies 11.5, between 13 and 0 lies 6.5; a
    quarter: 10.75 and 9.75.
    """
    row = np.array([10, 13, 0], np.uint8).reshape(1, 1, 3, 1)
    for part, pixels in ((0.5, (12, 6)), (0.25, (11, 10))):
        maps = np.array([[1, 0, part, 0, 1, 0, 0, 0]], np.float32)
        monkeypatch.setattr("training.augmentation._affine_maps", lambda *_, maps=maps: maps)
        moved = move(images=row, shift=1)
        assert moved.dtype == np.uint8
        assert tuple(moved[0, 0, :2, 0]) == pixels


def test_turning_keeps_the_mean_pixel():
    """The small digits were made darker by 8 % before their pixels were rounded."""
    images = load_digits().images.astype(np.uint8)[..., None]
    turned = {
        kind: move(images=images.astype(kind), rotation=10, fill=0.0)
        for kind in (np.uint8, np.float32)
    }
    assert turned[np.uint8].mean() == pytest.approx(images.mean(), rel=0.01)
    assert turned[np.uint8].mean() == pytest.approx(turned[np.float32].mean(), rel=0.002)
    np.testing.assert_array_equal(turned[np.uint8], np.rint(turned[np.float32]))


@pytest.mark.parametrize("seed", range(3))
def test_background_is_the_median_of_all_four_sides(seed):
    """A corner belongs to two."""
    images = np.random.default_rng(seed).integers(0, 256, (2, 5, 8), dtype=np.uint8)
    sides = [(y, x) for y in (0, 4) for x in range(8)] + [(y, x) for x in (0, 7) for y in range(5)]
    pixels = sorted(int(image[place]) for image in images for place in sides)
    assert background(images) == (pixels[25] + pixels[26]) / 2
