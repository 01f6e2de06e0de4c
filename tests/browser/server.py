"""Servers of our own: loopback, a free port, folders of their own, stopped by whoever started them."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STARTUP_SECONDS = 60


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def own_folders(home: Path) -> dict[str, str]:
    """Return the environment of a Jupyter server that keeps everything under `home`."""
    return {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",  # the models are small, and kernels share the cores with browsers
    }


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    """Ask the server until it answers; False once its time is up or it has ended."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=STARTUP_SECONDS):
                return True
        except urllib.error.HTTPError:
            return True  # that there is no such page is an answer, too
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
    return False


@contextmanager
def running(command: Sequence[str], probe: str, home: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run a server from when it answers at the address `probe` until the block is left."""
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            if not _answers(process, probe):
                raise RuntimeError(f"{command[:3]} did not start:\n{log.read_text()[-3000:]}")
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
