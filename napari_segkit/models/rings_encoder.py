"""An image encoder made smaller by `segkit optimize rings`; all else comes from its base's file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_segkit.errors import WeightsError

if TYPE_CHECKING:
    from napari_segkit.data.weights_card import WeightsCard

ARCH = "sam-encoder"


@dataclass(frozen=True)
class Encoder:
    """The files ``NAME.xml``, ``NAME.bin`` and ``NAME.json``.

    Attributes
    ----------
    base
        What it was made from: a name of `rings_files.KNOWN`, or where its file was.
    base_sha256
        Of that base.
    sha256
        Of ``NAME.bin``.
    """

    path: Path
    base: str
    base_sha256: str
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Encoder:
        """By its card.

        Raises
        ------
        WeightsError
            Where a file is missing, or it is no encoder.
        """
        from napari_segkit.data.weights_card import read_card

        card = read_card(path)
        known = {"base", "base_sha256"} <= card.arch_config.keys()
        if card.arch != ARCH or not known or not path.with_suffix(".bin").is_file():
            raise WeightsError(
                "not an encoder of rings",
                where=path,
                expected=f"{ARCH} with {path.stem}.bin beside it",
                got=card.arch,
                remedy="make it with segkit optimize rings",
            )
        return cls(path, card.arch_config["base"], card.arch_config["base_sha256"], card.sha256)

    def check(self, base_sha256: str) -> None:
        """Whether a base is the one that it was made from.

        Raises
        ------
        WeightsError
            Where it is another.
        """
        if base_sha256 != self.base_sha256:
            raise WeightsError(
                "this encoder was made from another base",
                where=self.path,
                expected=f"{Path(self.base).name} ({self.base_sha256[:12]})",
                got=base_sha256[:12],
                remedy="make it again with segkit optimize rings",
            )

    def model(self) -> Any:
        """On OpenVINO, not compiled."""
        from napari_segkit.runtime.openvino_backend import read_ir

        return read_ir(self.path)


def encoder_card(name: str, base: str, base_sha256: str, input_size: int) -> WeightsCard:
    """The card of an encoder; its licence is that of the base."""
    from napari_segkit.data.weights_card import WeightsCard

    return WeightsCard(
        name=name,
        model="rings",
        arch=ARCH,
        arch_config={"base": base, "base_sha256": base_sha256},
        classes=("ring",),
        input_size=input_size,
        licence=f"as {Path(base).name}",
        made_by="segkit optimize rings",
    )
