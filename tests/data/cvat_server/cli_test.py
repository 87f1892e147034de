"""``segkit cvat``: what a person reads, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from napari_segkit.cli.app import app


def cvat(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["cvat", *map(str, arguments)])


def test_a_push_and_what_it_says(loopback: Any, make_dataset: Any) -> None:
    loopback.image("c.png", 7, 3)
    done = cvat("push", make_dataset(), "--task", 5, "--url", loopback.url)
    assert done.exit_code == 0, done.output
    assert f"3 objects in 2 images appended to task 5 (coins) at {loopback.url}" in done.stdout
    assert "1 frame of the task is not in the dataset" in done.stdout


def test_a_push_for_scripts_with_the_address_from_the_environment(
    loopback: Any, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CVAT_URL", loopback.url)
    done = cvat("push", make_dataset(), "--task", 5, "--json")
    report = json.loads(done.stdout)
    assert (report["images"], report["instances"], report["mode"]) == (2, 3, "append")


def test_replacing_needs_a_yes(loopback: Any, make_dataset: Any) -> None:
    arguments = ("push", make_dataset(), "--task", 5, "--url", loopback.url, "--mode", "replace")
    done = cvat(*arguments)
    assert done.exit_code == 2
    assert "replace deletes every annotation of the task" in done.stderr
    assert "add --yes" in done.stderr
    assert not loopback.asked
    assert "in the place of everything in task 5" in cvat(*arguments, "--yes").stdout
    assert loopback.imports[0][0]["import_mode"] == "replace"


def test_every_mismatch_is_a_line_and_json_has_all(loopback: Any, make_dataset: Any) -> None:
    source = make_dataset(*[(f"x{n}", 4, 4, 1) for n in range(9)])
    done = cvat("push", source, "--task", 5, "--url", loopback.url)
    assert done.exit_code == 2
    assert done.stderr.count("mismatch: ") == 9
    assert "do not fit, so nothing was sent" in done.stderr
    as_json = cvat("push", source, "--task", 5, "--url", loopback.url, "--json")
    assert as_json.exit_code == 2
    assert len(json.loads(as_json.stdout)["mismatches"]) == 9


def test_a_server_that_refuses_is_one_line(loopback: Any, make_dataset: Any) -> None:
    done = cvat("push", make_dataset(), "--task", 6, "--url", loopback.url)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: the CVAT server has no such task")
    assert len(done.stderr.splitlines()) == 1


def test_a_cancelled_push_does_not_say_that_nothing_happened(
    loopback: Any, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: object, seconds: float) -> None:
        raise KeyboardInterrupt

    loopback.polls = [{"status": "queued"}]
    monkeypatch.setattr("napari_segkit.data.cvat_connection.Clock.sleep", interrupt)
    done = cvat("push", make_dataset(), "--task", 5, "--url", loopback.url)
    assert (done.exit_code, len(loopback.imports)) == (130, 1)
    assert "cancelled" in done.stderr
    assert "nothing was written" not in done.stderr


def test_without_credentials_the_choices_are_named(
    loopback: Any, make_dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CVAT_ACCESS_TOKEN")
    done = cvat("push", make_dataset(), "--task", 5, "--url", loopback.url)
    assert done.exit_code == 2
    assert "CVAT_ACCESS_TOKEN or CVAT_TOKEN, or CVAT_USERNAME and CVAT_PASSWORD" in done.stderr
    assert not loopback.asked


def test_there_is_no_option_for_the_token() -> None:
    for command in ("push", "pull"):
        text = cvat(command, "--help").stdout.lower()
        assert "--token" not in text
        assert "--password" not in text


def test_a_pull_and_what_it_says(loopback: Any, make_dataset: Any, tmp_path: Path) -> None:
    loopback.export = make_dataset(to="export.zip").read_bytes()
    target = tmp_path / "out"
    done = cvat("pull", "--task", 5, "--url", loopback.url, "--out", target)
    assert done.exit_code == 0, done.output
    assert f"3 objects in 2 images -> {target}" in done.stdout
    again = cvat("pull", "--task", 5, "--url", loopback.url, "--out", target, "--json")
    assert again.exit_code == 2
    assert json.loads(again.stdout)["what"] == "there is something at the target already"
