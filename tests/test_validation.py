"""A model that answers test images far worse than validation images: said first, and no verdict."""

from math import comb

import pytest
from small_stages import run_evaluate, run_logreg, split

from core.split import Split, write_split
from evaluation.significance import fewer_right
from evaluation.validation import validation_alarms, validation_scores


def scores(validation: tuple[int, int], test: tuple[int, int]) -> dict[str, int]:
    """Right answers and images of both parts, as metrics have them."""
    return {
        **{"validation_right": validation[0], "validation_images": validation[1]},
        **{"successes": test[0], "failures": test[1] - test[0]},
    }


def test_fishers_exact_test_by_hand():
    """Fisher's lady: all of 4 cups against none of 4, and 3 against 1 (1935)."""
    assert fewer_right(0, 4, 4, 4) == pytest.approx(1 / 70)
    assert fewer_right(1, 4, 3, 4) == pytest.approx(17 / 70)
    assert fewer_right(4, 4, 4, 4) == pytest.approx(1)
    chance = sum(comb(20, k) * comb(30, 25 - k) for k in range(6)) / comb(50, 25)
    assert fewer_right(5, 20, 20, 30) == pytest.approx(chance)


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
    assert bool(validation_alarms({"cnn": scores(validation, test)})) == said


def test_what_is_said():
    metrics = {
        **{"a": scores((98, 100), (3, 1000)), "fine": scores((98, 100), (970, 1000))},
        "b": scores((1000, 1000), (0, 1000)),
    }
    (alarm,) = validation_alarms(metrics)
    assert alarm["severity"] == "stop"
    assert alarm["found"] == (
        "b is right about 100.0 % of 1,000 validation images, but only 0.0 % of 1,000 test images;"
        " a is right about 98.0 % of 100 validation images, but only 0.3 % of 1,000 test images:"
        " far more than chance (exact test by Fisher, p < 0.000001)."
    )


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
    assert capsys.readouterr().err.startswith("evaluate: logreg is right about")


def test_no_validation_images(tmp_path):
    split(tmp_path, 0)
    run_logreg(tmp_path)
    metrics = run_evaluate(tmp_path, "logreg")["logreg"]
    assert (metrics["validation_images"], metrics["validation_right"]) == (0, 0)
    assert "validation_accuracy" not in metrics
