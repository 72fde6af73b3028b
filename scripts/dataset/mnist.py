"""Download MNIST from a mirror: 70,000 digits (LeCun, Cortes and Burges), verified by hash."""

import hashlib
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from core.errors import UserError
from core.time_limit import time_limit
from dataset.found import Found, found_in
from dataset.idx import parse_idx

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://raw.githubusercontent.com/fgnt/mnist/master",
)

# The hashes are of the uncompressed content, because mirrors compress it differently.
FILES = {  # array: (file, bytes and SHA-256 of the uncompressed content)
    "x_train": (
        "train-images-idx3-ubyte",
        47_040_016,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "y_train": (
        "train-labels-idx1-ubyte",
        60_008,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "x_test": (
        "t10k-images-idx3-ubyte",
        7_840_016,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "y_test": (
        "t10k-labels-idx1-ubyte",
        10_008,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
CHUNK_BYTES = 2**16
LONGEST_PAUSE = 30  # seconds between two rounds
GZIP_BYTES = 4096  # more than a gzip can add to what it cannot compress


class MirrorError(Exception):
    """A mirror failed; the next one may work."""


class OtherContentError(MirrorError):
    """A mirror sent other content than the file."""


def fetch_mnist(mirror: str | None, timeout: int, attempts: int) -> Found:
    """Fetch MNIST, uint8, trying one mirror after another.

    Args:
        mirror: a folder or URL to try before the public mirrors.
        timeout: seconds that one mirror may take for all files.
        attempts: rounds through the mirrors.

    Raises:
        UserError: no mirror has all files; the message names the alternatives.
    """
    mirrors = [mirror, *MIRRORS] if mirror else list(MIRRORS)
    arrays: dict[str, np.ndarray] = {}
    reason, gravest = "", -1
    for attempt in range(attempts):
        for place in mirrors:
            try:
                # A socket timeout restarts with each byte, so a slow server could take forever.
                # A DNS lookup cannot be interrupted and ends with the system's own timeout.
                with time_limit(timeout, MirrorError(f"took longer than {timeout} seconds")):
                    for array, (file, size, digest) in FILES.items():
                        if array not in arrays:
                            arrays[array] = parse_idx(_content(place, file, size, digest))
                return found_in(arrays, "idx")
            except MirrorError as error:
                print(f"{place}: {error}", file=sys.stderr)
                # Report wrong content rather than an unreachable mirror, and the user's own mirror
                # rather than a public one.
                gravity = 2 * isinstance(error, OtherContentError) + (place == mirror)
                if gravity >= gravest:
                    reason, gravest = f"{place}: {error}", gravity
        if attempt + 1 < attempts:
            time.sleep(min(2**attempt, LONGEST_PAUSE))
    raise UserError(
        f"download.dataset: mnist could not be fetched from any mirror ({reason}); allowed"
        " instead: mnist with a folder or URL of its files in DATA_MIRROR; digits; own, with your"
        " own files in download.path"
    )


def _content(place: str, file: str, size: int, digest: str) -> bytes:
    """The uncompressed content of `file` at `place`. Raises MirrorError, also for a wrong hash."""
    url = f"{place.rstrip('/')}/{file}.gz"
    try:
        if place.startswith(("http://", "https://")):
            packed = _download(url, file, size + GZIP_BYTES)
        else:
            packed = _read_folder(Path(place), file, size + GZIP_BYTES)
        content = _unpacked(packed, size)
    except requests.ConnectionError as error:
        raise MirrorError(f"{file}: cannot be reached") from error
    except (OSError, HTTPError, zlib.error) as error:  # errors of requests are OSErrors
        raise MirrorError(f"{file}: {_first_line(error)}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise OtherContentError(f"{file}: wrong content (its SHA-256 is not {digest[:12]}...)")
    return content


def _download(url: str, file: str, most: int) -> bytes:
    content = bytearray()
    with requests.get(url, stream=True, timeout=30) as response:
        response.raise_for_status()
        length = response.headers.get("Content-Length", "")
        with tqdm(
            total=int(length) if length.isdecimal() else None,
            desc=file,
            unit="B",
            unit_scale=True,
            disable=None,  # shown in a terminal only
        ) as progress:
            while chunk := response.raw.read1(CHUNK_BYTES):  # returns what has arrived
                content += chunk
                progress.update(len(chunk))
                if len(content) > most:
                    raise OtherContentError(f"{file}: more than {most} bytes")
    return bytes(content)


def _read_folder(folder: Path, file: str, most: int) -> bytes:
    path = folder / f"{file}.gz"
    with (path if path.exists() else folder / file).open("rb") as source:
        return source.read(most)


def _unpacked(packed: bytes, size: int) -> bytes:
    """`packed`, decompressed if it is gzip; at most one byte more than `size`."""
    if not packed.startswith(b"\x1f\x8b"):
        return packed
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(packed, size + 1)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
