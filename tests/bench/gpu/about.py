"""The machine: versions, flags, MPS, and what its card and its host can do at all."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path

import torch

from pipeline import executor
from pipeline.proxies import arithmetic
from tests.bench.gpu import mps
from tests.bench.gpu.runner import NoCardError, partly
from tests.bench.gpu.setting import Row, Setting

PACKAGES = (
    "torch", "triton", "numpy", "scipy", "pandas", "pyarrow", "duckdb", "pydantic", "pytest", "analog-nasbench",
    "nas-proxy-bench", "cuda-bindings",
)  # fmt: skip
READ = (
    "driver_version", "pstate", "clocks.sm", "clocks.max.sm", "clocks.mem", "power.limit", "compute_mode",
    "mig.mode.current", "persistence_mode",
)  # fmt: skip


def require_card(setting: Setting) -> None:
    """
    Raises:
        NoCardError: torch finds none, or one kernel does not run.
    """
    if setting.device != "cuda":
        return
    built = f"torch {torch.__version__}, built for {f'CUDA {torch.version.cuda}' if torch.version.cuda else 'the CPU'}"
    if not torch.cuda.is_available():
        raise NoCardError(f"{built}, finds no CUDA card here: the steps need one")
    try:
        assert float(torch.ones(8, device="cuda").sum()) == 8
    except Exception as error:
        raise NoCardError(f"{built}, sees {torch.cuda.get_device_name()}, but a kernel fails: {error}") from error


def versions(setting: Setting) -> Row:
    """The row that all others are read with."""
    require_card(setting)
    row: Row = {
        "python": platform.python_version(), "kernel": platform.release(), "host": _processor(),
        "cores": executor.default_workers(), "memory_gb": _memory_gb(),
        "packages": {name: _version(name) for name in PACKAGES},
        "environment": {k: v for k, v in os.environ.items() if k.startswith(("CUDA_", "PYTORCH_", "OMP_", "TRITON_"))},
        "tf32_before": _tf32(),
    }  # fmt: skip
    arithmetic.exact(setting.device)
    row["tf32"] = _tf32()
    row["deterministic"] = torch.are_deterministic_algorithms_enabled()
    row["cudnn_benchmark"] = torch.backends.cudnn.benchmark
    row |= _host_speeds()
    if setting.device == "cuda":
        seen = torch.cuda.get_device_properties(0)
        row |= {
            "card": torch.cuda.get_device_name(), "memory_of_card_gb": seen.total_memory / 1e9,
            "multiprocessors": seen.multi_processor_count, "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(), "nvidia_smi": _nvidia_smi(),
        }  # fmt: skip
        partly(setting, row)
        row |= _card_speeds()
    partly(setting, row)
    row["mps"] = mps.tried()
    return row


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _tf32() -> Row:
    """By whichever interface this torch has; reading one after the other was set may be an error."""
    row: Row = {}
    for name, holder in (("conv", getattr(torch.backends.cudnn, "conv", None)), ("matmul", torch.backends.cuda.matmul)):
        try:
            row[f"{name}_fp32_precision"] = holder.fp32_precision  # type: ignore[union-attr]
        except Exception as error:
            row[f"{name}_fp32_precision"] = type(error).__name__
    for name, holder in (("cudnn", torch.backends.cudnn), ("matmul", torch.backends.cuda.matmul)):
        try:
            row[f"{name}_allow_tf32"] = holder.allow_tf32
        except Exception as error:
            row[f"{name}_allow_tf32"] = type(error).__name__
    return row


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _nvidia_smi() -> dict[str, str] | str:
    """Its settings, which are only read."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "not here"
    try:
        done = subprocess.run(
            [program, f"--query-gpu={','.join(READ)}", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)[:200]
    values = done.stdout.strip().splitlines()[:1]
    if done.returncode or not values:
        return (done.stdout + done.stderr).strip()[:300]
    return dict(zip(READ, values[0].split(", "), strict=False))


def _host_speeds() -> Row:
    """The speed of this host alone: a loop of Python, and the noise of a batch."""
    started = time.perf_counter()
    for _ in range(1_000_000):
        pass
    loop = time.perf_counter() - started
    generator = torch.Generator().manual_seed(0)
    torch.rand(16, 3, 32, 32, generator=generator)
    started = time.perf_counter()
    for _ in range(100):
        torch.rand(16, 3, 32, 32, generator=generator)
    return {"python_ns_per_loop": loop * 1e3, "noise_us_per_batch": (time.perf_counter() - started) * 1e4}


def _card_speeds() -> Row:
    """What the card reaches: a copy, a product in float32, and how fast the host launches."""
    ones = torch.ones(1 << 28, device="cuda")
    copy = torch.empty_like(ones)
    square = torch.rand(4096, 4096, device="cuda")
    small = torch.ones(16, device="cuda")
    row = {
        "copy_tb_per_second": 2 * ones.nbytes / _seconds(lambda: copy.copy_(ones), 20) / 1e12,
        "float32_tflop_per_second": 2 * 4096**3 / _seconds(lambda: square @ square, 10) / 1e12,
    }
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(2000):
        small.add_(1)
    row["launch_us"] = (time.perf_counter() - started) / 2000 * 1e6
    torch.cuda.synchronize()
    return row


def _seconds(call: object, count: int) -> float:
    assert callable(call)
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(count):
        call()
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / count
