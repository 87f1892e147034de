"""Every refusal of a CVAT server is one sentence that says what to do."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_segkit.data.cvat_compare import MismatchError
from napari_segkit.data.cvat_server import CvatServer, open_server
from napari_segkit.data.cvat_task import Answer, parse_frames, parse_labels
from napari_segkit.data.cvat_wire import _trouble
from napari_segkit.errors import InputError, SegkitError, ServerError
from napari_segkit.jobs import cvat as jobs
from napari_segkit.jobs import drain

Connect = Callable[..., CvatServer]
KEYS = ("frames", "results", "name", "width", "height", "size", "deleted_frames", "start_frame",
        "frame_filter", "id", "type", "parent_id")  # fmt: skip
Push = Callable[..., Any]


@pytest.fixture
def push(connect: Connect, make_dataset: Any) -> Push:
    source = make_dataset()
    return lambda task=5, mode="append", **options: drain(
        jobs.push(source, connect(**options), task, mode=mode)
    )


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, {"detail": "Token expired"}, r"credentials .*401, Token expired for what is in "
         r"CVAT_ACCESS_TOKEN; make a new access token"),
        (403, {"detail": "not a member"}, r"does not allow this .*403, not a member; ask the"),
        (404, {"detail": "No Task"}, r"no such task, .*404, No Task; check the number"),
        (409, b"import is running", r"busy with another import .*409, import is running; wait"),
        (413, None, r"takes no file of this size .*413; push fewer images"),
        (400, {"format": ["unknown"]}, r"does not understand .*400, format: unknown"),
        (418, None, r"something unexpected .*got 418; check the address"),
    ],
)  # fmt: skip
def test_a_refusal_of_the_upload(
    status: int, body: Any, sentence: str, cvat: Any, loopback: Any, push: Push
) -> None:
    loopback.fail("POST", "format=", cvat.Fail(status, body))
    with pytest.raises(ServerError, match=sentence) as caught:
        push()
    assert f"{loopback.url}, task 5" in str(caught.value)
    assert not loopback.imports


def test_a_wrong_token_and_a_wrong_task(
    loopback: Any, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ServerError, match=r"no such task.*task 6"):
        push(task=6)
    monkeypatch.setenv("CVAT_ACCESS_TOKEN", "another")
    with pytest.raises(ServerError, match="does not accept the credentials"):
        push()


@pytest.mark.parametrize("path", ["server/about", "/tasks/5", "data/meta", "labels", "Upload",
                                  "requests"])  # fmt: skip
def test_a_server_that_fails_twice_is_asked_again(
    path: str, cvat: Any, loopback: Any, push: Push, clock: Any
) -> None:
    method = "POST" if path == "Upload" else "GET"
    where = "import_mode=append" if path == "Upload" else path
    loopback.fail(method, where, cvat.Fail(500), cvat.Fail(502, b"<html>no</html>"))
    assert push().images == 2
    assert clock.now() == pytest.approx(0.5 + 1.0)


def test_a_server_that_keeps_failing(cvat: Any, loopback: Any, push: Push) -> None:
    page = {"Content-Type": "text/html"}
    loopback.fail("GET", "/tasks/5", *[cvat.Fail(500, b"<html>long page</html>", page)] * 5)
    with pytest.raises(ServerError, match=r"the CVAT server failed .*got 500; try again later"):
        push()


@pytest.mark.parametrize("date", [False, True])
def test_a_server_that_asks_to_wait_is_given_its_time(
    date: bool, cvat: Any, loopback: Any, push: Push, clock: Any
) -> None:
    after = email.utils.formatdate(time.time() + 40, usegmt=True) if date else "40"
    loopback.fail("GET", "labels", cvat.Fail(429, None, {"Retry-After": after}))
    push()
    assert 37 < clock.now() < 42


def test_a_server_that_asks_to_wait_for_too_long(cvat: Any, loopback: Any, push: Push) -> None:
    loopback.fail("GET", "labels", cvat.Fail(429, None, {"Retry-After": "86400"}))
    with pytest.raises(ServerError, match=r"asked too often .*again after 86400 s; try again"):
        push()


def test_an_import_that_is_put_off_is_asked_for_again(cvat: Any, loopback: Any, push: Push) -> None:
    """429 and 503 say that nothing was done."""
    loopback.fail("POST", "filename=1_", cvat.Fail(503), cvat.Fail(429))
    push()
    assert len(loopback.imports) == 1


@pytest.mark.parametrize("fail", [{"status": 500}, {"status": 504}, {"cut": 0}])
def test_an_import_whose_answer_is_lost_is_not_repeated(
    fail: Any, cvat: Any, loopback: Any, push: Push
) -> None:
    loopback.fail("POST", "filename=1_", cvat.Fail(**fail))
    with pytest.raises(ServerError, match="look at the task before you push again"):
        push()
    assert loopback.count("POST", "annotations") == 3


def test_an_import_that_fails_says_it_in_cvats_words(loopback: Any, push: Push) -> None:
    message = "CvatImportError:\n Failed to find dataset \x1b[31mat 'x'"
    loopback.polls = [{"status": "queued"}, {"status": "failed", "message": message}]
    with pytest.raises(ServerError) as caught:
        push()
    assert caught.value.got == "CvatImportError: Failed to find dataset [31mat 'x'"
    assert "could not do the import" in str(caught.value)


def test_a_slow_queue_is_waited_for_until_the_timeout(
    loopback: Any, push: Push, clock: Any
) -> None:
    loopback.polls = [{"status": "queued"}] * 20 + [{"status": "finished"}]
    push()
    assert 60 < clock.now() < 120
    loopback.polls = [{"status": "queued"}]
    with pytest.raises(ServerError, match=r"takes too long .*within 30 s; what it has begun"):
        push(timeout=30)


def test_a_request_that_the_server_forgot(cvat: Any, loopback: Any, push: Push) -> None:
    loopback.fail("GET", "requests", cvat.Fail(404))
    with pytest.raises(ServerError, match="does not know the import any more"):
        push()


@pytest.mark.parametrize(("version", "mode"), [("2.64.1", "append"), ("2.30.9", "replace"),
                                               ("1.7.0", "append"), ("new", "append")])  # fmt: skip
def test_a_wrong_version_gets_nothing(version: str, mode: str, loopback: Any, push: Push) -> None:
    loopback.version = version
    with pytest.raises(ServerError, match=rf"too old.*got {version}; ask its administrator"):
        push(mode=mode)
    assert [a.path for a in loopback.asked] == ["/api/server/about"]
    assert "authorization" not in loopback.asked[0].headers


def test_an_older_server_would_replace_where_it_is_asked_to_append(
    loopback: Any, push: Push
) -> None:
    loopback.version = "2.64.0"
    with pytest.raises(ServerError, match="it would replace all annotations"):
        push()
    assert push(mode="replace").images == 2


def test_a_server_that_tells_strangers_nothing_is_asked_by_name(
    cvat: Any, loopback: Any, push: Push
) -> None:
    loopback.fail("GET", "about", cvat.Fail(401))
    push()
    assert [("authorization" in a.headers) for a in loopback.asked[:2]] == [False, True]


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b"{}", b'{"version": 3}',
                                  b"[" * 100_000, b"\xff\xfe"])  # fmt: skip
def test_what_is_no_cvat_server_is_told(body: bytes, cvat: Any, loopback: Any, push: Push) -> None:
    loopback.fail("GET", "about", cvat.Fail(200, body))
    with pytest.raises(ServerError, match=r"something unexpected .*is that of a CVAT server"):
        push()
    assert all("authorization" not in a.headers for a in loopback.asked)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tasks/5", {"name": 5}),
        ("/tasks/5", {"name": "x", "dimension": ["2d"]}),
        ("data/meta", {"frames": None}),
        ("data/meta", {"frames": [{"name": "a.png", "width": "12"}]}),
        ("data/meta", {"frames": [7]}),
        ("data/meta", {"frames": [{"name": "a.png", "width": -12, "height": 8}]}),
        ("data/meta", {"frames": [{"name": "a.png", "width": 1 << 20, "height": 1 << 20}]}),
        ("labels", {"results": [{"name": "coin"}]}),
        ("requests", {"status": None}),
    ],
)
def test_answers_of_another_shape_are_refused(
    path: str, body: Any, cvat: Any, loopback: Any, push: Push
) -> None:
    loopback.fail("GET", path, cvat.Fail(200, body))
    with pytest.raises(ServerError, match="something unexpected"):
        push()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES), st.booleans())
def test_any_answer_is_understood_or_refused(content: dict[str, Any], video: bool) -> None:
    content = {**content, "size": min(content.get("size"), 99)} if (
        isinstance(content.get("size"), int)
    ) else content  # fmt: skip
    answer = Answer(content, "here")
    with contextlib.suppress(ServerError):
        assert all(isinstance(frame.stem, str) for frame in parse_frames(answer, video=video))
    with contextlib.suppress(ServerError):
        assert all(isinstance(label.name, str) for label in parse_labels(answer.entries("results")))


def test_names_from_the_server_cannot_write_on_the_screen(
    loopback: Any, push: Push, capsys: pytest.CaptureFixture[str]
) -> None:
    loopback.labels[0]["name"] = "evil\x1b[2J\nlabel"
    with pytest.raises(MismatchError) as caught:
        push()
    assert "evil [2J label" in caught.value.mismatches[0]
    assert str(caught.value).isprintable()


def test_a_task_of_point_clouds(loopback: Any, push: Push) -> None:
    loopback.task["dimension"] = "3d"
    with pytest.raises(ServerError, match="holds no images"):
        push()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_offline_is_one_sentence_at_once(loopback: Any, clock: Any, make_dataset: Any) -> None:
    server = open_server(f"http://127.0.0.1:{closed_port()}", clock=clock)
    with pytest.raises(ServerError, match=r"no answer .*nothing answers there; check the addr"):
        drain(jobs.push(make_dataset(), server, 5))
    assert clock.now() == 0


def test_a_server_that_never_answers_is_asked_twice(
    loopback: Any, clock: Any, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_segkit.data.cvat_connection._FIRST_SILENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = open_server(f"http://127.0.0.1:{silent.getsockname()[1]}", clock=clock)
        with pytest.raises(ServerError, match="no answer in time"):
            drain(jobs.push(make_dataset(), server, 5))
    assert clock.now() == pytest.approx(0.5)


def test_what_is_no_web_server(loopback: Any, clock: Any, make_dataset: Any) -> None:
    def greet(door: socket.socket) -> None:
        guest, _ = door.accept()
        with guest:
            guest.recv(1000)
            guest.sendall(b"220 mail.example.org ESMTP\r\n")

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=greet, args=(door,), daemon=True).start()
        server = open_server(f"http://127.0.0.1:{door.getsockname()[1]}", clock=clock)
        with pytest.raises(ServerError, match="what answers there is no web server"):
            drain(jobs.push(make_dataset(), server, 5))


@pytest.mark.parametrize(
    ("error", "reason", "final"),
    [
        (ssl.SSLCertVerificationError(1, "self-signed"), "its certificate is not trusted", True),
        (ssl.SSLError(1, "wrong version number"), "no secure connection", True),
        (ssl.SSLEOFError(8, "EOF occurred"), "the connection broke", False),
        (OSError(101, "Network is unreachable"), "is this machine offline", False),
        (http.client.IncompleteRead(b""), "the connection broke", False),
        (ValueError("secret"), "the exchange failed (ValueError)", True),
    ],
)
def test_troubles_of_the_network_in_words(error: Exception, reason: str, final: bool) -> None:
    trouble = _trouble(error)
    assert reason in trouble.reason
    assert trouble.final is final


def test_a_name_that_is_not_known(
    loopback: Any, clock: Any, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    server = open_server("https://cvat.invalid", clock=clock)
    with pytest.raises(ServerError, match="its name is not known; is this machine offline"):
        drain(jobs.push(make_dataset(), server, 5))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://cvat.example.org", "not encrypted.*--insecure"),
        ("ftp://cvat.example.org", "not the address of a server"),
        ("https://", "not the address"),
        ("https://cvat.example.org:port", "not the address"),
        ("https://[::1", "not the address"),
        ("", "not the address"),
    ],
)
def test_addresses_that_are_refused(url: str, sentence: str, loopback: Any) -> None:
    with pytest.raises(InputError, match=sentence):
        open_server(url)


def test_addresses_as_people_type_them(loopback: Any) -> None:
    seen = {
        "cvat.example.org": "https://cvat.example.org",
        "https://App.CVAT.ai/tasks/5?x=1": "https://app.cvat.ai",
        "http://localhost:8080/": "http://localhost:8080",
        "http://[::1]:8080": "http://[::1]:8080",
    }
    assert {text: open_server(text).connection.url for text in seen} == seen
    insecure = open_server("http://cvat.example.org", insecure=True)
    assert insecure.connection.url == "http://cvat.example.org"


def test_a_dataset_that_cannot_be_read_never_reaches_the_server(
    loopback: Any, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "x.zip").write_bytes(b"no zip")
    with pytest.raises(SegkitError):
        drain(jobs.push(tmp_path / "x.zip", connect(), 5))
    assert not loopback.asked
