"""The convolutional networks: their layers, and how each is best trained."""

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.backend import keras
from shared.recipe import Recipe

layers = keras.layers
SMALL_SIDE = 16  # pixels; below it, halving twice would leave too little to convolve


@dataclass(frozen=True)
class Architecture:
    """A convolutional network without its softmax layer.

    Attributes:
        hidden_layers: makes the layers for images of (height, width); takes `dropout` by keyword.
        smallest_side: pixels that an image must have in height and width.
        recipe: how to train it.
        dropout: the shares of units to leave out, by parameter; empty where it has no dropout.
    """

    hidden_layers: Callable[..., list[keras.Layer]]
    smallest_side: int
    recipe: Recipe
    dropout: dict[str, float] = field(default_factory=dict)


def tutorial(
    _image_shape: tuple[int, int], convolution_dropout: float, dense_dropout: float
) -> list[keras.Layer]:
    """The tutorial's layers: two 3x3 convolutions, one pooling, one dense layer."""
    return [
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(convolution_dropout),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(dense_dropout),
    ]


def fast(image_shape: tuple[int, int]) -> list[keras.Layer]:
    """Three convolutions, of which the first two halve the image."""
    return [
        *_first_convolution(16, image_shape),
        *_convolution(48, 3, strides=2),
        *_convolution(96, 3),
        layers.Flatten(),
    ]


def compact(image_shape: tuple[int, int]) -> list[keras.Layer]:
    """As `fast`, but wider."""
    return [
        *_first_convolution(32, image_shape),
        *_convolution(64, 3, strides=2),
        *_convolution(128, 3),
        layers.Flatten(),
    ]


def _first_convolution(filters: int, image_shape: tuple[int, int]) -> list[keras.Layer]:
    """Halves the image; one that is small already keeps its size."""
    if min(image_shape) < SMALL_SIDE:
        return _convolution(filters, 5, padding="same")
    return _convolution(filters, 5, strides=2)


def _convolution(filters: int, size: int, **options: object) -> list[keras.Layer]:
    return [
        layers.Conv2D(filters, size, use_bias=False, **options),
        # Keras' momentum of 0.99 forgets the first steps too slowly for a short training.
        layers.BatchNormalization(momentum=0.85),
        layers.ReLU(),
    ]


ARCHITECTURES = {
    "tutorial": Architecture(
        tutorial,
        smallest_side=6,  # two 3x3 convolutions and a 2x2 pooling must leave a pixel
        dropout={"convolution_dropout": 0.125, "dense_dropout": 0.25},
        recipe=Recipe(
            optimizer="adam",
            learning_rate=0.0015,
            epochs=6,
            batch_size=128,
        ),
    ),
    "fast": Architecture(
        fast,
        smallest_side=7,
        recipe=Recipe(
            optimizer="sgd",
            learning_rate=0.2,
            epochs=2,
            batch_size=128,
        ),
    ),
    "compact": Architecture(
        compact,
        smallest_side=7,
        recipe=Recipe(
            optimizer="sgd",
            learning_rate=0.1,
            epochs=10,
            batch_size=64,
            rotation=10,
            zoom=0.1,
            shear=10,
        ),
    ),
}
