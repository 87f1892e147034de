"""Tasks of networks that give every pixel a class: dust, eggs and pans."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import cv2
import numpy as np
import torch

from napari_segkit.data.weights_card import Normalisation
from napari_segkit.ops.resizing import pad_square
from napari_segkit.training.augment import LOOK, TONE, TURNS, VIEWS, changed, window
from napari_segkit.training.encoder import hold_encoder, still_norms
from napari_segkit.training.losses import seg_loss
from napari_segkit.training.network import make_network, network_spec
from napari_segkit.training.predicting import MEAN, STD, normalised, predict_map
from napari_segkit.training.scores import ClassScores, ObjectScores
from napari_segkit.training.store import without_ids
from napari_segkit.training.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray
    from torch import Tensor, nn
    from torchvision.transforms import v2

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.training.config import LossName, TrainConfig
    from napari_segkit.training.scores import Scores
    from napari_segkit.training.store import Item

    Crop = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class DenseTask(Task):
    """A network that gives each pixel a class.

    Attributes
    ----------
    channels
        Of the logits: 1 = sigmoid, more = softmax with the background first.
    encoder_rate
        Below 1 the norms of the network's encoder stay as they are; at 0 all of it.
    """

    channels: int = 1
    loss_name: LossName = "bce"
    threshold: float = 0.5
    encoder_rate: float = 1.0
    steps: ClassVar[tuple[v2.Compose, ...]]

    def configured(self, config: TrainConfig) -> Self:
        """Size and the encoder's share of the rate."""
        return replace(super().configured(config), encoder_rate=config.encoder_rate)

    def continued(self, config: TrainConfig, card: WeightsCard) -> TrainConfig:
        """Their architecture, unless another one is named."""
        if config.arch is not None or card.model != self.id:
            return config
        wanted = {**card.arch_config, **config.arch_config}
        return config.model_copy(update={"arch": card.arch, "arch_config": wanted})

    def learning(self, net: nn.Module) -> None:
        """All of it but, with a rate of its own, the encoder's norms."""
        net.train()
        still_norms(net, self.encoder_rate)

    def lean(self, item: Item) -> Item:
        """Without the objects' ids."""
        return without_ids(item)

    @abstractmethod
    def crop(
        self, item: Item, rng: np.random.Generator, *, size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A training crop (size, size, 3) and its target (size, size)."""

    def sample(self, item: Item, rng: np.random.Generator, *, config: TrainConfig) -> Crop:
        """(3, size, size) and (size, size) uint8."""
        image, target = self.crop(item, rng, size=config.size or self.size)
        return changed(image, target, self.steps if config.augment else ())

    def parts(self, batch: Crop, count: int) -> Iterator[tuple[Crop, float]]:
        """Cut along the first axis."""
        whole = len(batch[0])
        for images, targets in zip(*(part.chunk(count) for part in batch), strict=True):
            yield (images, targets), len(images) / whole

    def network(self, config: TrainConfig) -> nn.Module:
        """The configured architecture, untrained.

        Raises
        ------
        ParamsError
            Where an encoder's rate is given and there is no encoder.
        """
        net = make_network(self, config)
        hold_encoder(net, config.encoder_rate, where=network_spec(self, config).arch)
        return net

    def loss(self, net: nn.Module, batch: Crop, config: TrainConfig) -> Tensor:
        """The configured loss."""
        device = next(net.parameters()).device
        images, targets = (part.to(device) for part in batch)
        weights = None
        if config.class_weights:
            weights = torch.tensor(config.class_weights, device=device)
        return seg_loss(config.loss or self.loss_name, net(normalised(images)), targets, weights)

    def found(self, net: nn.Module, item: Item) -> NDArray[np.uint8]:
        """Class map of the whole image."""
        return predict_map(net, self, item.image)

    def decide(self, chances: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Class map (H, W) of probabilities (C, H, W)."""
        classes = chances[0] >= self.threshold if self.channels == 1 else chances.argmax(0)
        return np.asarray(classes, np.uint8)

    def card_facts(self, config: TrainConfig) -> dict[str, Any]:
        """Architecture, normalisation, sizes."""
        spec = network_spec(self, config)
        return {
            "arch": spec.arch,
            "arch_config": dict(spec.config),
            "classes": self.classes,
            "normalisation": Normalisation(mean=MEAN, std=STD),
            "input_size": config.size or self.size,
            "threshold": self.threshold,
        }


class DustTask(DenseTask):
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


class EggPanTask(DenseTask):
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
