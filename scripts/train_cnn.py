"""Train a convolutional network with Keras, or an ensemble of several."""

import core.environment  # noqa: F401 - before any library

from typing import Any

from core.command_line import StageParser
from core.errors import UserError
from layers.architectures import ARCHITECTURES, SMALLEST_SIDE
from networks.backend import keras
from training.fit import add_training_paths, train_network
from training.recipe import RECIPE


def train_cnn(
    architecture: str,
    members: int,
    convolution_dropout: float | str,
    dense_dropout: float | str,
    **training: Any,
) -> None:
    """Train a convolutional network on the images.

    Args:
        architecture: one of `ARCHITECTURES`.
        members: networks to train; the model averages their predictions.
        convolution_dropout: dropout after the convolutions, or "recipe".
        dense_dropout: dropout after the dense layer, or "recipe".
        training: arguments of `train_network`.

    Raises:
        UserError: the architecture has no dropout, the images are too small for it, or training
            fails as in `train_network`.
    """
    chosen = ARCHITECTURES[architecture]
    dropout = dict(chosen.dropout)
    requested = {"convolution_dropout": convolution_dropout, "dense_dropout": dense_dropout}
    for key, share in requested.items():
        if share == RECIPE:
            continue
        if key not in dropout:
            raise UserError(
                f"train_cnn.{key}: {share} cannot be used by {architecture}, which has no dropout;"
                f" allowed: {RECIPE}"
            )
        dropout[key] = share

    def hidden_layers(image_shape: tuple[int, int]) -> list[keras.Layer]:
        if min(image_shape) < SMALLEST_SIDE:
            size, smallest = "x".join(map(str, image_shape)), SMALLEST_SIDE
            raise UserError(
                f"train_cnn.architecture: {architecture} cannot take images of {size};"
                f" allowed: {smallest}x{smallest} or larger"
            )
        return chosen.hidden_layers(image_shape, **dropout)

    settings = {"architecture": architecture, "members": members, **dropout}
    defaults = {"architecture": "tutorial", "members": 1, **chosen.dropout}
    train_network(
        *("train_cnn", hidden_layers, chosen.recipe, settings, defaults),
        members=members,
        **training,
    )


def main() -> None:
    parser = StageParser("train_cnn", __doc__)
    add_training_paths(parser)
    parser.run(train_cnn)


if __name__ == "__main__":
    main()
