"""What holds for a whole process, and code of others may change: settings of torch and numpy, and random numbers.

A score after it, of another network or proxy, would be another number.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
import torch

from pipeline import interpreter_state
from pipeline.interpreter_state import Setting


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """In the block float32 by default, as IEEE says, on the CPU by default, gradients and no autocast.

    After it, all settings are as before.

    What no setting tells stays changed: functions of torch's that are replaced, hooks of all modules.
    """
    with interpreter_state.put_back(_settings()), torch.inference_mode(False), torch.enable_grad():
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        for place in _on_a_cpu():
            place.fp32_precision = "ieee"
        for kind in _AUTOCAST:
            torch.set_autocast_enabled(kind, False)
        yield


@contextlib.contextmanager
def random_numbers(seed: int | None) -> Iterator[None]:
    """In the block random numbers of torch, numpy and Python from a seed; after it, the streams continue as before.

    Args:
        seed: from 0 on; None leaves them as they are.
    """
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    python, arrays = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices):
            if seed is not None:
                torch.manual_seed(seed)
                random.seed(seed)
                np.random.seed(seed % (1 << 32))
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)


_AUTOCAST = ("cpu", "cuda")


def _on_a_cpu() -> list[Any]:
    """What has a `fp32_precision` for the CPU; `arithmetic.exact` sets those of a card."""
    mkldnn: Any = torch.backends.mkldnn
    return [mkldnn, mkldnn.conv, mkldnn.rnn, mkldnn.matmul]


def _settings() -> list[Setting]:
    """How each setting is read and written, in the order in which they are restored."""
    backends: Any = torch.backends
    cudnn, mkldnn = backends.cudnn, backends.mkldnn
    precisions = [backends, cudnn, cudnn.conv, cudnn.rnn, backends.cuda.matmul, *_on_a_cpu()]
    attributes = [(cudnn, "enabled"), (cudnn, "benchmark"), (cudnn, "deterministic"), (mkldnn, "enabled")]
    attributes += [(place, "fp32_precision") for place in precisions]
    return [
        (np.geterr, lambda modes: np.seterr(**modes)),
        (torch.get_default_dtype, torch.set_default_dtype),
        (torch.get_default_device, _set_default_device),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
        (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        (_flushes_denormal, torch.set_flush_denormal),
        *(
            (partial(torch.is_autocast_enabled, kind), partial(torch.set_autocast_enabled, kind)) for kind in _AUTOCAST
        ),
        (_matmul_precision, _set_matmul_precision),  # before those of the backends, which it sets, too
        *((partial(attrgetter(name), place), partial(setattr, place, name)) for place, name in attributes),
    ]  # fmt: skip


def _set_default_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)  # a device that is set costs time at each call


def _matmul_precision() -> str | None:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # the backends were set one by one, see `arithmetic.exact`
        return None


def _set_matmul_precision(precision: str | None) -> None:
    if precision is not None:
        torch.set_float32_matmul_precision(precision)


def _flushes_denormal() -> bool:
    return not float(torch.tensor(1e-40, dtype=torch.float32, device="cpu") * 1)
