"""Prompts become objects; nothing leaks; images are encoded once; bases and adapters fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_segkit.data.embeddings import EmbeddingCache
from napari_segkit.data.lora_files import LoraFacts, read_lora, write_lora, write_origin
from napari_segkit.errors import ModelError, ParamsError, PromptError, WeightsError
from napari_segkit.jobs import drain, segment
from napari_segkit.models import rings_base
from napari_segkit.models.rings import RingParams, Rings
from napari_segkit.nets import lora
from napari_segkit.nets.lora_layers import LoraConfig
from napari_segkit.runtime.sam_backend import SamBackend
from napari_segkit.types import Prompts, Segmentation
from tests.models.tiny import tiny_base

BOXES = np.array([[5, 5, 60, 50], [50, 30, 120, 90]], np.float32)


def photo(seed: int = 0, shape: tuple[int, int] = (97, 131)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3)).astype(np.uint8)


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Rings:
    made = Rings(EmbeddingCache())
    made.load(tiny_base(tmp_path_factory.getbasetemp()))
    return made


def run(model: Rings, image: np.ndarray, prompts: Prompts, **changes: object) -> Segmentation:
    values = {"adapter": "none", "smallest": 1, **changes}
    return drain(segment(model, image, params=RingParams(**values), prompts=prompts))


def boxes(*rows: int) -> Prompts:
    return Prompts(boxes=BOXES[list(rows)])


def points(*xy: float, on: tuple[int, ...]) -> Prompts:
    at = np.array(xy, np.float32).reshape(-1, 2)
    return Prompts(points=at, point_labels=np.array(on, np.int32))


def test_an_object_alone_and_among_others_has_the_same_mask(model: Rings) -> None:
    both, first = run(model, photo(), boxes(0, 1)), run(model, photo(), boxes(0))
    apart = np.ones(both.labels.shape, bool)
    apart[30:, 50:] = False  # of the second box, with its margin
    apart[:, 43:] = False
    assert np.array_equal((both.labels == 1)[apart], (first.labels == 1)[apart])
    assert set(both.instances) <= {1, 2}


def test_nothing_leaks_from_one_image_or_object_to_the_next(model: Rings) -> None:
    fresh = run(model, photo(1), boxes(0)).labels
    model._cache.clear_memory()  # type: ignore[union-attr]
    for seed in (2, 3):
        run(model, photo(seed), boxes(1, 0))
        drain(model.refine(photo(seed), photo(seed)[..., 0] > 128, Prompts(), RingParams()))
    assert np.array_equal(run(model, photo(1), boxes(0)).labels, fresh)


def test_F41_the_later_of_two_overlapping_objects_is_on_top(
    model: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everywhere(self: SamBackend, embedding, shape, *, boxes, several, **_: object):
        count = 3 if several else 1
        side = self.mask_size
        return np.ones((len(boxes), count, side, side), np.float32), np.ones((len(boxes), count))

    monkeypatch.setattr(SamBackend, "decode", everywhere)
    result = run(model, photo(), boxes(0, 1), margin=0)
    assert (result.labels[30:50, 50:60] == 2).all()
    assert (result.labels[5:30, 5:50] == 1).all()
    covered = run(model, photo(), Prompts(boxes=np.concatenate([BOXES[:1], [[0, 0, 131, 97]]])))
    assert set(covered.instances) == {2}
    assert any("1 of 2 prompts gave no mask" in note for note in covered.notes)


def test_F40_many_boxes_come_in_chunks_and_can_be_cancelled(model: Rings) -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 80, (200, 2))
    many = Prompts(boxes=np.concatenate([corners, corners + 15], axis=1).astype(np.float32))
    job = segment(model, photo(), params=RingParams(adapter="none"), prompts=many)
    steps = []
    for step in job:
        steps.append(step)
        if len(steps) == 5:
            break
    job.close()
    assert steps[-1].total == 200
    assert 0 < steps[-1].done < 200


def test_the_image_is_encoded_once_and_again_for_another_adapter(
    model: Rings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    encode = SamBackend.encode
    monkeypatch.setattr(
        SamBackend, "encode", lambda self, image: calls.append(1) or encode(self, image)
    )
    for _ in range(3):
        run(model, photo(), boxes(0, 1))
    assert len(calls) == 1
    run(model, photo(5), boxes(0))
    assert len(calls) == 2
    adapted = run(model, photo(), boxes(0), adapter=str(adapter_file(model, tmp_path)))
    assert len(calls) == 3
    assert adapted.provenance is not None
    assert "+" in str(adapted.provenance.weights_sha256)
    drain(model.prepare(photo(6), RingParams(adapter="none")))
    run(model, photo(6), boxes(0))
    assert len(calls) == 4


def adapter_file(
    model: Rings, folder: Path, *, base_sha256: str | None = None, tuned: int = 0
) -> Path:
    """An adapter that changes something, for the tiny base; ``tuned``: rows of a whole tensor."""
    base = model._bases._loaded[1]  # type: ignore[index]
    encoder = base.backend.sam.image_encoder
    lora.add_adapter(encoder, LoraConfig(4), "made")
    state = {k: t.clone() for k, t in lora.adapter_state(encoder, "made").items()}
    lora.remove_adapter(encoder, "made")
    torch.manual_seed(0)
    tensors = {k: torch.randn(t.shape).numpy() for k, t in state.items()}
    if tuned:
        rows = np.random.default_rng(1).normal(size=(tuned, 16)).astype(np.float32)
        tensors["tuned.mask_decoder.mask_tokens.weight"] = rows
    facts = LoraFacts(base="tiny", base_sha256=base_sha256 or base.sha256, rank=4)
    write_lora(folder / "adapter.safetensors", tensors, facts)
    return folder / "adapter.safetensors"


def test_adapters_change_the_masks_and_go_away_again(model: Rings, tmp_path: Path) -> None:
    bare = run(model, photo(), boxes(0, 1)).labels
    path = adapter_file(model, tmp_path)
    adapted = run(model, photo(), boxes(0, 1), adapter=str(path)).labels
    assert not np.array_equal(bare, adapted)
    assert np.array_equal(run(model, photo(), boxes(0, 1)).labels, bare)
    model.load(path)  # as --weights
    assert np.array_equal(run(model, photo(), boxes(0, 1), adapter="auto").labels, adapted)


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_a_tuned_decoder_comes_and_goes_with_its_adapter(
    model: Rings, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("openvino_backend", "openvino_graph"):
        monkeypatch.setattr(f"napari_segkit.runtime.{module}.user_cache", lambda: tmp_path)
    plain, tuned = tmp_path / "plain", tmp_path / "tuned"
    files = [adapter_file(model, plain), adapter_file(model, tuned, tuned=4)]
    expected = [run(model, photo(), boxes(0, 1), adapter=str(file)).labels for file in files]
    assert not np.array_equal(*expected)
    bare = run(model, photo(), boxes(0, 1)).labels
    other = Rings(EmbeddingCache())
    other.load(model._bases._given_base, backend=backend)
    for _ in range(2):
        assert np.mean(run(other, photo(), boxes(0, 1)).labels != bare) < 1e-3
        for file, labels in zip(files, expected, strict=True):
            found = run(other, photo(), boxes(0, 1), adapter=str(file))
            assert np.mean(found.labels != labels) < 1e-3
            assert found.notes == ()


def test_F33_tensors_that_the_base_does_not_have_are_refused(model: Rings, tmp_path: Path) -> None:
    before = run(model, photo(), boxes(0)).labels
    path = adapter_file(model, tmp_path, tuned=7)
    with pytest.raises(WeightsError, match=r"mask_tokens.weight \(4, 16\)"):
        run(model, photo(), boxes(0), adapter=str(path))
    assert np.array_equal(run(model, photo(), boxes(0)).labels, before)


def test_F33_an_adapter_of_another_base_is_refused(model: Rings, tmp_path: Path) -> None:
    before = run(model, photo(), boxes(0)).labels
    path = adapter_file(model, tmp_path, base_sha256="a" * 64)
    with pytest.raises(WeightsError, match="trained on another base"):
        run(model, photo(), boxes(0), adapter=str(path))
    rng = np.random.default_rng(0)
    theirs = {
        f"blocks.{b}.attn.{t}.{m}": rng.normal(size=(2, 768) if m == "A" else (768, 2)).astype("f4")
        for b in range(12)
        for t in "qv"
        for m in "AB"
    }
    write_origin(tmp_path / "lora_rank2.safetensors", theirs)
    with pytest.raises(WeightsError, match="q, v of 12 blocks of width 768, rank 2") as error:
        run(model, photo(), boxes(0), adapter=str(tmp_path / "lora_rank2.safetensors"))
    assert "vit_b" in str(error.value)
    assert np.array_equal(run(model, photo(), boxes(0)).labels, before)


def test_points_in_a_box_belong_to_it_and_others_make_one_more_object(model: Rings) -> None:
    clicked = points(20, 20, 100, 80, 110, 60, on=(0, 1, 1))
    prompts = Prompts(BOXES[:1], clicked.points, clicked.point_labels)
    alone = run(model, photo(), boxes(0))
    both = run(model, photo(), prompts)
    assert set(both.instances) <= {1, 2}
    assert not np.array_equal(both.labels == 1, alone.labels == 1)
    with pytest.raises(PromptError, match="nothing is asked for"):
        run(model, photo(), points(5, 5, on=(0,)))


def test_three_candidates_can_be_chosen_between(model: Rings) -> None:
    masks = {c: run(model, photo(), boxes(0), candidate=c).labels for c in ("1", "2", "3", "best")}
    assert len({masks[c].tobytes() for c in ("1", "2", "3")}) > 1
    assert any(np.array_equal(masks["best"], masks[c]) for c in ("1", "2", "3"))


def test_an_existing_mask_is_a_prompt_and_matters(model: Rings) -> None:
    mask = np.zeros((97, 131), np.int32)
    mask[20:60, 30:80] = 7
    mask[70:90, 5:25] = 9
    result = run(model, photo(), Prompts(mask=mask))
    assert set(result.instances) <= {1, 2}
    alone = run(model, photo(), Prompts(boxes=np.array([[30, 20, 80, 60]], np.float32)))
    assert not np.array_equal(result.labels == 1, alone.labels == 1)
    with pytest.raises(PromptError, match="nothing is asked for"):
        run(model, photo(), Prompts(mask=np.zeros_like(mask)))


def test_refining_depends_on_mask_and_clicks(model: Rings) -> None:
    start = np.zeros((97, 131), bool)
    start[20:60, 30:80] = True
    params = RingParams(adapter="none", smallest=1)
    plain = drain(model.refine(photo(), start, Prompts(), params))
    clicked = drain(model.refine(photo(), start, points(40, 30, on=(0,)), params))
    other = drain(model.refine(photo(), np.roll(start, 5, 1), Prompts(), params))
    assert plain.shape == start.shape
    assert not np.array_equal(plain, clicked)
    assert not np.array_equal(plain, other)
    begun = drain(model.refine(photo(), start & False, boxes(0), params))
    assert begun.dtype == bool
    with pytest.raises(PromptError):
        drain(model.refine(photo(), start & False, Prompts(), params))


def test_a_small_object_in_a_large_photo_is_seen_as_in_its_crop(model: Rings) -> None:
    image = photo(4, (400, 600))
    box = np.array([[300, 200, 318, 220]], np.float32)
    seen = []
    encode = SamBackend.encode
    model._bases._loaded[1].backend.encode = (  # type: ignore[index,method-assign]
        lambda view: seen.append(view) or encode(model._bases._loaded[1].backend, view)  # type: ignore[index]
    )
    large = run(model, image, Prompts(boxes=box))
    (view,) = seen
    assert max(view.shape) == 64, "at full resolution"
    y, x = next(
        (y, x)
        for y in range(400 - 63)
        for x in range(600 - 63)
        if np.array_equal(image[y, x], view[0, 0])
        and np.array_equal(image[y : y + 64, x : x + 64], view)
    )
    crop = run(model, view, Prompts(boxes=box - np.array([x, y, x, y], np.float32)), window="whole")
    assert np.array_equal(large.labels[y : y + 64, x : x + 64], crop.labels)
    run(model, image, Prompts(boxes=box), window="whole")
    assert seen[-1].shape == image.shape


def test_a_small_object_that_a_click_tells_of_is_looked_at_again_at_full_resolution(
    model: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, seen = photo(4, (400, 600)), []
    encode, decode = SamBackend.encode, SamBackend.decode

    def around_the_click(self: SamBackend, embedding, shape, **prompts):
        logits, scores = decode(self, embedding, shape, **prompts)
        side = self.mask_size / max(shape)
        x, y = (prompts["points"][0, 0] * side).astype(int)
        logits[:] = -8
        logits[..., y, x] = 8
        return logits, scores

    monkeypatch.setattr(SamBackend, "decode", around_the_click)
    monkeypatch.setattr(
        SamBackend, "encode", lambda self, view: seen.append(view.shape) or encode(self, view)
    )
    found = drain(model.find(image, [points(302, 202, on=(1,))], RingParams(adapter="none")))
    assert seen == [(400, 600, 3), (64, 64, 3)]
    x0, y0, x1, y1 = found[0].roi
    assert x0 <= 302 < x1
    assert y0 <= 202 < y1
    assert found[0].mask[202 - y0, 302 - x0]
    drain(model.find(image, [points(302, 202, on=(1,))], RingParams(window="whole")))
    assert len(seen) == 2


def test_F36_without_a_base_the_ways_to_get_one_are_named(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("napari_segkit.data.weights_store.find_weights", missing)
    monkeypatch.setattr("napari_segkit.data.sam_weights.default_folder", lambda: tmp_path)
    model = Rings(EmbeddingCache())
    model.load()
    with pytest.raises(WeightsError, match=r"segkit weights fetch vit_b.*base=FILE"):
        run(model, photo(), boxes(0))
    with pytest.raises(WeightsError, match=r"fetch vit_h \(2565 MB\)"):
        run(model, photo(), boxes(0), base="vit_h")
    with pytest.raises(WeightsError, match="no such base"):
        run(model, photo(), boxes(0), base=str(tmp_path / "none.pth"))


def missing(*_args: object) -> Path:
    raise WeightsError("no weights here")


def test_a_checkpoint_in_segment_anythings_layout_is_a_base(tmp_path: Path) -> None:
    torch.manual_seed(0)
    sam = small_vit()
    torch.save({"model": sam.state_dict()}, tmp_path / "tuned.pth")
    model = Rings(EmbeddingCache())
    model.load(tmp_path / "tuned.pth")
    result = run(model, photo(), boxes(0, 1))
    assert result.labels.shape == (97, 131)
    base = rings_base.load_base(tmp_path / "tuned.pth")
    assert base.sha256 == lora.base_sha256(sam.state_dict())
    torch.save({"some": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="not a SAM"):
        model.load(tmp_path / "other.pth")


def small_vit() -> torch.nn.Module:
    """SAM's own classes in a small size."""
    from functools import partial

    from segment_anything import modeling as m

    return m.Sam(
        m.ImageEncoderViT(
            img_size=64, embed_dim=32, depth=3, num_heads=2, out_chans=16, use_rel_pos=True,
            window_size=2, global_attn_indexes=(1,),
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        ),
        m.PromptEncoder(16, (4, 4), (64, 64), 16),
        m.MaskDecoder(
            transformer_dim=16,
            transformer=m.TwoWayTransformer(
                depth=2, embedding_dim=16, num_heads=8, mlp_dim=32
            ),
            iou_head_hidden_dim=16,
        ),
        [123.675, 116.28, 103.53],
        [58.395, 57.12, 57.375],
    ).eval()  # fmt: skip


