"""Labels to look at again: which are found, where, and what is written of them."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from made_results import draw, render

from core.text import from_csv_text
from data_checks.finding import Part, in_order
from data_checks.held_out import held_out_probabilities
from data_checks.label_doubts import doubt_labels, find_doubtful
from dataset.dataset import checked_dataset, write_dataset
from dataset.digits import load_digits
from dataset.found import Found
from explore_stats import explore_stats

HEADING = "part,index,label,suggested,probability_of_label,probability_of_suggested\n"


def explore(folder: Path, found: Found, folds: int) -> dict[str, bytes]:
    """What explore-stats writes of a dataset, by the names of its files."""
    folder.mkdir()
    write_dataset(folder / "dataset.npz", checked_dataset("digits", "digits", found))
    names = ("stats.json", "train.svg", "test.svg", "classes.svg", "labels.csv")
    paths = {name: folder / name for name in names}
    data = folder / "dataset.npz"
    explore_stats(data, *paths.values(), samples=4, label_folds=folds, seed=1)
    return {name: path.read_bytes() for name, path in paths.items()}


@pytest.fixture(scope="module")
def digits() -> tuple[Found, dict[str, np.ndarray]]:
    """The small digits with 2 % of the labels moved on by three, and which."""
    data, random = load_digits(), np.random.default_rng(1)
    images = data.images
    labels = {part: each.copy() for part, each in data.labels.items()}
    flipped = {}
    for part, each in labels.items():
        flipped[part] = np.sort(random.choice(len(each), len(each) // 50, replace=False))
        each[flipped[part]] = (each[flipped[part]] + 3) % 10
    return Found(images, labels, None), flipped


@pytest.fixture(scope="module")
def written(digits, tmp_path_factory) -> dict[str, bytes]:
    return explore(tmp_path_factory.mktemp("digits") / "a", digits[0], 5)


def rows_of(written: dict[str, bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written["labels.csv"].decode())))


def test_flipped_labels_are_found_in_train_and_in_test(written, digits):
    found, flipped = digits
    rows = rows_of(written)
    for part, numbers in flipped.items():
        there = {int(row["index"]): row for row in rows if row["part"] == part}
        assert len(there.keys() & set(numbers)) >= 0.8 * len(numbers)
        assert len(there.keys() - set(numbers)) <= 0.2 * len(numbers)
        for number in there.keys() & set(numbers):
            row = there[number]
            assert int(row["label"]) == found.labels[part][number]
            assert (int(row["suggested"]) + 3) % 10 == int(row["label"])
    confidence = [float(row["probability_of_label"]) for row in rows]
    assert confidence == sorted(confidence)
    assert all(float(row["probability_of_suggested"]) > 0.5 for row in rows)


def test_the_statistics_have_their_number_and_some_pictures(written):
    doubts, rows = json.loads(written["stats.json"])["labels"], rows_of(written)
    assert doubts["folds"] == 5
    assert doubts["not_judged"] == 0
    assert 0.95 < doubts["agreement"] < 0.99  # 2 % are flipped
    assert sum(doubts["found"].values()) == len(rows)
    assert doubts["found"]["test"] == sum(row["part"] == "test" for row in rows)
    assert len(doubts["images"]) == 25 < len(rows)
    for (shown,), row in zip(doubts["images"], rows, strict=False):
        assert [shown["part"], str(shown["index"])] == [row["part"], row["index"]]
        assert [shown["class"], shown["suggested"]] == [row["label"], row["suggested"]]
        assert [len(line) for line in shown["pixels"].split(" ")] == [8] * 8


def test_where_it_is_off_nothing_else_is_different(written, digits, tmp_path):
    off = explore(tmp_path / "off", digits[0], 0)
    assert off.pop("labels.csv").decode() == HEADING
    stats = json.loads(written["stats.json"])
    del stats["labels"]
    assert json.loads(off.pop("stats.json")) == stats
    assert off == {name: written[name] for name in off}


def test_same_bytes_twice_and_others_with_another_number_of_folds(written, digits, tmp_path):
    assert explore(tmp_path / "again", digits[0], 5) == written
    assert explore(tmp_path / "other", digits[0], 3)["labels.csv"] != written["labels.csv"]


def noise(labels: np.ndarray, shape: tuple[int, int] = (8, 8)) -> np.ndarray:
    """Images with a bright row or column for each class."""
    images = np.random.default_rng(0).integers(0, 60, (len(labels), *shape), np.uint8)
    for image, label in zip(images, labels, strict=True):
        (image if label < shape[0] else image.T)[label % shape[0]] += 150
    return images


def doubted(labels: np.ndarray, given: np.ndarray, classes: list[str], folds: int = 5, **parts):
    """What is doubted of images of the classes `labels` that are labelled as `given`."""
    train = {"train": Part(noise(labels), given), **parts}
    text, stats = doubt_labels(in_order(train, classes), folds, 1)
    return list(csv.DictReader(io.StringIO(text))), stats["labels"]


def test_a_class_of_fewer_images_than_folds_is_not_judged():
    labels = np.array([0] * 40 + [1] * 40 + [2] * 4 + [3])
    given = labels.copy()
    given[[7, 81]] = 1, 0  # the second is of the rare class, and its label of a frequent one
    rows, stats = doubted(labels, given, ["a", "b", "c", "d"])
    assert stats["not_judged"] == 4
    assert ("7", "b", "a") in {(row["index"], row["label"], row["suggested"]) for row in rows}
    assert not {row["label"] for row in rows} & {"c", "d"}
    assert not {row["suggested"] for row in rows} & {"c", "d"}


def test_classes_that_are_all_rare_leave_nothing_to_judge():
    labels = np.arange(6) % 3
    rows, stats = doubted(labels, labels, ["a", "b", "c"])
    assert (rows, stats["not_judged"], stats["found"]) == ([], 6, {"train": 0})


def test_two_classes_and_a_validation_part_of_its_own():
    labels = np.arange(60) % 2
    given = labels.copy()
    given[5] = 0
    wrong = given.copy()
    wrong[[4, 5]] = 1
    rows, stats = doubted(
        labels,
        given,
        ["no", "yes"],
        validation=Part(noise(labels), wrong),
        test=Part(noise(labels), labels),
    )
    found = {(row["part"], row["index"], row["label"], row["suggested"]) for row in rows}
    assert found == {("train", "5", "no", "yes"), ("validation", "4", "yes", "no")}
    assert stats["found"] == {"train": 1, "validation": 1, "test": 0}


@pytest.mark.parametrize("shape", [(1, 5), (40, 3), (130, 70)])
def test_images_of_any_shape_and_a_pixel_far_outside(shape):
    labels = np.arange(60) % 2
    images = np.random.default_rng(0).uniform(0, 60, (60, *shape)).astype(np.float32)
    images[labels == 1, :, : shape[1] // 2] += 150
    images[3, 0, 0] = 1e30
    likely = held_out_probabilities([Part(images, labels)], (0.0, 210.0), 2, 3, 1)
    np.testing.assert_allclose(likely.sum(axis=1), 1, rtol=1e-5)
    assert (likely.argmax(axis=1) == labels).mean() > 0.9


def test_images_of_one_value_and_200_classes():
    labels = np.arange(600) % 200
    likely = held_out_probabilities(
        [Part(np.zeros((600, 4, 4), np.uint8), labels)], (0.0, 0.0), 200, 3, 1
    )
    np.testing.assert_allclose(likely, 1 / 200, atol=1e-3)


def test_the_rule_finds_what_cleanlab_finds():
    """The numbers are those of cleanlab 2.9.0: find_label_issues(given, likely,
    filter_by="confident_learning", return_indices_ranked_by="self_confidence").
    """
    random = np.random.default_rng(3)
    true = random.integers(0, 5, 200)
    given = np.where(random.random(200) < 0.15, random.integers(0, 5, 200), true)
    likely = np.exp(random.normal(size=(200, 5)) + 2 * np.eye(5)[true])
    likely /= likely.sum(axis=1, keepdims=True)
    numbers, suggested = find_doubtful(given, likely, np.ones(5, bool))
    assert (likely.argmax(axis=1) != given).sum() == 55
    assert numbers.tolist() == [
        *(115, 180, 33, 86, 192, 138, 67, 183, 120, 157),
        *(114, 37, 175, 71, 131, 110, 75, 4, 99),
    ]
    assert (suggested != given[numbers]).all()


def test_the_rule_by_hand():
    """Means of the label's probability: 0.8 and 0.5. The third prediction is not confident enough;
    for the fourth, the label is more likely.
    """
    likely = np.array([[0.9, 0.1], [0.1, 0.9], [0.7, 0.3], [0.9, 0.1], [0.3, 0.7]])
    labels = np.array([0, 0, 1, 0, 1])
    numbers, suggested = find_doubtful(labels, likely, np.ones(2, bool))
    assert (numbers.tolist(), suggested.tolist()) == ([1, 2], [1, 0])
    assert find_doubtful(labels, likely, np.array([True, False]))[0].tolist() == []


def test_an_image_whose_label_is_the_most_probable_is_not_doubted():
    """Although only the other class is confident for the first: the means are 0.8 and 0.45."""
    likely = np.array([[0.54, 0.46], [0.91, 0.09], [0.95, 0.05], [0.7, 0.3], [0.4, 0.6]])
    assert find_doubtful(np.array([0, 0, 0, 1, 1]), likely, np.ones(2, bool))[0].tolist() == []


def test_a_class_with_any_confidence_is_not_suggested():
    """The rare third class has a mean of 0.1; the most probable one is below its own mean."""
    likely = np.array([[0.3, 0.5, 0.2], [0.9, 0.1, 0.0], [0.0, 0.9, 0.1], [0.5, 0.4, 0.1]])
    assert find_doubtful(np.array([0, 0, 1, 2]), likely, np.ones(3, bool))[0].tolist() == []


def test_of_several_confident_classes_the_most_probable_is_suggested():
    likely = np.array([[0.1, 0.5, 0.4], [0.8, 0.1, 0.1], [0.3, 0.4, 0.3], [0.3, 0.4, 0.3]])
    numbers, suggested = find_doubtful(np.array([0, 0, 1, 2]), likely, np.ones(3, bool))
    assert dict(zip(numbers.tolist(), suggested.tolist(), strict=True)) == {0: 1, 3: 1}


NAMES = ["=1+1", "<b>bold</b>", "a | b", "@someone"]


def test_names_are_escaped_in_csv_page_and_markdown(tmp_path):
    labels = np.arange(160) % 4
    given = labels.copy()
    given[:4] = [1, 2, 3, 0]
    rows, stats = doubted(labels, given, NAMES)
    assert {row["index"] for row in rows} == {"0", "1", "2", "3"}
    for cell in ("label", "suggested"):
        assert {from_csv_text(row[cell]) for row in rows} == set(NAMES)
        assert not [row for row in rows if row[cell].startswith(("=", "@"))]
    render(tmp_path, {"a": 1})
    path = tmp_path / "stats.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "labels": stats}))
    page, markdown = draw(tmp_path, ["a"])
    said = "a model that was not trained on them confidently predicts another label."
    assert said in page
    assert said in markdown
    assert "<b>bold" not in page + markdown
    assert 'label <span class="name">&lt;b&gt;bold&lt;/b&gt;</span>' in page
    assert 'alt="train 0, labelled &lt;b&gt;bold&lt;/b&gt;, suggested =1+1"' in page
    assert r"a \| b" in markdown
    assert "@someone" not in markdown


def test_the_page_says_nothing_where_no_label_was_doubted(tmp_path):
    assert not [text for text in render(tmp_path, {"a": 1}) if "Labels to check" in text]


def test_progress_is_shown_in_a_terminal_and_not_in_a_log(monkeypatch):
    labels = np.arange(60) % 2
    for is_terminal in (True, False):
        shown = io.StringIO()
        shown.isatty = lambda answer=is_terminal: answer
        monkeypatch.setattr("sys.stderr", shown)
        doubted(labels, labels, ["no", "yes"])
        assert ("labels: 100%" in shown.getvalue()) == is_terminal
        assert is_terminal or not shown.getvalue()


def test_each_class_is_in_all_folds_of_a_sorted_file():
    """All images of a class one after the other, as many as a fold has."""
    labels = np.repeat([0, 1, 2], 20)
    rows, stats = doubted(labels, labels, ["a", "b", "c"], folds=3)
    assert (rows, stats["agreement"]) == ([], 1)


def test_params_yaml_has_it_off():
    assert "\n  label_folds: 0\n" in (ROOT / "params.yaml").read_text()
