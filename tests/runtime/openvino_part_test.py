"""A part of a network gives the same on OpenVINO; where that fails, torch goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from napari_segkit.runtime.openvino_graph import Graph
from napari_segkit.runtime.openvino_part import OpenVinoPart


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 5, 3, 2, 1)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        half = self.first(x)
        return [half, self.second(torch.relu(half))]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in ("openvino_backend", "openvino_graph"):
        monkeypatch.setattr(f"napari_segkit.runtime.{module}.user_cache", lambda: tmp_path)
    return tmp_path


def same(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> bool:
    pairs = zip(ours, theirs, strict=True)
    return all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)


@torch.inference_mode()
def test_any_number_of_images_as_torch_has_it_and_kept_for_the_next_start(cache: Path) -> None:
    net = Two().eval()
    part = OpenVinoPart(net, torch.zeros(1, 3, 16, 16), "two-abc")
    for count in (1, 7):
        x = torch.randn(count, 3, 16, 16).contiguous(memory_format=torch.channels_last)
        assert same(part(x), net(x))
    assert len(list(cache.rglob("two-abc*.xml"))) == 1
    other = OpenVinoPart(Two().eval(), torch.zeros(1, 3, 16, 16), "two-abc")
    assert same(other(x), net(x)), "the file of the cache was not used"


@torch.inference_mode()
def test_torch_goes_on_where_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such primitive")

    monkeypatch.setattr(Graph, "__call__", broken)
    net, x = Two().eval(), torch.randn(2, 3, 16, 16)
    part = OpenVinoPart(net, torch.zeros(1, 3, 16, 16), "")
    assert same(part(x), net(x))
    assert same(part(x), net(x))
