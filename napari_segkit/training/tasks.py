"""What can be trained: how images become crops, what the network is, how it is judged."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np

from napari_segkit.errors import InputError
from napari_segkit.ops.resizing import pad_square
from napari_segkit.training.augment import LOOK, TONE, TURNS, VIEWS, changed, window
from napari_segkit.training.scores import ClassScores, ObjectScores

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from torchvision.transforms import v2

    from napari_segkit.training.config import LossName
    from napari_segkit.training.scores import Scores
    from napari_segkit.training.store import Item

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Task(ABC):
    """A model that can be trained.

    Attributes
    ----------
    id
        Of the model.
    classes
        Names in the order of the target's values from 1.
    channels
        Of the logits: 1 = sigmoid, more = softmax with the background first.
    size
        Side of a crop in pixels.
    """

    id: str
    classes: tuple[str, ...]
    channels: int
    size: int
    loss: LossName
    threshold: float = 0.5
    steps: ClassVar[tuple[v2.Compose, ...]]

    def prepare(self, item: Item) -> Item:
        """The form in which an image is kept for training."""
        return item

    @abstractmethod
    def crop(
        self, item: Item, rng: np.random.Generator, *, size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A training crop (size, size, 3) and its target (size, size)."""

    def sample(
        self, item: Item, rng: np.random.Generator, *, size: int, augment: bool
    ) -> tuple[Tensor, Tensor]:
        """(3, size, size) and (size, size) uint8; torch's generator has been seeded."""
        image, target = self.crop(item, rng, size=size)
        return changed(image, target, self.steps if augment else ())

    @abstractmethod
    def scores(self) -> Scores:
        """What collects the measures of predicted images."""

    def decide(self, chances: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Class map (H, W) of probabilities (C, H, W)."""
        classes = chances[0] >= self.threshold if self.channels == 1 else chances.argmax(0)
        return np.asarray(classes, np.uint8)


class DustTask(Task):
    """Small objects at native scale: half of the crops are centred on one."""

    steps = (TURNS, TONE)

    def crop(
        self, item: Item, rng: np.random.Generator, *, size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Cut a square of 1/1.5 to 1/0.5 of the size."""
        side = round(size / math.exp(rng.uniform(math.log(0.5), math.log(1.5))))
        side = min(side, max(item.target.shape))
        if len(item.centres) and rng.random() < 0.5:
            shift = rng.integers(-side // 3, side // 3 + 1, 2)
            row, col = item.centres[rng.integers(len(item.centres))] + shift
        else:
            row, col = rng.integers(0, item.target.shape)
        return window(item.image, item.target, centre=(int(row), int(col)), side=side, size=size)

    def scores(self) -> Scores:
        """Object scores."""
        return ObjectScores()


class EggPanTask(Task):
    """Whole scenes: padded to a square and scaled to the size of the crop."""

    steps = (VIEWS, LOOK)

    def prepare(self, item: Item) -> Item:
        """Pad with black to a square, the image in its middle, and scale to the task's size."""
        image, target = pad_square(item.image), pad_square(item.target)
        side = len(target)
        how = cv2.INTER_AREA if side > self.size else cv2.INTER_LINEAR
        shape = (self.size, self.size)
        small = cv2.resize(target, shape, interpolation=cv2.INTER_NEAREST_EXACT)
        return replace(
            item,
            image=cv2.resize(image, shape, interpolation=how),
            target=small,
            ids=small.astype(np.int32),
            centres=item.centres[:0],
        )

    def crop(
        self, item: Item, rng: np.random.Generator, *, size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The whole scene."""
        return item.image, item.target

    def scores(self) -> Scores:
        """IoU of each class."""
        return ClassScores(self.classes)


TASKS: dict[str, Task] = {
    "dust": DustTask("dust", ("dust",), 1, 256, "bce", threshold=0.3),
    "eggpan": EggPanTask("eggpan", ("egg", "pan"), 3, 256, "dice-ce"),
}


def get_task(model_id: str) -> Task:
    """The task of a model.

    Raises
    ------
    InputError
        Where the model cannot be trained.
    """
    if model_id not in TASKS:
        raise InputError("model cannot be trained", expected=", ".join(TASKS), got=model_id)
    return TASKS[model_id]
