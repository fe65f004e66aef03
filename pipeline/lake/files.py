"""Files that appear whole or not at all: written under another name in the same folder, then renamed."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def temporary_path(path: Path) -> Iterator[Path]:
    """Yield an unused hidden path in the folder of `path`; a file that is still there at the end is removed."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_write(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yield a path to write to, which replaces `path` when the block ends; after an error `path` is as it was.

    Args:
        path: the file.
        durable: flush the file to the disk before it replaces `path`, so that a power failure leaves either of the two.
    """
    with temporary_path(path) as temporary:
        yield temporary
        if durable:
            flush_to_disk(temporary)
        temporary.replace(path)


def flush_to_disk(path: Path) -> None:
    """Wait until the file's content, or the folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
