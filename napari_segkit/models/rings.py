"""Rings, and whatever else has a box: a promptable SAM with an adapter.

The image is encoded once (`data.embeddings` keeps the result), every prompt costs a decoder's run.
Nothing of one object or image reaches the next: the decoder is given what belongs to the object
alone, and an existing mask is turned into logits anew each time.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from napari_segkit import __version__
from napari_segkit.models.base import ModelParams, PromptKind, Segmenter
from napari_segkit.models.rings_base import Bases
from napari_segkit.models.rings_files import bases_here
from napari_segkit.models.rings_params import RING as RING
from napari_segkit.models.rings_params import RingParams as RingParams
from napari_segkit.types import Progress, Prompts, Provenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_segkit.data.embeddings import EmbeddingCache
    from napari_segkit.models.rings_base import LoadedBase
    from napari_segkit.models.rings_plan import Ask, Found
    from napari_segkit.types import ClassDef, Image, Job, Labels, Segmentation

    Mask = NDArray[np.bool_]


class Prepared(NamedTuple):
    """An image whose embedding is there.

    Attributes
    ----------
    fresh
        Whether it was made now, not known already.
    weights
        Hashes of base and adapter.
    seconds
        That encoding took.
    notes
        Sentences for the person.
    """

    fresh: bool
    weights: str
    seconds: float
    notes: tuple[str, ...]


class Rings(Segmenter):
    """One instance per box, point or existing mask; where they overlap, the later one is on top."""

    id: ClassVar[str] = "rings"
    title: ClassVar[str] = "Rings (SAM + LoRA)"
    classes: ClassVar[tuple[ClassDef, ...]] = (RING,)
    prompts: ClassVar[frozenset[PromptKind]] = frozenset(
        {PromptKind.BOXES, PromptKind.POINTS, PromptKind.MASK}
    )
    needs_prompts: ClassVar[bool] = True
    Params = RingParams
    presets: ClassVar[Mapping[str, ModelParams]] = {
        "default": RingParams(),
        "bare base": RingParams(adapter="none"),
    }

    def __init__(self, cache: EmbeddingCache | None = None) -> None:
        self._cache = cache
        self._bases = Bases()

    @classmethod
    def weights_state(cls) -> str:
        """Which bases are here; see `Segmenter.weights_state`."""
        here = bases_here()
        return ", ".join(here) if here else "none yet: segkit weights fetch vit_b"

    def load(
        self, weights: Path | None = None, *, device: str = "auto", backend: str = "auto"
    ) -> None:
        """Get ready: a file of a base or of an adapter, or None for those that parameters name.

        Raises
        ------
        WeightsError
            Where the file cannot be used; the state before stays.
        ParamsError
            For a backend that does not run it.
        """
        self._bases.take(weights, device, backend)

    def predict(self, image: Image, prompts: Prompts, params: RingParams) -> Job[Segmentation]:
        """Segment one image; see `Segmenter.predict`."""
        from napari_segkit.models.rings_plan import asks, batches, painted
        from napari_segkit.ops.masks import segmentation_from_labels

        base, adapter, notes = yield from self._bases.ready(params.base, params.adapter)
        shape = image.shape[:2]
        wanted = asks(prompts, shape, base.backend.input_size, look=base.look(params.window))
        found: dict[int, Found] = {}
        for done, part in batches(wanted):
            yield Progress(done, len(wanted), "finding objects")
            found.update(self._masks(image, prompts.mask, part, params, base, adapter))
        yield from self._look_closer(image, wanted, found, params, base, adapter)
        labels, scores = painted(found, shape)
        notes += base.backend.notes
        lost = len(wanted) - len(scores)
        if lost:
            notes += (f"{lost} of {len(wanted)} prompts gave no mask, or one that others cover",)
        return segmentation_from_labels(
            labels,
            classes=self.classes,
            scores=scores,
            notes=notes,
            provenance=Provenance(
                self.id,
                params.model_dump(),
                prompts.as_dict(),
                weights_sha256=base.hashes(adapter),
                version=__version__,
            ),
        )

    def find(
        self, image: Image, objects: Sequence[Prompts], params: RingParams
    ) -> Job[list[Found]]:
        """Objects that are asked for one by one: none covers or knows another.

        Where clicks correct a mask, only those parts change that a click says are wrong.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB
        objects
            Of each: its box (the first one counts), its points, and in ``mask``, where it is not 0,
            what there is of it already.

        Returns
        -------
        In the order in which they were asked for.

        Raises
        ------
        PromptError
            Where neither box nor positive point nor mask tells of an object.
        """
        from napari_segkit.models.rings_alone import alone, corrected
        from napari_segkit.models.rings_plan import batches

        base, adapter, _ = yield from self._bases.ready(params.base, params.adapter)
        size, look = base.backend.input_size, base.look(params.window)
        wanted = [
            alone(number, one, image.shape[:2], size, look=look)
            for number, one in enumerate(objects)
        ]
        found: dict[int, Found] = {}
        for done, part in batches(wanted):
            yield Progress(done, len(wanted), "finding objects")
            for group in [[ask] for ask in part] if part[0].start else [part]:
                mask = objects[group[0].number].mask
                start = None if mask is None else (mask != 0).astype(np.int32)
                found.update(self._masks(image, start, group, params, base, adapter))
        yield from self._look_closer(image, wanted, found, params, base, adapter)
        return [corrected(found[number], one) for number, one in enumerate(objects)]

    def refine(self, image: Image, start: Mask, prompts: Prompts, params: RingParams) -> Job[Mask]:
        """Another mask of one object, from the one there is, its box and clicks on the image.

        Parameters
        ----------
        image : (H, W, 3) uint8 RGB
        start : (H, W) bool
            May be empty where the prompts have a box or a positive point.
        prompts
            All of them belong to the object; of boxes the first one counts.

        Returns
        -------
        (H, W) bool

        Raises
        ------
        PromptError
            Where neither mask nor prompts tell of an object.
        """
        whole = Prompts(
            prompts.boxes, prompts.points, prompts.point_labels, mask=start.astype(np.int32)
        )
        ((x0, y0, x1, y1), mask, _) = (yield from self.find(image, [whole], params))[0]
        result = np.zeros(image.shape[:2], bool)
        result[y0:y1, x0:x1] = mask
        return result

    def prepare(self, image: Image, params: RingParams) -> Job[Prepared]:
        """Encode a whole image ahead of its prompts."""
        base, adapter, notes = yield from self._bases.ready(params.base, params.adapter)
        yield Progress(0, 1, "encoding the image")
        cache, key = self._kept(), self._key(image, base, adapter)
        fresh = cache.find(key) is None
        started = time.perf_counter()
        if fresh:
            cache.get(key, lambda: base.backend.encode(image))
        seconds = time.perf_counter() - started
        return Prepared(fresh, base.hashes(adapter), seconds, notes)

    def _kept(self) -> EmbeddingCache:
        from napari_segkit.data.embeddings import shared_cache

        if self._cache is None:
            self._cache = shared_cache()
        return self._cache

    def _key(self, image: Image, base: LoadedBase, adapter: str) -> str:
        from napari_segkit.data.embeddings import embedding_key

        return embedding_key(image, base.key, adapter)

    def _embedding(self, image: Image, base: LoadedBase, adapter: str) -> NDArray[np.float16]:
        key = self._key(image, base, adapter)
        return self._kept().get(key, lambda: base.backend.encode(image))

    def _look_closer(
        self,
        image: Image,
        wanted: list[Ask],
        found: dict[int, Found],
        params: RingParams,
        base: LoadedBase,
        adapter: str,
    ) -> Job[None]:
        """Find objects that clicks alone tell of once more, at the resolution that fits them."""
        from napari_segkit.models.rings_alone import closer, views, worth

        shape = image.shape[:2]
        size, look = base.backend.input_size, base.look(params.window)
        for ask in wanted:
            if look == "close" and ask.box is None:
                for view in views(ask, shape)[1:]:
                    yield Progress(len(wanted) - 1, len(wanted), "looking closer")
                    ((_, other),) = self._masks(image, None, [view], params, base, adapter)
                    if worth(other, shape) > worth(found[ask.number], shape):
                        found[ask.number] = other
            again = closer(ask, found[ask.number], shape, size, look=look)
            if again is not None:
                yield Progress(len(wanted) - 1, len(wanted), "looking closer")
                one, start = again
                found.update(self._masks(image, start, [one], params, base, adapter))

    def _masks(
        self,
        image: Image,
        start: Labels | None,
        part: list[Ask],
        params: RingParams,
        base: LoadedBase,
        adapter: str,
    ) -> Iterator[tuple[int, Found]]:
        """Masks of objects of one kind, by number."""
        from napari_segkit.models.rings_plan import (
            Found,
            chosen,
            closeup,
            decoder_prompts,
            evidence,
            is_unclear,
            roi_of,
        )
        from napari_segkit.ops.mask_logits import mask_from_logits, without_specks

        x0, y0, x1, y1 = part[0].window
        view = image[y0:y1, x0:x1]
        embedding = self._embedding(view, base, adapter)
        size = base.backend.input_size
        given = decoder_prompts(part, start, input_size=size, mask_size=base.backend.mask_size)
        seen = closeup(view, size) if base.takes_evidence else None
        several = params.candidate != "auto" or (seen is None and is_unclear(part[0]))
        if seen is not None:
            given = given._replace(masks=evidence(seen, view, given))
        logits, scores = base.backend.decode(
            embedding, view.shape[:2], several=several, **given._asdict()
        )
        best = chosen(scores, params.candidate)
        logits = np.take_along_axis(logits, best[:, None, None, None], axis=1)
        if seen is not None and given.masks is not None:
            logits = base.backend.finish(*seen, logits, given.masks)
        sure = np.clip(np.take_along_axis(scores, best[:, None], axis=1)[:, 0], 0, 1)
        for ask, grid, score in zip(part, logits[:, 0], sure, strict=True):
            roi = roi_of(ask, params.margin)
            local = (roi[0] - x0, roi[1] - y0, roi[2] - x0, roi[3] - y0)
            mask = mask_from_logits(grid, view.shape[:2], size, local)
            yield ask.number, Found(roi, without_specks(mask, params.smallest), float(score))
