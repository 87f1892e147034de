r"""SAM's parts in a form that a graph compiler likes: the same numbers for less work.

Encoder (`segment_anything`'s ``ImageEncoderViT``), what is different::

    tables of relative positions     gathered once, not in every run
    q and k                          q' = q s | q Rh | q Rw      k' = k | 1 at its row | 1 at its column
                                     so that q' k' is the whole attention map: no map is added to one
    windows of 14                    q, k, v are made before windows are cut and filled up, so the
                                     filling (70 x 70 for 64 x 64 tokens) costs the attention alone

Decoder: what an image gives is not repeated for each prompt before it must be.
"""  # noqa: E501  the picture

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from segment_anything.modeling.image_encoder import get_rel_pos
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from segment_anything.modeling import ImageEncoderViT, Sam
    from segment_anything.modeling.image_encoder import Attention, Block
    from torch import Tensor


class FoldedEncoder(nn.Module):
    """(1, 3, S, S) normalised image -> (1, C, S/16, S/16) embedding.

    Parameters
    ----------
    encoder
        Its tensors are shared; adapters must be merged before.
    """

    def __init__(self, encoder: ImageEncoderViT) -> None:
        super().__init__()
        self.patch_embed, self.neck = encoder.patch_embed, encoder.neck
        self.pos_embed = encoder.pos_embed
        grid = encoder.img_size // encoder.patch_embed.proj.kernel_size[0]
        self.blocks = nn.ModuleList(_FoldedBlock(block, grid) for block in encoder.blocks)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        tokens = self.patch_embed(x)
        if self.pos_embed is not None:
            tokens = tokens + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens)
        embedding: Tensor = self.neck(tokens.permute(0, 3, 1, 2))
        return embedding


class _FoldedBlock(nn.Module):
    """A block on (1, grid, grid, width); ``side`` is that of its windows, or the grid's."""

    hot: Tensor
    rows: Tensor
    columns: Tensor
    filling: Tensor

    def __init__(self, block: Block, grid: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.mlp = block.norm1, block.norm2, block.mlp
        self.qkv, self.proj = block.attn.qkv, block.attn.proj
        self.heads, self.scale = int(block.attn.num_heads), float(block.attn.scale)
        self.grid, self.side = grid, int(block.window_size) or grid
        self.more = -grid % self.side
        rows, columns, hot = _tables(block.attn, self.side)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.register_buffer("hot", hot, persistent=False)
        bias = self.qkv.bias
        filling = self.qkv.weight.new_zeros(self.qkv.out_features) if bias is None else bias
        self.register_buffer("filling", filling.detach(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(1, grid, grid, width) -> the same."""
        x = x + self.proj(self._attended(self.qkv(self.norm1(x))))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y

    def _attended(self, qkv: Tensor) -> Tensor:
        """(1, grid, grid, 3 width) -> (1, grid, grid, width)."""
        side, heads, tokens = self.side, self.heads, self.side**2
        if self.more:  # a token of zeros has the layer's bias as its q, k and v
            filled = functional.pad(qkv - self.filling, (0, 0, 0, self.more, 0, self.more))
            qkv = filled + self.filling
        full = self.grid + self.more
        count, width = full // side, qkv.shape[-1] // 3
        depth = width // heads
        qkv = qkv.view(count, side, count, side, 3, heads, depth)
        q, k, v = qkv.permute(4, 0, 2, 5, 1, 3, 6).reshape(3, -1, tokens, depth).unbind(0)
        place = q.view(-1, side, side, depth)
        by_row = (place @ self.rows).view(-1, tokens, side)
        by_column = (place.transpose(1, 2) @ self.columns).transpose(1, 2)
        by_column = by_column.reshape(-1, tokens, side)
        wide_q = torch.cat([q * self.scale, by_row, by_column], -1)
        wide_k = torch.cat([k, self.hot.expand(k.shape[0], -1, -1)], -1)
        mixed = (wide_q @ wide_k.transpose(-2, -1)).softmax(-1) @ v
        mixed = mixed.view(count, count, heads, side, side, depth).permute(0, 3, 1, 4, 2, 5)
        return mixed.reshape(1, full, full, width)[:, : self.grid, : self.grid]


def _tables(attention: Attention, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rh and Rw as (side, depth, side), and which row and column each token lies in."""
    with torch.no_grad():
        rows = get_rel_pos(side, side, attention.rel_pos_h).transpose(1, 2).contiguous()
        columns = get_rel_pos(side, side, attention.rel_pos_w).transpose(1, 2).contiguous()
    one = torch.eye(side, device=rows.device)
    at_row = one[:, None].expand(side, side, side).reshape(1, side**2, side)
    at_column = one[None].expand(side, side, side).reshape(1, side**2, side)
    return rows, columns, torch.cat([at_row, at_column], -1)


class FoldedDecoder(nn.Module):
    """Embedding and encoded prompts of N objects to all mask tokens' logits and scores.

    ``forward((1, C, h, w), (N, T, C), (N or 1, C, h or 1, w or 1))`` -> (N, K, 4h, 4w), (N, K).
    """

    position: Tensor

    def __init__(self, sam: Sam) -> None:
        super().__init__()
        self.decoder = sam.mask_decoder
        position = sam.prompt_encoder.get_dense_pe().detach()
        self.register_buffer("position", position, persistent=False)

    def forward(self, embedding: Tensor, sparse: Tensor, dense: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        decoder, count = self.decoder, sparse.shape[0]
        own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight], 0)
        tokens = torch.cat([own[None].expand(count, -1, -1), sparse], 1)
        image = (embedding + dense).expand(count, -1, -1, -1)
        found, image = decoder.transformer(image, self.position, tokens)
        _, channels, height, width = embedding.shape
        image = image.transpose(1, 2).reshape(count, channels, height, width)
        fine = decoder.output_upscaling(image).flatten(2)
        masks = [
            net(found[:, 1 + number])
            for number, net in enumerate(decoder.output_hypernetworks_mlps)
        ]
        logits = (torch.stack(masks, 1) @ fine).view(count, -1, 4 * height, 4 * width)
        return logits, decoder.iou_prediction_head(found[:, 0])
