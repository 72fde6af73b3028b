"""The convolutional networks: their layers and recipes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from networks.backend import keras, tf
from training.recipe import Recipe

layers = keras.layers
SMALLEST_SIDE = 6  # pixels; smaller images are too small for the convolutions
SMALL_SIDE = 16  # pixels; smaller images are pooled only once


@dataclass(frozen=True)
class Architecture:
    """A convolutional network without its softmax layer.

    Attributes:
        hidden_layers: makes the layers for images of (height, width); takes `dropout` by keyword.
        recipe: its default training settings.
        dropout: its default dropout, by parameter; empty if it has none.
    """

    hidden_layers: Callable[..., list[keras.Layer]]
    recipe: Recipe
    dropout: dict[str, float] = field(default_factory=dict)


def tutorial(
    _image_shape: tuple[int, int], convolution_dropout: float, dense_dropout: float
) -> list[keras.Layer]:
    """The layers of the tutorial: two 3x3 convolutions, one pooling layer, one dense layer."""
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
    """Three convolutions; pooling halves the image after the first two."""
    return [*_halving_convolutions(image_shape), *_convolution(64, 3), layers.Flatten()]


def compact(image_shape: tuple[int, int]) -> list[keras.Layer]:
    """Like `fast`, with one more convolution before the last."""
    return [
        *_halving_convolutions(image_shape),
        *_convolution(64, 3, padding="same"),
        *_convolution(64, 3),
        layers.Flatten(),
    ]


def _halving_convolutions(image_shape: tuple[int, int]) -> list[keras.Layer]:
    """Two convolutions with pooling; for small images, the first has no pooling."""
    small = min(image_shape) < SMALL_SIDE
    first = _convolution(16, 5, padding="same") if small else _convolution(16, 5, pooling=2)
    return [*first, *_convolution(32, 3, padding="same", pooling=2)]


def _convolution(
    filters: int, size: int, *, pooling: int = 1, **options: object
) -> list[keras.Layer]:
    """A convolution with batch normalization and ReLU. Pooling comes directly after the
    convolution, to save time in the other layers.
    """
    return [
        layers.Conv2D(filters, size, use_bias=False, **options),
        *([layers.MaxPooling2D(pooling)] if pooling > 1 else []),
        # Keras' momentum of 0.99 forgets the first steps too slowly for a short training.
        FusedBatchNormalization(momentum=0.85),
        layers.ReLU(),
    ]


class FusedBatchNormalization(layers.BatchNormalization):
    """Keras' layer, but training uses TensorFlow's fused kernel instead of a dozen operations.

    This saves a quarter of the training time. The kernel is fast for multiples of 16 channels.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Normalize (n, height, width, channels) with batch statistics while training."""
        if not training:
            return super().call(inputs)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon
        )
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1 - self.momentum) * batch)
        return outputs


MOVING = {"rotation": 10, "zoom": 0.1, "shear": 10}
ARCHITECTURES = {
    "tutorial": Architecture(
        tutorial,
        # Without dropout: augmentation is enough regularization for these layers.
        dropout={"convolution_dropout": 0, "dense_dropout": 0},
        recipe=Recipe(optimizer="adam", learning_rate=0.005, epochs=5, batch_size=256, **MOVING),
    ),
    "fast": Architecture(
        fast,
        recipe=Recipe(optimizer="sgd", learning_rate=0.3, epochs=2, batch_size=192),
    ),
    "compact": Architecture(
        compact,
        recipe=Recipe(optimizer="sgd", learning_rate=0.2, epochs=9, batch_size=256, **MOVING),
    ),
}
