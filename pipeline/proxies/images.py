"""The fixed input batch that a proxy shows to every network: images of 32x32 pixels, real ones or a synthetic batch."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import NotThisFormError, UserError, unknown
from pipeline.formats import pickles

if TYPE_CHECKING:
    from torch import Tensor

DEFAULT = "patches"
SIZE = 32
CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_STD = (0.2470, 0.2435, 0.2616)
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm")

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Some images, or sequences.

    Args:
        data: [count, 3, 32, 32], normalised; of sequences [count, steps, width].
        description: the part of a proxy's configuration that identifies the batch.
        labels: the class labels, where the source has them.
    """

    data: Floats
    description: dict[str, Any]
    labels: tuple[int, ...] | None = None

    def tensor(self) -> Tensor:
        """The batch as a torch tensor on the CPU."""
        import torch

        return torch.from_numpy(self.data.copy())


def parse_source(images: Path | str | None) -> Path | str | None:
    """Where a user's text says images come from: "synthetic-NAME" is the batch NAME, other text a path."""
    if not isinstance(images, str):
        return images
    return images.removeprefix("synthetic-") if images.startswith("synthetic-") else Path(images)


def named(images: Path | str | None, count: int) -> Batch:
    """The batch of a path for `load`, of the name of a synthetic batch, or the default synthetic batch."""
    return load(images, count) if isinstance(images, Path) else synthetic(images or DEFAULT, count)


def load(path: Path, count: int) -> Batch:
    """The first images of CIFAR-10's python-version folder, a folder of pictures, or an .npz file.

    CIFAR-10 is normalised by its own mean and deviation, other images by those of the batch, channel by channel.

    Raises:
        UserError: none of these, or fewer images.
    """
    if path.is_dir():
        cifar = next((d for d in (path, path / "cifar-10-batches-py") if (d / "data_batch_1").is_file()), None)
        if cifar is not None:
            return _cifar10(cifar / "data_batch_1", count)
        return _batch("pictures", _pictures(path, count), count)
    if path.suffix == ".npz" and path.is_file():
        return _batch("npz", _npz(path), count)
    if path.is_file() and path.name.startswith("data_batch_"):
        return _cifar10(path, count)
    what = "is neither" if path.exists() else "does not exist: name"
    raise UserError(f"--images {path} {what} CIFAR-10's python-version folder, a folder of pictures or an .npz file")


def _batch(kind: str, pixels: Pixels, count: int, labels: tuple[int, ...] | None = None) -> Batch:
    if len(pixels) < count:
        raise UserError(f"the proxy needs {count} images, --images holds {len(pixels)}")
    pixels = np.ascontiguousarray(pixels[:count])
    scaled = pixels.astype(np.float32) / np.float32(255)
    if kind == "cifar10":
        mean, deviation = np.array(CIFAR10_MEAN, np.float32), np.array(CIFAR10_STD, np.float32)
    else:
        mean, deviation = scaled.mean((0, 2, 3)), scaled.std((0, 2, 3)) + np.float32(1e-6)
    data = (scaled - mean[:, None, None]) / deviation[:, None, None]
    description = {"kind": kind, "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}
    return Batch(data.astype(np.float32), description, labels)


def _cifar10(path: Path, count: int) -> Batch:
    try:
        with path.open("rb") as stream:
            content = pickles.load(stream, pickles.NUMPY, encoding="bytes")
    except NotThisFormError as error:
        raise NotThisFormError(f"--images {path} is not a batch of CIFAR-10's python version: {error}") from error
    rows = content.get(b"data") if isinstance(content, dict) else None
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 3 * SIZE * SIZE:
        raise NotThisFormError(f"{path} is not a batch of CIFAR-10's python version: no b'data' of shape [n, 3072]")
    labels = content.get(b"labels")
    labelled = isinstance(labels, list) and all(isinstance(c, int) for c in labels) and len(labels) == len(rows)
    pixels = rows.astype(np.uint8).reshape(-1, 3, SIZE, SIZE)
    return _batch("cifar10", pixels, count, tuple(labels[:count]) if labelled else None)


def _pictures(folder: Path, count: int) -> Pixels:
    from PIL import Image, ImageOps, UnidentifiedImageError

    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES)[:count]
    pictures = []
    for path in paths:
        try:
            with Image.open(path) as picture:
                pictures.append(np.asarray(ImageOps.fit(picture.convert("RGB"), (SIZE, SIZE)), dtype=np.uint8))
        except (UnidentifiedImageError, OSError) as error:
            raise UserError(
                f"--images: {path} cannot be read as a picture ({error}): remove it or name other images"
            ) from error
    stacked = np.stack(pictures) if pictures else np.empty((0, SIZE, SIZE, 3), np.uint8)
    return stacked.transpose(0, 3, 1, 2)


