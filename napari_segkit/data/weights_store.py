"""Where weights are: shipped with the program, downloaded, or the user's own versions.

::

    shipped("weights")/NAME.safetensors               with the program
    user_data()/weights/MODEL/VERSION/….safetensors   the user's own and what was downloaded
    user_data()/weights/MODEL/adopted.json            which one is used, and which were before

Adopting and rolling back move the pointer; no weights file is ever changed.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segkit.data.atomic import atomic_write, disk_errors
from napari_segkit.data.weights import load_weights
from napari_segkit.data.weights_card import card_path
from napari_segkit.errors import WeightsError
from napari_segkit.paths import shipped, user_data

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = "shipped"
_VERSION = re.compile(r"[\w][\w.-]{0,63}")


@dataclass(frozen=True)
class Version:
    """One set of weights of a model: its name, where it lies, whether it is the one in use."""

    model: str
    name: str
    path: Path
    adopted: bool


def find_weights(model_id: str, spec: Path | None = None) -> Path:
    """The weights file to use.

    Parameters
    ----------
    spec
        A file; by default the adopted version, else the shipped weights.

    Raises
    ------
    WeightsError
        Where there is none.
    """
    if spec is not None:
        if not spec.is_file():
            raise WeightsError("no such weights file", where=spec)
        return spec
    for version in versions(model_id):
        if version.adopted:
            return version.path
    history = _history(model_id)
    if history and history[-1] != SHIPPED:
        raise WeightsError(
            f"the adopted weights of {model_id} are gone",
            where=_folder(model_id) / history[-1],
            remedy=f"segkit weights rollback {model_id}",
        )
    raise WeightsError(
        f"model {model_id} has no weights here",
        where=_shipped(model_id),
        remedy="choose a file (--weights FILE), or install the program again",
    )


def versions(model_id: str) -> list[Version]:
    """Every version of a model, the shipped one first."""
    pointer = _history(model_id)
    current = pointer[-1] if pointer else SHIPPED
    found = []
    if _shipped(model_id).is_file():
        found.append(Version(model_id, SHIPPED, _shipped(model_id), current == SHIPPED))
    if _folder(model_id).is_dir():
        for folder in sorted(_folder(model_id).iterdir()):
            files = sorted([*folder.glob("*.safetensors"), *folder.glob("*.xml")])
            if files and card_path(files[0]).is_file():
                name = folder.name
                found.append(Version(model_id, name, files[0], current == name))
    return found


def add_version(weights: Path, name: str) -> Version:
    """Copy weights and card into the user's store; `adopt` makes them the ones in use.

    Raises
    ------
    WeightsError
        Where they cannot be used, or the name is taken or not one.
    WriteError
        Where the disk refuses.
    """
    if name == SHIPPED or not _VERSION.fullmatch(name):
        raise WeightsError("not a version's name", expected="letters, digits, . _ -", got=name)
    _, card = load_weights(weights)
    target = _folder(card.model) / name
    if target.exists():
        raise WeightsError("there is such a version already", where=target, remedy="rename it")
    with disk_errors(target):
        target.mkdir(parents=True)
    for source in (weights, card_path(weights)):
        with source.open("rb") as there, atomic_write(target / source.name) as here:
            shutil.copyfileobj(there, here)
    return Version(card.model, name, target / weights.name, adopted=False)


def adopt(model_id: str, name: str) -> Version:
    """Use a version from now on; its file is examined first.

    Raises
    ------
    WeightsError
        Where there is no such version, or it cannot be used.
    """
    for version in versions(model_id):
        if version.name == name:
            if version.path.suffix == ".safetensors":
                load_weights(version.path)
            _point(model_id, [*_history(model_id), name])
            return Version(model_id, name, version.path, adopted=True)
    known = ", ".join(one.name for one in versions(model_id)) or "none"
    raise WeightsError(f"no such version of {model_id}", expected=known, got=name)


def roll_back(model_id: str) -> Version:
    """Use what was used before.

    Raises
    ------
    WeightsError
        Where nothing was adopted, or what was before is gone.
    """
    history = _history(model_id)
    if not history:
        raise WeightsError(f"nothing to roll back for {model_id}", got="the shipped weights")
    before = history[-2] if len(history) > 1 else SHIPPED
    for version in versions(model_id):
        if version.name == before:
            _point(model_id, history[:-1])
            return Version(model_id, before, version.path, adopted=True)
    raise WeightsError(
        "the weights before are gone", where=_folder(model_id) / before, remedy="adopt another"
    )


def downloads() -> Path:
    """Where downloaded files go."""
    return user_data() / "downloads"


def _folder(model_id: str) -> Path:
    return user_data() / "weights" / model_id


def _shipped(model_id: str) -> Path:
    return shipped("weights") / f"{model_id}.safetensors"


def _history(model_id: str) -> list[str]:
    path = _folder(model_id) / "adopted.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))["history"]
        return [str(name) for name in known]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            "which weights are adopted cannot be read",
            where=path,
            got=error,
            remedy="remove the file: the shipped weights are used then",
        ) from error


def _point(model_id: str, history: list[str]) -> None:
    with atomic_write(_folder(model_id) / "adopted.json") as file:
        file.write(json.dumps({"history": history}, indent=1).encode())
