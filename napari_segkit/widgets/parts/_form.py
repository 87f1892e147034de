"""A model's parameters as a form: made from their titles, descriptions, bounds and groups."""

from __future__ import annotations

import json
import math
from enum import Enum
from functools import partial
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from magicgui.widgets import CheckBox, Widget, create_widget
from psygnal import Signal
from pydantic import ValidationError
from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_segkit.errors import ParamsError

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic.fields import FieldInfo

    from napari_segkit.models.base import ModelParams

_NARROW = 104
"""Pixels: a combo box asks for the width of its longest entry, but a dock is narrow."""
_INT = 2**31 - 1
_FLOAT = 1e9
"""Bounds of what has none."""


class ParamsForm:
    """One line per parameter; parameters with a group are folded away under its name.

    Parameters
    ----------
    params
        What is shown at first.
    without
        Names of parameters that have no line: the dock has something better for them.

    Attributes
    ----------
    native
        The Qt widget.
    live
        Lines of the parameters that take effect at once; ``None`` where there are none.
    changed
        Emitted when the person changed a value.
    live_changed
        Besides, where it takes effect at once.
    """

    changed = Signal()
    live_changed = Signal()

    def __init__(self, params: ModelParams, *, without: Collection[str] = ()) -> None:
        self._type = type(params)
        self._without = without
        self._fields = self._type.model_fields
        self._given: dict[str, Any] = {}
        self._shown: dict[str, Any] = {}
        self._widgets = {name: _line(name, field) for name, field in self._fields.items()}
        self.groups: dict[str, QCollapsible] = {}
        self.native = self._make_native()
        live = sorted(live_fields(self._type), key=list(self._fields).index)
        self.live = self._make_lines(live) if live else None
        self.set(params)
        for widget in self._widgets.values():
            widget.changed.connect(self._on_changed)
        for name in live:
            self._widgets[name].changed.connect(self._on_live_changed)

    def _make_native(self) -> QWidget:
        native = QWidget()
        layout = QVBoxLayout(native)
        layout.setContentsMargins(0, 0, 0, 0)
        still = {
            name: field
            for name, field in self._fields.items()
            if name not in self._without and not _is_live(field)
        }
        for group in dict.fromkeys(_group(field) for field in still.values()):
            names = [name for name, field in still.items() if _group(field) == group]
            lines = self._make_lines(names)
            if group is not None:
                lines = self.groups[group] = folded(group, lines)
            layout.addWidget(lines)
        return native

    def _make_lines(self, names: list[str]) -> QWidget:
        lines = QWidget()
        layout = QFormLayout(lines)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name in names:
            label = QLabel(self._widgets[name].label)
            label.setToolTip(self._widgets[name].tooltip)
            native = self._widgets[name].native
            native.setMinimumWidth(_NARROW)
            if isinstance(self._widgets[name], CheckBox):
                self._widgets[name].text = ""  # its label stands before it
            layout.addRow(label, native)
        return lines

    def set(self, params: ModelParams) -> None:
        """Show other values, such as a preset's; `changed` is not emitted."""
        for name, widget in self._widgets.items():
            value = getattr(params, name)
            with widget.changed.blocked():
                widget.value = _to_widget(widget, value)
            self._given[name] = value
            self._shown[name] = widget.value

    def get(self) -> ModelParams:
        """The parameters as they stand in the form.

        Raises
        ------
        ParamsError
            Where the parameters' own check refuses a value.
        """
        values = {name: self._value(name) for name in self._fields}
        try:
            return self._type.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else ""
            title = self._fields[name].title if name in self._fields else name
            raise ParamsError(
                f'parameter "{title or name}"',
                expected=first["msg"].removeprefix("Value error, "),
                got=repr(first["input"]),
            ) from error

    def _value(self, name: str) -> Any:
        """What was given, unless it was changed: spin boxes show fewer digits than numbers have."""
        value = self._widgets[name].value
        if value == self._shown[name]:
            return self._given[name]
        return _from_widget(value, self._fields[name])

    def _on_changed(self) -> None:
        self.changed.emit()

    def _on_live_changed(self) -> None:
        self.live_changed.emit()


