"""Generated dust: the same seed is the same picture, and masks mark what can be seen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_segkit.synth import dust_shapes
from napari_segkit.synth.dust import Dust, DustOptions
from napari_segkit.synth.dust_lookalikes import LOOKALIKES
from napari_segkit.synth.dust_marks import Mark, instances, lay, prepare
from napari_segkit.synth.dust_scans import from_scans
from napari_segkit.synth.grounds import GROUNDS, photo, photo_source

DUSTY = DustOptions(size=192, clean=0)
ARTEFACTS = Path(__file__).parents[3] / "shared" / "data" / "film_damage"


def test_same_seed_same_pixels() -> None:
    for seed in (0, 1, 2):
        first, second = Dust().generate(seed, DUSTY), Dust().generate(seed, DUSTY)
        assert np.array_equal(first.image, second.image)
        assert np.array_equal(first.labels, second.labels)
    assert not np.array_equal(Dust().generate(3, DUSTY).image, first.image)


def test_images_are_uint8_rgb_and_ids_run_without_gaps() -> None:
    for seed in range(8):
        one = Dust().generate(seed, DUSTY)
        assert one.image.shape == (192, 192, 3)
        assert one.image.dtype == np.uint8
        assert one.labels.shape == (192, 192)
        assert one.labels.dtype == np.int32
        ids = np.unique(one.labels[one.labels > 0])
        assert ids.tolist() == list(range(1, len(ids) + 1)) == sorted(one.class_of)


def test_clean_images_have_no_labels_whatever_looks_like_dust() -> None:
    for seed in range(10):
        assert not Dust().generate(seed, DustOptions(size=160, clean=1)).labels.any()


def test_most_dusty_images_have_dust() -> None:
    options = DustOptions(size=320, clean=0)  # on small ones there is often no place to see it
    found = [Dust().generate(seed, options).labels.max() > 0 for seed in range(20)]
    assert np.mean(found) > 0.6


@pytest.mark.parametrize("name", sorted(GROUNDS))
def test_grounds_are_display_pictures_of_any_shape(name: str) -> None:
    for shape in ((64, 97), (200, 150)):
        picture = GROUNDS[name](shape, np.random.default_rng(5))
        assert picture.shape == (*shape, 3)
        assert picture.dtype == np.float32
        assert picture.min() >= 0
        assert picture.max() <= 1


@pytest.mark.parametrize("name", sorted(LOOKALIKES))
def test_lookalikes_change_the_picture(name: str) -> None:
    rng = np.random.default_rng(2)
    picture = np.full((200, 200, 3), 0.6, np.float32)
    for _ in range(5):
        LOOKALIKES[name](picture, rng)
    assert np.abs(picture - 0.6).max() > 0.05


def _lay(opacity: float, tone: float, *, noise: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """Change of brightness and mask of a spot of radius 6 in the middle of a gray picture."""
    rng = np.random.default_rng(1)
    before = (0.5 + noise * rng.standard_normal((96, 96, 3))).astype(np.float32)
    sheet = prepare(before.copy(), later_noise=0.0)
    lay(sheet, Mark(dust_shapes.spot(6, rng), np.full(3, tone, np.float32), opacity), (48, 48))
    return (sheet.picture - before).mean(axis=2), sheet.mask


@pytest.mark.parametrize("tone", [0.0, 1.0])
def test_masks_agree_with_the_pixels_that_changed(tone: float) -> None:
    change, mask = _lay(0.5, tone)
    assert 60 < mask.sum() < 250
    assert (np.sign(change[mask]) == (1 if tone else -1)).all()
    assert np.abs(change[mask]).min() > 3 * np.abs(change[~mask]).mean()
    assert np.abs(change[mask]).sum() > 0.8 * np.abs(change).sum()


def test_dust_that_nobody_can_see_is_not_labelled() -> None:
    assert not _lay(0.03, 0.0, noise=0.1)[1].any()
    assert not _lay(0.03, 0.0, noise=0.001)[1].any()  # 4 of 255
    assert _lay(0.09, 0.0, noise=0.001)[1].any()  # 11 of 255


def test_specks_have_the_sizes_of_scanned_ones() -> None:
    """Scans: the middle of dust is 54 px², long sides from 8 to 20 px."""
    rng = np.random.default_rng(0)
    areas = [(dust_shapes.speck(9, rng) > 0.3).sum() for _ in range(50)]
    assert 25 < np.median(areas) < 80


def test_hairs_are_long_and_thin() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        alpha = dust_shapes.hair(100, rng)
        assert 60 < (alpha > 0.3).sum() < 500
        count, _ = cv2.connectedComponents((alpha > 0.15).astype(np.uint8), connectivity=8)
        assert count == 2  # one piece


def test_touching_marks_are_one_instance_and_crumbs_are_none() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:5, 2:5] = mask[5:8, 5:8] = True  # touch at a corner
    mask[15, 15] = True
    assert instances(mask).max() == 1
    assert instances(mask)[15, 15] == 0


@pytest.mark.skipif(not ARTEFACTS.is_dir(), reason="film damage is not at hand")
def test_held_out_artefacts_are_others() -> None:
    seen = [
        {from_scans(ARTEFACTS, np.random.default_rng(s), held_out=h).tobytes() for s in range(40)}
        for h in (False, True)
    ]
    assert not seen[0] & seen[1]
    pictures = [
        Dust().generate(s, DustOptions(size=192, clean=0, artefacts=ARTEFACTS)) for s in range(6)
    ]
    own = [Dust().generate(s, DUSTY) for s in range(6)]
    assert any(not np.array_equal(a.image, b.image) for a, b in zip(pictures, own, strict=True))


def test_a_broken_mark_is_one_object_and_crumbs_are_not_painted() -> None:
    alpha = np.zeros((40, 60), np.float32)
    alpha[10:20, 5:25] = alpha[10:20, 26:40] = 1  # a gap of one pixel
    alpha[30:32, 50:52] = 1  # a crumb
    sheet = prepare(np.full((96, 96, 3), 0.5, np.float32), later_noise=0.0)
    assert lay(sheet, Mark(alpha, np.zeros(3, np.float32), 1.0), (48, 48))
    assert instances(sheet.mask).max() == 1
    assert np.allclose(sheet.picture[~cv2.dilate(sheet.mask.view(np.uint8), None).view(bool)], 0.5)


def test_marks_keep_a_distance_from_each_other() -> None:
    sheet = prepare(np.full((96, 96, 3), 0.5, np.float32), later_noise=0.0)
    mark = Mark(dust_shapes.spot(5, np.random.default_rng(0)), np.zeros(3, np.float32), 0.8)
    assert lay(sheet, mark, (40, 48))
    assert not lay(sheet, mark, (46, 48))
    assert lay(sheet, mark, (70, 48))
    assert instances(sheet.mask).max() == 2


def test_own_photos_are_grounds_and_every_fourth_is_kept_for_evaluation(tmp_path: Path) -> None:
    for number in range(8):
        picture = np.full((300, 400, 3), 20 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), picture)
    source = photo_source(tmp_path, held_out=True)
    assert [path.name for path in source.own] == ["3.jpg", "7.jpg"]
    assert len(photo_source(tmp_path, held_out=False).own) == 6
    assert not photo_source(None, held_out=True).own
    rng = np.random.default_rng(0)
    tones = {round(float(photo((64, 64), rng, source=source).std()), 2) for _ in range(20)}
    assert 0.0 in tones, "a part of one of them"
