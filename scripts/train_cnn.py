"""Train the convolutional network with Keras."""

from typing import TYPE_CHECKING, Any

from shared.command_line import StageParser, number, one_of
from shared.errors import UserError
from shared.network import add_training_flags, train_network

if TYPE_CHECKING:
    import keras


def tutorial(
    image_shape: tuple[int, int], convolution_dropout: float, dense_dropout: float
) -> "list[keras.Layer]":
    """The tutorial's layers: two 3x3 convolutions, one pooling, one dense layer."""
    from keras import layers  # after shared.network, which silences TensorFlow's log

    return [
        layers.Reshape((*image_shape, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(convolution_dropout),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(dense_dropout),
    ]


ARCHITECTURES = {"tutorial": tutorial}
SMALLEST_SIDE = {"tutorial": 6}  # two 3x3 convolutions and a 2x2 pooling must leave a pixel


def train_cnn(
    architecture: str, convolution_dropout: float, dense_dropout: float, **training: Any
) -> None:
    """Train a convolutional network on the images.

    Args:
        architecture: one of `ARCHITECTURES`.
        convolution_dropout: share of the convolutions' output that a training step leaves out.
        dense_dropout: share of the dense layer's units that a training step leaves out.
        training: what `train_network` takes.

    Raises:
        UserError: the images are too small for the architecture.
    """

    def hidden_layers(image_shape: tuple[int, int]) -> "list[keras.Layer]":
        smallest = SMALLEST_SIDE[architecture]
        if min(image_shape) < smallest:
            size = "x".join(map(str, image_shape))
            raise UserError(
                f"train_cnn.architecture: {architecture} cannot take images of {size};"
                f" allowed: {smallest}x{smallest} or larger"
            )
        return ARCHITECTURES[architecture](image_shape, convolution_dropout, dense_dropout)

    settings = {
        "architecture": architecture,
        "convolution_dropout": convolution_dropout,
        "dense_dropout": dense_dropout,
    }
    train_network("train_cnn", hidden_layers, settings, **training)


def main() -> None:
    parser = StageParser("train_cnn", __doc__)
    parser.add_parameter("architecture", one_of(*ARCHITECTURES), "the layers")
    dropout = number(at_least=0, below=1)
    parser.add_parameter("convolution_dropout", dropout, "share left out after the convolutions")
    parser.add_parameter("dense_dropout", dropout, "share left out after the dense layer")
    add_training_flags(parser)
    parser.run(train_cnn)


if __name__ == "__main__":
    main()
