"""The studies as a page and as Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.parameters import read_schema
from core.plotting import Axes, matplotlib, ticker
from core.text import printable, shortened
from drawing.figures import STYLE, as_svg, chart
from drawing.svg import inline, model_style
from drawing.templates import embedded, template_environment
from study.comparison import Summary, compare, summarise
from study.runs import Run, Table, Variant

FOLDERS = Path(__file__).parent / "templates", Path(__file__).parents[1] / "templates"
TESTED = ("better", "worse", "noise", "same")
LABEL = 40  # columns of a variant's name, at most
LANE, MOST_LANES = 0.13, 3.0  # inches per seed, and per variant at most


def render(tables: Sequence[Table]) -> tuple[str, str]:
    """The page as HTML and Markdown. The Markdown has no times, which differ from run to run."""
    environment = template_environment(*FOLDERS)
    shown = [_view(place, table) for place, table in enumerate(tables)]
    compared = [(table, row) for table in shown for row in table["rows"][1:]]
    view = {
        "tables": shown,
        "studies": list(dict.fromkeys(table.study for table in tables)),
        "compared": len(compared),
        "tests": sum(row["difference"].outcome in TESTED for _, row in compared),
        "beyond": [
            (table, row)
            for table, row in compared
            if row["difference"].outcome in ("better", "worse")
        ],
        "missing": [
            (table, variant.name, seed, reason)
            for table in tables
            for variant in table.variants
            for seed, reason in variant.missing.items()
        ],
    }
    style = embedded(FOLDERS[1] / "style.css")
    page = environment.get_template("study.html.j2").render(view, style=style)
    markdown = environment.get_template("study.md.j2").render(view)
    # A path may contain a lone surrogate, which UTF-8 cannot represent.
    return tuple(text.encode(errors="backslashreplace").decode() for text in (page, markdown))


def _view(place: int, table: Table) -> dict[str, Any]:
    summaries = [summarise(variant.runs) for variant in table.variants]
    rows = zip(table.variants, summaries, [None, *compare(table.variants)], strict=True)
    return {
        "study": table.study,
        "model": table.model,
        "same": table.same,
        "images": sorted({run.images for variant in table.variants for run in variant.runs}),
        "datasets": list(dict.fromkeys(variant.dataset for variant in table.variants)),
        "rows": [
            {
                "name": variant.name,
                "changes": [f"{key}: {value}" for key, value in variant.changes.items()],
                "runs": variant.runs,
                "summary": summary,
                "difference": difference,
                "corrupted": _mean([run.corrupted for run in variant.runs]),
                "seconds": _mean([run.fit_seconds for run in variant.runs]),
                "parameters": max((run.parameters for run in variant.runs), default=None),
                "size": _mean([run.size for run in variant.runs]),
            }
            for variant, summary, difference in rows
        ],
        "chart": inline(
            _draw(table.model, table.variants, summaries),
            f"study-{place}",
            f"Test accuracy of each run of {table.model} in {table.study}: see “Each run”",
        ),
    }


def _draw(model: str, variants: Sequence[Variant], summaries: Sequence[Summary]) -> str:
    """Each variant's runs, one line per seed, joined to the first variant's run with this seed; and
    below them the mean with its interval.
    """
    seeds = list(dict.fromkeys(run.seed for variant in variants for run in variant.runs))
    lane = min(LANE, MOST_LANES / max(1, len(seeds)))
    row = lane * len(seeds) + 0.5  # inches, with the name above and the mean below
    first = {run.seed: _percent(run) for run in variants[0].runs}
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=4.6, height=0.6 + row * len(variants))
        for place, (variant, summary) in enumerate(zip(variants, summaries, strict=True)):
            top = row * place
            name = shortened(printable(variant.name), LABEL)
            axes.text(0, top + 0.1, name, transform=axes.get_yaxis_transform(), va="center")
            lanes = {seed: top + 0.27 + lane * lane_of for lane_of, seed in enumerate(seeds)}
            _draw_runs(axes, variant.runs, lanes, first if place else {}, _colour(model))
            if summary.low is not None:
                ends = [100 * summary.low, 100 * summary.high]
                axes.plot(ends, [top + row - 0.13] * 2, color="black", linewidth=1.5)
            if summary.mean is not None:
                axes.plot(100 * summary.mean, top + row - 0.13, "D", color="black", markersize=4)
        axes.set(xlabel="test accuracy, %", yticks=[], ylim=(row * len(variants), 0))
        axes.set_xlim(right=min(axes.get_xlim()[1], 100.2))
        axes.xaxis.set_major_locator(ticker.MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(ticker.ScalarFormatter(useOffset=False))
        axes.grid(axis="x", alpha=0.3)
        axes.spines["left"].set_visible(False)
        return as_svg(figure)


def _draw_runs(
    axes: Axes, runs: Sequence[Run], lanes: dict[int, float], first: dict[int, float], colour: str
) -> None:
    """A dot for each run; if `first` has its seed, also a ring there, and a line between them."""
    for run in runs:
        height, accuracy = lanes[run.seed], _percent(run)
        if run.seed in first:
            axes.plot([first[run.seed], accuracy], [height] * 2, color=colour, linewidth=0.8)
            axes.plot(first[run.seed], height, "o", color=colour, fillstyle="none", markersize=4)
        axes.plot(accuracy, height, "o", color=colour, markersize=4)


def _percent(run: Run) -> float:
    return 100 * run.right / run.images


def _colour(model: str) -> str:
    """The colour of a model on the comparison page: by the order of the stages."""
    stages = [name for name in read_schema()["properties"] if name.startswith("train_")]
    places = {name.removeprefix("train_"): place for place, name in enumerate(stages)}
    return model_style(places.get(model, len(places)))["color"]


def _mean(values: Sequence[float | None]) -> float | None:
    return sum(values) / len(values) if values and None not in values else None
