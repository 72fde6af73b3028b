"""Augmentation: random small transformations, so that each epoch sees different images."""

from dataclasses import dataclass

import numpy as np

from networks.backend import keras

CHUNK = 4096  # images to move at a time, which bounds the memory


@dataclass(frozen=True)
class Augmentation:
    """The limits of the transformations, which are drawn uniformly for each image and epoch.

    Attributes:
        shift: whole pixels, vertically and horizontally.
        rotation: degrees.
        zoom: share of the height, and independently of the width.
        shear: degrees.
    """

    shift: int
    rotation: float
    zoom: float
    shear: float

    @property
    def moves(self) -> bool:
        """Whether any transformation is enabled."""
        return any((self.shift, self.rotation, self.zoom, self.shear))


def augmented(
    images: np.ndarray,
    order: np.ndarray,
    augmentation: Augmentation,
    fill: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Transformed copies of images, (n, height, width, 1), in another order.

    Images are transformed about their centres with bilinear interpolation; integer pixels are
    rounded.

    Args:
        images: the images.
        order: (m,), indices into `images`.
        augmentation: the limits of the transformations.
        fill: the pixel outside of the transformed image.
        random: the generator of all random choices.
    """
    if not augmentation.moves:
        return images[order]
    maps = _affine_maps(len(order), images.shape[1:3], augmentation, random)
    moved = np.empty((len(order), *images.shape[1:]), images.dtype)
    whole = np.issubdtype(images.dtype, np.integer)
    for start in range(0, len(order), CHUNK):
        chunk = slice(start, start + CHUNK)
        pixels = keras.ops.image.affine_transform(
            images[order[chunk]].astype(np.float32),
            maps[chunk],
            interpolation="bilinear",
            fill_value=fill,
        )
        # Keras would truncate to integers, which makes every image darker.
        moved[chunk] = np.rint(pixels) if whole else pixels
    return moved


def _affine_maps(
    count: int, shape: tuple[int, int], augmentation: Augmentation, random: np.random.Generator
) -> np.ndarray:
    """Random inverse transformations in Keras' format, (count, 8), float32."""

    def drawn(most: float) -> np.ndarray:
        return random.uniform(-most, most, count)

    angle, slant = np.deg2rad(drawn(augmentation.rotation)), np.deg2rad(drawn(augmentation.shear))
    width_factor, height_factor = 1 + drawn(augmentation.zoom), 1 + drawn(augmentation.zoom)
    most = augmentation.shift
    shifts = random.integers(-most, most, (count, 2), endpoint=True)
    # Shear, then zoom, then rotate, in coordinates (x, y) around the centre.
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    one, none = np.ones(count), np.zeros(count)
    sheared = np.array([[one, np.tan(slant)], [none, one]])
    zoomed = np.array([[width_factor, none], [none, height_factor]])
    matrices = np.einsum("abn,bcn,cdn->nad", zoomed, rotation, sheared)
    centre = (np.array(shape[::-1]) - 1) / 2
    offsets = centre - np.einsum("nab,nb->na", matrices, centre + shifts)
    maps = np.zeros((count, 8), np.float32)
    maps[:, [0, 1, 3, 4]] = matrices.reshape(count, 4)
    maps[:, [2, 5]] = offsets
    return maps
