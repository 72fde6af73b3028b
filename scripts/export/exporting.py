"""Export models in the formats of other tools: all of them, complete and checked, or none."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.errors import WRONG_FORM, UserError
from core.files import only_writer, read_json, write_json, write_text
from core.npz import reason
from core.split import Split, read_split
from evaluation.evaluation import Evaluation, read_evaluation
from export.card import model_card
from export.checking import check_predictions
from export.description import Description, describe
from export.keras_archive import write_keras_archive
from export.linear_forms import add_linear_model, write_plain_arrays
from export.onnx_graph import Graph
from export.onnx_network import add_network
from linear.linear_model import read_linear_model
from networks.network import read_network
from prediction.form import read_trained


class Results(NamedTuple):
    """Outputs of evaluate and explore-stats; `dataset` is the parameter download.dataset, and
    `batch_size` and `threads` are those of evaluate.
    """

    test: Path
    evaluation: Path
    stats: Path
    dataset: str
    batch_size: int
    threads: int


def export_models(
    folders: Sequence[Path],
    output: Path,
    results: Results,
    confirm: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Write each model into the folder `output`/NAME.

    Args:
        folders: the folders of evaluated models.
        confirm: called before earlier exports are replaced; raises UserError to leave them.

    Returns:
        For each model, the largest difference of a probability from the pipeline's model.

    Raises:
        UserError: an exported model predicts differently, or cannot be checked; `output` is then
            unchanged.
    """
    part, evaluation = read_split(results.test), read_evaluation(results.evaluation)
    if not np.array_equal(part.labels, evaluation.labels):
        raise UserError(
            f"{results.evaluation}: made from other images than {results.test}; rerun evaluate"
        )
    most, written = {}, {}
    output.mkdir(parents=True, exist_ok=True)
    with only_writer(output, output / ".partial"):
        try:
            for folder in folders:
                # A killed run may have left files there.
                partial = written[output / folder.name] = output / f".partial.{folder.name}"
                _remove(partial)
                most[folder.name] = _export(folder, partial, part, evaluation, results)
            confirm()
            _replace(written)
        finally:
            for partial in written.values():
                _remove(partial)
    return most


def _export(folder: Path, to: Path, part: Split, evaluation: Evaluation, results: Results) -> float:
    record, classes, form = read_trained(folder)
    described, name = describe(folder.name, classes, form), folder.name
    if described.classes != evaluation.classes.tolist():
        raise UserError(f"{folder}: trained on other classes than the evaluation; run make report")
    to.mkdir(parents=True)
    try:
        files = _write_model(folder, to, described)
    except WRONG_FORM as error:
        raise UserError(
            f"{folder}: the model has settings that no training writes ({reason(error)}); run make"
            " report to train it"
        ) from error
    write_json(to / "model.json", described.as_json())
    expected = evaluation.probabilities[evaluation.models.index(name)]
    test = part.images, expected, results.batch_size, results.threads
    most = max(check_predictions(to / file, name, *test) for file in files)
    stats = read_json(results.stats)
    card = model_card(described, record, evaluation, stats, results.dataset, files)
    write_text(to / "README.md", card)
    return most


def _write_model(folder: Path, to: Path, described: Description) -> list[str]:
    """Write the model in `folder` in each format; returns the names of the files."""
    graph = Graph()
    if (folder / "network.json").exists():
        network = read_network(folder / "network.json", folder / "network.weights.npz")
        other = "model.keras"
        write_keras_archive(to / other, network)
        output = add_network(graph, network)
    else:
        linear = read_linear_model(folder / "model.npz")
        other = "model.npz"
        write_plain_arrays(to / other, linear, described.classes)
        output = add_linear_model(graph, linear)
    form = described.height, described.width, len(described.classes)
    model = graph.model(output, *form, described.as_metadata())
    (to / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    return [other, "model.onnx"]


def _replace(written: Mapping[Path, Path]) -> None:
    """Replace each folder by its partial one: all of them or, when interrupted, none."""
    earlier = {folder: folder.with_name(f".old.{folder.name}") for folder in written}
    for folder, old in earlier.items():  # what a killed run has left
        _remove(old) if folder.exists() else _restore(folder, old)
    try:
        for folder, partial in written.items():
            if os.path.lexists(folder):
                folder.rename(earlier[folder])
            partial.rename(folder)
    except BaseException:
        for folder, partial in written.items():
            if not partial.exists():
                _remove(folder)
            _restore(folder, earlier[folder])
        raise
    for old in earlier.values():
        _remove(old)


def _restore(folder: Path, old: Path) -> None:
    if os.path.lexists(old):
        old.rename(folder)


def _remove(path: Path) -> None:
    """Remove a folder, or a link to one; not what the link leads to."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
