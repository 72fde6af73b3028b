"""Class probabilities of the check of labels, against a regression written in another way."""

import numpy as np
import pytest

from data_checks import held_out
from data_checks.finding import Part
from data_checks.held_out import held_out_probabilities
from drawing.images import reduced


def test_edge_features_by_hand():
    """A step across, from 0 to 1: half of it on either side, towards the right."""
    image = np.zeros((1, 8, 8), np.float32)
    image[:, :, 4:] = 5  # more than the highest pixel
    found = held_out._features(image, (0.0, 1.0)).reshape(9, 8, 8)
    np.testing.assert_allclose(found[0], 0.25 * image[0].clip(0, 1))
    for direction, cosine in enumerate(np.cos(np.pi / 4 * np.arange(8)), start=1):
        expected = np.zeros((8, 8))
        expected[:, 3:5] = max(cosine, 0) / 2
        np.testing.assert_allclose(found[direction], expected, atol=1e-7)
    turned = held_out._features(image.transpose(0, 2, 1), (0.0, 1.0)).reshape(9, 8, 8)
    quarter = np.roll(turned[1:], -2, axis=0)  # of the eight directions
    np.testing.assert_allclose(quarter.transpose(0, 2, 1), found[1:], atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "cells"), [((8, 8), 64), ((9, 9), 25), ((16, 5), 24), ((64, 64), 64), ((1, 3), 3)]
)
def test_cells_are_sums(shape, cells):
    images = np.random.default_rng(0).uniform(0, 2, (3, *shape)).astype(np.float32)
    found = held_out._features(images, (0.0, 2.0)).reshape(3, 9, cells)
    small = reduced(images, -(-max(shape) // 32)) / 2
    np.testing.assert_allclose(found[:, 0].sum(axis=1), 0.25 * small.sum(axis=(1, 2)), rtol=1e-5)
    moved = held_out._features(images + 3, (3.0, 5.0)).reshape(3, 9, cells)
    np.testing.assert_allclose(moved[:, 1:], found[:, 1:], atol=1e-5)


def test_distances():
    random = np.random.default_rng(0)
    rows, centres = random.random((4, 3)), random.random((2, 3))
    expected = ((rows[:, None] - centres) ** 2).sum(axis=2)
    np.testing.assert_allclose(held_out._distances(rows, centres), expected)
    assert held_out._distances(rows, rows).min() >= 0


@pytest.mark.parametrize("factor", [0.01, 1])
def test_scores_become_probabilities_with_the_least_log_loss(factor):
    """Of 100 images whose higher score is 1, 80 have that class: a probability of 0.8."""
    scores = factor * np.tile(np.float32([1, 0]), (100, 1))
    labels = (np.arange(100) % 5 == 0).astype(int)
    likely = held_out._probabilities(scores, labels)
    np.testing.assert_allclose(likely, np.tile([0.8, 0.2], (100, 1)), atol=1e-3)


@pytest.mark.parametrize("at_once", [1, 700, 2**22])
def test_predictions_are_those_of_a_regression_for_each_fold(at_once, monkeypatch):
    """Fitted to all images of the other folds at once, by least squares."""
    monkeypatch.setattr(held_out, "FLOATS_AT_ONCE", at_once)
    random = np.random.default_rng(3)
    labels = np.arange(42) % 3
    images = random.uniform(0, 1, (42, 8, 8)).astype(np.float32)
    images[np.arange(42), labels] += 1
    folds = 4
    order = np.random.default_rng(5).permutation(42)
    order = order[np.argsort(labels[order], kind="stable")]
    fold_of = np.empty(42, int)
    fold_of[order] = np.arange(42) % folds
    generator = np.random.default_rng(5)
    generator.permutation(42)
    centres = generator.choice(42, 21, replace=False)
    features = held_out._features(images, (0.0, 2.0)).astype(float)
    apart = ((features[:, None] - features[centres]) ** 2).sum(axis=2)
    kernel = np.exp(-2.0 * apart / np.median(apart[centres]))
    jitter = 1e-9 * (kernel**2).sum() * np.eye(21)
    scores = np.empty((42, 3))
    for fold in range(folds):
        others = kernel[fold_of != fold]
        penalised = others.T @ others + 0.3 * kernel[centres] + jitter
        weights = np.linalg.solve(penalised, others.T @ np.eye(3)[labels[fold_of != fold]])
        scores[fold_of == fold] = kernel[fold_of == fold] @ weights
    parts = [Part(images[:30], labels[:30]), Part(images[30:], labels[30:])]
    found = held_out_probabilities(parts, (0.0, 2.0), 3, folds, 5)
    expected = held_out._probabilities(scores.astype(np.float32), labels)
    np.testing.assert_allclose(found, expected, atol=0.01)
    assert found.dtype == np.float32
