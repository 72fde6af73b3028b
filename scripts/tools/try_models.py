"""Write a page on which one draws, and trained models answer: one file, opened from disk.

Holds every model that the metrics name, as far as there is room. Trains nothing.
"""

import argparse
from pathlib import Path

from core.errors import UserError
from core.files import read_json, write_text
from core.split import read_split
from try_page.fresh import check_fresh
from try_page.models import read_models
from try_page.page import render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--models", type=Path, required=True, help="the folder of the models")
    parser.add_argument("--metrics", type=Path, required=True, help="what evaluate measured, .json")
    parser.add_argument("--stats", type=Path, required=True, help="the dataset's statistics, .json")
    parser.add_argument("--test", type=Path, required=True, help="the test images, .npz")
    parser.add_argument("--html", type=Path, required=True, help="the page, to write, .html")


def run(models: Path, metrics: Path, stats: Path, test: Path, html: Path) -> None:
    """Write the page.

    Args:
        models: has a folder for each model that `metrics` names.
        metrics, stats, test: what evaluate, explore_stats and preprocess wrote.
        html: where to write it.

    Raises:
        UserError: something is missing, stale or damaged, or no model has room.
        OSError: something cannot be read or written.
    """
    missing = [path for path in (metrics, stats, test) if not path.is_file()]
    if missing:
        raise UserError(f"{missing[0]} is missing; make report makes it")
    check_fresh()
    part = read_split(test)
    page = render(read_models(models, metrics, part), part, read_json(stats))
    write_text(html, page)
