"""A folder of pictures: which files are taken, and their pixels.

A picture is a file from outside. Only decoders of five formats are asked, none of which runs a program of its own (as
Pillow does for PostScript), and only for a file of a reasonable size.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import UserError, excerpt, short_message
from pipeline.formats import signatures
from pipeline.provenance import content_files

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm")
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "PPM")
MAX_BYTES = 1 << 26  # of a file
MAX_PIXELS = 1 << 26  # of a picture, 256 MiB as RGBA
_OTHER_LAYOUTS = (
    ("data_batch_1.bin", "CIFAR-10's binary version; the python version is taken (cifar-10-python.tar.gz, unpacked)"),
    ("cifar-10-python.tar.gz", "CIFAR-10 as it is downloaded: unpack it, and name the folder"),
    ("train-images-idx3-ubyte", "MNIST; write its pictures as PNG"),
)


def paths(folder: Path) -> list[Path]:
    """The pictures in a folder and in those under it, by path."""
    return [path for path in content_files(folder) if path.suffix.lower() in SUFFIXES]


def instead(folder: Path, there: Sequence[Path]) -> str:
    """What a folder with too few pictures may be, or holds instead; empty where that is not known."""
    names = [path.name for path in content_files(folder)]
    if {"train", "meta"} <= set(names):
        return ": the folder is CIFAR-100's, whose batches are not taken"
    for name, what in _OTHER_LAYOUTS:
        if name in names:
            return f": the folder is {what}"
    if not there and names:
        return f": {excerpt(names[0], bare=True)} is no picture by its name; taken are {', '.join(SUFFIXES)}"
    return ""


def read(files: Sequence[Path], size: int) -> npt.NDArray[np.uint8]:
    """The pixels of pictures [n, 3, size, size], each cut to a square around its middle and resized.

    Colours are what Pillow makes of them in RGB; 16 bits per channel are scaled to 8.

    Raises:
        UserError: a file that is no picture of these formats, truncated, animated, transparent, or too large.
    """
    from PIL import ImageOps

    pixels = []
    for path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of them is an error here
            pixels.append(np.asarray(ImageOps.fit(_in_rgb(path), (size, size)), dtype=np.uint8))
    stacked = np.stack(pixels) if pixels else np.empty((0, size, size, 3), np.uint8)
    return stacked.transpose(0, 3, 1, 2)


def _in_rgb(path: Path) -> Picture:
    from PIL import Image, UnidentifiedImageError

    if path.stat().st_size > MAX_BYTES:
        raise _refused(path, f"the file has more than {MAX_BYTES >> 20} MiB")
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise _refused(path, f"it has {picture.width:,} x {picture.height:,} pixels")
            if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
                raise _refused(path, "it is animated")
            return _opaque(path, picture)
    except UserError:
        raise
    except UnidentifiedImageError as error:
        form = signatures.identify(path)
        raise _refused(path, f"it is {form.name}" if form else "it is of no known format") from error
    except Image.DecompressionBombError as error:
        raise _refused(path, "it has more pixels than are read") from error
    except Exception as error:  # decoders raise of all kinds for what is damaged
        raise _refused(path, short_message(error)) from error


def _opaque(path: Path, picture: Picture) -> Picture:
    """The picture in RGB, where nothing of it is transparent."""
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits, which Pillow would cut at 255
        return Image.fromarray(_eight_bits(path, np.asarray(picture))).convert("RGB")
    if picture.mode == "F":
        raise _refused(path, "its pixels are floating-point numbers")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        if np.asarray(coloured)[..., 3].min() < 255:
            raise _refused(path, "it has transparent pixels, whose colour is not what is seen: save it without")
        return coloured.convert("RGB")
    return picture.convert("RGB")


def _eight_bits(path: Path, pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if pixels.min() < 0 or pixels.max() > 65535:
        raise _refused(path, "its pixels have more than 16 bits")
    return np.round(pixels / 257).astype(np.uint8)


def _refused(path: Path, why: str) -> UserError:
    return UserError(
        f"--images: {path} cannot be read as a picture ({why}): save it as PNG, JPEG, BMP, WebP or PPM, or remove it"
    )
