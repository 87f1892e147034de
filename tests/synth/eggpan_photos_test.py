"""Photos under generated scenes: which are used, what their outlines mean, what is laid on them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from napari_segkit.errors import ImageError, InputError, ParamsError
from napari_segkit.synth import eggpan_photos
from napari_segkit.synth.eggpan import EggPan, EggPanOptions, make_scene
from napari_segkit.synth.eggpan_outlines import ListedPhoto, Photos, read_photos
from napari_segkit.synth.eggpan_photos import draw_photo, eggs_alone, photo_table, whole_photo
from napari_segkit.synth.eggpan_render import render
from napari_segkit.synth.eggpan_shells import shell_egg
from napari_segkit.synth.eggpan_stage import draw_eye, lay_table
from napari_segkit.synth.grounds import photo_source
from napari_segkit.synth.light import random_room

LISTED = ["a.webp", "b.webp", "c-1.webp", "c-2.webp", "d.webp", "e.webp"]


def _photo(path: Path, tone: int) -> str:
    rng = np.random.default_rng(tone)
    pixels = np.clip(rng.normal(tone, 20, (60, 80, 3)), 0, 255).astype(np.uint8)
    assert cv2.imwrite(str(path), pixels)
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six grounds, a pan with an egg, and their list."""
    photos = tmp_path / "photos"
    photos.mkdir()
    rows = ["# a comment", ""]
    for number, name in enumerate(LISTED):
        rows.append(f"{_photo(photos / name, 60 + 20 * number)}  here  {name}  ground")
    rows.append(f"{_photo(photos / 'stew.webp', 200)}  here  stew.webp  labelled")
    rows += ["  pan ellipse 500 375 300 200 0", "  egg 450 325 550 325 550 425 450 425"]
    rows.append("0123456789abcdef  here  absent.webp  ground")
    (tmp_path / "list.txt").write_text("\n".join(rows), encoding="utf-8")
    return photos


def test_what_a_list_keeps_is_never_learned_from(folder: Path) -> None:
    bare = f"{_photo(folder / '0.webp', 90)}  here  0.webp  kept\n"
    known = f"{_photo(folder / '1.webp', 95)}  here  1.webp  kept\n  egg 1 1 500 1 1 500\n"
    listing = folder.parent / "list.txt"
    listing.write_text(bare + known + listing.read_text(encoding="utf-8"), encoding="utf-8")
    used, kept = read_photos(folder, listing), read_photos(folder, listing, held_out=True)
    assert [one.path.name for one in used.grounds] == list(LISTED)
    assert [one.path.name for one in used.labelled] == ["stew.webp"]
    assert [one.path.name for one in kept.grounds] == ["0.webp"]
    assert [one.path.name for one in kept.labelled] == ["1.webp"]


def test_every_fourth_series_of_a_folder_is_kept(folder: Path) -> None:
    used, kept = read_photos(folder), read_photos(folder, held_out=True)
    assert [one.path.name for one in kept.grounds] == ["d.webp"]
    assert [one.path.name for one in used.grounds] == [*LISTED[:4], "e.webp", "stew.webp"]


def test_outlines_are_painted_in_thousandths_of_the_longer_side(folder: Path) -> None:
    (stew,) = read_photos(folder, folder.parent / "list.txt").labelled
    classes = stew.classes((60, 80, 3))
    assert classes[30, 40] == 1
    assert classes[30, 20] == 2
    assert classes[5, 5] == 0
    assert (stew.classes((600, 800)) == 2).mean() == pytest.approx((classes == 2).mean(), abs=0.02)


