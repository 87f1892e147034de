"""What is in a scene: pans with eggs, empty pans, eggs elsewhere, and things that look alike."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_segkit.synth.eggpan_coats import Coat, bare_plan, china, pan_coat, uniform_paint
from napari_segkit.synth.eggpan_eggs import fry, omelette, random_egg, scramble
from napari_segkit.synth.eggpan_films import froth, grease, residue, sauce
from napari_segkit.synth.eggpan_larder import LARDER
from napari_segkit.synth.eggpan_pantry import CLUTTER
from napari_segkit.synth.eggpan_plan import BACKGROUND, EGG, PAN
from napari_segkit.synth.eggpan_shapes import Profile
from napari_segkit.synth.eggpan_shells import SHELLS, shell_egg
from napari_segkit.synth.eggpan_spice import season
from napari_segkit.synth.eggpan_things import (
    LOOSE,
    bits,
    disc_food,
    hand,
    random_stuff,
    tool,
)
from napari_segkit.synth.eggpan_vessels import Vessel, handle_solid, pan_handles, pan_profile

if TYPE_CHECKING:
    from napari_segkit.synth.eggpan_plan import Plan
    from napari_segkit.synth.rays import Solid

THEMES = {
    "eggs in a pan": 0.42,
    "empty pan": 0.06,
    "other food in a pan": 0.05,
    "eggs on a plate": 0.06,
    "eggs in the shell": 0.13,
    "look-alikes": 0.08,
    "pantry": 0.2,
}
"""What scenes show, and how often."""


@dataclass
class Scene:
    """What is rendered.

    Attributes
    ----------
    detail
        Pixels across a vessel's plan.
    lift
        How far the table lies below the floor of the first vessel.
    dark
        Whether a pan is black.
    hob
        How often it stands on a hob.
    """

    detail: int
    solids: list[Solid] = field(default_factory=list)
    lift: float = 0.05
    dark: bool = False
    hob: float = 0.35


def draw_scene(theme: str, rng: np.random.Generator, *, size: int, held_out: bool) -> Scene:
    """A scene of one of `THEMES` for an image of ``size`` pixels."""
    scene = Scene(detail=int(np.clip(1.14 * size, 48, 900)))
    if theme in {"eggs in a pan", "empty pan", "other food in a pan"}:
        _pan_scene(scene, theme, rng, held_out=held_out)
        if rng.random() < 0.06:
            _pan_scene(scene, theme, rng, held_out=held_out, away=rng.uniform(2.1, 2.5))
    elif theme == "eggs on a plate":
        _plate(scene, rng, eggs=True)
    elif theme == "eggs in the shell":
        _shells(scene, rng)
    elif theme == "pantry":
        scene.lift, scene.hob = 0.02, 0.08
        if rng.random() < 0.35:  # one kind fills the photo
            make = LARDER[int(rng.integers(len(LARDER)))]
            scene.solids.extend(make((0.0, 0.0, -scene.lift), rng))
        _strew(scene, rng, int(rng.integers(2, 10)), 0.3, 1.8)
    else:
        _plate(scene, rng, eggs=False)
        if rng.random() < 0.5:
            _plate(scene, rng, eggs=False, away=rng.uniform(1.4, 2.4))
    _surround(scene, rng)
    return scene


def _shells(scene: Scene, rng: np.random.Generator) -> None:
    """Eggs in the shell: a heap, a carton, a nest, loose ones, among other things or alone."""
    scene.lift, scene.hob = 0.02, 0.08
    make = SHELLS[int(rng.integers(len(SHELLS)))]
    scene.solids.extend(make((*rng.normal(0, 0.25, 2), -scene.lift), rng))
    kind = rng.random()
    if kind < 0.35:
        _strew(scene, rng, int(rng.integers(2, 7)), 0.7, 1.9)
    elif kind < 0.5:
        _plate(scene, rng, eggs=False, away=rng.uniform(0.9, 1.6))


def _pan_scene(
    scene: Scene, theme: str, rng: np.random.Generator, *, held_out: bool, away: float = 0.0
) -> None:
    """A pan with its handles, ``away`` from the middle."""
    profile = pan_profile(rng)
    inside = pan_coat(rng, held_out=held_out)
    plan = bare_plan(inside, scene.detail, 1.12, PAN, rng)
    if rng.random() < 0.4:
        grease(plan, rng)
    if rng.random() < 0.35:
        residue(plan, rng)
    if theme == "other food in a pan":
        (disc_food if rng.random() < 0.4 else bits)(plan, rng)
    elif theme == "eggs in a pan":
        if rng.random() < 0.05:
            sauce(plan, rng)
        _cook(plan, profile.floor, rng)
    _trim(plan, profile)
    scene.dark = scene.dark or float(inside.albedo.mean()) < 0.05
    outside = inside if rng.random() < 0.55 else pan_coat(rng)
    rim = inside if rng.random() < 0.5 else _bright_rim(rng)
    angle = rng.uniform(0, math.tau)
    place = (away * math.cos(angle), away * math.sin(angle))
    vessel = Vessel(profile, plan, inside, outside, rim, PAN, *place)
    scene.lift = scene.lift if away else profile.base
    scene.solids.extend(vessel.solids())
    for handle in pan_handles(profile, rng):
        coat = outside if rng.random() < 0.3 else random_stuff(rng)
        scene.solids.append(handle_solid(vessel, handle, uniform_paint(coat, rng)))


def _bright_rim(rng: np.random.Generator) -> Coat:
    share = np.full(3, rng.uniform(0.2, 0.7), np.float32)
    return Coat(np.full(3, rng.uniform(0.05, 0.3), np.float32), share, rng.uniform(0.1, 0.5))


def _cook(plan: Plan, floor: float, rng: np.random.Generator) -> None:
    """Eggs on the floor of a vessel, apart, touching or run together; other food, spice, froth."""
    if rng.random() < 0.2:
        bits(plan, rng)
    kind = rng.random()
    room = min(1.0, floor + 0.12)
    if kind < 0.07:
        scramble(plan, rng.normal(0, 0.1, 2), room * rng.uniform(0.4, 0.85), rng)
    elif kind < 0.13:
        omelette(plan, rng.normal(0, 0.08, 2), room * rng.uniform(0.5, 0.95), rng)
    else:
        count = int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.4, 0.27, 0.15, 0.1, 0.04, 0.04]))
        radius = room * rng.uniform(0.4, 0.95) / count**0.45
        reach = max(0.02, room - radius * rng.uniform(0.7, 1.1))
        turn = rng.uniform(0, math.tau)
        eggs = []
        for k in range(count):
            angle = turn + math.tau * k / count + rng.normal(0, 0.25)
            off = reach * (math.sqrt(rng.uniform(0, 0.9)) if count == 1 else rng.uniform(0.5, 1))
            place = (off * math.cos(angle), off * math.sin(angle))
            eggs.append(random_egg(rng, *place, radius * rng.uniform(0.85, 1.15)))
        fry(plan, eggs, rng)
    if rng.random() < 0.25:
        froth(plan, plan.value == EGG, rng)
    if rng.random() < 0.45:
        season(plan, rng)
    if rng.random() < 0.1:
        bits(plan, rng)


def _trim(plan: Plan, profile: Profile) -> None:
    """Let nothing that lies in a vessel climb its wall far."""
    x, y = plan.places(plan.everywhere())
    room = 0.5 * (1 + profile.floor)
    outside = (profile.rho(x, y) > room) & (plan.value != PAN)
    plan.value[outside] = PAN
    plan.height[outside] = 0


def _plate(scene: Scene, rng: np.random.Generator, *, eggs: bool, away: float = 0.0) -> None:
    """A plate, board, bowl, lid or cup, with eggs or with what looks alike."""
    kind = rng.random()
    if kind < 0.6:
        profile = Profile(rng.uniform(0.55, 0.8), rng.uniform(0.04, 0.16), 1.0, 0.02, 0.04, 0.01)
    elif kind < 0.8:
        profile = Profile(rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.6), 0.6, 0.03, 0.04, 0.015)
    else:
        profile = Profile(0.97, 0.01, 1.0, 0.02, 0.06, 0.0, corner=rng.choice([0.0, 0.1, 0.3]))
    inside = china(rng) if kind < 0.8 else random_stuff(rng)
    plan = bare_plan(inside, scene.detail, 1.12, BACKGROUND, rng)
    if eggs:
        _cook(plan, profile.floor, rng)
    elif (choice := rng.random()) < 0.75:
        (disc_food if choice < 0.5 else bits)(plan, rng)
    if not eggs or rng.random() < 0.3:
        plan.value[plan.value != EGG] = BACKGROUND
    plan.value[plan.value == PAN] = BACKGROUND
    angle = rng.uniform(0, math.tau)
    size = rng.uniform(0.35, 1.1) if not eggs else rng.uniform(0.8, 1.2)
    low = -scene.lift + profile.base * size if away else 0.0
    vessel = Vessel(
        profile, plan, inside, inside, inside, BACKGROUND,
        away * math.cos(angle), away * math.sin(angle), low, size,
    )  # fmt: skip
    if not away:
        scene.lift = profile.base * size
    scene.solids.extend(vessel.solids())


def _strew(
    scene: Scene, rng: np.random.Generator, count: int, nearest: float, farthest: float
) -> None:
    """Put things of a pantry on the table, some of them eggs."""
    eggs = rng.random() < 0.2
    for _ in range(count):
        angle, away = rng.uniform(0, math.tau), rng.uniform(nearest, farthest)
        place = (away * math.cos(angle), away * math.sin(angle), -scene.lift)
        if eggs and rng.random() < 0.35:
            make = SHELLS[int(rng.integers(len(SHELLS)))]
            scene.solids.extend(make(place, rng))
        else:
            scene.solids.extend(CLUTTER[int(rng.integers(len(CLUTTER)))](place, rng))


def _surround(scene: Scene, rng: np.random.Generator) -> None:
    """Things around, and a tool or a hand across."""
    ground = -scene.lift
    for _ in range(int(rng.choice([0, 1, 2, 3, 5], p=[0.35, 0.25, 0.2, 0.12, 0.08]))):
        angle, away = rng.uniform(0, math.tau), rng.uniform(1.35, 2.6)
        place = (away * math.cos(angle), away * math.sin(angle), ground)
        kind = rng.random()
        if kind < 0.18:
            scene.solids.append(shell_egg(place, rng))
        elif kind < 0.4:
            scene.solids.extend(CLUTTER[int(rng.integers(len(CLUTTER)))](place, rng))
        elif kind < 0.66:
            scene.solids.append(LOOSE[int(rng.integers(len(LOOSE)))](place, rng))
        elif kind < 0.8:
            scene.solids.extend(tool((place[0], place[1], ground - 0.02), rng))
        else:
            _plate(scene, rng, eggs=False, away=away + 0.3)
    if rng.random() < 0.22:
        place = (*rng.uniform(-0.7, 0.7, 2), rng.uniform(0.02, 0.25))
        scene.solids.extend(tool(place, rng))
    if rng.random() < 0.08:
        angle = rng.uniform(0, math.tau)
        away = rng.uniform(0.6, 1.4)
        scene.solids.extend(hand((away * math.cos(angle), away * math.sin(angle), 0.2), rng))
