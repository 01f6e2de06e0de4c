"""Servers on the loopback interface: one that gives ranges of files, one that speaks the hub's protocol.

Each counts what it is asked and what it sends, and is gone when its `with` block is left.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    headers: Mapping[str, str]

    @property
    def range(self) -> tuple[int, int] | None:
        """First byte and the one after the last; None if all is wanted."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        return (int(match[1]), int(match[2]) + 1 if match[2] else 2**63) if match else None


@dataclass
class Reply:
    """What a server answers; `cut` drops the connection instead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


Answer = Callable[[Request], Reply]


class Loopback(ThreadingHTTPServer):
    """A server that remembers every request, and how many bytes of bodies it sent."""

    daemon_threads = False  # so that closing waits for them

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[Request] = []
        self.sent = 0
        self.lock = threading.Lock()
        self.connections: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def gets(self) -> list[Request]:
        return [request for request in self.requests if request.method == "GET"]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        """Drop the connections that clients keep: over these they would be answered even when the port is closed."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def forget(self) -> None:
        self.requests.clear()
        self.sent = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Loopback

    def _do(self) -> None:
        headers = {key.lower(): value for key, value in self.headers.items()}
        request = Request(self.command, self.path, headers)
        with self.server.lock:
            self.server.requests.append(request)
        reply = self.server.answer(request)
        if reply.cut:
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Length", reply.headers.pop("Content-Length", str(len(reply.body))))
        for key, value in reply.headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(reply.body)
            with self.server.lock:
                self.server.sent += len(reply.body)

    do_GET = do_HEAD = _do  # noqa: N815 (named by http.server)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(answer: Answer) -> Iterator[Loopback]:
    """Serve on a free port."""
    server = Loopback(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.hang_up()
        server.server_close()
        thread.join()


def part_of(content: bytes, request: Request, headers: Mapping[str, str] | None = None) -> Reply:
    """The bytes of a file that were asked for."""
    wanted = request.range
    if wanted is None:
        return Reply(200, content, {"Accept-Ranges": "bytes", **(headers or {})})
    begin, end = wanted[0], min(wanted[1], len(content))
    if begin >= end:
        return Reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
    told = {"Content-Range": f"bytes {begin}-{end - 1}/{len(content)}", **(headers or {})}
    return Reply(206, content[begin:end], told)


def files(content: Mapping[str, bytes]) -> Answer:
    """A server of files by path, with ranges."""

    def answer(request: Request) -> Reply:
        path = unquote(urlsplit(request.path).path).lstrip("/")
        return part_of(content[path], request) if path in content else Reply(404)

    return answer


@dataclass
class Hub:
    """A hub with one model: its files, by name, at one commit that has the names ``main`` and `tag`.

    Attributes
    ----------
    repo, files, tag
        What it holds.
    gated, private, down
        What is wrong with it.
    short
        Names of files of which the last byte is not sent, and not declared either.
    """

    repo: str
    files: dict[str, bytes]
    tag: str = "v1"
    gated: bool = False
    private: bool = False
    down: bool = False
    short: frozenset[str] = frozenset()

    @property
    def commit(self) -> str:
        return hashlib.sha1(repr(sorted(self.files.items())).encode()).hexdigest()

    def __call__(self, request: Request) -> Reply:
        if self.down:
            return Reply(503)
        path = unquote(urlsplit(request.path).path)
        api = re.fullmatch(rf"/api/models/{self.repo}(?:/(revision|tree)/([^/]+)(?:/(.*))?)?", path)
        file = re.fullmatch(rf"/{self.repo}/resolve/([^/]+)/(.+)", path)
        if api is None and file is None:
            return Reply(404, headers={"X-Error-Code": "RepoNotFound"})
        if self.private:
            return Reply(401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
        revision = (api[2] if api else file[1] if file else None) or "main"
        if revision not in ("main", self.tag, self.commit):
            return Reply(404, headers={"X-Error-Code": "RevisionNotFound"})
        if file is not None:
            return self._file(request, file[2])
        assert api is not None
        if api[1] == "tree":
            return _json([self._entry(name) for name in sorted(self.files)])
        return _json({"id": self.repo, "sha": self.commit, "siblings": [{"rfilename": name} for name in self.files]})

    def _entry(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        return {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}

    def _file(self, request: Request, name: str) -> Reply:
        if self.gated:
            return Reply(403, headers={"X-Error-Code": "GatedRepo"})
        if name not in self.files:
            return Reply(404, headers={"X-Error-Code": "EntryNotFound"})
        content = self.files[name]
        told = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": self.commit,
            "X-Linked-Size": str(len(content)),
        }
        return part_of(content[:-1] if name in self.short else content, request, told)


def _json(content: object) -> Reply:
    return Reply(200, json.dumps(content).encode(), {"Content-Type": "application/json"})
