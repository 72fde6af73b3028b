"""Train one model by the tutorial's own recipe: tutorial.py {logreg,mlp,cnn} DATASET SEED.

DATASET is what the download stage wrote. Prints the results as one line of JSON. Nothing of the
pipeline's own training is used here. The seeds are ours; the tutorial has none.
"""

import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.linear_model import LogisticRegression

from measure import operations


def main() -> None:
    """Train, measure, print."""
    name, path, seed = sys.argv[1:]
    with np.load(path) as file:
        data = {key: file[key] for key in ("x_train", "y_train", "x_test", "y_test")}
    keras.utils.set_random_seed(int(seed))
    fit = {"logreg": logreg, "mlp": mlp, "cnn": cnn}[name]
    model, x_train, y_train, x_test, options = fit(**data)
    start = time.perf_counter()
    model.fit(x_train, y_train, **options)
    fit_seconds = time.perf_counter() - start
    start = time.perf_counter()
    likely = predict(model, x_test)
    seconds = time.perf_counter() - start
    result = {
        "accuracy": float((likely.argmax(axis=1) == data["y_test"]).mean()),
        "fit_seconds": fit_seconds,
        "microseconds": seconds / len(likely) * 1e6,
        "trained_operations": None,
    }
    if name != "logreg":
        seen = options["epochs"] * len(y_train)
        result["trained_operations"] = 3 * operations(model) * seen  # forward, and twice back
    print(json.dumps(result))


def predict(model: Any, images: np.ndarray) -> np.ndarray:
    if isinstance(model, LogisticRegression):
        return model.predict_proba(images)
    model.predict(images[:32], verbose=0)  # Keras compiles at the first call
    return model.predict(images, verbose=0)


def logreg(x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, **_: Any) -> tuple:
    """Raw pixels, scikit-learn's defaults."""
    flat_train, flat_test = (x.reshape(x.shape[0], -1) for x in (x_train, x_test))
    return LogisticRegression(), flat_train, y_train, flat_test, {}


def mlp(x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, **_: Any) -> tuple:
    """Raw pixels: the tutorial forgot to scale them."""
    flat_train, flat_test = (x.reshape(x.shape[0], -1) for x in (x_train, x_test))
    model = Sequential([keras.Input((flat_train.shape[1],))])
    model.add(Dense(1024, activation="relu"))
    model.add(Dropout(0.25))
    model.add(Dense(512, activation="relu"))
    model.add(Dropout(0.25))
    model.add(Dense(10, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    options = {"epochs": 12, "batch_size": 128, "verbose": 0}
    return model, flat_train, to_categorical(y_train), flat_test, options


def cnn(x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, **_: Any) -> tuple:
    """Pixels scaled to [0, 1]; the 255 of MNIST is the 16 of the small digits."""
    white = x_train.max()
    conv_train, conv_test = (x[..., None].astype("float32") / white for x in (x_train, x_test))
    model = Sequential([keras.Input(conv_train.shape[1:])])
    model.add(Conv2D(32, kernel_size=(3, 3), activation="relu"))
    model.add(Conv2D(64, (3, 3), activation="relu"))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Dropout(0.25))
    model.add(Flatten())
    model.add(Dense(128, activation="relu"))
    model.add(Dropout(0.5))
    model.add(Dense(10, activation="softmax"))
    optimizer = keras.optimizers.Adadelta(learning_rate=1.0, rho=0.95)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    options = {"epochs": 12, "batch_size": 128, "verbose": 0}
    return model, conv_train, to_categorical(y_train), conv_test, options


if __name__ == "__main__":
    main()
