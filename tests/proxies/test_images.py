"""The input batch: real images in three containers, synthetic ones, and what is refused."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import UserError
from pipeline.proxies import images


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)


def cifar(folder: Path, pixels: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    content = {b"data": pixels.reshape(len(pixels), -1), b"labels": [0] * len(pixels), b"batch_label": b"made up"}
    with (folder / "data_batch_1").open("wb") as stream:
        pickle.dump(content, stream, protocol=2)
    return folder


def test_cifar_is_normalised_by_its_own_statistics(tmp_path: Path, pixels: np.ndarray) -> None:
    batch = images.load(cifar(tmp_path / "cifar-10-batches-py", pixels), 16)
    assert batch.data.shape == (16, 3, 32, 32) and batch.data.dtype == np.float32
    assert batch.description["kind"] == "cifar10"
    expected = (pixels[3, 1, 4, 5] / 255 - 0.4822) / 0.2435
    assert batch.data[3, 1, 4, 5] == pytest.approx(expected, rel=1e-5)
    # the folder above it, and the file itself, are the same batch
    assert images.load(tmp_path, 16).description == batch.description
    assert images.load(tmp_path / "cifar-10-batches-py" / "data_batch_1", 16).description == batch.description


def test_a_batch_that_python_2_wrote_is_read(tmp_path: Path, pixels: np.ndarray) -> None:
    """The published files are of that kind: 8-bit strings, numpy 1 names."""
    raw = pixels.reshape(len(pixels), -1)
    data = raw.tobytes()
    program = (
        (
            b"(dU\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR"
            b"(I1\n(I%d\nI3072\ntcnumpy\ndtype\n(U\x02u1I0\nI1\ntR(I3\nU\x01|NNNI-1\nI-1\nI0\ntbI00\nT" % len(raw)
        )
        + len(data).to_bytes(4, "little")
        + data
        + b"tbs."
    )
    (tmp_path / "data_batch_1").write_bytes(program)
    assert images.load(tmp_path, 16).description == images.load(cifar(tmp_path / "new", pixels), 16).description


def test_pictures_and_npz_hold_the_same_pixels(tmp_path: Path, pixels: np.ndarray) -> None:
    (tmp_path / "pictures").mkdir()
    for i, image in enumerate(pixels):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / "pictures" / f"{i:02d}.png")
    np.savez(tmp_path / "a.npz", pixels.transpose(0, 2, 3, 1))
    np.savez(tmp_path / "b.npz", labels=np.zeros(20), images=pixels)
    loaded = [images.load(tmp_path / name, 16) for name in ("pictures", "a.npz", "b.npz")]
    assert len({b.description["sha256"] for b in loaded}) == 1
    for batch in loaded:
        np.testing.assert_allclose(batch.data.mean((0, 2, 3)), 0, atol=1e-5)
        np.testing.assert_allclose(batch.data.std((0, 2, 3)), 1, atol=1e-4)


def test_a_large_picture_is_cropped_and_resized(tmp_path: Path) -> None:
    for i in range(16):
        Image.new("RGB", (300, 100), (i * 10, 5, 200)).save(tmp_path / f"{i:02d}.jpg")
    assert images.load(tmp_path, 16).data.shape == (16, 3, 32, 32)


def test_larger_images_lie_linearly_between_the_centres_of_pixels(tmp_path: Path, pixels: np.ndarray) -> None:
    small = images.load(cifar(tmp_path / "cifar", pixels), 16)
    large = images.load(tmp_path / "cifar", 16, 64)
    assert large.data.shape == (16, 3, 64, 64) and large.data.dtype == np.float32
    assert large.description == small.description
    first, second = small.data[..., 0, 0], small.data[..., 0, 1]
    for column, share in ((0, 0.0), (1, 0.25), (2, 0.75)):
        np.testing.assert_allclose(large.data[..., 0, column], (1 - share) * first + share * second, rtol=1e-6)
    np.testing.assert_array_equal(large.data[..., -1, -1], small.data[..., -1, -1])
    np.testing.assert_allclose(large.data.mean((2, 3)), small.data.mean((2, 3)), atol=1e-5)
    turned = images.Batch(small.data.swapaxes(-1, -2).copy(), {}).enlarged(96)  # rows and columns are treated alike
    np.testing.assert_allclose(turned.data.swapaxes(-1, -2), small.enlarged(96).data, atol=1e-6)


@pytest.mark.parametrize("kind", sorted(images.SYNTHETIC))
def test_a_larger_synthetic_batch_shows_the_same_pictures(kind: str) -> None:
    small, large = (images.named(kind, 4, size) for size in (32, 64))
    assert large.data.shape == (4, 3, 64, 64) and large.description == small.description
    averaged = large.data.reshape(4, 3, 32, 2, 32, 2).mean((3, 5))
    assert np.corrcoef(averaged.ravel(), small.data.ravel())[0, 1] > 0.85


def test_larger_pictures_are_cut_from_their_files_and_larger_arrays_taken_as_they_are(tmp_path: Path) -> None:
    array = np.random.default_rng(1).integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)
    (tmp_path / "pictures").mkdir()
    for i, image in enumerate(array):
        Image.fromarray(image).save(tmp_path / "pictures" / f"{i:02d}.png")
    np.savez(tmp_path / "large.npz", array)
    np.savez(tmp_path / "small.npz", array[:, ::2, ::2])
    of_files, of_array = (images.load(tmp_path / name, 16, 64) for name in ("pictures", "large.npz"))
    assert of_files.description["sha256"] == of_array.description["sha256"]
    np.testing.assert_array_equal(of_files.data, of_array.data)
    assert images.load(tmp_path / "small.npz", 16, 64).data.shape == of_array.data.shape
    with pytest.raises(UserError, match=r"\[16, 64, 64, 3\]; needed is uint8 \[n, 32, 32, 3\] or \[n, 3, 32, 32\]$"):
        images.load(tmp_path / "large.npz", 16)
    with pytest.raises(UserError, match="or 96x96 in place of 32x32"):
        images.load(tmp_path / "large.npz", 16, 96)


@pytest.mark.parametrize("kind", sorted(images.SYNTHETIC))
def test_a_synthetic_batch_is_standardised_and_the_same_each_time(kind: str) -> None:
    batch = images.synthetic(kind, 16)
    np.testing.assert_allclose(batch.data.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(batch.data.std((0, 2, 3)), 1, atol=1e-4)
    assert np.array_equal(images.synthetic(kind, 16).data, batch.data)
    assert not np.array_equal(images.synthetic(kind, 16, seed=1).data, batch.data)
    assert batch.description == {"kind": f"synthetic-{kind}", "seed": 0}


def test_the_spectrum_batch_falls_as_one_over_frequency() -> None:
    power = np.abs(np.fft.fft2(images.synthetic("spectrum", 16).data)).mean((0, 1))
    assert 2.5 < power[0, 2] / power[0, 8] < 5.5  # 4 times the frequency, a quarter of the amplitude


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: None, "does not exist"),
        (lambda p: p.mkdir(), "/images holds 0"),
        (lambda p: p.write_bytes(b"garbage"), "is neither"),
        (lambda p: (p.mkdir(), (p / "a.png").write_bytes(b"no picture")), "cannot be read as a picture"),
    ],
)
def test_what_is_not_images_is_refused_in_one_line(tmp_path: Path, make: object, says: str) -> None:
    path = tmp_path / "images"
    make(path)  # type: ignore[operator]
    with pytest.raises(UserError) as error:
        images.load(path, 16)
    assert says in str(error.value)


def test_bad_npz_and_bad_pickles_are_refused(tmp_path: Path, pixels: np.ndarray) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK garbage")
    with pytest.raises(UserError, match=r"not an \.npz file"):
        images.load(tmp_path / "a.npz", 16)
    np.savez(tmp_path / "b.npz", np.zeros((20, 28, 28)))
    with pytest.raises(UserError, match=r"float64 of shape \[20, 28, 28\]"):
        images.load(tmp_path / "b.npz", 16)
    with pytest.raises(UserError, match="holds 3"):
        images.load(cifar(tmp_path / "few", pixels[:3]), 16)
    (tmp_path / "few" / "data_batch_1").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(UserError, match="system"):
        images.load(tmp_path / "few", 16)
    with pytest.raises(UserError, match="did you mean noise"):
        images.synthetic("noize", 16)
