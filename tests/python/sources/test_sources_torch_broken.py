"""PyTorch files that are cut, damaged or tampered with: a sentence each, and never the wrong numbers."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.python.sources.test_sources_files import resident
from tests.python.sources.test_sources_torch import FORMATS, save
from tests.python.support.checkpoints import numbered
from weightscope_widget.errors import CorruptFileError, NoWeightsError, UnsupportedModelError
from weightscope_widget.sources import open_source


def rezip(path: Path, change: Callable[[str, bytes], bytes | None], compression: int = zipfile.ZIP_STORED) -> Path:
    """Write a zip anew, each record changed, or dropped where the change is None."""
    with zipfile.ZipFile(path) as archive:
        records = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in records.items():
            if content is not None:
                archive.writestr(name, content)
    return path


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "short": lambda content: content[:3],
    "cut": lambda content: content[: len(content) // 2],
    "end": lambda content: content[:-5],
    "html": lambda _: b"<!DOCTYPE html><title>404</title>" * 9,
    "zeros": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("kind", BROKEN)
@FORMATS
def test_a_broken_file_is_named_with_a_remedy(tmp_path: Path, kind: str, zipped: bool) -> None:
    path = save(tmp_path / f"{kind}.pt", {"a": numbered(8, 8)}, zipped)
    path.write_bytes(BROKEN[kind](path.read_bytes()))
    with pytest.raises(CorruptFileError, match=rf"{kind}\.pt.*; download it again\.$"):
        open_source(path)


def test_a_git_lfs_pointer_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(CorruptFileError, match="git lfs pull"):
        open_source(tmp_path)


@pytest.mark.parametrize("missing", ["data.pkl", "data/0"])
def test_a_zip_that_lacks_a_record(tmp_path: Path, missing: str) -> None:
    path = rezip(
        save(tmp_path / "a.pt", {"a": numbered(8, 8)}), lambda name, data: None if name.endswith(missing) else data
    )
    with pytest.raises(CorruptFileError, match=missing):
        open_source(path)


def test_a_compressed_zip_is_refused_rather_than_misread(tmp_path: Path) -> None:
    """torch.load(mmap=True) takes the compressed bytes for weights."""
    path = rezip(save(tmp_path / "a.pt", {"a": numbered(8, 8)}), lambda _, data: data, zipfile.ZIP_DEFLATED)
    assert not torch.equal(torch.load(path, weights_only=True, mmap=True)["a"], numbered(8, 8))
    with pytest.raises(CorruptFileError, match="compressed"):
        open_source(path)


@pytest.mark.parametrize("entries", [65, 10**12])
def test_a_tensor_cannot_claim_more_than_the_file_holds_for_it(tmp_path: Path, entries: int) -> None:
    number = b"\x8a\x06" + entries.to_bytes(6, "little")  # LONG1
    path = save(tmp_path / "a.pt", {"a": numbered(8, 8)})
    rezip(path, lambda name, data: data.replace(b"K@tq", number + b"tq") if name.endswith("data.pkl") else data)
    with pytest.raises(CorruptFileError, match="claim more than the 256 bytes"):
        open_source(path)


@pytest.mark.parametrize("entries", [65, 10**12])
def test_a_legacy_tensor_cannot_claim_more_than_the_file_holds(tmp_path: Path, entries: int) -> None:
    number = b"\x8a\x06" + entries.to_bytes(6, "little")
    path = save(tmp_path / "a.pt", {"a": numbered(8, 8)}, zipped=False)
    content = path.read_bytes()
    assert b"K@Nt" in content
    path.write_bytes(content.replace(b"K@Nt", number + b"Nt"))
    before = resident()
    with pytest.raises(CorruptFileError, match=r"a\.pt"):
        open_source(path)
    assert resident() - before < 2**26


def test_records_that_overlap_or_lead_out_of_the_file_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", {"a": numbered(64, 64), "b": numbered(64, 64)})
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        records = {name.partition("/")[2]: archive.getinfo(name) for name in archive.namelist()}
    for size in (2 * records["data/0"].file_size, 10**9):
        old, new = (number.to_bytes(4, "little") * 2 for number in (records["data/0"].file_size, size))
        directory = content.index(b"PK\1\2")
        path.write_bytes(content[:directory] + content[directory:].replace(old, new, 1))
        with pytest.raises(CorruptFileError, match="overlap or reach beyond"):
            open_source(path)


@pytest.mark.slow
@given(at=st.integers(0, 2000), byte=st.integers(0, 255), zipped=st.booleans())
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_damaged_byte_is_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, zipped: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pt"
    save(path, {"a.weight": numbered(2, 3), "b": numbered(5)}, zipped)
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(content)
    try:
        source = open_source(path)
    except (CorruptFileError, NoWeightsError, UnsupportedModelError):
        return
    for layer in source.layers:
        assert tuple(layer.load().shape) == layer.shape
