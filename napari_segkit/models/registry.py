"""Which models there are. A new one is one file and one line here, or an entry point elsewhere."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from napari_segkit.errors import InputError
from napari_segkit.models.base import Segmenter

ENTRY_POINT_GROUP = "napari_segkit.models"

_BUILTIN = {
    "coins": "napari_segkit.models.coins:Coins",
    "dust": "napari_segkit.models.dust:Dust",
    "rings": "napari_segkit.models.rings:Rings",
    "eggpan": "napari_segkit.models.eggpan:EggPan",
}


@cache
def _locations() -> dict[str, str]:
    others = {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}
    return others | _BUILTIN


def model_ids() -> tuple[str, ...]:
    """Ids of every model: ours first, then those of other packages."""
    return tuple(sorted(_locations(), key=lambda name: (name not in _BUILTIN, name)))


def get_model(model_id: str) -> type[Segmenter]:
    """The class of one model; its heavy libraries are not loaded yet.

    Raises
    ------
    InputError
        For an unknown id, or an entry point that does not lead to a `Segmenter`.
    """
    location = _locations().get(model_id)
    if location is None:
        raise InputError("unknown model", expected=", ".join(model_ids()), got=model_id)
    module, _, name = location.partition(":")
    try:
        model = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"model {model_id} cannot be loaded",
            where=location,
            got=str(error),
            remedy="update or remove the package that declares it",
        ) from error
    if not (isinstance(model, type) and issubclass(model, Segmenter)):
        raise InputError("not a Segmenter", where=location, got=type(model).__name__)
    return model
