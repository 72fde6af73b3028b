"""Results are shared through a DVC remote: one over SSH, one that speaks S3."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from conftest import Project

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("dvc")]
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)


@pytest.fixture
def ssh(tmp_path) -> Iterator[dict[str, str]]:
    """OpenSSH's server for this user alone, with keys of its own."""
    if not SSHD:
        pytest.skip("no sshd: install openssh-server")
    for name in ("host", "user"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(key, check=True)
    port = free_port()
    if os.geteuid() == 0:  # sshd asks for it, and only a service makes it
        Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
        "Subsystem": "sftp internal-sftp",
    }
    (tmp_path / "sshd_config").write_text("".join(f"{k} {v}\n" for k, v in options.items()))
    command = [SSHD, "-D", "-e", "-f", str(tmp_path / "sshd_config")]
    with (tmp_path / "sshd.log").open("w") as log:
        server = subprocess.Popen(command, stderr=log)
    wait_for(port, server)
    yield {
        "url": f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/store",
        "keyfile": str(tmp_path / "user"),
    }
    server.terminate()
    server.wait()


@pytest.fixture
def s3(tmp_path) -> Iterator[dict[str, str]]:
    """Moto's stand-in for S3."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "s3.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    wait_for(port, server)
    address = f"http://127.0.0.1:{port}"
    with urlopen(Request(f"{address}/store", method="PUT")):  # noqa: S310 - our own server
        pass
    yield {
        "url": "s3://store/digits",
        "endpointurl": address,
        "access_key_id": "test",
        "secret_access_key": "test",
        "region": "us-east-1",
    }
    server.terminate()
    server.wait()


@pytest.mark.parametrize("kind", ["ssh", "s3"])
def test_a_second_clone_gets_every_result_and_trains_nothing(kind, made_by_dvc, tmp_path, request):
    remote = request.getfixturevalue(kind)
    first = made_by_dvc.copy(tmp_path / "first")
    configure(first, remote)
    first.run("git", "commit", "--quiet", "--all", "--message", "remote")
    first.run("dvc", "push")
    first.run("git", "clone", "--quiet", str(first.folder), str(tmp_path / "second"))
    second = Project(tmp_path / "second")
    configure(second, {key: remote[key] for key in remote if key != "url"})
    second.run("dvc", "pull")
    assert second.outputs() == first.outputs()
    assert "Running stage" not in second.run("dvc", "repro")
    assert "Nothing to be done" in second.run("snakemake", "--cores", "8", "--use-conda")


def configure(project: Project, remote: dict[str, str]) -> None:
    """Name the remote in the project; what is a secret only on this machine."""
    options = dict(remote)
    if "url" in options:
        project.run("dvc", "remote", "add", "--default", "store", options.pop("url"))
    for key, value in options.items():
        project.run("dvc", "remote", "modify", "--local", "store", key, value)
