"""Photos of a list out of clones (`tools/collect_photos.py`)."""

from __future__ import annotations

import hashlib
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "collect_photos.py"


def git(clone: Path, *words: str) -> None:
    who = ["-c", "user.name=one", "-c", "user.email=one@example.org"]
    subprocess.run(["git", "-C", str(clone), *who, *words], check=True, capture_output=True)


def test_photos_of_any_commit_come_by_their_hash_and_the_missing_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clone, out = tmp_path / "clone", tmp_path / "out"
    clone.mkdir()
    git(clone, "init", "-q")
    for number, photo in enumerate((b"before", b"after")):  # the second takes the first's place
        (clone / "bread.webp").write_bytes(photo)
        git(clone, "add", ".")
        git(clone, "commit", "-qm", f"{number}")
    key = hashlib.sha256(b"before").hexdigest()[:16]
    listing = tmp_path / "list.txt"
    listing.write_text(
        f"# sha256  source  name\n{key}  here  old.webp  labelled\n  egg 1 1 5 1 1 5\n"
        "0123456789abcdef  here  absent.webp\n",
        encoding="utf-8",
    )
    words = [str(TOOL), str(listing), "--clones", str(clone), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(TOOL), run_name="__main__")
    assert {one.name: one.read_bytes() for one in out.iterdir()} == {"old.webp": b"before"}
    told = capsys.readouterr()
    assert told.err == "not found: absent.webp (0123456789abcdef)\n"
    assert told.out.startswith("1 of 2 photos")
