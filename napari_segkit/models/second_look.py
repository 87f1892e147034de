"""A second look at everything that the dust network holds for possible: `nets.patch_judge`.

The map of chances becomes a map of scores: all pixels of a candidate have the same score, all
others zero. So a threshold on it never changes an object's outline, and the sensitivity slider
needs neither network again.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.errors import WeightsError
from napari_segkit.ops.candidates import Levels, find_candidates
from napari_segkit.runtime.base import OutOfMemory
from napari_segkit.runtime.careful import Careful
from napari_segkit.types import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.weights_card import WeightsCard
    from napari_segkit.models.tiled import Rows
    from napari_segkit.nets.patch_judge import PatchJudge
    from napari_segkit.ops.candidates import Candidate
    from napari_segkit.runtime.base import Backend, Batch
    from napari_segkit.types import Image, Job

MODEL = "dust-judge"
ARCH = "patch-judge"
_BATCH = 48
_BAND = 1024


class JudgeBackend:
    """A judge on a device; see `napari_segkit.runtime.base.Backend`, with candidates for tiles."""

    stride = 1

    def __init__(self, net: PatchJudge, device: str) -> None:
        self.device = device
        self.name = f"second look on torch, {device}"
        self._net = net.to(device).eval()

    def run(self, views: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N,) in [0, 1] of `views_of` N candidates."""
        import torch

        with torch.inference_mode():
            logits = self._net(torch.from_numpy(views).to(self.device))
            return np.asarray(logits.sigmoid().float().cpu().numpy(), np.float32)


class CarefulJudge(Careful):
    """Gives way as the first network does: fewer candidates at once, then the CPU."""

    def __init__(self, backend: Backend, on_cpu: Callable[[], Backend] | None = None) -> None:
        super().__init__(backend, channels=1, on_cpu=on_cpu)

    def full(self, batch: Batch) -> OutOfMemory:
        """See `Careful`."""
        return OutOfMemory(
            "not enough memory",
            where=f"one candidate, {self.name}",
            remedy="close other programs, or switch the second look off",
        )

    def shape_for(self, batch: Batch) -> tuple[int, ...]:
        """One score each."""
        return (len(batch),)


class SecondLook:
    """Judges candidates.

    Parameters
    ----------
    backend
        Gives candidates scores.
    levels
        What a candidate is.
    """

    def __init__(self, backend: Careful, card: WeightsCard, levels: Levels) -> None:
        self.backend = backend
        self.card = card
        self.levels = levels

    def judge(
        self, source: Rows, chances: NDArray[np.uint8], scores: NDArray[np.uint8]
    ) -> Job[None]:
        """Write the candidates' scores times 255, at least 1, into `scores`.

        Parameters
        ----------
        source
            The image.
        chances : (H, W) uint8, in memory or on disk
        scores : (H, W) uint8, zeros

        Yields
        ------
        Progress
            For every batch of candidates.

        Raises
        ------
        OutOfMemory, ModelError
            As `Careful.run`.
        """
        window = Window(source)
        candidates = find_candidates(chances, self.levels)
        done = 0
        while some := list(islice(candidates, _BATCH)):
            yield Progress(done, None, "second look")
            done += len(some)
            views = np.stack([views_of(one, window, chances) for one in some])
            for one, score in zip(some, self.backend.run(views), strict=True):
                height, width = one.mask.shape
                place = scores[one.y : one.y + height, one.x : one.x + width]
                place[one.mask] = max(1, round(255 * float(score)))


