"""The ResNet-like spaces of the Network Design Spaces: what a configuration may be, random ones and neighbours.

Radosavovic et al., "On Network Design Spaces for Visual Recognition", ICCV 2019, table 1: three stages behind the stem,
each with depth d, width w and, for bottlenecks, ratio r and groups g, drawn from so many values about evenly spaced in
the logarithm. The paper gives range and number of the values; those between are the usual ones of that spacing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pipeline.benchmarks.contract import Spec
from pipeline.errors import UserError, excerpt, unknown
from pipeline.formats.numbers import whole, within
from pipeline.wording import count_of

PLAIN, BASIC, BOTTLENECK = "double_plain_block", "res_basic_block", "res_bottleneck_block"
PARAMETERS = 856_000  # of ResNet-56: the bound up to which the paper compares, and of what is drawn here

_STAGES, _LONGEST = 4, 8  # with the stem; of what is read
_LARGEST_WIDTH, _LARGEST_DEPTH, _LARGEST_STRIDE, _LARGEST_MULTIPLIER = 8192, 200, 4, 16
_CLASSES = 10


@dataclass(frozen=True)
class ResidualSpace:
    """A ResNet-like space.

    Args:
        blocks: what its files may name as block_type; draws are of the first.
        multipliers, groups: of a stage of bottlenecks: inner channels over the block's, and groups of these.
    """

    blocks: tuple[str, ...]
    depths: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12, 16, 24)
    widths: tuple[int, ...] = (16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256)
    multipliers: tuple[float, ...] = ()
    groups: tuple[int, ...] = ()

    def canonical(self, net: Mapping[str, object]) -> Spec:
        """The spec of a published `net` or of a spec.

        What says nothing takes one value: num_gs and bot_muls are empty where the blocks are no bottlenecks, and 1
        and 0 in the place of the stem, which has neither.
        """
        block = net.get("block_type")
        if block not in self.blocks:
            raise unknown("block type", str(block), self.blocks)
        depths = _listed(net, "ds", _LARGEST_DEPTH)
        if not _STAGES <= len(depths) <= _LONGEST:
            raise UserError(f"ds has {count_of(len(depths), 'stage')}, where {_STAGES} to {_LONGEST} are expected")
        widths, strides = _listed(net, "ws", _LARGEST_WIDTH), _listed(net, "ss", _LARGEST_STRIDE)
        groups = _listed(net, "num_gs", _LARGEST_WIDTH) if net.get("num_gs") else [1] * len(depths)
        multipliers = _multipliers(net.get("bot_muls") or [1] * len(depths))
        for name, values in (("ws", widths), ("ss", strides), ("num_gs", groups), ("bot_muls", multipliers)):
            if len(values) != len(depths):
                raise UserError(f"{name} has {count_of(len(values), 'stage')}, ds has {len(depths)}")
        spec: Spec = {"block_type": block, "ds": depths, "ws": widths, "ss": strides, "num_gs": [], "bot_muls": []}
        if block == BOTTLENECK:
            spec |= {"num_gs": [1, *groups[1:]], "bot_muls": [0.0, *multipliers[1:]]}
            for stage, (channels, count) in enumerate(zip(*_inner(spec), strict=True), 1):
                if not _divides(channels, count):
                    raise UserError(f"stage {stage} has {channels} inner channels, which {count} groups do not divide")
        elif any(value != 1 for value in (*groups[1:], *multipliers[1:])):
            raise UserError(f"{block} has no bottleneck: num_gs and bot_muls do not apply")
        return spec

    def sample(self, random: Random, *, fixed: bool) -> Spec:
        """A random configuration of at most `PARAMETERS` parameters, each with equal chance."""
        del fixed  # no ResNet-like space fixes width and depth
        stages = range(1, _STAGES)
        while True:
            spec: Spec = {
                "block_type": self.blocks[0],
                "ds": [1, *(random.choice(self.depths) for _ in stages)],
                "ws": [16, *(random.choice(self.widths) for _ in stages)],
                "ss": [1, 1, 2, 2],
                "num_gs": [1, *(random.choice(self.groups) for _ in stages)] if self.groups else [],
                "bot_muls": [0.0, *(random.choice(self.multipliers) for _ in stages)] if self.groups else [],
            }
            if parameters(spec) <= PARAMETERS:
                return spec

    def mutate(self, spec: Spec, random: Random, *, fixed: bool) -> Spec:
        """A neighbour: another depth, width, ratio or number of groups of one stage, within the same bound."""
        del fixed
        genes = {"ds": self.depths, "ws": self.widths, "num_gs": self.groups, "bot_muls": self.multipliers}
        changes = [
            (name, stage, value)
            for name, values in genes.items()
            for stage in range(1, len(spec[name]))
            for value in values
            if value != spec[name][stage]
        ]
        random.shuffle(changes)
        neighbours = (_changed(spec, *change) for change in changes)
        valid = [n for n in neighbours if not spec["num_gs"] or all(map(_divides, *_inner(n)))]
        return next((n for n in valid if parameters(n) <= PARAMETERS), valid[0])


def _changed(spec: Spec, name: str, stage: int, value: float) -> Spec:
    values = list(spec[name])
    values[stage] = value
    return {**spec, name: values}


def _inner(spec: Spec) -> tuple[list[int], list[int]]:
    """Inner channels and groups of the stages of bottlenecks."""
    widths = [round(w * m) for w, m in zip(spec["ws"][1:], spec["bot_muls"][1:], strict=True)]
    return widths, spec["num_gs"][1:]


def _divides(channels: int, groups: int) -> bool:
    return channels > 0 and channels % groups == 0


def _listed(net: Mapping[str, object], name: str, high: int) -> list[int]:
    given = net.get(name)
    if not isinstance(given, list | tuple):
        raise UserError(f"{name} is {excerpt(given)}, where a list of numbers, one per stage, is expected")
    return [whole(value, f"{name}[{stage}]", least=1, most=high) for stage, value in enumerate(given)]


def _multipliers(given: object) -> list[float]:
    if not isinstance(given, list | tuple):
        raise UserError(f"bot_muls is {excerpt(given)}, where a list of numbers, one per stage, is expected")
    return [within(value, f"bot_muls[{stage}]", 0, _LARGEST_MULTIPLIER) for stage, value in enumerate(given)]


def parameters(spec: Spec) -> int:
    """Trainable parameters of a canonical configuration as trained on CIFAR-10, without building it."""
    before: int = spec["ws"][0]
    total: int = 27 * before + 2 * before + (spec["ds"][0] - 1) * (9 * before * before + 2 * before)
    for stage in range(1, len(spec["ds"])):
        width, stride = spec["ws"][stage], spec["ss"][stage]
        for _ in range(spec["ds"][stage]):
            total += _block(spec, stage, before)
            if spec["block_type"] != PLAIN and (before, stride) != (width, 1):
                total += before * width + 2 * width
            before, stride = width, 1
    return total + (before + 1) * _CLASSES


def _block(spec: Spec, stage: int, inputs: int) -> int:
    """Parameters of a block without its shortcut."""
    outputs: int = spec["ws"][stage]
    if spec["block_type"] != BOTTLENECK:
        return 9 * outputs * (inputs + outputs) + 4 * outputs
    inner: int = round(outputs * spec["bot_muls"][stage])
    per_group: int = inner // spec["num_gs"][stage]
    return inner * (inputs + outputs + 9 * per_group) + 4 * inner + 2 * outputs


_RATIOS = (1.0, 0.5, 0.25)

SPACES = {
    "resnet": ResidualSpace((BASIC, PLAIN)),
    "resnext-a": ResidualSpace((BOTTLENECK,), (1, 2, 4, 8, 16), (16, 32, 64, 128, 256), _RATIOS, (1, 2, 4)),
    "resnext-b": ResidualSpace((BOTTLENECK,), (1, 2, 4, 8, 16), (64, 128, 256, 512, 1024), _RATIOS, (1, 2, 4, 8, 16)),
    "resnet-b": ResidualSpace((BOTTLENECK,), multipliers=_RATIOS, groups=(1,)),
    "vanilla": ResidualSpace((PLAIN,)),
}
