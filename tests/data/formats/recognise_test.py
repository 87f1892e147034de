from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from napari_segkit.data.formats.registry import recognise
from napari_segkit.errors import DatasetError


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file or folder"):
        recognise(tmp_path / "gone.zip")


def test_F25_a_damaged_archive_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(DatasetError, match="not a zip archive, or cut off"):
        recognise(tmp_path / "cut.zip")


def test_a_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see", encoding="utf-8")
    with pytest.raises(DatasetError, match="not a dataset"):
        recognise(tmp_path)


@pytest.mark.parametrize("other", ["shapes", "images"])
def test_a_list_beside_masks_makes_them_no_other_format(tmp_path: Path, other: str) -> None:
    """People keep notes in JSON beside their masks, with the words of annotation programs in it."""
    (tmp_path / "masks").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "masks" / "a.png")
    (tmp_path / "labels.json").write_text(f'[{{"{other}": [], "annotations": []}}]')
    assert recognise(tmp_path).id == "indexed-png"
