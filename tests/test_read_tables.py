"""CSV files as on Kaggle, and as people write them; what is none is named with its line."""

import gzip

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
)


@pytest.mark.parametrize("name", ["train.csv", "TRAIN.CSV", "any.csv.gz"])
def test_a_table_as_on_kaggle(name, tmp_path):
    text = csv_text(X, Y)
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if "gz" in name else text.encode())
    dataset = take(tmp_path / "made", tmp_path / name)
    assert dataset.x_train.dtype == np.uint8
    assert {image.tobytes() for image in dataset.x_train} < {image.tobytes() for image in X}
    assert dataset.name == name.split(".")[0]
    assert dataset.origin["format"] == "csv"


def test_tables_of_each_part(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sign_train.csv").write_text(csv_text(X, Y))
    (tmp_path / "own" / "sign_test.csv").write_text(csv_text(X_TEST, Y_TEST))
    assert_whole(take(tmp_path, tmp_path / "own"))


def test_a_test_table_without_labels_is_left_out_and_named(tmp_path, capsys):
    """Kaggle's files; its sample submission is not a dataset."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "train.csv").write_text(csv_text(X, Y))
    (tmp_path / "own" / "test.csv").write_text(csv_text(X_TEST, None))
    (tmp_path / "own" / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    dataset = take(tmp_path, tmp_path / "own")
    assert len(dataset.x_test) == 3
    line = f"{tmp_path}/own/test.csv: not used, because it has no label column\n"
    assert line in capsys.readouterr().err
    assert dataset.origin["unused"] == ["test.csv"]


TABLES = {
    "label last": "a,b,c,d,Label\n1,2,3,4,{}\n",
    "label within": "a,b,LABEL,c,d\n1,2,{},3,4\n",
    "quoted": '"label","a","b","c","d"\n"{}","1","2","3","4"\n',
    "spaces": " label , a, b, c, d\n{}, 1, 2, 3, 4\n",
    "Windows": "\ufefflabel,a,b,c,d\r\n{},1,2,3,4\r\n",
    "Windows, label last": "a,b,c,d,label\r\n\r\n1,2,3,4,{}\r\n",
    "real": "label,a,b,c,d\n{},1.0,2.00,3,4e0\n",
    "empty lines": "label,a,b,c,d\n\n{},1,2,3,4\n\n",
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_as_people_write_them(kind, tmp_path):
    head, *rest = TABLES[kind].split("\n", 1)
    rows = "".join(rest[0].format(label) for label in ("cat, small", "dog") * 2)
    if kind != "quoted":
        rows = rows.replace("cat, small", "cat")
    (tmp_path / "own.csv").write_bytes(f"{head}\n{rows}".encode())
    dataset = take(tmp_path, tmp_path / "own.csv")
    assert dataset.classes.tolist() == ["cat, small" if kind == "quoted" else "cat", "dog"]
    assert dataset.x_train[0].tolist() == [[1, 2], [3, 4]]
    assert dataset.x_train.dtype == np.uint8


def test_real_pixels_in_one_table_are_real_in_both(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "train.csv").write_text(csv_text(X / 255, Y))
    (tmp_path / "own" / "test.csv").write_text(csv_text(X_TEST * 0, Y_TEST))
    dataset = take(tmp_path, tmp_path / "own")
    assert dataset.x_train.dtype == dataset.x_test.dtype == np.float32
    np.testing.assert_allclose(dataset.x_train, X / 255, atol=1e-6)


def test_a_table_of_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("dataset.table.BLOCK_BYTES", 50)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "train.csv").write_text(csv_text(X, Y))
    (tmp_path / "own" / "test.csv").write_text(csv_text(X_TEST, Y_TEST).rstrip("\n"))
    assert_whole(take(tmp_path, tmp_path / "own"))


HEAD = "label,a,b,c,d\n"
BAD_TABLES = {
    "own.csv: the first line names 5 columns, 0 of them label; allowed: one named": "a,b,c,d,e\n",
    "own.csv: the first line names 4 columns, 1 of them label": "label,a,b,c\n0,1,2,3\n",
    "own.csv: the first line names 5 columns, 2 of them label": "label,a,b,c,Label\n0,1,2,3,4\n",
    "own.csv: the first line names 0 columns, 0 of them": "\n",
    "own.csv: the first line names 0 columns": "",
    "own.csv, line 3: 4 cells; allowed: 5, as in the first line": f"{HEAD}0,1,2,3,4\n0,1,2,3\n",
    "own.csv, line 2: c is 'x'; allowed: a number": f"{HEAD}0,1,2,x,4\n",
    "own.csv, line 2: c is ''; allowed: a number": f"{HEAD}0,1,2,,4\n",
    "own.csv, line 4: d is 'nan'; allowed: a number": f"{HEAD}0,1,2,3,4\n\n0,1,2,3,nan\n",
    "own.csv, line 2: a is '1_0'": f"{HEAD}0,1_0,2,3,4\n",
    "own.csv, line 2: b is '1e999'; allowed: a number": f"{HEAD}0,1.5,1e999,3,4\n",
    "own.csv: 'utf-8' codec": b"label,a,b,c,d\n\xff,1,2,3,4\n",
    "own.csv: no images in train": HEAD,
}


@pytest.mark.parametrize("message", BAD_TABLES)
def test_what_is_no_table_is_named(message, tmp_path):
    content = BAD_TABLES[message]
    (tmp_path / "own.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert refusal(tmp_path, tmp_path / "own.csv").startswith(f"{tmp_path}/{message}")


def test_a_line_without_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("dataset.table.LONGEST_ROW", 1000)
    (tmp_path / "own.csv.gz").write_bytes(gzip.compress(HEAD.encode() + b"1" * 3_000_000))
    assert "a line of over 1000 bytes; allowed: shorter" in refusal(
        tmp_path, tmp_path / "own.csv.gz"
    )
