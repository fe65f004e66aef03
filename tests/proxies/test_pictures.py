"""Pictures and arrays of others: each is read right, or refused in one line; no decoder but the five is asked."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pipeline.errors import UserError
from pipeline.proxies import images, pictures

Pixels = npt.NDArray[np.uint8]
RAMP: Pixels = np.linspace(0, 255, 3 * 32 * 32).round().astype(np.uint8).reshape(32, 32, 3)

NOISE: Pixels = np.random.default_rng(0).integers(0, 256, (16, 3072)).astype(np.uint8)


def read(path: Path) -> Pixels:
    """The pixels of one picture, [32, 32, 3]."""
    return pictures.read([path], 32)[0].transpose(1, 2, 0)


def written(picture: Image.Image, kind: str = "PNG", **settings: Any) -> bytes:
    picture.save(stream := io.BytesIO(), kind, **settings)
    return stream.getvalue()


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of made-up chunks."""
    content = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, data in ((b"IHDR", header), *chunks):
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return content


def animated(kind: str) -> bytes:
    first = Image.fromarray(RAMP)
    return written(first, kind, save_all=True, append_images=[Image.fromarray(255 - RAMP)], lossless=True)


def transparent(alpha: int) -> Image.Image:
    picture = Image.fromarray(RAMP).convert("RGBA")
    picture.putpixel((3, 3), (1, 2, 3, alpha))
    return picture


def palette(**settings: Any) -> bytes:
    return written(Image.fromarray(RAMP).quantize(16), "PNG", **settings)


@pytest.mark.parametrize(
    ("content", "tolerance"),
    [
        (written(Image.fromarray(RAMP)), 0),
        (written(Image.fromarray(RAMP), "BMP"), 0),
        (written(Image.fromarray(RAMP), "PPM"), 0),
        (written(Image.fromarray(RAMP), "WEBP", lossless=True), 0),
        (written(Image.fromarray(RAMP), "JPEG", quality=95, subsampling=0), 12),
        (written(Image.fromarray(RAMP).convert("CMYK"), "JPEG", quality=100), 12),
        (written(Image.fromarray(RAMP).convert("RGBA")), 0),
    ],
)
def test_a_picture_of_the_five_formats_has_its_pixels(tmp_path: Path, content: bytes, tolerance: int) -> None:
    (tmp_path / "a.png").write_bytes(content)  # whatever it is called
    assert np.abs(read(tmp_path / "a.png").astype(int) - RAMP).max() <= tolerance


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    (tmp_path / "a.png").write_bytes(written(Image.fromarray(grey)))
    (tmp_path / "b.ppm").write_bytes(b"P5 32 32 65535\n" + grey.astype(">u2").tobytes())
    expected = np.round(grey / 257).astype(np.uint8)
    for name in ("a.png", "b.ppm"):
        for channel in range(3):
            assert np.array_equal(read(tmp_path / name)[..., channel], expected)


def test_grey_palette_and_one_bit_become_their_colours(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(written(Image.fromarray(RAMP).convert("L")))
    assert np.array_equal(read(tmp_path / "a.png")[..., 1], np.asarray(Image.fromarray(RAMP).convert("L")))
    (tmp_path / "b.png").write_bytes(palette())
    assert np.array_equal(read(tmp_path / "b.png"), np.asarray(Image.fromarray(RAMP).quantize(16).convert("RGB")))
    (tmp_path / "c.png").write_bytes(written(Image.fromarray(RAMP).convert("1")))
    assert set(np.unique(read(tmp_path / "c.png"))) == {0, 255}


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n%%EndComments\n(/tmp/ran) (w) file closefile\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (POSTSCRIPT, "it is a PostScript file"),
        (b"", "it is an empty file"),
        (b"no picture", "cannot be read as a picture"),
        (written(Image.fromarray(RAMP), "GIF"), "it is a GIF picture"),
        (written(Image.fromarray(RAMP), "TIFF"), "it is a TIFF picture"),
        (written(Image.fromarray(RAMP), "PDF"), "it is a PDF"),
        (written(Image.fromarray(RAMP), "ICO"), "cannot be read as a picture"),
        (b"<html><body>404", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
        (written(Image.fromarray(NOISE[:1].reshape(32, 32, 3)))[:-900], "truncated"),
        (written(Image.fromarray(RAMP), "JPEG")[:300], "Truncated"),
        (written(Image.fromarray(RAMP), "BMP")[:300], "cannot be read as a picture"),
        (png(40_000, 40_000, (b"IDAT", b"x")), "pixels"),
        (png(10_000, 10_000, (b"IDAT", b"x")), "it has 10,000 x 10,000 pixels"),
        (png(4, 4, (b"IDAT", b"garbage"), (b"IEND", b"")), "cannot be read as a picture"),
        (png(0, 0), "cannot be read as a picture"),
        (png(4, 4, (b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 27))), (b"IEND", b"")), "cannot be read as a picture"),
        (b"P6 99999999999999999999 1 255\n", "cannot be read as a picture"),
        (animated("PNG"), "it is animated"),
        (animated("WEBP"), "it is animated"),
        (written(transparent(7)), "transparent pixels"),
        (palette(transparency=3), "transparent pixels"),
        (palette(transparency=bytes([255, 0] + [255] * 14)), "transparent pixels"),
        (b"Pf 2 2 -1.0\n" + bytes(16), "floating-point"),
    ],
)
def test_what_is_no_such_picture_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "000.jpg"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read(path)
    line = str(error.value)
    assert line.startswith(f"--images: {path} cannot be read as a picture (")
    assert said in line and "\n" not in line and len(line) < 400