def read_second_look(path: Path, device: str, *, openvino: bool = False) -> SecondLook:
    """The judge of a weights file; with ``openvino`` its encoder runs there, 3.5 times as fast.

    Raises
    ------
    WeightsError
        Where the file is missing, damaged or of another model.
    """
    import torch

    from napari_segkit.data.weights import load_weights
    from napari_segkit.nets.patch_judge import VIEW, JudgeConfig, PatchJudge

    tensors, card = load_weights(path)
    if (card.model, card.arch) != (MODEL, ARCH):
        raise WeightsError(
            "weights are of another model", where=path, expected=MODEL, got=card.model
        )
    config = dict(card.arch_config)
    levels = Levels(**config.pop("levels"))
    net = PatchJudge(JudgeConfig.model_validate(config))
    try:
        net.load_state_dict({name: torch.from_numpy(one) for name, one in tensors.items()})
    except RuntimeError as error:
        first = str(error).split("\n")[1:2] or [str(error)]
        raise WeightsError(
            "weights do not fit the network", where=path, got=f"{first[0].strip()[:120]} …"
        ) from error
    if openvino:
        from napari_segkit.runtime.openvino_part import OpenVinoPart

        blank = torch.zeros(1, 3, VIEW, VIEW)
        name = f"{ARCH}-{card.sha256[:16]}" if card.sha256 else ""
        net.encoder = OpenVinoPart(net.encoder, blank, name)
    careful = CarefulJudge(JudgeBackend(net, device), lambda: JudgeBackend(net, "cpu"))
    return SecondLook(careful, card, levels)


class Window:
    """Rows of an image, read in bands: candidates come from top to bottom."""

    def __init__(self, source: Rows) -> None:
        self._source = source
        self.shape = source.shape
        self._top = 0
        self._band: Image = source.rows(0, min(_BAND, source.shape[0]))

    def part(self, top: int, bottom: int, left: int, right: int) -> Image:
        """Pixels of a rectangle inside the image."""
        if top < self._top or bottom > self._top + len(self._band):
            self._top = max(0, top - _BAND // 4)
            self._band = self._source.rows(
                self._top, min(self.shape[0], max(bottom, self._top + _BAND))
            )
        return self._band[top - self._top : bottom - self._top, left:right]


def views_of(one: Candidate, image: Window, chances: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the judge sees of a candidate: (2, 5, 96, 96) uint8, R G B chance mask."""
    from napari_segkit.nets.patch_judge import PLANES, VIEW, VIEWS

    half = VIEW * VIEWS[-1] // 2
    row, column = one.centre
    top, bottom = max(row - half, 0), min(row + half, image.shape[0])
    left, right = max(column - half, 0), min(column + half, image.shape[1])
    planes = np.zeros((bottom - top, right - left, PLANES), np.uint8)
    planes[..., :3] = image.part(top, bottom, left, right)
    planes[..., 3] = chances[top:bottom, left:right]
    _draw(planes[..., 4], one, top, left)
    before, after = (half - row + top, half - column + left), (row + half, column + half)
    need = ((before[0], after[0] - bottom), (before[1], after[1] - right), (0, 0))
    if any(any(pair) for pair in need):
        planes = np.pad(planes, need, mode="symmetric")
    result = np.empty((len(VIEWS), PLANES, VIEW, VIEW), np.uint8)
    for number, scale in enumerate(VIEWS):
        near = slice(half - VIEW * scale // 2, half + VIEW * scale // 2)
        result[number] = _shrunk(planes[near, near], scale).transpose(2, 0, 1)
    return result


def _draw(plane: NDArray[np.uint8], one: Candidate, top: int, left: int) -> None:
    """A candidate's mask, as far as it lies inside, as 255."""
    y, x = one.y - top, one.x - left
    rows = slice(max(y, 0), min(y + one.mask.shape[0], plane.shape[0]))
    columns = slice(max(x, 0), min(x + one.mask.shape[1], plane.shape[1]))
    part = one.mask[rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
    plane[rows, columns] = np.where(part, 255, 0)


def _shrunk(planes: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Means of blocks of `scale` pixels a side."""
    if scale == 1:
        return planes
    import cv2

    side = len(planes) // scale
    shrunk: NDArray[np.uint8] = cv2.resize(planes, (side, side), interpolation=cv2.INTER_AREA)
    return shrunk
