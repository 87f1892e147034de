from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_segkit.data.large import is_large, open_large
from napari_segkit.errors import ImageError, InputError, ParamsError
from napari_segkit.jobs import drain, segment
from napari_segkit.jobs.predict_large import predict_large
from napari_segkit.limits import Limits, raised
from napari_segkit.models.base import make_params
from napari_segkit.models.dust import Dust
from tests.models.dust_test import model


def photo(shape: tuple[int, ...] = (700, 900, 3)) -> np.ndarray:
    image = np.full(shape, 250, np.uint8)
    for y, x in np.random.default_rng(0).integers(0, 690, (60, 2)):
        image[y : y + 6, x : x + 5] = 10
    return image


WAYS = {
    "tiles": {"tile": (128, 256)},
    "packed tiles": {"tile": (256, 128), "compression": "zlib"},
    "strips": {"rowsperstrip": 33},
    "one strip": {},
    "LZW tiles": {"tile": (128, 256), "compression": "lzw", "predictor": True},
    "LZW strips": {"rowsperstrip": 33, "compression": "lzw"},
    "PackBits strips": {"rowsperstrip": 33, "compression": "packbits"},
    "zstd tiles": {"tile": (128, 128), "compression": "zstd"},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(300, 421, 3), (257, 130)])
def test_bands_are_the_pixels_of_the_file(tmp_path: Path, way: str, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    tifffile.imwrite(path := tmp_path / "a.tif", image, **WAYS[way])
    source = open_large(path)
    assert source.shape == shape[:2]
    rgb = np.broadcast_to(image.reshape(*shape[:2], -1), (*shape[:2], 3))
    for top, bottom in ((0, 1), (5, 200), (127, 129), (0, shape[0]), (250, shape[0])):
        assert np.array_equal(source.rows(top, bottom), rgb[top:bottom])


@pytest.mark.parametrize("way", [{"tile": (128, 256)}, {"rowsperstrip": 32}])
@pytest.mark.parametrize("colours", ["rgb", "ycbcr", "minisblack"])
def test_bands_of_jpeg_tiles_are_what_the_decoder_gives(
    tmp_path: Path, way: dict[str, object], colours: str
) -> None:
    image = photo((300, 421)) if colours == "minisblack" else photo((300, 421, 3))
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, photometric=colours, compression="jpeg", **way)
    whole = tifffile.imread(path)
    rgb = np.broadcast_to(whole.reshape(300, 421, -1), (300, 421, 3))
    source = open_large(path)
    for top, bottom in ((0, 300), (5, 200), (127, 129)):
        assert np.array_equal(source.rows(top, bottom), rgb[top:bottom])


def test_lzw_as_pillow_writes_it(tmp_path: Path) -> None:
    Image.fromarray(photo()).save(path := tmp_path / "a.tif", compression="tiff_lzw")
    assert np.array_equal(open_large(path).rows(40, 500), photo()[40:500])


def test_a_codec_that_is_not_here_is_one_sentence_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(path := tmp_path / "a.tif", photo(), tile=(128, 128), compression="lzw")
    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", {1: None})  # as without imagecodecs
    with pytest.raises(ImageError, match=r"compression .*got LZW; pip install imagecodecs"):
        drain(predict_large(model(), path, tmp_path / "out", params=make_params(Dust)))
    assert not (tmp_path / "out").exists()


def test_a_turned_tiff_is_refused_rather_than_read_lying(tmp_path: Path) -> None:
    tifffile.imwrite(path := tmp_path / "a.tif", photo(), extratags=[(274, "H", 1, 6, True)])
    with pytest.raises(ImageError, match=r"stored turned.*orientation 1.*6.*save it upright"):
        open_large(path)


def test_zarr_bands(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    image = photo((90, 120, 3))
    array = zarr.create_array(str(tmp_path / "a.zarr"), shape=image.shape, dtype="u1")
    array[:] = image
    assert is_large(tmp_path / "a.zarr")
    assert np.array_equal(open_large(tmp_path / "a.zarr").rows(3, 77), image[3:77])


def test_the_same_objects_as_in_memory(tmp_path: Path) -> None:
    image = photo()
    tifffile.imwrite(path := tmp_path / "big.tif", image, tile=(128, 128))
    params = make_params(Dust, changes={"tile": 256})
    done = drain(predict_large(model(), path, tmp_path / "out", params=params))
    expected = drain(segment(model(), image, params=params))
    mask = tifffile.imread(done.mask)
    assert mask.dtype == np.int32
    assert np.array_equal(mask > 0, expected.labels > 0)
    assert done.objects == len(expected.instances) == mask.max()
    with done.table.open() as file:
        rows = list(csv.DictReader(file))
    areas = np.bincount(mask.ravel())[1:]
    assert [int(row["area"]) for row in rows] == areas.tolist()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["big.csv", "big.tif"]


def test_the_image_is_never_replaced_nor_a_file_unasked(tmp_path: Path) -> None:
    image = photo()
    tifffile.imwrite(path := tmp_path / "big.tif", image, tile=(128, 128))
    before = path.read_bytes()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/big.tif").symlink_to(path)
    params = make_params(Dust, changes={"tile": 256})
    for overwrite in (False, True):
        for out in (tmp_path, tmp_path / "linked"):
            job = predict_large(model(), path, out, params=params, overwrite=overwrite)
            with pytest.raises(InputError, match="would replace its image"):
                next(job)
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["big.tif", "linked"]

    out = tmp_path / "out"
    for name in ("big.csv", "big.tif"):
        out.mkdir(exist_ok=True)
        (out / name).write_text("mine")
        with pytest.raises(InputError, match=f"already .*{name}.*--overwrite"):
            next(predict_large(model(), path, out, params=params))
        assert (out / name).read_text() == "mine"
        (out / name).unlink()
    (out / "big.csv").write_text("mine")
    done = drain(predict_large(model(), path, out, params=params, overwrite=True))
    assert done.table.read_text().startswith("id,")


def test_a_zip_or_a_file_is_no_folder_for_the_results(tmp_path: Path) -> None:
    tifffile.imwrite(path := tmp_path / "big.tif", photo(), tile=(128, 128))
    for out in (tmp_path / "masks.zip", path):
        with pytest.raises(InputError, match="expected a folder"):
            next(predict_large(model(), path, out, params=make_params(Dust)))


def test_what_is_large(tmp_path: Path) -> None:
    tifffile.imwrite(path := tmp_path / "a.tif", photo())
    assert not is_large(path)
    with raised(Limits(pixels=1000)):
        assert is_large(path)
    assert not is_large(tmp_path / "a.png")


def test_refusals(tmp_path: Path) -> None:
    tifffile.imwrite(deep := tmp_path / "deep.tif", photo().astype(np.uint16))
    with pytest.raises(ImageError, match="8 bits"):
        open_large(deep)
    (tmp_path / "no.tif").write_bytes(b"nothing")
    with pytest.raises(ImageError, match="not an image"):
        open_large(tmp_path / "no.tif")
    tifffile.imwrite(path := tmp_path / "a.tif", photo(), tile=(128, 128), compression="zlib")
    params = make_params(Dust, changes={"scale": 0.5})
    with pytest.raises(ParamsError, match="scale 1"):
        drain(predict_large(model(), path, tmp_path / "out", params=params))
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[3]
    data[start : start + 40] = b"\0" * 40
    path.write_bytes(bytes(data))
    with pytest.raises(ImageError, match="damaged"):
        open_large(path).rows(0, 300)
