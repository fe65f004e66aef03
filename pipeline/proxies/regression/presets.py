"""The configurations of the regression proxy: TOML files beside this module, or a user's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from pipeline.errors import UserError, excerpt, unknown
from pipeline.formats import toml_files
from pipeline.formats.toml_files import PlainName, StrictModel
from pipeline.wording import count_of

FOLDER = Path(__file__).parent / "presets"
_WHAT = "proxy preset"

FREQUENCIES = {
    "low": [round(0.005 + 0.01 * i, 4) for i in range(10)],
    "mid": [round(0.125 + 0.025 * i, 4) for i in range(10)],
    "high": [round(0.375 + 0.0125 * i, 4) for i in range(10)],
}
"""Presets of ten frequencies, in cycles per pixel."""

_WAVES = 64  # of a frequency, or of a pair of them: 32 phases in two directions, see `signals`


class Noise(StrictModel):
    """Noise added to the input, drawn anew at every iteration: uniform in +-`level`, or normal of that deviation."""

    kind: Literal["none", "uniform", "normal"] = "none"
    level: Annotated[float, Field(ge=0)] = 0.0


class Signal(StrictModel):
    """One signal of a stage's target; `signals` defines each kind.

    Args:
        kind: of signal.
        level: what it is multiplied with.
        frequencies: of a sine, in cycles per pixel, or the name of one of `FREQUENCIES`.
        partial: of dots, the share of a map's positions that have one.
        local: drawn anew for each image or sequence, not once for all.
    """

    kind: Literal["sin1d", "sin2d", "dot", "gdot", "resize"]
    level: Annotated[float, Field(gt=0)] = 1.0
    frequencies: list[Annotated[float, Field(ge=0, le=0.5)]] | None = None
    partial: Annotated[float, Field(gt=0, le=1)] | None = None
    local: bool = True

    @model_validator(mode="before")
    @classmethod
    def _named_frequencies(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("frequencies"), str):
            named = data["frequencies"]
            if named not in FREQUENCIES:
                raise ValueError(f"frequencies {excerpt(named)}: known are {', '.join(FREQUENCIES)}")
            data = {**data, "frequencies": FREQUENCIES[named]}
        return data

    @model_validator(mode="after")
    def _complete(self) -> Signal:
        if self.kind in ("sin1d", "sin2d") and not self.frequencies:
            raise ValueError(f"{self.kind} needs frequencies")
        if self.kind in ("dot", "gdot") and self.partial is None:
            raise ValueError(f"{self.kind} needs partial")
        return self

    def require_maps(self, count: int) -> None:
        """Refuse to draw more maps than the signal has different ones: sines are drawn without replacement.

        Raises:
            ValueError: there are fewer than `count`.
        """
        if self.kind not in ("sin1d", "sin2d"):
            return
        frequencies = len(self.frequencies or ())
        different = _WAVES * (frequencies if self.kind == "sin1d" else frequencies**2)
        if count > different:
            raise ValueError(
                f"{self.kind} with {frequencies} frequencies has {different} different maps, and {count} are drawn"
            )


class Stage(StrictModel):
    """The target of one tap: its channels and the signals that add up to it."""

    channels: Annotated[int, Field(ge=1, le=640)]
    signals: Annotated[list[Signal], Field(min_length=1)]

    @model_validator(mode="after")
    def _enough_maps(self) -> Stage:
        for signal in self.signals:
            signal.require_maps(self.channels)
        return self


Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Loss(NamedTuple):
    """A loss of a training: the tap and the target that it is of, and its weight in the sum that is trained."""

    stage: int
    signal: str
    weight: float


class Rule(StrictModel):
    """A score from the training losses, which cost no evaluation pass and know no running statistics.

    It is the weighted sum, over the losses, of the mean logarithm of the last few. With logarithms a stage weighs by
    its weight alone, whatever the scale of its target.

    Args:
        weights: of each stage, in the score only; what is trained is weighted by the schedule's `stage_weights`.
        last: iterations over which the mean is taken.
    """

    weights: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1)]
    last: Annotated[int, Field(ge=1)]


class Schedule(StrictModel):
    """What all presets have in common: how long to train, and how the losses of the stages make the score.

    Args:
        stage_weights: of each stage's loss in training, and in the score where no rule says otherwise.
        iterations: how many.
        evaluate_every: iterations between two evaluations; 0: none, which needs a rule.
        rule: the score; without one it is the weighted sum of the last evaluation losses.
    """

    name: PlainName
    description: str = ""
    noise: Noise = Noise()
    stage_weights: list[Weight]
    iterations: Annotated[int, Field(ge=1)] = 100
    evaluate_every: Annotated[int, Field(ge=0)] = 10
    rule: Rule | None = None

    @property
    def losses(self) -> list[Loss]:
        """Every loss of a training: one per stage, of the sum of its signals."""
        return [Loss(stage, "sum", weight) for stage, weight in enumerate(self.stage_weights)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not any(self.stage_weights):
            raise ValueError("stage_weights are all 0: nothing would be trained")
        if self.evaluate_every and self.iterations % self.evaluate_every:
            raise ValueError("iterations must be a multiple of evaluate_every")
        if self.rule is None:
            if not self.evaluate_every:
                raise ValueError("evaluate_every is 0, and no rule makes a score of the training losses")
            return self
        if len(self.rule.weights) != len(self.stage_weights):
            raise ValueError(f"rule.weights are {len(self.rule.weights)}, stage_weights {len(self.stage_weights)}")
        if self.rule.last > self.iterations:
            raise ValueError("rule.last is more than iterations")
        return self

    def configuration(self) -> dict[str, Any]:
        """Everything that changes the number: the preset without its name and description."""
        return self.model_dump(exclude={"name", "description"}, exclude_none=True)


class ImageSchedule(Schedule):
    """A configuration for networks that take images; the defaults are those of the paper's released runs.

    Args:
        initial: `torch` starts every convolution as torch would; without it, as the network's own code does.
        image_size: height and width of the images; without it 32. Targets stay 8x8, to which taps of any size are
            resized.
        learning_rate, momentum, weight_decay: of stochastic gradient descent.
    """

    inputs: ClassVar[str] = "images"
    stage_weights: list[Weight] = Field([0.25, 0.5, 1.0], min_length=1)
    image_size: Annotated[int, Field(gt=32, le=256, multiple_of=32)] | None = None
    initial: Literal["torch"] | None = None
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 4e-5


class Preset(ImageSchedule):
    """One target per stage, the sum of its signals."""

    stages: Annotated[list[Stage], Field(min_length=1)]

    @model_validator(mode="after")
    def _lengths(self) -> Preset:
        if len(self.stage_weights) != len(self.stages):
            raise ValueError(f"{count_of(len(self.stages), 'stage')} but {len(self.stage_weights)} stage_weights")
        return self


class MenuSignal(Signal):
    """A signal of a menu, with the name under which its losses are stored; its level scales all of it."""

    name: PlainName


class MenuPreset(ImageSchedule):
    """A menu: every signal is a target of its own at every stage, in one training.

    Args:
        task: what tells this sort of preset from the others.
        channels: of each target.
        deviation: standard deviation to which each target is scaled, after its mean is taken off.
        signals: the menu.
    """

    task: Literal["menu"]
    channels: Annotated[int, Field(ge=1, le=640)] = 16
    deviation: Annotated[float, Field(gt=0)]
    signals: Annotated[list[MenuSignal], Field(min_length=1)]

    @model_validator(mode="after")
    def _signals(self) -> MenuPreset:
        names = [signal.name for signal in self.signals]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two signals are called {twice}")
        for signal in self.signals:
            signal.require_maps(self.channels)
        return self

    @property
    def losses(self) -> list[Loss]:
        """Every loss of a training: all signals of the first stage, then those of the next."""
        return [
            Loss(stage, signal.name, weight)
            for stage, weight in enumerate(self.stage_weights)
            for signal in self.signals
        ]


class SequencePreset(Schedule):
    """A configuration for networks that take sequences: input and target are both made of signals.

    Args:
        task: what tells this sort of preset from the others.
        batch: number of sequences.
        features: width of input and target at each time step.
        steps: time steps; 8 by default.
        width: of every layer of the network; by default the network keeps its own.
        carried: whether a sequence begins with the states with which the one before ended, or with zeros.
        input, target: the signals that add up to each; a local one is drawn anew for each sequence.
        learning_rate, weight_decay: of Adam.
        largest_gradient: the norm to which a larger gradient is scaled down.
        output_penalty, change_penalty: factors of the mean square of the network's outputs, and of their change from
            one time step to the next, in what is trained; no part of the score.
    """

    inputs: ClassVar[str] = "sequences"
    task: Literal["sequences"]
    stage_weights: list[Weight] = Field([1.0], min_length=1, max_length=1)
    batch: Annotated[int, Field(ge=1)] = 16
    features: Annotated[int, Field(ge=1)]
    steps: Annotated[int, Field(ge=1)] | None = None
    width: Annotated[int, Field(ge=1)] | None = None
    carried: Literal[True] | None = None
    input: Annotated[list[Signal], Field(min_length=1)]
    target: Annotated[list[Signal], Field(min_length=1)]
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1.2e-6
    largest_gradient: Annotated[float, Field(gt=0)] | None = None
    output_penalty: Annotated[float, Field(gt=0)] | None = None
    change_penalty: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _signals(self) -> SequencePreset:
        for signal in (*self.input, *self.target):
            if signal.kind == "resize":
                raise ValueError("the signal resize is made of images; sequences have none")
            signal.require_maps(self.batch if signal.local else 1)
        return self


AnyPreset = Preset | MenuPreset | SequencePreset

_TASKS: dict[str | None, type[AnyPreset]] = {None: Preset, "menu": MenuPreset, "sequences": SequencePreset}


@cache
def names() -> tuple[str, ...]:
    """The shipped presets."""
    return tuple(sorted(f"regression-{p.stem}" for p in FOLDER.glob("*.toml")))


def fitting(inputs: str) -> list[str]:
    """The shipped presets for networks that take such inputs, images or sequences."""
    return [name for name in names() if load(name).inputs == inputs]


def load(name: str) -> AnyPreset:
    """A shipped preset by its name, or a user's by the path of a TOML file.

    Raises:
        UserError: no such preset, or a file that is not one; the message names the field.
    """
    path = Path(name) if toml_files.is_named(name) else FOLDER / f"{name.removeprefix('regression-')}.toml"
    if not toml_files.is_named(name) and name not in names():
        raise unknown("proxy", name, names())
    data = _extended(toml_files.read(path, _WHAT), path)
    task = data.get("task")
    if not isinstance(task, str | None) or task not in _TASKS:
        raise UserError(f"{_WHAT} {path}: task is {excerpt(task)}; it is 'menu', 'sequences' or left out")
    return toml_files.validated(_TASKS[task], data, path, _WHAT, "the preset")


def _extended(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """A preset that `extends` a shipped one has all of it but the keys that it states itself."""
    if (name := data.pop("extends", None)) is None:
        return data
    if name not in names():
        raise UserError(f"{_WHAT} {path}: extends: {unknown('proxy', str(name), names())}")
    base = FOLDER / f"{name.removeprefix('regression-')}.toml"
    return {**_extended(toml_files.read(base, _WHAT), base), "description": "", **data}
