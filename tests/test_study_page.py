"""The page of a study in a real browser, and its Markdown version, whatever the results."""

import json
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from browsing import (
    accessibility_problems,
    browser,
    html_problems,
    in_each_scheme,
    opened_with,
    watched,
)
from made_results import HOSTILE

from core.errors import UserError
from drawing.figures import MODEL_COLOURS
from study.runs import Run, Table, Variant
from study.study_page import render
from tools.study import run as study

pytestmark = pytest.mark.xdist_group("browser")  # one browser for all

# Of two models, two studies and three variants: how many of 400 images each seed gets right.
RESULTS = {
    ("a", "mlp", "plain"): [380, 381, 379, 383],
    ("a", "mlp", HOSTILE): [390, 392, 389, 391],
    ("a", "mlp", "broken"): [None, None, None, None],
    ("a", "<b>&x|", "plain"): [300, 310, 305, 307],
    ("a", "<b>&x|", HOSTILE): [300, 310, 305, 307],
    ("a", "<b>&x|", "broken"): [None, None, None, None],
    (HOSTILE, "mlp", "alone"): [399, None, None, None],
}


def write_results(folder: Path) -> Path:
    """The files of studies with the results above; the path of their plan."""
    studies = {}
    for number, ((name, model, variant), counts) in enumerate(RESULTS.items()):
        study = studies.setdefault(name, {"name": name, "variants": {}, "runs": []})
        changes = {"train_mlp.hidden": f"[{HOSTILE}]"} if variant != "plain" else {}
        study["variants"].setdefault(
            variant, {"name": variant, "changes": changes, "dataset": HOSTILE}
        )
        for seed, right in enumerate(counts):
            ids = {"train": f"{number}-{seed}", "evaluate": f"{number}-{seed}"}
            chain = [{"stage": stage, "id": key} for stage, key in ids.items()]
            place = list(study["variants"]).index(variant)
            run = {"variant": place, "model": model, "seed": seed, "chain": chain}
            study["runs"].append(run)
            if right is None:
                log = folder / "logs" / f"train_{ids['train']}.log"
                write(log, f"first line\n{HOSTILE}\nI0000 00:00:17 1 port.cc:153] chatter\n")
                continue
            trained, evaluated = (folder / step["stage"] / step["id"] for step in chain)
            scores = {"successes": right, "failures": 400 - right, "parameters": 9, "bytes": 5000}
            if number % 2:
                scores["corrupted_accuracy"] = 0.7 + seed / 10
            write(evaluated / "metrics.json", json.dumps({"x": scores}))
            write(trained / "training.json", json.dumps({"fit_seconds": 1.25}))
            record = {"inputs": {"study/preprocess/x/test.npz": "digest"}}
            for made in (trained, evaluated):
                write(made / "provenance.json", json.dumps(record))
    planned = [{**study, "variants": [*study["variants"].values()]} for study in studies.values()]
    write(folder / "plan.json", json.dumps(planned))
    return folder / "plan.json"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    plan = write_results(folder)
    study(plan, folder / "logs", folder / "page.html", folder / "study.md")
    return folder


def test_the_page_says_what_is_more_than_noise(watched, folder):
    page = watched.open(folder, script=False)
    assert page.locator(".verdict").text_content().strip() == (
        "1 of 2 differences is more than noise. 2 could not be tested. 11 runs are missing."
    )
    evidence = page.locator(".evidence li").all_text_contents()
    assert len(evidence) == 1
    assert HOSTILE in evidence[0]
    said = "is better than “plain”: +2.44 points (95\u00a0%\u00a0interval +1.94 to +2.94)"
    assert said in evidence[0]
    rows = page.get_by_role("table", name="Accuracy on 400 test images of").first.locator(
        "tbody tr"
    )
    cells = [row.locator("th, td").all_text_contents() for row in rows.all()]
    assert cells[0][:4] == ["plain", "4", "95.19\u00a0% ± 0.43", "94.51 to 95.87"]
    assert cells[1][0] == HOSTILE
    assert cells[1][5].startswith("better (p\u00a0<\u00a00.001")
    assert cells[2][1:6] == ["0", "", "", "", "not compared: no seed in common"]
    assert "no difference with any seed" in page.locator("main").text_content()
    missing = page.locator("section", has=page.locator("#missing")).locator("li")
    assert missing.count() == 11
    printed = HOSTILE.replace("\u2028", "")
    assert f"a, mlp, broken, seed 0: train: {printed}"[:200] in missing.first.text_content()


