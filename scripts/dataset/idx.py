"""The IDX format, in which MNIST is published (LeCun, "The MNIST database", 1998)."""

import math
import struct

import numpy as np

UNSIGNED_BYTE = 0x08


def parse_idx(content: bytes) -> np.ndarray:
    """Parse an IDX file of unsigned bytes into an array of uint8.

    Such a file is two zero bytes, the dtype, the number of axes, the length of each axis as a
    big-endian uint32, and the values.

    Raises:
        ValueError: the content is something else, or not as long as its header says.
    """
    if len(content) < 4 or content[:3] != bytes((0, 0, UNSIGNED_BYTE)):
        raise ValueError("not an IDX file of unsigned bytes")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise ValueError("an IDX file that ends within its header")
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    if math.prod(shape) != len(content) - start:
        raise ValueError(
            f"an IDX file of {len(content) - start} values whose header says {math.prod(shape)}"
        )
    try:
        return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
    except ValueError as error:  # too many axes, or no value and an axis of billions
        raise ValueError(f"an IDX file of a shape that NumPy cannot hold ({error})") from error
