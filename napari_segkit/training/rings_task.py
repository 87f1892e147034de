"""Training an adapter: everything of the base stays as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from torch.utils.checkpoint import checkpoint

from napari_segkit.data.atomic import atomic_write
from napari_segkit.data.lora_files import TUNED, LoraFacts, write_lora
from napari_segkit.data.weights import sha256_of
from napari_segkit.data.weights_card import Normalisation, card_path
from napari_segkit.errors import ParamsError
from napari_segkit.models.rings_base import load_base
from napari_segkit.models.rings_files import find_base
from napari_segkit.nets import lora
from napari_segkit.nets.lora_layers import PARTS, LoraConfig, LoraLinear
from napari_segkit.nets.sam_encoders import SmallEncoder
from napari_segkit.nets.sam_small import PIXEL_MEAN, PIXEL_STD, resized
from napari_segkit.nets.tuned import is_tuned, tuned_parameters
from napari_segkit.training.promptable import Promptable
from napari_segkit.training.promptable_samples import origin_lesson
from napari_segkit.training.sam_tasks import PromptTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Self

    import numpy as np
    from torch import nn

    from napari_segkit.data.weights import Tensors
    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.nets.tuned import Part
    from napari_segkit.training.config import TrainConfig
    from napari_segkit.training.promptable_samples import Lesson
    from napari_segkit.training.store import Item

ADAPTER = "learned"
ARCH = "lora"
_LEAST_STEPS = 10
"""Of an epoch: a few photos are seen several times before each validation."""
_KEY = re.compile(
    rf"sam\.image_encoder\.blocks\.(\d+)\.attn\.(qkv|proj)\.adapters\.{ADAPTER}\.(\d)\.([AB])"
)


@dataclass(frozen=True)
class RingsTask(PromptTask):
    """Low-rank adapters on the attention of a base's encoder, and parts of it that are tuned."""

    few: ClassVar[int] = 10
    base: str = ""
    base_sha256: str = ""
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"lr": 1e-3, "batch": 4, "epochs": 30, "weight_decay": 0.0, "ema": 0.9, "warmup": 10}
    )

    def configured(self, config: TrainConfig) -> Self:
        """Size and name of the base.

        Raises
        ------
        WeightsError
            Where the base is not here.
        ParamsError
            For a size that it does not take.
        """
        found = load_base(find_base(config.base), "cpu")
        size = config.size or found.backend.input_size
        free = isinstance(found.backend.sam.image_encoder, SmallEncoder)
        if size != found.backend.input_size and (not free or size % 32):
            expected = "a multiple of 32" if free else found.backend.input_size
            raise ParamsError("size does not fit the base", expected=expected, got=size)
        return replace(
            self,
            size=size,
            evidence=found.takes_evidence,
            base=found.name,
            base_sha256=found.sha256,
        )

    def epoch_steps(self, config: TrainConfig, once: int) -> int:
        """At least `_LEAST_STEPS`; in origin mode each image once, as the ring project has it."""
        return super().epoch_steps(config, once if config.origin else max(_LEAST_STEPS, once))

    def sample(self, item: Item, rng: np.random.Generator, *, config: TrainConfig) -> Lesson:
        """A crop and prompts, or in origin mode the whole image."""
        if config.origin:
            return origin_lesson(item.image, item.ids, rng, size=self.size, evidence=self.evidence)
        return super().sample(item, rng, config=config)

    def network(self, config: TrainConfig) -> Promptable:
        """The base with a new adapter; that learns, and the parts that are to be tuned."""
        sam = load_base(find_base(config.base), "cpu").backend.sam
        if isinstance(sam.image_encoder, SmallEncoder):
            resized(sam, self.size)
        sam.requires_grad_(False)
        lora.add_adapter(
            sam.image_encoder,
            LoraConfig(
                config.rank, alpha=config.alpha, dropout=config.dropout, targets=config.targets
            ),
            ADAPTER,
        )
        for parameter in tuned_parameters(sam, config.tune).values():
            parameter.requires_grad_(True)
        if config.checkpointing:
            for block in sam.image_encoder.blocks:
                block.forward = partial(checkpoint, block.forward, use_reentrant=False)
        return Promptable(sam, "origin" if config.origin else "single")

    def learning(self, net: nn.Module) -> None:
        """The base's statistics of batches must not move."""
        net.eval()
        for module in net.modules():
            if isinstance(module, LoraLinear):
                module.adapters.train()

    def card_facts(self, config: TrainConfig) -> dict[str, Any]:
        """Form of the adapter and its base."""
        mean, std = (tuple(v / 255 for v in values) for values in (PIXEL_MEAN, PIXEL_STD))
        return {
            "arch": ARCH,
            "arch_config": {
                "base": self.base,
                "base_sha256": self.base_sha256,
                "rank": config.rank,
                "alpha": config.alpha,
                "targets": list(config.targets),
                "tune": list(config.tune),
            },
            "classes": ("ring",),
            "normalisation": Normalisation(mean=mean, std=std),
            "input_size": self.size,
        }

    def save(self, path: Path, tensors: Tensors, card: WeightsCard, config: TrainConfig) -> None:
        """An adapter file of our own, which describes itself, and the card."""
        facts = LoraFacts(
            name=card.name,
            base=self.base,
            base_sha256=self.base_sha256,
            rank=config.rank,
            alpha=config.alpha,
            targets=config.targets,
            tune=config.tune,
            classes=card.classes,
            metrics=card.metrics,
            training={"data": card.training.data, "recipe": card.training.recipe},
            version=card.versions.get("napari-segkit", ""),
        )
        write_lora(path, adapter_tensors(tensors, config.tune), facts)
        written = card.model_copy(update={"sha256": sha256_of(path)})
        with atomic_write(card_path(path)) as file:
            file.write(written.model_dump_json(indent=2).encode() + b"\n")


def adapter_tensors(tensors: Tensors, tune: Sequence[Part] = ()) -> Tensors:
    """The adapter's tensors of a trained network, by the names of its file (`lora_files`)."""
    found = {}
    for key, tensor in tensors.items():
        name = key.removeprefix("sam.")
        if is_tuned(name, tune):
            found[TUNED + name] = tensor
        match = _KEY.fullmatch(key)
        if match:
            block, layer, part, matrix = match.groups()
            target = next(name for name, at in PARTS.items() if at == (layer, int(part)))
            found[f"blocks.{block}.attn.{target}.{matrix}"] = tensor
    return found
