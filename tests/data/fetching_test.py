"""Downloads against a server on this machine: cut, resumed, wrong, offline, refused."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from napari_segkit.data import sam_weights
from napari_segkit.data.fetching import RemoteFile, fetch
from napari_segkit.errors import ServerError, WeightsError, WriteError
from napari_segkit.jobs import drain

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT = bytes(range(256)) * 20_000  # 5 MB
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Sends `content`; cuts a reply after `cut` bytes; knows ranges unless told otherwise."""

    content: ClassVar[bytes] = CONTENT
    cut: ClassVar[int | None] = None
    ranges: ClassVar[bool] = True
    status: ClassVar[int | None] = None
    seen: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        type(self).seen.append(asked)
        if self.status is not None:
            self.send_error(self.status)
            return
        start = int(asked[6:].rstrip("-")) if asked and self.ranges else 0
        body = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            last = len(self.content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(self.content)}")
        self.end_headers()
        self.wfile.write(body if self.cut is None else body[: self.cut])

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[type[Server]]:
    Server.content, Server.cut, Server.ranges, Server.status = CONTENT, None, True, None
    Server.seen = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    Server.address = f"http://127.0.0.1:{running.server_port}/base.pth"  # type: ignore[attr-defined]
    yield Server
    running.shutdown()
    running.server_close()
    thread.join()


def remote(server: type[Server]) -> RemoteFile:
    return RemoteFile(server.address, SHA, len(CONTENT))  # type: ignore[attr-defined]


def test_a_file_comes_with_progress_and_is_asked_for_once(server: type[Server], tmp_path: Path):
    steps = []
    job = fetch(remote(server), tmp_path / "new")
    while True:
        try:
            steps.append(next(job))
        except StopIteration as end:
            path = end.value
            break
    assert path.read_bytes() == CONTENT
    assert {step.total for step in steps} == {len(CONTENT)}
    assert len([step for step in steps if step.message == "downloading"]) >= 4
    assert drain(fetch(remote(server), tmp_path / "new")) == path
    assert len(server.seen) == 1
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["base.pth"]


def test_F36_a_cut_download_goes_on_where_it_was(server: type[Server], tmp_path: Path) -> None:
    server.cut = 2_000_000
    path = drain(fetch(remote(server), tmp_path, pause=0.001))
    assert path.read_bytes() == CONTENT
    assert server.seen == [None, "bytes=2000000-", "bytes=4000000-"]


def test_F36_a_cancelled_download_is_continued_another_day(
    server: type[Server], tmp_path: Path
) -> None:
    job = fetch(remote(server), tmp_path)
    for _ in range(2):
        next(job)
    job.close()
    assert not (tmp_path / "base.pth").exists()
    part = (tmp_path / "base.pth.part").stat().st_size
    assert 0 < part < len(CONTENT)
    assert drain(fetch(remote(server), tmp_path)).read_bytes() == CONTENT
    assert server.seen == [None, f"bytes={part}-"]


def test_a_server_without_ranges_sends_it_all_again(server: type[Server], tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "base.pth.part").write_bytes(b"something else")
    assert drain(fetch(remote(server), tmp_path)).read_bytes() == CONTENT


def test_F36_another_file_than_the_official_one_is_not_kept(
    server: type[Server], tmp_path: Path
) -> None:
    server.content = CONTENT[:-1] + b"x"
    with pytest.raises(WeightsError, match="not the official one"):
        drain(fetch(remote(server), tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_F36_a_part_of_something_else_is_thrown_away_once(
    server: type[Server], tmp_path: Path
) -> None:
    (tmp_path / "base.pth.part").write_bytes(b"other bytes")
    with pytest.raises(WeightsError, match="not the official one"):
        drain(fetch(remote(server), tmp_path))
    assert drain(fetch(remote(server), tmp_path)).read_bytes() == CONTENT


def test_F36_offline_names_the_way_without_a_connection(tmp_path: Path) -> None:
    gone = RemoteFile("http://127.0.0.1:9/base.pth", SHA, len(CONTENT))
    with pytest.raises(ServerError, match=r"bring base\.pth from another computer"):
        drain(fetch(gone, tmp_path, pause=0.001))


def test_a_download_that_never_gets_on_is_given_up_and_kept(
    server: type[Server], tmp_path: Path
) -> None:
    (tmp_path / "base.pth.part").write_bytes(CONTENT[:1_000_000])
    server.status = 503
    with pytest.raises(ServerError, match=r"answers 503.*1 MB have come and are kept"):
        drain(fetch(remote(server), tmp_path, pause=0.0001))
    assert (tmp_path / "base.pth.part").stat().st_size == 1_000_000
    assert len(server.seen) == 5


def test_a_folder_that_cannot_be_made_is_said(server: type[Server], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        drain(fetch(remote(server), tmp_path / "file" / "folder"))


def test_official_bases_are_those_of_the_project() -> None:
    assert sorted(sam_weights.BASES) == ["vit_b", "vit_h", "vit_l"]
    for base in sam_weights.BASES.values():
        assert base.file.url.startswith("https://dl.fbaipublicfiles.com/segment_anything/sam_vit_")
        assert len(base.file.sha256) == 64
    with pytest.raises(WeightsError, match="unknown base model"):
        sam_weights.get_base("vit_z")


def test_a_base_comes_from_a_mirror_or_from_a_file(
    server: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = sam_weights.BASES["vit_b"]
    ours = sam_weights.SamBase("vit_b", base.title, "vit_b", remote(server))
    monkeypatch.setitem(sam_weights.BASES, "vit_b", ours)
    assert sam_weights.find_base("vit_b", tmp_path) is None
    fetched = drain(sam_weights.fetch_base("vit_b", tmp_path))
    assert sam_weights.find_base("vit_b", tmp_path) == fetched
    taken = drain(sam_weights.fetch_base("vit_b", tmp_path / "other", file=fetched))
    assert taken.read_bytes() == CONTENT
    (tmp_path / "wrong.pth").write_bytes(b"no")
    with pytest.raises(WeightsError, match="name the file itself as the base"):
        drain(sam_weights.fetch_base("vit_b", tmp_path, file=tmp_path / "wrong.pth"))
    with pytest.raises(WeightsError, match="cannot be read"):
        drain(sam_weights.fetch_base("vit_b", tmp_path, file=tmp_path / "missing.pth"))
