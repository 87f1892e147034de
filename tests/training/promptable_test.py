"""Lessons hold what they promise; the network learns from them; metrics see holes and borders."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_segkit.nets.sam_small import SmallSamConfig, build_small_sam
from napari_segkit.training.promptable import (
    corrected,
    normal_pixels,
    origin_loss,
    prompt_loss,
    single_loss,
    step,
)
from napari_segkit.training.promptable_clicks import CLICKS, asked_again
from napari_segkit.training.promptable_metrics import holes_of, score_mask, summary
from napari_segkit.training.promptable_samples import (
    MODES,
    draw_lesson,
    jittered,
    origin_lesson,
)

TINY = SmallSamConfig(
    image_size=64, widths=(8, 16, 16), width=32, depth=1, heads=2, channels=16, decoder_heads=2
)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A bright ring and a bright square on dark noise."""
    y, x = np.mgrid[:90, :120]
    far = np.hypot(y - 40, x - 40)
    labels = np.zeros((90, 120), np.int32)
    labels[(far < 30) & (far > 16)] = 1
    labels[30:70, 80:110] = 2
    image = np.random.default_rng(0).integers(0, 60, (90, 120, 3)).astype(np.uint8)
    image[labels > 0] += 150
    return image, labels


@pytest.mark.parametrize("mode", MODES)
def test_a_lesson_holds_prompts_of_its_mode_inside_of_the_crop(mode: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        lesson = draw_lesson(*scene(), rng, size=64, mode=mode, evidence=False)
        assert lesson is not None
        count = len(lesson.targets)
        height, width = lesson.shape
        assert lesson.image.shape == (64, 64, 3)
        assert max(lesson.shape) == 64
        assert not lesson.targets[:, height:].any()
        assert not lesson.targets[:, :, width:].any()
        assert (lesson.boxes is None) == (mode == "clicks")
        assert (lesson.points is not None) == (mode != "box")
        assert (lesson.masks is not None) == (mode == "mask")
        if lesson.boxes is not None:
            assert (lesson.boxes >= 0).all()
            assert (lesson.boxes[:, 2] <= width).all()
            assert (lesson.boxes[:, 3] <= height).all()
        if lesson.points is not None and lesson.labels is not None:
            assert lesson.points.shape == (count, CLICKS, 2)
            for target, at, marks in zip(lesson.targets, lesson.points, lesson.labels, strict=True):
                for (px, py), mark in zip(at.astype(int), marks, strict=True):
                    assert mark == -1 or target[py, px] == bool(mark)
            assert mode != "clicks" or (lesson.labels == 1).any(axis=1).all()


def test_boxes_are_drawn_anew_and_lessons_repeat_with_their_seed() -> None:
    mask = scene()[1] == 2
    drawn = {tuple(jittered(mask, np.random.default_rng(k), mask.shape)) for k in range(9)}
    assert len(drawn) == 9
    widest = np.array([80, 30, 110, 70]) + 4.01 * np.array([-1, -1, 1, 1])
    assert all((np.array(box) * (-1, -1, 1, 1) <= widest * (-1, -1, 1, 1)).all() for box in drawn)
    first, again = (draw_lesson(*scene(), np.random.default_rng(5), size=64) for _ in range(2))
    assert first is not None
    assert again is not None
    assert np.array_equal(first.image, again.image)
    assert draw_lesson(scene()[0], scene()[1] * 0, np.random.default_rng(0), size=64) is None


def test_boxes_of_two_images_are_learned_by_heart() -> None:
    """Without the evidence of colours: from boxes and pixels alone."""
    torch.manual_seed(0)
    lessons = [
        draw_lesson(*scene(), np.random.default_rng(k), size=64, mode="box", evidence=False)
        for k in range(2)
    ]
    sam = build_small_sam(TINY).train()
    optimiser = torch.optim.AdamW(sam.parameters(), 3e-3)
    ious = []
    for _ in range(110):
        result = step(sam, [lesson for lesson in lessons if lesson is not None])
        optimiser.zero_grad()
        result.loss.backward()
        torch.nn.utils.clip_grad_norm_(sam.parameters(), 1.0)
        optimiser.step()
        ious.append(result.iou)
    assert np.mean(ious[:3]) < 0.5
    assert np.mean(ious[-3:]) > 0.8


def test_the_loss_is_least_for_the_truth_and_counts_the_best_candidate() -> None:
    target = torch.zeros(1, 1, 8, 8)
    target[..., 2:6, 2:6] = 1
    right = (target * 2 - 1).expand(1, 4, 8, 8) * 20
    one = torch.ones(1, 4)
    perfect, iou = prompt_loss(right, one, target)
    assert float(perfect) < 0.01
    assert float(iou) == 1
    wrong = right.clone()
    wrong[:, 1:3] *= -1  # two of three candidates
    assert float(prompt_loss(wrong, one, target)[0]) < 0.15
    assert float(prompt_loss(-right, one, target)[0]) > 10


def test_metrics_see_holes_and_borders() -> None:
    y, x = np.mgrid[:100, :100]
    far = np.hypot(y - 50, x - 50)
    ring, disc = (far < 40) & (far > 25), far < 40
    assert np.array_equal(holes_of(ring), far <= 25)
    perfect = score_mask(ring, ring)
    assert (perfect.dice, perfect.iou, perfect.boundary_iou, perfect.hole_iou) == (1, 1, 1, 1)
    filled = score_mask(ring, disc)
    assert filled.hole_iou == 0
    assert filled.iou == pytest.approx(ring.sum() / disc.sum())
    assert filled.dice == pytest.approx(2 * ring.sum() / (ring.sum() + disc.sum()))
    assert math.isnan(score_mask(disc, disc).hole_iou)
    rough = score_mask(disc, far < 38)
    assert rough.boundary_iou < rough.iou
    total = summary([perfect, filled, score_mask(disc, disc)])
    assert (total.count, total.holes, total.hole_iou) == (3, 2, 0.5)
    assert total.worst_decile == filled.iou
    assert math.isnan(summary([]).iou)


def test_prompts_come_with_the_evidence_of_their_colours() -> None:
    lesson = draw_lesson(*scene(), np.random.default_rng(3), size=64, mode="box")
    assert lesson is not None
    assert lesson.masks is not None
    assert lesson.masks.shape == (len(lesson.targets), 32, 32)
    small = lesson.targets[:, ::2, ::2]
    right = (lesson.masks > 0) == small
    assert right[:, : lesson.shape[0] // 2, : lesson.shape[1] // 2].mean() > 0.9
    assert (lesson.masks[:, lesson.shape[0] // 2 + 1 :] < 0).all()


def test_origin_mode_asks_by_boxes_of_the_whole_image() -> None:
    image, labels = scene()
    lesson = origin_lesson(image, labels, np.random.default_rng(0), size=64, evidence=False)
    assert lesson.shape == (48, 64)
    assert lesson.targets.shape == (2, 90, 120)
    assert lesson.boxes is not None
    grown = lesson.boxes * (120 / 64) * (-1, -1, 1, 1) - np.array(
        [[-10, -10, 70, 70], [-80, -30, 110, 70]]
    )
    assert (grown >= -1.5).all()
    assert (grown <= 19.5).all()
    perfect = torch.full((2, 1, 32, 32), -30.0)
    rows, columns = (np.arange(24) + 0.5) * 90 / 24, (np.arange(32) + 0.5) * 120 / 32
    half = lesson.targets[:, rows.astype(int)][:, :, columns.astype(int)]
    perfect[:, 0, :24] = torch.from_numpy(half * 60.0 - 30.0)
    assert float(origin_loss(perfect, lesson).max()) < 0.1
    assert float(origin_loss(-perfect, lesson).min()) > 0.5
    crop = draw_lesson(image, labels, np.random.default_rng(0), size=64, mode="box")
    assert crop is not None
    truth = torch.from_numpy(crop.targets[:, None, ::2, ::2] * 60.0 - 30.0)
    assert (single_loss(truth, crop) < single_loss(-truth, crop)).all()


def test_an_answer_gets_a_click_where_it_is_most_wrong() -> None:
    lesson = draw_lesson(*scene(), np.random.default_rng(0), size=64, mode="clicks")
    assert lesson is not None
    assert not lesson.boxed
    nothing = np.zeros_like(lesson.targets)
    again = asked_again(lesson, nothing, np.random.default_rng(0), last=False)
    assert again.rounds == 0
    assert again.points is not None
    assert again.labels is not None
    assert again.points.shape == (len(nothing), CLICKS + 1, 2)
    for target, at, mark in zip(lesson.targets, again.points, again.labels, strict=True):
        x, y = at[-1].astype(int)
        assert mark[-1] == 1
        assert target[y, x]
    everything = np.zeros_like(lesson.targets)
    everything[:, : lesson.shape[0], : lesson.shape[1]] = True
    third = asked_again(again, everything, np.random.default_rng(0), last=False)
    assert third.labels is not None
    assert (third.labels[:, -1] == 0).all()
    assert third.boxes is not None
    assert np.array_equal(third.boxes[0], [0, 0, lesson.shape[1], lesson.shape[0]])
    right = asked_again(lesson, lesson.targets, np.random.default_rng(0), last=True)
    assert right.labels is not None
    assert (right.labels[:, -1] == -1).all(), "nothing is wrong"


def test_a_drawn_box_stays_and_one_around_the_answer_moves_with_it() -> None:
    drawn = draw_lesson(*scene(), np.random.default_rng(1), size=64, mode="box and clicks")
    assert drawn is not None
    again = asked_again(drawn, np.zeros_like(drawn.targets), np.random.default_rng(0), last=False)
    assert np.array_equal(again.boxes, drawn.boxes)


def test_a_lesson_counts_after_its_rounds_and_repeats() -> None:
    torch.manual_seed(0)
    sam = build_small_sam(replace(TINY, evidence=True))
    lesson = draw_lesson(*scene(), np.random.default_rng(0), size=64, mode="clicks")
    assert lesson is not None
    asked = replace(lesson, rounds=3)
    pixels = normal_pixels(sam, [asked])
    embedding = sam.image_encoder(pixels)
    first, second = (corrected(sam, embedding, asked, pixels) for _ in range(2))
    assert first.rounds == 0
    assert first.points is not None
    assert first.points.shape[1] == CLICKS + 3
    assert np.array_equal(first.points, second.points)
    assert np.array_equal(first.masks, second.masks)
