"""Any SAM in `segment_anything`'s layout: the sizes are read from the tensors' shapes.

So ViT-B, L, H, their fine-tuned copies, and smaller or larger ones of the same form all load.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import nn

from napari_segkit.errors import WeightsError
from napari_segkit.nets.sam_small import PIXEL_MEAN, PIXEL_STD

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEYS = (
    "image_encoder.pos_embed",
    "image_encoder.patch_embed.proj.weight",
    "image_encoder.blocks.0.attn.rel_pos_h",
    "image_encoder.neck.0.weight",
    "mask_decoder.mask_tokens.weight",
    "mask_decoder.transformer.layers.0.mlp.lin1.weight",
    "mask_decoder.iou_prediction_head.layers.0.weight",
    "prompt_encoder.mask_downscaling.3.weight",
)
_DECODER_HEADS = 8


def build_like(shapes: Mapping[str, tuple[int, ...]], *, where: object = None) -> Sam:
    """A SAM with random weights whose tensors have these names and shapes, in evaluation mode.

    Raises
    ------
    WeightsError
        Where they are not those of a SAM.
    """
    missing = [key for key in _KEYS if key not in shapes]
    if missing:
        raise WeightsError(
            "this is not a SAM in segment_anything's layout",
            where=where,
            expected=missing[0],
            got=f"{len(shapes)} tensors ({next(iter(shapes), 'none')} …)",
            remedy="take a checkpoint of segment_anything, or one fine-tuned from it",
        )
    grid = shapes["image_encoder.pos_embed"][1]
    patch = shapes["image_encoder.patch_embed.proj.weight"][2]
    channels = shapes["image_encoder.neck.0.weight"][0]
    size = grid * patch
    sam = Sam(
        image_encoder=_encoder(shapes, size, patch, channels),
        prompt_encoder=PromptEncoder(
            embed_dim=channels,
            image_embedding_size=(grid, grid),
            input_image_size=(size, size),
            mask_in_chans=shapes["prompt_encoder.mask_downscaling.3.weight"][0],
        ),
        mask_decoder=_decoder(shapes, channels),
        pixel_mean=list(PIXEL_MEAN),
        pixel_std=list(PIXEL_STD),
    )
    return sam.eval()


def _encoder(
    shapes: Mapping[str, tuple[int, ...]], size: int, patch: int, channels: int
) -> ImageEncoderViT:
    width = shapes["image_encoder.pos_embed"][3]
    tables = {
        int(key.split(".")[2]): (shape[0] + 1) // 2
        for key, shape in shapes.items()
        if key.startswith("image_encoder.blocks.") and key.endswith("attn.rel_pos_h")
    }
    depth = 1 + max(tables)
    grid = size // patch
    windows = {side for side in tables.values() if side != grid}
    head = shapes["image_encoder.blocks.0.attn.rel_pos_h"][1]
    hidden = shapes.get("image_encoder.blocks.0.mlp.lin1.weight", (4 * width,))[0]
    return ImageEncoderViT(
        depth=depth,
        embed_dim=width,
        img_size=size,
        mlp_ratio=hidden / width,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        num_heads=width // head,
        patch_size=patch,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=tuple(k for k, side in tables.items() if side == grid),
        window_size=max(windows, default=0),
        out_chans=channels,
    )


def _decoder(shapes: Mapping[str, tuple[int, ...]], channels: int) -> MaskDecoder:
    layers = {
        key.split(".")[3] for key in shapes if key.startswith("mask_decoder.transformer.layers.")
    }
    heads = {
        key.split(".")[3]
        for key in shapes
        if key.startswith("mask_decoder.iou_prediction_head.layers.")
    }
    return MaskDecoder(
        num_multimask_outputs=shapes["mask_decoder.mask_tokens.weight"][0] - 1,
        transformer=TwoWayTransformer(
            depth=len(layers),
            embedding_dim=channels,
            mlp_dim=shapes["mask_decoder.transformer.layers.0.mlp.lin1.weight"][0],
            num_heads=_DECODER_HEADS,
        ),
        transformer_dim=channels,
        iou_head_depth=len(heads),
        iou_head_hidden_dim=shapes["mask_decoder.iou_prediction_head.layers.0.weight"][0],
    )
