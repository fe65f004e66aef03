"""Zero-cost proxies: scores of an untrained network from a few passes, which the proxies of a bundle share.

Their definitions, each with its paper, are in `measures`; the passes are in `passes`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import provenance
from pipeline.errors import UserError
from pipeline.proxies import images as image_batches
from pipeline.proxies.contract import Bundle, Proxy, Score, Timed, UnbuildableError, reason_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pipeline.proxies.zerocost.passes import Passes

VERSION = 1  # of the random streams, and of each proxy that `_VERSIONS` does not name
_VERSIONS = {"vkdnw": 2}
BUNDLE = "zero-cost"
CLASSES = 10
IMAGES = 64
SAMPLES = 16  # images among which `swap` takes the pattern of a unit: its authors' number
SEQUENCES, STEPS, WIDTH = 64, 16, 400  # more steps in all than a layer has units, which hidden covariance needs

BLOCKWISE = ("az_expressivity", "az_progressivity", "az_trainability")
_BATCH = ("classes", "images", "labels")

USES: dict[str, tuple[str, ...]] = {
    "params": ("classes",),
    "flops": ("classes",),
    "layers": (),
    "depth": (),
    "random": (),
    "grad_norm": _BATCH,
    "snip": _BATCH,
    "grasp": _BATCH,
    "fisher": _BATCH,
    "synflow": ("classes",),
    "logsynflow": ("classes",),
    "jacov": ("classes", "images"),
    "epe_nas": _BATCH,
    "naswot": ("images",),
    "zen": ("noise",),
    "zico": _BATCH,
    "az_expressivity": ("images",),
    "az_progressivity": ("images",),
    "az_trainability": ("images",),
}
"""Each function of `measures`, with what its number depends on besides weights: its configuration holds just that."""

USES_APART: dict[str, tuple[str, ...]] = {
    "vkdnw": ("classes", "noise"),
    "swap": ("images", "samples"),
    "depthwise": (),
}
"""The same for proxies that the bundle leaves out: a lake in which it was scored stays complete, and one of them costs
more than all of it."""

USES_OF_SEQUENCES: dict[str, tuple[str, ...]] = {
    **{name: USES[name] for name in ("params", "layers", "depth", "random")},
    **dict.fromkeys(("grad_norm", "snip", "grasp", "jacov"), ("classes", "sequences")),
    **{f"layer{n}_hidden_covariance": ("sequences",) for n in (1, 2, 3)},
    "delay": (),
}
"""The same for networks that take sequences. What counts ReLUs, feature maps or images is not defined there."""


def names(inputs: str | None = None) -> tuple[str, ...]:
    """The bundle, and each proxy alone, of those for networks that take such inputs; or for any."""
    of_images = (*USES, *USES_APART)
    of_inputs = {
        "images": of_images,
        "sequences": USES_OF_SEQUENCES,
        None: dict.fromkeys((*of_images, *USES_OF_SEQUENCES)),
    }
    return (BUNDLE, *of_inputs[inputs])


def version_of(name: str) -> int:
    """The version of the code that computes a proxy."""
    return _VERSIONS.get(name, VERSION)


def load(name: str, images: Path | str | None = None, inputs: str = "images") -> Bundle:
    """The bundle of that name, or of that one proxy.

    Args:
        name: one of `names()`.
        images: as in `images.named`; labels are CIFAR-10's own, and the classes in turn where the images have none.
        inputs: what the networks take, images or sequences; a proxy that is defined for the other inputs only is
            returned for those.

    Raises:
        UserError: images that cannot be read, or images for sequences.
    """
    of_sequences = name in names("sequences") and (inputs == "sequences" or name not in names("images"))
    if of_sequences and images is not None:
        raise no_images_for_sequences(name)
    scorer = _BundleScorer(ZeroCostInputs(None if of_sequences else image_batches.named(images, IMAGES)))
    chosen = [n for n in scorer.uses if n not in USES_APART] if name == BUNDLE else [name]
    return Bundle(name, tuple(scorer.proxy(n) for n in chosen), BUNDLE, scorer.score, network="features")


def no_images_for_sequences(name: str) -> UserError:
    """The error for images that are named where the networks take sequences."""
    return UserError(f"--images does not go with {name} here: its networks take sequences, which are synthetic")


def _sequences() -> image_batches.Batch:
    """Independent standard-normal vectors, [N, T, width]: what a cell gets from an embedding of random words."""
    data = np.random.default_rng(0).standard_normal((SEQUENCES, STEPS, WIDTH)).astype(np.float32)
    return image_batches.Batch(data, {"kind": "normal", "seed": 0, "steps": STEPS})


class ZeroCostInputs:
    """What an untrained network is given: a batch of images, or of sequences where none is given, and labels.

    Attributes:
        kind: images or sequences.
        parts: what a number may depend on besides weights, by the names of `USES`, as a configuration states it.
    """

    def __init__(self, batch: image_batches.Batch | None) -> None:
        self.kind = "images" if batch else "sequences"
        self.batch = batch = batch or _sequences()
        count = len(batch.data)
        self.labels = batch.labels or tuple(i % CLASSES for i in range(count))
        self.parts: dict[str, Any] = {
            "classes": CLASSES,
            "images": {**batch.description, "count": IMAGES},
            "sequences": {**batch.description, "count": count},
            "labels": provenance.identity("labels", 1, self.labels) if batch.labels else "in turn",
            "samples": SAMPLES,
            "noise": {"count": IMAGES, "size": image_batches.SIZE},
        }

    @cached_property
    def tensors(self) -> tuple[Tensor, Tensor]:
        import torch

        return self.batch.tensor(), torch.tensor(self.labels)


class _BundleScorer:
    """The proxies on some inputs."""

    def __init__(self, inputs: ZeroCostInputs) -> None:
        self.inputs = inputs
        self.uses = {**USES, **USES_APART} if inputs.kind == "images" else USES_OF_SEQUENCES
        self.ids: dict[str, str] = {}  # proxy_id -> name

    def proxy(self, name: str) -> Proxy:
        configuration = {part: self.inputs.parts[part] for part in self.uses[name]}
        score = partial(self._one, name)
        proxy = Proxy(
            name, "zero-cost", configuration, version_of(name), higher_is_better=True, score=score,
            inputs=self.inputs.kind,
        )  # fmt: skip
        self.ids[proxy.proxy_id] = name
        return proxy

    def score(
        self, build: Callable[[], nn.Module], arch_id: str, seed: int, device: str, wanted: Collection[str]
    ) -> dict[str, Timed]:
        """Every wanted proxy of one network; see `Bundle`."""
        scores = self._scores(build, arch_id, seed, device, [self.ids[proxy_id] for proxy_id in wanted])
        return dict(zip(wanted, scores, strict=True))

    def _one(self, name: str, build: Callable[[], nn.Module], arch_id: str, seed: int, device: str) -> Score:
        return self._scores(build, arch_id, seed, device, [name])[0][0]

    def _scores(
        self, build: Callable[[], Any], arch_id: str, seed: int, device: str, names: Collection[str]
    ) -> list[Timed]:
        from pipeline.proxies.arithmetic import exact, failing_in_one_line
        from pipeline.proxies.zerocost.passes import Passes

        images, labels = self.inputs.tensors
        stream, with_curvature = partial(stream_seed, seed, arch_id), "grasp" in names
        with failing_in_one_line():
            passes = Passes(build, images, labels, CLASSES, stream, exact(device), with_curvature=with_curvature)
            return [_score(passes, name) for name in names]


def stream_seed(seed: int, arch_id: str, name: str) -> int:
    """The seed of a random stream of an architecture: "weights" and what else draws."""
    return provenance.stream_seed(BUNDLE, VERSION, name, seed, arch_id)


def _score(passes: Passes, name: str) -> Timed:
    """One proxy; where it has no value, why."""
    import torch

    from pipeline.proxies.zerocost import measures

    value, error, seconds = passes.results.timed(lambda: getattr(measures, name)(passes))
    if isinstance(error, torch.AcceleratorError):
        raise error
    if isinstance(error, UnbuildableError):
        return Score(None, "unbuildable", reason_of(error.__cause__ or error)), seconds
    if value is None:
        return Score(None, "failed", reason_of(error or ValueError("no value"))), seconds
    if not math.isfinite(value):
        return Score(None, "failed", f"the value is {value}"), seconds
    return Score(float(value), "ok", None), seconds
