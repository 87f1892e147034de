"""A CVAT server of the standard library, on this machine only: one task, the real protocol.

What it answers follows CVAT's published client and server; `sdk_test.py` has CVAT's own client
talk to it. Tests plant failures: ``server.fail("PATCH", "annotations/", Fail(500), Fail(500))``.
"""

from __future__ import annotations

import base64
import json
import re
import socketserver
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "f8Xs9.planted-T0KEN-which-nobody-may-see"
USER, PASSWORD = "mira", "planted-p4ss-which-nobody-may-see"
LEGACY = "0123456789abcdef0123456789abcdef01234567"
GOOD = {
    f"Bearer {TOKEN}",
    f"Token {LEGACY}",
    "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
}


@dataclass
class Fail:
    """What happens once instead of the right thing.

    ``cut``: bytes of the body that are taken before the connection is closed without an answer;
    ``lost``: everything is done, but the answer is lost.
    """

    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    lost: bool = False


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    size: int


class Loopback(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.version = "2.80.0"
        self.asked: list[Asked] = []
        self.failures: list[tuple[str, str, Fail]] = []
        self.task: dict[str, Any] = {
            "id": 5, "name": "coins", "dimension": "2d", "mode": "annotation", "organization": None,
            "media_type": "image", "size": 0, "target_storage": None, "labels": {"url": ""},
            "jobs": {"count": 1, "completed": 0, "validation": 0, "url": ""},
        }  # fmt: skip
        self.meta: dict[str, Any] = {
            "deleted_frames": [],
            "start_frame": 0,
            "frame_filter": "",
            "chunks_updated_date": "2026-01-01T00:00:00Z",
        }
        self.frames: list[dict[str, Any]] = []
        self.labels: list[dict[str, Any]] = []
        self.page_size = 100
        self.polls: list[dict[str, Any]] = [{"status": "finished"}]
        self.uploads: dict[str, tuple[int, bytearray]] = {}
        self.complete: dict[str, bytes] = {}
        self.imports: list[tuple[dict[str, str], bytes]] = []
        self.shapes: list[dict[str, Any]] = []
        self.export = b""
        self.result_url: str | None = None
        self.own_name: str | None = None  # what the server believes that it is called

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def image(self, name: str, width: int, height: int) -> None:
        frame = {"name": name, "width": width, "height": height, "related_files": 0}
        self.frames.append(frame)

    def label(self, name: str, kind: str = "any") -> None:
        self.labels.append({"id": len(self.labels) + 1, "name": name, "type": kind})

    def fail(self, method: str, path: str, *fails: Fail) -> None:
        self.failures += [(method, path, one) for one in fails]

    def count(self, method: str, path: str = "") -> int:
        return sum(a.method == method and path in a.path for a in self.asked)

    def server_bind(self) -> None:
        """Without asking for this machine's name, which is a question to the network."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that the client or a planted failure closed."""


class _Handler(BaseHTTPRequestHandler):
    server: Loopback
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query, True).items()}
        size = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked = Asked(self.command, parts.path, query, headers, size)
        self.server.asked.append(self.asked)
        fail = self._planned()
        self._body = self.rfile.read(size if fail is None or fail.cut is None else fail.cut)
        if fail is not None and (fail.cut is not None or fail.lost):
            self._muted = True
            self._route()
            self.close_connection = True
            return
        self._muted = False
        if fail is not None:
            self._send(fail.status, fail.body, fail.headers)
        else:
            self._route()

    do_GET = do_POST = do_PATCH = do_HEAD = do_CONNECT = _serve

    def _planned(self) -> Fail | None:
        for number, (method, path, fail) in enumerate(self.server.failures):
            if method == self.command and path in self.path:
                del self.server.failures[number]
                return fail
        return None

    def _send(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        if self._muted:
            return
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        self.send_response(status)
        for name, value in {"Content-Type": "application/vnd.cvat+json", **(headers or {})}.items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _route(self) -> None:
        path = self.asked.path
        if path == "/api/server/about":
            about = {"name": "CVAT", "description": "", "version": self.server.version,
                     "logo_url": "", "subtitle": ""}  # fmt: skip
            return self._send(200, about)
        if self.asked.headers.get("authorization") not in GOOD:
            return self._send(401, {"detail": "Invalid token."})
        rest = re.fullmatch(r"/api/tasks/(\d+)(/.*)?", path)
        if rest and rest[1] != str(self.server.task["id"]):
            return self._send(404, {"detail": "No Task matches the given query."})
        if rest and (rest[2] or "").startswith("/annotations"):
            return self._annotations(rest[2])
        return self._read(path, rest[2] or "" if rest else None)

    def _read(self, path: str, rest: str | None) -> None:
        state = self.server
        if rest == "":
            return self._send(200, {**state.task, "size": len(state.frames)})
        if rest == "/data/meta":
            size = state.meta.get("size", len(state.frames))
            return self._send(200, {**state.meta, "frames": state.frames, "size": size})
        if rest == "/dataset/export":
            return self._send(202, {"rq_id": "action=export&target=task&id=5"})
        if rest == "/dataset/download":
            return self._send(200, state.export, {"Content-Type": "application/zip"})
        if path == "/api/labels":
            return self._labels()
        if path.startswith("/api/requests/"):
            return self._request(unquote(path.rpartition("/")[2]))
        return self._send(404, {"detail": "Not found."})

    def _labels(self) -> None:
        size = min(self.server.page_size, int(self.asked.query.get("page_size", 100)))
        page = int(self.asked.query.get("page", 1))
        labels = self.server.labels
        more = (
            f"{self.server.url}/api/labels?page={page + 1}" if page * size < len(labels) else None
        )
        results = labels[(page - 1) * size : page * size]
        self._send(200, {"count": len(labels), "next": more, "previous": None, "results": results})

    def _request(self, rq_id: str) -> None:
        polls = self.server.polls
        state = polls.pop(0) if len(polls) > 1 else polls[0]
        url = f"{self.server.own_name or self.server.url}/api/tasks/5/dataset/download?rq_id=1"
        kind = "export:dataset" if "export" in rq_id else "import:annotations"
        answer = {
            "id": rq_id,
            "message": "",
            "progress": None,
            "result_url": self.server.result_url or url,
            "operation": {"type": kind, "target": "task"},
            "created_date": "2026-01-01T00:00:00Z",
        }
        self._send(200, {**answer, **state})

    def _annotations(self, rest: str) -> None:
        file_id = rest.removeprefix("/annotations").strip("/")
        if file_id:
            return self._piece(file_id)
        headers, query = self.asked.headers, self.asked.query
        if self.command == "PATCH" and query.get("action") == "create":
            self.server.shapes += json.loads(self._body)["shapes"]
            return self._send(200, {"version": 0, "tags": [], "shapes": [], "tracks": []})
        if "upload-finish" in headers:
            if query.get("filename") not in self.server.complete:
                return self._send(400, ["No such upload"])
            self.server.imports.append((query, self.server.complete[query["filename"]]))
            return self._send(202, {"rq_id": "action=import&target=task&id=5"})
        if "upload-start" in headers:
            return self._send(202)
        if headers.get("tus-resumable") != "1.0.0" or "upload-length" not in headers:
            return self._send(400, {"detail": "no upload"})
        name = f"1_{uuid.uuid4()}"
        self.server.uploads[name] = int(headers["upload-length"]), bytearray()
        base = self.server.own_name or headers.get("origin") or self.server.url
        place = f"{base}{self.asked.path}{name}"
        return self._send(201, None, {"Location": place, "Upload-Filename": name})

    def _piece(self, name: str) -> None:
        if name not in self.server.uploads:
            return self._send(404)
        length, data = self.server.uploads[name]
        if self.command == "HEAD":
            tus = {"Upload-Offset": str(len(data)), "Upload-Length": str(length)}
            return self._send(200, None, tus)
        if int(self.asked.headers["upload-offset"]) != len(data):
            return self._send(409)
        data += self._body
        if len(data) == length:  # from here on HEAD knows nothing of it
            self.server.complete[name] = bytes(data)
            del self.server.uploads[name]
        return self._send(204, None, {"Upload-Offset": str(len(data))})


def start() -> Loopback:
    """A server that answers; end it with ``shutdown`` and ``server_close``."""
    server = Loopback()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
