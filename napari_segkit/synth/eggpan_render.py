"""From solids on a table to light and classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_plan import BACKGROUND
from napari_segkit.synth.noise import Field, soften
from napari_segkit.synth.rays import march, normals, sample, shade_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.light import Room
    from napari_segkit.synth.rays import Eye, Rays, Solid
    from napari_segkit.synth.view import Points

_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Table:
    """The plane that everything stands on.

    Attributes
    ----------
    height
        Its z.
    texture : (H, W, 3)
        Its colours, mirrored on and on.
    scale
        Pixels of the texture per unit.
    mirror, rough
        As `rays.Material`.
    backdrop : (h, w, 3)
        What is seen beyond ``far`` units.
    seen : (H, W, 3) or None
        Colours as the camera sees them, instead of the texture.
    classes : (H, W) uint8 or None
        Of what is ``seen``.
    """

    height: float
    texture: Field
    scale: float
    mirror: float
    rough: float
    backdrop: Field
    far: float
    seen: Field | None = None
    classes: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Shot:
    """A rendered scene.

    Attributes
    ----------
    light : (H, W, 3) linear
    classes : (H, W) uint8
    depth : (H, W)
        Distance from the camera, in units.
    """

    light: Field
    classes: NDArray[np.uint8]
    depth: Field


@dataclass
class _Buffers:
    z: Field
    normal: Field
    albedo: Field
    mirror: Field
    rough: Field
    classes: NDArray[np.uint8]


def render(eye: Eye, room: Room, table: Table, solids: list[Solid]) -> Shot:
    """Cast one ray for each pixel and light what it meets."""
    rays = eye.rays()
    buffers = _table_buffers(rays, table)
    for solid in solids:
        _draw(buffers, rays, eye, solid)
    x, y = rays.ax + rays.bx * buffers.z, rays.ay + rays.by * buffers.z
    casters = [solid for solid in solids if solid.casts]
    lamp, sky = _shadows(x, y, buffers.z, casters, room)
    light = _shade(rays, buffers, room, lamp, sky)
    far = np.hypot(x, y) > table.far
    if far.any():
        height, width = eye.shape
        backdrop = cv2.resize(table.backdrop, (width, height), interpolation=cv2.INTER_LINEAR)
        behind = (far & (buffers.z <= table.height)).astype(np.float32)
        light += (backdrop - light) * cv2.GaussianBlur(behind, (0, 0), 1.0)[..., None]
    depth = np.minimum((buffers.z - np.float32(eye.centre[2])) / rays.dz, 3 * table.far)
    return Shot(_smooth_edges(light, buffers), buffers.classes, depth.astype(np.float32))


def _table_buffers(rays: Rays, table: Table) -> _Buffers:
    shape = rays.ax.shape
    z = np.full(shape, table.height, np.float32)
    albedo = _texture(rays, table) if table.seen is None else table.seen.copy()
    normal = np.zeros((*shape, 3), np.float32)
    normal[..., 2] = 1
    classes = np.full(shape, BACKGROUND, np.uint8) if table.classes is None else table.classes
    return _Buffers(
        z,
        normal,
        albedo,
        np.full((*shape, 3), table.mirror, np.float32),
        np.full(shape, table.rough, np.float32),
        classes.copy(),
    )


def _texture(rays: Rays, table: Table) -> Field:
    """The table's colours at each pixel, (H, W, 3)."""
    z = np.full(rays.ax.shape, table.height, np.float32)
    x, y = rays.ax + rays.bx * z, rays.ay + rays.by * z
    column = np.clip(x * table.scale, -6e4, 6e4) + table.texture.shape[1] / 2
    row = np.clip(y * table.scale, -6e4, 6e4) + table.texture.shape[0] / 2
    found = cv2.remap(
        table.texture,
        column.astype(np.float32),
        row.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(found, np.float32)


def _draw(buffers: _Buffers, rays: Rays, eye: Eye, solid: Solid) -> None:
    window = solid.bounds.window(eye)
    if window.empty:
        return
    part = rays.cut(window)
    z = march(part, solid.surface, solid.bounds, solid.steps)
    front = z > buffers.z[window.slices]
    if not front.any():
        return
    height = z[front]
    x = part.ax[front] + part.bx[front] * height
    y = part.ay[front] + part.by[front] * height
    normal = normals(solid.surface, x, y, height)
    material = solid.paint(x, y, height, normal)
    for whole, values in (
        (buffers.z, height),
        (buffers.normal, normal),
        (buffers.albedo, material.albedo),
        (buffers.mirror, material.mirror),
        (buffers.rough, material.rough),
    ):
        whole[window.slices][front] = values
    value = solid.value if solid.classify is None else solid.classify(x, y, height)
    buffers.classes[window.slices][front] = value


def _shadows(x: Field, y: Field, z: Field, casters: list[Solid], room: Room) -> tuple[Field, Field]:
    """Share of the lamp's and of the sky's light at each pixel, (H, W) each."""
    height, width = z.shape
    fine = [np.ascontiguousarray(part[::2, ::2]).ravel() for part in (x, y, z)]
    lamp, sky = np.ones(fine[0].shape, np.float32), np.ones(fine[0].shape, np.float32)
    for solid in casters:
        for share, light, softness in ((lamp, room.towards, room.softness), (sky, _UP, 0.9)):
            near = _reached(fine, solid, light, softness)
            if near.any():
                places = (fine[0][near], fine[1][near], fine[2][near])
                share[near] *= shade_share(solid, places, light, softness)
    shape = ((height + 1) // 2, (width + 1) // 2)
    full = [
        cv2.resize(
            cv2.GaussianBlur(part.reshape(shape), (0, 0), 0.8),
            (width, height),
            interpolation=cv2.INTER_LINEAR,
        )
        for part in (lamp, sky)
    ]
    return full[0], 0.35 + 0.65 * full[1]


def _reached(
    places: list[Field], solid: Solid, light: Points, softness: float
) -> NDArray[np.bool_]:
    """Which points may lie in a solid's shadow."""
    x, y, z = places
    box = solid.bounds
    rise = np.maximum(box.z1 - z, 0) / max(float(light[2]), 0.08)
    wide = np.float32(0.05) + np.float32(softness) * rise
    far_x, far_y = float(light[0]) * rise, float(light[1]) * rise
    inside_x = (np.maximum(x, x + far_x) > box.x0 - wide) & (
        np.minimum(x, x + far_x) < box.x1 + wide
    )
    inside_y = (np.maximum(y, y + far_y) > box.y0 - wide) & (
        np.minimum(y, y + far_y) < box.y1 + wide
    )
    return np.asarray(inside_x & inside_y & (z < box.z1), np.bool_)


def _shade(rays: Rays, buffers: _Buffers, room: Room, lamp: Field, sky: Field) -> Field:
    """Light towards the camera at each pixel, (H, W, 3) linear."""
    normal = buffers.normal
    facing = np.clip(normal @ room.towards.astype(np.float32), 0, 1) * lamp
    upward = (0.55 + 0.45 * normal[..., 2]) * sky
    light = facing[..., None] * room.lamp + upward[..., None] * room.ambient
    light *= buffers.albedo
    view = np.stack([rays.dx, rays.dy, rays.dz], axis=-1)
    across = np.einsum("hwc,hwc->hw", view, normal)
    mirrored = view - 2 * across[..., None] * normal
    grazing = (1 - np.clip(-across, 0, 1)) ** 5 * (1 - 0.7 * buffers.rough)
    share = buffers.mirror + (1 - buffers.mirror) * (0.6 * grazing)[..., None]
    shape = across.shape
    glow = room.mirrored(mirrored.reshape(-1, 3), buffers.rough.ravel()).reshape(*shape, 3)
    hidden = np.where(mirrored[..., 2] < 0, np.float32(0.25), np.float32(1)) * sky
    light += share * glow * hidden[..., None]
    half = room.towards.astype(np.float32) - view
    half /= np.maximum(np.linalg.norm(half, axis=-1, keepdims=True), 1e-6)
    gleam = np.clip(np.einsum("hwc,hwc->hw", half, normal), 0, 1)
    power = np.exp2(10.5 - 8 * buffers.rough)
    glint = gleam**power * (power + 2) * np.float32(0.02) * lamp
    light += share * glint[..., None] * room.lamp
    return np.asarray(light, np.float32)


def _smooth_edges(light: Field, buffers: _Buffers) -> Field:
    """Blur across silhouettes a little, as a lens and a sensor do."""
    jump = np.abs(cv2.Laplacian(buffers.z, cv2.CV_32F)) > 0.03
    jump |= cv2.morphologyEx(buffers.classes, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    weight = cv2.GaussianBlur(jump.astype(np.float32), (3, 3), 0)
    np.minimum(light, 4, out=light)
    return np.asarray(
        light + (soften(light, 0.7) - light) * np.clip(2 * weight, 0, 1)[..., None], np.float32
    )


def plan_lookup(texture: Field, reach: float, x: Field, y: Field) -> Field:
    """Values of a map of the plane from -reach to reach at N places, or at (H, W) of them."""
    scale = np.float32(len(texture) / (2 * reach))
    column, row = (x + np.float32(reach)) * scale - 0.5, (y + np.float32(reach)) * scale - 0.5
    if x.ndim == 1:
        return sample(texture, column, row, border=cv2.BORDER_REPLICATE)
    found = cv2.remap(texture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)
