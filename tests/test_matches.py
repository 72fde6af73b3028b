"""Images that are there twice are found as by comparing each with each."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_checks import matches
from data_checks.matches import EQUAL, MOVED, NEAR, NEARNESS, find_matches


def moved(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether one is the other moved by a pixel, down, across or both."""
    height, width = one.shape
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            here = one[
                max(0, down) : height + min(0, down), max(0, across) : width + min(0, across)
            ]
            there = other[
                max(0, -down) : height - max(0, down), max(0, -across) : width - max(0, across)
            ]
            same = (down or across) and here.size and np.array_equal(here, there)
            if same and here.min() < here.max():
                return True
    return False


def expected(parts: list[np.ndarray]) -> dict[tuple[int, int], int]:
    """The pairs of images that are each the first of its like, and of each other its first."""
    images = np.concatenate(parts).astype(np.float64)
    means = np.concatenate(
        [np.repeat(part.mean(axis=0)[None], len(part), axis=0) for part in parts]
    )
    reach = NEARNESS * np.sqrt(((images - means) ** 2).sum(axis=(1, 2)))
    first = [
        next(early for early in range(late + 1) if np.array_equal(images[early], images[late]))
        for late in range(len(images))
    ]
    pairs = {(early, late): EQUAL for late, early in enumerate(first) if early != late}
    alone = sorted(set(first))
    for one, other in combinations(alone, 2):
        if moved(images[one], images[other]):
            pairs[one, other] = MOVED
        elif np.sqrt(((images[one] - images[other]) ** 2).sum()) <= min(reach[[one, other]]):
            pairs[one, other] = NEAR
    return pairs


def found(parts: list[np.ndarray]) -> dict[tuple[int, int], int]:
    return {(int(a), int(b)): int(kind) for a, b, kind in zip(*find_matches(parts), strict=True)}


def planted(random: np.random.Generator, shape: tuple[int, int], dtype: str) -> list[np.ndarray]:
    """Three parts of images, of which some are made of others."""
    images = random.integers(0, 200, (24, *shape)).astype(dtype)
    for place in range(4, 24, 2):
        source = images[random.integers(place)]
        change = random.integers(5)
        if change == 0:
            images[place] = source
        elif change == 1:
            images[place] = np.roll(source, random.integers(-1, 2, 2), (0, 1))
        elif change == 2:
            images[place] = source + random.integers(0, 9, shape)
        elif change == 3:
            images[place] = 7
    images = images[random.permutation(24)]
    return [images[:12], images[12:16], images[16:]]


@settings(max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(1, 1), (1, 7), (2, 2), (6, 3), (5, 9), (20, 20)]),
    st.sampled_from(["uint8", "float32"]),
)
def test_matches_are_those_of_comparing_each_with_each(seed, shape, dtype):
    """Of an image moved to several places one is enough, so of the moved each image has one."""
    parts = planted(np.random.default_rng(seed), shape, dtype)
    wanted, got = expected(parts), found(parts)
    assert {pair for pair in got if got[pair] == MOVED} <= {
        pair for pair in wanted if wanted[pair] == MOVED
    }
    for kind in (EQUAL, NEAR):
        assert {pair for pair in got if got[pair] == kind} >= {
            pair for pair in wanted if wanted[pair] == kind
        }
    assert {each for pair in got for each in pair} == {each for pair in wanted for each in pair}


@pytest.mark.parametrize("offset", [0, 1e4])
def test_one_near_pair_among_many_is_found(offset):
    """Wherever the bounds of a block are, and however far from zero the pixels."""
    random = np.random.default_rng(0)
    images = random.random((5_000, 6, 6), dtype=np.float32)
    images[4_321] = images[17] + 0.02
    images += np.float32(offset)
    assert found([images[:4_000], images[4_000:]]) == {(17, 4_321): NEAR}


def test_two_zeros_are_equal():
    images = np.array([[[0.0, 1.0]], [[-0.0, 1.0]]], np.float32)
    assert found([images]) == {(0, 1): EQUAL}


def test_where_all_are_near_some_are_found(monkeypatch):
    """In little memory, and not all of a hundred million pairs."""
    monkeypatch.setattr(matches, "MOST_NEAR", 3_000)
    images = np.ones((1_500, 4, 4), np.float32)
    images[:, 0] += np.arange(1_500)[:, None] % 2
    images[:, 3] += np.linspace(0, 0.01, 1_500)[:, None]
    pairs = found([images])
    assert 0 < len(pairs) <= 3_000
    assert set(pairs.values()) == {NEAR}
