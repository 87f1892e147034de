"""A generated dataset with planted faults: all are found, and a clean one raises few alarms."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_segkit.data.dataset import Sample, WriteOptions
from napari_segkit.data.formats.registry import get_format
from napari_segkit.data.profile.rules import KINDS
from napari_segkit.errors import DatasetError, InputError
from napari_segkit.jobs import drain
from napari_segkit.jobs.profile import Profile, check_page, profile, write_page
from napari_segkit.ops.masks import segmentation_from_labels
from napari_segkit.ops.resizing import resize_image, resize_labels
from napari_segkit.synth.coins import make_scene
from napari_segkit.types import ClassDef

COIN = (ClassDef("coin", (250, 170, 50)),)
CLEAN_CONDITIONS = ("sparse", "wood", "weave", "stone", "gradient", "dark-on-dark", "blur", "noise")
ALARM_RATE = 0.02
"""Share of the images of a clean set that may be under suspicion: what the docs state."""


@dataclass
class Planted:
    """A dataset on disk being spoiled, and what must be found in it."""

    path: Path
    expected: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    samples: dict[str, Sample] = field(default_factory=dict)
    train: list[str] = field(default_factory=list)
    valid: list[str] = field(default_factory=list)

    def add(self, name: str, image: np.ndarray, labels: np.ndarray, *, valid: bool = False) -> None:
        segmentation = segmentation_from_labels(labels.astype(np.int32), classes=COIN)
        self.samples[name] = Sample(name, segmentation, np.ascontiguousarray(image))
        (self.valid if valid else self.train).append(name)

    def expect(self, kind: str, *titles: str) -> None:
        self.expected.add((kind, tuple(sorted(titles))))

    def write(self) -> None:
        options = WriteOptions(subset="Train", include_images=True)
        writer = get_format("cvat-mask").open_writer(self.path, classes=COIN, options=options)
        with writer:
            for one in self.samples.values():
                writer.add(one)
        lists = self.path / "ImageSets/Segmentation"
        for subset, names in (("Train", self.train), ("Valid", self.valid)):
            (lists / f"{subset}.txt").write_text("".join(f"{name}\n" for name in names))

    def picture(self, name: str) -> Path:
        return self.path / f"JPEGImages/{name}.png"

    def replace_picture(self, name: str, image: np.ndarray, **exif: object) -> None:
        """Put another file in the place of an image: a JPEG, with EXIF tags where told."""
        self.picture(name).unlink()
        tags = Image.Exif()
        tags.update({274: exif["orientation"]} if "orientation" in exif else {})
        if "gps" in exif:
            tags[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0)}
        Image.fromarray(image).save(
            self.picture(name).with_suffix(".jpg"), quality=95, exif=tags.tobytes()
        )


def scene(seed: int, condition: str = "sparse") -> tuple[np.ndarray, np.ndarray]:
    made = make_scene(seed, condition=condition, size=(120, 160))
    return made.image, made.labels


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def plant_copies(plan: Planted) -> None:
    image, labels = scene(1000)
    other = np.zeros_like(labels)
    other[40:80, 40:80] = 1
    plan.add("equal_a", image, labels)
    plan.add("equal_b", image, other)
    plan.expect("identical", "equal_a", "equal_b")
    changes = {
        "jpeg": lambda a: jpeg(a, 35),
        "dark": lambda a: (a * 0.7).astype(np.uint8),
        "mirrored": lambda a: a[:, ::-1],
        "noisy": lambda a: np.clip(
            a + np.random.default_rng(0).normal(0, 6, a.shape), 0, 255
        ).astype(np.uint8),
    }
    for number, (name, change) in enumerate(changes.items()):
        image, labels = scene(1010 + number, "stone")
        plan.add(f"{name}_a", image, labels)
        plan.add(f"{name}_b", change(image), labels[:, ::-1] if name == "mirrored" else labels)
        plan.expect("similar", f"{name}_a", f"{name}_b")
    image, labels = scene(1020)
    plan.add("leak_a", image, labels)
    plan.add("leak_b", image, labels, valid=True)
    plan.expect("leak", "leak_a", "leak_b")
    image, labels = scene(1021, "wood")
    plan.add("near_leak_a", image, labels)
    smaller = (100, 133)
    plan.add(
        "near_leak_b", resize_image(image, smaller), resize_labels(labels, smaller), valid=True
    )
    plan.expect("leak", "near_leak_a", "near_leak_b")
    plan.add("listed_twice", *scene(1022))
    plan.valid.append("listed_twice")
    plan.expect("leak", "listed_twice")


def plant_masks(plan: Planted) -> None:
    """What the coin project found by hand: masks that cover all, are no coin, or nothing."""
    image, labels = scene(1030)
    plan.add("covers_all", image, np.ones_like(labels))
    plan.expect("everything", "covers_all")
    plan.expect("area", "covers_all")
    image, labels = scene(1031)
    plan.add("covers_nothing", image, np.zeros_like(labels))
    plan.expect("nothing", "covers_nothing")
    image, labels = scene(1032)
    labels[:2, :2] = labels.max() + 1
    plan.add("slip_of_the_brush", image, labels)
    plan.expect("area", "slip_of_the_brush")
    image, labels = scene(1033)
    merged = np.zeros_like(labels)
    merged[10:110, 10:150] = 1
    plan.add("one_for_all", image, merged)
    plan.expect("area", "one_for_all")
    for quality, seed in ((30, 1041), (75, 1042)):
        image, labels = scene(seed)
        frayed = jpeg(((labels > 0) * 255).astype(np.uint8), quality) > 10
        large = np.where(frayed, np.maximum(labels, 1), 0)  # the coins themselves keep their ids
        plan.add(f"jpeg_mask_{quality}", image, large)
        plan.expect("ragged", f"jpeg_mask_{quality}")


def plant_images(plan: Planted) -> None:
    image, labels = scene(1050)
    plan.add("thumbnail", resize_image(image, (24, 32)), resize_labels(labels, (24, 32)))
    plan.expect("image-size", "thumbnail")
    made = make_scene(1051, condition="sparse", size=(480, 640))
    plan.add("huge", made.image, made.labels)
    plan.expect("image-size", "huge")
    image, labels = scene(1052)
    plan.add("lens_cap", np.full_like(image, 3), labels)
    plan.expect("blank", "lens_cap")
    for name, seed in (("text", 1060), ("cut_off", 1061), ("bad_mask", 1062), ("other_size", 1063)):
        plan.add(name, *scene(seed))
        plan.expect("mismatch" if name == "other_size" else "unreadable", name)
    plan.add("turned", *scene(1064))
    plan.expect("mismatch", "turned")
    plan.add("upside_down", *scene(1065))
    plan.expect("file", "upside_down")
    plan.add("tells_where", *scene(1066))
    plan.expect("file", "tells_where")


def spoil_files(plan: Planted) -> None:
    """What can only be done to the written files."""
    plan.picture("text").write_text("<html>not found</html>")
    whole = plan.picture("cut_off").read_bytes()
    plan.picture("cut_off").write_bytes(whole[: len(whole) // 2])
    mask = plan.path / "SegmentationObject/bad_mask.png"
    data = bytearray(mask.read_bytes())
    data[len(data) // 2] ^= 0xFF
    mask.write_bytes(bytes(data))
    plan.replace_picture("other_size", scene(1063)[0][:100])
    plan.replace_picture("turned", scene(1064)[0], orientation=6)
    plan.replace_picture("upside_down", scene(1065)[0], orientation=3)
    plan.replace_picture("tells_where", scene(1066)[0], gps=True)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    plan = Planted(tmp_path_factory.mktemp("profile") / "coins & <b>rings")
    for seed in range(40):
        condition = CLEAN_CONDITIONS[seed % len(CLEAN_CONDITIONS)]
        plan.add(f"photo_{seed:03d}", *scene(seed, condition), valid=seed % 5 == 0)
    plant_copies(plan)
    plant_masks(plan)
    plant_images(plan)
    plan.write()
    spoil_files(plan)
    return plan


@pytest.fixture(scope="module")
def found(planted: Planted) -> Profile:
    return drain(profile(planted.path))


def keys(result: Profile) -> set[tuple[str, tuple[str, ...]]]:
    return {(one.kind, tuple(sorted(one.titles))) for one in result.suspects}


def test_every_planted_fault_is_found(planted: Planted, found: Profile) -> None:
    assert planted.expected - keys(found) == set()
    assert {kind for kind, _ in planted.expected} == set(KINDS)


def test_what_was_not_planted_is_hardly_suspected(planted: Planted, found: Profile) -> None:
    spoilt = {title for _, titles in planted.expected for title in titles}
    alarms = {title for one in found.suspects for title in one.titles} - spoilt
    assert len(alarms) <= ALARM_RATE * len(planted.samples), alarms


def test_reasons_have_numbers(found: Profile) -> None:
    reasons = {one.titles[0]: one.reason for one in found.suspects if one.kind != "file"}
    assert reasons["equal_a"] == "their pixels are equal, but their masks are not"
    assert reasons["leak_a"] == "in Train and in Valid: their pixels are equal"
    assert reasons["thumbnail"].startswith("32x24 px: much smaller than the others (z ")
    assert "1/" in reasons["slip_of_the_brush"]


@pytest.mark.parametrize("conditions", [CLEAN_CONDITIONS, ("single-white", "single-texture")])
def test_a_clean_set_raises_few_alarms(tmp_path: Path, conditions: tuple[str, ...]) -> None:
    plan = Planted(tmp_path / "clean")
    for seed in range(50):
        condition = conditions[seed % len(conditions)]
        plan.add(f"photo_{seed}", *scene(2000 + seed, condition), valid=seed % 4 == 0)
    plan.write()
    result = drain(profile(plan.path, pictures=False))
    assert {one.kind for one in result.suspects} <= {"area"}
    alarms = {title for one in result.suspects for title in one.titles}
    assert len(alarms) <= ALARM_RATE * 50, result.suspects


def test_the_page_needs_nothing_else_and_runs_nothing(found: Profile, tmp_path: Path) -> None:
    target = tmp_path / "new/report.html"
    write_page(found, target)
    page = target.read_text(encoding="utf-8")
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!data:|#)([^"]*)', page) == []
    assert not re.findall(r"https?://|@import|url\(", page)
    assert "<h1>coins &amp; &lt;b&gt;rings</h1>" in page
    assert "<b>rings" not in page
    for kind, _ in keys(found):
        assert f'<section id="{kind}">' in page
        assert KINDS[kind][0] in page
    assert page.count("<svg") == 10


def test_the_suspects_have_pictures_with_their_mask(found: Profile) -> None:
    pictured = {title for title, _ in found.pictures}
    assert {"equal_a", "equal_b", "covers_all", "jpeg_mask_30", "lens_cap"} <= pictured
    assert not {"text", "cut_off", "other_size"} & pictured
    (address,) = (a for (title, _), a in found.pictures.items() if title == "lens_cap")
    prefix, _, data = address.partition(",")
    assert prefix == "data:image/jpeg;base64"
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert picture.shape == (120, 160, 3)
    assert picture.max() > 100  # the outlines: the photo itself is black


def test_json_has_everything_but_the_pictures(found: Profile) -> None:
    told = json.loads(json.dumps(found.as_dict()))
    assert told["summary"]["images"] == 71
    assert len(told["suspects"]) == len(found.suspects)
    assert len(told["summary"]["positions"]) == 32
    assert "jpeg;base64" not in json.dumps(told)


def test_datasets_in_one_folder_are_subsets(tmp_path: Path) -> None:
    for subset, seeds in (("train", (1, 2, 3)), ("valid", (3, 4))):
        plan = Planted(tmp_path / "all" / subset)
        for seed in seeds:
            plan.add(f"photo_{seed}", *scene(seed))
        plan.write()
        (plan.path / "ImageSets/Segmentation/Valid.txt").unlink()
    result = drain(profile(tmp_path / "all"))
    assert result.summary.subsets == {"train": 3, "valid": 2}
    assert keys(result) == {("leak", ("train/photo_3", "valid/photo_3"))}


def test_an_empty_place_is_refused_and_a_strangers_file_is_not_replaced(
    found: Profile, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError):
        drain(profile(tmp_path))
    page = tmp_path / "report.html"
    check_page(page, overwrite=False)
    write_page(found, page)
    check_page(page, overwrite=False)  # our own may be made anew
    page.write_text("<html>my thesis</html>")
    with pytest.raises(InputError, match="something at the target"):
        check_page(page, overwrite=False)
    check_page(page, overwrite=True)
    with pytest.raises(InputError, match="a folder is in the place"):
        check_page(tmp_path, overwrite=True)


def test_F46_a_cancelled_profile_leaves_nothing(planted: Planted) -> None:
    before = sorted(planted.path.rglob("*"))
    job = profile(planted.path)
    steps = [next(job) for _ in range(5)]
    job.close()
    assert [step.done for step in steps] == [0, 1, 2, 3, 4]
    assert sorted(planted.path.rglob("*")) == before
