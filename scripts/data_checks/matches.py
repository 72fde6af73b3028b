"""Find duplicate images in all parts: equal, moved by a pixel, or nearly equal."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

EQUAL, MOVED, NEAR = range(3)  # kinds of matches; if two fit, the first counts
NEARNESS = 0.1  # share of the distance of either image from the mean of its part
COARSE_SIDE, COMPONENTS = 16, 24  # to which images are reduced to find candidates for near pairs
SAMPLE = 4_000  # images for the principal components
PIXELS_AT_ONCE, PAIRS_AT_ONCE = 2**22, 2**26  # limit the memory
MOST_NEAR = 100_000  # candidate pairs to compare; if all images are similar, these suffice


class Matches(NamedTuple):
    """Pairs of images, numbered across all parts, one part after the other.

    An image that equals several others is paired with the first of them only.

    Attributes:
        first, second: (pairs,), int64, image numbers; the first is the lower one.
        kind: (pairs,), int64, EQUAL, MOVED or NEAR.
    """

    first: np.ndarray
    second: np.ndarray
    kind: np.ndarray


def find_matches(parts: Sequence[np.ndarray]) -> Matches:
    """The matches among all images of `parts`, each (n, height, width), uint8 or float32.

    Moved by a pixel means that two images are equal except for a row, a column or both at the edge,
    and that the equal area is not of a single value. Nearly equal means that the Euclidean distance
    of the two is at most NEARNESS times the distance of either from the mean image of its part.
    """
    hashes = np.concatenate([_hashes(images) for images in parts])
    equal = _confirmed(parts, *_equal(hashes[:, 0, 0]), down=0, across=0)
    alone = np.ones(len(hashes), bool)
    alone[equal[1]] = False  # the first of equal images represents the others
    alone = np.flatnonzero(alone)
    pairs = [(equal, EQUAL)]
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        found = _moved(hashes[alone], down, across)
        pairs.append((_confirmed(parts, alone[found[0]], alone[found[1]], down, across), MOVED))
    pairs.append((_near(parts, alone), NEAR))
    first, second = np.concatenate([np.sort(found, axis=0) for found, _ in pairs], axis=1)
    kinds = np.concatenate([np.full(found.shape[1], kind) for found, kind in pairs])
    _, once = np.unique(first * len(hashes) + second, return_index=True)  # keeps the first kind
    return Matches(first[once], second[once], kinds[once])


def _hashes(images: np.ndarray) -> np.ndarray:
    """Hashes, (n, 3, 3), uint64, of all rows, of all but the last and of all but the first, and the
    same for columns. Equal pixels give equal hashes, whatever their position.
    """
    count, height, width = images.shape
    random = np.random.default_rng(0)
    rows, columns = (_weights(random, size) for size in (height, width))
    hashes = np.empty((count, 3, 3), np.uint64)
    for block in _blocks(count, height * width):
        pixels = images[block]
        if pixels.dtype != np.uint8:
            pixels = (pixels + np.float32(0)).view(np.uint32)  # turns -0 into 0
        sums = pixels.astype(np.uint64) @ columns.T  # (n, height, 3); modulo 2 ** 64
        hashes[block] = rows @ sums
    return hashes


def _weights(random: np.random.Generator, size: int) -> np.ndarray:
    weights = random.integers(0, 2**64, (2, size), np.uint64)
    zero = np.zeros(1, np.uint64)
    without_last = np.append(weights[1, 1:], zero)
    return np.stack([weights[0], without_last, np.append(zero, weights[1, 1:])])


def _equal(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of the first image with a hash and another image with the same hash."""
    _, first, place = np.unique(hashes, return_index=True, return_inverse=True)
    other = np.flatnonzero(first[place] != np.arange(len(hashes)))
    return first[place[other]], other


def _moved(hashes: np.ndarray, down: int, across: int) -> np.ndarray:
    """Candidate pairs, (2, pairs): the second is the first, moved by `down` and `across` pixels."""
    before, after = hashes[:, down, across], hashes[:, -down, -across]
    itself = before == after  # stripes, or one value
    pairs = []
    for one, other in ((before, after), (after, before)):
        # This pairs only the first of several; the second pass finds the pairs left out.
        known, place = np.unique(one, return_index=True)
        at = np.minimum(np.searchsorted(known, other), len(known) - 1)
        found = np.flatnonzero((known[at] == other) & ~itself)
        pairs.append(np.stack([place[at[found]], found]))
    return np.concatenate([pairs[0], pairs[1][::-1]], axis=1)


def _confirmed(
    parts: Sequence[np.ndarray], first: np.ndarray, second: np.ndarray, down: int, across: int
) -> np.ndarray:
    """The pairs, (2, pairs), that a comparison pixel by pixel confirms."""
    height, width = parts[0].shape[1:]
    (above, below), (left, right) = _overlap(height, down), _overlap(width, across)
    true = np.zeros(len(first), bool)
    for block in _blocks(len(first), height * width):
        one = taken(parts, first[block])[:, above, left]
        other = taken(parts, second[block])[:, below, right]
        true[block] = (one == other).all(axis=(1, 2))
        if down or across:
            true[block] &= (one != one[:, :1, :1]).any(axis=(1, 2))
    return np.stack([first[true], second[true]])


