"""Checks that images and labels mean the same in train and in the other parts, with the mean image
of each class.
"""

from typing import Any

import numpy as np

from data_checks.finding import STOP, WARN, Data, finding, kind, mean_picture
from data_checks.look import Look

FEWEST = 20  # images of a part
FEWEST_OF_A_CLASS = 10
FALL = 0.2  # of the images
SURE = 5.0  # standard errors
OWN, OTHER = 0.6, 0.2  # shares of a class that are nearest to its own mean: in train, in the part
GUESS = 1.5  # times the share of the largest class: hardly better than chance
CLASSES_NAMED = 3
TURNS = {  # operations on images, (n, height, width), that may have been applied to a part
    "transposed": lambda images: images.transpose(0, 2, 1),
    "rotated by 90° to the left": lambda images: np.rot90(images, 1, (1, 2)),
    "rotated by 90° to the right": lambda images: np.rot90(images, -1, (1, 2)),
    "transposed and rotated by 180°": lambda images: np.rot90(images, 2, (1, 2)).transpose(0, 2, 1),
    "rotated by 180°": lambda images: np.rot90(images, 2, (1, 2)),
    "mirrored left to right": lambda images: images[:, :, ::-1],
    "mirrored top to bottom": lambda images: images[:, ::-1],
}
SQUARE_ONLY = 4  # of these, which change the shape of others


def check_meaning(data: Data, name: str, train: Look, other: Look) -> dict[str, Any] | None:
    """The finding on the part `name` if its images are nearest to the mean training image of their
    own class less often than training images are.
    """
    images, labels = train.part
    counts = np.bincount(labels, minlength=len(data.classes))
    if len(other.part.images) < FEWEST or min(train.high - train.low, other.high - other.low) <= 0:
        return None
    train_images, other_images, theirs = train.scaled, other.scaled, other.part.labels
    means = _means(train_images, labels, counts)
    own = _nearest_held_out(train_images, labels, means, counts)
    nearest = _nearest(other_images, means, counts)
    usual, here = (own == labels).mean(), (nearest == theirs).mean()
    fall = max(FALL, SURE * np.sqrt(0.25 / len(images) + 0.25 / len(other_images)))
    said = (
        f"Of {len(other_images):,} {name} images, {100 * here:.0f} % are nearest to the mean"
        f" training image of their own class; of the training images, {100 * usual:.0f} % are"
    )
    if usual - here > fall:
        turn, turned = _best_turn(other_images, theirs, means, counts)
        if turned - here > max(fall, (usual - here) / 2):
            return finding(
                f"{name}_{'inverted' if 'inverted' in turn else 'orientation'}",
                STOP,
                f"Compared with the training images, the {name} images look {turn}. {said}."
                f" With that undone, {100 * turned:.0f} % of the {name} images are.",
                "A model can classify them correctly only by chance.",
                "Prepare both parts in the same way.",
                _rows(data, name, train, other, np.unique(theirs)),
            )
    moved = _moved_classes(own, labels, nearest, theirs, len(data.classes))
    if moved:
        classes = data.classes
        each = [f"{classes[one]} like {classes[two]}" for one, two in moved.items()]
        more = f" and {len(each) - CLASSES_NAMED} more classes" if len(each) > CLASSES_NAMED else ""
        return finding(
            f"{name}_labels",
            STOP,
            f"{kind(name).capitalize()} images look like another class of train:"
            f" {', '.join(each[:CLASSES_NAMED])}{more}. {said}.",
            f"The {name} labels probably mean other classes than the training labels: numbered from"
            " another start, or in another order.",
            "Use the same label for the same class in both parts.",
            _rows(data, name, train, other, np.array(list(moved))),
        )
    if usual - here > fall:
        guess = GUESS * np.bincount(theirs).max() / len(theirs)
        return finding(
            f"{name}_unlike_train",
            STOP if here < guess else WARN,
            f"The {name} images are unlike the training images. {said}.",
            "They show something else or have wrong labels. Accuracy on them says little about"
            " images like the training images.",
            "Look at the images and labels of both parts.",
            _rows(data, name, train, other, np.unique(theirs)),
        )
    return None


def _means(images: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The mean image of each class, (classes, height, width)."""
    is_of = (labels == np.arange(len(counts))[:, None]).astype(np.float32)
    sums = is_of @ images.reshape(len(images), -1)
    return (sums / np.maximum(counts, 1)[:, None]).reshape(-1, *images.shape[1:])


def _distances(images: np.ndarray, means: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Squared distances, (n, classes); infinite for classes without images."""
    rows, means = (each.reshape(len(each), -1) for each in (images, means))
    squares = [np.einsum("nd,nd->n", each, each) for each in (rows, means)]
    distances = squares[0][:, None] + squares[1] - 2 * rows @ means.T
    distances[:, counts == 0] = np.inf
    return distances


def _nearest(images: np.ndarray, means: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return _distances(images, means, counts).argmin(axis=1)


def _nearest_held_out(
    images: np.ndarray, labels: np.ndarray, means: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """The nearest class of each image that the means were computed from, leaving the image out of
    the mean of its class, as for an unseen image.
    """
    distances = _distances(images, means, counts)
    others = counts[labels] - 1
    own = np.arange(len(labels)), labels
    distances[own] *= ((others + 1) / np.maximum(others, 1)) ** 2
    distances[own] = np.where(others, distances[own], np.inf)
    return distances.argmin(axis=1)


def _best_turn(
    images: np.ndarray, labels: np.ndarray, means: np.ndarray, counts: np.ndarray
) -> tuple[str, float]:
    """The operation that, when undone, makes the most `images` nearest to their class, and that
    share.
    """
    square = means.shape[1] == means.shape[2]
    turns = dict(list(TURNS.items())[0 if square else SQUARE_ONLY :])
    found = {}
    for turn, turned in turns.items():
        found[turn] = turned(means)
        found[f"inverted and {turn}"] = 1 - found[turn]
    found["inverted"] = 1 - means
    shares = {
        turn: float((_nearest(images, each, counts) == labels).mean())
        for turn, each in found.items()
    }
    best = max(shares, key=shares.get)
    return best, shares[best]


def _moved_classes(
    own: np.ndarray, own_labels: np.ndarray, nearest: np.ndarray, labels: np.ndarray, classes: int
) -> dict[int, int]:
    """Classes whose images are mostly nearest to the mean of another class, unlike in train; with
    that class.
    """
    moved = {}
    for place in range(classes):
        usual, here = own[own_labels == place], nearest[labels == place]
        if min(len(usual), len(here)) >= FEWEST_OF_A_CLASS:
            shares = np.bincount(here, minlength=classes) / len(here)
            most = int(shares.argmax())
            if (usual == place).mean() >= OWN and shares[place] <= OTHER and shares[most] >= OWN:
                moved[place] = most
    return moved


def _rows(
    data: Data, name: str, train: Look, other: Look, places: np.ndarray
) -> list[list[dict[str, Any]]]:
    """The mean images of the first classes: train beside the other part."""
    looks = {"train": train.part, name: other.part}
    return [
        [
            mean_picture(data, part, place, images[labels == place].mean(axis=0, dtype=np.float64))
            for part, (images, labels) in looks.items()
            if (labels == place).any()
        ]
        for place in places[:5].tolist()
    ]
