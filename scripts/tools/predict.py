"""Predict the class of images: a picture, a folder of them, a CSV file, an .npz; of any size.

Writes a table of the predictions. Images of the size that a model was trained on are used as they
are; others are brought into that form. Each image that cannot be used is named in one line, the
others are predicted, and the exit status is 1.
"""

import argparse
from pathlib import Path

from core.errors import UserError
from prediction.predicting import Request, predict_all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images", type=Path, required=True, help="a picture, a folder, .csv, .npz or .zip"
    )
    parser.add_argument(
        "--models", nargs="*", default=[], help="names, as cnn, or folders; else the best one"
    )
    parser.add_argument("--output", type=Path, help="the table, to write, .csv; else it is printed")
    parser.add_argument("--seen", type=Path, help="a page of what the models saw, to write, .html")
    parser.add_argument(
        "--fit",
        choices=("auto", "digit", "whole"),
        default="auto",
        help="how images are brought into form: the digit alone, scaled and centred as in MNIST, or"
        " the whole image; auto: as they are where the size is right, else the digit for digits and"
        " mnist, the whole for others",
    )
    parser.add_argument(
        "--sure",
        type=_share,
        help="add a column ask_a_person, so that the other images reach this accuracy, as 0.99, on"
        " validation images",
    )
    parser.add_argument(
        "--validation",
        type=Path,
        default=Path("data/processed/validation.npz"),
        help="the validation part, .npz, for --sure",
    )
    parser.add_argument("--kaggle", action="store_true", help="write ImageId,Label, of one model")


def run(images: Path, models: list[str], output: Path | None, **wanted) -> None:
    """Raise UserError, after all others are predicted, if something could not be used."""
    problems = predict_all(Request(images, models, output, **wanted))
    if problems:
        raise UserError(f"{problems} problem{'s' * (problems > 1)}; the rest is predicted")


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; allowed: more than 0, below 1")
    return share
