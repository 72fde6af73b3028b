"""Which files are read, of a folder, a zip archive or alone; none that cannot be trusted."""

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from own_datasets import (
    X_TEST,
    Y_TEST,
    X,
    Y,
    assert_whole,
    csv_text,
    refusal,
    take,
    write_idx,
    write_pictures,
)


def pack(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
        archive.writestr("__MACOSX/own/._x.png", "what macOS leaves")
    return path


@pytest.mark.parametrize("kind", ["npz", "idx", "csv", "images"])
def test_a_zip_of_any_of_these(kind, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    if kind == "npz":
        np.savez(own / "a.npz", x_train=X, y_train=Y, x_test=X_TEST, y_test=Y_TEST)
    elif kind == "idx":
        arrays = {"images_train": X, "labels_train": Y.astype("u1")}
        write_idx(own, images_t10k=X_TEST, labels_t10k=Y_TEST.astype("u1"), **arrays)
    elif kind == "csv":
        (own / "train.csv").write_text(csv_text(X, Y))
        (own / "test.csv").write_text(csv_text(X_TEST, Y_TEST))
    else:
        for part, x, y in (("train", X, Y), ("test", X_TEST, Y_TEST)):
            order = np.argsort(y, kind="stable")
            write_pictures(own / part, x[order], y[order])
    from_folder = take(tmp_path / "folder", own)
    dataset = take(tmp_path / "zip", pack(own, tmp_path / "letters.ZIP"))
    assert dataset.name == "letters"
    for name in ("x_train", "y_train", "x_test", "y_test", "classes"):
        np.testing.assert_array_equal(getattr(dataset, name), getattr(from_folder, name))
    (tmp_path / "data").mkdir()
    (tmp_path / "letters.ZIP").rename(tmp_path / "data" / "letters.ZIP")
    np.testing.assert_array_equal(take(tmp_path, tmp_path / "data").x_train, dataset.x_train)


def member(name: str, method: int = zipfile.ZIP_STORED, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type, info.external_attr = method, mode << 16
    return info


MEMBERS = {
    "../x.csv: a path that leads out of the archive; allowed: files within": member("../x.csv"),
    "/x.csv: a path that leads out of the archive": member("/x.csv"),
    "x.csv: a link; allowed: files": member("x.csv", mode=0o120777),
    "x.csv: compressed in a way that unpacks without limit": member("x.csv", zipfile.ZIP_BZIP2),
    ": no dataset (found x.txt); allowed: .npz": member("x.txt"),
}


@pytest.mark.parametrize("message", MEMBERS)
def test_a_zip_that_cannot_be_trusted_is_refused(message, tmp_path):
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr(MEMBERS[message], csv_text(X, Y))
    separator = "" if message.startswith(":") else ": "
    line = f"{tmp_path}/own.zip{separator}{message}"
    assert refusal(tmp_path, tmp_path / "own.zip").startswith(line)


def test_a_file_without_a_name_is_refused(tmp_path):
    """As none of Python's own archives has one; the fuzzer made it."""
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("own.csv", csv_text(X, Y))
    content = (tmp_path / "own.zip").read_bytes().replace(b"own.csv", b"\0wn.csv")
    (tmp_path / "own.zip").write_bytes(content)
    assert "a file without a name; allowed: files" in refusal(tmp_path, tmp_path / "own.zip")


def test_a_member_that_is_not_where_the_archive_says_is_named(tmp_path):
    np.savez(tmp_path / "own.npz", x_train=X, y_train=Y)
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.write(tmp_path / "own.npz", "own.npz")
    content = bytearray((tmp_path / "own.zip").read_bytes())
    content[:4] = b"none"
    (tmp_path / "own.zip").write_bytes(content)
    line = f"{tmp_path}/own.zip: own.npz: Bad magic number for file header"
    assert refusal(tmp_path, tmp_path / "own.zip") == line


def test_bombs_are_refused_before_they_unpack(tmp_path, monkeypatch):
    for module in ("files", "table", "idx", "arrays", "shapes"):
        monkeypatch.setattr(f"dataset.{module}.MAXIMUM_BYTES", 10**6)
    with zipfile.ZipFile(tmp_path / "own.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", bytes(2 * 10**6))
    assert "unpacks to 2000000 bytes; allowed: at most" in refusal(tmp_path, tmp_path / "own.zip")
    long = "\n".join(["label,a,b,c,d", *["0" + ",1" * 4] * 300_000])
    (tmp_path / "own.csv.gz").write_bytes(gzip.compress(long.encode()))
    assert "over 1000000 bytes of images; allowed: fewer" in refusal(
        tmp_path, tmp_path / "own.csv.gz"
    )
    write_idx(
        tmp_path / "idx", images_train=np.zeros((30, 200, 200), "u1"), labels_train=Y.astype("u1")
    )
    assert "than the 1200000 bytes of its header" in refusal(tmp_path, tmp_path / "idx")
    write_pictures(tmp_path / "own", np.zeros((30, 200, 200), np.uint8), np.arange(30) % 2)
    assert "30 images of 200x200 take 1200000 bytes; allowed: at most 1000000" in (
        refusal(tmp_path, tmp_path / "own")
    )
    np.savez(tmp_path / "two.npz", x_train=np.zeros((12, 280, 280), "u1"), y_train=Y, x_test=X)
    assert "allowed: y_test, test_labels" in refusal(tmp_path, tmp_path / "two.npz")


def test_which_files_are_meant_is_said(tmp_path, capsys):
    own = tmp_path / "own"
    write_idx(own, "emnist-letters-", images_train=X, labels_train=Y.astype("u1"))
    assert "no IDX file" not in capsys.readouterr().err
    write_idx(own, "emnist-digits-", images_train=X, labels_train=Y.astype("u1"))
    assert "IDX files of several datasets (emnist-digits-, emnist-letters-); allowed: those" in (
        refusal(tmp_path, own)
    )
    lone = tmp_path / "lone"
    write_idx(lone, images_train=X)
    (lone / "x.txt").write_text("x")
    assert "no IDX file with the labels of train; allowed: train-labels-idx1-ubyte.gz or" in (
        refusal(tmp_path, lone)
    )
    np.savez(tmp_path / "two.npz", x_train=X, train_images=X, y_train=Y)
    assert "train_images and x_train are both the images of train; allowed: one" in (
        refusal(tmp_path, tmp_path / "two.npz")
    )
    (tmp_path / "csv").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "csv" / name).write_text(csv_text(X, Y))
    assert (
        "0 CSV files of train (found a.csv, b.csv); allowed: one for each part, such as train.csv"
        in (refusal(tmp_path, tmp_path / "csv"))
    )
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path}/empty: no dataset (found nothing); allowed: .npz" in (
        refusal(tmp_path, tmp_path / "empty")
    )


