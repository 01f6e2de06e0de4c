"""Check that a release can be made: version, change log, contents and metadata of the sdist and the wheel.

Usage: ``python .ci/release.py dist``.  Publishes nothing; prints each fault and exits with 1 if there is one.
"""

from __future__ import annotations

import gzip
import re
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUNDLE = "weightscope_widget/static/index.js"
NEEDED = (
    BUNDLE,
    "weightscope_widget/py.typed",
    "weightscope_widget/data/rules.json",
    "weightscope_widget/data/text/en.json",
)
LARGEST_WHEEL = 1_500_000
LARGEST_BUNDLE = 120_000  # gzipped


def declared_version() -> str:
    found = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def latest_entry() -> str:
    found = re.search(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def faults_of_wheel(path: Path, version: str) -> list[str]:
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        metadata = message_from_bytes(wheel.read(f"weightscope_widget-{version}.dist-info/METADATA"))
        bundle = len(gzip.compress(wheel.read(BUNDLE))) if BUNDLE in names else 0
    faults = [f"the wheel lacks {name}" for name in NEEDED if name not in names]
    folders = {name.split("/")[0] for name in names} - {"weightscope_widget", f"weightscope_widget-{version}.dist-info"}
    faults += [f"the wheel installs {folder}/" for folder in sorted(folders)]
    faults += [f"the wheel has {name}" for name in names if re.search(r"(^|/)tests?/|\.(tsx?|css|map)$", name)]
    if path.stat().st_size > LARGEST_WHEEL:
        faults.append(f"the wheel has {path.stat().st_size:,} bytes, more than {LARGEST_WHEEL:,}")
    if bundle > LARGEST_BUNDLE:
        faults.append(f"the bundle has {bundle:,} bytes gzipped, more than {LARGEST_BUNDLE:,}")
    for field in ("Name", "Version", "Summary", "License-Expression", "Requires-Python", "Description-Content-Type"):
        if not metadata[field]:
            faults.append(f"the metadata lacks {field}")
    if metadata["Version"] != version:
        faults.append(f"the metadata says {metadata['Version']}")
    if not str(metadata.get_payload()).strip():
        faults.append("the metadata has no description")
    return faults


def faults_of_sdist(path: Path) -> list[str]:
    with tarfile.open(path) as sdist:
        names = {name.split("/", 1)[-1] for name in sdist.getnames()}
    wanted = (*NEEDED, "pyproject.toml", "README.md", "LICENSE", "js/hatch_build.py")
    return [f"the sdist lacks {name}" for name in wanted if name not in names] + [
        f"the sdist has {name}" for name in sorted(names) if name.startswith("tests/")
    ]


def main(folder: str) -> int:
    version, latest = declared_version(), latest_entry()
    faults = [] if latest == version else [f"pyproject.toml says {version}, the first entry of CHANGELOG.md {latest}"]
    wheels, sdists = (sorted(Path(folder).glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    if len(wheels) != 1 or len(sdists) != 1:
        faults.append(f"{folder} holds {len(wheels)} wheels and {len(sdists)} sdists instead of one of each")
    for wheel in wheels:
        faults += faults_of_wheel(wheel, version)
    for sdist in sdists:
        faults += faults_of_sdist(sdist)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
