"""Predict the classes of images of any size: an image file, a folder, a CSV file or an .npz.

Writes a table of the predictions. Images of the model's size are used unchanged; others are fitted
to it. Each unusable image is reported in one line; the others are predicted, and the exit status is
1.
"""

import argparse
from contextlib import suppress
from pathlib import Path

from core.errors import UserError
from prediction.predicting import Request, predict_all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, required=True, help="an image, a folder, .csv, .npz or .zip"
    )
    parser.add_argument(
        "--models", nargs="*", default=[], help="names, such as cnn, or folders; default: the best"
    )
    parser.add_argument("--output", type=Path, help="the table, .csv; default: print it")
    parser.add_argument("--seen", type=Path, help="a page with the images as the models see them")
    parser.add_argument(
        "--fit",
        choices=("auto", "digit", "whole"),
        default="auto",
        help="how images are fitted to the model: digit scales and centres the digit as in MNIST;"
        " whole resizes the image; auto keeps images of the model's size, and otherwise uses digit"
        " for the datasets digits and mnist, whole for all others",
    )
    parser.add_argument(
        "--sure",
        type=_share,
        help="add a column ask_a_person that marks the least confident predictions, so that the"
        " others reach this accuracy, such as 0.99, on the validation images",
    )
    parser.add_argument(
        "--validation",
        type=Path,
        default=Path("data/processed/validation.npz"),
        help="the validation images, .npz, for --sure",
    )
    parser.add_argument("--kaggle", action="store_true", help="write ImageId,Label for one model")


def run(images: Path, models: list[str], output: Path | None, **wanted) -> None:
    """Predict all images. Raises UserError afterwards if some images or models were unusable."""
    problems = predict_all(Request(images, models, output, **wanted))
    if problems:
        raise UserError(f"{problems} problem{'s' * (problems > 1)}; everything else was predicted")


def _share(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: above 0, below 1")
