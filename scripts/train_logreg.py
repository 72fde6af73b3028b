"""Train the logistic regression with scikit-learn."""

import core.environment  # noqa: F401 - before any library

import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from core.command_line import StageParser
from core.files import write_text
from core.split import read_split
from linear.fitting import fit_logistic_regression
from linear.linear_model import LinearModel, write_linear_model
from training.calibration import TEMPERATURE, calibrate
from training.recipe import RECIPE, THREADS
from training.training_record import microseconds_an_image, write_record

LOSS_PER_PENALTY = 5_000  # C times the images, chosen on validation images of digits and MNIST


def train_logreg(
    train: Path,
    validation: Path,
    model: Path,
    history: Path,
    record: Path,
    C: float | str,  # noqa: N803 - scikit-learn's name
    max_iter: int,
    tol: float,
    calibration: str,
    threads: int,
) -> None:
    """Fit the model, calibrate it, and record the training. Raises UserError or OSError.

    Args:
        train, validation: the training and validation parts, `.npz`.
        model, history, record: the files to write.
        C: inverse strength of the L2 penalty on the summed loss, or "recipe".
        max_iter, tol, threads: as in `fit_logistic_regression`.
        calibration: "temperature", which also fits a doubt, or "none".
    """
    parts = {"": read_split(train), "val_": read_split(validation)}
    defaults = {"C": LOSS_PER_PENALTY / len(parts[""].labels), "max_iter": 100, "tol": 1e-4}
    C = defaults["C"] if C == RECIPE else C  # noqa: N806
    fitted = fit_logistic_regression(parts, C, max_iter, tol, threads)
    remarks = ()
    if fitted.iterations >= max_iter:
        remarks = (f"stopped after {max_iter} iterations, before it converged",)
        print(f"train_logreg.max_iter: {remarks[0]}", file=sys.stderr)
    weights, pixel_range = fitted[:2], parts[""].pixel_range
    logits = LinearModel(*weights, pixel_range).logits
    with threadpool_limits(threads):
        found = calibrate(
            *("train_logreg", calibration, lambda images: logits(images)[:, None], parts["val_"]),
            with_doubt=True,
        )
    linear = LinearModel(
        *(array / found.temperature for array in weights), pixel_range, found.doubt
    )
    write_linear_model(model, linear)
    write_text(history, fitted.curve)
    layer = {"layer": "Softmax regression", "output_shape": [max(2, len(weights[1]))]}
    write_record(
        record,
        settings={
            **{"C": C, "max_iter": max_iter, "tol": tol, "threads": threads},
            "calibration": found.method,
        },
        defaults={**defaults, "threads": THREADS, "calibration": TEMPERATURE},
        layers=[{**layer, "parameters": sum(array.size for array in weights)}],
        train=parts[""],
        validation=parts["val_"],
        fit_seconds=fitted.seconds,
        answer_microseconds=microseconds_an_image(linear.probabilities, parts[""].images),
        calibration=found.record,
        remarks=remarks + found.remarks,
    )


def main() -> None:
    parser = StageParser("train_logreg", __doc__)
    parser.add_input("train", "the training part, .npz")
    parser.add_input("validation", "the validation part, .npz")
    parser.add_output("model", "the model, .npz")
    parser.add_output("history", "the training curve, .csv")
    parser.add_output("record", "the record of the training, .json")
    parser.run(train_logreg)


if __name__ == "__main__":
    main()
