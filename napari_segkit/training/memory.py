"""Where memory runs out: how to know it, and what to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.errors import ModelError

if TYPE_CHECKING:
    from accelerate import Accelerator

_TOO_MUCH = ("out of memory", "can't allocate memory", "not enough memory")


def out_of_memory(error: Exception) -> bool:
    """Whether that is what an error says; torch and numpy say it in several ways."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _TOO_MUCH)


def too_large(
    what: str, accelerator: Accelerator, *, where: str | None = None, or_else: str = ""
) -> ModelError:
    """The sentence for what does not fit into memory (F48); ``or_else``: a remedy of its own."""
    cpu = "" if accelerator.device.type == "cpu" else ", or device=cpu"
    remedy = f"choose a smaller size or a smaller architecture{or_else}{cpu}"
    return ModelError(f"{what} does not fit into memory", where=where, remedy=remedy)