def test_a_path_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "own.npz", x_train=X, y_train=Y, x_test=X_TEST, y_test=Y_TEST)
    assert_whole(take(tmp_path, "~/own.npz"))
    assert refusal(tmp_path / "made", "~/none.npz") == (
        f"download.path: '{tmp_path}/none.npz' is not allowed (no such file or folder); allowed:"
        " the path of a file or folder with a dataset"
    )


def test_links_to_files_are_followed_and_to_folders_refused(tmp_path):
    """DVC notices a change behind the one, and not behind the other."""
    write_pictures(tmp_path / "real", X, Y)
    (tmp_path / "own" / "0").mkdir(parents=True)
    (tmp_path / "own" / "1").mkdir()
    for place, file in enumerate(sorted((tmp_path / "real" / "0").iterdir())):
        (tmp_path / "own" / str(place % 2) / file.name).symlink_to(file)
    assert take(tmp_path, tmp_path / "own").x_train.shape == (2, 6, 6)
    (tmp_path / "own" / "2").symlink_to(tmp_path / "real" / "2")
    (tmp_path / "out.npz").unlink()
    assert f"{tmp_path}/own/2: a link to a folder, whose changes DVC would not notice" in (
        refusal(tmp_path, tmp_path / "own")
    )
    (tmp_path / "own" / "2").unlink()
    os.mkfifo(tmp_path / "own" / "0" / "pipe.png")
    assert "own/0/pipe.png: not a file; allowed: folders and files" in (
        refusal(tmp_path, tmp_path / "own")
    )
