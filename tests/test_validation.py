"""Models that are far worse on test images than on validation images get no verdict."""

import json
from pathlib import Path

import pytest
from changed_results import Repository
from made_results import render
from small_stages import run_evaluate, run_logreg, split

from core.errors import UserError
from core.split import Split, write_split
from evaluation.validation import check_validation, validation_scores
from freshness.revision import Revision, find_revision
from review.results import METRICS, read_results
from review.review_page import draw_review


def scores(validation: tuple[int, int], test: tuple[int, int]) -> dict[str, int]:
    """The numbers of right predictions and images of both parts, as in the metrics."""
    return {
        **{"validation_right": validation[0], "validation_images": validation[1]},
        **{"successes": test[0], "failures": test[1] - test[0]},
    }


@pytest.mark.parametrize(
    ("validation", "test", "said"),
    [
        ((141, 143), (1, 360), True),  # labels + 1
        ((141, 143), (328, 360), False),  # digits themselves: other writers
        ((143, 143), (305, 360), True),  # 15.3 points
        ((143, 143), (307, 360), False),  # 14.7 points, by as little chance
        ((30, 30), (60, 100), False),  # p = 0.00001
        ((10, 10), (0, 10), False),  # too few to say
        ((20, 20), (0, 20), True),
        ((0, 0), (0, 360), False),
        ((1, 143), (360, 360), False),
        ((5900, 6000), (9_900, 10_000), False),
        ((5900, 6000), (8_000, 10_000), True),
    ],
)
def test_what_is_far_beyond_chance(validation, test, said):
    assert bool(check_validation({"cnn": scores(validation, test)})) == said


def test_what_is_said():
    metrics = {"fine": scores((98, 100), (970, 1000)), "a": scores((98, 100), (3, 1000))}
    said = check_validation(metrics)["validation"]
    worst = "a gets 98.0 % of 100 validation images right, but only 0.3 % of 1,000 test images"
    assert (said["severity"], said["found"]) == ("stop", f"{worst}.")
    metrics["b"] = scores((800, 1000), (0, 1000))
    assert (
        check_validation(metrics)["validation"]["found"]
        == f"{worst}; one more model has such a gap."
    )
    metrics["c" * 50] = scores((1000, 1000), (0, 1000))
    assert check_validation(metrics)["validation"]["found"] == (
        f"{'c' * 39}… gets 100.0 % of 1,000 validation images right, but only 0.0 % of 1,000 test"
        " images; 2 more models have such a gap."
    )


def test_results_that_know_of_no_validation_images():
    old = {"old": {"successes": 0, "failures": 100}}
    assert check_validation(old) == {}
    assert check_validation({**old, "new": scores((98, 100), (3, 1000))})


def test_without_validation_images_there_is_no_score():
    assert validation_scores(0, 0, 5, 9) == {}
    assert validation_scores(3, 4, 1, 4) == {
        "validation_accuracy": 0.75,
        "validation_p_value": pytest.approx(17 / 70),
    }


def test_evaluate_asks_about_validation_images(tmp_path, capsys):
    parts = split(tmp_path, 0.3)
    run_logreg(tmp_path)
    metrics = run_evaluate(tmp_path, "logreg")["logreg"]
    assert metrics["validation_images"] == 60
    assert metrics["validation_right"] > 50
    assert metrics["validation_accuracy"] == metrics["validation_right"] / 60
    assert capsys.readouterr().err == ""

    part = parts["test"]
    wrong = (part.labels + 1) % 10
    write_split(tmp_path / "test.npz", Split(part.images, wrong, part.classes, part.pixel_range))
    metrics = run_evaluate(tmp_path, "logreg")["logreg"]
    assert metrics["validation_right"] > 50
    assert metrics["validation_p_value"] < 1e-6
    assert capsys.readouterr().err.startswith("stop: logreg gets")


def test_no_validation_images(tmp_path):
    split(tmp_path, 0)
    run_logreg(tmp_path)
    metrics = run_evaluate(tmp_path, "logreg")["logreg"]
    assert (metrics["validation_images"], metrics["validation_right"]) == (0, 0)
    assert "validation_accuracy" not in metrics


WHOLE, GAP = (143, 143), {"wrong": {"cnn": 300, "mlp": 310}, "images": 360}


