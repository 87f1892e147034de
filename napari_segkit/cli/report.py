"""What the command line prints: tables for people, JSON for scripts."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_segkit.data.dataset import Validation, WriteReport
    from napari_segkit.errors import SegkitError
    from napari_segkit.jobs import PredictReport
    from napari_segkit.models.base import Segmenter


def leave() -> NoReturn:
    """End as programs do that the signal of a broken pipe ends: whoever read has left."""
    write_no_more()
    raise typer.Exit(141)


def write_no_more() -> None:
    """Python flushes the output at its end, and must not stumble there."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Console(Console):
    def on_broken_pipe(self) -> None:
        leave()


out = _Console()
err = Console(stderr=True)
_MOST_ROWS = 50


def describe_model(model: type[Segmenter]) -> dict[str, Any]:
    """A model for scripts: its contract and its parameters."""
    return {
        "id": model.id,
        "title": model.title,
        "classes": [c.name for c in model.classes],
        "prompts": sorted(kind.value for kind in model.prompts),
        "needs_prompts": model.needs_prompts,
        "presets": list(model.presets),
        "parameters": model.Params.model_json_schema()["properties"],
        "weights": model.weights_state(),
    }


def print_models(rows: Sequence[dict[str, Any]]) -> None:
    """The models as a table."""
    table = Table("model", "title", "classes", "prompts", "presets", "weights")
    for row in rows:
        names = [", ".join(row[key]) or "–" for key in ("classes", "prompts", "presets")]
        table.add_row(row["id"], row["title"], *names, row["weights"] or "none needed")
    out.print(table)


def print_json(content: Any) -> None:
    """One JSON object on standard output, valid whatever the names of files hold."""
    text = json.dumps(content, ensure_ascii=False, indent=2, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a name that is not UTF-8, or a terminal that is not
        text = json.dumps(content, indent=2, default=str)
    try:
        sys.stdout.write(text + "\n")
    except BrokenPipeError:
        leave()


def print_error(error: SegkitError, as_json: bool) -> None:
    """One line on standard error, or its parts as JSON."""
    if as_json:
        print_json(error.as_dict())
    else:
        err.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)


def predict_json(report: PredictReport) -> dict[str, Any]:
    """Everything of a run: images, failures, what was written."""
    return {
        "images": [asdict(result) for result in report.results],
        "failures": [{"path": f.path, **f.error.as_dict()} for f in report.failures],
        "written": None if report.written is None else asdict(report.written),
        "notes": report.notes,
    }


def print_predict(report: PredictReport, overlays: Path | None) -> None:
    """A run as a table, its notes and failures, and where the files are."""
    shown = report.results[:_MOST_ROWS]
    table = Table("image", "objects", "area px: min / median / max", "model time")
    for row in shown:
        areas = sorted(row.areas)
        spread = f"{areas[0]} / {areas[len(areas) // 2]} / {areas[-1]}" if areas else "–"
        table.add_row(escape(row.name), str(len(areas)), spread, f"{row.seconds:.3f} s")
    if shown:
        out.print(table)
    if len(report.results) > len(shown):
        out.print(f"… and {len(report.results) - len(shown)} more; --json lists all")
    for result in report.results:
        for note in result.notes:
            err.print(f"{escape(str(result.path))}: {escape(note)}", soft_wrap=True)
    for note in report.notes:
        err.print(f"[yellow]note:[/yellow] {escape(note)}", soft_wrap=True)
    for failure in report.failures:
        err.print(
            f"[red]failed:[/red] {escape(str(failure.path))}: {escape(str(failure.error))}",
            soft_wrap=True,
        )
    written = report.written
    if written is None:
        err.print("[red]nothing was written:[/red] every image failed")
        return
    print_written(written)
    if overlays is not None:
        out.print(f"pictures -> {escape(str(overlays))}", soft_wrap=True)


def print_written(report: WriteReport) -> None:
    """What was written, where, and what to mind."""
    objects = f"{count(report.instances, 'object')} in {count(report.images, 'image')}"
    out.print(f"{objects} -> {escape(str(report.path))}", soft_wrap=True)
    for warning in report.warnings:
        err.print(f"[yellow]warning:[/yellow] {escape(warning)}", soft_wrap=True)


def print_validation(result: Validation) -> None:
    """One line per fault, and the verdict."""
    for fault in result.faults:
        style = "red" if fault.severity == "error" else "yellow"
        line = f"[{style}]{fault.severity}:[/{style}] {escape(fault.file)}: {escape(fault.what)}"
        out.print(f"{line}; {escape(fault.remedy)}", soft_wrap=True)
    errors = sum(fault.severity == "error" for fault in result.faults)
    counts = f"{count(result.images, 'image')}, {count(result.instances, 'object')}"
    verdict = f"{count(errors, 'error')}, {count(len(result.faults) - errors, 'warning')}"
    out.print(f"{escape(str(result.path))}: {counts}; {verdict} ({result.format})", soft_wrap=True)


def count(number: int, noun: str) -> str:
    """Such as 1 image, 2 images."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
