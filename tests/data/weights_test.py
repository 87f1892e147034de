from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.numpy import save

from napari_segkit.data.weights import load_weights, read_safetensors, save_weights
from napari_segkit.data.weights_card import Normalisation, WeightsCard, card_path
from napari_segkit.errors import SegkitError, WeightsError, WriteError

CARD = WeightsCard(name="dots", model="dust", arch="unet-light", classes=("dust",), input_size=256)


def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "stem.weight": rng.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "stem.steps": np.array(7, np.int64),
        "head.bias": np.array([1e6, -2.0], np.float32),
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "new" / "dots.safetensors"
    save_weights(place, tensors(), CARD)
    return place


def raw(tmp_path: Path, data: bytes, name: str = "x.safetensors") -> Path:
    place = tmp_path / name
    place.write_bytes(data)
    return place


def headed(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + body


def test_what_is_saved_comes_back(path: Path) -> None:
    loaded, card = load_weights(path)
    assert loaded.keys() == tensors().keys()
    for name, one in tensors().items():
        assert np.allclose(loaded[name], one, rtol=1e-3)
    assert loaded["stem.weight"].dtype == np.float32
    assert loaded["stem.steps"].shape == ()
    assert loaded["head.bias"][0] == 1e6, "too large for 16 bits, so kept with 32"
    assert card == CARD.model_copy(update={"sha256": card.sha256})
    assert len(card.sha256) == 64


def test_sixteen_bits_on_disk(tmp_path: Path) -> None:
    place = tmp_path / "x.safetensors"
    save_weights(place, {"a": np.zeros(10_000, np.float32)}, CARD)
    assert place.stat().st_size < 21_000


def test_the_same_tensors_make_the_same_file(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    save_weights(again, dict(reversed(tensors().items())), CARD)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"Not found\n", "a text file"),
        (b"\n <!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git-lfs pointer"),
        (b"PK\x03\x04rest", "segkit weights import"),
        (b"\x80\x02}q\x00.", "never opened"),
    ],
)
def test_F29_what_is_no_weights_file_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(WeightsError, match=words):
        load_weights(raw(tmp_path, data))


@pytest.mark.parametrize("length", [0x80, 0x4B50], ids=["as a pickle", "as a zip archive"])
def test_a_header_whose_length_looks_like_the_start_of_another_kind(
    tmp_path: Path, length: int
) -> None:
    entry = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    data = np.array([1, 2], np.float32).tobytes()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", length) + entry.ljust(length).encode() + data)
    assert read_safetensors(path)["a"].tolist() == [1, 2]


def test_F30_truncated_and_flipped(path: Path) -> None:
    good = path.read_bytes()
    path.write_bytes(good[:-3])
    with pytest.raises(WeightsError, match="damaged"):
        load_weights(path)
    path.write_bytes(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])
    with pytest.raises(WeightsError, match="hash"):
        load_weights(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_F34_nan_is_refused_both_ways(tmp_path: Path, value: float) -> None:
    bad = {"a.weight": np.array([0, value], np.float32)}
    with pytest.raises(WeightsError, match=r"NaN.*a\.weight"):
        save_weights(tmp_path / "x.safetensors", bad, CARD)
    assert not list(tmp_path.iterdir())
    with pytest.raises(WeightsError, match=r"NaN.*a\.weight"):
        load_weights(raw(tmp_path, save(bad)))


ENTRY = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (f'{{"a":{ENTRY},"a":{ENTRY}}}', "twice"),
        (f'{{"a":{ENTRY},"b":{ENTRY}}}', "overlap"),
        ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}', "8 bytes for a"),
        ('{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}', "type F8_E4M3"),
        ('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', "no sizes"),
        ('{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', "no sizes|no description"),
        ('{"a":7}', "no description"),
        ("[1]", "not an object"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "0 bytes of tensors announced"),
    ],
)
def test_F35_headers_that_lie(tmp_path: Path, header: str, words: str) -> None:
    with pytest.raises(WeightsError, match=words):
        load_weights(raw(tmp_path, headed(header.encode(), bytes(4))))


def test_F35_a_bloated_header(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"a": " " * (9 << 20)}}).encode()
    with pytest.raises(WeightsError, match="a header of"):
        load_weights(raw(tmp_path, headed(header)))
    with pytest.raises(WeightsError, match="before its header"):
        load_weights(raw(tmp_path, struct.pack("<Q", 1 << 62) + b"{}"))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_whatever_the_bytes_only_our_errors(tmp_path_factory, data: bytes) -> None:
    place = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    place.write_bytes(headed(data[:100], data[100:]) if len(data) % 2 else data)
    with pytest.raises(SegkitError):
        load_weights(place)


def test_the_card_is_needed_and_checked(path: Path) -> None:
    card = card_path(path)
    text = card.read_text()
    card.write_text(text.replace('"arch"', '"arhc"'))
    with pytest.raises(WeightsError, match="card cannot be used"):
        load_weights(path)
    card.write_text("{")
    with pytest.raises(WeightsError, match="card cannot be used"):
        load_weights(path)
    card.unlink()
    with pytest.raises(WeightsError, match="no card"):
        load_weights(path)


def test_a_card_cannot_divide_by_zero() -> None:
    with pytest.raises(ValidationError):
        Normalisation(std=(1, 0, 1))


def test_refusals_of_saving(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="safetensors"):
        save_weights(tmp_path / "x.pth", tensors(), CARD)
    with pytest.raises(WeightsError, match="no tensors"):
        save_weights(tmp_path / "x.safetensors", {}, CARD)
    (tmp_path / "file").touch()
    with pytest.raises(WriteError):
        save_weights(tmp_path / "file" / "x.safetensors", tensors(), CARD)
