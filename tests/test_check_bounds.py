"""The data checks at their bounds, with small images made for each, and their numbers by hand."""

import numpy as np
import pytest

from data_checks import finding, look
from data_checks.finding import Data, Part, in_order
from data_checks.likeness import check_likeness
from data_checks.look import look_at
from data_checks.pixels import check_greys, check_pixels
from data_checks.unused import check_unused


def ink(*pixels: int, value: float = 100, count: int = 16) -> np.ndarray:
    """Images of 10x10 pixels, as many of them of this value as is said, and all others 0: for each
    number in `pixels` one image, over and over.
    """
    rows = np.arange(100) < np.resize(pixels, count)[:, None]
    return (rows * np.float32(value)).reshape(-1, 10, 10)


def data_of(train: np.ndarray, test: np.ndarray, classes: tuple[str, ...] = ("a", "b")) -> Data:
    parts = {
        name: Part(images, np.arange(len(images)) % len(classes))
        for name, images in {"test": test, "train": train}.items()
    }
    return in_order(parts, classes)


def severities(found) -> dict[str, str]:
    return {one["check"]: one["severity"] for one in found if one}


def like(train: np.ndarray, test: np.ndarray, dtypes: dict | None = None) -> dict[str, str]:
    return severities(check_likeness(data_of(train, test), dtypes or {}))


class TestLikeness:
    """Fewer than 20 images, so that nothing is said of what they mean."""

    @pytest.mark.parametrize(
        ("high", "severity"),
        [
            *((50, "stop"), (51, "warn"), (80, "warn"), (81, None), (100, None)),
            *((124, None), (125, "warn"), (199, "warn"), (200, "stop")),
        ],
    )
    def test_scale(self, high, severity):
        assert like(ink(40), ink(40, value=high)).get("test_scale") == severity

    @pytest.mark.parametrize(
        ("low", "severity"), [(9, None), (10, "warn"), (24, "warn"), (25, "stop"), (-25, "stop")]
    )
    def test_offset(self, low, severity):
        assert like(ink(40), ink(40) + low).get("test_scale") == severity

    def test_blank_images_have_no_scale(self):
        blank = ink(0)
        assert "test_scale" not in like(blank, blank + 200)
        assert like(ink(40), blank + 30)["test_scale"] == "stop"  # 30 % of the range
        assert "test_scale" not in like(ink(40), blank + 5)

    def test_most_images_say_the_scale(self):
        """Seven of sixteen are darker."""
        test = ink(40)
        test[:7] *= 0.1
        assert "test_scale" not in like(ink(40), test)

    def test_what_is_said(self):
        dtypes = {"train": "uint8", "test": "int64"}
        data = data_of(ink(40), ink(40, value=300) + 2)
        (said,) = check_likeness(data, dtypes)
        assert said["found"] == (
            "The pixels of a typical training image range from 0 to 100, those of a typical test"
            " image from 2 to 302 (medians of each image's lowest and highest pixel); their dtypes"
            " were uint8 and int64."
        )
        assert said["meaning"].startswith("This is another scale.")
        assert like(ink(40), ink(40), dtypes) == {"test_dtype": "note"}
        assert like(ink(40), ink(40), {"train": "uint8", "test": "uint8"}) == {}

    @pytest.mark.parametrize(
        ("train", "test", "is_found"),
        [
            *(((40,), (50,), False), ((40,), (51,), True), ((40,), (29,), True)),  # of the range
            # The means of train have a standard error of 5, and the difference may be 5 of them.
            *(((30, 70), (25,), False), ((30, 70), (24,), True)),
            *(((10, 50), (40, 80), False), ((5, 45), (56, 96), True)),
        ],
    )
    def test_brightness(self, train, test, is_found):
        assert ("test_brightness" in like(ink(*train), ink(*test))) == is_found

    @pytest.mark.parametrize(
        ("value", "pixels", "is_found"), [(1, 100, False), (2, 20, False), (2, 21, True)]
    )
    def test_background(self, value, pixels, is_found):
        """60 % of the pixels of train are 0; some of test are 1 % of the range from it, or 2 %."""
        test = ink(40).reshape(16, 100)
        test[:, max(40, 100 - pixels) :] = value
        found = like(ink(40), test.reshape(16, 10, 10))
        assert found == ({"test_background": "warn"} if is_found else {})

    @pytest.mark.parametrize(("factor", "offset"), [(1, -50), (1, 300), (0.005, 0), (0.01, 7)])
    def test_the_units_of_the_pixels_make_no_difference(self, factor, offset):
        parts = [
            *(ink(40), ink(51), ink(30, 70), ink(62), ink(0)),
            *(ink(40, value=70), ink(40, value=49), ink(40) + 9, ink(40) + 15),
        ]
        for train in parts[:3]:
            for test in parts:
                expected = like(train, test)
                assert like(factor * train + offset, factor * test + offset) == expected

    def test_a_fifth_of_the_pixels_may_be_another_background(self):
        found = like(ink(50), ink(70))
        assert found == {"test_brightness": "warn"}
        assert like(ink(50), ink(71)).keys() == {"test_brightness", "test_background"}

    def test_each_part_is_compared_with_train(self):
        images = {"train": ink(40), "validation": ink(40, value=300), "test": ink(40) + 15}
        parts = {name: Part(own, np.arange(16) % 2) for name, own in images.items()}
        found = severities(check_likeness(in_order(parts, ("a", "b")), {}))
        assert found == {
            **{"validation_scale": "stop", "test_scale": "warn"},
            **{"test_brightness": "warn", "test_background": "warn"},
        }

    def test_what_is_said_of_brightness_and_background(self):
        said = {one["check"]: one["found"] for one in check_likeness(data_of(ink(30), ink(2)), {})}
        assert said["test_brightness"].startswith("The mean pixel is 30 in train and 2 in test;")
        assert "value of train is 0: 70 % of the pixels of train" in said["test_background"]
        assert "and 98 % of those of test." in said["test_background"]

    def test_brightness_of_images_that_mean_something_else_is_no_matter(self):
        """The left or the right half is drawn; of test less of it, or the other half."""
        halves = np.zeros((24, 10, 10), np.float32)
        halves[::2, :, :5] = halves[1::2, :, 5:] = 100
        less = halves.copy()
        less[:, :6] = 0
        assert like(halves, less).keys() == {"test_brightness", "test_background"}
        assert like(halves, less[::-1]) == {"test_orientation": "stop"}


