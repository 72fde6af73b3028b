"""Coverage-guided fuzzing of the readers of strangers' files: fuzz_readers.py FOLDER -runs=N.

The first byte of an input says what the rest is: an IDX file, an archive, the sizes that an archive
claims, or an array in an archive that is otherwise good, so that the fuzzer does not have to find
out about check sums first. Any other error than ours ends the run.
"""

import io
import json
import struct
import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["zipfile", "numpy.lib", "core", "dataset"]):
    sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
    import zipfile

    import numpy as np

    from core.errors import UserError
    from core.npz import read_arrays
    from dataset.idx import parse_idx

FOLDER = Path(sys.argv[1])
runs = {"idx": 0, "archive": 0, "claimed sizes": 0, "array": 0}


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


def archive(member: bytes, method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("a.npy", member)
    return buffer.getvalue()


def fuzz(content: bytes) -> None:
    if not content:
        return
    choice, content = content[0] % 5, content[1:]
    if choice == 0:
        fuzz_idx(content)
    elif choice == 1:
        fuzz_npz("archive", content)
    elif choice == 2:
        claims = (content + bytes(8))[:8]
        whole = archive(GOOD, zipfile.ZIP_DEFLATED)
        start = whole.rindex(b"PK\x01\x02") + 20  # of both sizes in the central directory
        fuzz_npz("claimed sizes", whole[:start] + claims + whole[start + 8 :])
    else:
        method = zipfile.ZIP_DEFLATED if choice == 4 else zipfile.ZIP_STORED
        fuzz_npz("array", archive(content, method))


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


PIXELS = np.arange(6, dtype=np.uint8).reshape(2, 3)
GOOD = npy(PIXELS)
SEEDS = [
    b"\0" + struct.pack(">BBBB2I", 0, 0, 8, 2, 2, 3) + PIXELS.tobytes(),
    b"\1" + archive(GOOD, zipfile.ZIP_DEFLATED),
    b"\2" + bytes(8),
    b"\3" + GOOD,
    b"\4" + npy(np.arange(3.0)),
]


def main() -> None:
    corpus = FOLDER / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(SEEDS):
        (corpus / str(number)).write_bytes(seed)
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
