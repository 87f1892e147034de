"""What a camera, a phone's processing and a web page do to a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_segkit.synth.noise import Field, ramp, soften, step, value_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Camera:
    """Faults of one photo; sizes in pixels of the final picture."""

    exposure: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignette: float = 0.0
    defocus: float = 0.0
    motion: float = 0.0
    motion_angle: float = 0.0
    noise: float = 0.005
    noise_grain: float = 1.0
    contrast: float = 0.2
    sharpen: float = 0.0
    saturation: float = 1.0
    gray: bool = False
    enlarged: float = 1.0
    watermark: float = 0.0
    jpeg: int | None = 90


def illuminate(canvas: Field, angle: float, amount: float) -> None:
    """Light one side by 1 + amount and the other by 1 - amount, in place."""
    canvas *= (1 + np.float32(amount) * ramp(canvas.shape[:2], angle))[..., None]


def shadow_edges(shape: tuple[int, int], unit: float, *, rng: np.random.Generator) -> Field:
    """A cast shadow with a marked edge, of a window, a hand, blinds; (H, W) float32 in (0, 1]."""
    angle, depth = rng.uniform(0, math.tau), rng.uniform(0.3, 0.75)
    field = ramp(shape, angle) + 0.25 * value_noise(
        shape, unit * rng.uniform(1, 5), rng=rng
    ) * rng.uniform(0, 1)
    width = rng.uniform(0.01, 0.12)
    kind = rng.integers(0, 3)
    if kind == 0:  # one edge
        inside = step(field, rng.uniform(-0.5, 0.5), width)
    elif kind == 1:  # a band
        inside = step(field, rng.uniform(-0.6, -0.1), width) * (
            1 - step(field, rng.uniform(0.1, 0.6), width)
        )
    else:  # blinds or leaves
        inside = step(np.sin(field * rng.uniform(4, 12)), 0, 12 * width)
    return np.asarray(1 - depth * inside, np.float32)


def mirror_lamps(canvas: Field, unit: float, *, rng: np.random.Generator) -> None:
    """Add the reflections of windows and lamps that a glossy ground shows, in place."""
    height, width = canvas.shape[:2]
    spots = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        middle = rng.uniform(0, 1, 2) * (width, height)
        size = unit * rng.uniform((0.3, 0.3), (2.5, 1.2))
        box = cv2.boxPoints((middle.tolist(), size.tolist(), rng.uniform(0, 180)))
        cv2.fillPoly(spots, [np.round(box).astype(np.int32)], float(rng.uniform(0.15, 1.0)))
    canvas += soften(spots, unit * rng.uniform(0.03, 0.35))[..., None]


def _blur(picture: Field, camera: Camera) -> Field:
    if camera.defocus > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), camera.defocus)
    if camera.motion > 1:
        size = 2 * math.ceil(camera.motion / 2) + 1
        kernel = np.zeros((size, size), np.float32)
        dx = camera.motion / 2 * math.cos(camera.motion_angle)
        dy = camera.motion / 2 * math.sin(camera.motion_angle)
        middle = size // 2
        start, end = (
            (round(middle - dx), round(middle - dy)),
            (round(middle + dx), round(middle + dy)),
        )
        cv2.line(kernel, start, end, 1.0, 1)
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    return picture


def _sensor_noise(picture: Field, camera: Camera, rng: np.random.Generator) -> None:
    """Add shot noise in place, with grain of the given size."""
    height, width = picture.shape[:2]
    grain = max(1.0, camera.noise_grain)
    small = (math.ceil(height / grain), math.ceil(width / grain), 3)
    field = rng.standard_normal(small, dtype=np.float32)
    field *= np.float32(camera.noise)
    if grain > 1:
        field = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
        field *= np.float32(1.4)  # interpolation evens out
    field *= picture * np.float32(0.6) + np.float32(0.5)
    picture += field


_TONES = 1 << 14


def _tone_curve(camera: Camera) -> Field:
    """Display value of each of `_TONES` equal steps of light: gamma, then more contrast."""
    value = np.linspace(0, 1, _TONES, dtype=np.float32) ** np.float32(1 / 2.2)
    more = 2 * camera.contrast * (value - 0.5) * value * (1 - value)
    return np.asarray(value + more, np.float32)


def _saturate(amount: float) -> NDArray[np.float32]:
    """Colour matrix that moves each colour away from its gray by `amount`."""
    return (np.full((3, 3), (1 - amount) / 3) + np.eye(3) * amount).astype(np.float32)


def develop(canvas: Field, camera: Camera, *, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn linear light into a photo.

    Parameters
    ----------
    canvas : (H, W, 3) float32 linear light, 1 = white; used up.
    camera : its faults.

    Returns
    -------
    (H, W, 3) uint8 RGB.
    """
    gains = [gain * camera.exposure for gain in camera.balance]
    canvas = cv2.multiply(canvas, (*gains, 0))
    if camera.vignette:
        height, width = canvas.shape[:2]
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
        canvas *= (1 - np.float32(camera.vignette) * (x * x + y * y) / 2)[..., None]
    picture = _blur(canvas, camera)
    np.clip(picture, 0, 1, out=picture)
    picture = _tone_curve(camera)[(picture * np.float32(_TONES - 1)).astype(np.uint16)]
    if camera.saturation != 1:
        picture = cv2.transform(picture, _saturate(camera.saturation))
    if camera.noise:
        _sensor_noise(picture, camera, rng)
    if camera.sharpen:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
        picture += np.float32(camera.sharpen) * (picture - soft)
    if camera.gray:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    picture *= 255
    image = cv2.convertScaleAbs(np.clip(picture, 0, 255, out=picture))
    if camera.enlarged > 1:
        image = _enlarge(image, camera.enlarged)
    if camera.watermark:
        image = _watermark(image, camera.watermark, rng)
    return image if camera.jpeg is None else jpeg(image, camera.jpeg)


