"""Things on a floor as a faultless camera sees them: shading, shadows, mirror image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, soften
from napari_segkit.synth.splat import Cloud, Eye, nearest
from napari_segkit.synth.studio import Material, Studio, looked_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MAP = 192
"""Pixels of the shadow map."""


@dataclass(frozen=True)
class Shot:
    """A rendered scene.

    Attributes
    ----------
    canvas : (H, W, 3) float32 linear light
    labels : (H, W) int32
        Instances, 0 = floor.
    depth : (H, W) float32
        Of things and floor, for the focus.
    """

    canvas: Field
    labels: NDArray[np.int32]
    depth: Field


def shoot(
    eye: Eye,
    things: Cloud,
    materials: Sequence[Material],
    studio: Studio,
    *,
    backdrop: Field | None = None,
) -> Shot:
    """Draw a scene on its floor.

    Parameters
    ----------
    backdrop : (H, W, 3) float32 linear light
        A picture in the place of the floor's colour.
    """
    rays = eye.directions()
    index, depth = nearest(eye, things.points)
    canvas, floor_depth = _floor(eye, rays, things, studio, backdrop)
    if studio.gloss:
        _reflect(canvas, eye, rays, things, materials, studio)
    seen = index >= 0
    colour, clear = shade(things, index[seen], rays[seen], materials, studio)
    canvas[seen] = colour + canvas[seen] * clear[:, None]
    labels = np.where(seen, things.instance[np.maximum(index, 0)], 0).astype(np.int32)
    return Shot(canvas, labels, np.where(seen, depth, floor_depth).astype(np.float32))


def shade(
    things: Cloud,
    chosen: NDArray[np.int32],
    rays: Field,
    materials: Sequence[Material],
    studio: Studio,
) -> tuple[Field, Field]:
    """Colours (M, 3) of the chosen points and the share (M,) that shines through them."""
    normals, material = things.normals[chosen], things.material[chosen]
    facing = -np.einsum("ij,ij->i", normals, rays)
    normals = normals * np.where(facing < 0, -1, 1).astype(np.float32)[:, None]
    facing = np.abs(facing)
    mirror = np.stack([m.mirror for m in materials]).astype(np.float32)[material]
    albedo = np.stack([m.albedo for m in materials]).astype(np.float32)[material]
    rough = np.array([m.rough for m in materials], np.float32)[material]
    clear = np.array([m.clear for m in materials], np.float32)[material]
    _texture(albedo, mirror, things.uv[chosen], material, materials)
    grazing = (1 - facing)[:, None] ** 5
    mirror = mirror + (1 - mirror) * grazing * (1 - rough[:, None])
    bounced = rays + normals * (2 * facing)[:, None]
    light = studio.mirrored(bounced, rough) * mirror
    light += (
        studio.mirrored(normals, np.ones(len(chosen), np.float32)) * albedo * (1 - clear)[:, None]
    )
    light *= np.clip(0.72 + 0.6 * things.points[chosen, 2], 0, 1)[:, None]
    _sparkle(light, things.uv[chosen], bounced, material, materials)
    return light, np.asarray(clear * (1 - grazing[:, 0]), np.float32)


def _texture(
    albedo: Field,
    mirror: Field,
    uv: Field,
    material: NDArray[np.int32],
    materials: Sequence[Material],
) -> None:
    for number, one in enumerate(materials):
        if one.texture is None:
            continue
        here = np.flatnonzero(material == number)
        height, width = one.texture.shape[:2]
        column = np.mod(uv[here, 0] * np.float32(one.repeat[0]), 1) * np.float32(width)
        row = np.mod(uv[here, 1] * np.float32(one.repeat[1]), 1) * np.float32(height)
        tint = looked_up(one.texture, column, row, wrap=True)
        albedo[here] *= tint
        if one.mirror.max() > 0.3:
            mirror[here] *= tint


def _sparkle(
    light: Field,
    uv: Field,
    bounced: Field,
    material: NDArray[np.int32],
    materials: Sequence[Material],
) -> None:
    """A gem's facets: each cell of (u, v) sends back light or dark from inside, with some fire."""
    strength = np.array([m.sparkle for m in materials], np.float32)[material]
    here = np.flatnonzero(strength > 0)
    if not len(here):
        return
    stone, place = np.floor(uv[here]), np.mod(uv[here], 1)
    ring = np.floor(place[:, 1] * 3.99)
    sector = np.floor(
        np.mod(place[:, 0] * 8 + 0.5 * np.mod(ring, 2), 8) * np.where(ring == 0, 0.5, 2)
    )
    turn = np.floor(bounced[here, 0] * 1.5) + np.floor(bounced[here, 2] * 1.5)
    key = stone[:, 0] * 57.31 + sector * 12.9898 + ring * 78.233 + turn * 3.7
    waves = [np.mod(np.sin(key * k) * 43758.5453, 1) for k in (1.0, 1.013, 1.029)]
    inner = np.stack(waves, axis=1).astype(np.float32)
    common = inner[:, :1]
    glint = np.where(common > 0.85, 1.6, common**1.5 * 0.9) * (0.85 + 0.3 * (inner - common))
    share = strength[here, None]
    light[here] = light[here] * (1 - share * 0.6) + share * glint * np.float32(0.9)