def test_a_large_file_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(written(Image.fromarray(RAMP)))
    monkeypatch.setattr(pictures, "MAX_BYTES", 100)
    with pytest.raises(UserError, match="the file has more than"):
        read(tmp_path / "a.png")


def test_what_systems_leave_in_a_folder_is_no_picture(tmp_path: Path) -> None:
    for name in ("a.PNG", "sub/b.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(written(Image.fromarray(RAMP)))
    for name in ("._a.png", ".DS_Store", "Thumbs.db", "__MACOSX/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in pictures.paths(tmp_path)] == ["a.PNG", "b.jpg"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("train", "test", "meta"), "CIFAR-100"),
        (("data_batch_1.bin", "batches.meta.txt"), "binary version"),
        (("cifar-10-python.tar.gz",), "unpack it"),
        (("a.tif", "b.tif"), "a.tif is no picture by its name; taken are .png"),
    ],
)
def test_a_folder_without_pictures_says_what_it_is(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UserError, match=r"--images .+ holds 0: ") as error:
        images.load(tmp_path, 16)
    assert said in str(error.value)


def batch(array: npt.NDArray[Any], **more: object) -> bytes:
    return pickle.dumps({b"data": array, b"labels": [0] * len(array), **{k.encode(): v for k, v in more.items()}})


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.uint16])
def test_cifar_of_another_type_has_the_same_pixels(tmp_path: Path, kind: Any) -> None:
    (tmp_path / "data_batch_1").write_bytes(batch(NOISE.astype(kind)))
    first = images.load(tmp_path, 16).description
    (tmp_path / "data_batch_1").write_bytes(batch(NOISE))
    assert images.load(tmp_path, 16).description == first


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (batch(NOISE / 255), "fractions from 0 to 1, .*: multiply them by 255"),
        (batch((NOISE / 255).astype(np.float16)), "fractions from 0 to 1"),
        (batch(NOISE / 127.5 - 1), "fractions from -1 to 1"),
        (batch((NOISE > 128).astype(np.uint8)), "0 and 1 alone"),
        (batch(np.zeros((16, 3072), np.uint8)), "every pixel of the 16 images is 0"),
        (batch(np.full((16, 3072), 200, np.int32)), "every pixel of the 16 images is 200"),
        (batch(NOISE.astype(int) - 1), "numbers from -1 to 254"),
        (batch(NOISE.astype(int) * 257), "numbers from 0 to 65535"),
        (batch(np.full((16, 3072), np.nan)), "NaN"),
        (batch(NOISE.astype("U3")), "whole numbers from 0 to 255"),
        (batch(NOISE > 3), "whole numbers from 0 to 255"),
        (batch(NOISE, labels=[99] * 16), "labels are not all from 0 to 9"),
        (batch(NOISE, labels=[10**30] * 16), "labels are not all from 0 to 9"),
        (b"<html>", "it is a web page"),
        (batch(NOISE)[:-5000], "not a whole pickle"),
    ],
)
def test_a_batch_of_other_values_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "data_batch_1").write_bytes(content)
    with pytest.raises(UserError, match=said):
        images.load(tmp_path, 16)


def npz(array: npt.NDArray[Any], **settings: Any) -> bytes:
    np.savez(stream := io.BytesIO(), array, **settings)
    return stream.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    with zipfile.ZipFile(stream := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def claimed(shape: str) -> bytes:
    """An .npz file whose array states a shape that it does not have."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return zipped("a.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + bytes(10))


IMAGES = NOISE.reshape(16, 3, 32, 32)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npz(IMAGES / 255), "float64 of shape .*: multiply fractions by 255"),
        (npz(IMAGES * 0), "every pixel of the 16 images is 0"),
        (npz((IMAGES > 9).astype(np.uint8)), "0 and 1 alone"),
        (npz(IMAGES[0]), "of shape"),
        (npz(np.array([object()])), "not an .npz file"),
        (npz(IMAGES)[:-200], "not an .npz file"),
        (npz(IMAGES)[:3000] + b"\xff" * 50 + npz(IMAGES)[3050:], "not an .npz file"),
        (zipped("a.txt", b"x"), "not an .npz file.*it is a zip archive"),
        (zipped("a.npy", b"x"), r"of shape \[\]"),
        (claimed("(16, 3, 32, 32)"), "not an .npz file"),
        (claimed("(10000000000000000000000, 3)"), "not an .npz file"),
        (claimed("(-1, 3)"), "not an .npz file"),
        (claimed("(" * 90 + ")" * 90), r"of shape \[\]"),
        (pickle.dumps([1]), "it is a pickle"),
        (b"", "it is an empty file"),
        (b"<!doctype html>", "it is a web page"),
    ],
)
def test_a_bad_npz_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.NPZ"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as error:
        images.load(path, 16)
    assert len(str(error.value)) < 500


def test_an_npz_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.npz").write_bytes(npz(IMAGES))
    monkeypatch.setattr("pipeline.formats.packed.MAX_BYTES", 1 << 10)
    with pytest.raises(UserError, match="unpacks to more than"):
        images.load(tmp_path / "a.npz", 16)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.npy", b"\x93NUMPY" + bytes(20), r"\(an .npy file, one array of numpy\) is neither"),
        ("a.zip", b"PK\3\4" + bytes(40), r"\(a zip archive\) is neither"),
        ("a.png", written(Image.fromarray(RAMP)), r"\(a PNG picture\) is neither"),
    ],
)
def test_a_single_file_of_another_kind_says_what_it_is(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said):
        images.load(tmp_path / name, 16)
