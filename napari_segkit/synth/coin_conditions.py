"""The families of coin photos that `coins.make_scene` knows, as a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

ALL_METALS = (
    "copper",
    "bronze",
    "brass",
    "gold",
    "silver",
    "nickel",
    "steel",
    "oxidised",
    "patina",
)
BRIGHT = ("copper", "brass", "gold", "silver", "nickel", "steel")
DARK = ("oxidised", "oxidised", "bronze", "patina")

PLAIN = ("paper", "paper", "coloured")
TEXTURED = ("wood", "weave", "granite", "marble", "rough", "printed", "photo", "tiles")
ANY = ("paper", "coloured", "dark", *TEXTURED)


@dataclass(frozen=True)
class Condition:
    """How the photos of one family are made.

    `radius` is the range of coin radii as a share of the image's shorter side; `size` the range
    of that side in pixels; `grades` the cameras of `camera.random_camera`; `tilt` the camera's in
    degrees; `light` the range of `Lamp.strength`. `extra` names what else happens: 'gradient',
    'shadow' (edges of cast shadow on the ground), 'glossy' (lamps mirrored in the ground),
    'props' (other things), 'held' (fingers, capsules, holders), 'cutout' (background removed),
    'match' (ground in the colour of the coin), 'scan' (flatbed), 'gray'.
    """

    grounds: tuple[str, ...]
    layout: str = "single"
    count: tuple[int, int] = (1, 1)
    radius: tuple[float, float] = (0.28, 0.47)
    size: tuple[int, int] = (160, 480)
    metals: tuple[str, ...] = ALL_METALS
    grades: tuple[str, ...] = ("clean", "fair", "fair")
    tilt: tuple[float, float] = (0, 6)
    light: tuple[float, float] = (0.2, 0.7)
    extra: frozenset[str] = frozenset()
    struck: float = 0.05


_SEVERAL = Condition(PLAIN, "apart", count=(3, 12), radius=(0.05, 0.13), size=(420, 1000))


def _several(grounds: tuple[str, ...], layout: str = "apart", **changes: Any) -> Condition:
    """Several coins in a photo of common size."""
    return replace(_SEVERAL, grounds=grounds, layout=layout, **changes)


CONDITIONS: dict[str, Condition] = {
    "single-white": Condition(("paper", "paper", "white"), light=(0.0, 0.6)),
    "single-coloured": Condition(("coloured",)),
    "single-texture": Condition(TEXTURED),
    "single-fill": Condition(ANY, radius=(0.465, 0.5)),
    "single-cut": Condition(ANY, "cut", radius=(0.42, 0.6)),
    "single-cutout": Condition(
        ("black", "black", "white"), radius=(0.3, 0.5), light=(0, 0), extra=frozenset({"cutout"})
    ),
    "single-low-contrast": Condition(("match",), extra=frozenset({"gradient"})),
    "single-dark": Condition(("dark",), metals=DARK),
    "single-scan": Condition(
        ("black", "white", "paper"), tilt=(0, 0), light=(0.1, 0.4), extra=frozenset({"scan"})
    ),
    "single-held": Condition(
        (*ANY, "skin", "skin", "skin"), radius=(0.25, 0.4), extra=frozenset({"held"})
    ),
    "single-shadow": Condition(ANY, extra=frozenset({"shadow", "gradient"}), light=(0.5, 0.9)),
    "single-poor": Condition(ANY, size=(90, 220), grades=("poor", "noisy", "blurred")),
    "sparse": _several((*PLAIN, "dark")),
    "touching": _several((*PLAIN, "wood", "rough"), "touching"),
    "overlapping": _several((*PLAIN, "wood", "rough"), "overlapping"),
    "pile": _several(ANY, "heap", count=(8, 30), radius=(0.06, 0.1)),
    "wood": _several(("wood",)),
    "weave": _several(("weave",)),
    "stone": _several(("granite", "marble", "tiles", "rough", "photo")),
    "shadow-edges": _several(ANY, extra=frozenset({"shadow"}), light=(0.4, 0.9)),
    "gradient": _several((*PLAIN, "marble", "wood"), extra=frozenset({"gradient"})),
    "dark-on-dark": _several(("dark",), metals=DARK),
    "low-contrast": _several(("match",), extra=frozenset({"gradient"})),
    "oblique": _several((*PLAIN, "wood", "rough"), tilt=(22, 52)),
    "distractors": _several(
        (*PLAIN, "wood", "dark", "marble"), count=(2, 8), extra=frozenset({"props"})
    ),
    "blur": _several(ANY, grades=("blurred",)),
    "noise": _several(ANY, grades=("noisy",)),
    "pair": _several(
        ("white", "black", "paper", "coloured"), count=(2, 2), radius=(0.24, 0.3), size=(200, 500)
    ),
    "glossy": _several(
        ("dark", "marble", "wood", "coloured"), extra=frozenset({"glossy"}), light=(0.1, 0.5)
    ),
    "struck-gray": _several(
        ("dark", "paper", "rough"),
        count=(6, 24),
        struck=1.0,
        metals=BRIGHT,
        extra=frozenset({"gray", "gradient"}),
    ),
    "phone": _several(
        (*PLAIN, "wood", "dark"), count=(4, 14), radius=(0.05, 0.1), size=(3000, 3000), tilt=(0, 15)
    ),
    "many": _several(
        (*PLAIN, "wood", "weave", "marble"),
        count=(50, 110),
        radius=(0.018, 0.034),
        size=(3000, 3000),
    ),
}
"""Name to family. 'phone' and 'many' are 12-Mpx photos and take seconds each."""

SINGLE = tuple(name for name in CONDITIONS if name.startswith("single-"))
LARGE = ("phone", "many")
SEVERAL = tuple(name for name in CONDITIONS if name not in SINGLE and name not in LARGE)
