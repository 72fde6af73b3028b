"""What the arrays of a file may be: their types, shapes and values."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.errors import UserError
from core.npz import read_arrays

MEANINGS = {"f": "floats", "i": "integers", "u": "bytes", "uf": "bytes or floats", "U": "text"}
LARGEST = np.finfo(np.float32).max  # models compute in float32


class Kind(NamedTuple):
    """The kind of an array.

    Attributes:
        dtype: the allowed kinds of its dtype, a key of MEANINGS.
        shape: each length, or its name: the same name is the same length in all arrays of a file.
    """

    dtype: str
    shape: tuple[int | str, ...]


def read_checked(path: Path, kinds: Mapping[str, Kind]) -> dict[str, np.ndarray]:
    """Read the arrays in `kinds` from an `.npz` archive. Raises UserError as `read_arrays` and
    `check_arrays` do, and OSError.
    """
    arrays = read_arrays(path, tuple(kinds))
    check_arrays(str(path), arrays, kinds)
    return arrays


def check_arrays(source: str, arrays: Mapping[str, np.ndarray], kinds: Mapping[str, Kind]) -> None:
    """Check all arrays of the file `source`.

    Raises:
        UserError: an array has another dtype or shape, a float that is NaN, infinite or too large
            for float32, or text that is not Unicode.
    """
    lengths: dict[int | str, int] = {}
    for name, kind in kinds.items():
        array = arrays[name]
        fits = array.dtype.kind in kind.dtype and array.ndim == len(kind.shape)
        for wanted, length in zip(kind.shape, array.shape, strict=False):
            fits = fits and lengths.setdefault(wanted, _length(wanted, length)) == length
        if not fits:
            sizes = ", ".join(str(lengths.get(wanted, wanted)) for wanted in kind.shape)
            raise UserError(
                f"{source}: array {name} has dtype {array.dtype} and shape {array.shape}; allowed:"
                f" {MEANINGS[kind.dtype]} of shape ({sizes})"
            )
        problem = _problem(array)
        if problem:
            raise UserError(f"{source}: array {name} has {problem}")


def _length(wanted: int | str, found: int) -> int:
    return wanted if isinstance(wanted, int) else found


def _problem(array: np.ndarray) -> str | None:
    """Which of its values are not allowed, and what is."""
    if array.dtype.kind == "f":
        # If one number is NaN, min and max are NaN. No copy of the array is made.
        if not -LARGEST <= array.min(initial=0) <= array.max(initial=0) <= LARGEST:
            return "numbers that are NaN, infinite or too large; allowed: finite float32 numbers"
    elif array.dtype.kind == "U":
        try:
            "".join(array.ravel().tolist()).encode()
        except (ValueError, SystemError):
            return "text with invalid characters; allowed: Unicode"
    return None