def test_whole_photos_are_as_they_are_or_of_other_colours(folder: Path) -> None:
    options = EggPanOptions(photos=folder, outlines=folder.parent / "list.txt", whole=True, size=40)
    made = [EggPan().generate(seed, options) for seed in range(12)]
    assert {one.image.shape for one in made} == {(30, 40, 3)}
    photos = read_photos(folder, folder.parent / "list.txt")
    small = {
        cv2.resize(one.pixels(), (40, 30), interpolation=cv2.INTER_AREA).tobytes()
        for one in photos.grounds + photos.labelled
    }
    assert 3 <= sum(one.image.tobytes() in small for one in made) <= 9
    known = [one for one in made if one.labels.any()]
    assert 3 <= len(known) <= 11, "some with outlines, some without"
    for one in known:
        assert set(one.class_of.values()) == {"egg", "pan"}


def test_photos_that_judge_keep_their_colours(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eggpan_photos, "_REPAINTED", 1.0)
    kept = f"{_photo(folder / '1.webp', 95)}  here  1.webp  kept\n  pan 1 1 500 1 1 500\n"
    listing = folder.parent / "list.txt"
    listing.write_text(kept + listing.read_text(encoding="utf-8"), encoding="utf-8")
    for held_out, folder_list in ((True, listing), (True, None), (False, listing), (False, None)):
        photos = read_photos(folder, folder_list, held_out=held_out)
        some = photos.grounds + photos.labelled
        own = {one.pixels().tobytes() for one in some}
        shown = [whole_photo(80, photos, np.random.default_rng(seed))[0] for seed in range(6)]
        assert {image.tobytes() in own for image in shown} == {held_out}


@pytest.mark.parametrize("cuttings", [False, True])
def test_parts_and_cuttings_are_shown_in_other_colours_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cuttings: bool
) -> None:
    monkeypatch.setattr(eggpan_photos, "_LABELLED", 0.0 if cuttings else 1.0)
    monkeypatch.setattr(eggpan_photos, "_CUTTINGS", 1.0 if cuttings else 0.0)
    (stew,) = read_photos(folder, folder.parent / "list.txt").labelled
    photos = Photos((ListedPhoto(folder / "a.webp", kept=True),), (stew,))
    tones = []
    for share in (0.0, 1.0):
        monkeypatch.setattr(eggpan_photos, "_REPAINTED", share)
        drawn = [draw_photo((48, 64), photos, np.random.default_rng(seed)) for seed in range(30)]
        tones.append([image[classes == 2].mean() for image, classes in drawn if 2 in classes])
    assert min(tones[1]) < 0.6 * min(tones[0])


@pytest.mark.parametrize("whole", [False, True])
def test_a_list_may_keep_none_but_photos_with_outlines(folder: Path, whole: bool) -> None:
    listing = folder.parent / "list.txt"
    text = listing.read_text(encoding="utf-8").replace("stew.webp  labelled", "stew.webp  kept")
    listing.write_text(text, encoding="utf-8")
    options = EggPanOptions(photos=folder, outlines=listing, held_out=True, whole=whole, size=64)
    shares = [(EggPan().generate(seed, options).labels > 0).mean() for seed in range(4)]
    assert min(shares) > 0.05


def test_whole_photos_without_photos_are_an_error() -> None:
    with pytest.raises(ParamsError, match="photos=FOLDER"):
        EggPan().generate(0, EggPanOptions(whole=True))


