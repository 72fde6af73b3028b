"""The digits that a review draws: which, how many, and from which file."""

import base64
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from changed_results import Repository, write_images
from PIL import Image

from core.split import Split, read_split
from freshness.dvc_files import StageState
from freshness.revision import Revision, find_revision
from review.galleries import available_images, describe_digit, galleries, newly_broken, predictions
from review.models import ModelChange, compare_models
from review.results import Mistake, Results
from review.review_page import draw_review

HERE = Revision("this folder")


@pytest.fixture
def part(tmp_path) -> Split:
    write_images(tmp_path / "test.npz", 300)
    return read_split(tmp_path / "test.npz")


def surer_later(indices: list[int]) -> dict[int, Mistake]:
    return {index: Mistake(str(index % 10), "x", index / 1000) for index in indices}


def change_of(base: list[int], here: list[int]) -> ModelChange:
    results = [Results("toy", "0", 300, {"m": surer_later(wrong)}) for wrong in (base, here)]
    return compare_models(*results)[0]


def test_images_are_read_where_they_are_those_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("made/test.npz")
    path.parent.mkdir()
    write_images(path)
    digest = hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324 - DVC's
    states = {"a": StageState(), "b": StageState(outputs={"x": "1", "made/test.npz": digest})}
    assert len(available_images(path, states).labels) == 100
    assert available_images(path, {"b": StageState(outputs={"made/test.npz": "other"})}) is None
    assert available_images(path, {"b": StageState(outputs={"test.npz": digest})}) is None
    assert available_images(path, {}) is None
    path.unlink()
    assert available_images(path, states) is None


def test_a_digit_and_what_is_said_of_it(part):
    change = change_of([1, 2], [2, 5])
    broken, fixed = describe_digit(part, change, 5), describe_digit(part, change, 1)
    said = {key: broken[key] for key in ("index", "model", "label", "answer", "confidence")}
    assert said == {"index": 5, "model": "m", "label": "5", "answer": "x", "confidence": 0.005}
    assert (fixed["label"], fixed["confidence"]) == ("1", 0.001)
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(broken["png"]))))
    assert np.array_equal(drawn, np.where(part.images[5] > 0, 15, 0))
    assert broken["braille"] != fixed["braille"]


def test_a_large_image_is_made_smaller_by_a_whole_number():
    """So that many fit on a page: at most 96 pixels wide and high."""
    images = np.zeros((2, 100, 300), np.uint8)
    images[1, :40] = 16
    part = Split(images, np.arange(2), np.array(["0", "1"]), np.array([0.0, 16.0]))
    drawn = describe_digit(part, change_of([], [1]), 1)
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(drawn["png"]))))
    assert picture.shape == (25, 75)
    assert (picture[:10] == 15).all()
    assert (picture[10:] == 0).all()


def test_a_gallery_has_the_hundred_surest(part):
    shown = galleries(part, change_of([*range(150, 170)], [*range(20, 121)]))
    assert list(shown) == ["broken", "fixed"]
    assert [each["index"] for each in shown["broken"]] == [*range(120, 20, -1)]
    assert [each["index"] for each in shown["fixed"]] == [*range(169, 149, -1)]


def test_what_each_model_predicted_before_and_now():
    wrong = Mistake("3", "5", 0.7)
    base = Results("toy", "0", 300, {"a": {}, "gone": {3: wrong}}, {"a": {3: 0.9}, "gone": {}})
    here = Results("toy", "0", 300, {"new": {}, "a": {3: wrong}}, {"new": {3: 0.8}, "a": {}})
    known = predictions(compare_models(base, here), [3])
    assert known["models"] == [
        {"name": "new", "key": "new"},
        {"name": "a", "key": "a"},
        {"name": "gone", "key": ""},
    ]
    assert known["images"] == {
        "3": {
            "label": "3",
            "rows": [[None, None, "3", 0.8], ["3", 0.9, "5", 0.7], ["5", 0.7, None, None]],
        }
    }
    base = Results("toy", "0", 300, {"a": {}})  # nobody was wrong there
    rows = predictions(compare_models(base, here), [3])["images"]["3"]["rows"]
    assert rows[1] == ["3", None, "5", 0.7]


def test_an_image_is_drawn_for_the_best_model_that_broke_it():
    one, other = change_of([], [1, 2]), change_of([4], [2, 3, 5])
    assert [(change is one, index) for change, index in newly_broken([one, other])] == [
        *((True, 2), (True, 1), (False, 5), (False, 3)),
    ]


@pytest.fixture
def repository(tmp_path, monkeypatch, part) -> Repository:
    """One model that has broken seven images."""
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    repository.commit("base", {"a": []}, images=300)
    repository.write({"a": [*range(10, 17)]}, images=300)
    # Nothing has recorded what these results were made of.
    monkeypatch.setattr("review.review_page.available_images", lambda *_: part)
    return repository


def markdown() -> str:
    return draw_review(find_revision("main"), HERE, Path("test.npz")).markdown


def drawn(text: str) -> list[int]:
    lines = [line for line in text.splitlines() if line.startswith("Test image ")]
    assert len(lines) == text.count("```text")
    return [int(line.split()[2].rstrip(":")) for line in lines]


def test_five_digits_are_drawn_and_as_many_as_there_is_room_for(repository, monkeypatch):
    text = markdown()
    assert drawn(text) == [16, 15, 14, 13, 12]
    assert "Newly broken, 5 of 7:" in text
    sizes = [len(text.encode())]
    for left in (4, 3, 2, 1, 0):
        monkeypatch.setattr("review.review_page.BYTES", sizes[-1])
        assert len(markdown().encode()) == sizes[-1]
        monkeypatch.setattr("review.review_page.BYTES", sizes[-1] - 1)
        text = markdown()
        assert drawn(text) == [16, 15, 14, 13, 12][:left]
        assert "| a | " in text  # digits go before rows of the tables
        sizes.append(len(text.encode()))
    monkeypatch.setattr("review.review_page.BYTES", sizes[-1] - 1)
    assert "| a | " not in markdown()


def test_what_a_reader_of_the_page_sees(repository):
    page = draw_review(find_revision("main"), HERE, Path("test.npz")).page
    assert page.count("data:image/png;base64,") == 7