def test_the_summary_of_a_part_by_hand():
    images = np.stack([np.full((2, 2), number) for number in (0, 2, 4, 10)]).astype(np.float32)
    images[:, 0, 0] -= 4
    found = look_at(Part(images, np.arange(4)))
    assert (found.low, found.high, found.mean) == (-1, 3, 3)
    assert found.error == pytest.approx(np.std([0, 2, 4, 10]) / 2)
    np.testing.assert_array_equal(found.scaled, (images + 1) / 4)
    assert len(look_at(Part(images.repeat(30, axis=0), np.arange(120))).part.labels) == 120
    assert found.part.labels.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("images", "side", "count"), [(10_001, 1, 10_000), (40, 1024, 17)])
def test_a_summary_takes_ten_thousand_images_or_as_many_megapixels_as_fit(images, side, count):
    large = np.broadcast_to(np.float32(0), (images, side, side))
    assert len(look_at(Part(large, np.zeros(images, int))).part.labels) == count


@pytest.mark.parametrize(("most", "pixels", "count"), [(5, 2**24, 5), (9, 4 * 6, 7), (20, 400, 12)])
def test_a_summary_takes_a_sample(most, pixels, count, monkeypatch):
    """Different images, in their order, with their labels, and the same ones each time."""
    monkeypatch.setattr(look, "MOST_IMAGES", most)
    monkeypatch.setattr(look, "MOST_PIXELS", pixels)
    images = np.arange(12, dtype=np.float32)[:, None, None].repeat(2, axis=1).repeat(2, axis=2)
    part = look_at(Part(images, np.arange(12))).part
    assert part.images[:, 0, 0].tolist() == part.labels.tolist() == sorted(set(part.labels))
    assert len(part.labels) == count
    np.testing.assert_array_equal(look_at(Part(images, np.arange(12))).part.labels, part.labels)


