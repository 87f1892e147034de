"""Nobody sees the token: not another server, not a log, not an error, not the disk."""

from __future__ import annotations

import base64
import logging
import os
import pickle
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from napari_segkit.cli.app import app
from napari_segkit.data.cvat_connection import Clock
from napari_segkit.data.cvat_credentials import Credentials, Secret, find_credentials
from napari_segkit.data.cvat_server import CvatServer, open_server
from napari_segkit.errors import InputError, SegkitError, ServerError
from napari_segkit.jobs import cvat as jobs
from napari_segkit.jobs import drain

Connect = Callable[..., CvatServer]
HOST = "https://cvat.example.org"


@pytest.fixture
def other(cvat: Any) -> Iterator[Any]:
    """Another server, which must never learn the token."""
    server = cvat.start()
    yield server
    server.shutdown()
    server.server_close()


def told(server: Any) -> bool:
    """Whether a server was sent anything that proves who we are."""
    return any({"authorization", "cookie"} & a.headers.keys() for a in server.asked)


@pytest.mark.parametrize(("variable", "scheme"), [("CVAT_ACCESS_TOKEN", "Bearer"),
                                                  ("CVAT_TOKEN", "Bearer")])  # fmt: skip
def test_a_token_comes_from_the_environment(variable: str, scheme: str) -> None:
    found = find_credentials(HOST, {variable: " tok.en\n", "CVAT_USERNAME": "x"})
    assert (found.header(), found.source) == (f"{scheme} tok.en", variable)


