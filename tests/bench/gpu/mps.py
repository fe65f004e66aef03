"""NVIDIA's Multi-Process Service: kernels of several processes run at the same time, instead of taking turns.

The daemon is started as a child with folders of its own, and stopped afterwards; no setting of the card is touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAM = "nvidia-cuda-mps-control"
KERNEL = "import torch; assert float(torch.ones(8, device='cuda').sum()) == 8"
_FOLDERS = ("/usr/local/nvidia/bin", "/usr/bin", "/usr/local/cuda/bin", "/usr/local/bin")
_VARIABLES = ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY")


class NoMpsError(Exception):
    """The daemon is not here, or does not start; the message says which."""


def program() -> str | None:
    """Where the daemon is."""
    return shutil.which(PROGRAM, path=os.pathsep.join((os.environ.get("PATH", ""), *_FOLDERS)))


@contextlib.contextmanager
def daemon() -> Iterator[Path]:
    """Within, processes that start and use the card share it by MPS; yields the folder of the daemon's logs.

    Raises:
        NoMpsError: it is not here, or does not start.
    """
    control = program()
    if control is None:
        raise NoMpsError(f"{PROGRAM} is not here")
    with tempfile.TemporaryDirectory(prefix="mps-") as folder:
        kept = {name: os.environ.get(name) for name in _VARIABLES}
        os.environ |= dict.fromkeys(_VARIABLES, folder)
        process = subprocess.Popen(
            [control, "-f"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )  # in this step's process group, which is ended whatever becomes of the step
        try:
            _await(control, process, Path(folder))
            yield Path(folder)
        finally:
            with contextlib.suppress(NoMpsError):
                asked(control, "quit", 10)
            _end(process)
            for name, value in kept.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def asked(control: str, line: str, seconds: float = 5) -> str:
    """What the daemon answers.

    Raises:
        NoMpsError: nothing in time, or that it cannot be reached.
    """
    try:
        done = subprocess.run(
            [control], input=line + "\n", capture_output=True, text=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoMpsError(f"{line}: {error}"[:300]) from error
    if done.returncode:
        raise NoMpsError(f"{line}: {(done.stdout + done.stderr).strip()}"[:300])
    return done.stdout.strip()


def tried() -> str:
    """Whether the daemon starts and a process computes by way of it, in words."""
    try:
        with daemon() as logs:
            require_kernel(logs)
            return "its daemon starts, and a kernel runs"
    except NoMpsError as error:
        return str(error)


def require_kernel(logs: Path) -> None:
    """
    Raises:
        NoMpsError: in a process that was started under the daemon no kernel runs; with the last lines of the logs.
    """
    try:
        done = subprocess.run([sys.executable, "-c", KERNEL], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoMpsError(f"its daemon starts, but a kernel does not end: {error}"[:300]) from error
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if re.match(r"[\w.]*Error", line)), "no output")
        raise NoMpsError(f"its daemon starts, but no kernel runs: {said}; {last_lines(logs)}"[:900])


def servers() -> str:
    """The processes that serve, while clients are connected; or why that is not known."""
    try:
        return asked(program() or PROGRAM, "get_server_list") or "none"
    except NoMpsError as error:
        return str(error)


def last_lines(folder: Path, count: int = 4) -> list[str]:
    """The last lines of the logs."""
    lines = []
    for log in sorted(folder.glob("*.log")):
        lines += [f"{log.name}: {line}"[:200] for line in log.read_text(errors="replace").splitlines()[-count:]]
    return lines


def _await(control: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    until, said = time.monotonic() + 8, "no answer"
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NoMpsError(f"{PROGRAM} ended with {process.returncode}: {last_lines(folder)}")
        try:
            asked(control, "get_server_list")
        except NoMpsError as error:
            said = str(error)
            time.sleep(0.2)
        else:
            return
    raise NoMpsError(f"{PROGRAM} does not answer: {said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The daemon; its servers end with it."""
    for end in (lambda: None, process.terminate, process.kill):
        end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(4)
            return
