"""The base and the adapter of `rings`: found, checked, loaded once, put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_segkit.errors import WeightsError
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from segment_anything.modeling import Sam
    from torch import Tensor

    from napari_segkit.ops.prompt_windows import Look
    from napari_segkit.runtime.sam_backend import SamBackend
    from napari_segkit.types import Job

SMALL = "sam-segkit-s"
AUTO = "auto"
NONE = "none"
_HOW = (
    "fetch one with: segkit weights fetch vit_b (375 MB); or name a file: --set base=FILE, "
    "any checkpoint in segment_anything's layout"
)


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
    """

    name: str
    sha256: str
    backend: SamBackend
    adapters: dict[str, str] = field(default_factory=dict)
    files: dict[tuple[Path, int, int], str] = field(default_factory=dict)
    tuned: dict[str, Mapping[str, Tensor]] = field(default_factory=dict)
    in_use: str = ""
    _own: Mapping[str, Tensor] = field(default_factory=dict)

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

        return read_lora(adapter)[1].base_sha256 == self.sha256

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
                return loaded, loaded.use(None), (note,)
        else:
            file = (self._given_adapter if adapter == AUTO else None) or find_adapter(adapter)
        return loaded, loaded.use(file), ()

    def _fits(self, adapter: Path, base: LoadedBase) -> bool:
        key = _stamp(adapter), base.sha256
        if self._fitting is None or self._fitting[0] != key:
            self._fitting = key, base.fits(adapter)
        return self._fitting[1]


def _stamp(path: Path) -> tuple[Path, int, int]:
    """Changes with a file's content: it may be trained anew."""
    state = path.stat()
    return path, state.st_mtime_ns, state.st_size


def bases_here() -> list[str]:
    """Names of the bases that need no download."""
    from napari_segkit.data import sam_weights
    from napari_segkit.data.weights_store import versions

    small = [SMALL] if any(one.adopted for one in versions(SMALL)) else []
    return small + [name for name in sam_weights.BASES if sam_weights.find_base(name)]


def find_base(spec: str) -> Path:
    """The file of a base: ``auto``, ``sam-segkit-s``, ``vit_b``, ``vit_l``, ``vit_h`` or a path.

    Raises
    ------
    WeightsError
        Where it is not here, with the ways to get it.
    """
    from napari_segkit.data import sam_weights
    from napari_segkit.data.weights_store import find_weights

    if spec in sam_weights.BASES:
        found = sam_weights.find_base(spec)
        if found is None:
            size = sam_weights.BASES[spec].file.size / 1e6
            raise WeightsError(
                f"base {spec} is not here yet",
                where=sam_weights.default_folder(),
                remedy=f"fetch it with: segkit weights fetch {spec} ({size:.0f} MB)",
            )
        return found
    if spec in (AUTO, SMALL):
        try:
            return find_weights(SMALL)
        except WeightsError as error:
            raise WeightsError(
                "no base model is here yet", where=error.where, remedy=_HOW
            ) from error
    path = Path(spec).expanduser()
    if not path.is_file():
        known = ", ".join((AUTO, SMALL, *sam_weights.BASES))
        raise WeightsError("no such base", where=spec, expected=f"{known}, or a file")
    return path


def find_adapter(spec: str) -> Path | None:
    """The file of an adapter: ``auto`` (the adopted or shipped one), ``none`` or a path.

    Raises
    ------
    WeightsError
        Where the file is not there.
    """
    from napari_segkit.data.weights_store import versions

    if spec == NONE:
        return None
    if spec == AUTO:
        return next((one.path for one in versions("rings") if one.adopted), None)
    path = Path(spec).expanduser()
    if not path.is_file():
        raise WeightsError("no such adapter", where=spec, expected=f"{AUTO}, {NONE}, or a file")
    return path


def load_base(path: Path, device: str = AUTO, backend: str = AUTO) -> LoadedBase:
    """Read a base: our own with its card, or a checkpoint in `segment_anything`'s layout.

    Raises
    ------
    WeightsError
        Where it cannot be used.
    """
    from napari_segkit.nets.lora import base_sha256
    from napari_segkit.runtime.sam_choice import check_sam_place, open_sam
    from napari_segkit.runtime.torch_backend import fill

    check_sam_place(device, backend)
    sam, tensors = _made(path)
    fill(sam, tensors, where=path)
    sha256 = base_sha256(sam.state_dict())
    return LoadedBase(path.stem, sha256, open_sam(sam, sha256, device=device, backend=backend))


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
