"""Provenance of a row: canonical JSON, identities, file hashes and the record of a run."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import time
import tomllib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline import environment
from pipeline.escaping import visible
from pipeline.wording import count_of

PACKAGE = "nas-proxy-bench"
ROOT = Path(__file__).resolve().parents[1]
_LEFT_THERE = {".DS_Store", "Thumbs.db", "desktop.ini", ".directory"}
_CHUNK = 1 << 20  # bytes that are hashed at a time
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # which cannot be set; the first also counts a standby
_RECORDED = ("duckdb", "numpy", "pandas", "pyarrow", "scipy", "torch")

_begun: dict[str, float] = {}
"""The time of `_CLOCK` at which each run of this process began."""


def canonical_json(value: object) -> str:
    """The one text of a JSON value: sorted keys, no blanks, no NaN.

    Raises:
        ValueError: if the value holds a NaN or an infinity, which JSON does not have.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def identity(kind: str, version: int, value: object) -> str:
    """The first 16 hex digits of the SHA-256 of `kind/version:canonical JSON`."""
    return text_identity(kind, version, canonical_json(value))


def text_identity(kind: str, version: int, canonical: str) -> str:
    """`identity` of a value whose canonical JSON is known already."""
    return hashlib.sha256(f"{kind}/{version}:{canonical}".encode()).hexdigest()[:16]


def stream_seed(*parts: object) -> int:
    """A 63-bit seed for a random stream that depends on `parts` and on nothing else."""
    digest = hashlib.sha256(canonical_json(list(parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def file_sha256(path: Path, advance: Callable[[int], object] = lambda _more: None) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of a file, or of a folder as the sorted list of its files' names and hashes.

    Args:
        path: of the file or folder.
        advance: told how many more bytes have been read.
    """
    if path.is_file():
        content = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                content.update(chunk)
                advance(len(chunk))
            return content.hexdigest(), stream.tell()
    total, listing = 0, hashlib.sha256()
    for member in content_files(path):
        digest, size = file_sha256(member, advance)
        listing.update(os.fsencode(member.relative_to(path).as_posix()) + f"\0{digest}\n".encode())
        total += size
    return listing.hexdigest(), total


def content_files(folder: Path) -> list[Path]:
    """The files in a folder and in those under it, by path, without what operating systems leave there.

    Links to folders are followed, and a folder counts once, by its own path if that is beside the link. Of what is no
    folder, or not there, there are none: who reads it says so.

    Raises:
        OSError: a folder cannot be read.
    """
    if not folder.is_dir():
        return []
    found: list[Path] = []
    entered: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, onerror=_raised, followlinks=True):
        state = Path(place).stat()
        if (state.st_dev, state.st_ino) in entered:
            folders.clear()
            continue
        entered.add((state.st_dev, state.st_ino))
        kept = [name for name in folders if name != "__MACOSX" and not is_left_there(name)]
        folders[:] = sorted(kept, key=lambda name: (Path(place, name).is_symlink(), name))
        found += (path for name in names if not is_left_there(name) and (path := Path(place, name)).is_file())
    return sorted(found)


def _raised(error: OSError) -> None:
    raise error


def is_left_there(name: str) -> bool:
    """Whether operating systems leave files of that name in folders that are looked at."""
    return name.startswith("._") or name in _LEFT_THERE


def code_version() -> str:
    """The package's version, with the commit when it runs from a checkout."""
    version = released_version()
    if not (ROOT / ".git").exists():
        return version
    try:
        described = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:  # no git here
        return version
    return f"{version}+{described.stdout.strip()}" if described.returncode == 0 else version


def released_version(root: Path = ROOT) -> str:
    """The package's version.

    A source tree that was never installed has it in pyproject.toml; "unknown" where there is none either.
    """
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        project = root / "pyproject.toml"
    if not project.is_file():
        return "unknown"
    stated: str = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    return stated


def package_versions() -> dict[str, str]:
    """The versions of Python and of the packages that matter to a result."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in _RECORDED}


def new_run(
    stage: str, arguments: Mapping[str, Any], device: str = "cpu", *, by_workers: bool = False
) -> dict[str, Any]:
    """The row of `runs` for a run that begins now. A path among the arguments is stored by its last component.

    Args:
        stage: of the pipeline.
        arguments: what is stored of them must be JSON.
        device: cpu, or the card's name.
        by_workers: whether workers compute, whose environments are added later; see `computed_in`.
    """
    run_id = uuid.uuid4().hex[:16]
    _begun[run_id] = time.clock_gettime(_CLOCK)
    given = {name: visible(value.name) if isinstance(value, Path) else value for name, value in arguments.items()}
    return {
        "run_id": run_id,
        "stage": stage,
        "arguments": canonical_json(given),
        "started_at": datetime.now(UTC),
        "finished_at": None,
        "status": "running",
        "code_version": code_version(),
        "host": f"{platform.node()} ({platform.machine()}, {count_of(os.cpu_count() or 1, 'core')})",
        "device": device,
        "packages": canonical_json(package_versions()),
        "environments": None if by_workers else canonical_json([environment.of_host()]),
    }


def computed_in(run: Mapping[str, Any], of_worker: Mapping[str, Any]) -> dict[str, Any]:
    """The row of `runs` for the same run with the environment of one more worker; equal ones are there once."""
    known = json.loads(run["environments"] or "[]")
    known += [] if of_worker in known else [of_worker]
    return {**run, "environments": canonical_json(sorted(known, key=canonical_json))}


def finished(run: Mapping[str, Any], status: str = "finished") -> dict[str, Any]:
    """The row of `runs` for the same run once it has ended. A clock that is set meanwhile does not change its duration.

    Args:
        run: of `new_run` in this process.
        status: how it ended.
    """
    passed = time.clock_gettime(_CLOCK) - _begun[run["run_id"]]
    return {**run, "finished_at": run["started_at"] + timedelta(seconds=passed), "status": status}


@contextlib.contextmanager
def status_at_end(close: Callable[[str], object]) -> Iterator[None]:
    """Call `close` when the block ends, with the status of the run: finished, interrupted or failed."""
    status = "failed"
    try:
        yield
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        close(status)


def nested(arch_ids: Iterable[str], seed: int) -> list[str]:
    """Architectures in the order in which samples with this seed take them: a larger one holds every smaller one."""
    return sorted(arch_ids, key=lambda arch_id: text_identity("sample", 1, f"{seed}/{arch_id}"))