def test_masks_agree_with_segment_anythings_own_predictor(model: Rings) -> None:
    from segment_anything import SamPredictor

    image = photo(7, (60, 131))
    predictor = SamPredictor(model._bases._loaded[1].backend.sam)  # type: ignore[index]
    predictor.set_image(image)
    predictor.features = predictor.features.half().float()  # as kept
    theirs, _, _ = predictor.predict(box=BOXES[0], multimask_output=False)
    ours = run(model, image, boxes(0), margin=0.25).labels == 1
    window = np.s_[0:60, 0:70]
    union = (theirs[0] | ours)[window].sum()
    assert (theirs[0] & ours)[window].sum() / union > 0.999


def test_F50_nan_is_refused_and_an_unknown_backend_too(model: Rings) -> None:
    with pytest.raises(ParamsError, match=r"unknown backend.*auto, torch, openvino"):
        model.load(backend="onnx")
    weight = model._bases._loaded[1].backend.sam.mask_decoder.mask_tokens.weight  # type: ignore[index]
    weight.data[0, 0] = float("nan")
    with pytest.raises(ModelError, match="NaN"):
        run(model, photo(), boxes(0))


def test_the_adapter_file_says_what_it_is(model: Rings, tmp_path: Path) -> None:
    tensors, facts, sha256 = read_lora(adapter_file(model, tmp_path))
    assert facts.rank == 4
    assert facts.base == "tiny"
    assert len(tensors) == 8
    assert len(sha256) == 64


def test_masks_are_the_same_on_openvino_and_its_failure_is_a_note(
    model: Rings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_segkit.runtime.openvino_graph import Graph

    for module in ("openvino_backend", "openvino_graph"):
        monkeypatch.setattr(f"napari_segkit.runtime.{module}.user_cache", lambda: tmp_path)
    expected = run(model, photo(), boxes(0, 1))
    base = model._bases._given_base
    fast = Rings(EmbeddingCache())
    fast.load(base, backend="openvino")
    found = run(fast, photo(), boxes(0, 1))
    assert np.mean(found.labels != expected.labels) < 1e-3
    assert found.notes == expected.notes

    def broken(*_: object) -> None:
        raise RuntimeError("no such primitive")

    monkeypatch.setattr(Graph, "__call__", broken)
    fast = Rings(EmbeddingCache())
    fast.load(base, backend="openvino")
    found = run(fast, photo(), boxes(0, 1))
    assert np.mean(found.labels != expected.labels) < 1e-3
    assert "OpenVINO failed, so torch was used (no such primitive)" in found.notes
