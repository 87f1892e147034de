"""The base and the adapter of `rings`: checked, loaded once, put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_segkit.errors import WeightsError
from napari_segkit.models.rings_files import AUTO, KNOWN, SMALL, find_adapter, find_base
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from segment_anything.modeling import Sam
    from torch import Tensor

    from napari_segkit.models.rings_encoder import Encoder
    from napari_segkit.ops.prompt_windows import Look
    from napari_segkit.runtime.sam_backend import SamBackend
    from napari_segkit.types import Job


@dataclass
class LoadedBase:
    """A base in memory.

    Attributes
    ----------
    name
        As people call it.
    sha256
        `nets.lora.base_sha256` of its tensors.
    backend
        What runs it.
    adapters
        Hash of an adapter's file -> its name on the encoder.
    files
        Stamp of an adapter's file -> its hash.
    tuned
        Hash of an adapter's file -> the tensors that it holds whole, by their names in the base.
    in_use
        Hash of the adapter's file that is merged, or "".
    encoder
        Hash of an optimised encoder in place of the base's own, or "".
    """

    name: str
    sha256: str
    backend: SamBackend
    adapters: dict[str, str] = field(default_factory=dict)
    files: dict[tuple[Path, int, int], str] = field(default_factory=dict)
    tuned: dict[str, Mapping[str, Tensor]] = field(default_factory=dict)
    in_use: str = ""
    encoder: str = ""
    _own: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Hash of what makes the embeddings."""
        return self.hashes("")

    def hashes(self, adapter: str) -> str:
        """Of base, encoder and adapter, for provenance."""
        return "+".join(part for part in (self.sha256, self.encoder, adapter) if part)

    @property
    def takes_evidence(self) -> bool:
        """Whether prompts come with the evidence of their colours, in close windows."""
        from napari_segkit.nets.sam_small import takes_evidence

        return takes_evidence(self.backend.sam)

    def look(self, window: Literal["auto", "whole"]) -> Look:
        """How an image is looked at for a box."""
        return "whole" if window == "whole" else "close" if self.takes_evidence else "window"

    def use(self, adapter: Path | None) -> str:
        """Put an adapter into use, or take every one off; returns the hash of its file or ""."""
        from napari_segkit.nets import lora
        from napari_segkit.nets.tuned import exchange

        sha256 = ""
        if adapter is not None and self.encoder:
            raise WeightsError(
                "an optimised encoder takes no adapter",
                where=adapter,
                remedy="choose adapter=none, or the base that the encoder was made from",
            )
        if adapter is not None:
            stamp = _stamp(adapter)
            sha256 = self.files[stamp] = self.files.get(stamp) or self._loaded(adapter)
        if sha256 != self.in_use:
            encoder = self.backend.sam.image_encoder
            exchange(self.backend.sam, self._own)
            self._own = exchange(self.backend.sam, self.tuned.get(sha256, {}))
            lora.select(encoder, self.adapters.get(sha256))
            lora.merge(encoder)
            self.in_use = self.backend.variant = sha256
        return sha256

    def fits(self, adapter: Path) -> bool:
        """Whether an adapter says that it was trained on this very base."""
        from napari_segkit.data.lora_files import read_lora

        return not self.encoder and read_lora(adapter)[1].base_sha256 == self.sha256

    def _loaded(self, path: Path) -> str:
        import torch

        from napari_segkit.data.lora_files import TUNED, read_lora
        from napari_segkit.nets import lora
        from napari_segkit.nets.lora_layers import LoraConfig
        from napari_segkit.nets.tuned import check_tuned

        tensors, facts, sha256 = read_lora(path)
        if sha256 in self.adapters:
            return sha256
        if facts.base_sha256 and facts.base_sha256 != self.sha256:
            raise WeightsError(
                "this adapter was trained on another base",
                where=path,
                expected=f"{facts.base} ({facts.base_sha256[:12]})",
                got=f"{self.name} ({self.sha256[:12]})",
                remedy=f"choose base={facts.base}, or another adapter",
            )
        config = LoraConfig(facts.rank, alpha=facts.alpha, targets=facts.targets)
        plain = {key: torch.from_numpy(one) for key, one in tensors.items()}
        whole = {
            key.removeprefix(TUNED): plain.pop(key) for key in tensors if key.startswith(TUNED)
        }
        try:
            check_tuned(self.backend.sam, whole)
            lora.load_adapter(self.backend.sam.image_encoder, plain, config, sha256[:16])
        except WeightsError as error:
            raise WeightsError(
                error.what,
                where=path,
                expected=error.expected,
                got=error.got,
                remedy=f"it was trained on {facts.base}: choose that base",
            ) from error
        self.adapters[sha256], self.tuned[sha256] = sha256[:16], whole
        return sha256