def drawn(*counts: list[int], model: str = "mlp") -> ElementTree.Element:
    """The chart of variants of one model, of which each seed gets so many of 400 images right."""
    variants = [
        Variant(
            str(place),
            {},
            "digits",
            [Run(seed, right, 400, "same", 9, 5000, 1.0) for seed, right in enumerate(of_one)],
            {},
        )
        for place, of_one in enumerate(counts)
    ]
    html, _ = render([Table("a study", model, variants, [])])
    return ElementTree.fromstring(re.search(r"<svg.*?</svg>", html, re.DOTALL)[0])  # noqa: S314


def markers(chart: ElementTree.Element, colour: str) -> list[tuple[float, float]]:
    """The centres of the dots and rings of runs, from the top: each is a part of a curved path."""
    paths = [path for path in chart.iter("path") if path.get("stroke") == colour]
    circles = [
        part for path in paths if "C" in path.get("d") for part in path.get("d").split("M")[1:]
    ]
    numbers = [[float(number) for number in re.findall(r"[\d.]+", circle)] for circle in circles]
    return [
        tuple(round((max(found[axis::2]) + min(found[axis::2])) / 2, 1) for axis in (0, 1))
        for found in numbers
    ]


BLUE, ORANGE, GREEN = map(str.lower, MODEL_COLOURS[:3])


def test_runs_with_the_same_accuracy_are_dots_apart():
    dots = markers(drawn([380, 380, 380, 380, 380]), ORANGE)
    assert len({x for x, _ in dots}) == 1
    heights = sorted(y for _, y in dots)
    assert len(heights) == 5
    assert all(after - before > 8 for before, after in pairwise(heights))


def test_each_run_is_joined_to_the_first_variants_of_the_same_seed():
    """By a line at one height; a ring is where the first variant's dot of this seed is."""
    dots = markers(drawn([380, 384, 382], [390, 386, 388]), ORANGE)
    first, pairs = dots[:3], list(zip(dots[3::2], dots[4::2], strict=True))
    assert [ring[0] for ring, _ in pairs] == [x for x, _ in first]
    assert all(ring[1] == dot[1] for ring, dot in pairs)
    assert all(ring[0] < dot[0] for ring, dot in pairs)


def test_ticks_are_short():
    chart = drawn([380, 381, 380], [382, 384, 383])
    ticks = [text.text for text in chart.iter("text") if re.fullmatch(r"[\d.]+%?", text.text)]
    assert {"95.0", "95.5", "96.0"} <= set(ticks)
    assert all(len(tick) <= 4 for tick in ticks)


@pytest.mark.parametrize(("model", "colour"), [("logreg", BLUE), ("mlp", ORANGE), ("cnn", GREEN)])
def test_a_model_has_its_colour_of_the_comparison(model, colour):
    """Whichever models the study has."""
    assert len(markers(drawn([380, 381], [382, 383], model=model), colour)) == 6


def test_runs_of_different_code_are_not_compared(tmp_path):
    plan = write_results(tmp_path)
    for number, digest in enumerate(("before", "before", "after")):
        path = tmp_path / "train" / f"0-{number}" / "provenance.json"
        write(path, json.dumps({"inputs": {"scripts/train.py": digest}}))
    pages = tmp_path / "page.html", tmp_path / "study.md"
    with pytest.raises(UserError, match=r"^scripts/train\.py was changed while the study ran"):
        study(plan, tmp_path / "logs", *pages)
    assert not any(path.exists() for path in pages)


def test_the_markdown_is_harmless_and_holds_no_times(folder):
    markdown = (folder / "study.md").read_text()
    assert "<b" not in markdown
    assert "<img" not in markdown
    assert "@everyone" not in markdown
    assert "1.25" not in markdown
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables} <= {10, 8}


def test_accuracy_on_changed_images_is_a_mean_where_each_run_has_it(folder):
    """Two of the variants were asked them: shares of 0.7, 0.8, 0.9 and 1."""
    lines = (folder / "study.md").read_text().splitlines()
    of_four_seeds = [line for line in lines if " | 4 | " in line]
    assert ["| 85.0" in line for line in of_four_seeds] == [False, True, True, False]
    assert len(re.findall(r"<td>85\.0\s%</td>", (folder / "page.html").read_text())) == 2


@opened_with(viewport={"width": 320, "height": 800})
def test_a_narrow_window_scrolls_in_one_direction(watched, folder):
    page = watched.open(folder, script=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@in_each_scheme
def test_axe_finds_nothing(watched, folder):
    page = watched.open(folder, script=False)
    for details in page.locator("details").all():
        details.locator("summary").click()
    assert accessibility_problems(page) == []


def test_the_html_is_valid(folder):
    assert html_problems(folder / "page.html") == []
