"""Coverage-guided fuzzing of the readers of strangers' files: fuzz_readers.py FOLDER -runs=N.

The first byte of an input says what the rest is: an IDX file, an archive, the sizes that an archive
claims, or an array in an archive that is otherwise good, so that the fuzzer does not have to find
out about check sums first; or a dataset of one's own: a table, an image, an array with its labels,
a packed IDX file, a zip archive, or the name of a file in one. Any other error than ours ends the
run.
"""

import gzip
import io
import json
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["zipfile", "numpy.lib", "core", "dataset"]):
    sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
    import zipfile

    import numpy as np
    from PIL import Image

    from core.errors import UserError
    from core.npz import read_arrays
    from dataset import own, pictures
    from dataset.dataset import checked_dataset
    from dataset.files import Files
    from dataset.found import Found
    from dataset.idx import parse_idx
    from dataset.test_part import with_test_part

FOLDER = Path(sys.argv[1])
KINDS = ("idx", "archive", "claimed sizes", "array", "array", "table", "image", "labelled array")
KINDS += ("packed idx", "zip", "name in a zip")
runs = dict.fromkeys(KINDS, 0)
MOST = 10**7  # bytes of images that these small inputs can be
pictures.MOST_PIXELS = 2**16  # in a moment
sys.stderr = io.StringIO()  # what a reader leaves out


def fuzz_idx(content: bytes) -> None:
    runs["idx"] += 1
    try:
        array = parse_idx(content)
    except ValueError as error:
        if "IDX" in str(error):
            return
        raise
    assert array.nbytes <= len(content)


def fuzz_npz(kind: str, content: bytes) -> None:
    runs[kind] += 1
    path = FOLDER / "input.npz"
    path.write_bytes(content)
    try:
        array = read_arrays(path, ("a",))["a"]
    except UserError as error:
        if str(error).isprintable() and len(str(error)) < 1000:
            return
        raise
    assert array.dtype.kind != "O"
    assert array.nbytes <= 2000 * len(content)  # twice what deflate can pack


def fuzz_own(kind: str, read: Callable[[], Found]) -> None:
    """Read a dataset of one's own, cut it, and check it, as the download stage does."""
    runs[kind] += 1
    sys.stderr.truncate(0)
    try:
        found = read()
        assert sum(images.nbytes for images in found.images.values()) <= MOST
        dataset = checked_dataset("own", "own", with_test_part(found, "own", 0.2, 1))
    except UserError as error:
        if str(error).isprintable() and len(str(error)) < 2000:
            return
        raise
    assert dataset.x_train.ndim == 3
    assert len(dataset.x_train) == len(dataset.y_train) > 0


def held(**contents: bytes) -> Files:
    """Files in memory; two underscores stand for a slash, and one for a point."""
    named = {name.replace("__", "/").replace("_", "."): held for name, held in contents.items()}
    sizes = {name: len(content) for name, content in sorted(named.items())}
    return Files("own", ": ", sizes, lambda name: io.BytesIO(named[name]))


def archive(member: bytes, method: int, name: str = "a.npy", **others: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr(name, member)
        for other, content in others.items():
            file.writestr(f"{other}.npy", content)
    return buffer.getvalue()


def fuzz(content: bytes) -> None:
    if not content:
        return
    kind, content = KINDS[content[0] % len(KINDS)], content[1:]
    if kind == "idx":
        fuzz_idx(content)
    elif kind == "archive":
        fuzz_npz(kind, content)
    elif kind == "claimed sizes":
        claims = (content + bytes(8))[:8]
        whole = archive(GOOD, zipfile.ZIP_DEFLATED)
        start = whole.rindex(b"PK\x01\x02") + 20  # of both sizes in the central directory
        fuzz_npz(kind, whole[:start] + claims + whole[start + 8 :])
    elif kind == "array":
        method = zipfile.ZIP_DEFLATED if len(content) % 2 else zipfile.ZIP_STORED
        fuzz_npz(kind, archive(content, method))
    elif kind == "table":
        fuzz_own(kind, lambda: own.read_files(held(own_csv=content)))
    elif kind == "image":
        files = held(a__1_png=content, b__1_png=PNG, a__2_png=content, b__2_png=PNG)
        fuzz_own(kind, lambda: own.read_files(files))
    elif kind == "labelled array":
        half = len(content) // 2
        packed = archive(content[:half], zipfile.ZIP_STORED, "x_train.npy", y_train=content[half:])
        fuzz_own(kind, lambda: own.read_files(held(own_npz=packed)))
    elif kind == "packed idx":
        names = {"train-images-idx3-ubyte.gz": content, "train-labels-idx1-ubyte.gz": LABELS}
        sizes = {name: len(packed) for name, packed in names.items()}
        files = Files("own", "/", sizes, lambda name: io.BytesIO(names[name]))
        fuzz_own(kind, lambda: own.read_files(files))
    else:
        path = FOLDER / "input.zip"
        if kind == "name in a zip":
            name = b"n" * 20
            whole = archive(TABLE, zipfile.ZIP_DEFLATED, name.decode())
            content = whole.replace(name, (content + name)[:20])
        path.write_bytes(content)
        fuzz_own(kind, lambda: own.read_own(path))


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def drawn(kind: str, mode: str) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(PIXELS).convert(mode)
    image = image.convert("L") if kind == "JPEG" and mode in "P1" else image
    image.save(buffer, kind)
    return buffer.getvalue()


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


PIXELS = np.arange(6, dtype=np.uint8).reshape(2, 3)
GOOD = npy(PIXELS)
PNG = drawn("PNG", "L")
TABLE = b"label,a,b,c,d\n0,1,2,3,4\n1,5,6,7,8\n0,1.5,2e1,3,4\n'1',5,6,7,8\n"
FOUR, LABELS = np.arange(24, dtype=np.uint8).reshape(4, 2, 3), np.array([0, 1, 0, 1], np.uint8)
LABELS = gzip.compress(idx(LABELS))
SEEDS = {
    "idx": [idx(PIXELS)],
    "archive": [archive(GOOD, zipfile.ZIP_DEFLATED)],
    "claimed sizes": [bytes(8)],
    "array": [GOOD, npy(np.arange(3.0))],
    "table": [TABLE, TABLE.replace(b"'", b'"')],
    "image": [drawn(kind, mode) for kind in pictures.FORMATS for mode in ("L", "RGB", "P", "1")],
    "labelled array": [
        npy(FOUR) + npy(np.array([0, 1, 0, 1])),
        npy(np.zeros((2, 2, 2, 4))) + npy(np.array(["a", "b"])),
    ],
    "packed idx": [gzip.compress(idx(FOUR)), idx(FOUR)],
    "zip": [archive(TABLE, zipfile.ZIP_DEFLATED, "own/train.csv")],
    "name in a zip": [b"own/any/or/train.csv", b"../any/other/one.csv"],
}


def main() -> None:
    corpus = FOLDER / "corpus"
    corpus.mkdir(exist_ok=True)
    for kind, seeds in SEEDS.items():
        for number, seed in enumerate(seeds):
            (corpus / f"{kind} {number}").write_bytes(bytes([KINDS.index(kind)]) + seed)
    start = time.monotonic()

    def counted(content: bytes) -> None:
        fuzz(content)
        if not sum(runs.values()) % 10_000:  # the fuzzer ends the process without a last word
            report = {**runs, "seconds": round(time.monotonic() - start)}
            (FOLDER / "report.json").write_text(json.dumps(report))

    atheris.Setup([sys.argv[0], *sys.argv[2:], str(corpus)], counted)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
