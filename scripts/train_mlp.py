"""Train a multi-layer perceptron with Keras."""

import core.environment  # noqa: F401 - before any library

from typing import Any

from core.command_line import StageParser
from networks.backend import keras
from training.fit import add_training_paths, train_network
from training.recipe import RECIPE, Recipe

# Without dropout: augmentation is enough regularization for these layers.
DEFAULTS = {"hidden": [1024, 512], "activation": "relu", "dropout": 0.0}
TRAINING = Recipe(
    optimizer="adam",
    learning_rate=0.005,
    epochs=12,
    batch_size=512,
    rotation=10,
    zoom=0.1,
    shear=10,
    precision="float32",
)


def train_mlp(hidden: list[int], activation: str, dropout: float | str, **training: Any) -> None:
    """Train fully connected layers on the flattened images.

    Args:
        hidden: units of each hidden layer.
        activation: the activation after each hidden layer.
        dropout: dropout after each hidden layer, or "recipe".
        training: arguments of `train_network`.

    Raises:
        UserError: training fails as in `train_network`.
    """
    share = DEFAULTS["dropout"] if dropout == RECIPE else dropout

    def hidden_layers(_image_shape: tuple[int, int]) -> list[keras.Layer]:
        dense = [keras.layers.Flatten()]
        for units in hidden:
            dense.append(keras.layers.Dense(units, activation=activation))
            dense.append(keras.layers.Dropout(share))
        return dense

    settings = {"hidden": hidden, "activation": activation, "dropout": share}
    train_network("train_mlp", hidden_layers, TRAINING, settings, DEFAULTS, **training)


def main() -> None:
    parser = StageParser("train_mlp", __doc__)
    add_training_paths(parser)
    parser.run(train_mlp)


if __name__ == "__main__":
    main()
