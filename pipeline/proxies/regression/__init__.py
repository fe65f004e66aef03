"""Regression on synthetic signals: Li et al., "Generic Neural Architecture Search via Regression", NeurIPS 2021.

A network is trained for seconds to reproduce fixed maps from fixed images; its last evaluation loss is the score, or
what a rule makes of its training losses.

`presets` has the configurations, `signals` the maps, and `training` trains one network; `sequences` does so for those
that take sequences. On a card several networks train side by side: `resident` keeps it busy, and the steps of each
network are `recorded` as CUDA graphs (`card`), of the faster `modules` and `gradient_kernel`. For spaces of cells with
four nodes, `stacked` trains many architectures in one sequence of kernels instead.
"""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import UserError
from pipeline.proxies import arithmetic
from pipeline.proxies import images as image_batches
from pipeline.proxies.contract import Curve, Network, Proxy, Score, Timed, UnbuildableError, proxy_id_of, reason_of
from pipeline.proxies.regression import presets

if TYPE_CHECKING:
    import collections.abc

    from torch import Generator, Tensor, nn

    from pipeline.proxies.regression.recorded import Work
    from pipeline.proxies.regression.resident import Card, Trained
    from pipeline.proxies.regression.stacked.engine import StackedCard
    from pipeline.proxies.regression.training import Losses

VERSION = 1
IMAGES = 16

names, fitting = presets.names, presets.fitting


def load(name: str, images: Path | str | None = None) -> Proxy:
    """The regression proxy of a preset (a name or a TOML file) on a batch of images.

    Args:
        name: "regression-n101", or the path of a TOML file of the same form.
        images: a path for `images.load`, the name of a synthetic batch, or None for the default synthetic batch.

    Raises:
        UserError: an unknown preset, a bad file, or images that cannot be read.
    """
    return from_preset(presets.load(name), images)


def from_preset(preset: presets.AnyPreset, images: Path | str | None = None) -> Proxy:
    """The regression proxy of a preset that is not in a file; otherwise as `load`."""
    task: _ImageTask | _SequenceTask
    configuration = preset.configuration()
    if isinstance(preset, presets.SequencePreset):
        if images is not None:
            raise UserError(
                f"--images does not go with {preset.name}: its networks take sequences, which are synthetic"
            )
        inputs, task = "sequences", _SequenceTask(preset)
    else:
        batch = image_batches.named(images, IMAGES, preset.image_size or image_batches.SIZE)
        configuration["images"] = batch.description
        inputs, task = "images", _ImageTask(preset, batch)
    scorer = _Scorer(preset, task, proxy_id_of(preset.name, configuration, VERSION))
    score_all = scorer.score_all if isinstance(task, _ImageTask) else None
    return Proxy(preset.name, "trained", configuration, VERSION, False, scorer.score, inputs, score_all)


def images_of(images: Path | str | None) -> dict[str, Any]:
    """What a proxy's configuration says of the images that it would be trained on."""
    return image_batches.named(images, IMAGES).description


class _ImageTask:
    """Regress maps from a fixed batch of images. `draw` makes what architectures share; `train` trains one network."""

    def __init__(self, preset: presets.Preset | presets.MenuPreset, batch: image_batches.Batch) -> None:
        self.preset, self.batch = preset, batch

    @cached_property
    def images(self) -> Tensor:
        return self.batch.tensor()

    def draw(self, generator: Generator) -> list[Tensor]:
        from pipeline.proxies.regression import training

        if isinstance(self.preset, presets.MenuPreset):
            return training.menu_targets(self.preset, self.images, generator)
        return training.targets(self.preset, self.images, generator)

    def train(
        self, build: Callable[[], nn.Module], drawn: list[Tensor], device: str, generator: Generator, seed: int
    ) -> Losses:
        from pipeline.proxies.regression import training

        return training.train(build, self.preset, self.images, drawn, arithmetic.exact(device), generator, seed)

    def train_all(
        self, works: Sequence[Work], drawn: list[Tensor], on: Card | StackedCard
    ) -> collections.abc.Generator[Trained, None, None]:
        """Train networks side by side."""
        from pipeline.proxies.regression.recorded import Task

        return on.train(works, Task(self.preset, self.images, drawn))


class _SequenceTask:
    """Regress maps from maps."""

    def __init__(self, preset: presets.SequencePreset) -> None:
        self.preset = preset

    def draw(self, generator: Generator) -> tuple[Tensor, Tensor]:
        from pipeline.proxies.regression import sequences

        return sequences.draw(self.preset, generator)

    def train(
        self, build: Callable[[], nn.Module], drawn: tuple[Tensor, Tensor], device: str, generator: Generator, seed: int
    ) -> Losses:
        from pipeline.proxies.regression import sequences

        return sequences.train(build, self.preset, drawn, arithmetic.exact(device), generator, seed)


