"""The fit of the logistic regression with scikit-learn."""

import csv
import io
import math
import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from core.split import Split, scaled_and_flat

# The training curve uses about this many images of each part, to keep its cost low.
WATCHED_IMAGES = 5_000


class Fitted(NamedTuple):
    """What a fit found.

    Attributes:
        coefficients: (k, height * width), float64, or (1, height * width) for two classes.
        intercepts: (k,) or (1,).
        curve: accuracy and loss of each part after each iteration, CSV.
        seconds: that the fit took.
        iterations: how many it took.
    """

    coefficients: np.ndarray
    intercepts: np.ndarray
    curve: str
    seconds: float
    iterations: int


def fit_logistic_regression(
    parts: Mapping[str, Split],
    C: float,  # noqa: N803 - scikit-learn's name
    max_iter: int,
    tol: float,
    threads: int,
) -> Fitted:
    """Fit a multinomial logistic regression with L-BFGS on the scaled, flattened images.

    Args:
        parts: "" is the training part, "val_" the validation part, which is only watched.
        C: inverse strength of the L2 penalty on the summed loss.
        max_iter: the maximum number of iterations.
        tol: stop when no component of the gradient exceeds this.
        threads: threads of the linear algebra; sums of floats depend on them.
    """
    # Imported late, because it takes seconds and an invalid command line should fail at once.
    from sklearn.callback import ProgressBar, ScoringMonitor
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

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
                step = math.ceil(len(part.labels) / WATCHED_IMAGES)  # files may be sorted by class
                true = part.labels[::step]
                likely = estimator.predict_proba(rows[name][::step])
                scores[f"{name}accuracy"] = float((likely.argmax(axis=1) == true).mean())
                scores[f"{name}loss"] = log_loss(true, likely, labels=estimator.classes_)
        return scores

    monitor = ScoringMonitor(scoring=score)
    callbacks = [monitor, ProgressBar()] if sys.stderr.isatty() else [monitor]
    estimator = LogisticRegression(C=C, max_iter=max_iter, tol=tol).set_callbacks(*callbacks)
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the caller says it, in one line
        start = time.perf_counter()
        estimator.fit(rows[""], parts[""].labels)
        seconds = time.perf_counter() - start
    intercepts = estimator.intercept_ - estimator.coef_ @ mean
    curve = _curve(monitor.get_logs().data)
    return Fitted(estimator.coef_, intercepts, curve, seconds, int(estimator.n_iter_[0]))


def _curve(log: list[dict[str, Any]]) -> str:
    """The monitored scores as CSV, one row per iteration."""
    steps = [entry for entry in log if entry["task_name"] == "lbfgs-iter"]
    scores = [key for key in log[0] if str(key).endswith(("accuracy", "loss"))]
    table = io.StringIO()
    writer = csv.DictWriter(table, ["iteration", *scores], lineterminator="\n")
    writer.writeheader()
    for iteration, entry in enumerate(steps):
        writer.writerow({"iteration": iteration, **{key: entry[key] for key in scores}})
    return table.getvalue()