class TestPixels:
    @pytest.mark.parametrize(
        ("values", "dtype", "severity"),
        [
            *(((0, 1), "uint8", "warn"), ((0, 1, 2), "int64", "warn"), ((0, 1), "bool", "note")),
            *(((0, 255), "uint8", "note"), ((0, 1, 3), "uint8", "note"), ((5,), "uint8", None)),
            *(((0, 1, 2, 3), "uint8", None), ((1, 2), "uint8", "note")),
        ],
    )
    def test_few_values(self, values, dtype, severity):
        images = np.resize(np.array(values, np.float32), (2, 6, 2))
        found = check_greys(data_of(images, images), {"train": dtype})
        assert severities([found]) == ({"few_values": severity} if severity else {})
        if found:
            is_cut = severity == "warn"
            assert ("the greys are lost" in found["meaning"]) == is_cut
            assert ("Save the original values" in found["action"]) == is_cut

    def test_each_value_is_counted(self):
        images = np.zeros((4, 5, 5), np.float32)
        images[0], images[1, 0] = 0.25, 1000
        found = check_greys(data_of(images, images), {})["found"]
        said = "only 3 values: 0 (70.0 %), 0.25 (25.0 %), 1,000 (5.0 %)."
        assert found == f"The pixels of train have {said}"

    def test_values_of_all_images_count(self):
        images = np.zeros((1200, 1, 2), np.float32)
        images[:, 0, 1] = 1
        assert check_greys(data_of(images, images), {})["severity"] == "note"
        images[1100:, 0, 1] = np.arange(100)
        assert check_greys(data_of(images, images), {}) is None

    @pytest.mark.parametrize(("images", "severity"), [(1000, "warn"), (1001, "note")])
    def test_a_blank_image_of_a_thousand(self, images, severity):
        many = np.zeros((images, 1, 2), np.float32)
        many[:-1, 0, 1] = 1
        assert severities(check_pixels(data_of(many, ink(40)))) == {"train_of_one_value": severity}

    @pytest.mark.parametrize("blank", [5, 6])
    def test_five_blank_images_are_named(self, blank):
        (found,) = check_pixels(data_of(ink(40), ink(*[0] * blank, *[40] * (16 - blank))))
        more = " and more" if blank > 5 else ""
        assert found["found"].endswith(f"all pixels of one value: number 0, 1, 2, 3, 4{more}.")
        assert f"{blank} of 16 " in found["found"]

    def test_pixels_far_outside(self):
        images = ink(40, count=1000)
        images[7, 0, :2], images[9, 3, 3] = -500, 900
        train, test = check_pixels(data_of(images, images))
        assert (train["check"], test["check"]) == ("train_far_outside", "test_far_outside")
        assert train["found"] == (
            "2 of 1,000 (0.2 %) training images have 3 pixels far outside of the range of all"
            " others, 0 to 100: -500 to 900."
        )
        assert "models scale by 0 to 100" in train["meaning"]
        assert "a matter of chance" in test["meaning"]
        assert [row[0]["index"] for row in train["images"]] == [7, 9]
        assert list(check_pixels(data_of(ink(40), ink(40)))) == []

    @pytest.mark.parametrize(("count", "said"), [(1, "1 pixel far"), (2, "2 pixels far")])
    def test_one_pixel_far_outside_or_more(self, count, said):
        images = ink(40, count=1000)
        images[:count, 0, 0] = -500
        (train, _) = check_pixels(data_of(images, images))
        assert f" images have {said} outside of the range" in train["found"]
        assert train["found"].endswith(", 0 to 100: -500.")

    def test_five_images_with_outliers_are_shown(self):
        images = ink(40, count=1000)
        images[:7, 0, 0] = 900
        (train, _) = check_pixels(data_of(images, images))
        assert [row[0]["index"] for row in train["images"]] == list(range(5))


def test_shares_numbers_and_alarms_as_text():
    assert finding.share(1, 1000) == "1 of 1,000 (0.1 %)"
    assert finding.share(1, 1001) == "1 of 1,001 (0.10 %)"
    assert finding.share(2500, 10_000) == "2,500 of 10,000 (25.0 %)"
    assert [finding.number(value) for value in (65535.0, -1000, 1 / 3)] == [
        *("65,535", "-1,000", "0.3333")
    ]
    checks = {
        name: finding.finding(name, severity, "Found.", "Means.", "Do.")
        for name, severity in {"a": "warn", "b": "note", "c": "stop"}.items()
    }
    assert finding.alarms(checks) == ["stop: Found. Means. Do.", "warn: Found. Means. Do."]


def test_pictures_of_findings():
    """One hexadecimal digit for a pixel, of an image of 32 pixels a side at most."""
    ramp = np.arange(16, dtype=np.float32).reshape(1, 2, 8)
    data = data_of(ramp, ramp)
    assert finding.picture(data, "train", 0) == {
        **{"part": "train", "index": 0, "class": "a"},
        "pixels": "01234567 89abcdef",
    }
    mean = finding.mean_picture(data, "test", 1, ramp[0] / 3)
    assert (mean["index"], mean["class"], mean["pixels"]) == (None, "b", "00111222 33344455")
    blank = data_of(np.full((1, 1, 2), 7.0), np.full((1, 1, 2), 8.0))
    pixels = [finding.picture(blank, part, 0)["pixels"] for part in ("train", "test")]
    assert pixels == ["00", "ff"]
    for side, smaller in ((32, 32), (33, 16), (64, 32), (65, 21)):
        tall = np.zeros((1, side, 3), np.float32)
        text = finding.picture(data_of(tall, tall), "train", 0)["pixels"]
        assert len(text.split(" ")) == smaller
    rows = [[{"index": number}] for number in range(6)]
    assert finding.finding("a", "note", "", "", "", rows)["images"] == rows[:5]
    assert "images" not in finding.finding("a", "note", "", "", "")


@pytest.mark.parametrize(("images", "severity"), [(100, "warn"), (101, "note")])
def test_an_unused_file_for_a_hundred_images(images, severity):
    data = data_of(ink(40, count=90), ink(40, count=images - 90))
    origin = {"unused_files": 1, "unused": ["a.webp"]}
    assert severities(check_unused(data, origin)) == {"unused_files": severity}
    assert list(check_unused(data, {})) == list(check_unused(data, {"unused_files": 0})) == []
    for count, said in ((1, "1 file was not used"), (2, "2 files were not used")):
        (found,) = check_unused(data, {"unused_files": count, "unused": ["a.webp"]})
        assert found["found"] == f"{said}, such as a.webp."
    (many,) = check_unused(data, {"unused_files": 1200, "unused": ["a.webp", "b"]})
    assert many["found"] == "1,200 files were not used, such as a.webp, b."
