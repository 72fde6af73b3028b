"""An image as text, as Braille patterns, where no picture can be shown."""

import numpy as np

from drawing.images import reduced

SIDE_OF_TEXT = 28  # pixels, about: 14 characters wide and 7 high


def image_as_text(image: np.ndarray, pixel_range: np.ndarray) -> str:
    """An image, (height, width), with pixels in `pixel_range`, as text of readable size."""
    larger = max(1, SIDE_OF_TEXT // max(image.shape))
    smaller = max(1, max(image.shape) // SIDE_OF_TEXT)
    shown = reduced(image[None], smaller)[0].repeat(larger, axis=0).repeat(larger, axis=1)
    return braille(shown > pixel_range.mean())


def braille(ink: np.ndarray) -> str:
    """A bitmap, (height, width), bool, as text: a Braille pattern (U+2800) for each 4x2 pixels."""
    height, width = ink.shape
    cells = np.zeros((-(-height // 4) * 4, -(-width // 2) * 2), np.uint32)
    cells[:height, :width] = ink
    blocks = cells.reshape(cells.shape[0] // 4, 4, cells.shape[1] // 2, 2)
    bits = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint32)
    codes = 0x2800 + np.einsum("iajb,ab->ij", blocks, bits)
    return "\n".join("".join(map(chr, row)) for row in codes.tolist())
