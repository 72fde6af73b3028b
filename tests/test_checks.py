"""What explore-stats says of data that cannot be right, and nothing of data that can."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from data_checks.checks import check_data
from data_checks.finding import Part
from dataset.digits import load_digits

CLASSES = [str(digit) for digit in range(10)]


def small_digits() -> dict[str, np.ndarray]:
    found = load_digits()
    arrays = {f"x_{part}": images for part, images in found.images.items()}
    return arrays | {f"y_{part}": labels for part, labels in found.labels.items()}


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    """The small digits, enlarged to 16x16, from 0 to 255. Not to be changed."""
    arrays = small_digits()
    for name in ("x_train", "x_test"):
        larger = arrays[name].repeat(2, axis=1).repeat(2, axis=2).astype(np.uint16)
        arrays[name] = (larger * 255 // 16).astype(np.uint8)
    return arrays


def findings(arrays, classes=CLASSES, **dtypes) -> dict[str, dict]:
    """What is found in the four arrays, and in those of validation: by the name of the check."""
    names = [part for part in ("train", "validation", "test") if f"x_{part}" in arrays]
    images = {part: arrays[f"x_{part}"] for part in names}
    kinds = {part: str(own.dtype) for part, own in images.items()}
    whole = all(own.dtype == np.uint8 for own in images.values())
    parts = {
        part: Part(own if whole else own.astype(np.float32), arrays[f"y_{part}"])
        for part, own in images.items()
    }
    return check_data(parts, classes, {"dtypes": {**kinds, **dtypes}})


def alarms(found) -> dict[str, str]:
    return {name: row["severity"] for name, row in found.items() if row["severity"] != "note"}


def standardised(images):
    return ((images - images.mean()) / images.std()).astype(np.float32)


def scaled(images):
    return (images / 255).astype(np.float32)


@pytest.mark.parametrize("form", ["as they are", "enlarged", "real", "white paper", "big"])
def test_nothing_is_found_in_digits(form, digits):
    arrays = small_digits() if form == "as they are" else dict(digits)
    change = {
        "real": scaled,
        "white paper": lambda x: 255 - x,
        "big": lambda x: x.repeat(3, axis=1).repeat(5, axis=2),
    }.get(form, lambda x: x)
    for name in ("x_train", "x_test"):
        arrays[name] = change(arrays[name])
    assert findings(arrays) == {}


# What is done to which array, and what has to be said of it.
MEANING = {
    "test inverted": ("x_test", lambda x: 255 - x, "test_inverted"),
    "train inverted": ("x_train", lambda x: 255 - x, "test_inverted"),
    "train transposed": ("x_train", lambda x: x.transpose(0, 2, 1), "test_orientation"),
    "test on its head": ("x_test", lambda x: x[:, ::-1, ::-1], "test_orientation"),
    "test mirrored": ("x_test", lambda x: x[:, :, ::-1], "test_orientation"),
    "test inverted, turned": ("x_test", lambda x: 255 - np.rot90(x, 1, (1, 2)), "test_inverted"),
    "test labels shifted": ("y_test", lambda y: (y + 1) % 10, "test_labels"),
    "two exchanged": ("y_test", lambda y: np.array([1, 0, *range(2, 10)])[y], "test_labels"),
    "shuffled": ("y_test", lambda y: np.random.default_rng(0).permutation(y), "test_unlike_train"),
    "train bool": ("x_train", lambda x: x > 127, "test_scale"),
    "train 0 to 1": ("x_train", scaled, "test_scale"),
    "test 0 to 1": ("x_test", scaled, "test_scale"),
    "test uint16": ("x_test", lambda x: x.astype(np.uint16) * 257, "test_scale"),
}


@pytest.mark.parametrize("case", MEANING)
def test_parts_that_do_not_mean_the_same_stop(case, digits):
    name, change, check = MEANING[case]
    found = findings({**digits, name: change(digits[name])})
    stops = {name for name, severity in alarms(found).items() if severity == "stop"}
    assert stops == {check}
    if check != "test_scale":
        rows = found[check]["images"]
        assert [[each["part"] for each in row] for row in rows] == [["train", "test"]] * len(rows)
        assert all(row[0]["class"] == row[1]["class"] for row in rows)


def test_images_without_any_class_are_no_alarm():
    """Few images of noise each lie near to the mean of their class, for they are a part of it."""
    images = np.random.default_rng(0).integers(0, 256, (700, 16, 16), np.uint8)
    labels = np.arange(700) % 50
    arrays = {"x_train": images[:200], "y_train": labels[:200]}
    arrays |= {"x_test": images[200:], "y_test": labels[200:]}
    assert findings(arrays, [str(label) for label in range(50)]) == {}


def test_what_was_turned_is_named(digits):
    turned = {**digits, "x_train": digits["x_train"].transpose(0, 2, 1)}
    found = findings(turned)["test_orientation"]
    assert "Compared with the training images, the test images look transposed." in found["found"]
    assert "Of 360 test images, 16 % are nearest" in found["found"]
    swapped = {**digits, "y_test": np.array([1, 0, *range(2, 10)])[digits["y_test"]]}
    assert (
        "Test images look like another class of train: 0 like 1, 1 like 0."
        in findings(swapped)["test_labels"]["found"]
    )


def test_training_labels_from_one_and_test_labels_from_zero_stop(digits):
    """As indices of the classes 1 to 10: no test image of a 0, which the reader refuses."""
    kept = digits["y_test"] > 0
    arrays = {**digits, "x_test": digits["x_test"][kept], "y_test": digits["y_test"][kept] - 1}
    found = findings(arrays, [str(digit) for digit in range(1, 11)])
    assert alarms(found) == {"test_labels": "stop", "class_not_in_test": "warn"}


def test_a_standardised_part_stops(digits):
    """With the deviation and mean of train, or each part with its own; and with both alike not."""
    train = standardised(digits["x_train"])
    arrays = {**digits, "x_train": train, "x_test": scaled(digits["x_test"])}
    assert alarms(findings(arrays))["test_scale"] == "stop"
    assert alarms(findings({**arrays, "x_test": standardised(digits["x_test"])})) == {}


def test_another_dtype_of_one_scale_is_a_note(digits):
    found = findings(digits, test="int64")
    assert list(found) == ["test_dtype"]
    assert "uint8 and int64" in found["test_dtype"]["found"]
    assert alarms(found) == {}


def test_less_contrast_paper_and_light_are_warnings(digits):
    x = digits["x_test"].astype(np.float32)
    for images, check in (
        (x * 0.7, "test_scale"),
        (np.minimum(255, x + 80 * (x > 0)), "test_brightness"),
        (np.where(x == 0, 5, x), "test_background"),
    ):
        assert alarms(findings({**digits, "x_test": images})) == {check: "warn"}


def jpeg(images: np.ndarray) -> np.ndarray:
    read = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=85)
        read.append(np.array(Image.open(file)))
    return np.stack(read)


LEAKS = {
    "equal": (lambda x: x, "equal", "stop"),
    "moved": (lambda x: np.pad(x, ((0, 0), (1, 0), (1, 0)))[:, :-1, :-1], "moved", "stop"),
    "the other way": (lambda x: np.pad(x, ((0, 0), (1, 0), (0, 1)))[:, :-1, 1:], "moved", "stop"),
    "compressed": (jpeg, "nearly equal", "warn"),
}


@pytest.mark.parametrize("kind", LEAKS)
@pytest.mark.parametrize("count", [1, 180])
def test_test_images_in_train_are_counted(kind, count, digits):
    """The images of train again, in another order."""
    change, word, severity = LEAKS[kind]
    arrays = dict(digits)
    for name, alter in (("x", change), ("y", lambda y: y)):
        leaked = alter(digits[f"{name}_test"][:count])[::-1]
        arrays[f"{name}_train"] = np.concatenate([digits[f"{name}_train"], leaked])
    found = findings(arrays)["test_in_train"]
    assert found["found"].startswith(f"{count} of 360 (")
    assert f": {count} {word}" in found["found"]
    expected = severity if count > 1 else {"stop": "warn", "warn": "note"}[severity]
    assert found["severity"] == expected
    assert len(found["images"]) == min(count, 5)
    for before, test in found["images"]:
        assert (before["part"], test["part"]) == ("train", "test")
        assert before["index"] == 1437 + count - 1 - test["index"]


def test_test_equal_to_train(digits):
    arrays = {**digits, "x_test": digits["x_train"], "y_test": digits["y_train"]}
    found = findings(arrays)
    assert alarms(found) == {"test_in_train": "stop"}
    assert found["test_in_train"]["found"].startswith("1,437 of 1,437 (100.0 %) test images")


def test_a_validation_part_is_compared_too(digits):
    arrays = {**digits, "x_validation": digits["x_test"], "y_validation": digits["y_test"]}
    found = findings(arrays)
    assert alarms(found) == {"test_in_train_or_validation": "stop"}
    arrays["x_validation"] = 255 - digits["x_train"][:360]
    arrays["y_validation"] = digits["y_train"][:360]
    assert alarms(findings(arrays)) == {"validation_inverted": "stop"}
    arrays["x_validation"] = digits["x_train"][:360]
    assert alarms(findings(arrays)) == {"validation_in_train": "warn"}


def test_images_repeated_with_another_label(digits):
    arrays = dict(digits)
    arrays["x_train"] = np.concatenate([digits["x_train"], digits["x_train"][:100]])
    arrays["y_train"] = np.concatenate([digits["y_train"], (digits["y_train"][:100] + 1) % 10])
    found = findings(arrays)
    assert alarms(found) == {"other_label": "warn", "repeated_in_train": "warn"}
    assert found["other_label"]["found"].startswith("100 of 1,897 (")
    assert "100 equal" in found["repeated_in_train"]["found"]
    for one, other in found["other_label"]["images"]:
        assert one["pixels"] == other["pixels"]
        assert one["class"] != other["class"]


def test_a_class_in_train_only(digits):
    arrays = dict(digits)
    kept = digits["y_test"] != 3
    arrays |= {"x_test": digits["x_test"][kept], "y_test": digits["y_test"][kept]}
    found = findings(arrays)
    assert alarms(found) == {"class_not_in_test": "warn"}
    assert "1 of 10 classes" in found["class_not_in_test"]["found"]
    assert "3 (146)" in found["class_not_in_test"]["found"]


def test_a_label_for_images_without_one(digits):
    """29 images of train are labelled -1, which stands first."""
    labels = digits["y_train"] + 1
    labels[::50] = 0
    arrays = {**digits, "y_train": labels, "y_test": digits["y_test"] + 1}
    found = findings(arrays, ["-1", *CLASSES])
    assert alarms(found) == {"no_class": "warn", "class_not_in_test": "warn"}
    assert "29 images are labelled -1: 29 in train, 0 in test." in found["no_class"]["found"]
    assert "no_class" in findings(arrays, ["Unlabelled", *CLASSES])
    assert "no_class" not in findings(arrays, ["-3", *CLASSES])
    assert "no_class" not in findings(arrays, ["-1", *"abcdefghij"])


def test_other_class_shares(digits):
    kept = (digits["y_test"] > 3) | (np.arange(360) % 4 == 0)
    arrays = {**digits, "x_test": digits["x_test"][kept], "y_test": digits["y_test"][kept]}
    assert alarms(findings(arrays)) == {}
    kept = (digits["y_test"] == 3) | (np.arange(360) % 3 == 0)
    arrays = {**digits, "x_test": digits["x_test"][kept], "y_test": digits["y_test"][kept]}
    assert alarms(findings(arrays)) == {"class_shares_of_test": "warn"}


def test_a_pixel_far_outside(digits):
    for part in ("train", "test"):
        images = digits[f"x_{part}"].astype(np.uint16)
        images[7, 3, 4] = 65535
        found = findings({**digits, f"x_{part}": images}, **{part: "uint8"})
        assert alarms(found) == {f"{part}_far_outside": "warn"}
        said = found[f"{part}_far_outside"]
        assert " images have 1 pixel far outside" in said["found"]
        assert "range of all others, 0 to 255: 65,535." in said["found"]
        assert said["images"][0][0]["index"] == 7


def test_images_of_one_value(digits):
    images = digits["x_train"].copy()
    images[5:8] = 0
    images[9] = 200
    found = findings({**digits, "x_train": images})
    assert found["train_of_one_value"]["severity"] == "warn"
    assert found["train_of_one_value"]["found"].startswith("4 of 1,437 (0.3 %) training images are")
    assert "2 equal" in found["repeated_in_train"]["found"]  # and none is moved


def test_greys_that_were_cut_to_zero_and_one(digits):
    cut = {name: (digits[name] / 255).astype(np.uint8) for name in ("x_train", "x_test")}
    found = findings({**digits, **cut})
    assert found["few_values"]["severity"] == "warn"
    assert next(iter(found)) == "few_values"  # what the others follow from
    assert not [name for name in found if "test_in" in name or "repeated" in name]
    black = {name: np.where(digits[name] > 127, 255, 0).astype(np.uint8) for name in cut}
    assert findings({**digits, **black})["few_values"]["severity"] == "note"
    as_bool = findings({**digits, **cut}, train="bool", test="bool")
    assert as_bool["few_values"]["severity"] == "note"


def test_across_scales_nothing_else_is_compared(digits):
    """Thick strokes of black and white are nearest to other classes, whose labels are right."""
    found = findings({**digits, "x_train": digits["x_train"] > 30, "y_test": digits["y_test"]})
    assert [name for name in found if name.startswith("test_")] == ["test_scale"]
    assert findings({**digits, "x_test": (255 - digits["x_test"]) / 1020}).keys() == {"test_scale"}


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (40, 3)])
@pytest.mark.parametrize("count", [1, 30])
def test_small_data_is_checked(shape, count):
    random = np.random.default_rng(0)
    parts = {
        part: Part(random.random((count + 1, *shape), dtype=np.float32), np.arange(count + 1) % 2)
        for part in ("train", "test")
    }
    found = check_data(parts, ["a", "b"], {})
    assert [name for name, severity in alarms(found).items() if severity == "stop"] in (
        [],
        ["test_scale"],
    )
    same = {part: Part(np.zeros_like(images), labels) for part, (images, labels) in parts.items()}
    assert "train_of_one_value" in check_data(same, ["a", "b"], {})


@pytest.mark.long
@pytest.mark.xdist_group("snakemake")
def test_both_engines_say_it_where_it_is_seen(make_project):
    """DVC as the stage runs, Snakemake at the end; and again as long as it is so."""
    project = make_project()
    path = project.folder / "scripts" / "dataset" / "digits.py"
    code = path.read_text()
    leaky = code.replace('"test": images[-TEST_IMAGES:]', '"test": images[:TEST_IMAGES]')
    leaky = leaky.replace('"test": labels[-TEST_IMAGES:]', '"test": labels[:TEST_IMAGES]')
    assert leaky != code
    path.write_text(leaky)
    said = "explore_stats: stop: 360 of 360 (100.0 %) test images are also in train: 360 equal."
    snakemake = ("snakemake", "--cores", "2", "explore_stats")
    assert said in project.run(*snakemake)
    project.change(explore_stats={"samples": 9})
    assert said in project.run("dvc", "repro", "explore-stats")
    plots = project.run("dvc", "plots", "show", "reports/stats.json", "--show-vega")
    assert len(json.loads(plots)["data"]["values"]) == 10  # the classes, and no checks
    path.write_text(code)
    assert "stop" not in project.run(*snakemake)
    project.run("dvc", "plots", "show", "reports/stats.json", "--show-vega")


@pytest.mark.parametrize(("count", "severity"), [(1, "note"), (18, "warn")])
def test_files_that_were_not_used_are_said(count, severity, digits):
    parts = {name: Part(digits[f"x_{name}"], digits[f"y_{name}"]) for name in ("train", "test")}
    origin = {"unused_files": count, "unused": ["nine/a.webp", "nine/b.webp"][:count]}
    found = check_data(parts, [str(digit) for digit in range(10)], origin)["unused_files"]
    assert found["severity"] == severity
    said = (
        "1 file was not used, such as nine/a.webp."
        if count == 1
        else "18 files were not used, such as"
    )
    assert found["found"].startswith(said)