class _Scorer:
    """A task, and what was drawn for the last requested seed."""

    def __init__(self, preset: presets.Schedule, task: _ImageTask | _SequenceTask, proxy_id: str) -> None:
        self.preset, self.task, self.proxy_id = preset, task, proxy_id
        self._drawn: tuple[int, Any] | None = None
        self._card: Card | StackedCard | None = None

    def drawn(self, seed: int) -> Any:
        """The same for every architecture."""
        if self._drawn is None or self._drawn[0] != seed:
            self._drawn = (seed, self.task.draw(_generator("targets", self.proxy_id, seed)))
        return self._drawn[1]

    def score(self, build: Callable[[], nn.Module], arch_id: str, seed: int, device: str) -> Score:
        """Train the network that `build` makes; the weights and the noise depend on architecture, proxy and seed."""
        generator, weights = self._streams(arch_id, seed)
        try:
            outcome: Losses | Exception = self.task.train(build, self.drawn(seed), device, generator, weights)
        except (ValueError, RuntimeError, MemoryError) as error:
            outcome = error
        return self._scored(outcome)

    @arithmetic.failing_in_one_line()
    def score_all(
        self, networks: Sequence[Network], seed: int, device: str, on: Card | StackedCard | None = None
    ) -> list[Timed | None]:
        """The scores of several networks, which train side by side on a card.

        A network whose step cannot be recorded is trained by itself in the plain loop, when the others are done. If
        nothing can be recorded in this process after it, those that were not begun have no score, and the worker is to
        be renewed; where it was not, all are trained in the plain loop.

        Args:
            networks: (build, arch_id) of each.
            seed: of the regression targets, the weights and the noise.
            on: the card with its settings; by default one with CUDA graphs, which is kept for the next call.

        Raises:
            UserError: the card failed.
        """
        from pipeline import executor
        from pipeline.proxies.regression.card import CaptureError
        from pipeline.proxies.regression.recorded import Work
        from pipeline.proxies.regression.resident import NotTrained

        assert isinstance(self.task, _ImageTask)
        on = on or self._on(device)
        works = [Work(build, *self._streams(arch_id, seed)) for build, arch_id in networks]
        scores: dict[int, Timed | None] = {}
        with contextlib.closing(self.task.train_all([] if on.spoilt else works, self.drawn(seed), on)) as outcomes:
            for trained in outcomes:
                if isinstance(trained.outcome, NotTrained):
                    scores[trained.index] = None
                elif not isinstance(trained.outcome, CaptureError):
                    scores[trained.index] = self._scored(trained.outcome), trained.seconds
        for index in sorted(set(range(len(works))) - set(scores)):
            started = time.perf_counter()
            score = self.score(*networks[index], seed, device)
            scores[index] = score, time.perf_counter() - started
        if on.spoilt:
            executor.renew_worker()
        return [scores[index] for index in range(len(works))]

    def _on(self, device: str) -> Card | StackedCard:
        import torch

        from pipeline.proxies.regression import resident

        if self._card is None:
            graph = torch.cuda.CUDAGraph if device != "cpu" else None
            self._card = resident.Card(arithmetic.exact(device), graph)
            with contextlib.suppress(ImportError):  # Triton comes with torch's builds for CUDA
                if graph:
                    from pipeline.proxies.regression.stacked.engine import StackedCard

                    self._card = StackedCard(self._card, graph)
        return self._card

    def _streams(self, arch_id: str, seed: int) -> tuple[Generator, int]:
        """The generator of a network's noise, and the seed of its weights."""
        import torch

        generator = _generator("stream", self.proxy_id, seed, arch_id)
        return generator, int(torch.randint(2**62, (), generator=generator))

    def _scored(self, outcome: Losses | Exception) -> Score:
        """The score of a training, from its losses or what went wrong.

        Raises:
            UserError: the card failed, which says nothing about the network: every later one would fail, too.
        """
        import torch

        if isinstance(outcome, torch.AcceleratorError):
            raise arithmetic.failed(outcome)
        if isinstance(outcome, UnbuildableError):
            return Score(None, "unbuildable", reason_of(outcome.__cause__ or outcome))
        if isinstance(outcome, Exception):
            return Score(None, "failed", reason_of(outcome))
        curves = _curves(self.preset, outcome)
        if outcome.diverged_at is not None:
            return Score(None, "diverged", f"loss not finite at iteration {outcome.diverged_at}", curves)
        return Score(_value(self.preset, outcome), "ok", None, curves)


def _value(preset: presets.Schedule, losses: Losses) -> float:
    if (rule := preset.rule) is None:
        return sum(part.weight * loss for part, loss in zip(preset.losses, losses.eval[-1], strict=True))
    last = zip(*losses.train[-rule.last :], strict=True)
    tiny = sys.float_info.min  # a network can hit its target exactly
    logs = (sum(math.log(max(loss, tiny)) for loss in column) / rule.last for column in last)
    return sum(rule.weights[part.stage] * mean for part, mean in zip(preset.losses, logs, strict=True))


def _generator(*parts: object) -> Generator:
    import torch

    from pipeline.provenance import stream_seed

    return torch.Generator().manual_seed(stream_seed(*parts))


def _curves(preset: presets.Schedule, losses: Losses) -> tuple[Curve, ...]:
    both = (("train", losses.train_iterations, losses.train), ("eval", losses.eval_iterations, losses.eval))
    return tuple(
        Curve(part.stage, part.signal, mode, iterations, list(column))
        for mode, iterations, rows in both
        for part, column in zip(preset.losses, zip(*rows, strict=True), strict=False)  # no rows, no columns
    )
