"""Train the logistic regression with scikit-learn."""

import csv
import io
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from core.command_line import StageParser
from core.files import write_text
from core.split import read_split, scaled_and_flat
from linear.linear_model import LinearModel, write_linear_model
from training.calibration import TEMPERATURE, calibrate
from training.recipe import RECIPE, THREADS
from training.training_record import microseconds_an_image, write_record

# The training curve uses about this many images of each part, to keep its cost low.
WATCHED_IMAGES = 5_000
# The recipe sets C relative to the number of images, so that it suits few and many images. This
# value was chosen on validation images of digits and MNIST.
LOSS_PER_PENALTY = 5_000


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
    """Fit a multinomial logistic regression with L-BFGS on the scaled, flattened images.

    Args:
        train, validation: the training and validation parts, `.npz`.
        model, history, record: the files to write.
        C: inverse strength of the L2 penalty on the summed loss, or "recipe".
        max_iter: the maximum number of iterations.
        tol: stop when no component of the gradient exceeds this.
        calibration: "temperature", which also fits a doubt, or "none".
        threads: threads of the linear algebra; they affect the results, through the order of float
            sums.

    Raises:
        UserError: an input is damaged.
        OSError: a file cannot be read or written.
    """
    # Imported late, because it takes seconds and an invalid command line should fail at once.
    from sklearn.callback import ProgressBar, ScoringMonitor
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    parts = {"": read_split(train), "val_": read_split(validation)}
    pixel_range = parts[""].pixel_range
    rows = {name: scaled_and_flat(part.images, pixel_range) for name, part in parts.items()}
    # Centring the pixels halves the iterations. The optimum stays the same, because the intercept
    # is not penalized; it absorbs the mean at the end.
    mean = rows[""].mean(axis=0, dtype=np.float64).astype(np.float32)
    for part in rows.values():
        part -= mean

    def score(estimator: LogisticRegression, *_: object) -> dict[str, float]:
        scores = {}
        for name, part in parts.items():
            if len(part.labels):
                step = -(
                    -len(part.labels) // WATCHED_IMAGES
                )  # evenly spread, because files may be sorted
                true = part.labels[::step]
                likely = estimator.predict_proba(rows[name][::step])
                scores[f"{name}accuracy"] = float((likely.argmax(axis=1) == true).mean())
                scores[f"{name}loss"] = log_loss(true, likely, labels=estimator.classes_)
        return scores

    monitor = ScoringMonitor(scoring=score)
    callbacks = [monitor, ProgressBar()] if sys.stderr.isatty() else [monitor]
    recipe_C = LOSS_PER_PENALTY / len(parts[""].labels)  # noqa: N806
    if C == RECIPE:
        C = recipe_C  # noqa: N806
    estimator = LogisticRegression(C=C, max_iter=max_iter, tol=tol).set_callbacks(*callbacks)
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # reported below, in one line
        start = time.perf_counter()
        estimator.fit(rows[""], parts[""].labels)
        fit_seconds = time.perf_counter() - start
    remarks = ()
    if estimator.n_iter_[0] >= max_iter:
        remarks = (f"stopped after {max_iter} iterations, before it converged",)
        print(f"train_logreg.max_iter: {remarks[0]}", file=sys.stderr)

    coefficients = estimator.coef_
    intercepts = estimator.intercept_ - coefficients @ mean
    linear = LinearModel(coefficients, intercepts, pixel_range)
    with threadpool_limits(threads):
        calibrated = calibrate(
            *("train_logreg", calibration),
            *(lambda images: linear.logits(images)[:, None], parts["val_"]),
            with_doubt=True,
        )
    temperature = calibrated.temperature
    linear = LinearModel(
        *(coefficients / temperature, intercepts / temperature, pixel_range), calibrated.doubt
    )
    write_linear_model(model, linear)
    write_text(history, _curve(monitor.get_logs().data))
    write_record(
        record,
        settings={
            **{"C": C, "max_iter": max_iter, "tol": tol, "threads": threads},
            "calibration": calibrated.method,
        },
        defaults={
            **{"C": recipe_C, "max_iter": 100, "tol": 1e-4, "threads": THREADS},
            "calibration": TEMPERATURE,
        },
        layers=[
            {
                "layer": "Softmax regression",
                "output_shape": [len(estimator.classes_)],
                "parameters": coefficients.size + intercepts.size,
            }
        ],
        train=parts[""],
        validation=parts["val_"],
        fit_seconds=fit_seconds,
        answer_microseconds=microseconds_an_image(linear.probabilities, parts[""].images),
        calibration=calibrated.record,
        remarks=remarks + calibrated.remarks,
    )


def _curve(log: list[dict[str, object]]) -> str:
    """The monitored scores as CSV, one row per iteration."""
    steps = [entry for entry in log if entry["task_name"] == "lbfgs-iter"]
    scores = [key for key in log[0] if str(key).endswith(("accuracy", "loss"))]
    table = io.StringIO()
    writer = csv.DictWriter(table, ["iteration", *scores], lineterminator="\n")
    writer.writeheader()
    for iteration, entry in enumerate(steps):
        writer.writerow({"iteration": iteration, **{key: entry[key] for key in scores}})
    return table.getvalue()


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
