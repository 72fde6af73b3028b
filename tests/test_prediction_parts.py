"""What predict does with one image, one threshold, one array: by hand and by recomputation."""

import io
import json
import tracemalloc
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage
from sklearn.datasets import load_digits

from core.errors import UserError
from core.files import write_json
from core.npz import read_rows
from dataset.files import opened
from dataset.table import read_table_blocks
from prediction.batches import predictions
from prediction.digit import centred_digit, has_light_border
from prediction.fitting import Fitting
from prediction.form import Form, read_trained
from prediction.inputs import Block, Images
from prediction.table import best_two
from prediction.threshold import least_confidence

MNIST = Form(28, 28, "uint8", 0.0, 255.0, 0.0)
SMALL = Form(8, 8, "uint8", 0.0, 16.0, 0.0)


def drawn(height: int = 200, width: int = 300, noise: float = 0.0, shade: float = 0.0):
    """A dark seven on light paper, off its centre, (height, width), from 0 to 1."""
    ink = np.zeros((height, width))
    ink[20:30, 27:80] = 1
    for step in range(70):
        ink[30 + step, 70 - step // 2 : 80 - step // 2] = 1
    random = np.random.default_rng(0)
    light = 0.9 - shade * np.linspace(0, 1, width)
    return np.clip(light - 0.7 * ink + noise * random.standard_normal(ink.shape), 0, 1)


@pytest.mark.parametrize("noise", [0, 0.05])
@pytest.mark.parametrize("shade", [0, 0.4])
def test_a_digit_is_scaled_and_centred_as_in_mnist(noise, shade):
    image = drawn(noise=noise, shade=shade)
    found = MNIST.fitted((255 * image).astype(np.uint8), digit=True)
    assert (found.dtype, found.shape) == (np.uint8, (28, 28))
    inside = found > 60
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    assert (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) in ((20, 13), (20, 14))
    assert np.abs(np.array(ndimage.center_of_mass(found)) - 13.5).max() <= 0.75
    assert found.max() >= 250
    assert found[[0, -1]].max() == found[:, [0, -1]].max() == 0
    plain = MNIST.fitted((255 * drawn()).astype(np.uint8), digit=True)
    assert np.corrcoef(found.ravel(), plain.ravel())[0, 1] > 0.97
    lit_from_below = MNIST.fitted((255 * image.T).astype(np.uint8), digit=True)
    assert np.corrcoef(lit_from_below.T.ravel(), plain.ravel())[0, 1] > 0.97


def test_polarity_size_and_units_make_no_difference():
    image = (255 * drawn()).astype(np.uint8)
    found = MNIST.fitted(image, digit=True).astype(int)
    for other in (
        255 - image,
        image.astype(np.uint16) * 257,
        image / 255.0,
        np.pad(image, 60, "edge"),
    ):
        assert np.abs(MNIST.fitted(other, digit=True) - found).max() <= 3
    large = np.asarray(Image.fromarray(image).resize((1500, 1000)))
    again = MNIST.fitted(large, digit=True)
    moved = [np.roll(again, (down, across), (0, 1)) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    assert max(np.corrcoef(each.ravel(), found.ravel())[0, 1] for each in moved) > 0.98
    light = Form(28, 28, "float32", 0.0, 1.0, 1.0)
    np.testing.assert_allclose(light.fitted(image, digit=True), 1 - found / 255, atol=0.01)


def test_specks_are_left_out_and_parts_of_a_digit_are_not():
    image = drawn()
    specked = image.copy()
    specked[150:153, 250:253] = 0.1
    found = MNIST.fitted(image, digit=True)
    np.testing.assert_array_equal(MNIST.fitted(specked, digit=True), found)
    barred = image.copy()
    barred[60:66, 85:115] = 0.2  # as the bar of a five that does not touch the rest
    assert (MNIST.fitted(barred, digit=True) != found).any()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_nothing_drawn_is_said(value):
    noise = np.random.default_rng(0).integers(0, 3, (90, 70))
    image = np.clip(value + noise, 0, 255).astype(np.uint8)
    with pytest.raises(UserError, match="nothing is drawn on it"):
        MNIST.fitted(image, digit=True)


def test_one_pixel_and_one_line_are_images():
    for shape in ((1, 1), (1, 50), (50, 1), (2, 2)):
        image = np.zeros(shape, np.uint8)
        with pytest.raises(UserError, match="nothing is drawn"):
            MNIST.fitted(image, digit=True)
        assert MNIST.fitted(image, digit=False).shape == (28, 28)


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("light", [0.0, 1.0])
def test_a_thin_line_without_any_grey_is_a_digit(width, light):
    """As a program draws it; all its pixels are darker than a spot of it."""
    image = np.full((80, 60), light)
    image[10:50, 30 : 30 + width] = 1 - light
    found = centred_digit(image, 28, 20)
    rows, columns = (np.flatnonzero(found.max(axis=axis) > 0.5) for axis in (1, 0))
    assert (len(rows), found.max()) == (20, 1)
    assert len(columns) == max(1, round(width / 2))
    np.testing.assert_array_equal(rows, np.arange(4, 24))


def test_scikit_learns_digits_are_known_on_a_canvas():
    """Nearest means of the classes do about as well with them as with the images as they are."""
    x, y = load_digits(return_X_y=True)
    images = x.reshape(-1, 8, 8).astype(np.uint8)
    means = np.stack([images[:1000][y[:1000] == label].mean(axis=0) for label in range(10)])

    def right(found):
        apart = ((found[:, None].astype(float) - means) ** 2).sum(axis=(2, 3))
        return (apart.argmin(axis=1) == y[1000:1200]).mean()

    random, canvases = np.random.default_rng(0), []
    for image in images[1000:1200]:
        large = Image.fromarray(image * 15).resize((80, 80), Image.Resampling.BICUBIC)
        canvas = np.full((200, 300), 230.0) + random.normal(0, 5, (200, 300))
        top, left = random.integers(5, 110), random.integers(5, 210)
        canvas[top : top + 80, left : left + 80] -= 0.8 * np.asarray(large)
        canvases.append(SMALL.fitted(canvas.clip(0, 255).astype(np.uint8), digit=True))
    assert right(np.stack(canvases)) > right(images[1000:1200]) - 0.05


def test_the_whole_of_an_image_is_inverted_only_where_that_is_clear():
    image = np.full((56, 56), 250, np.uint8)
    image[20:40, 20:40] = 10
    found = MNIST.fitted(image, digit=False)
    assert (found[0, 0], found[14, 14]) == (5, 245)
    middling = Form(28, 28, "uint8", 0.0, 255.0, 120.0)
    assert middling.fitted(image, digit=False)[0, 0] == 250
    assert has_light_border(image / 255)


def test_images_of_the_right_size_keep_every_pixel():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (5, 28, 28), np.uint8)
    for pictures in (True, False):
        np.testing.assert_array_equal(MNIST.as_it_is(images, pictures), images)
    raw = random.integers(0, 17, (5, 8, 8), np.uint8)
    for pictures in (True, False):
        np.testing.assert_array_equal(SMALL.as_it_is(raw, pictures), raw)
    real = Form(8, 8, "float32", -1.0, 2.5, 0.0)
    values = random.normal(size=(5, 8, 8))
    np.testing.assert_array_equal(real.as_it_is(values, False), values.astype(np.float32))


def test_other_units_are_brought_to_those_of_the_dataset():
    image = np.zeros((1, 8, 8), np.uint8)
    image[0, 3] = 255
    assert SMALL.as_it_is(image, True).max() == 16  # a picture from black to white
    assert Form(8, 8, "float32", 0.0, 1.0, 0.0).as_it_is(image, False).max() == 1
    assert Form(8, 8, "uint8", 0.0, 255.0, 0.0).as_it_is(image / 255.0, False).max() == 255
    deep = image.astype(np.uint16) * 257
    assert Form(8, 8, "uint8", 0.0, 250.0, 0.0).as_it_is(deep, True).max() == 250
    with pytest.raises(UserError, match="pixels from 0 to 65535; allowed: 0 to 255"):
        Form(8, 8, "uint8", 0.0, 255.0, 0.0).as_it_is(deep, False)


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0}, {"height": -1, "width": -1}, {"height": True}, {"height": 10**9},
        {"dtype": "object"}, {"pixel_range": [1, 1]}, {"pixel_range": [0, float("nan")]},
        {"pixel_range": [0]}, {"background": float("inf")}, {"background": None},
    ],
)  # fmt: skip
def test_a_form_that_is_none(change, tmp_path):
    image = {"height": 8, "width": 8, "dtype": "uint8", "pixel_range": [0, 16], "background": 0}
    record = {"classes": ["a", "b"], "image": image}
    write_json(tmp_path / "training.json", record)
    assert read_trained(tmp_path) == (record, ["a", "b"], SMALL)
    record["image"] = {**image, **change}
    (tmp_path / "training.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"training\.json: the classes or the format of"):
        read_trained(tmp_path)


def test_the_threshold_is_the_least_that_will_do():
    confidence = np.array([0.9, 0.9, 0.8, 0.8, 0.7, 0.6, 0.6, 0.5], np.float32)
    right = np.array([1, 1, 1, 0, 1, 1, 1, 0], bool)
    found = least_confidence(confidence, right, 0.75)
    assert (found.confidence, found.correct, found.kept) == (0.5, 6, 8)
    found = least_confidence(confidence, right, 0.8)  # 3 of 4 are too few, 6 of 7 are not
    assert (found.confidence, found.correct, found.kept) == (np.float32(0.6), 6, 7)
    all_right = np.ones(10), np.ones(10, bool)
    assert least_confidence(*all_right, 0.9).kept == 10
    with pytest.raises(UserError, match=r"only 9 of 9 .* at least 10 are needed"):
        least_confidence(*(each[:9] for each in all_right), 0.9)  # a mistake in 9 is too many
    for sure in (0.86, 0.9):  # the first two are correct, and too few
        with pytest.raises(UserError, match="reaches this accuracy on only 2 of 8"):
            least_confidence(confidence, right, sure)
    with pytest.raises(UserError, match="does not reach this accuracy at any"):
        least_confidence(confidence, ~right, 0.9)
    with pytest.raises(UserError, match="at any confidence on 0"):
        least_confidence(confidence[:0], right[:0], 0.5)


def test_the_threshold_by_trying_all():
    random = np.random.default_rng(0)
    confidence = random.integers(50, 101, 400) / 100
    right = random.random(400) < confidence
    for sure in (0.5, 0.8, 0.9, 0.95):
        shares = {level: right[confidence >= level].mean() for level in np.unique(confidence)}
        expected = min(level for level, share in shares.items() if share >= sure)
        assert least_confidence(confidence, right, sure).confidence == expected


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_an_array_take_little_memory(order):
    array = np.asarray(np.arange(400 * 50 * 50).reshape(400, 50, 50) % 251, np.float32, order=order)
    file = io.BytesIO()
    np.save(file, array)
    content = file.getvalue()
    read = read_rows(lambda: io.BytesIO(content), len(content), "x.npy", "of it", 10**5)
    np.testing.assert_array_equal(np.concatenate(list(read)), array)
    tracemalloc.start()
    for rows in read_rows(lambda: io.BytesIO(content), len(content), "x.npy", "of it", 10**5):
        assert rows.nbytes <= 10**5
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if order == "C":
        assert peak < 4e5 + len(content) / 10
    cut = content[:-1]
    with pytest.raises(UserError, match="its length is not what its header says"):
        list(read_rows(lambda: io.BytesIO(cut), len(cut), "x.npy", "of it", 10**5))


def test_tables_are_read_some_rows_at_a_time(tmp_path: Path):
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write(",".join(f"p{number}" for number in range(400)) + "\n")
        for row in range(3000):
            file.write(",".join([str(row % 256)] * 400) + "\n")
    tracemalloc.start()
    rows = 0
    with opened(path) as files:
        for numbers, images, labels in read_table_blocks(files, "a.csv", pytest.fail):
            assert labels is None
            np.testing.assert_array_equal(images[:, 3, 4], (numbers - 1) % 256)
            np.testing.assert_array_equal(numbers, np.arange(rows + 1, rows + len(numbers) + 1))
            rows += len(images)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 3000
    assert peak < 2e7  # of a file of 4.5e6 bytes that grows eight times as it is parsed


@pytest.mark.parametrize(
    ("most", "sizes"), [(2**26, [23]), (8 * 4 * 64, [8, 8, 7]), (1, [4] * 5 + [3])]
)
def test_as_many_images_are_predicted_at_a_time_as_memory_allows(monkeypatch, most, sizes):
    """All at once, as evaluate does, or whole batches of four: sums of floats depend on it."""
    monkeypatch.setattr("prediction.batches.CHUNK_BYTES", most)
    images = np.random.default_rng(0).integers(0, 17, (23, 8, 8), np.uint8)
    edges = [0, 1, 2, 11, 12, 20, 23]
    blocks = (
        Block(list(map(str, range(start, end))), images[start:end], [None] * (end - start))
        for start, end in pairwise(edges)
    )
    model = SimpleNamespace(form=SMALL, probabilities=lambda images: images[:, 0, :2] / 16)
    asked = Images("x", str, False, False, 23, blocks)
    fit = Fitting("auto", "digits", False)
    chunks = list(predictions(asked, [model], 4, fit, pytest.fail))
    assert [len(chunk.names) for chunk in chunks] == sizes
    assert [name for chunk in chunks for name in chunk.names] == list(map(str, range(23)))
    found = np.concatenate([chunk.probabilities[0] for chunk in chunks])
    np.testing.assert_array_equal(found, images[:, 0, :2] / 16)


def test_a_digit_takes_no_longer_for_being_large():
    assert centred_digit(drawn(2000, 3000).astype(np.float32), 28, 20).max() == 1


def test_arrays_of_pixels_up_to_255_are_scaled_for_a_model_of_16_greys():
    images = np.array([[[0, 255], [51, 204]]]).repeat(4, axis=1).repeat(4, axis=2)
    for dtype in (np.uint8, np.int64, np.float64):
        found = SMALL.as_it_is(images.astype(dtype), False)
        assert np.unique(found).tolist() == [0, 3, 13, 16]


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(2, 6)),
        elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    )
)
def test_the_second_most_likely_class_is_another_one(likely):
    """Of equal probabilities the first counts, also if all others are 0."""
    order = np.argsort(-likely, axis=1, kind="stable")
    best, second = best_two(likely)
    np.testing.assert_array_equal(best, order[:, 0])
    np.testing.assert_array_equal(second, order[:, 1])


def test_a_threshold_from_few_mistakes_says_so():
    confidence, right = np.linspace(0.5, 1, 50), np.arange(50) > 4
    assert "Only 5 validation images" in least_confidence(confidence, right, 0.8).sentence("cnn")
    many = least_confidence(confidence, np.arange(50) > 9, 0.7)
    assert "Only" not in many.sentence("cnn")