def _npz(path: Path) -> Pixels:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            array = arrays["images"] if "images" in arrays else arrays[arrays.files[0]]
    except (ValueError, OSError, IndexError, zipfile.BadZipFile) as error:
        raise UserError(f"--images {path} is not an .npz file of a uint8 array [n, 32, 32, 3]: {error}") from error
    if array.ndim == 4 and array.shape[1:] == (SIZE, SIZE, 3):
        array = array.transpose(0, 3, 1, 2)
    if array.dtype != np.uint8 or array.shape[1:] != (3, SIZE, SIZE):
        raise UserError(
            f"--images {path} holds {array.dtype} of shape {list(array.shape)}; "
            "needed is uint8 [n, 32, 32, 3] or [n, 3, 32, 32]"
        )
    return np.asarray(array)


def synthetic(kind: str, count: int, seed: int = 0) -> Batch:
    """A synthetic batch, noise, spectrum, patches or leaves (see their docstrings), standardised by channel."""
    if kind not in SYNTHETIC:
        raise unknown("synthetic batch", kind, SYNTHETIC)
    images = SYNTHETIC[kind](np.random.default_rng(seed), count)
    mean, deviation = images.mean((0, 2, 3), keepdims=True), images.std((0, 2, 3), keepdims=True)
    return Batch(((images - mean) / deviation).astype(np.float32), {"kind": f"synthetic-{kind}", "seed": seed})


def _noise(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """Independent standard-normal pixels."""
    return rng.standard_normal((count, 3, SIZE, SIZE))


def _spectrum(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """Random phases with an amplitude that falls as 1/frequency, as in photographs: one luminance pattern, tinted."""
    y, x = np.meshgrid(np.fft.fftfreq(SIZE), np.fft.fftfreq(SIZE), indexing="ij")
    frequency = np.hypot(x, y)
    amplitude = np.where(frequency > 0, 1 / np.maximum(frequency, 1 / SIZE), 0)
    phases = np.fft.fft2(rng.standard_normal((count, 4, SIZE, SIZE)))
    patterns = np.fft.ifft2(phases / np.abs(phases) * amplitude).real
    patterns /= patterns.std((2, 3), keepdims=True)
    return 0.85 * patterns[:, :1] + 0.5 * patterns[:, 1:]


def _patches(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """A linear gradient of colour per picture with random rectangles over it."""
    ramp = np.linspace(-1, 1, SIZE)
    slope = rng.standard_normal((count, 3, 2, 1, 1))
    images = slope[:, :, 0] * ramp[:, None] + slope[:, :, 1] * ramp[None, :]
    for image in images:
        for _ in range(rng.integers(4, 9)):
            top, left = rng.integers(0, SIZE - 4, 2)
            height, width = rng.integers(4, 20, 2)
            image[:, top : top + height, left : left + width] = rng.standard_normal((3, 1, 1))
    return images


def _leaves(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """Dead leaves: opaque discs whose radii follow a power law of exponent 3 cover the picture; slight noise."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    images = np.zeros((count, 3, SIZE, SIZE))
    for image in images:
        base = rng.standard_normal(3)
        for _ in range(120):
            radius = 2.0 / np.sqrt(1 - rng.random() * (1 - (2.0 / 20.0) ** 2))
            centre = rng.random(2) * SIZE
            inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2
            colour = base + 0.9 * rng.standard_normal() + 0.5 * rng.standard_normal(3)
            image[:, inside] = colour[:, None]
    return images + 0.05 * rng.standard_normal(images.shape)


SYNTHETIC = {"noise": _noise, "spectrum": _spectrum, "patches": _patches, "leaves": _leaves}
