"""A user's zero-cost proxy: a Python file, `weight_norm.py`, with the function `weight_norm`.

The function takes (network, images, labels) and returns a number, higher for the better network. Its file is run by
whoever names it, as any Python file is; a lake stores no code, only its SHA-256.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import math
import re
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from pipeline import own_code
from pipeline.errors import UserError, excerpt, is_out_of_memory, message_of
from pipeline.formats import text_files
from pipeline.proxies import images as image_batches
from pipeline.proxies import zerocost
from pipeline.proxies.contract import Bundle, Proxy, Score, UnbuildableError, alone, reason_of
from pipeline.wording import with_article

VERSION = 1  # of what the function is given
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ARGUMENTS = "(network, images, labels)"


def is_named(name: str | Path) -> bool:
    """Whether a proxy's name is the path of a Python file."""
    return Path(name).suffix.lower() == ".py"


def load(path: Path, images: Path | str | None, inputs: str) -> Bundle:
    """The proxy of a Python file, as a bundle of one.

    Args:
        inputs: what the networks take, images or sequences.

    Raises:
        UserError: a file that cannot be read or run, that has no such function, or has the name of a shipped proxy; or
            images for sequences.
    """
    if not _NAME.fullmatch(path.stem):
        raise UserError(
            f"{excerpt(str(path), 200, bare=True)} is the file of a proxy, whose name is made of at most 64 letters of "
            "a to z, digits and _, the first a letter: call it otherwise"
        )
    if inputs == "sequences" and images is not None:
        raise zerocost.no_images_for_sequences(path.stem)
    text = text_files.read(path, "proxy", "a Python file")
    _function(path.stem, text, str(path))  # what is wrong with it is said before anything is scored
    given = zerocost.ZeroCostInputs(None if inputs == "sequences" else image_batches.named(images, zerocost.IMAGES))
    proxy = Proxy(
        path.stem, "zero-cost", {"code": code_identity(text), **configuration(given)}, VERSION, higher_is_better=True,
        score=_OwnScorer(path.stem, text, str(path), given), inputs=given.kind,
    )  # fmt: skip
    return replace(alone(proxy), network="features")


def configuration(given: zerocost.ZeroCostInputs) -> dict[str, Any]:
    """What a number may depend on besides code and weights."""
    return {part: given.parts[part] for part in ("classes", given.kind, "labels")}


def code_identity(text: str) -> str:
    """What tells one version of a proxy's file from another."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class _OwnScorer:
    """Scores a network with the function of a file; it carries the text, as a worker need not have the file."""

    name: str
    text: str
    path: str
    given: zerocost.ZeroCostInputs

    def __call__(self, build: Callable[[], Any], arch_id: str, seed: int, device: str) -> Score:
        import torch

        from pipeline.proxies.arithmetic import exact, failing_in_one_line
        from pipeline.proxies.zerocost.passes import Passes

        function = _function(self.name, self.text, self.path)
        stream = partial(zerocost.stream_seed, seed, arch_id)
        images, labels = self.given.tensors
        with failing_in_one_line():
            passes = Passes(build, images, labels, zerocost.CLASSES, stream, exact(device), with_curvature=False)
            try:
                network = passes.network.train()
                given = network, images.to(passes.labels.device, copy=True), passes.labels.clone()
                with _apart(stream(self.name)):
                    number = _number(function(*given))
            except UnbuildableError as error:
                return Score(None, "unbuildable", reason_of(error.__cause__ or error))
            except torch.AcceleratorError:
                raise
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt) or is_out_of_memory(error):
                    raise
                return Score(None, "failed", reason_of(error))
        if not math.isfinite(number):
            return Score(None, "failed", f"the value is {number}")
        return Score(number, "ok", None)


@cache
def _function(name: str, text: str, path: str) -> Callable[..., Any]:
    """The function of that name in the text of a file."""
    module = types.ModuleType(f"{__name__}.{name}")
    module.__file__ = path
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        with own_code.death_told(f"loading the proxy {path}"), _apart():
            exec(compile(text, path, "exec"), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        reason = excerpt(" ".join(f"{type(error).__name__}: {message_of(error)}".split()), 200, bare=True)
        raise UserError(f"the proxy {path} cannot be loaded: {reason}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise UserError(f"the proxy {path} defines no function {name}{_ARGUMENTS}: call the file as the function")
    try:
        inspect.signature(function).bind(None, None, None)
    except (TypeError, ValueError) as error:
        raise UserError(f"the function {name} of the proxy {path} does not take {_ARGUMENTS}") from error
    return function  # type: ignore[no-any-return]


@contextlib.contextmanager
def _apart(seed: int | None = None) -> Iterator[None]:
    """Code of the file in the block changes nothing of the process, and does not end it."""
    from pipeline.proxies import process_state

    with process_state.restored(), process_state.random_numbers(seed), own_code.contained():
        yield


def _number(value: Any) -> float:
    """What the function returned as a number.

    Raises:
        TypeError: it is none.
    """
    kind = str(getattr(value, "dtype", type(value).__name__)).removeprefix("torch.")  # of arrays and tensors, too
    if value is None or isinstance(value, str | bytes | bytearray) or kind.startswith(("bool", "complex", "<U", "|S")):
        raise TypeError(f"the function returned {excerpt(value, 60)}, where a number is expected")
    try:
        return float(value.detach() if hasattr(value, "detach") else value)  # torch warns of a value with a gradient
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise TypeError(
            f"the function returned {with_article(type(value).__name__)} that is no number: {error}"
        ) from error
