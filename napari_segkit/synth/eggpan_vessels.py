"""Pans, plates and bowls with what lies in them, as solids."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.eggpan_plan import PAN
from napari_segkit.synth.eggpan_render import plan_lookup
from napari_segkit.synth.eggpan_shapes import Handle, Loop, Profile, moved, moved_bounds
from napari_segkit.synth.rays import Bounds, Material, Solid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_segkit.synth.eggpan_coats import Coat
    from napari_segkit.synth.eggpan_plan import Plan
    from napari_segkit.synth.noise import Field, Real
    from napari_segkit.synth.rays import Paint


@dataclass(frozen=True)
class Vessel:
    """A vessel at a place, with the plan of its inside.

    Attributes
    ----------
    inside, outside, rim
        Their coats.
    """

    profile: Profile
    plan: Plan
    inside: Coat
    outside: Coat
    rim: Coat
    value: int = PAN
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    scale: float = 1.0

    def solids(self) -> list[Solid]:
        """The vessel and, where food rises above it, the food."""
        local = self.profile.surface()
        body = Solid(
            moved(local, self.x, self.y, self.z, scale=self.scale),
            moved_bounds(self.profile.bounds(), self.x, self.y, self.z, scale=self.scale),
            self._paint,
            self.value,
            steps=34,
            classify=self._classify,
        )
        food = self._food()
        return [body] if food is None else [body, food]

    def _local(self, x: Real, y: Real) -> tuple[Field, Field]:
        k = np.float32(1 / self.scale)
        return (x - np.float32(self.x)) * k, (y - np.float32(self.y)) * k

    def _is_inside(self, x: Field, y: Field, z: Field) -> NDArray[np.bool_]:
        rho = self.profile.rho(x, y)
        return rho < self.profile.radius(z) + np.float32(0.5 * self.profile.wall)

    def _planned(self, x: Field, y: Field, z: Field) -> NDArray[np.uint8]:
        """Classes of what lies on the floor under N places."""
        del z
        u, v = self._local(x, y)
        scale = self.plan.size / (2 * self.plan.reach)
        last = self.plan.size - 1
        column = np.clip((u + self.plan.reach) * scale, 0, last).astype(np.int32)
        row = np.clip((v + self.plan.reach) * scale, 0, last).astype(np.int32)
        return np.asarray(self.plan.value[row, column], np.uint8)

    def _classify(self, x: Field, y: Field, z: Field) -> NDArray[np.uint8]:
        height = (z - self.z) / self.scale
        inside = self._is_inside(*self._local(x, y), height)
        inside &= height < max(0.9 * self.profile.height, 0.01)
        return np.where(inside, self._planned(x, y, z), np.uint8(self.value))

    def _paint(self, x: Field, y: Field, z: Field, normal: Field) -> Material:
        u, v = self._local(x, y)
        height = (z - self.z) / self.scale
        plan, profile = self.plan, self.profile
        albedo = plan_lookup(plan.albedo, plan.reach, u, v)
        more = plan_lookup(np.dstack([plan.rough, plan.bare, *_slopes(plan)]), plan.reach, u, v)
        rough, bare = more[:, 0], more[:, 1:2]
        inside = self._is_inside(u, v, height)
        normal[inside, :2] -= more[inside, 2:]
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        mirror = self.inside.mirror * bare + np.float32(0.045) * (1 - bare)
        depth = 1 - np.float32(0.35) * np.clip(1 - height / profile.height, 0, 1)
        if profile.height > 0.12:
            albedo = albedo * depth[:, None]
        top = height > profile.height - 0.6 * profile.lip - 0.01
        for where, coat in ((~inside, self.outside), (top, self.rim)):
            albedo[where], mirror[where], rough[where] = coat.albedo, coat.mirror, coat.rough
        return Material(albedo, mirror.astype(np.float32), rough)

    def _food(self) -> Solid | None:
        """What stands up from the inside by more than a film."""
        plan = self.plan
        x, y = plan.places(plan.everywhere())
        rho = self.profile.rho(x, y)
        high = (plan.height > 0.004) & (rho < 0.99)
        rows, columns = np.flatnonzero(high.any(axis=1)), np.flatnonzero(high.any(axis=0))
        if not len(rows) or not (plan.bare < 0.5).any():
            return None
        top = self.profile.ground(rho) + plan.height
        top[~high] = -0.06
        top = cv2.GaussianBlur(top, (0, 0), 0.6)
        left, right, up, down = (
            float(k) * plan.pixel - plan.reach
            for k in (columns[0], columns[-1] + 1, rows[0], rows[-1] + 1)
        )
        k = np.float32(self.scale)
        bounds = Bounds(left, right, up, down, 0.0, float(top.max()) + 0.002)

        def surface(px: Real, py: Real, pz: Real) -> Field:
            u, v = self._local(px, py)
            reached = plan_lookup(top, plan.reach, u, v)
            return np.asarray(((pz - np.float32(self.z)) / k - reached) * k, np.float32)

        return Solid(
            surface,
            moved_bounds(bounds, self.x, self.y, self.z, scale=self.scale),
            self._food_paint,
            self.value,
            steps=12,
            classify=self._planned,
        )

    def _food_paint(self, x: Field, y: Field, z: Field, normal: Field) -> Material:
        u, v = self._local(x, y)
        plan = self.plan
        albedo = plan_lookup(plan.albedo, plan.reach, u, v)
        more = plan_lookup(np.dstack([plan.rough, plan.bare]), plan.reach, u, v)
        bare = more[:, 1:2]
        mirror = self.inside.mirror * bare + np.float32(0.045) * (1 - bare)
        return Material(albedo, mirror.astype(np.float32), np.ascontiguousarray(more[:, 0]))


def _slopes(plan: Plan) -> tuple[Field, Field]:
    step = np.float32(1 / (8 * plan.pixel))
    return (
        np.clip(cv2.Sobel(plan.height, cv2.CV_32F, 1, 0) * step, -1.5, 1.5),
        np.clip(cv2.Sobel(plan.height, cv2.CV_32F, 0, 1) * step, -1.5, 1.5),
    )


def handle_solid(vessel: Vessel, handle: Handle | Loop, paint: Paint) -> Solid:
    """A handle of a vessel; of the vessel's class."""
    return Solid(
        moved(handle.surface(), vessel.x, vessel.y, vessel.z, scale=vessel.scale),
        moved_bounds(handle.bounds(), vessel.x, vessel.y, vessel.z, scale=vessel.scale),
        paint,
        vessel.value,
        steps=20,
    )


