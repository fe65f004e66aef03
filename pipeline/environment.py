"""What a process computes with: its processor, libraries, threads and card.

The same training on another instruction set sums in another order; docs/measurements/2026-11-instruction-sets.md says
how far that moves a score. So a run records the environment of each of its workers, which on a cluster may differ.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

Row = dict[str, Any]

VARIABLES = (
    "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_CPU_ISA_HINTS", "DNNL_CPU_ISA_HINTS",
    "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR", "MKL_NUM_THREADS",
    "OMP_NUM_THREADS", "NVIDIA_TF32_OVERRIDE", "CUBLAS_WORKSPACE_CONFIG",
)  # fmt: skip
"""Environment variables that change which instructions or how many threads compute."""

_INSTRUCTIONS = (
    "sse4_1", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "asimd", "sve",
    "sve2",
)  # fmt: skip
_LONGEST = 64  # characters of a variable's value


def of_host() -> Row:
    """The processor and the operating system of this process, without importing torch."""
    model, instructions = _processor()
    return {
        "cpu": model, "instructions": list(instructions), "architecture": platform.machine(),
        "os": f"{platform.system()} {platform.release()}",
    }  # fmt: skip


def of_worker(device: str) -> Row:
    """All that this process computes with, which imports torch.

    Args:
        device: cpu or cuda; of a card, its libraries and settings are among it.
    """
    import torch

    built_with = torch.__config__.show()
    backends: Any = torch.backends
    row = {
        **of_host(),
        "torch": torch.__version__,
        "instruction_set": backends.cpu.get_cpu_capability(),
        "onednn": _version(r"(?:MKL-DNN|oneDNN) v([\w.]+)", built_with),
        "onednn_enabled": backends.mkldnn.is_available() and bool(backends.mkldnn.enabled),
        "mkl": _version(r"Math Kernel Library Version ([\w.]+)", built_with),
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "variables": {name: os.environ[name][:_LONGEST] for name in VARIABLES if name in os.environ},
    }
    return {**row, **_card()} if device == "cuda" else row


def _card() -> Row:
    """The card of this process and how it computes."""
    import torch

    backends: Any = torch.backends
    return {
        "card": torch.cuda.get_device_name(),
        "compute_capability": ".".join(map(str, torch.cuda.get_device_capability())),
        "cuda": torch.version.cuda,
        "cudnn": backends.cudnn.version(),
        "cudnn_deterministic": backends.cudnn.deterministic,
        "float32_products": backends.cuda.matmul.fp32_precision,
        "float32_convolutions": backends.cudnn.conv.fp32_precision,
    }


@cache
def _processor() -> tuple[str, tuple[str, ...]]:
    """The processor's model, and those of its instruction sets that kernels are chosen by."""
    information = Path("/proc/cpuinfo")
    fields: dict[str, str] = {}
    with suppress(OSError):
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    offered = set((fields.get("flags") or fields.get("Features") or "").split())
    model = fields.get("model name") or _model_of_macos() or platform.processor() or platform.machine()
    return model, tuple(name for name in _INSTRUCTIONS if name in offered)


def _model_of_macos() -> str | None:
    if platform.system() != "Darwin":
        return None
    with suppress(OSError):
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
    return None


def _version(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1] if match else None
