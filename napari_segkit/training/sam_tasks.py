"""Tasks of promptable networks: the small base from nothing, an adapter on any base."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
from torch.nn import BatchNorm2d

from napari_segkit.data.weights_card import Normalisation
from napari_segkit.errors import DatasetError
from napari_segkit.nets.sam_small import PIXEL_MEAN, PIXEL_STD, SmallSamConfig, build_small_sam
from napari_segkit.training.encoder import hold_encoder, still_norms
from napari_segkit.training.promptable import Promptable
from napari_segkit.training.promptable_samples import Lesson, draw_lesson
from napari_segkit.training.promptable_scores import PromptScores, judge
from napari_segkit.training.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from napari_segkit.data.weights import Tensors
    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.store import Item

SMALL = "sam-segkit-s"
_TRIES = 30


@dataclass(frozen=True)
class PromptTask(Task):
    """A SAM, asked for single objects; ``evidence``: by prompts with that of their colours."""

    evidence: bool = False

    def configured(self, config: TrainConfig) -> Self:
        """Size and evidence."""
        return replace(super().configured(config), evidence=config.evidence)

    def prepare(self, item: Item) -> Item:
        """Keep the objects' ids, in as few bytes as they need.

        Raises
        ------
        DatasetError
            Where there is no object to ask for.
        """
        if not item.ids.any():
            raise DatasetError(
                "no object to learn from", where=item.name, remedy="leave the image out"
            )
        small = np.uint8 if item.ids.max() < 256 else np.int32
        return replace(item, target=item.target[:0, :0].copy(), ids=item.ids.astype(small))

    def lean(self, item: Item) -> Item:
        """As it is."""
        return item

    def sample(self, item: Item, rng: np.random.Generator, *, config: TrainConfig) -> Lesson:
        """A crop and prompts.

        Raises
        ------
        DatasetError
            Where no crop shows enough of an object.
        """
        for _ in range(_TRIES):
            lesson = draw_lesson(
                item.image,
                item.ids,
                rng,
                size=config.size or self.size,
                prompts=config.prompts,
                evidence=config.evidence,
                augment=config.augment,
            )
            if lesson is not None:
                return lesson
        raise DatasetError(
            "objects are too small to learn from", where=item.name, remedy="leave the image out"
        )

    @property
    def collate(self) -> Callable[[list[Any]], Any]:
        """A list: lessons have different numbers of prompts."""
        return list

    def parts(
        self, batch: Sequence[Lesson], count: int
    ) -> Iterator[tuple[Sequence[Lesson], float]]:
        """Some lessons at a time."""
        size = -(-len(batch) // count)
        for first in range(0, len(batch), size):
            part = batch[first : first + size]
            yield part, len(part) / len(batch)

    def loss(self, net: nn.Module, batch: Sequence[Lesson], config: TrainConfig) -> Tensor:
        """Of all prompts."""
        loss: Tensor = net(batch)
        return loss

    def scores(self) -> PromptScores:
        """IoU of each prompt."""
        return PromptScores()

    def found(self, net: nn.Module, item: Item) -> NDArray[np.float64]:
        """Scores of some boxes, the same ones each time."""
        return judge(cast("Promptable", net), item, size=self.size, evidence=self.evidence)


@dataclass(frozen=True)
class SmallSamTask(PromptTask):
    """The small base, from nothing or from weights that its encoder begins with."""

    frozen_norm: bool = False
    encoder_rate: float = 1.0
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"lr": 1e-3, "ema": 0.999, "warmup": 100, "evidence": True}
    )

    def configured(self, config: TrainConfig) -> Self:
        """Size, evidence, norms, the encoder's share of the rate."""
        return replace(
            super().configured(config),
            frozen_norm=config.frozen_norm,
            encoder_rate=config.encoder_rate,
        )

    def continued(self, config: TrainConfig, card: WeightsCard) -> TrainConfig:
        """Their architecture; the size and the evidence are the configuration's."""
        if card.arch != SMALL:
            return config
        wanted = {**card.arch_config, **config.arch_config}
        return config.model_copy(update={"arch_config": wanted})

    def network(self, config: TrainConfig) -> Promptable:
        """Untrained.

        Raises
        ------
        ParamsError
            Where an encoder's rate is given and there is no encoder.
        """
        sam = build_small_sam(self._config(config))
        hold_encoder(sam, config.encoder_rate, where=SMALL)
        return Promptable(sam, config.aim)

    def _config(self, config: TrainConfig) -> SmallSamConfig:
        own = {"image_size": config.size or self.size, "evidence": config.evidence}
        return SmallSamConfig.of({**config.arch_config, **own})

    def named(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Those of a base's file lack the prefix."""
        return {f"sam.{key.removeprefix('sam.')}": one for key, one in tensors.items()}

    def learning(self, net: nn.Module) -> None:
        """All of it, or with `frozen_norm` all but the statistics of batches."""
        net.train()
        still_norms(net, self.encoder_rate)
        if self.frozen_norm:
            for module in net.modules():
                if isinstance(module, BatchNorm2d):
                    module.eval()

    def card_facts(self, config: TrainConfig) -> dict[str, Any]:
        """Sizes, and whether boxes come with the evidence of colours."""
        small = self._config(config)
        mean, std = (tuple(v / 255 for v in values) for values in (PIXEL_MEAN, PIXEL_STD))
        return {
            "arch": SMALL,
            "arch_config": small.as_dict(),
            "classes": ("object",),
            "normalisation": Normalisation(mean=mean, std=std),
            "input_size": small.image_size,
        }

    def save(self, path: Path, tensors: Tensors, card: WeightsCard, config: TrainConfig) -> None:
        """The names that `segment_anything` uses."""
        plain = {key.removeprefix("sam."): one for key, one in tensors.items()}
        super().save(path, plain, card, config)