def test_without_a_list_all_are_grounds(folder: Path) -> None:
    photos = read_photos(folder)
    assert not photos.labelled
    assert not any(one.classes((8, 8)).any() for one in photos.grounds)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("0000  here  a.webp  ground", "another than listed"),
        ("{a}  here  a.webp  beach", "is no use"),
        ("{a}  here  a.webp  labelled\n  pan 1 2 3 4", "4 numbers"),
        ("{a}  here  a.webp  labelled\n  lid 1 2 3 4 5 6", "lid"),
        ("  pan 1 2 3 4 5 6", "list.txt:1"),
        ("0123  here  absent.webp  ground", "no photo"),
    ],
)
def test_a_list_that_does_not_fit_is_an_error(folder: Path, line: str, told: str) -> None:
    digest = hashlib.sha256((folder / "a.webp").read_bytes()).hexdigest()[:16]
    listing = folder.parent / "list.txt"
    listing.write_text(line.format(a=digest), encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_photos(folder, listing)


def test_the_same_seed_gives_the_same_pixels_and_photos_other_ones(folder: Path) -> None:
    photos = read_photos(folder, folder.parent / "list.txt")
    bare = known = 0
    for seed in range(20):
        image, classes = make_scene(seed, size=48, photos=photos)
        assert image.shape[:2] == classes.shape
        assert image.dtype == classes.dtype == np.uint8
        assert set(np.unique(classes)) <= {0, 1, 2}
        bare += not classes.any()
        known += bool((classes == 2).any())
        if seed < 3:
            again, _ = make_scene(seed, size=48, photos=photos)
            alone, _ = make_scene(seed, size=48)
            assert np.array_equal(image, again)
            assert image.shape == alone.shape
            assert not np.array_equal(image, alone)
    assert bare >= 2
    assert known >= 4


def test_a_scene_keeps_the_classes_of_the_photo_that_it_lies_on() -> None:
    rng = np.random.default_rng(0)
    eye = draw_eye((40, 60), rng, held_out=False)
    room, (table, _) = random_room(rng), lay_table(eye, rng, held_out=False, lift=0.0)
    classes = np.zeros((40, 60), np.uint8)
    classes[:, :30] = 2
    picture = (np.full((40, 60, 3), 120, np.uint8), classes)
    below = photo_table(table, picture, room)
    bare = render(eye, room, below, [])
    assert np.array_equal(bare.classes, classes)
    assert eggs_alone(bare, below, picture) is bare
    egg = render(eye, room, below, [shell_egg((0.0, 0.0, 0.0), rng)])
    alone = eggs_alone(egg, below, picture)
    assert (alone.classes == 1).any()
    assert np.array_equal(alone.classes != 1, egg.classes != 1)
    assert np.array_equal(alone.classes[egg.classes != 1], classes[egg.classes != 1])


def test_cuttings_bring_their_classes_along(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eggpan_photos, "_REPAINTED", 0.0)
    (stew,) = read_photos(folder, folder.parent / "list.txt").labelled
    photos = Photos((ListedPhoto(folder / "a.webp"),), (stew,))
    drawn = [draw_photo((48, 64), photos, np.random.default_rng(seed)) for seed in range(40)]
    shares = np.array([np.bincount(classes.ravel(), minlength=3) for _, classes in drawn])
    assert 5 < (shares[:, 1:].sum(axis=1) > 0).sum() < 30
    for image, classes in drawn:  # the ground is dark, the photo with the pan is bright
        dark = image.mean(axis=2) < 100
        assert (classes[dark] > 0).sum() <= 0.1 * dark.sum()


def test_the_generator_takes_a_folder(folder: Path) -> None:
    options = EggPanOptions(size=72, photos=folder, outlines=folder.parent / "list.txt")
    one = EggPan().generate(5, options)
    assert max(one.image.shape) == 72
    with pytest.raises(ValidationError):
        EggPanOptions(photo="x")  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", ["eggpan", "dust"])
def test_photos_of_every_kind_are_used_and_a_missing_folder_is_named(
    kind: str, tmp_path: Path
) -> None:
    for number, name in enumerate(["a.jpeg", "b.PNG", "c.tif", "d.jpg"]):
        _photo(tmp_path / name, 60 + 20 * number)
    found = {
        "eggpan": lambda folder: [one.path.name for one in read_photos(folder).grounds],
        "dust": lambda folder: [one.name for one in photo_source(folder, held_out=False).own],
    }[kind]
    assert found(tmp_path) == ["a.jpeg", "b.PNG", "c.tif"]
    with pytest.raises(ImageError, match="absent"):
        found(tmp_path / "absent")


def test_a_missing_list_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.txt"):
        read_photos(folder, folder / "absent.txt")
