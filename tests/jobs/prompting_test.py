"""One instance is changed by a promptable model, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_segkit.data.embeddings import EmbeddingCache
from napari_segkit.errors import ModelError, PromptError
from napari_segkit.jobs import drain
from napari_segkit.jobs.prompting import is_promptable, refine_with
from napari_segkit.models.coins import Coins
from napari_segkit.models.rings import RingParams, Rings
from napari_segkit.types import Prompts
from tests.models.tiny import tiny_base

PARAMS = RingParams(adapter="none", smallest=1)


class Answers:
    """A model that answers what it was told to, and remembers what it was asked."""

    id = "answers"

    def __init__(self, answer: np.ndarray) -> None:
        self.answer, self.asked = answer, []

    def refine(self, image, start, prompts, params):
        self.asked.append((start, prompts))
        yield from ()
        return self.answer


@pytest.fixture
def labels() -> np.ndarray:
    made = np.zeros((40, 60), np.int32)
    made[10:20, 10:20], made[10:20, 22:30] = 3, 5
    return made


IMAGE = np.zeros((40, 60, 3), np.uint8)


def clicks(*rows: tuple[float, float, int]) -> Prompts:
    table = np.array(rows, np.float32).reshape(-1, 3)
    return Prompts(points=table[:, :2], point_labels=table[:, 2].astype(np.int32))


def test_only_the_instance_changes_and_only_in_its_region(labels: np.ndarray) -> None:
    model = Answers(np.ones((40, 60), bool))
    delta = drain(refine_with(model, PARAMS, labels, IMAGE, 3, clicks((15, 15, 1))))
    after = labels.copy()
    delta.apply(after)
    assert (after[labels == 5] == 5).all()
    assert (after[2:28, 2:22] == 3).all()
    assert (after[30:] == 0).all()
    ((start, prompts),) = model.asked
    assert np.array_equal(start, labels == 3)
    assert prompts.points.tolist() == [[15, 15]]


def test_what_the_model_takes_away_becomes_background(labels: np.ndarray) -> None:
    model = Answers(np.zeros((40, 60), bool))
    delta = drain(refine_with(model, PARAMS, labels, IMAGE, 5, clicks((25, 15, 0))))
    assert delta.pixels == 80
    assert set(np.unique(delta.after)) <= {0, 3}


def test_a_box_begins_a_new_instance(labels: np.ndarray) -> None:
    model = Answers(np.pad(np.ones((6, 6), bool), ((30, 4), (40, 14))))
    box = Prompts(boxes=np.array([[40, 30, 46, 36]], np.float32))
    delta = drain(refine_with(model, PARAMS, labels, IMAGE, 9, box))
    assert (delta.after == 9).sum() == 36
    assert not model.asked[0][0].any()


def test_nothing_to_start_from_and_a_wrong_size_are_refused(labels: np.ndarray) -> None:
    model = Answers(np.zeros((4, 6), bool))
    with pytest.raises(PromptError, match="nothing to refine"):
        drain(refine_with(model, PARAMS, labels, IMAGE, 9, Prompts()))
    with pytest.raises(ModelError, match="another size"):
        drain(refine_with(model, PARAMS, labels, IMAGE, 3, Prompts()))


def test_the_ring_model_can_be_asked_so(tmp_path: Path, labels: np.ndarray) -> None:
    assert is_promptable(Rings)
    assert not is_promptable(Coins)
    model = Rings(EmbeddingCache())
    model.load(tiny_base(tmp_path))
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    first = drain(refine_with(model, PARAMS, labels, image, 3, clicks((12, 12, 1))))
    drain(refine_with(model, PARAMS, labels, image, 5, clicks((25, 12, 0))))
    again = drain(refine_with(model, PARAMS, labels, image, 3, clicks((12, 12, 1))))
    assert np.array_equal(first.after, again.after), "nothing of the other one came along"
