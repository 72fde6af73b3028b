"""The parts of the page to draw on, without a browser: what is packed into it, and when."""

import base64
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import UserError
from core.files import write_json
from core.split import Split
from linear.linear_model import LinearModel, write_linear_model
from try_page import page as try_page
from try_page.models import Model, read_models
from try_page.packing import packed, rounded
from try_page.program import Program, linear_program

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(2, 3, 4)).astype(np.float32)
WEIGHTS[..., 1] = 0  # an output without weights
WEIGHTS[..., 2] /= 1000
BIAS = RANDOM.normal(size=4).astype(np.float32)


def unpacked(text: str) -> tuple[dict, list[np.ndarray]]:
    """As the page's script does it."""
    line, content = gzip.decompress(base64.b64decode(text)).split(b"\n", 1)
    head, arrays = json.loads(line), []

    def take(kind: str, count: int) -> np.ndarray:
        nonlocal content
        found = np.frombuffer(content, kind, count)
        content = content[found.nbytes :]
        return found

    for one in head["arrays"]:
        scales = take("<f4", one["outputs"]) if one["bits"] == 8 else 1
        kind = {32: "<f4", 16: "<f2", 8: "i1"}[one["bits"]]
        arrays.append(take(kind, one["size"]).reshape(-1, one["outputs"]) * scales)
    assert not content
    return head, arrays


@pytest.mark.parametrize(("bits", "error"), [(32, 0), (16, 2**-11), (8, 0.5 / 127)])
def test_what_is_unpacked_are_the_rounded_weights(bits, error):
    """To the nearest number: the error is relative to each weight, or to the largest of 8 bits."""
    program = Program([[4]], [{"kind": "dense"}], [WEIGHTS, BIAS])
    with np.errstate(all="raise"):
        head, (weights, bias) = unpacked(packed(program, bits))
    assert (head["steps"], head["shapes"]) == ([{"kind": "dense"}], [[4]])
    np.testing.assert_array_equal(bias[0] if bias.ndim > 1 else bias, BIAS)
    np.testing.assert_array_equal(weights, rounded(WEIGHTS, bits).reshape(-1, 4))
    np.testing.assert_array_equal(rounded(BIAS, bits), BIAS)
    size = np.abs(WEIGHTS) if bits == 16 else np.abs(WEIGHTS).max(axis=(0, 1))
    assert (np.abs(rounded(WEIGHTS, bits) - WEIGHTS) <= 1.001 * error * size + 1e-7).all()
    assert not weights[:, 1].any()
    assert packed(program, bits) == packed(program, bits)


def test_weights_too_large_for_16_bits_are_infinite():
    assert np.isinf(rounded(np.float32([[1e6]]), 16)).all()


def linear(weights: np.ndarray, side: int = 8) -> LinearModel:
    rows = np.asarray(weights, np.float32).reshape(len(weights), side * side)
    return LinearModel(rows, np.zeros(len(rows), np.float32), np.array([0.0, 255.0]))


def made(name: str, model: LinearModel, change: float = 0.0, **other: object) -> Model:
    """A model for the page; `change` is what rounding to 16 bits changes, and twice that to 8."""
    changes = {32: 0, 16: change, 8: 2 * change}

    def probabilities(images: np.ndarray, bits: int) -> np.ndarray:
        likely = np.tile([0.4, 0.6], (len(images), 1))
        likely[-1] += np.array([1, -1]) * changes[bits]
        return likely

    program = linear_program(model, (8, 8))
    values = {"scores": {"accuracy": 0.9}, "trained_on": 4, "smaller": "", "problem": ""}
    return Model(name=name, program=program, probabilities=probabilities, **{**values, **other})


def part_of(images: np.ndarray, classes: int = 2, high: float = 255.0) -> Split:
    labels = np.arange(len(images)) % classes
    names = np.arange(classes).astype(str)
    return Split(images, labels, names, np.array([0.0, high]))


PART = part_of(np.zeros((30, 8, 8), np.uint8))


def heavy(seed: int = 1) -> LinearModel:
    return linear(np.random.default_rng(seed).normal(size=(40, 64)))


class TestRoom:
    def drawn(self, *models: Model) -> str:
        return try_page.render(models, PART, {"dataset": "digits"})

    @pytest.mark.parametrize(
        ("change", "room", "said"),
        [
            (0.01, 1, None),  # of what it takes as it is
            (0.0199, 0.999, "16 bits"),  # 0.02 may change; of 8 bits it would be twice that
            (0.0201, 0.999, None),
            (0.0099, 0.52, "8 bits"),
            (0.11, 0.999, None),  # another class
        ],
    )
    def test_weights_are_rounded_only_as_far_as_needed(self, change, room, said, monkeypatch):
        empty = made("empty", linear(np.zeros((2, 64))))
        bare, whole = self.drawn(empty), self.drawn(empty, made("big", heavy(), change))
        size = len(bare) + try_page.ROOM + (len(whole) - len(bare)) * room
        monkeypatch.setattr(try_page, "PAGE_BYTES", int(np.ceil(size)))
        html = self.drawn(empty, made("big", heavy(), change))
        assert len(html.encode()) <= size - try_page.ROOM * (room == 1)
        if room == 1:
            assert html == whole
        elif said:
            assert f"rounded to {said}" in html
        else:
            assert "rounded to 8 bits they would change predicted classes" in html
            assert "its weights (0.0 MB) do not fit into a page of" in html

    def test_a_model_of_an_unknown_layer_is_left_out(self):
        other = made("odd", heavy(), problem="the page does not support its layer odd")
        html = self.drawn(made("one", heavy()), Model(**{**vars(other), "program": None}))
        assert "is left out: the page does not support its layer odd" in html
        with pytest.raises(UserError, match=r"^no model fits on the page: odd: "):
            self.drawn(Model(**{**vars(other), "program": None}))


