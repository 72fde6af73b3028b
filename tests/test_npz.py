"""Archives: what is read, up to which size, in how much memory, and the words of a refusal."""

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.errors import UserError
from core.npz import read_arrays, write_arrays
from dataset.dataset import read_dataset


def archive(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def refusal(path: Path, *names: str) -> str:
    with pytest.raises(UserError) as error:
        read_arrays(path, names)
    return str(error.value).removeprefix(f"{path}: ")


def npy(shape: str, content: bytes, length: int = 118, version: int = 1) -> bytes:
    """An .npy file of float64, whose header has `length` characters."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    text = header.ljust(length - 1).encode() + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + content


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("length", [118, 9_900])
def test_headers_of_both_versions_are_read(version, length, tmp_path):
    content = npy("(3,)", np.arange(3.0).tobytes(), length, version)
    path = archive(tmp_path / "a.npz", {"a.npy": content})
    assert read_arrays(path, ("a",))["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(("version", "minor"), [(3, 0), (1, 1), (2, 1), (0, 0)])
def test_other_versions_are_refused(version, minor, tmp_path):
    content = bytearray(npy("(3,)", bytes(24)))
    content[6:8] = version, minor
    path = archive(tmp_path / "a.npz", {"a.npy": bytes(content)})
    reason = f"version ({version}, {minor}); allowed: 1.0 and 2.0"
    assert refusal(path, "a") == f"array a cannot be read ({reason})"


def test_a_header_without_end_is_not_read_to_it(tmp_path):
    """Four bytes of version 2 can say that it has 4 GiB."""
    content = npy("(3,)", bytes(24), 10_000_000, version=2)
    path = archive(tmp_path / "a.npz", {"a.npy": content}, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    assert refusal(path, "a").startswith("array a cannot be read (EOF: reading array header")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (4 * 2**30, "array a cannot be read (its length is not what its header says)"),
        (4 * 2**30 + 1, "4294967297 bytes of arrays; allowed: at most 4294967296"),
    ],
)
def test_what_an_archive_declares_is_limited(size, reason, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("a.npy", npy("(3,)", bytes(24)))
        file.infolist()[0].file_size = size  # written when it is closed
    assert refusal(tmp_path / "a.npz", "a") == reason


def test_a_member_that_ends_before_its_declared_size_is_refused(tmp_path):
    """Stored content ends where the archive says; compressed content may end before."""
    content = npy("(300,)", bytes(2400))
    short = io.BytesIO()
    with zipfile.ZipFile(short, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", content[:-800])
        file.infolist()[0].file_size = len(content)
    (tmp_path / "a.npz").write_bytes(short.getvalue())
    assert refusal(tmp_path / "a.npz", "a") == "array a cannot be read (it is truncated)"


def test_objects_are_not_written_either(tmp_path):
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_arrays(tmp_path / "a.npz", a=np.array([None]))
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_names_what_is_there(tmp_path):
    path = archive(tmp_path / "a.npz", {"b.npy": b"", "a.npy": b""})
    assert refusal(path, "a", "y", "z") == "no array y (found a, b); needed: a, y, z"
    path = archive(tmp_path / "a.npz", {f"{number:02}.npy": b"" for number in range(20)})
    assert refusal(path, "a").startswith(
        "no array a (found 00, 01, 02, 03, 04, 05, 06, 07, 08, 09);"
    )
    assert refusal(archive(tmp_path / "a.npz", {}), "a") == "no array a (found nothing); needed: a"


@pytest.mark.parametrize(
    ("name", "said"),
    [("x" * 300, "x" * 200), ("a  b\n\tc", "a b c"), ("\u263a" * 99, ("\\u263a" * 99)[:200])],
)
def test_a_refusal_is_one_short_line(name, said, tmp_path):
    path = archive(tmp_path / "a.npz", {name: b""})
    assert refusal(path, "a") == f"no array a (found {said}); needed: a"


@pytest.mark.parametrize(
    ("save", "dtype"),
    [(np.savez, np.uint8), (np.savez_compressed, np.uint8), (np.savez, np.float32)],
)
def test_the_limit_is_all_the_memory_that_reading_takes(save, dtype, tmp_path):
    """Of an archive, and of a dataset; beside it there is room for a chunk."""
    images = np.zeros((1000, 100, 160), dtype)
    images[0, 0, 0] = 1
    labels = np.arange(1000) % 2
    rest = {
        **{"name": np.array("large"), "classes": np.array(["0", "1"])},
        **{"y_train": labels, "y_test": labels[:1], "y_validation": labels[:0]},
        **{"x_test": images[:1], "x_validation": images[:0]},
        "origin": np.frombuffer(b"{}", np.uint8),
    }
    save(tmp_path / "large.npz", x_train=images, **rest)
    for read in (lambda path: read_arrays(path, ("x_train",)), read_dataset):
        tracemalloc.start()
        kept = read(tmp_path / "large.npz")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert images.nbytes < peak < 1.2 * images.nbytes
        del kept


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_without_limit_is_refused(kind, tmp_path):
    """Python unpacks these two by the piece, however large it comes out."""
    path = archive(tmp_path / "bomb.npz", {"a.npy": npy("(1000,)", bytes(8000))}, kind)
    reason = "its compression method is not one that NumPy uses"
    assert refusal(path, "a") == f"array a cannot be read ({reason})"


def test_the_order_of_an_array_is_kept(tmp_path):
    array = np.asfortranarray(np.arange(24).reshape(2, 3, 4))
    np.savez(tmp_path / "order.npz", a=array, b=array.T)
    read = read_arrays(tmp_path / "order.npz", ("a", "b"))
    np.testing.assert_array_equal(read["a"], array)
    np.testing.assert_array_equal(read["b"], array.T)
