"""Headers of safetensors files elsewhere: what cannot be true is refused, what is taken is as the library reads it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import load, save

from tests.python.support.checkpoints import numbered
from tests.python.support.servers import Reply, Request, serving
from weightscope_widget.errors import CorruptFileError
from weightscope_widget.sources import open_source
from weightscope_widget.sources.safetensors.layout import PREFIX, header_length, parse_layout

fsspec = pytest.importorskip("fsspec")

WHOLE = save({"a": numbered(2, 3), "b": numbered(2, 3, 4, dtype=torch.bfloat16)}, {"format": "pt"})


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's filesystem in memory, empty before and after."""
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    yield filesystem
    filesystem.store.clear()


def refused(model: str, match: str) -> None:
    with pytest.raises(CorruptFileError, match=match) as raised:
        open_source(model)
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")


def file_of(header: Mapping[str, Any] | bytes, size: int) -> bytes:
    """A safetensors file with any header, and `size` bytes of data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


def tensor(begin: int = 0, end: int = 16, **changes: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [2, 2], "data_offsets": [begin, end], **changes}


HUGE = 10**12

TWICE = "a name twice"

HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "0 bytes"),
    "no header": (b"\x01\0\0", "3 bytes"),
    "header longer than the file": (struct.pack("<Q", HUGE) + b"{}", f"would end at byte {HUGE + 8}"),
    "longest header": (b"\xff" * 8 + b"{}", "would end at byte"),
    "web page": (b"<!DOCTYPE html><html></html>", "web page.*not of its page"),
    "git lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"),
    "no json": (file_of(b"{", 0), "header is broken"),
    "no text": (file_of(b"\xff\xfe", 0), "header is broken"),
    "deep": (file_of(b'{"a":' + b"[" * 100_000, 0), "header is broken"),
    "a list": (file_of(b"[]", 0), "not a JSON object"),
    TWICE: (file_of(b'{"a":%s,"a":%s}' % ((json.dumps(tensor()).encode(),) * 2), 16), "'a' twice"),
    "shape twice": (
        file_of(b'{"a":{"dtype":"F32","shape":[2,2],"shape":[4],"data_offsets":[0,16]}}', 16),
        "'shape' twice",
    ),
    "metadata": (file_of({"__metadata__": {"a": 1}}, 0), "metadata is not text"),
    "a number": (file_of({"a": 3}, 0), "lacks dtype"),
    "no dtype": (file_of({"a": {"shape": [2], "data_offsets": [0, 8]}}, 8), "lacks dtype"),
    "unknown dtype": (file_of({"a": tensor(dtype="F33")}, 16), "unknown type 'F33'"),
    "negative shape": (file_of({"a": tensor(shape=[-2, -2])}, 16), "shape of 'a'"),
    "true shape": (file_of({"a": tensor(shape=[True, 4])}, 16), "shape of 'a'"),
    "broken shape": (file_of({"a": tensor(shape=[2.0, 2])}, 16), "shape of 'a'"),
    "text for shape": (file_of({"a": tensor(shape="22")}, 16), "shape of 'a'"),
    "huge shape": (file_of({"a": tensor(shape=[HUGE, HUGE])}, 16), "has 16 bytes where"),
    "shape beyond 64 bits": (file_of({"a": tensor(shape=[2**64])}, 16), "shape of 'a'"),
    "huge and true to itself": (
        file_of({"a": tensor(0, 4 * HUGE, shape=[HUGE])}, 16),
        "end at byte 4[0-9]{12} but the file",
    ),
    "wrong size": (file_of({"a": tensor(0, 12)}, 12), "has 12 bytes where its shape and type need 16"),
    "backwards": (file_of({"a": tensor(16, 0)}, 16), "offsets of 'a'"),
    "negative offset": (file_of({"a": tensor(-16, 0)}, 16), "offsets of 'a'"),
    "three offsets": (file_of({"a": tensor(data_offsets=[0, 8, 16])}, 16), "offsets of 'a'"),
    "overlapping": (file_of({"a": tensor(), "b": tensor(8, 24)}, 24), "'b' overlaps"),
    "the same place": (file_of({"a": tensor(), "b": tensor()}, 16), "'b' overlaps"),
    "a gap": (file_of({"a": tensor(), "b": tensor(20, 36)}, 36), "'b' leaves a gap"),
    "a gap first": (file_of({"a": tensor(4, 20)}, 20), "'a' leaves a gap"),
    "truncated": (WHOLE[:-1], "but the file at byte"),
    "too long": (WHOLE + b"x", "but the file at byte"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_header_that_cannot_be_true_is_refused(memory: Any, case: str) -> None:
    content, match = HOSTILE[case]
    memory.pipe("/m/bad.safetensors", content)
    refused("memory://m/bad.safetensors", rf"'memory://m/bad\.safetensors' is not a readable .*{match}")
    if case != TWICE:  # which the library takes, silently without the first
        with pytest.raises(SafetensorError):
            load(content)


def test_a_header_of_a_terabyte_is_never_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    whole = struct.pack("<Q", 10**12) + b"{}"

    def answer(request: Request) -> Reply:
        if request.method == "HEAD":
            return Reply(200, b"", {"Content-Length": str(2 * 10**12)})
        assert request.range == (0, 8)
        return Reply(206, whole[:8], {"Content-Range": f"bytes 0-7/{2 * 10**12}"})

    with serving(answer) as server:
        refused(f"{server.url}/m.safetensors", "more than the 100000000 allowed")
        assert server.sent == 8


@given(at=st.integers(0, 700), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_what_is_accepted_is_what_the_library_reads(at: int, byte: int) -> None:
    """Whatever byte is damaged, this reader takes no file that the library refuses, and sees the same in it."""
    content = bytearray(WHOLE)
    content[at % len(content)] = byte
    try:
        length = header_length(bytes(content[:PREFIX]), len(content), "it")
        layout = parse_layout(bytes(content[PREFIX : PREFIX + length]), len(content), "it")
    except CorruptFileError:
        return
    theirs = load(bytes(content))
    assert {key: span.shape for key, span in layout.spans.items()} == {
        key: tuple(read.shape) for key, read in theirs.items()
    }
    for key, span in layout.spans.items():
        assert bytes(content[span.begin : span.end]) == bytes(
            theirs[key].contiguous().view(torch.uint8).flatten().tolist()
        )


def test_types_that_torch_lacks_are_skipped(memory: Any) -> None:
    header = {"a": tensor(), "six": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [16, 19]}}
    memory.pipe("/m/odd.safetensors", file_of(header, 19))
    source = open_source("memory://m/odd.safetensors")
    assert source.skipped == {"six": "stored as F6_E2M3, which this version of torch cannot hold"}
    assert [layer.name for layer in source.layers] == ["a"]
