"""Fetching MNIST: from a mirror that has it, past every mirror that has something else."""

import contextlib
import gzip
import hashlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from own_datasets import fetched

from core.errors import UserError
from dataset import mnist
from dataset.dataset import read_dataset


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


SMALL = {
    "x_train": np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3),
    "y_train": np.array([0, 1, 2, 0, 1, 2], np.uint8),
    "x_test": np.arange(3 * 4 * 3, dtype=np.uint8).reshape(3, 4, 3),
    "y_test": np.array([2, 1, 0], np.uint8),
}
CONTENT = {mnist.FILES[name][0]: idx(array) for name, array in SMALL.items()}
REAL_FILES = dict(mnist.FILES)


class Mirror(BaseHTTPRequestHandler):
    """Serves the small MNIST under /good, and fails in the way that another address names."""

    def do_GET(self) -> None:
        _, kind, name = unquote(self.path).split("/")
        packed = gzip.compress(CONTENT[name.removesuffix(".gz")])
        if kind == "dripping header":
            return self.drip(b"HTTP/1.1 200 OK\r\nX-Header: " + b"x" * 60_000)
        if kind == "silent":
            return time.sleep(3)
        if kind == "missing" or (kind == "half good" and "labels" in name):
            return self.send_error(404)
        if kind == "broken":
            return self.send_error(500)
        if kind == "loop":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if kind == "wrong":
            packed = gzip.compress(bytes(len(CONTENT[name.removesuffix(".gz")])))
        if kind == "endless":
            packed = packed + bytes(10_000)
        self.send_response(200)
        if kind != "endless":
            self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        if kind == "short":
            packed = packed[: len(packed) // 2]
        if kind == "dies":
            self.wfile.write(packed[: len(packed) // 2])
            reset = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            return self.connection.close()
        if kind == "stalls":
            time.sleep(3)
        return self.drip(packed) if kind == "drips" else self.wfile.write(packed)

    def drip(self, content: bytes) -> None:
        with contextlib.suppress(OSError):  # the client has had enough
            for byte in content:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.1)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(autouse=True)
def small_mnist(monkeypatch) -> None:
    files = {
        name: (file, len(CONTENT[file]), hashlib.sha256(CONTENT[file]).hexdigest())
        for name, (file, _, _) in mnist.FILES.items()
    }
    monkeypatch.setattr(mnist, "FILES", files)
    monkeypatch.setattr(mnist, "MIRRORS", ())


def fetch(path: Path, mirror: str | None, timeout: int = 10, attempts: int = 1) -> None:
    fetched(path, dataset="mnist", timeout=timeout, attempts=attempts, mirror=mirror)


def assert_whole(path: Path) -> None:
    dataset = read_dataset(path)
    assert dataset.name == "mnist"
    for name, array in SMALL.items():
        np.testing.assert_array_equal(getattr(dataset, name), array)


@pytest.mark.parametrize("packed", [True, False])
def test_folder_is_a_mirror(packed, tmp_path):
    for name, content in CONTENT.items():
        if packed:
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (tmp_path / name).write_bytes(content)
    fetch(tmp_path / "out.npz", str(tmp_path))
    assert_whole(tmp_path / "out.npz")


def test_server_is_a_mirror(server, tmp_path):
    fetch(tmp_path / "out.npz", f"{server}/good/")
    assert_whole(tmp_path / "out.npz")


FAILURES = (
    *("missing", "broken", "loop", "wrong", "short", "dies", "endless", "stalls", "drips"),
    *("silent", "dripping header"),
)


@pytest.mark.parametrize("failure", FAILURES)
def test_next_mirror_is_used(failure, server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server}/good",))
    fetch(tmp_path / "out.npz", f"{server}/{failure}", timeout=1)
    assert_whole(tmp_path / "out.npz")
    line, *more = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{server}/{failure}: ")
    assert not more


@pytest.mark.parametrize("failure", FAILURES)
def test_nothing_wrong_is_kept(failure, server, tmp_path):
    start = time.monotonic()
    with pytest.raises(UserError, match="mnist could not be fetched from any mirror") as error:
        fetch(tmp_path / "out.npz", f"{server}/{failure}", timeout=1)
    assert "DATA_MIRROR; digits; own, with your own files in download.path" in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
    assert time.monotonic() - start < 20  # a limit of 1 second, on the slowest of machines


def test_a_mirror_that_dies_later_keeps_what_it_gave(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server}/good",))
    fetch(tmp_path / "out.npz", f"{server}/half good")
    assert_whole(tmp_path / "out.npz")
    assert "half good: train-labels-idx1-ubyte: 404" in capsys.readouterr().err


def test_unreachable_mirror(tmp_path):
    with pytest.raises(UserError, match="cannot be reached"):
        fetch(tmp_path / "out.npz", "http://127.0.0.1:9")


@pytest.mark.parametrize("wrong", [0, 1])
def test_other_content_is_said_before_what_is_out_of_reach(wrong, server, tmp_path, monkeypatch):
    """As where DATA_MIRROR has the files of Fashion-MNIST, by MNIST's names."""
    places = ["http://127.0.0.1:9", "http://127.0.0.1:9", f"{server}/missing"]
    places.insert(wrong, f"{server}/wrong")
    monkeypatch.setattr(mnist, "MIRRORS", tuple(places[1:]))
    with pytest.raises(UserError) as error:
        fetch(tmp_path / "out.npz", places[0], attempts=2)
    assert f"any mirror ({server}/wrong: train-images-idx3-ubyte: wrong content (its SHA-256" in (
        str(error.value)
    )


def test_of_mirrors_out_of_reach_ones_own_is_said(server, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server}/missing",))
    with pytest.raises(
        UserError, match=r"any mirror \(nowhere: train-images-idx3-ubyte: .* No such"
    ):
        fetch(tmp_path / "out.npz", "nowhere")


def test_each_round_asks_each_mirror(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server}/missing",))
    with pytest.raises(UserError):
        fetch(tmp_path / "out.npz", f"{server}/broken", attempts=2)
    assert len(capsys.readouterr().err.splitlines()) == 4


def test_pauses_double_up_to_half_a_minute(tmp_path, monkeypatch):
    """Between rounds only; each asks the folder before the public mirrors."""
    pauses, asked = [], []
    monkeypatch.setattr(mnist.time, "sleep", pauses.append)
    monkeypatch.setattr(mnist, "MIRRORS", ("public", "other"))
    monkeypatch.setattr(mnist, "_read_folder", lambda folder, *_: asked.append(str(folder)) or b"")
    start = mnist.FILES["x_train"][2][:12]
    reason = rf"train-images-idx3-ubyte: wrong content \(its SHA-256 is not {start}\.\.\.\)"
    with pytest.raises(UserError, match=rf"\(own: {reason}\); allowed"):
        fetch(tmp_path / "out.npz", "own", attempts=8)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    assert asked == ["own", "public", "other"] * 8


def test_the_pinned_sizes_are_mnists():
    """Its papers count 60,000 and 10,000 images of 28 x 28, in files with headers of 16 and 8."""
    sizes = [size for _, size, _ in REAL_FILES.values()]
    assert sizes == [16 + 60_000 * 28**2, 8 + 60_000, 16 + 10_000 * 28**2, 8 + 10_000]
    assert all(len(digest) == 64 for _, _, digest in REAL_FILES.values())


@pytest.mark.parametrize("packed", [True, False])
def test_no_more_than_the_file_is_unpacked_or_read(packed, tmp_path):
    """Of a file that is too long, one byte more than it should have, and the room for a gzip."""
    content = bytes(100_000)
    name = "bomb.gz" if packed else "bomb"
    (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
    read = mnist._read_folder(tmp_path, "bomb", 5_000)
    assert len(read) == min((tmp_path / name).stat().st_size, 5_000)
    assert len(mnist._unpacked(read, 700)) == (701 if packed else 5_000)


def test_a_reason_is_one_line():
    assert mnist._first_line(OSError("one\ntwo")) == "one"
    assert mnist._first_line(TimeoutError()) == "TimeoutError"


def test_a_gzip_may_look_back_as_far_as_gzip_does():
    content = np.random.default_rng(0).bytes(30_000) * 2
    packed = gzip.compress(content)
    assert len(packed) < 31_000
    assert mnist._unpacked(packed, len(content)) == content


def test_a_download_stops_at_its_limit(server):
    """However much of it comes, and not one byte before."""
    name = next(iter(CONTENT))
    packed = gzip.compress(CONTENT[name])
    url = f"{server}/good/{name}.gz"
    assert len(mnist._download(url, name, len(packed))) == len(packed)
    with pytest.raises(mnist.MirrorError, match=rf"^{name}: more than {len(packed) - 1} bytes$"):
        mnist._download(url, name, len(packed) - 1)


def test_digits_need_no_network(tmp_path):
    dataset = fetched(tmp_path / "out.npz", dataset="digits")
    assert dataset.x_train.shape == (1437, 8, 8)
    assert dataset.x_test.shape == (360, 8, 8)
    assert dataset.x_train.max() == 16
