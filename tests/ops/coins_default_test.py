from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from napari_segkit.jobs import drain
from napari_segkit.ops.coins_default import CoinOutline, Search, find_coins, paint

ELLIPSES = Path(__file__).parents[2] / "benchmarks" / "data" / "skimage_coins_ellipses.json"


def photo(
    *coins: tuple[float, float, float],
    size: tuple[int, int] = (240, 320),
    metal: tuple[int, int, int] = (190, 150, 90),
    noise: float = 5,
    squash: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Discs x, y, radius with an embossed ring on a dark ground, and their labels."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: size[0], : size[1]]
    image = np.full((*size, 3), (50, 60, 80), float)
    labels = np.zeros(size, np.int32)
    for k, (cx, cy, r) in enumerate(coins, 1):
        distance = np.hypot(x - cx, (y - cy) / squash)
        image[distance < r] = metal
        image[(distance < 0.75 * r) & (distance > 0.7 * r)] *= 0.7
        labels[distance < r] = k
    image = cv2.GaussianBlur(image, (0, 0), 0.8) + rng.normal(0, noise, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8), labels


def found(image: np.ndarray, boxes: np.ndarray | None = None, **search: float) -> np.ndarray:
    coins = drain(find_coins(image, Search(**search), boxes))
    return paint(coins, image.shape[:2])


def ious(labels: np.ndarray, truth: np.ndarray) -> list[float]:
    """IoU of each true coin with the instance at its middle pixel."""
    out = []
    for k in range(1, truth.max() + 1):
        mask = truth == k
        ids, counts = np.unique(labels[mask], return_counts=True)
        best = ids[np.argmax(np.where(ids > 0, counts, -1))]
        other = (labels == best) & (best > 0)
        out.append(float((mask & other).sum() / (mask | other).sum()))
    return out


@pytest.mark.parametrize(
    "coins",
    [
        pytest.param([(160, 120, 90)], id="one"),
        pytest.param([(60, 60, 38), (180, 70, 45), (90, 170, 40), (240, 180, 38)], id="several"),
        pytest.param([(90, 120, 50), (190, 120, 50), (140, 205, 48)], id="touching"),
        pytest.param([(10, 120, 70), (300, 60, 60)], id="cut by the frame"),
        pytest.param([(160, 120, 119)], id="fills the frame"),
    ],
)
def test_every_coin_is_one_instance(coins: list[tuple[float, float, float]]) -> None:
    image, truth = photo(*coins)
    labels = found(image)
    assert labels.max() == len(coins)
    assert min(ious(labels, truth)) > 0.96


def test_oblique_coins() -> None:
    image, truth = photo((80, 120, 50), (220, 100, 55), squash=0.65)
    labels = found(image)
    assert labels.max() == 2
    assert min(ious(labels, truth)) > 0.95


def test_small_coins_in_a_large_photo() -> None:
    coins = [(300 + 500 * k, 400 + 130 * k, 60 + 5 * k) for k in range(4)]
    image, truth = photo(*coins, size=(1500, 2000))
    labels = found(image)
    assert labels.max() == 4
    assert min(ious(labels, truth)) > 0.97


def test_a_card_and_a_pen_are_left_alone() -> None:
    image, truth = photo((80, 120, 45))
    image[40:130, 170:300] = (220, 220, 225)
    cv2.line(image, (150, 220), (310, 170), (20, 20, 160), 9, cv2.LINE_AA)
    labels = found(image)
    assert labels.max() == 1
    assert ious(labels, truth)[0] > 0.96


def test_all_24_coins_of_scikit_image() -> None:
    image = np.dstack([data.coins()] * 3)
    truth = np.zeros(image.shape[:2], np.int32)
    for k, e in enumerate(json.loads(ELLIPSES.read_text())["ellipses"], 1):
        box = ((e["cx"], e["cy"]), (2 * e["a"], 2 * e["b"]), e["angle"])
        cv2.ellipse(truth, box, k, cv2.FILLED)
    labels = found(image)
    assert labels.max() == 24
    assert min(ious(labels, truth)) >= 0.9


def test_boxes_limit_the_search() -> None:
    image, truth = photo((60, 60, 38), (180, 70, 45), (240, 180, 38))
    labels = found(image, np.array([[130, 20, 230, 120]], np.float32))
    assert labels.max() == 1
    assert ious(labels, truth)[1] > 0.96


def test_a_coin_in_two_boxes_is_one_coin() -> None:
    image, _ = photo((60, 60, 38), (180, 70, 45))
    boxes = np.array([[130, 20, 230, 120], [128, 22, 232, 121], [20, 20, 100, 100]], np.float32)
    assert found(image, boxes).max() == 2


def test_sizes_can_be_limited() -> None:
    image, truth = photo((80, 120, 30), (220, 120, 60))
    assert found(image, min_diameter=0.3).max() == 1
    small = found(image, max_diameter=0.3)
    assert small.max() == 1
    assert ious(small, truth)[0] > 0.95


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (7, 9), (8, 8), (13, 200), (97, 131)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_nothing_is_found_where_nothing_is(size: tuple[int, int], value: int) -> None:
    assert not found(np.full((*size, 3), value, np.uint8)).any()


def test_noise_has_no_coins_and_does_not_crash() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (150, 200, 3)).astype(np.uint8)
    assert (found(noise) > 0).mean() < 0.2


def test_same_result_twice() -> None:
    image, _ = photo((60, 60, 38), (180, 70, 45), noise=20)
    np.testing.assert_array_equal(found(image), found(image))


def test_scores_are_shares_and_tell_a_clear_rim_from_a_faint_one() -> None:
    clear = drain(find_coins(photo((160, 120, 60))[0], Search()))
    faint = drain(find_coins(photo((160, 120, 60), metal=(62, 70, 88))[0], Search()))
    assert 0.8 < clear[0].score <= 1
    assert all(coin.score < clear[0].score for coin in faint)


def test_later_coins_cover_earlier_ones() -> None:
    square = np.array([[2, 2], [20, 2], [20, 20], [2, 20]], np.float32)
    labels = paint([CoinOutline(square, 0.5), CoinOutline(square + 5, 0.9)], (40, 40))
    assert labels[4, 4] == 1
    assert labels[12, 12] == 2


def test_it_reports_progress_and_can_be_stopped() -> None:
    job = find_coins(photo((60, 60, 20), (180, 70, 21))[0], Search())
    assert next(job).done == 0
    assert next(job).done == 1
    job.close()


def test_a_coin_under_another_is_found_and_covered() -> None:
    image, truth = photo((130, 120, 55), (200, 120, 55))
    labels = found(image)
    assert labels.max() == 2
    assert min(ious(labels, truth)) > 0.9


def test_many_overlapping_boxes_stay_fast_and_give_one_coin_each() -> None:
    image, _ = photo((60, 60, 38), (180, 70, 45))
    boxes = np.array([[130 + k, 20, 230 + k, 120] for k in range(20)], np.float32)
    assert found(image, boxes).max() == 1