def _enlarge(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Lose the detail of a picture that was `factor` times smaller once; same size."""
    height, width = image.shape[:2]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _watermark(
    image: NDArray[np.uint8], strength: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Write a dealer's name over a picture, half transparent."""
    height, width = image.shape[:2]
    over = image.copy()
    text = "".join(rng.choice(list("abcdeiklmnorstu."), int(rng.integers(6, 16))))
    scale = width / 22 / len(text) * rng.uniform(0.4, 1)
    place = (int(width * rng.uniform(0, 0.3)), int(height * rng.uniform(0.1, 0.95)))
    shade = int(rng.choice([0, 128, 255]))
    cv2.putText(over, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (shade,) * 3, 1, cv2.LINE_AA)
    return np.asarray(cv2.addWeighted(image, 1 - strength, over, strength, 0), np.uint8)


def jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Write and read back as JPEG; (H, W, 3) uint8 RGB."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if decoded is None:  # never, of what was just encoded
        return image
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)


def random_camera(rng: np.random.Generator, *, unit: float, grade: str = "fair") -> Camera:
    """A camera of 'clean', 'fair', 'blurred', 'noisy' or 'poor' grade.

    `unit` is the diameter of a coin in pixels.
    """
    cast = rng.normal(0, 0.07, 3) if grade != "clean" else rng.normal(0, 0.02, 3)
    blurred, noisy = grade in {"blurred", "poor"}, grade in {"noisy", "poor"}
    moving = grade == "blurred" and rng.random() < 0.5
    defocus = (
        unit * rng.uniform(0.006, 0.022) if blurred and not moving else unit * rng.uniform(0, 0.004)
    )
    return Camera(
        exposure=float(np.exp(rng.normal(0.1, 0.22 if grade != "clean" else 0.1))),
        balance=(float(1 + cast[0]), float(1 + cast[1] / 2), float(1 + cast[2])),
        vignette=rng.uniform(0, 0.35) if grade != "clean" else 0.0,
        defocus=defocus + float(rng.choice([0, 0.5, 0.8])),
        motion=unit * rng.uniform(0.02, 0.07) if moving else 0.0,
        motion_angle=rng.uniform(0, math.pi),
        noise=rng.uniform(0.02, 0.065) if noisy else float(np.exp(rng.uniform(-6.9, -4.3))),
        noise_grain=rng.uniform(1, 2.5),
        contrast=rng.uniform(0, 0.6),
        sharpen=rng.uniform(0.3, 1.3) if rng.random() < 0.4 and not blurred else 0.0,
        saturation=rng.uniform(0.6, 1.3),
        gray=rng.random() < 0.04,
        enlarged=rng.uniform(1, 2.5) if grade == "poor" else 1.0,
        jpeg=int(rng.integers(35, 70)) if noisy else int(rng.integers(70, 97)),
    )
