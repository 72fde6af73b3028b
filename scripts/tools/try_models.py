"""Write a page to draw on, where trained models classify the drawing: one file, opened from disk.

It contains every model in the metrics that is small enough. Trains nothing.
"""

import argparse
from pathlib import Path

from core.errors import UserError
from core.files import Snapshot, read_json, write_text
from core.parameters import read_sections
from core.split import read_split
from freshness.revision import check_folder
from freshness.staleness import check_results
from networks.backend import use_threads
from try_page.models import read_models
from try_page.page import render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--models", type=Path, required=True, help="the folder of the models")
    parser.add_argument("--metrics", type=Path, required=True, help="the models' metrics, .json")
    parser.add_argument("--stats", type=Path, required=True, help="the dataset's statistics, .json")
    parser.add_argument("--test", type=Path, required=True, help="the test images, .npz")
    parser.add_argument("--html", type=Path, required=True, help="the page, .html (output)")


def run(models: Path, metrics: Path, stats: Path, test: Path, html: Path) -> None:
    """Write the page.

    Args:
        models: the folder with a folder for each model in `metrics`.
        metrics, stats, test: outputs of evaluate, explore_stats and preprocess.
        html: the file to write.

    Raises:
        UserError: a result is missing, out of date or damaged, or no model is small enough.
        OSError: a file cannot be read or written.
    """
    check_folder()
    snapshot = Snapshot([metrics, stats, test, *models.glob("*")])
    check_results([metrics, stats, test])
    use_threads(read_sections(Path("params.yaml"))["evaluate"]["threads"])
    part = read_split(test)
    found = read_json(stats)
    if not (isinstance(found, dict) and isinstance(found.get("dataset"), str)):
        raise UserError(f"{stats}: no name of the dataset; run make report")
    page = render(read_models(models, metrics, part), part, found)
    snapshot.check()
    write_text(html, page)