class TestFormat:
    def test_the_box_of_the_digits_is_the_median_of_their_longer_sides(self):
        images = np.zeros((6, 12, 10), np.uint8)
        for image, (height, width) in zip(
            images, [(3, 2), (2, 4), (5, 5), (9, 1), (1, 8)], strict=False
        ):
            image[1 : 1 + height, 1 : 1 + width] = 255
            image[2, 2] = 60  # a quarter of the range is 63.75
        assert try_page._box(images, 0, 255) == 5  # of 3, 4, 5, 8 and 9; the last is blank
        assert try_page._box(255 - images, 255, 255) == 5
        assert try_page._box(images[3:4], 0, 255) == 9
        tall = np.full((1, 12, 10), 255, np.uint8)
        assert try_page._box(tall, 0, 255) == 10
        assert try_page._box(images[-1:], 0, 255) == 10

    @pytest.mark.parametrize(("paper", "ink"), [(0, 255), (255, 0), (127, 255), (128, 0)])
    def test_ink_is_the_end_of_the_range_that_is_farther_from_paper(self, paper, ink):
        found = try_page._for_script(part_of(np.full((3, 8, 6), paper, np.uint8)))["image"]
        assert (found["background"], found["ink"], found["whole"]) == (paper, ink, True)
        assert (found["height"], found["width"], found["low"], found["high"]) == (8, 6, 0, 255)

    def test_the_samples_are_the_first_image_of_each_class(self):
        images = np.arange(60 * 4, dtype=np.float32).reshape(60, 2, 2)
        found = try_page._for_script(part_of(images, 25, 240.0))
        assert not found["image"]["whole"]
        samples = found["samples"]
        assert samples["numbers"] == samples["labels"] == list(range(20))
        pixels = np.frombuffer(base64.b64decode(samples["pixels"]), "<f4")
        np.testing.assert_array_equal(pixels, images[:20].ravel())


class TestReading:
    def write(self, folder: Path, name: str, record: object, classes: int = 3) -> None:
        weights = np.random.default_rng(0).normal(size=(classes, 64))
        (folder / name).mkdir(exist_ok=True)
        write_linear_model(folder / name / "model.npz", linear(weights))
        write_json(folder / name / "training.json", record)

    def read(self, folder: Path, *names: str) -> list[Model]:
        scores = {name: {"accuracy": 0.5 + 0.1 * at, "loss": 1} for at, name in enumerate(names)}
        write_json(folder / "metrics.json", scores)
        part = part_of(np.zeros((3, 8, 8), np.uint8), 3)
        return read_models(folder, folder / "metrics.json", part)

    @pytest.mark.parametrize(
        ("settings", "smaller"),
        [
            ({}, ""),
            ({"members": 1, "architecture": "compact", "hidden": [128]}, ""),
            ({"members": 2, "architecture": "fast"}, "train_one.members: 1"),
            ({"members": 1, "architecture": "fast"}, "train_one.architecture: compact"),
            ({"members": 1, "hidden": [512]}, "train_one.hidden: [128]"),
        ],
    )
    def test_what_makes_a_model_smaller(self, settings, smaller, tmp_path):
        self.write(tmp_path, "one", {"training_images": 4.0, "settings": settings})
        (found,) = self.read(tmp_path, "one")
        assert (found.smaller, found.trained_on, found.problem) == (smaller, 4, "")

    def test_the_most_accurate_model_is_first(self, tmp_path):
        """It predicts with rounded weights as a page does that has them."""
        for name in ("a", "b"):
            self.write(tmp_path, name, {"training_images": 4, "settings": {}})
        first, second = self.read(tmp_path, "a", "b")
        assert (first.name, second.name) == ("b", "a")
        images = np.random.default_rng(0).uniform(0, 255, (5, 8, 8))
        weights = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
        for bits in (32, 16, 8):
            kernel = rounded(weights.T, bits)
            expected = linear(kernel.T).probabilities(images)
            np.testing.assert_allclose(first.probabilities(images, bits), expected)

    def test_models_that_do_not_fit_are_refused(self, tmp_path):
        record = {"training_images": 4, "settings": {}}
        self.write(tmp_path, "one", record, classes=4)
        with pytest.raises(UserError, match="one"):
            self.read(tmp_path, "one")
        for spoiled in ({}, {**record, "settings": 3}, {**record, "training_images": None}):
            self.write(tmp_path, "one", spoiled)
            with pytest.raises(
                UserError, match=r"one/training\.json: not in the format of a train"
            ):
                self.read(tmp_path, "one")
        with pytest.raises(UserError, match="two: no trained model; run make report to train it"):
            self.read(tmp_path, "two")
        with pytest.raises(UserError, match=r"metrics\.json: \[\] is not a model's name"):
            self.read(tmp_path)