def test_page_and_markdown_name_no_model_then(tmp_path):
    html, markdown = render(tmp_path, validation=WHOLE, **GAP)
    header = html.split("<header>")[1].split("</header>")[0]
    assert header.index("The data cannot show which model to trust") < header.index("mlp gets")
    for text in (header, markdown.split("## The data")[0]):
        assert (
            "mlp gets 100.0 % of 143 validation images right, but only 13.9 % of 360 test" in text
        )
        assert "So this page does not name a model to trust." in text
        for crown in ("It beats", "more than chance (p", "it is most confident"):
            assert crown not in text.replace("| verdict", "")
    assert 'class="best"' not in html
    assert "Accuracy on 143 validation images: 100.00\u00a0%." in html

    html, markdown = render(tmp_path, validation=(30, 143), **GAP)
    assert "<strong>cnn</strong> classifies" in html
    assert markdown.split("\n")[2].startswith("**cnn classifies")


def test_a_check_that_says_stop_does_the_same(tmp_path):
    check = {"severity": "warn", "found": "A.", "meaning": "B.", "action": "C."}
    html, _ = render(tmp_path, {"cnn": 3}, checks={"any": check})
    assert "<strong>cnn</strong> classifies" in html
    html, markdown = render(tmp_path, {"cnn": 3}, checks={"any": {**check, "severity": "stop"}})
    for text in (html, markdown):
        assert "So this page does not name a model to trust." in text
        assert "92.50\u00a0%, 95" not in text


@pytest.mark.parametrize("name", ["test_in_train", "test_in_train_or_validation"])
def test_what_models_have_seen_is_said_as_it_is(name, tmp_path):
    good = "were trained on training images and monitored on validation images. The checks found"
    html, _ = render(tmp_path, {"a": 3, "b": 2}, validation=(9, 10))
    assert good in html
    assert "There were no validation images." not in html
    assert "this page names the model with the highest test accuracy first" in html
    said = {"severity": "note", "found": "3 are in train.", "meaning": "B.", "action": "C."}
    html, _ = render(tmp_path, {"a": 3}, checks={name: said})
    assert good not in html
    assert "The models were trained on some of the test images: 3 are in train." in html
    assert "There were no validation images." in html
    assert "this page names the model with the highest test accuracy first" not in html


def test_the_review_says_it_first(tmp_path, monkeypatch):
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    repository.commit("base", {"cnn": [*range(90)]})
    repository.write({"cnn": [*range(91)]})
    metrics = json.loads(Path(METRICS).read_text())
    metrics["cnn"] |= {"validation_right": 140, "validation_images": 143}
    Path(METRICS).write_text(json.dumps(metrics))
    drawn = draw_review(find_revision("main"), Revision("this folder"), Path("test.npz"))
    found = "cnn gets 97.9 % of 143 validation images right, but only 9.0 % of 100 test images"
    assert drawn.verdict.startswith(f"The data cannot show which model to trust: {found}")
    for text in (drawn.markdown, drawn.page):
        assert text.count(found) == 2
        assert "fix the dataset, and rerun." in text


@pytest.mark.parametrize(
    "counts", [(144, 143), (-1, 143), (1.0, 143), (True, 143), ("1", 143), (None, 143), (0, 1e9)]
)
def test_the_review_takes_no_counts_on_trust(counts, tmp_path, monkeypatch):
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    repository.write({"cnn": [1]})
    metrics = json.loads(Path(METRICS).read_text())
    metrics["cnn"] |= {"validation_right": counts[0], "validation_images": counts[1]}
    Path(METRICS).write_text(json.dumps(metrics))
    with pytest.raises(UserError, match=r"metrics\.json of this folder is not in the pipeline"):
        read_results(Revision("this folder"))


def test_the_review_has_a_limit_of_images(tmp_path, monkeypatch):
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    repository.write({"cnn": [1]})
    metrics = json.loads(Path(METRICS).read_text())
    for images in (1_000_000, 1_000_001):
        metrics["cnn"] |= {"validation_right": images, "validation_images": images}
        Path(METRICS).write_text(json.dumps(metrics))
        if images == 1_000_000:
            read_results(Revision("this folder"))
    with pytest.raises(UserError, match="has too many validation images; allowed: up to"):
        read_results(Revision("this folder"))
