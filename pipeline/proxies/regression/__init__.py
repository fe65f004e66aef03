"""Regression on synthetic signals: Li et al., "Generic Neural Architecture Search via Regression", NeurIPS 2021.

A network is trained for seconds to reproduce fixed maps from fixed images; its last evaluation loss is the score.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.proxies import Curve, Proxy, Score, proxy_id_of
from pipeline.proxies.regression import images as image_batches
from pipeline.proxies.regression import presets

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pipeline.proxies.regression.training import Losses

VERSION = 1
DEFAULT_BATCH = "patches"

names = presets.names


def load(name: str, images: Path | str | None = None) -> Proxy:
    """The regression proxy of a preset (a name or a TOML file) on a batch of images.

    Args:
        name: "regression-n101", or the path of a TOML file of the same form.
        images: a path for `images.load`, the name of a synthetic batch, or None for the default synthetic batch.

    Raises:
        UserError: an unknown preset, a bad file, or images that cannot be read.
    """
    preset = presets.load(name)
    if isinstance(images, Path):
        batch = image_batches.load(images)
    else:
        batch = image_batches.synthetic(images or DEFAULT_BATCH)
    configuration = {**preset.configuration(), "images": batch.description}
    task = _Task(preset, batch, proxy_id_of(preset.name, configuration, VERSION))
    return Proxy(preset.name, configuration, VERSION, higher_is_better=False, score=task.score)


class _Task:
    """The images of a proxy, and the targets of the last seed asked for."""

    def __init__(self, preset: presets.Preset, batch: image_batches.Batch, proxy_id: str) -> None:
        self.preset, self.batch, self.proxy_id = preset, batch, proxy_id
        self._targets: tuple[int, list[Tensor]] | None = None

    @cached_property
    def images(self) -> Tensor:
        return self.batch.tensor()

    def targets(self, seed: int) -> list[Tensor]:
        """The same for every architecture."""
        from pipeline.proxies.regression import training

        if self._targets is None or self._targets[0] != seed:
            goals = training.targets(self.preset, self.images, _generator("targets", self.proxy_id, seed))
            self._targets = (seed, goals)
        return self._targets[1]

    def score(self, build: Callable[[], nn.Module], arch_id: str, seed: int, device: str) -> Score:
        """Train the network that `build` makes; the weights and the noise depend on architecture, proxy and seed."""
        import torch

        from pipeline.proxies.regression import training

        generator = _generator("stream", self.proxy_id, seed, arch_id)
        weights = int(torch.randint(2**62, (), generator=generator))
        try:
            losses = training.train(
                build, self.preset, self.images, self.targets(seed), torch.device(device), generator, weights
            )
        except training.UnbuildableError as error:
            return Score(None, "unbuildable", _line(error.__cause__ or error))
        except (ValueError, RuntimeError, MemoryError) as error:
            return Score(None, "failed", _line(error))
        if losses.diverged_at is not None:
            return Score(None, "diverged", f"loss not finite at iteration {losses.diverged_at}", _curves(losses))
        value = sum(w * loss for w, loss in zip(self.preset.stage_weights, losses.eval[-1], strict=True))
        return Score(value, "ok", None, _curves(losses))


def _generator(*parts: object) -> torch.Generator:  # type: ignore[name-defined]  # noqa: F821
    import torch

    from pipeline.provenance import stream_seed

    return torch.Generator().manual_seed(stream_seed(*parts))


def _curves(losses: Losses) -> tuple[Curve, ...]:
    both = (("train", losses.train_iterations, losses.train), ("eval", losses.eval_iterations, losses.eval))
    return tuple(
        Curve(stage, "sum", mode, iterations, list(column))
        for mode, iterations, rows in both
        for stage, column in enumerate(zip(*rows, strict=True))
    )


def _line(error: BaseException) -> str:
    """The first line of an error's message, with its kind."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"[:200]
