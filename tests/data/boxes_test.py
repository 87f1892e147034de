from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_segkit.data.boxes import read_boxes
from napari_segkit.errors import PromptError


def write(folder: Path, content: object) -> Path:
    path = folder / "boxes.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_own_form(tmp_path: Path) -> None:
    path = write(tmp_path, {"sub/a.jpg": [[1, 2, 3, 4], [5, 6, 7, 8.5]], "b": []})
    assert read_boxes(path) == {"sub/a": [(1, 2, 3, 4), (5, 6, 7, 8.5)], "b": []}


def test_dots_belong_to_the_name(tmp_path: Path) -> None:
    path = write(tmp_path, {"ring.v1": [[1, 2, 3, 4]], "ring.v2.JPG": [[5, 6, 7, 8]]})
    assert read_boxes(path) == {"ring.v1": [(1, 2, 3, 4)], "ring.v2": [(5, 6, 7, 8)]}


def test_coco(tmp_path: Path) -> None:
    content = {
        "images": [{"id": 7, "file_name": "a.png"}],
        "annotations": [{"image_id": 7, "bbox": [10, 20, 5, 6]}],
    }
    assert read_boxes(write(tmp_path, content)) == {"a": [(10, 20, 15, 26)]}


def test_annotations_of_the_ring_project(tmp_path: Path) -> None:
    content = {
        "train": {"r1.jpg": {"mask_path": "m.jpg", "bbox": [1, 2, 3, 4]}},
        "test": {"r2.jpg": {"mask_path": "m.jpg", "bbox": [5, 6, 7, 8]}},
    }
    assert read_boxes(write(tmp_path, content)) == {"r1": [(1, 2, 3, 4)], "r2": [(5, 6, 7, 8)]}


@pytest.mark.parametrize("content", [[], 3, "x", {"a": [[1, 2, 3]]}, {"a": 5}, {"a": [["x"] * 4]}])
def test_other_content_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(PromptError, match=r"not a file of boxes|not four numbers|are no list"):
        read_boxes(write(tmp_path, content))


def test_missing_or_not_json(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="cannot be read"):
        read_boxes(tmp_path / "gone.json")
    path = tmp_path / "boxes.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(PromptError, match="not JSON"):
        read_boxes(path)


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["images", "a", "train"]), inner)
        ),
    )
)
def test_any_json_gives_boxes_or_a_prompt_error(tmp_path_factory, content: object) -> None:
    path = write(tmp_path_factory.mktemp("boxes"), content)
    with contextlib.suppress(PromptError):
        assert isinstance(read_boxes(path), dict)