def test_older_keys_and_logins_are_sent_as_cvat_wants_them(
    cvat: Any, loopback: Any, clock: Any, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CVAT_ACCESS_TOKEN")
    monkeypatch.setenv("CVAT_TOKEN", cvat.LEGACY)
    drain(jobs.push(make_dataset(), open_server(loopback.url, clock=clock), 5))
    monkeypatch.delenv("CVAT_TOKEN")
    monkeypatch.setenv("CVAT_USERNAME", cvat.USER)
    monkeypatch.setenv("CVAT_PASSWORD", cvat.PASSWORD)
    drain(jobs.push(make_dataset(to="again.zip"), open_server(loopback.url, clock=clock), 5))
    assert len(loopback.imports) == 2


def test_a_token_comes_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    fake = types.ModuleType("keyring")
    fake.get_password = lambda *names: asked.append(names) or "stored"
    monkeypatch.setitem(sys.modules, "keyring", fake)
    assert find_credentials(HOST, {}).header() == "Bearer stored"
    assert asked == [("segkit:https://cvat.example.org", "token")]


def test_a_locked_keyring_is_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(*_: str) -> str:
        raise RuntimeError("planted detail")

    fake = types.ModuleType("keyring")
    fake.get_password = locked
    monkeypatch.setitem(sys.modules, "keyring", fake)
    with pytest.raises(InputError, match=r"no credentials .*CVAT_ACCESS_TOKEN or CVAT_TOKEN"):
        find_credentials(HOST, {})
    assert "planted detail" not in caplog.text


@pytest.mark.parametrize("environ", [
    {"CVAT_TOKEN": "se cret"}, {"CVAT_TOKEN": "secret\r\nX-Evil: 1"}, {"CVAT_TOKEN": "sécret"},
    {"CVAT_USERNAME": "a:b", "CVAT_PASSWORD": "secret"},
    {"CVAT_USERNAME": "a", "CVAT_PASSWORD": "sec\nret"},
])  # fmt: skip
def test_what_cannot_be_a_token_is_refused_without_showing_it(environ: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        find_credentials(HOST, environ)
    assert not any(word in str(caught.value) for word in ("secret", "sécret", "cret", "Evil"))


def test_a_name_without_a_password_is_told() -> None:
    with pytest.raises(InputError, match="got CVAT_USERNAME without CVAT_PASSWORD"):
        find_credentials(HOST, {"CVAT_USERNAME": "mira"})


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("planted")
    found = Credentials("Bearer", secret, "CVAT_TOKEN")
    texts = [repr(secret), str(secret), f"{secret}", f"{secret!r}", repr(found), str(vars(found))]
    assert not any("planted" in text for text in texts)
    with pytest.raises(TypeError, match="not stored"):
        pickle.dumps(found)
    assert secret.reveal() == "planted"


def test_a_login_in_the_address_is_refused_without_showing_it(loopback: Any) -> None:
    for url in ("https://mira:planted@cvat.example.org", "mira:planted@cvat.example.org"):
        with pytest.raises(InputError, match="holds a login") as caught:
            open_server(url)
        assert "planted" not in str(caught.value)


def test_the_upload_goes_to_the_server_whatever_address_it_names(
    loopback: Any, other: Any, connect: Connect, make_dataset: Any
) -> None:
    loopback.own_name = other.url
    drain(jobs.push(make_dataset(), connect(), 5))
    assert loopback.imports
    assert not other.asked


@pytest.mark.parametrize("place", ["http://x//{host}/up/1", "//{host}/up/1", "http:////{host}/1"])
def test_an_address_made_to_look_like_a_path_leads_nowhere(
    place: str, cvat: Any, loopback: Any, other: Any, connect: Connect, make_dataset: Any
) -> None:
    location = place.format(host=other.url.removeprefix("http://"))
    loopback.fail("POST", "annotations/", cvat.Fail(202))
    loopback.fail("POST", "annotations/", cvat.Fail(201, None, {"Location": location}))
    drain(jobs.push(make_dataset(), connect(), 5))  # the upload is lost, and begun again
    assert not other.asked


def test_a_proxy_never_reads_what_is_not_encrypted(
    loopback: Any, other: Any, connect: Connect, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", other.url)
    monkeypatch.setenv("HTTP_PROXY", other.url)
    drain(jobs.push(make_dataset(), connect(), 5))
    assert not other.asked


def test_through_a_proxy_https_is_a_tunnel_that_holds_no_token(
    cvat: Any, other: Any, make_dataset: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", other.url)
    monkeypatch.setenv("CVAT_TOKEN", cvat.TOKEN)
    server = open_server("https://cvat.invalid", clock=clock)
    with pytest.raises(ServerError, match="the proxy of this machine refuses"):
        drain(server.task(5))
    assert [one.method for one in other.asked] == ["CONNECT"]
    assert not told(other)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["about", "/tasks/5", "format="])
def test_a_redirect_to_another_server_is_not_followed(
    status: int, path: str, cvat: Any, loopback: Any, other: Any, connect: Connect,
    make_dataset: Any,
) -> None:  # fmt: skip
    target = f"{other.url}/api/x?signature=planted"
    method = "POST" if path == "format=" else "GET"
    loopback.fail(method, path, cvat.Fail(status, None, {"Location": target}))
    with pytest.raises(ServerError, match=rf"another address.*got {other.url};") as caught:
        drain(jobs.push(make_dataset(), connect(), 5))
    assert "planted" not in str(caught.value)
    assert not other.asked


def test_a_redirect_within_the_server_is_followed(
    cvat: Any, loopback: Any, connect: Connect, make_dataset: Any
) -> None:
    target = {"Location": "/api/tasks/5"}
    loopback.fail("GET", "/tasks/5", cvat.Fail(302, None, target))
    drain(jobs.push(make_dataset(), connect(), 5))
    loopback.fail("GET", "/tasks/5", *[cvat.Fail(302, None, target)] * 9)
    with pytest.raises(ServerError, match="round in circles"):
        drain(jobs.push(make_dataset(to="again.zip"), connect(), 5))


@pytest.mark.parametrize("by_redirect", [False, True])
def test_a_download_from_a_storage_elsewhere_goes_without_the_token(
    by_redirect: bool, cvat: Any, loopback: Any, other: Any, connect: Connect, make_dataset: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    data = make_dataset(to="export.zip").read_bytes()
    place = f"{other.url}/bucket/export.zip?signature=1"
    other.fail("GET", "/bucket/", cvat.Fail(200, data))
    if by_redirect:
        loopback.fail("GET", "dataset/download", cvat.Fail(302, None, {"Location": place}))
    else:
        loopback.result_url = place
    report = drain(jobs.pull(connect(), 5, tmp_path / "out"))
    assert report.images == 2
    assert len(other.asked) == 1
    assert not told(other)


class Impatient(Clock):
    """The command line's clock in tests: sleeping costs nothing."""

    passed = 0.0

    def now(self) -> float:
        return Impatient.passed

    def sleep(self, seconds: float) -> None:
        Impatient.passed += seconds


def everything_of(error: BaseException | None) -> str:
    """Messages, causes, contexts, and every local variable of every frame but the test's own."""
    texts = []
    while error is not None:
        frames = traceback.walk_tb(error.__traceback__)
        stack = traceback.StackSummary.extract(frames, capture_locals=True)
        texts += [repr(frame.locals) for frame in stack if frame.filename != __file__]
        texts += [repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "about", {"status": 500}),
    ("GET", "/tasks/5", {"status": 401, "body": {"detail": "ECHO"}}),
    ("GET", "/tasks/5", {"status": 403, "body": b"you sent ECHO"}),
    ("GET", "labels", {"status": 200, "body": b"ECHO"}),
    ("GET", "meta", {"cut": 0}),
    ("GET", "meta", {"status": 302, "headers": {"Location": "http://ECHO@127.0.0.2/?ECHO"}}),
    ("POST", "format=", {"status": 400, "body": {"ECHO": ["ECHO"]}}),
    ("POST", "filename=1_", {"lost": True}),
    ("PATCH", "annotations", {"status": 404}),
]


@pytest.mark.parametrize("login", [False, True])
@pytest.mark.parametrize(("method", "path", "fault"), FAULTS)
def test_the_token_is_in_no_output_no_log_no_traceback_and_no_file(
    login: bool, method: str, path: str, fault: dict[str, Any], cvat: Any, loopback: Any,
    make_dataset: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    """With the token planted, in every place where it could turn up, failures of every kind."""
    secrets = [cvat.TOKEN]
    if login:
        monkeypatch.delenv("CVAT_ACCESS_TOKEN")
        monkeypatch.setenv("CVAT_USERNAME", cvat.USER)
        monkeypatch.setenv("CVAT_PASSWORD", cvat.PASSWORD)
        proof = base64.b64encode(f"{cvat.USER}:{cvat.PASSWORD}".encode()).decode()
        secrets = [cvat.PASSWORD, proof]
    monkeypatch.setattr("napari_segkit.data.cvat_connection.Clock", Impatient)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    caplog.set_level(logging.DEBUG)
    source = make_dataset()
    loopback.polls = [{"status": "failed", "message": f"{secrets[-1]} is wrong"}]
    loopback.fail(method, path, *[cvat.Fail(**_echoing(fault, secrets[-1]))] * 6)
    arguments = ["cvat", "push", str(source), "--task", "5", "--url", loopback.url]
    plain = CliRunner().invoke(app, [*arguments])
    as_json = CliRunner().invoke(app, [*arguments, "--json"])
    with pytest.raises(SegkitError) as caught:
        drain(jobs.push(source, open_server(loopback.url, clock=Impatient()), 5))
    seen = [plain.output, as_json.output, caplog.text, *capfd.readouterr(), repr(caught.value)]
    seen += [everything_of(e) for e in (caught.value, plain.exception, as_json.exception)]
    seen += [file.read_bytes().decode("latin-1") for file in tmp_path.rglob("*") if file.is_file()]
    assert plain.exit_code == as_json.exit_code == 1
    for secret in secrets:
        assert not [text for text in seen if secret in text]
        assert secret not in " ".join(sys.argv)
    assert os.environ.get("CVAT_ACCESS_TOKEN" if not login else "CVAT_PASSWORD")  # it was planted


def _echoing(fault: dict[str, Any], secret: str) -> dict[str, Any]:
    """A failure whose answer repeats the secret."""
    text = fault.get("body")
    made = dict(fault)
    if isinstance(text, bytes):
        made["body"] = text.replace(b"ECHO", secret.encode())
    elif text:
        made["body"] = {k.replace("ECHO", secret): _echo(v, secret) for k, v in text.items()}
    if "headers" in fault:
        made["headers"] = {k: v.replace("ECHO", secret) for k, v in fault["headers"].items()}
    return made


def _echo(value: Any, secret: str) -> Any:
    return [secret for _ in value] if isinstance(value, list) else value.replace("ECHO", secret)
