"""What is done to a dataset that was read: rows for columns, another size, a test part cut off."""

import numpy as np
import pytest
from conftest import ROOT
from own_datasets import X_TEST, Y_TEST, X, Y, numbered, refusal, save, take, write_pictures
from PIL import Image
from ruamel.yaml import YAML

from download import DEFAULTS


def test_transposed_and_resized(tmp_path):
    wide = numbered(12, 4, 6)
    np.savez(tmp_path / "own.npz", x_train=wide, y_train=Y, x_test=wide, y_test=Y)
    dataset = take(tmp_path, tmp_path / "own.npz", transpose=True)
    np.testing.assert_array_equal(dataset.x_train, wide.swapaxes(1, 2))
    assert dataset.origin["transposed"] is True
    for part in ("train", "test"):
        write_pictures(tmp_path / "own" / part, wide, Y)
    for path in (tmp_path / "own.npz", tmp_path / "own"):
        both = take(tmp_path, path, transpose=True, resize=[3, 2])
        first = Image.fromarray(wide[0]).transpose(Image.Transpose.TRANSPOSE)
        near = np.asarray(first.resize((2, 3), Image.Resampling.BILINEAR)).astype(float)
        assert np.abs(both.x_train[0] - near).max() <= 1
    flat = np.full((12, 4, 6), 40_000, np.uint16)
    for images in (flat, flat / 40_000, flat > 0):
        np.savez(tmp_path / "own.npz", x_train=images, y_train=Y, x_test=images, y_test=Y)
        dataset = take(tmp_path, tmp_path / "own.npz", resize=[9, 9])
        assert dataset.x_train.shape == (12, 9, 9)
        assert (dataset.x_train == float(images[0, 0, 0])).all()


def test_the_same_folder_gives_the_same_bytes(tmp_path):
    for name, order in (("one", range(12)), ("two", reversed(range(12)))):
        for place in order:
            path = tmp_path / name / "own" / str(Y[place]) / f"{place}.png"
            save(path, Image.fromarray(X[place]))
        take(tmp_path / name, tmp_path / name / "own")
    assert (tmp_path / "one" / "out.npz").read_bytes() == (
        tmp_path / "two" / "out.npz"
    ).read_bytes()


@pytest.mark.parametrize(("share", "expected"), [(0.2, [2, 1, 1, 0]), (0.5, [5, 1, 1, 0])])
def test_each_class_gives_its_share_and_keeps_an_image(share, expected, tmp_path):
    y = np.repeat([0, 1, 2, 3], [10, 3, 2, 1])
    x = numbered(len(y))
    np.savez(tmp_path / "own.npz", X=x, y=y)
    made = [take(tmp_path, tmp_path / "own.npz", test_size=share, test_seed=s) for s in (1, 1, 2)]
    counts = np.bincount(made[0].y_test, minlength=4)
    assert counts.tolist()[0] == expected[0]
    assert (counts[1:] >= [1, 1, 0]).all()
    assert np.bincount(made[0].y_train).min() >= 1
    np.testing.assert_array_equal(made[0].x_test, made[1].x_test)
    assert not np.array_equal(made[0].x_test, made[2].x_test)


def test_what_chooses_test_images_is_said_to_have_no_effect_if_there_are_some(tmp_path, capfd):
    """If it was changed: only then was an effect expected."""
    values = YAML(typ="safe").load(ROOT / "params.yaml")["download"]
    assert {key: values[key] for key in DEFAULTS} == DEFAULTS
    np.savez(tmp_path / "without.npz", X=X, y=Y)
    np.savez(tmp_path / "with.npz", x_train=X, y_train=Y, x_test=X_TEST, y_test=Y_TEST)
    take(tmp_path, tmp_path / "without.npz", test_size=0.3, test_seed=2)
    take(tmp_path, tmp_path / "with.npz")
    assert capfd.readouterr().err == ""
    take(tmp_path, tmp_path / "with.npz", test_size=0.3, test_seed=2)
    assert capfd.readouterr().err == (
        "download.test_size: 0.3 has no effect, because the dataset has test images\n"
        "download.test_seed: 2 has no effect, because the dataset has test images\n"
    )


def test_no_image_to_spare_is_said(tmp_path):
    np.savez(tmp_path / "own.npz", X=X[:3], y=Y[:3])
    assert "no class has two images, so no image can be held out for testing; allowed: two" in (
        refusal(tmp_path, tmp_path / "own.npz")
    )
    np.savez(tmp_path / "own.npz", X=X[:3], y=Y)
    assert "3 images and 12 labels in train" in refusal(tmp_path, tmp_path / "own.npz")
