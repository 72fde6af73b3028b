"""Pack a model for the page: its steps and its weights, rounded or not, in base64."""

import base64
import gzip
import json

import numpy as np

from try_page.program import Program

BITS = (32, 16, 8)  # of a weight
LARGEST = 127  # of 8 bits


def packed(program: Program, bits: int) -> str:
    """A line of JSON, and the arrays in the order of its `arrays`, little-endian; gzip in base64.

    Args:
        bits: the bits of each weight in arrays with several axes, which are the largest. 8 bits are
            integers, preceded by a float32 factor for each output.
    """
    head = {"shapes": program.shapes, "steps": program.steps, "arrays": []}
    content = []
    for array in program.arrays:
        own = 32 if array.ndim < 2 else bits
        head["arrays"].append({"bits": own, "size": array.size, "outputs": array.shape[-1]})
        if own == 8:
            whole, scales = _as_bytes(array)
            content += [scales.astype("<f4").tobytes(), whole.tobytes()]
        else:
            content.append(_as_halves(array).tobytes() if own == 16 else array.tobytes())
    line = json.dumps(head, sort_keys=True, separators=(",", ":"), allow_nan=False)
    together = b"".join([line.encode(), b"\n", *content])
    return base64.b64encode(gzip.compress(together, 9, mtime=0)).decode()


def rounded(weights: np.ndarray, bits: int) -> np.ndarray:
    """The float32 weights as `packed` rounds them; infinite if 16 bits are too few."""
    if weights.ndim < 2 or bits == 32:
        return weights
    if bits == 16:
        return _as_halves(weights).astype(np.float32)
    whole, scales = _as_bytes(weights)
    return whole * scales


def _as_halves(weights: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return weights.astype("<f2")


def _as_bytes(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integers, int8, and their factors, float32, one for each index of the last axis."""
    most = np.abs(weights).max(axis=tuple(range(weights.ndim - 1)))
    scales = np.where(most > 0, most / LARGEST, 1).astype(np.float32)
    return np.rint(weights / scales).astype(np.int8), scales
