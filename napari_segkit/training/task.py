"""What a task is: everything that the loop of `fit` leaves to the kind of model it trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from napari_segkit.data.weights import save_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from torch import Tensor, nn

    from napari_segkit.data.weights import Tensors
    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.scores import Scores
    from napari_segkit.training.store import Item


@dataclass(frozen=True)
class Task(ABC):
    """A model that can be trained.

    Attributes
    ----------
    id
        Of the model.
    classes
        Names in the order of the target's values from 1; empty = any, all alike.
    size
        Side of a crop in pixels.
    defaults
        What a training of this task is set to, where neither file nor command says otherwise.
    few
        Fewer images are cross-validated, unless told otherwise.
    """

    id: str
    classes: tuple[str, ...]
    size: int
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    few: ClassVar[int] = 0

    def configured(self, config: TrainConfig) -> Self:
        """The task with what a configuration says of it."""
        return replace(self, size=config.size or self.size)

    def continued(self, config: TrainConfig, card: WeightsCard) -> TrainConfig:
        """A configuration for going on from weights: what it leaves open is as with them."""
        del card
        return config

    def epoch_steps(self, config: TrainConfig, once: int) -> int:
        """Steps of an epoch where none are set; ``once`` of them see every image once."""
        del config
        return max(1, once)

    def prepare(self, item: Item) -> Item:
        """The form in which an image is kept for training."""
        return item

    @abstractmethod
    def lean(self, item: Item) -> Item:
        """The image in less memory, as learning needs it."""

    @abstractmethod
    def sample(self, item: Item, rng: np.random.Generator, *, config: TrainConfig) -> Any:
        """What is learned from one crop of an image; torch's generator has been seeded."""

    @property
    def collate(self) -> Callable[[list[Any]], Any] | None:
        """How samples become a batch; None = stacked tensors."""
        return None

    @abstractmethod
    def parts(self, batch: Any, count: int) -> Iterator[tuple[Any, float]]:
        """A batch in about so many parts, each with its share of the samples."""

    @abstractmethod
    def network(self, config: TrainConfig) -> nn.Module:
        """The network to train, with its first weights."""

    def named(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Tensors of a weights file or a training by the names of the network that is trained."""
        return tensors

    def learning(self, net: nn.Module) -> None:
        """Set the network to learning, before each epoch."""
        net.train()

    @abstractmethod
    def loss(self, net: nn.Module, batch: Any, config: TrainConfig) -> Tensor:
        """Mean loss of (a part of) a batch."""

    @abstractmethod
    def scores(self) -> Scores:
        """What collects the measures of predicted images."""

    @abstractmethod
    def found(self, net: nn.Module, item: Item) -> Any:
        """Answer of a network in evaluation mode for one image, as `scores` measures it."""

    @abstractmethod
    def card_facts(self, config: TrainConfig) -> dict[str, Any]:
        """Fields of the card that the kind of model decides."""

    def save(self, path: Path, tensors: Tensors, card: WeightsCard, config: TrainConfig) -> None:
        """Write the weights file and its card; ``tensors`` are those of the network."""
        save_weights(path, tensors, card)
