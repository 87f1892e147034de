"""Which base and which adapter a promptable model gets; and how a base that is not here is had."""

from __future__ import annotations

from napari_segkit.data.sam_weights import BASES, find_base
from napari_segkit.models.rings_files import AUTO, NONE, SMALL
from napari_segkit.widgets.parts._file_chooser import FileChooser
from napari_segkit.widgets.runs._weights import known_versions


class SpecChooser(FileChooser):
    """What there is, by the names that the model's parameters use, and any file."""

    @property
    def spec(self) -> str:
        """What was chosen, as the parameter says it."""
        return str(self.currentData())

    @spec.setter
    def spec(self, spec: str) -> None:
        self.choose(spec)


def base_entries() -> list[tuple[str, str]]:
    """Bases that are here and those that can be fetched."""
    small = any(one.adopted for one in known_versions(SMALL))
    first = f"{SMALL} (small, in use)" if small else f"{SMALL} (not here)"
    official = [
        (base.title if find_base(name) else f"{base.title} (not here)", name)
        for name, base in BASES.items()
    ]
    return [(first, AUTO), *official]


def adapter_entries() -> list[tuple[str, str]]:
    """Adapters that are here, and none."""
    known = known_versions("rings")
    used = next((one.name for one in known if one.adopted), None)
    first = "automatic: none here" if used is None else f"{used} (in use)"
    own = [(one.name, str(one.path)) for one in known if not one.adopted]
    return [(first, AUTO), ("none: the bare base", NONE), *own]
