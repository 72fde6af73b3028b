"""Class probabilities of each image from a cheap model that was not trained on it: k-fold
cross-validation.

The model is a kernel ridge regression of the labels on edge and grey features, with the Nystroem
approximation: a sum of Gaussians around some of the images (Williams and Seeger 2001). It is fitted
on sums over images, so that all folds together take two passes, and memory does not grow with the
number of images. docs/data.md compares it with other models.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.linalg import solve
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from data_checks.finding import SIDE, Part
from data_checks.matches import taken
from drawing.images import reduced

CENTRES = 2_000  # Gaussians at most
WIDTH = 2.0  # the exponent of the Gaussians at the median squared distance
PENALTY = 0.3  # of the ridge regression; values from 0.1 to 1 work as well
JITTER = 1e-9  # relative to the sum of all squared kernels, against rounding errors
CELLS, DIRECTIONS = 8, 8  # of the edge features: cells along a side at most, and directions
GREYS = 0.25  # weight of the greys relative to the edges, for classes with equal edges
FLOATS_AT_ONCE = 2**22  # limits the memory
STEEPEST = 10.0  # upper bound for the logarithm of the factor that scales scores to logits
THREADS = 2  # affects the results, through the order of float sums


def held_out_probabilities(
    parts: Sequence[Part], pixel_range: tuple[float, float], classes: int, folds: int, seed: int
) -> np.ndarray:
    """Class probabilities, (n, classes), float32, of all images of `parts`, one part after the
    other, each from a model that was trained on the other folds.

    The folds are stratified by class. Shows its progress in a terminal.

    Args:
        parts: the images and labels.
        pixel_range: pixels are clipped to it.
        classes: the number of classes.
        folds: the number of folds.
        seed: chooses the fold of each image, and the images that are centres.
    """
    images = [part.images for part in parts]
    labels = np.concatenate([part.labels for part in parts])
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    members = [order[fold::folds] for fold in range(folds)]
    chosen = random.choice(len(labels), min(CENTRES, len(labels) // 2), replace=False)
    with threadpool_limits(THREADS), tqdm(total=2 * len(labels), disable=None) as progress:
        progress.set_description("explore_stats: labels")
        centres = _features(taken(images, chosen), pixel_range)
        apart = _distances(centres, centres)
        scale = WIDTH / (np.median(apart) or 1.0)

        def kernels(numbers: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            """The kernel of the images and the centres, (n, centres), block by block."""
            step = max(1, FLOATS_AT_ONCE // max(images[0][0].size * 2, len(centres)))
            for block in (numbers[at : at + step] for at in range(0, len(numbers), step)):
                rows = _features(taken(images, block), pixel_range)
                yield block, np.exp(-scale * _distances(rows, centres))
                progress.update(len(block))

        own = np.eye(classes, dtype=np.float32)
        products = np.zeros((folds, len(centres), len(centres)), np.float32)
        targets = np.zeros((folds, len(centres), classes), np.float32)
        for fold, numbers in enumerate(members):
            for block, near in kernels(numbers):
                products[fold] += near.T @ near
                targets[fold] += near.T @ own[labels[block]]
        penalty = PENALTY * np.exp(-scale * apart.astype(np.float64))
        # Added to the diagonal, because the kernels of close centres are nearly equal.
        penalty[np.diag_indices_from(penalty)] += JITTER * np.trace(products.sum(axis=0))
        scores = np.empty((len(labels), classes), np.float32)
        for fold, numbers in enumerate(members):
            others = np.arange(folds) != fold
            both = [each.sum(axis=0, where=others[:, None, None]) for each in (products, targets)]
            weights = solve(both[0] + penalty, both[1], assume_a="pos").astype(np.float32)
            for block, near in kernels(numbers):
                scores[block] = near @ weights
    return _probabilities(scores, labels)


def _features(images: np.ndarray, pixel_range: tuple[float, float]) -> np.ndarray:
    """The brightness of each cell of a grid and its gradients in each direction, (n, features),
    float32.
    """
    low, high = pixel_range
    grey = np.clip(images.astype(np.float32), low, high)
    grey = reduced(grey, -(-max(grey.shape[1:]) // SIDE)).astype(np.float32)
    # Padded by one pixel per side, so that images of a single row or column have gradients.
    grey = np.pad(grey, ((0, 0), (1, 1), (1, 1)), mode="edge") / np.float32(high - low or 1)
    down = (grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]) / 2
    across = (grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]) / 2
    step = -(-max(down.shape[1:]) // CELLS)
    starts = [np.arange(0, size, step) for size in down.shape[1:]]
    seen = [np.float32(GREYS) * grey[:, 1:-1, 1:-1]]
    for angle in 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS:
        slope = np.float32(np.sin(angle)) * down + np.float32(np.cos(angle)) * across
        seen.append(np.maximum(slope, 0))
    sums = [
        np.add.reduceat(np.add.reduceat(each, starts[0], axis=1), starts[1], axis=2)
        for each in seen
    ]
    return np.concatenate([each.reshape(len(images), -1) for each in sums], axis=1)


def _distances(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances, (n, centres)."""
    squares = [np.einsum("nd,nd->n", each, each) for each in (rows, centres)]
    apart = squares[0][:, None] + squares[1] - 2 * rows @ centres.T
    return np.maximum(apart, 0, out=apart)


def _probabilities(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Scores as calibrated probabilities: the softmax of the scores times the factor with the least
    log loss.
    """
    each = np.arange(len(labels))

    def loss(power: float) -> float:
        return -float(log_softmax(np.float32(np.exp(power)) * scores, axis=1)[each, labels].mean())

    best = minimize_scalar(loss, bounds=(0, STEEPEST), method="bounded").x
    return softmax(np.float32(np.exp(best)) * scores, axis=1)