class Bases:
    """The base and the adapter that a model was given or that its parameters name."""

    def __init__(self) -> None:
        self._place = AUTO, AUTO
        self._loaded: tuple[object, LoadedBase] | None = None
        self._given_base: Path | None = None
        self._given_adapter: Path | None = None
        self._fitting: tuple[object, bool] | None = None

    def take(self, path: Path | None, device: str, backend: str = AUTO) -> None:
        """A base's or an adapter's file to use where parameters name none; None: what was given.

        Raises
        ------
        WeightsError
            Where the file cannot be used; the state before stays.
        ParamsError
            For a device or a backend that does not run it.
        """
        from napari_segkit.data.lora_files import is_lora, read_lora
        from napari_segkit.runtime.sam_choice import check_sam_place

        check_sam_place(device, backend)
        if path is not None and path.suffix == ".safetensors" and is_lora(path):
            read_lora(path)
            self._given_adapter = path
        elif path is not None:
            loaded = load_base(path, device, backend)
            self._loaded = (_stamp(path), (device, backend)), loaded
            self._given_base = path
        self._place = device, backend

    def ready(self, base: str, adapter: str) -> Job[tuple[LoadedBase, str, tuple[str, ...]]]:
        """Base with its adapter in use, the hash of the adapter's file or "", notes."""
        path = (self._given_base if base == AUTO else None) or find_base(base)
        yield Progress(0, None, "loading the base")
        stamp = _stamp(path), self._place
        if self._loaded is None or self._loaded[0] != stamp:
            self._loaded = stamp, load_base(path, *self._place)
        loaded = self._loaded[1]
        if adapter == AUTO and self._given_adapter is None:
            file = find_adapter(AUTO)
            if file is not None and not self._fits(file, loaded):
                note = f"no adapter is used: {file.name} is for another base"
                if loaded.encoder:
                    note = "no adapter is used: an optimised encoder takes none"
                return loaded, loaded.use(None), (note,)
        else:
            file = (self._given_adapter if adapter == AUTO else None) or find_adapter(adapter)
        return loaded, loaded.use(file), ()

    def _fits(self, adapter: Path, base: LoadedBase) -> bool:
        key = _stamp(adapter), base.key
        if self._fitting is None or self._fitting[0] != key:
            self._fitting = key, base.fits(adapter)
        return self._fitting[1]


def _stamp(path: Path) -> tuple[Path, int, int]:
    """Changes with a file's content: it may be trained anew."""
    state = path.stat()
    return path, state.st_mtime_ns, state.st_size


def load_base(path: Path, device: str = AUTO, backend: str = AUTO) -> LoadedBase:
    """Read a base: our own with its card, a checkpoint in `segment_anything`'s layout, an encoder.

    An encoder is one of `segkit optimize rings`; all else is read from its base's file.

    Raises
    ------
    WeightsError
        Where it cannot be used.
    """
    from napari_segkit.models.rings_encoder import Encoder
    from napari_segkit.nets.lora import base_sha256
    from napari_segkit.runtime.sam_choice import check_sam_place, open_sam
    from napari_segkit.runtime.torch_backend import fill

    check_sam_place(device, backend)
    encoder = Encoder.read(path) if path.suffix == ".xml" else None
    file = path if encoder is None else _base_of(encoder)
    sam, tensors = _made(file)
    fill(sam, tensors, where=file)
    sha256 = base_sha256(sam.state_dict())
    if encoder is None:
        return LoadedBase(path.stem, sha256, open_sam(sam, sha256, device=device, backend=backend))
    encoder.check(sha256)
    ready = open_sam(sam, sha256, device=device, backend=backend, encoder=encoder.model())
    return LoadedBase(path.stem, sha256, ready, encoder=encoder.sha256)


def _base_of(encoder: Encoder) -> Path:
    """The file of an encoder's base: by its name, beside the encoder, or where it was."""
    if encoder.base in KNOWN:
        return find_base(encoder.base)
    was = Path(encoder.base)
    for file in (encoder.path.parent / was.name, was):
        if file.is_file():
            return file
    raise WeightsError(
        "the base of this encoder is not here",
        where=encoder.path,
        expected=f"{was.name} beside it",
        remedy="copy it there",
    )


def _made(path: Path) -> tuple[Sam, Mapping[str, NDArray[Any]]]:
    from napari_segkit.data.weights import load_weights, read_safetensors
    from napari_segkit.data.weights_card import card_path
    from napari_segkit.data.weights_import import SUFFIXES, read_checkpoint
    from napari_segkit.nets.sam_layout import build_like
    from napari_segkit.nets.sam_small import SmallSamConfig, build_small_sam

    if path.suffix in SUFFIXES:
        tensors = read_checkpoint(path)[0]
    elif card_path(path).is_file():
        tensors, card = load_weights(path)
        if card.arch == SMALL:
            return build_small_sam(SmallSamConfig.of(card.arch_config)), tensors
    else:
        tensors = read_safetensors(path)
    return build_like({name: one.shape for name, one in tensors.items()}, where=path), tensors
