"""The fixed input batch that a proxy shows to every network: images of 32x32 pixels, real ones or a synthetic batch.

A proxy can ask for larger ones. Pictures of a folder are then cut from their files at that size, and an .npz file may
hold such; everything else is made or read at 32x32 and enlarged.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import NotThisFormError, UserError, excerpt, from_os, is_there, unknown
from pipeline.formats import packed, pickles, signatures
from pipeline.proxies import pictures
from pipeline.wording import count_of

if TYPE_CHECKING:
    from torch import Tensor

DEFAULT = "patches"
SIZE = 32
CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_STD = (0.2470, 0.2435, 0.2616)
CIFAR10_CLASSES = 10
_TAKEN = "CIFAR-10's python-version folder, a folder of pictures or an .npz file"

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Some images, or sequences.

    Args:
        data: [count, 3, H, W], normalised; of sequences [count, steps, width].
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

    def enlarged(self, size: int) -> Batch:
        """The images at `size` x `size`, linear between the centres of their pixels; the same where they have it.

        Each axis is two products and a sum of single values, so that it is the same bit for bit on every machine. The
        description stays: the proxy's configuration states the size.
        """
        if self.data.shape[-1] == size:
            return self
        data = _between(_between(self.data, size).swapaxes(-1, -2), size).swapaxes(-1, -2)
        return replace(self, data=np.ascontiguousarray(data))


def _between(data: Floats, size: int) -> Floats:
    """The last axis at `size` positions, which lie as the centres of that many equal pixels do."""
    side = data.shape[-1]
    places = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
    lower = np.floor(places).astype(np.int64)
    share = (places - lower).astype(np.float32)
    interpolated: Floats = data[..., lower] * (1 - share) + data[..., np.minimum(lower + 1, side - 1)] * share
    return interpolated


def parse_source(images: Path | str | None) -> Path | str | None:
    """Where a user's text says images come from: "synthetic-NAME" is the batch NAME, other text a path.

    Raises:
        UserError: the text is empty, which as a path would be the working folder.
    """
    if not isinstance(images, str):
        return images
    if not images.strip():
        raise UserError("the images are named by an empty text: name a folder, an .npz file or a synthetic batch")
    return images.removeprefix("synthetic-") if images.startswith("synthetic-") else Path(images)


def named(images: Path | str | None, count: int, size: int = SIZE) -> Batch:
    """The batch of a path for `load`, of the name of a synthetic batch, or the default synthetic batch.

    Args:
        size: their height and width.
    """
    return load(images, count, size) if isinstance(images, Path) else synthetic(images or DEFAULT, count).enlarged(size)


def load(path: Path, count: int, size: int = SIZE) -> Batch:
    """The first images of CIFAR-10's python-version folder, a folder of pictures, or an .npz file, at `size` x `size`.

    CIFAR-10 is normalised by its own mean and deviation, other images by those of the batch, channel by channel.

    Raises:
        UserError: none of these, or fewer images.
    """
    try:
        return _load(path, count, size).enlarged(size)
    except OSError as error:
        raise from_os(error, f"reading --images {path}") from error


def _load(path: Path, count: int, size: int) -> Batch:
    if path.is_dir():
        cifar = next((d for d in (path, path / "cifar-10-batches-py") if (d / "data_batch_1").is_file()), None)
        if cifar is not None:
            return _cifar10(cifar / "data_batch_1", count)
        files = pictures.paths(path)
        pixels = pictures.read(files[:count], size)
        if len(files) < count:
            raise UserError(f"{_too_few(path, count, len(files))}{pictures.instead(path, files)}")
        return _batch("pictures", path, pixels, count)
    if path.suffix.lower() == ".npz" and path.is_file():
        return _batch("npz", path, _npz(path, size), count)
    if path.is_file() and path.name.startswith("data_batch_"):
        return _cifar10(path, count)
    if not is_there(path):
        raise UserError(f"--images {path} does not exist: name {_TAKEN}")
    form = signatures.identify(path) if path.is_file() else None
    what = f" ({form.name})" if form else ""
    raise UserError(f"--images {path}{what} is neither {_TAKEN.replace(' or ', ' nor ')}")


def _too_few(path: Path, count: int, there: int) -> str:
    return f"the proxy needs {count_of(count, 'image')}, --images {path} holds {there}"


def _batch(kind: str, path: Path, pixels: Pixels, count: int, labels: tuple[int, ...] | None = None) -> Batch:
    if len(pixels) < count:
        raise UserError(_too_few(path, count, len(pixels)))
    pixels = np.ascontiguousarray(pixels[:count])
    _require_variation(pixels)
    scaled = pixels.astype(np.float32) / np.float32(255)
    if kind == "cifar10":
        mean, deviation = np.array(CIFAR10_MEAN, np.float32), np.array(CIFAR10_STD, np.float32)
    else:
        mean, deviation = scaled.mean((0, 2, 3)), scaled.std((0, 2, 3)) + np.float32(1e-6)
    data = (scaled - mean[:, None, None]) / deviation[:, None, None]
    description = {"kind": kind, "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}
    return Batch(data.astype(np.float32), description, labels)


def _require_variation(pixels: Pixels) -> None:
    """Refuse what no photograph is: pixels that are all alike, or 0 and 1 alone."""
    least, most = int(pixels.min()), int(pixels.max())
    if least == most:
        raise UserError(
            f"--images: every pixel of the {count_of(len(pixels), 'image')} is {least}: name images that show something"
        )
    if most <= 1:
        raise UserError(
            "--images: the pixels are 0 and 1 alone, where 0 to 255 are expected: were fractions stored as integers? "
            "Multiply them by 255 first"
        )


def _as_pixels(array: npt.NDArray[Any], what: str) -> Pixels:
    """Whole numbers from 0 to 255 of any type, as bytes.

    Raises:
        UserError: they are fractions, negative, larger, NaN, or no numbers.
    """
    if array.dtype == np.uint8:
        return array
    needed = f"where whole numbers from 0 to 255 are expected ({array.dtype} here)"
    if array.dtype.kind not in "iuf":
        raise UserError(f"{what} holds {array.dtype}, {needed}")
    if not array.size:
        return array.astype(np.uint8)
    if not np.isfinite(array).all():
        raise UserError(f"{what} holds NaN or infinity, {needed}")
    least, most = array.min(), array.max()
    if array.dtype.kind == "f" and (array != np.round(array)).any():
        scaled = ": multiply them by 255 and round" if least >= 0 and most <= 1 else ""
        raise UserError(f"{what} holds fractions from {least:.3g} to {most:.3g}, {needed}{scaled}")
    if least < 0 or most > 255:
        raise UserError(f"{what} holds numbers from {least:.6g} to {most:.6g}, {needed}")
    return array.astype(np.uint8)


def _cifar10(path: Path, count: int) -> Batch:
    try:
        content = pickles.load_path(path, pickles.NUMPY, encoding="bytes")
    except NotThisFormError as error:
        raise NotThisFormError(f"--images {path} is not a batch of CIFAR-10's python version: {error}") from error
    rows = content.get(b"data") if isinstance(content, dict) else None
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 3 * SIZE * SIZE:
        raise NotThisFormError(f"{path} is not a batch of CIFAR-10's python version: no b'data' of shape [n, 3072]")
    pixels = _as_pixels(rows, f"--images {path}").reshape(-1, 3, SIZE, SIZE)
    labels = content.get(b"labels")
    labelled = isinstance(labels, list) and all(type(c) is int for c in labels) and len(labels) == len(rows)
    if labelled and not all(0 <= c < CIFAR10_CLASSES for c in labels):
        raise NotThisFormError(f"{path} is not a batch of CIFAR-10: its labels are not all from 0 to 9")
    return _batch("cifar10", path, pixels, count, tuple(labels[:count]) if labelled else None)


_EXPECTED = "an .npz file of a uint8 array [n, 32, 32, 3]"


def _npz(path: Path, size: int) -> Pixels:
    """The pixels [n, 3, H, W], of 32x32 or of the size that is asked for."""
    form = signatures.identify(path)
    if form and not form.name.startswith("an .npz"):
        advice = f": {form.advice}" if form.advice and form.name != signatures.ZIP.name else ""
        raise UserError(f"--images {path} is not {_EXPECTED}: it is {form.name}{advice}")
    try:
        array = _member(path)
    except UserError:
        raise
    except Exception as error:  # numpy and zipfile raise of all kinds for what is damaged
        raise UserError(f"--images {path} is not {_EXPECTED}: {excerpt(str(error), 200, bare=True)}") from error
    shapes = [(3, SIZE, SIZE), (3, size, size)]
    pixels = array.transpose(0, 3, 1, 2) if array.ndim == 4 and array.shape[3] == 3 else array
    if array.dtype != np.uint8 or pixels.shape[1:] not in shapes:
        scaled = ": multiply fractions by 255 and store them as uint8" if array.dtype.kind == "f" else ""
        larger = f", or {size}x{size} in place of 32x32" if size != SIZE else ""
        raise UserError(
            f"--images {path} holds {array.dtype} of shape {list(array.shape)}; "
            f"needed is uint8 [n, 32, 32, 3] or [n, 3, 32, 32]{larger}{scaled}"
        )
    return np.asarray(pixels)


def _member(path: Path) -> npt.NDArray[Any]:
    """The array `images` of an .npz file, or its first one."""
    with zipfile.ZipFile(path) as archive:
        members = {m.filename.removesuffix(".npy"): m for m in archive.infolist() if m.filename.endswith(".npy")}
    if not members:
        raise UserError(f"--images {path} is not {_EXPECTED}: it is a zip archive without an array of numpy")
    name = "images" if "images" in members else next(iter(members))
    if members[name].file_size > packed.MAX_BYTES:
        raise UserError(f"--images {path}: {name} unpacks to more than {packed.MAX_BYTES >> 20} MiB: refused")
    with np.load(path, allow_pickle=False) as arrays:
        array: npt.NDArray[Any] = np.asarray(arrays[name])  # what is no .npy file comes as bytes
    return array


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
