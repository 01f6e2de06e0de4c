"""A JupyterLab of our own."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser.server import free_port, own_folders, running


@dataclass(frozen=True)
class Lab:
    """A running server."""

    url: str
    token: str
    root: Path

    def notebook(self, name: str) -> str:
        """Return the address of a notebook in the server's root folder, in a workspace of its own."""
        return f"{self.url}/lab/workspaces/{secrets.token_hex(4)}/tree/{name}?token={self.token}"


@contextmanager
def running_lab(root: Path, home: Path, *, theme: str = "JupyterLab Light") -> Iterator[Lab]:
    """Run JupyterLab on the notebooks in `root`, with its settings under `home`."""
    folder = home / "settings" / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    # The toast that asks about news would lie over the page.
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    (folder / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    token, port = secrets.token_hex(16), free_port()
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={root}"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"),
    ]
    url = f"http://127.0.0.1:{port}"
    with running(command, f"{url}/api", home, own_folders(home)):
        yield Lab(url, token, root)
