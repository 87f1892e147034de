r"""Low-rank adapters on the attention of an image encoder.

::

            x ──────────┬───────────────────┐
                        │                   │
          ┌─────────────▼────────────┐   ┌──▼──┐
          │  W  (3d, d), frozen      │   │  A  │ (r, d)    kaiming uniform
          │  rows: q | k | v         │   └──┬──┘
          └─────────────┬────────────┘   ┌──▼──┐
                        │                │  B  │ (d, r)    zero at first
                        │                └──┬──┘
                        +  ◄── q and v ─────┘  times s
                        ▼
                 q + s Bq Aq x | k | v + s Bv Av x

After Hu et al., "LoRA", ICLR 2022 (arXiv:2106.09685); one pair for q and one for v of every block,
as in the ring project, with s = 1 unless ``alpha`` is given. The encoder keeps its own modules'
names and its own tensors, so a checkpoint of the base fits before and after.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_segkit.errors import ParamsError, WeightsError
from napari_segkit.nets.lora_layers import PARTS, LoraLinear, LowRank

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from napari_segkit.nets.lora_layers import LoraConfig

_ADAPTERS = ".adapters."


def add_adapter(encoder: nn.Module, config: LoraConfig, name: str = "default") -> None:
    """Put an adapter on every block of an encoder, freeze the rest, and use it.

    Parameters
    ----------
    encoder
        With ``blocks[i].attn.qkv`` and ``.proj``, as `segment_anything`'s; changed in place.
    config
        Its rank and targets.
    name
        Several adapters lie side by side under different names; without dots.

    Raises
    ------
    ParamsError
        Where the encoder has no such blocks, or the name is taken.
    """
    if "." in name or name in adapter_names(encoder):
        raise ParamsError("name of an adapter", expected="a new one without dots", got=repr(name))
    unmerge(encoder)
    if not any(isinstance(m, LowRank) for m in encoder.modules()):
        for parameter in encoder.parameters():
            parameter.requires_grad_(False)
    for _, attention in _attentions(encoder):
        for layer_name, parts in (("qkv", 3), ("proj", 1)):
            wanted = [PARTS[t][1] for t in config.targets if PARTS[t][0] == layer_name]
            if wanted:
                _widen(attention, layer_name, parts).adapters[name] = _pairs(
                    getattr(attention, layer_name), parts, wanted, config
                )
    select(encoder, name)


def _widen(attention: nn.Module, layer_name: str, parts: int) -> LoraLinear:
    layer = getattr(attention, layer_name)
    if not isinstance(layer, LoraLinear):
        layer = LoraLinear(layer, parts)
        layer.train(attention.training)
        setattr(attention, layer_name, layer)
    return layer


def _pairs(layer: nn.Linear, parts: int, wanted: list[int], config: LoraConfig) -> nn.ModuleDict:
    pairs = nn.ModuleDict(
        {
            str(part): LowRank(layer.in_features, layer.out_features // parts, config)
            for part in sorted(wanted)
        }
    )
    return pairs.to(layer.weight.device).train(layer.training)


def _attentions(encoder: nn.Module) -> list[tuple[int, nn.Module]]:
    blocks = getattr(encoder, "blocks", ())
    found = [(k, block.attn) for k, block in enumerate(blocks) if hasattr(block, "attn")]
    if not found:
        raise ParamsError(
            "this image encoder has no attention for adapters",
            expected="blocks with attn.qkv",
            got=type(encoder).__name__,
        )
    return found


def _layers(encoder: nn.Module) -> Iterator[LoraLinear]:
    return (m for m in encoder.modules() if isinstance(m, LoraLinear))


def adapter_names(encoder: nn.Module) -> tuple[str, ...]:
    """Names of the adapters that lie on an encoder, in the order in which they came."""
    return tuple(dict.fromkeys(name for layer in _layers(encoder) for name in layer.adapters))


def select(encoder: nn.Module, name: str | None) -> None:
    """Use one adapter, or with None the bare base; only that one can be trained.

    Raises
    ------
    ParamsError
        For a name that is not there.
    """
    names = adapter_names(encoder)
    if name is not None and name not in names:
        raise ParamsError("unknown adapter", expected=", ".join(names) or "none", got=name)
    for layer in _layers(encoder):
        layer.unmerge()
        layer.active = name if name is not None and name in layer.adapters else None
        for key, pairs in layer.adapters.items():
            pairs.requires_grad_(key == name)


def remove_adapter(encoder: nn.Module, name: str) -> None:
    """Take one adapter off; the base is in use afterwards."""
    select(encoder, None)
    for layer in _layers(encoder):
        if name in layer.adapters:
            del layer.adapters[name]


def merge(encoder: nn.Module) -> None:
    """Fold the adapter in use into the weights: the same answers without its cost."""
    for layer in _layers(encoder):
        layer.merge()


def unmerge(encoder: nn.Module) -> None:
    """The exact weights of before `merge`."""
    for layer in _layers(encoder):
        layer.unmerge()


def adapter_state(encoder: nn.Module, name: str) -> dict[str, Tensor]:
    """Tensors of one adapter: ``blocks.3.attn.q.A`` (rank, d), ``blocks.3.attn.q.B`` (d, rank)."""
    return {key: tensor.detach() for key, tensor in _named(encoder, name)}


def _named(encoder: nn.Module, name: str) -> Iterator[tuple[str, Tensor]]:
    for number, attention in _attentions(encoder):
        for target, (layer_name, part) in PARTS.items():
            layer = getattr(attention, layer_name, None)
            if not isinstance(layer, LoraLinear) or name not in layer.adapters:
                continue
            pair = layer.pair(name, part)
            if pair is not None:
                yield f"blocks.{number}.attn.{target}.A", pair.A
                yield f"blocks.{number}.attn.{target}.B", pair.B


def load_adapter(
    encoder: nn.Module, tensors: Mapping[str, Tensor], config: LoraConfig, name: str = "default"
) -> None:
    """Put the tensors of `adapter_state` on an encoder under a new name, and use them.

    Raises
    ------
    WeightsError
        Where they were made for an encoder of another form; the encoder stays as it was.
    """
    _check_fit(encoder, tensors, config)
    add_adapter(encoder, config, name)
    with torch.no_grad():
        for key, parameter in _named(encoder, name):
            parameter.copy_(tensors[key])


def _check_fit(encoder: nn.Module, tensors: Mapping[str, Tensor], config: LoraConfig) -> None:
    wanted: dict[str, tuple[int, int]] = {}
    for number, attention in _attentions(encoder):
        for target in config.targets:
            layer_name, _ = PARTS[target]
            layer = getattr(attention, layer_name)
            outputs = layer.out_features // (3 if layer_name == "qkv" else 1)
            wanted[f"blocks.{number}.attn.{target}.A"] = (config.rank, layer.in_features)
            wanted[f"blocks.{number}.attn.{target}.B"] = (outputs, config.rank)
    found = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    if found == wanted:
        return
    raise WeightsError(
        "this adapter was made for another base",
        expected=_form(wanted),
        got=_form(found),
        remedy="choose the base that it was trained on",
    )


def _form(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """What an adapter is made for, in a few words: ``q, v of 12 blocks of width 768, rank 4``."""
    parts = [key.split(".") for key in shapes]
    blocks = {part[1] for part in parts if len(part) == 5}
    targets = [t for t in PARTS if any(part[3] == t for part in parts if len(part) == 5)]
    a = next((shape for key, shape in shapes.items() if key.endswith(".A")), (0, 0))
    return f"{', '.join(targets)} of {len(blocks)} blocks of width {a[-1]}, rank {a[0]}"


def base_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Hash of a network's own tensors: names, types, shapes and bytes, adapters left out."""
    digest = hashlib.sha256()
    for key in sorted(tensors):
        if _ADAPTERS in key:
            continue
        array = tensors[key].detach().cpu().contiguous().numpy()
        digest.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