def _overlap(size: int, shift: int) -> tuple[slice, slice]:
    """The overlap of two images along one side if the second is the first moved by `shift`."""
    return slice(max(0, -shift), size - max(0, shift)), slice(max(0, shift), size + min(0, shift))


def _near(parts: Sequence[np.ndarray], chosen: np.ndarray) -> np.ndarray:
    """Pairs, (2, pairs), of the `chosen` images that are nearly equal.

    Reduced images and their projections on a few directions are never farther apart than the
    images themselves, so no pair is missed. The candidates are then compared in full.
    """
    means = np.stack([images.mean(axis=0, dtype=np.float64) for images in parts])
    part = np.repeat(np.arange(len(parts)), [len(images) for images in parts])[chosen]
    rows, columns = (_joined(size) for size in means.shape[1:])
    coarse = np.empty((len(chosen), len(rows) * len(columns)), np.float32)
    limits = np.empty(len(chosen))
    for block in _blocks(len(chosen), means[0].size):
        images = taken(parts, chosen[block]).astype(np.float32)
        apart = images - means[part[block]]
        limits[block] = NEARNESS**2 * np.einsum("nyx,nyx->n", apart, apart)
        images -= means[0]
        coarse[block] = (rows @ (images @ columns.T)).reshape(len(images), -1)
    sample = coarse[:: max(1, len(coarse) // SAMPLE)].astype(np.float64)
    directions = np.linalg.eigh(sample.T @ sample).eigenvectors[:, : -COMPONENTS - 1 : -1]
    features = coarse @ directions.astype(np.float32)
    order = np.argsort(features[:, 0], kind="stable")
    pairs = [order[found] for found in _candidates(features[order], limits[order])]
    first, second = np.concatenate([np.zeros((2, 0), np.int64), *pairs], axis=1)
    true = np.zeros(len(first), bool)
    for block in _blocks(len(first), means[0].size):
        one, other = (taken(parts, chosen[each[block]]) for each in (first, second))
        apart = one.astype(np.float64) - other
        distance = np.einsum("nyx,nyx->n", apart, apart)
        true[block] = distance <= np.minimum(limits[first[block]], limits[second[block]])
    return np.stack([chosen[first[true]], chosen[second[true]]])


def _joined(size: int) -> np.ndarray:
    """A matrix, (fewer, size), that averages neighbours and never increases a distance."""
    to = np.arange(size) * min(size, COARSE_SIDE) // size
    matrix = (to == np.arange(to[-1] + 1)[:, None]).astype(np.float32)
    return matrix / np.sqrt(matrix.sum(axis=1, keepdims=True))


def _candidates(features: np.ndarray, limits: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs, (2, pairs), of features, (n, d), sorted by the first feature, whose squared distance
    is at most about the limit of the first image.
    """
    squares = (features**2).sum(axis=1)
    limits = (1.01 * limits + 1e-6 * squares).astype(np.float32)  # for rounding
    # |a - b|^2 <= limit as one product of matrices: a.b - |b|^2 / 2 >= (|a|^2 - limit) / 2
    right = np.column_stack([features, -squares / 2])
    left = np.column_stack([features, np.ones_like(squares)])
    least = (squares - limits) / 2
    room, step = MOST_NEAR, max(1, min(1024, PAIRS_AT_ONCE // max(1, len(features))))
    for start in range(0, len(features), step):
        block = slice(start, start + step)
        reach = features[block][-1, 0] + np.sqrt(limits[block].max())
        stop = np.searchsorted(features[:, 0], reach, side="right")
        near = left[block] @ right[start:stop].T >= least[block, None]
        if np.count_nonzero(near) > MOST_NEAR:
            near = near[: max(1, MOST_NEAR // near.shape[1])]
        one, other = np.divmod(np.flatnonzero(near), near.shape[1])  # faster than in two dimensions
        pairs = np.stack([one, other])[:, other > one][:, :room] + start
        room -= pairs.shape[1]
        yield pairs


def taken(parts: Sequence[np.ndarray], numbers: np.ndarray) -> np.ndarray:
    """The images with these `numbers`, numbered across all parts."""
    images = np.empty((len(numbers), *parts[0].shape[1:]), parts[0].dtype)
    start = 0
    for part in parts:
        own = (numbers >= start) & (numbers < start + len(part))
        images[own] = part[numbers[own] - start]
        start += len(part)
    return images


def _blocks(count: int, pixels: int) -> Iterator[slice]:
    """Slices of `count` images of `pixels` pixels each, small enough to limit the memory."""
    step = max(1, PIXELS_AT_ONCE // pixels)
    for start in range(0, count, step):
        yield slice(start, start + step)
