"""What can be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_segkit.errors import InputError
from napari_segkit.training.dense_tasks import DustTask, EggPanTask
from napari_segkit.training.rings_task import RingsTask
from napari_segkit.training.sam_tasks import SmallSamTask

if TYPE_CHECKING:
    from napari_segkit.training.task import Task

TASKS: dict[str, Task] = {
    "dust": DustTask("dust", ("dust",), 256, 1, "bce", threshold=0.3),
    "eggpan": EggPanTask("eggpan", ("egg", "pan"), 256, 3, "dice-ce"),
    "rings": RingsTask("rings", (), 256),
    "sam-segkit-s": SmallSamTask("sam-segkit-s", (), 192),
}


def get_task(model_id: str) -> Task:
    """The task of a model.

    Raises
    ------
    InputError
        Where the model cannot be trained.
    """
    if model_id not in TASKS:
        raise InputError("model cannot be trained", expected=", ".join(TASKS), got=model_id)
    return TASKS[model_id]
