"""Files from strangers: read, or refused in one line, whatever is in them."""

import json
import math
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.arrays import LARGEST, Kind, check_arrays
from core.errors import UserError
from core.files import write_text
from core.npz import read_arrays, write_arrays
from dataset.dataset import KINDS, PARTS, checked_dataset, read_dataset, write_dataset
from dataset.found import Found
from dataset.idx import parse_idx

DTYPES = hnp.scalar_dtypes() | hnp.unicode_string_dtypes() | hnp.byte_string_dtypes()
SOME_ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, min_side=0))
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "descr": st.sampled_from(["|u1", "<f8", "|O", "|V0", "|S0", "<U999999999", "<i8", ">c16"])
        | st.text(max_size=5),
        "fortran_order": st.booleans() | st.none(),
        "shape": st.tuples() | st.lists(st.integers(-(2**70), 2**70), max_size=4).map(tuple),
        "more": st.integers(),
    },
)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "file.npz"


def read_or_refuse(path: Path) -> dict[str, np.ndarray] | None:
    try:
        return read_arrays(path, ("a",))
    except UserError as error:
        assert str(error).isprintable()  # noqa: PT017 - either way of ending is right
        return None


def zipped(path: Path, member: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", member)


@given(SOME_ARRAYS)
def test_what_is_written_is_read(path, array):
    write_arrays(path, a=array)
    np.testing.assert_array_equal(read_arrays(path, ("a",))["a"], array)


@given(SOME_ARRAYS, st.data())
def test_damage_is_refused_or_harmless(path, array, data):
    """Truncation, trailing bytes, and any byte changed to any other."""
    write_arrays(path, a=array)
    content = bytearray(path.read_bytes())
    kind = data.draw(st.sampled_from(["cut", "added", "changed"]))
    place = data.draw(st.integers(0, len(content) - 1))
    if kind == "cut":
        del content[place:]
    elif kind == "added":
        content += data.draw(st.binary(min_size=1, max_size=100))
    else:
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    arrays = read_or_refuse(path)
    if arrays is not None:
        assert arrays["a"].nbytes == array.nbytes


@given(HEADERS, st.binary(max_size=64), st.sampled_from([1, 2, 3, 9]))
def test_lying_headers_are_refused_or_true(path, header, data, version):
    text = repr(header).encode() + b"\n"
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    zipped(path, b"\x93NUMPY" + bytes([version, 0]) + length + text + data)
    arrays = read_or_refuse(path)
    if arrays is not None:
        assert arrays["a"].nbytes == len(data)


@given(st.binary(max_size=500))
def test_any_bytes_are_refused(path, content):
    path.write_bytes(content)
    assert read_or_refuse(path) is None
    zipped(path, content)
    assert read_or_refuse(path) is None


def test_a_refusal_is_short_whatever_the_names(path):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}" + "\N{FULL MOON SYMBOL}\n" * 999, b"")
    with pytest.raises(UserError, match="no array a") as refusal:
        read_arrays(path, ("a",))
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 500


PAIR = {"a": np.zeros((2, 3), np.float32), "b": np.array(["x", "y", "z"])}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"a": np.zeros((2, 0), ">f8"), "b": np.array([], "U1")}, None),
        ({"a": np.full((2, 3), LARGEST)}, None),
        ({"a": np.full((2, 3), -LARGEST)}, None),
        (
            {"a": np.zeros((3, 3))},
            r"a has dtype float64 and shape (3, 3); allowed: floats of shape (2, n)",
        ),
        ({"a": np.zeros((2, 3), int)}, "a has dtype int64 and shape (2, 3)"),
        ({"a": np.zeros((2, 3, 1))}, "a has dtype float64 and shape (2, 3, 1)"),
        ({"a": np.zeros(2)}, "a has dtype float64 and shape (2,); allowed: floats of shape (2, n)"),
        ({"b": np.array(["x"])}, "b has dtype <U1 and shape (1,); allowed: text of shape (3)"),
        ({"b": np.array([b"x", b"y", b"z"])}, "b has dtype |S1"),
        ({"b": np.array(["x", "y", "\ud800"])}, "b has text with invalid characters"),
        ({"b": np.full(3, 2**31 - 1, np.uint32).view("U1")}, "b has text with invalid characters"),
        *(
            ({"a": np.array([[0, 0, 0], [0, 0, bad]])}, "a has numbers that are NaN, infinite or")
            for bad in (np.nan, np.inf, -np.inf, 1.1 * float(LARGEST), -1.1 * float(LARGEST))
        ),
    ],
)
def test_what_an_array_may_be(change, problem):
    kinds = {"a": Kind("f", (2, "n")), "b": Kind("U", ("n",))}
    if problem is None:
        check_arrays("f.npz", {**PAIR, **change}, kinds)
        return
    with pytest.raises(UserError, match=f"^{re.escape(f'f.npz: array {problem}')}"):
        check_arrays("f.npz", {**PAIR, **change}, kinds)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_the_place_of_what_is_written_is_not_followed(there, tmp_path):
    """As a checkout may hold: a file outside is neither written nor made."""
    outside, result = tmp_path / "outside", tmp_path / "folder" / "result.json"
    if there:
        outside.write_text("whole")
    result.parent.mkdir()
    for name in (".partial.result.json", "result.json"):
        (result.parent / name).symlink_to(outside)
    write_text(result, "text")
    assert result.read_text() == "text"
    assert not result.is_symlink()
    assert not (result.parent / ".partial.result.json").is_symlink()
    assert outside.exists() == there
    assert not there or outside.read_text() == "whole"


