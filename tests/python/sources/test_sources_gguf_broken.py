"""GGUF files that are cut, damaged or hostile: a sentence each, and neither memory nor time."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.python.sources.test_sources_files import resident
from tests.python.sources.test_sources_gguf import Kind, gaussian, plain, quantized, write
from tests.python.support.checkpoints import layers
from weightscope_widget.errors import CorruptFileError, NoWeightsError, TensorReadError
from weightscope_widget.sources import open_source

HUGE = 10**12


def header(tensors: int = 1, values: int = 0, *parts: bytes, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, values) + b"".join(parts)


def text(content: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(content) if length is None else length) + content


def tensor(name: bytes, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


DATA = bytes(4096)
ALIGNMENT = text(b"general.alignment") + struct.pack("<I", 4)
HOSTILE = {
    "empty": (b"", "cannot mmap an empty file"),
    "short": (b"GGU", "ends within its header"),
    "magic": (b"GGML" + DATA, "does not start with GGUF"),
    "html": (b"<!DOCTYPE html>" * 99, "does not start with GGUF"),
    "version": (header(version=1) + DATA, "its version is 1"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 1, 0) + DATA, "little-endian"),
    "many tensors": (header(HUGE, 0) + DATA, "has|twice|ends within"),
    "many values": (header(1, HUGE) + DATA, "ends within"),
    "long name": (header(1, 0, text(b"a", HUGE)) + DATA, f"a name in its header is {HUGE} bytes long"),
    "long text": (header(1, 1, text(b"k"), struct.pack("<I", 8), text(b"", HUGE)) + DATA, f"claims {HUGE} more bytes"),
    "long array": (header(1, 1, text(b"k"), struct.pack("<IIQ", 9, 4, HUGE)) + DATA, f"claims {4 * HUGE} more bytes"),
    "long texts": (header(1, 1, text(b"k"), struct.pack("<IIQ", 9, 8, HUGE)) + DATA, "ends within"),
    "deep array": (
        header(1, 1, text(b"k"), struct.pack("<I", 9), struct.pack("<IQ", 9, 1) * 99) + DATA,
        "a value in its header is of type 9",
    ),
    "odd value": (header(1, 1, text(b"k"), struct.pack("<I", 77)) + DATA, "of type 77, which does not exist"),
    "not text": (header(1, 0, tensor(b"\xff", (2,))) + DATA, "can't decode"),
    "dimensions": (header(1, 0, text(b"a"), struct.pack("<I", 2**31)) + DATA, "has 2147483648 dimensions"),
    "large tensor": (
        header(1, 0, tensor(b"a", (HUGE,))) + DATA,
        f"'a' claims the bytes from .* to .*{4 * HUGE // 10**9}",
    ),
    "overflow": (header(1, 0, tensor(b"a", (2**63, 2**63, 2))) + DATA, "'a' claims the bytes"),
    "far": (header(1, 0, tensor(b"a", (2,), offset=HUGE)) + DATA, "'a' claims the bytes"),
    "overlap": (header(2, 0, tensor(b"a", (99,)), tensor(b"b", (2,), offset=64)) + DATA, "'a' and 'b' overlap"),
    "twice": (header(2, 0, tensor(b"a", (2,)), tensor(b"a", (2,), offset=64)) + DATA, "'a' is in it twice"),
    "crooked": (header(1, 0, tensor(b"a", (2,), offset=3)) + DATA, "not a multiple of 32"),
    "rows": (header(1, 0, tensor(b"a", (33,), 8)) + DATA, "rows of 33 entries"),
    "alignment": (header(1, 1, ALIGNMENT, struct.pack("<I", 0), tensor(b"a", (2,))) + DATA, "its alignment is 0"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_header_that_lies_costs_a_sentence_and_neither_memory_nor_time(tmp_path: Path, kind: str) -> None:
    content, message = HOSTILE[kind]
    path = tmp_path / f"{kind}.gguf"
    path.write_bytes(content)
    before, began = resident(), time.monotonic()
    with pytest.raises(
        CorruptFileError, match=rf"{kind}\.gguf' is not a readable GGUF file .*({message}).*; download it"
    ):
        open_source(path)
    assert resident() - before < 2**26
    assert time.monotonic() - began < 5


def test_the_headers_above_are_refused_for_their_lie_alone(tmp_path: Path) -> None:
    path = tmp_path / "good.gguf"
    path.write_bytes(
        header(2, 1, ALIGNMENT, struct.pack("<I", 64), tensor(b"a", (2,)), tensor(b"b", (3,), 0, 64)) + DATA
    )
    assert set(layers(path)) == {"a", "b"}


@pytest.mark.parametrize("cut", [5, 40, 200, 2000])
def test_a_truncated_file_is_named_with_a_remedy(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "cut.gguf", {"a.weight": plain(20, 30)})
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(CorruptFileError, match=r"cut\.gguf.*download it again"):
        open_source(path)


def test_a_git_lfs_pointer_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(CorruptFileError, match="git lfs pull"):
        open_source(tmp_path)


@given(at=st.integers(0, 600), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_a_damaged_byte_is_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    write(path, {"a.weight": plain(2, 3), "b.weight": quantized(gaussian(2, 32), Kind.Q4_0)})
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(content)
    try:
        source = open_source(path)
    except (CorruptFileError, NoWeightsError):
        return
    for layer in source.layers:
        assert tuple(layer.load().shape) == layer.shape


def test_a_file_that_vanishes_or_changes_costs_the_layer_only(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf", {"a.weight": plain(20, 30)})
    load = layers(path)["a"].load
    write(path, {"a.weight": plain(2, 3)})
    with pytest.raises(TensorReadError, match=r"'a\.weight' cannot be read .*its length has changed.*open the model"):
        load()
    path.unlink()
    with pytest.raises(TensorReadError, match="put it back"):
        load()
