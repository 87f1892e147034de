from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Literal

import pytest
from pydantic import Field, field_validator

from napari_segkit.errors import ParamsError
from napari_segkit.models.base import ModelParams
from napari_segkit.models.registry import get_model, model_ids
from napari_segkit.widgets.parts._form import ParamsForm

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


class Shape(Enum):
    ROUND = "round"
    SQUARE = "square"


class Params(ModelParams):
    size: int = Field(5, ge=3, le=19, title="Size", description="In pixels.")
    ratio: float = Field(0.8663, gt=0, lt=1)
    mode: Literal["fast", "good"] = "fast"
    tiles: Literal[8, 16] = 8
    shape: Shape = Shape.ROUND
    flip: bool = False
    text: str = "coin"
    limit: int | None = None
    weights: tuple[float, ...] = (0.5, 1.0)
    deep: float = Field(0.1, ge=0, le=15, title="Deep", json_schema_extra={"group": "Advanced"})

    @field_validator("size")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("an odd number of pixels")
        return value


@pytest.fixture
def form(qtbot: QtBot) -> ParamsForm:
    form = ParamsForm(Params())
    qtbot.addWidget(form.native)
    return form


def test_every_value_goes_through_the_form_unchanged(form: ParamsForm) -> None:
    values = Params(
        size=7,
        ratio=0.123456789,
        mode="good",
        tiles=16,
        shape=Shape.SQUARE,
        flip=True,
        text="a b",
        limit=12,
        weights=(1.0, 2.0, 0.25),
        deep=1.2345678,
    )
    form.set(values)
    assert form.get() == values
    form.set(Params())
    assert form.get() == Params()


def test_lines_have_titles_tooltips_and_bounds(form: ParamsForm) -> None:
    size, ratio = form._widgets["size"], form._widgets["ratio"]
    assert (size.label, size.tooltip) == ("Size", "In pixels.")
    assert (size.min, size.max) == (3, 19)
    assert (ratio.min, ratio.max) == (0.001, 0.999)
    assert form._widgets["mode"].choices == ("fast", "good")


def test_a_group_is_folded_away(form: ParamsForm) -> None:
    assert list(form.groups) == ["Advanced"]
    assert not form.groups["Advanced"].isExpanded()


def test_a_change_is_told_and_returned(form: ParamsForm) -> None:
    heard: list[None] = []
    form.changed.connect(lambda: heard.append(None))
    form._widgets["size"].value = 9
    form._widgets["limit"].value = "4"
    assert form.get() == Params(size=9, limit=4)
    assert len(heard) == 2


def test_the_parameters_own_check_gives_a_sentence(form: ParamsForm) -> None:
    form._widgets["size"].value = 8
    with pytest.raises(
        ParamsError, match='parameter "Size": expected an odd number of pixels, got 8'
    ):
        form.get()


@pytest.mark.parametrize("model_id", model_ids())
def test_every_preset_of_every_model_goes_through_its_form(qtbot: QtBot, model_id: str) -> None:
    model = get_model(model_id)
    for preset in model.presets.values():
        form = ParamsForm(preset)
        qtbot.addWidget(form.native)
        assert form.get() == preset


@pytest.mark.parametrize("model_id", model_ids())
def test_no_number_of_a_preset_looks_like_zero(qtbot: QtBot, model_id: str) -> None:
    for params in get_model(model_id).presets.values():
        form = ParamsForm(params)
        qtbot.addWidget(form.native)
        for name, widget in form._widgets.items():
            if isinstance(value := getattr(params, name), float) and value:
                assert float(widget.value) != 0, name