@given(hnp.arrays(np.uint8, hnp.array_shapes(max_dims=4, min_side=0)), st.data())
def test_idx_is_read_or_refused(array, data):
    header = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    content = header + array.tobytes()
    np.testing.assert_array_equal(parse_idx(content), array)
    with pytest.raises(ValueError, match="IDX"):
        parse_idx(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ValueError, match="IDX"):
        parse_idx(content + b"more")


@pytest.mark.parametrize("shape", [(1,) * 65, (0, *[2**32 - 1] * 7)])
def test_idx_of_an_impossible_shape_is_refused(shape):
    values = bytes(math.prod(shape))
    content = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + values
    with pytest.raises(ValueError, match="an IDX file of a shape that NumPy cannot hold"):
        parse_idx(content)


BY_PART = st.dictionaries(st.sampled_from(PARTS), SOME_ARRAYS, min_size=3)


@given(BY_PART, BY_PART, st.none() | st.lists(st.text(max_size=3), max_size=3))
def test_any_arrays_are_a_dataset_or_refused(images, labels, names):
    try:
        dataset = checked_dataset("own", "own.npz", Found(images, labels, names))
    except UserError as error:
        assert str(error).isprintable()  # noqa: PT017
        return
    assert dataset.x_train.dtype in (np.uint8, np.float32)
    assert len(dataset.x_train) == len(dataset.y_train) > 0


@given(
    SOME_ARRAYS
    | hnp.arrays(np.int64, st.integers(0, 6))
    | hnp.arrays("<U3", st.integers(0, 6))
    | hnp.arrays(np.float64, (6, 1), elements=st.sampled_from([0, 1, 2, 0.5])),
    st.none() | st.lists(st.text(max_size=3), max_size=3),
)
def test_any_labels_are_classes_or_refused(path, labels, names):
    images = np.zeros((len(labels) if labels.ndim else 0, 2, 2), np.uint8)
    found = Found({"train": images, "test": images}, {"train": labels, "test": labels}, names)
    try:
        dataset = checked_dataset("own", "own.npz", found)
    except UserError as error:
        assert str(error).isprintable()  # noqa: PT017
        return
    assert {*dataset.y_train.tolist()} == {*range(len(dataset.classes))}
    write_dataset(path, dataset)
    read = read_dataset(path)
    assert read.classes.tolist() == dataset.classes.tolist()
    assert read.y_test.tolist() == dataset.y_train.tolist()


@given(st.sampled_from(sorted(KINDS)), SOME_ARRAYS)
def test_a_dataset_with_any_array_is_read_or_refused(path, name, array):
    """As no run of ours has written it."""
    labels = np.arange(4) % 2
    images = np.zeros((4, 2, 2), np.uint8)
    found = Found({"train": images, "test": images}, {"train": labels, "test": labels})
    write_dataset(path, checked_dataset("own", "own.npz", found))
    arrays = read_arrays(path, tuple(KINDS))
    write_arrays(path, **{**arrays, name: array})
    try:
        dataset = read_dataset(path)
    except UserError as error:
        assert str(error).isprintable()  # noqa: PT017
        return
    assert dataset.y_train.max() < len(dataset.classes)


@pytest.mark.long
def test_fuzzing_finds_nothing(tmp_path, capsys):
    """A million inputs, each leading on from those that reached new code."""
    fuzzer = [sys.executable, str(Path(__file__).with_name("fuzz_readers.py")), str(tmp_path)]
    options = ["-runs=1100000", "-max_len=2000", "-rss_limit_mb=1000", "-seed=1", "-verbosity=0"]
    run = subprocess.run(
        [*fuzzer, *options], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    report = json.loads((tmp_path / "report.json").read_text())
    with capsys.disabled():
        print(f"\nfuzzing: {report}")
    assert sum(report.values()) - report["seconds"] >= 1_000_000