_KINDS = ("skillet", "skillet", "skillet", "saute", "crepe", "iron", "small", "wok", "square")


def pan_profile(rng: np.random.Generator, *, kind: str | None = None) -> Profile:
    """The shape of a pan."""
    kind = kind or str(rng.choice(_KINDS))
    lip = rng.uniform(0.008, 0.03)
    wall = rng.uniform(0.025, 0.045)
    if kind == "saute":
        return Profile(rng.uniform(0.92, 0.98), rng.uniform(0.2, 0.36), 0.5, wall, lip=lip)
    if kind == "crepe":
        return Profile(rng.uniform(0.88, 0.95), rng.uniform(0.05, 0.1), 0.7, wall, lip=lip)
    if kind == "iron":
        spout = rng.uniform(0, 0.09) if rng.random() < 0.7 else 0.0
        return Profile(
            rng.uniform(0.82, 0.93), rng.uniform(0.14, 0.28), 0.6, rng.uniform(0.04, 0.065),
            lip=rng.uniform(0.015, 0.03), spout=spout,
        )  # fmt: skip
    if kind == "small":
        return Profile(rng.uniform(0.78, 0.92), rng.uniform(0.2, 0.34), 0.55, wall, lip=lip)
    if kind == "wok":
        return Profile(rng.uniform(0.3, 0.5), rng.uniform(0.3, 0.5), rng.uniform(0.5, 0.7), wall)
    if kind == "square":
        return Profile(
            rng.uniform(0.86, 0.94), rng.uniform(0.1, 0.25), 0.6, wall, lip=lip,
            corner=rng.uniform(0.08, 0.35),
        )  # fmt: skip
    return Profile(
        rng.uniform(0.68, 0.9), rng.uniform(0.12, 0.3), rng.uniform(0.45, 0.9), wall, lip=lip
    )


def pan_handles(profile: Profile, rng: np.random.Generator) -> list[Handle | Loop]:
    """One long handle, two short ones, one of each, or (cut off, hidden) none."""
    turn, kind = rng.uniform(0, math.tau), rng.random()
    start = 1 + profile.wall * 0.5
    width = rng.uniform(0.06, 0.15)
    long = Handle(
        turn,
        start,
        rng.uniform(0.7, 1.7),
        profile.height * rng.uniform(0.55, 0.95),
        rng.uniform(0.0, 0.3),
        (width * rng.uniform(0.6, 1.5), width * rng.uniform(0.6, 1.0), width),
        rng.uniform(0.035, 0.07),
        hole=width * rng.uniform(0.3, 0.6) if rng.random() < 0.5 else 0.0,
    )
    loops = [
        Loop(
            turn + side,
            start,
            profile.height * rng.uniform(0.6, 0.95),
            rng.uniform(0.12, 0.24),
            rng.uniform(0.2, 0.34),
            rng.uniform(0.025, 0.045),
        )
        for side in (math.pi, 0.0)
    ]
    if kind < 0.4:
        return [long]
    if kind < 0.72:
        return _jointed(long, rng)
    if kind < 0.82:
        return [*_jointed(long, rng), loops[0]]
    return list(loops) if kind < 0.93 else []


def _jointed(long: Handle, rng: np.random.Generator) -> list[Handle | Loop]:
    """A bracket at the pan and a grip that begins where it ends."""
    share = rng.uniform(0.08, 0.5)
    first, _, last = long.widths
    bracket = replace(
        long, length=share * long.length, hole=0.0,
        widths=(first * rng.uniform(0.8, 1.6), 0.8 * first, 0.6 * first), thick=0.7 * long.thick,
    )  # fmt: skip
    grip = replace(
        long,
        start=long.start + 0.97 * share * long.length,
        length=(1 - share) * long.length,
        height=long.height + share * long.length * long.slope,
        widths=(first, last * rng.uniform(0.7, 1.2), 0.3 * last),
    )
    return [bracket, grip]