def live_fields(params: type[ModelParams]) -> set[str]:
    """Parameters that take effect without running the model again."""
    return {name for name, field in params.model_fields.items() if _is_live(field)}


def folded(title: str, content: QWidget) -> QCollapsible:
    """A heading that shows and hides what is under it."""
    section = QCollapsible(title, expandedIcon=QIcon(), collapsedIcon=QIcon())
    section.setDuration(0)
    section.content().layout().setContentsMargins(12, 0, 0, 0)
    section.layout().setContentsMargins(0, 0, 0, 0)
    section.addWidget(content)
    section.toggleButton().setFocusPolicy(Qt.FocusPolicy.TabFocus)
    section.toggled.connect(partial(_show_arrow, section, title))
    section.collapse(animate=False)
    _show_arrow(section, title, expanded=False)
    return section


def _show_arrow(section: QCollapsible, title: str, expanded: bool) -> None:
    """In the text: the icons that superqt draws keep the colour of another theme."""
    section.setText(f"{'▾' if expanded else '▸'}  {title}")


def _line(name: str, field: FieldInfo) -> Widget:
    annotation, options = _options(field)
    title = field.title or name.replace("_", " ").capitalize()
    return create_widget(
        annotation=annotation,
        name=name,
        label=title,
        options={"tooltip": field.description or title, **options},
    )


def _options(field: FieldInfo) -> tuple[Any, dict[str, Any]]:
    """Type for magicgui and the widget's options."""
    kind = field.annotation
    if get_origin(kind) is Literal:
        return type(get_args(kind)[0]), {"choices": list(get_args(kind)), "widget_type": "ComboBox"}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind, {"widget_type": "ComboBox"}
    if kind is bool:
        return bool, {}
    if kind is int:
        low, high = _bounds(field, _INT, open_end=1)
        return int, {"min": low, "max": high, "step": _extra(field).get("step", 1)}
    if kind is float:
        low, high = _bounds(field, _FLOAT, open_end=1e-3)
        step = _extra(field).get("step", _step(low, high))
        slider = {"widget_type": "FloatSlider"} if _is_live(field) else {}
        return float, {"min": low, "max": high, "step": step, **slider}
    return str, {"widget_type": "LineEdit"}


def _bounds(field: FieldInfo, limit: float, *, open_end: float) -> tuple[Any, Any]:
    low, high = -limit, limit
    for constraint in field.metadata:
        low = getattr(constraint, "ge", low)
        high = getattr(constraint, "le", high)
        low = constraint.gt + open_end if hasattr(constraint, "gt") else low
        high = constraint.lt - open_end if hasattr(constraint, "lt") else high
    return low, high


def _step(low: float, high: float) -> float:
    """A hundredth of the range, as a power of ten: 0.01 for 0 to 1, 1 for 0 to 255."""
    return float(10.0 ** math.floor(math.log10(max(high - low, 1e-6) / 100))) if high > low else 1.0


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}


def _group(field: FieldInfo) -> str | None:
    group = _extra(field).get("group")
    return None if group is None else str(group)


def _is_live(field: FieldInfo) -> bool:
    return bool(_extra(field).get("live"))


def _to_widget(widget: Widget, value: Any) -> Any:
    if widget.widget_type == "LineEdit" and not isinstance(value, str):
        return "" if value is None else json.dumps(value)
    return value


def _from_widget(value: Any, field: FieldInfo) -> Any:
    """What a line of text means; other widgets give the value itself."""
    if not isinstance(value, str) or field.annotation is str:
        return value
    optional = get_origin(field.annotation) in (Union, UnionType)
    if not value.strip() and optional and NoneType in get_args(field.annotation):
        return None
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