def _floor(
    eye: Eye, rays: Field, things: Cloud, studio: Studio, backdrop: Field | None
) -> tuple[Field, Field]:
    """Colour and depth of the floor, with its shadows."""
    down = np.minimum(rays[..., 2], np.float32(-0.02))
    length = np.minimum(np.float32(eye.place[2]) / -down, 60)
    x = eye.place[0] + rays[..., 0] * length
    y = eye.place[1] + rays[..., 1] * length
    away = np.clip((length - length.min()) / max(float(np.ptp(length)), 1e-6), 0, 1)[..., None]
    canvas = (
        studio.near + (studio.far - studio.near) * away if backdrop is None else backdrop.copy()
    )
    shade_map, origin, scale = _shadow_map(things, studio)
    column = (x - origin[0]) * np.float32(scale)
    row = (y - origin[1]) * np.float32(scale)
    dark = cv2.remap(
        shade_map, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=1.0,
    )  # fmt: skip
    canvas = canvas * np.where(rays[..., 2] < -0.02, dark, 1)[..., None]
    return np.asarray(canvas, np.float32), np.asarray(length, np.float32)


def _shadow_map(things: Cloud, studio: Studio) -> tuple[Field, Field, float]:
    """(N, N) share of light on the floor around the things, its origin, and pixels per unit."""
    few = things.points[:: max(1, len(things.points) // 60_000)]
    low, high = few[:, :2].min(axis=0), few[:, :2].max(axis=0)
    tall = float(few[:, 2].max(initial=0.1))
    reach = 1.5 * tall + 0.6
    origin, span = low - reach, float((high - low).max() + 2 * reach)
    scale = (_MAP - 1) / span
    total = np.ones((_MAP, _MAP), np.float32)
    for towards, weight, soft in studio.lights:
        rise = max(float(towards[2]), 0.35)
        cover = np.zeros((_MAP, _MAP), np.float32)
        for z0, z1 in ((0.0, 0.15), (0.15, 0.5), (0.5, 1.01)):
            slab = few[(few[:, 2] >= z0 * tall) & (few[:, 2] <= z1 * tall)]
            at = slab[:, :2] - slab[:, 2:] * towards[:2] / np.float32(rise)
            blur = scale * soft * (z0 + z1) / 2 * tall + 0.8
            np.maximum(cover, soften(_marked(at, origin, scale), blur), out=cover)
        total -= np.float32(weight * 0.75) * cover
    under = few[few[:, 2] < 0.35 * tall]
    contact = soften(_marked(under[:, :2], origin, scale), scale * 0.12 * tall + 0.8)
    total *= 1 - np.float32(studio.contact) * contact
    return np.clip(total, 0.02, 1), np.asarray(origin, np.float32), scale


def _marked(at: Field, origin: Field, scale: float) -> Field:
    cells = np.rint((at - origin) * np.float32(scale)).astype(np.int32)
    inside = ((cells >= 0) & (cells < _MAP)).all(axis=1)
    made = np.zeros((_MAP, _MAP), np.float32)
    made[cells[inside, 1], cells[inside, 0]] = 1
    return np.asarray(
        cv2.morphologyEx(made, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.float32
    )


def _reflect(
    canvas: Field,
    eye: Eye,
    rays: Field,
    things: Cloud,
    materials: Sequence[Material],
    studio: Studio,
) -> None:
    """Lay the mirror image of the things on the floor, in place; it fades with height."""
    image = things.mirrored()
    index, _ = nearest(eye, image.points)
    seen = index >= 0
    colour, _ = shade(image, index[seen], rays[seen], materials, studio)
    tall = max(float(things.points[:, 2].max(initial=0.1)), 1e-3)
    height = -image.points[index[seen], 2] / np.float32(tall)
    layer, share = np.zeros_like(canvas), np.zeros(canvas.shape[:2], np.float32)
    layer[seen] = colour
    share[seen] = studio.gloss * np.exp(-2.0 * height)
    layer, share = cv2.GaussianBlur(layer, (0, 0), 1.0), cv2.GaussianBlur(share, (0, 0), 1.0)
    canvas *= (1 - share)[..., None]
    canvas += layer * share[..., None]
