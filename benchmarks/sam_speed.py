"""SAM on torch (`segment_anything` itself) and on OpenVINO, in turns: seconds, ratios, agreement.

Random weights in the layout of ViT-B, or those of a file; every turn each way gets the same image
and the same box. On a machine that others use, take ``--threads 1``: torch's threads wait for each
other by spinning, so that with two of them on a busy core it looks far slower than it is.

    python benchmarks/sam_speed.py --base vit_b --threads 1 --out benchmarks/results/sam_speed.json
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from segment_anything import SamPredictor, sam_model_registry

from napari_segkit.nets.sam_small import build_small_sam
from napari_segkit.ops.mask_logits import mask_from_logits
from napari_segkit.runtime.openvino_graph import Graph
from napari_segkit.runtime.quantize import quantised_graph
from napari_segkit.runtime.sam_backend import SamBackend
from napari_segkit.runtime.sam_openvino import OpenVinoSam, encoder_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from segment_anything.modeling import Sam

BOX = np.array([300, 200, 700, 560], np.float32)
SHAPE = (768, 1024)


def random_sam(name: str) -> Sam:
    """The weights do not matter for time; positions must not be zero, as they are untrained."""
    torch.manual_seed(0)
    sam = build_small_sam() if name == "small" else sam_model_registry[name](None)
    for key, parameter in sam.named_parameters():
        if "rel_pos" in key or key.endswith("pos_embed"):
            torch.nn.init.normal_(parameter, std=0.1)
    return sam.eval()


def pixels_of(sam: Sam, image: np.ndarray) -> torch.Tensor:
    """The encoder's input."""
    backend = SamBackend(sam, "cpu")
    small = torch.from_numpy(backend._resize.apply_image(image)).permute(2, 0, 1)[None]
    return sam.preprocess(small.float())


def timed(ways: dict[str, Callable[[], np.ndarray]], turns: int) -> dict[str, dict[str, Any]]:
    """Seconds of each way, in turns; the first turn compiles and gives the answers."""
    answers = {name: way() for name, way in ways.items()}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            begun, used = time.perf_counter(), time.process_time()
            way()
            wall[name].append(time.perf_counter() - begun)
            cpu[name].append(time.process_time() - used)
    first = next(iter(ways))
    rows = {}
    for name, found in answers.items():
        a, b = answers[first].ravel().astype(np.float64), found.ravel().astype(np.float64)
        rows[name] = {
            "wall_s": round(float(np.median(wall[name])), 4),
            "cpu_s": round(float(np.median(cpu[name])), 4),
            "times_torch_wall": round(float(np.median(wall[first]) / np.median(wall[name])), 2),
            "times_torch_cpu": round(float(np.median(cpu[first]) / np.median(cpu[name])), 2),
            "cosine": round(float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))), 6),
            "largest_difference": float(np.abs(a - b).max()),
        }
        print(name, rows[name], flush=True)
    return rows


def encoders(
    sam: Sam, images: list[np.ndarray], turns: int, *, int8: bool, threads: int
) -> dict[str, Any]:
    """Embeddings by each way."""
    pixels = pixels_of(sam, images[0])
    fast = OpenVinoSam(sam, threads=threads)

    @torch.inference_mode()
    def plain() -> np.ndarray:
        return sam.image_encoder(pixels).numpy()

    ways: dict[str, Callable[[], np.ndarray]] = {
        "torch": plain,
        "OpenVINO FP32": lambda: fast._ready("encoder", encoder_model)(pixels.numpy())[0],
    }
    if int8:
        shots = [pixels_of(sam, one).numpy() for one in images]
        made = quantised_graph(encoder_model(sam), shots, transformer=True)
        graph = Graph(made, threads=threads)
        ways["OpenVINO INT8"] = lambda: graph(pixels.numpy())[0]
    return timed(ways, turns)


def boxes(sam: Sam, image: np.ndarray, turns: int, *, threads: int) -> dict[str, Any]:
    """From a box to its mask, the image being encoded."""
    predictor, plain = SamPredictor(sam), SamBackend(sam, "cpu")
    fast = OpenVinoSam(sam, threads=threads)
    embedding = torch.randn(1, *_embedding_shape(sam), generator=torch.manual_seed(1))
    predictor.original_size, predictor.features = image.shape[:2], embedding
    predictor.input_size = predictor.transform.get_preprocess_shape(*SHAPE, plain.input_size)
    predictor.is_image_set = True
    left, top = (max(0, int(v) - 40) for v in BOX[:2])
    roi = left, top, int(BOX[2]) + 40, int(BOX[3]) + 40

    def ours(backend: SamBackend) -> np.ndarray:
        logits, _ = backend.decode(embedding[0].numpy(), SHAPE, boxes=BOX[None])
        return mask_from_logits(logits[0, 0], SHAPE, backend.input_size, roi)

    def theirs() -> np.ndarray:
        mask = predictor.predict(box=BOX, multimask_output=False)[0][0]
        return mask[roi[1] : roi[3], roi[0] : roi[2]]

    rows = timed(
        {
            "torch": theirs,
            "ours on torch": lambda: ours(plain),
            "OpenVINO FP32": lambda: ours(fast),
        },
        turns,
    )
    expected = theirs()
    for name, found in (("ours on torch", ours(plain)), ("OpenVINO FP32", ours(fast))):
        rows[name]["mask_iou"] = float((found & expected).sum() / (found | expected).sum())
        one, other = plain.decode(embedding[0].numpy(), SHAPE, boxes=BOX[None]), None
        other = fast.decode(embedding[0].numpy(), SHAPE, boxes=BOX[None])
        rows[name]["logits_difference"] = float(np.abs(one[0] - other[0]).max())
    return rows


def _embedding_shape(sam: Sam) -> tuple[int, int, int]:
    return (int(sam.prompt_encoder.embed_dim), *sam.prompt_encoder.image_embedding_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="vit_b", choices=["vit_b", "vit_l", "vit_h", "small"])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--no-int8", action="store_true")
    parser.add_argument("--no-encoder", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    threads = options.threads
    torch.set_num_threads(threads)
    sam = random_sam(options.base)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*SHAPE, 3), np.uint8) for _ in range(2)]
    int8 = not options.no_int8 and importlib.util.find_spec("nncf") is not None
    report: dict[str, Any] = {"base": options.base, "threads": threads, "load": os.getloadavg()}
    report["box to mask"] = boxes(sam, images[0], 5 * options.turns, threads=threads)
    if not options.no_encoder:
        report["encoder"] = encoders(sam, images, options.turns, int8=int8, threads=threads)
    print(json.dumps(report, indent=1))
    if options.out is not None:
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
