"""The studies as a page and as Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.ticker import MaxNLocator, PercentFormatter

from core.text import printable
from drawing.figures import STYLE, as_svg, chart
from drawing.svg import inline, model_style
from drawing.templates import embedded, template_environment
from study.comparison import Summary, compare, summarise
from study.runs import Table, Variant

FOLDERS = Path(__file__).parent / "templates", Path(__file__).parents[1] / "templates"
TESTED = ("better", "worse", "noise", "same")
LABEL = 40  # characters of a variant's name beside a chart


def render(tables: Sequence[Table]) -> tuple[str, str]:
    """The page as HTML and as Markdown, which leaves out what differs from run to run of the
    same study: the times.
    """
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
    # A path may hold half a character, which no file can.
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
            _draw(table.variants, summaries),
            f"study-{place}",
            f"Accuracy of each variant of {table.model} in {table.study}: the table says the same",
        ),
    }


def _draw(variants: Sequence[Variant], summaries: Sequence[Summary]) -> str:
    """The accuracy of each run, and each variant's mean with its interval, below each other."""
    with matplotlib.rc_context(STYLE):
        figure, axes = chart(width=6, height=0.7 + 0.32 * len(variants))
        for place, (variant, summary) in enumerate(zip(variants, summaries, strict=True)):
            style = model_style(0 if place == 0 else 1)
            accuracies = [run.right / run.images for run in variant.runs]
            axes.plot(accuracies, [place + 0.2] * len(accuracies), ".", color=style["color"])
            if summary.low is not None:
                line = [summary.low, summary.high]
                axes.plot(line, [place, place], color=style["color"], linewidth=2)
            if summary.mean is not None:
                axes.plot(summary.mean, place, color=style["color"], marker=style["marker"])
        names = [printable(variant.name) for variant in variants]
        cut = [name if len(name) <= LABEL else f"{name[:LABEL]}…" for name in names]
        axes.set_yticks(range(len(variants)), cut)
        axes.set_ylim(len(variants) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(axis="x", alpha=0.3)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        return as_svg(figure)


def _mean(values: Sequence[float | None]) -> float | None:
    return sum(values) / len(values) if values and None not in values else None
