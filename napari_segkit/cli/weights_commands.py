"""``segkit weights``: which there are, bring, check, adopt, take back."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from napari_segkit.cli.options import Json
from napari_segkit.cli.report import out, print_json
from napari_segkit.cli.run import run, told
from napari_segkit.data.fetching import RemoteFile, fetch
from napari_segkit.data.sam_weights import BASES, fetch_base
from napari_segkit.data.weights import load_weights, save_weights
from napari_segkit.data.weights_card import WeightsCard, read_card
from napari_segkit.data.weights_import import SUFFIXES, import_checkpoint
from napari_segkit.data.weights_store import (
    Version,
    add_version,
    adopt,
    downloads,
    find_weights,
    roll_back,
    versions,
)
from napari_segkit.errors import WeightsError
from napari_segkit.models.registry import model_ids
from napari_segkit.models.rings_files import SMALL

weights_app = typer.Typer(help="Weights of models: list, import, fetch, verify, adopt, roll back.")

Model = Annotated[str, typer.Argument(help="See `segkit models`.")]
File = Annotated[Path, typer.Argument(help="Weights file.")]


@weights_app.command("list")
def list_command(as_json: Json = False) -> None:
    """Every version of every model, and of the small base of rings; the one in use is marked."""
    with told(as_json):
        rows = [version for name in (*model_ids(), SMALL) for version in versions(name)]
        cards = [read_card(version.path) for version in rows]
        if as_json:
            both = zip(rows, cards, strict=True)
            print_json({"weights": [_described(row) | {"metrics": c.metrics} for row, c in both]})
            return
        table = Table("model", "version", "in use", "network", "file")
        for version, card in zip(rows, cards, strict=True):
            mark = "yes" if version.adopted else ""
            table.add_row(version.model, version.name, mark, card.arch, escape(str(version.path)))
        out.print(table)


@weights_app.command("verify")
def verify_command(file: File, as_json: Json = False) -> None:
    """Read a weights file wholly: form, hash, numbers, card."""
    with told(as_json):
        tensors, card = load_weights(file)
        _tell(card, file, len(tensors), as_json)


@weights_app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help=f"Checkpoint: {', '.join(SUFFIXES)}.")],
    target: Annotated[Path, typer.Option("--out", help="….safetensors to write.")],
    as_json: Json = False,
) -> None:
    """Turn a checkpoint of the dust or the egg and pan project into safetensors with a card."""
    with told(as_json):
        tensors, card = import_checkpoint(file)
        written = save_weights(target, tensors, card.model_copy(update={"name": target.stem}))
        _tell(written, target, len(tensors), as_json)


@weights_app.command("fetch")
def fetch_command(
    what: Annotated[str, typer.Argument(help="vit_b, vit_l, vit_h, or an address.")],
    sha256: Annotated[str, typer.Option(help="Of an address: the file's hash.")] = "",
    size: Annotated[int, typer.Option(help="Of an address: its size in bytes.")] = 0,
    folder: Annotated[Path | None, typer.Option("--out", help="Where it goes.")] = None,
    file: Annotated[Path | None, typer.Option(help="Take SAM's base from this copy.")] = None,
    as_json: Json = False,
) -> None:
    """Download SAM's base or a weights file; a broken download goes on where it ended."""
    with told(as_json):
        if what in BASES:
            path = run(fetch_base(what, folder, file=file), as_json)
        elif not sha256 or size < 1:
            raise WeightsError(
                "an address needs the hash and the size of its file",
                where=what,
                expected=f"--sha256 and --size; or one of {', '.join(BASES)}",
            )
        else:
            path = run(fetch(RemoteFile(what, sha256, size), folder or downloads()), as_json)
        print_json({"path": str(path)}) if as_json else out.print(escape(str(path)))


@weights_app.command("add")
def add_command(
    file: File,
    name: Annotated[str, typer.Option("--name", help="Of this version, such as 2026-11.")],
    use: Annotated[bool, typer.Option("--adopt", help="Use it from now on.")] = False,
    as_json: Json = False,
) -> None:
    """Copy weights into your own store as a new version of their model."""
    with told(as_json):
        version = add_version(file, name)
        _tell_version(adopt(version.model, name) if use else version, as_json)


@weights_app.command("adopt")
def adopt_command(
    model: Model,
    name: Annotated[str, typer.Argument(help="A version; `shipped` is the program's own.")],
    as_json: Json = False,
) -> None:
    """Use a version from now on."""
    with told(as_json):
        _tell_version(adopt(model, name), as_json)


@weights_app.command("rollback")
def rollback_command(model: Model, as_json: Json = False) -> None:
    """Use the version that was used before."""
    with told(as_json):
        _tell_version(roll_back(model), as_json)


@weights_app.command("show")
def show_command(model: Model, as_json: Json = False) -> None:
    """The card of the weights in use: data, figures, how they are made again."""
    with told(as_json):
        path = find_weights(model)
        card = read_card(path)
        print_json(card.model_dump(mode="json")) if as_json else out.print_json(
            card.model_dump_json()
        )


def _described(version: Version) -> dict[str, object]:
    return {
        "model": version.model,
        "version": version.name,
        "in_use": version.adopted,
        "path": str(version.path),
    }


def _tell_version(version: Version, as_json: bool) -> None:
    if as_json:
        print_json(_described(version))
    else:
        use = "in use" if version.adopted else "not in use yet"
        out.print(escape(f"{version.model} {version.name}: {use} ({version.path})"))


def _tell(card: WeightsCard, file: Path, count: int, as_json: bool) -> None:
    if as_json:
        print_json({"ok": True, "path": str(file), "tensors": count, "sha256": card.sha256})
    else:
        out.print(escape(f"{file}: good; {card.model}, {card.arch}, {count} tensors"))
