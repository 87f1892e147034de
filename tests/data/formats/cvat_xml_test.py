"""CVAT for images: every shape with an area, z order, groups; nothing hostile gets in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.formats.cvat_xml import CvatXml
from napari_segkit.data.formats.registry import recognise
from napari_segkit.errors import DatasetError, SegkitError
from tests.data.formats.scenes import photo

META = """<meta><task><name>t</name><labels>
<label><name>ring</name><color>#fa32be</color><type>any</type><attributes></attributes></label>
<label><name>pan</name><color>#010203</color><type>any</type><attributes></attributes></label>
</labels></task></meta>"""
SQUARE = '<polygon label="ring" points="2,1;8,1;8,5;2,5" z_order="0"></polygon>'


def sheet(path: Path, shapes: str, *, meta: str = META, name: str = "a/x.jpg") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = f'<image id="0" name="{name}" width="12" height="10">{shapes}</image>'
    text = f'<?xml version="1.0" encoding="utf-8"?><annotations>{meta}{image}</annotations>'
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path: Path, shapes: str) -> tuple[np.ndarray, list[str], tuple[str, ...]]:
    file = sheet(tmp_path / "annotations.xml", shapes)
    got = CvatXml().open(file).read("a/x").segmentation
    return got.labels, [one.class_name for one in got.instances.values()], got.notes


def square(values: np.ndarray) -> bool:
    return bool((values[1:5, 2:8] == 1).all()) and (values > 0).sum() == 24


@pytest.mark.parametrize(
    "shape",
    [
        SQUARE,
        '<box label="ring" xtl="2" ytl="1" xbr="8" ybr="5"></box>',
        '<box label="ring" xtl="3.0" ytl="0.0" xbr="7.0" ybr="6.0" rotation="90.0"></box>',
        '<mask label="ring" rle="0, 24" left="2" top="1" width="6" height="4"></mask>',
        '<mask label="ring" rle="1,6,1,6,1,6,1,6" left="1" top="1" width="7" height="4"/>',
    ],
)
def test_shapes_that_say_the_same_give_the_same_pixels(tmp_path: Path, shape: str) -> None:
    labels, names, notes = read(tmp_path, shape)
    assert square(labels)
    assert names == ["ring"]
    assert notes == ()


def test_an_ellipse_has_its_area_and_can_be_turned(tmp_path: Path) -> None:
    ellipse = '<ellipse label="pan" cx="6" cy="5" rx="4" ry="2"/>'
    labels, _, _ = read(tmp_path, ellipse)
    assert labels.sum() == pytest.approx(np.pi * 8, abs=3)
    assert labels[5, 2:10].all()
    turned, _, _ = read(
        tmp_path, '<ellipse label="pan" cx="6" cy="5" rx="4" ry="2" rotation="90"/>'
    )
    assert turned[1:9, 6].all()
    assert turned.sum() == pytest.approx(labels.sum(), abs=2)


def test_z_order_decides_who_lies_above(tmp_path: Path) -> None:
    above = '<box label="pan" xtl="0" ytl="0" xbr="12" ybr="10" z_order="-1"></box>'
    labels, names, notes = read(tmp_path, SQUARE + above)
    assert names == ["pan", "ring"]
    assert (labels == 2).sum() == 24
    assert notes == ("24 pixels lie in several objects and went to the last",)


def test_a_group_of_one_label_is_one_object(tmp_path: Path) -> None:
    one = '<box label="ring" xtl="0" ytl="0" xbr="2" ybr="2" group_id="4"></box>'
    two = '<box label="ring" xtl="6" ytl="6" xbr="8" ybr="8" group_id="4"></box>'
    other = '<box label="pan" xtl="9" ytl="9" xbr="10" ybr="10" group_id="4"></box>'
    alone = '<box label="ring" xtl="11" ytl="0" xbr="12" ybr="2" group_id="0"></box>' * 2
    labels, names, _ = read(tmp_path, one + two + other + alone)
    assert names == ["ring", "pan", "ring"]
    assert (labels == 1).sum() == 8


def test_shapes_without_area_are_counted(tmp_path: Path) -> None:
    rest = (
        '<points label="pan" points="1,1"/><polyline label="pan" points="1,1;2,2"/><tag label="q"/>'
    )
    labels, names, notes = read(tmp_path, SQUARE + rest)
    assert names == ["ring"]
    assert notes == ("3 of the shapes have no area (points, tags …) and were left out",)
    assert square(labels)


@pytest.mark.parametrize("kind", ["project", "job", "task"])
def test_labels_and_colours_are_found(tmp_path: Path, kind: str) -> None:
    meta = META.replace("task>", f"{kind}>")
    dataset = CvatXml().open(sheet(tmp_path / "annotations.xml", SQUARE, meta=meta))
    assert [(one.name, one.color) for one in dataset.classes] == [
        ("ring", (250, 50, 190)),
        ("pan", (1, 2, 3)),
    ]


def test_without_labels_the_shapes_name_the_classes(tmp_path: Path) -> None:
    dataset = CvatXml().open(sheet(tmp_path / "annotations.xml", SQUARE, meta=""))
    assert [one.name for one in dataset.classes] == ["ring"]


def test_images_of_a_project_lie_by_subset(tmp_path: Path) -> None:
    file = sheet(tmp_path / "annotations.xml", SQUARE)
    file.write_text(file.read_text().replace('id="0"', 'id="0" subset="Train"'))
    photo(tmp_path / "images" / "Train" / "a" / "x.jpg", (10, 12), exif=8)
    assert recognise(tmp_path).id == "cvat-xml"
    assert CvatXml().open(tmp_path).read("a/x").image == tmp_path / "images/Train/a/x.jpg"


def test_shapes_beyond_the_image_are_cut_off_and_told(tmp_path: Path) -> None:
    labels, _, notes = read(
        tmp_path, '<mask label="ring" rle="0, 16" left="-2" top="8" width="4" height="4"></mask>'
    )
    assert (labels > 0).sum() == 4
    assert notes == ("1 of the objects left the image and were cut off",)


BOMB = "<!DOCTYPE x [" + "".join(
    f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9)
).replace("<!ENTITY l1", '<!ENTITY l0 "ha"><!ENTITY l1')


@pytest.mark.parametrize(
    "head",
    [
        BOMB + "]>",
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        "<!DOCTYPE annotations>",
    ],
)
def test_F23_bombs_and_foreign_entities_are_refused(tmp_path: Path, head: str) -> None:
    entity = "&l9;" if "l9" in head else "&f;" if "ENTITY f" in head else ""
    body = f"<annotations><meta>{entity}</meta></annotations>"
    (tmp_path / "annotations.xml").write_text(f'<?xml version="1.0"?>{head}{body}')
    with pytest.raises(DatasetError, match="not understood"):
        CvatXml().open(tmp_path)


@pytest.mark.parametrize(
    "name", ["../x.jpg", "/x.jpg", "C:/x.jpg", "a\\x.jpg", "", "a/../../x.jpg"]
)
def test_F22_a_name_that_leads_out_refuses_all(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="name of an image"):
        CvatXml().open(sheet(tmp_path / "annotations.xml", SQUARE, name=name))


HOSTILE = [
    '<polygon label="ring" points="2,1;8"/>',
    '<polygon label="ring" points=""/>',
    '<polygon label="ring" points="nan,1;8,1;8,5"/>',
    '<polygon label="ring" points="1e300,1;8,1;8,5"/>',
    '<polygon label="ring" points="a,b;c,d;e,f"/>',
    '<polygon label="ring"/>',
    '<box label="ring" xtl="2" ytl="1" xbr="inf" ybr="5"/>',
    '<box label="ring" xtl="2" ytl="1" xbr="8" ybr="5" rotation="nan"/>',
    '<box label="ring" xtl="2"/>',
    '<ellipse label="ring" cx="5" cy="5" rx="1e12" ry="3"/>',
    '<ellipse label="ring" cx="nan" cy="5" rx="2" ry="3"/>',
    '<mask label="ring" rle="0, 23" left="2" top="1" width="6" height="4"/>',
    '<mask label="ring" rle="0, 25" left="2" top="1" width="6" height="4"/>',
    '<mask label="ring" rle="-1, 25" left="2" top="1" width="6" height="4"/>',
    '<mask label="ring" rle="" left="2" top="1" width="6" height="4"/>',
    '<mask label="ring" rle="0, x" left="2" top="1" width="6" height="4"/>',
    f'<mask label="ring" rle="0, {"9" * 99}" left="2" top="1" width="6" height="4"/>',
    '<mask label="ring" rle="1" left="0" top="0" width="999999999" height="999999999"/>',
    '<mask label="ring" rle="0" left="0" top="0" width="-1" height="-1"/>',
    '<mask label="ring" rle="0, 24" left="2.5" top="1" width="6" height="4"/>',
    '<polygon label="ring" points="2,1;8,1;8,5" z_order="high"/>',
]


@pytest.mark.parametrize("shape", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_shapes_are_refused(tmp_path: Path, shape: str) -> None:
    file = sheet(tmp_path / "annotations.xml", shape)
    with pytest.raises(SegkitError) as caught:
        CvatXml().open(file).read("a/x")
    assert "a/x" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "text",
        "<annotations>",
        "<annotations></annotation>",
        "<html></html>",
        "<annotations><track id='0'></track></annotations>",
        "<annotations><image name='x'/></annotations>",
        "<annotations><image name='x' width='1' height='q'/></annotations>",
        "<annotations><image name='x' width='1' height='1'><box/></image></annotations>",
        "<annotations>" + "<image name='x' width='1' height='1'/>" * 2 + "</annotations>",
        "<annotations><meta><labels><label><name></name></label></labels></meta></annotations>",
        "<annotations><meta><labels><label><name>x</name><color>red</color></label></labels></meta>"
        "</annotations>",
        "<annotations>" + "<a>" * 100_000,
    ],
)
def test_hostile_sheets_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "annotations.xml").write_text(content)
    with pytest.raises(DatasetError):
        CvatXml().open(tmp_path)
