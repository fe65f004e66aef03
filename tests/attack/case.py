"""What a case is: an input, a command, and what is expected of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """The folders of one case: the command runs in `files`, PIPELINE_LAKE names `lake`, `others` stays as it is."""

    root: Path
    lake: Path

    @property
    def files(self) -> Path:
        """The working folder, where the input is made."""
        return self.root / "files"

    @property
    def others(self) -> Path:
        """A folder with somebody's files, for links that lead out of where the command may write."""
        return self.root / "others"

    @property
    def temporary(self) -> Path:
        """TMPDIR of the command, which leaves nothing there."""
        return self.root / "tmp"


@dataclass(frozen=True)
class Case:
    """A command on an odd input, and the exit code and the line that answer it.

    Attributes:
        name: what is odd, in a few words.
        command: the words after `pipeline`, as a shell splits them; relative paths are in `Place.files`, and
            {lake} is the lake's.
        says: words that standard error holds (standard output as well, where the exit code is 0).
        exit: the exit code.
        make: writes the input into `Place.files`.
        damage: changes a lake of the case's own before the command runs.
        lake: "made_up" (see tests/fixtures/lakes.py), "cells" (40 architectures of NAS-Bench-201) or "none".
        call: what is called in place of a command; a `UserError` counts as exit code 1.
        shell: a shell's command line in place of `command`, in which `pipeline` is a function.
        never: words that neither output holds.
        writes: names in `Place.files` that may be written or removed.
        stores: whether the lake may gain parts; it is then the case's own.
        lines: how many lines standard error may have; by default one, and five for a usage error.
        seconds: of a processor, or without the minute in which a busy machine starts Python, that it may take.
        memory: how many MiB of address space it has; in a process of its own only.
        short: whether `make test` runs it; by default all but those that need a process of their own.
    """

    name: str
    command: str = ""
    says: tuple[str, ...] = ()
    exit: int = 1
    make: Callable[[Path], object] | None = None
    damage: Callable[[Path], object] | None = None
    lake: str = "made_up"
    call: Callable[[Place], object] | None = None
    shell: str = ""
    never: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    stores: bool = False
    lines: int | None = None
    seconds: float = 10
    memory: int | None = None
    short: bool | None = None

    @property
    def own_process(self) -> bool:
        """Whether it cannot run in the process of the tests."""
        return bool(self.shell) or self.memory is not None

    @property
    def in_short_form(self) -> bool:
        """Whether `make test` runs it."""
        return self.short if self.short is not None else not self.own_process

    @property
    def most_lines(self) -> int:
        """How many lines standard error may have."""
        return self.lines if self.lines is not None else 5 if self.exit == 2 else 1
