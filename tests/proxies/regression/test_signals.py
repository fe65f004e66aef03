"""The synthetic signals: each is what its definition says, and depends on its generator alone."""

import math
from collections.abc import Callable
from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.proxies.regression import presets, signals, training


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_frequency_presets_are_ten_each_and_span_their_band() -> None:
    ends = {name: (f[0], f[-1], len(f)) for name, f in presets.FREQUENCIES.items()}
    assert ends == {"low": (0.005, 0.095, 10), "mid": (0.125, 0.35, 10), "high": (0.375, 0.4875, 10)}


def test_a_sin1d_map_varies_along_one_direction_and_is_a_wave_of_a_listed_frequency() -> None:
    frequencies = [0.1, 0.3]
    maps = signals.sin1d(frequencies, 2, 100, generator())
    assert maps.shape == (2, 100, 8, 8)
    for image in maps.reshape(-1, 8, 8):
        rows, columns = image[:, :1], image[:1]
        assert torch.equal(rows.expand(8, 8), image) or torch.equal(columns.expand(8, 8), image)
        wave = rows[:, 0] if torch.equal(rows.expand(8, 8), image) else columns[0]
        # s[k-1] + s[k+1] = 2 cos(2 pi f) s[k] for a wave of frequency f
        fits = [(wave[:-2] + wave[2:] - 2 * math.cos(2 * math.pi * f) * wave[1:-1]).abs().max() for f in frequencies]
        assert min(fits) < 1e-5


def test_sin1d_without_replacement_covers_the_bank() -> None:
    maps = signals.sin1d(presets.FREQUENCIES["high"], 1, 640, generator())[0]
    along_rows = (maps == maps[:, :, :1]).all(dim=(1, 2))
    assert along_rows.sum() == 320  # as many along rows as along columns
    assert len({m.numpy().tobytes() for m in maps}) == 640


@pytest.mark.parametrize("waves", [signals.sin1d, signals.sin2d])
def test_even_phases_are_sines_and_odd_ones_cosines(waves: Callable[..., torch.Tensor]) -> None:
    """At frequency 0 a wave is the sine or cosine of its phase, once in each of two directions."""
    phases = 2 * math.pi * torch.rand(32, generator=generator())
    expected = torch.cat([phases[::2].sin(), phases[1::2].cos()]).repeat(2).sort().values
    maps = waves([0.0], 1, 64, generator())[0]
    assert torch.equal(maps.amin((1, 2)), maps.amax((1, 2)))
    assert torch.allclose(maps[:, 0, 0].sort().values, expected, atol=1e-6)


@pytest.mark.parametrize(("kind", "count"), [("sin1d", 128), ("sin2d", 256)])
def test_a_signal_knows_how_many_different_maps_it_has(kind: Literal["sin1d", "sin2d"], count: int) -> None:
    signal = presets.Signal(kind=kind, frequencies=[0.1, 0.2])
    signal.require_maps(count)
    with pytest.raises(ValueError, match=f"has {count} different maps, and {count + 1} are drawn"):
        signal.require_maps(count + 1)
    maps = training.signal_map(signal, torch.zeros(1, 3, 8, 8), count, torch.Generator().manual_seed(0))
    assert len(maps.flatten(2).unique(dim=1)[0]) == count


def test_a_sin2d_map_is_a_plane_wave_or_its_flip() -> None:
    f, g = 0.2, 0.31
    maps = signals.sin2d([f, g], 1, 256, generator())[0]
    factors = {2 * math.cos(2 * math.pi * v) for v in (f, g)}
    for image in maps:
        for wave in (image, image.T):
            fits = [(wave[:-2] + wave[2:] - c * wave[1:-1]).abs().max() for c in factors]
            assert min(fits) < 1e-4
    assert len({m.numpy().tobytes() for m in maps}) == 256  # 4 pairs x 32 phases x 2


@settings(max_examples=30)
@given(partial=st.floats(0.02, 1), seed=st.integers(0, 2**32))
def test_dot_sets_as_many_positions_as_it_says(partial: float, seed: int) -> None:
    maps = signals.dot(partial, 3, 5, generator(seed))
    assert set(maps.unique().tolist()) <= {-1.0, 0.0, 1.0}
    assert (maps.abs().sum(dim=(2, 3)) == math.floor(64 * partial)).all()


def test_dot_signs_are_even() -> None:
    assert abs(signals.dot(1.0, 16, 64, generator()).mean()) < 0.02


def test_gdot_is_smooth_and_reaches_one() -> None:
    maps = signals.gdot(0.5, 4, 16, generator())
    torch.testing.assert_close(maps.abs().amax(dim=(2, 3)), torch.ones(4, 16))
    rough = signals.dot(0.5, 4, 16, generator())
    assert maps.diff(dim=3).abs().mean() < 0.5 * rough.diff(dim=3).abs().mean()


def test_resize_is_the_batch_itself() -> None:
    images = torch.randn(4, 3, 32, 32)
    maps = signals.resize(images, 8, generator())
    assert maps.shape == (4, 8, 8, 8)
    assert (float(maps.min()), float(maps.max())) == (-1, 1) or maps.abs().max() <= 1
    small = images[:, :, ::4, ::4]
    scaled = (small - small.min()) / (small.max() - small.min()) * 2 - 1
    for channel in maps.transpose(0, 1):
        assert any(torch.allclose(channel, scaled[:, c], atol=1e-6) for c in range(3))


PLAIN = [p for p in map(presets.load, presets.names()) if isinstance(p, presets.Preset)]


@pytest.mark.parametrize("preset", PLAIN, ids=lambda preset: preset.name)
def test_every_preset_makes_its_targets(preset: presets.Preset) -> None:
    images = torch.randn(16, 3, 32, 32)
    goals = training.targets(preset, images, generator(1))
    assert [tuple(g.shape) for g in goals] == [(16, s.channels, 8, 8) for s in preset.stages]
    again = training.targets(preset, images, generator(1))
    assert all(torch.equal(a, b) for a, b in zip(goals, again, strict=True))
    other = training.targets(preset, images, generator(2))
    assert not any(torch.equal(a, b) for a, b in zip(goals, other, strict=True))


def test_a_shared_signal_is_the_same_for_every_image_and_a_local_one_is_not() -> None:
    stage = {"channels": 4, "signals": [{"kind": "dot", "partial": 0.5, "level": 2.0, "local": False}]}
    local = {"channels": 4, "signals": [{"kind": "dot", "partial": 0.5}]}
    preset = presets.Preset.model_validate({"name": "p", "stages": [stage, local], "stage_weights": [1, 1]})
    shared, own = training.targets(preset, torch.randn(16, 3, 32, 32), generator())
    assert torch.equal(shared, shared[:1].expand_as(shared)) and shared.abs().max() == 2
    assert not torch.equal(own[0], own[1])
