"""Results that several proxies share: computed once, and charged to each that uses them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class _Account:
    """What one computation used: the names of the shared results, and the seconds that went into making some."""

    used: set[str] = field(default_factory=set)
    elsewhere: float = 0.0


@dataclass(frozen=True)
class _Entry:
    value: Any
    error: Exception | None
    used: frozenset[str]


class Ledger:
    """Shared results by name.

    An error is a result too: it is raised again for everyone who asks, and not run into twice.

    Args:
        settle: waits for the device, so that seconds belong to what was asked.
    """

    def __init__(self, settle: Callable[[], None] = lambda: None) -> None:
        self._settle = settle
        self._entries: dict[str, _Entry] = {}
        self._seconds: dict[str, float] = {}
        self._open: list[_Account] = []

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The result of that name, made if nobody has asked for it before."""
        if name not in self._entries:
            account, value, error, seconds = self._run(make)
            self._seconds[name] = seconds
            self._entries[name] = _Entry(value, error, frozenset(account.used | {name}))
        entry = self._entries[name]
        if self._open:
            self._open[-1].used |= entry.used
        if entry.error is not None:
            raise entry.error
        result: T = entry.value
        return result

    def charged(self, make: Callable[[], T]) -> tuple[T | None, Exception | None, float]:
        """A result or its error, and the seconds it would take if nobody shared anything with it."""
        account, value, error, seconds = self._run(make)
        return value, error, seconds + sum(self._seconds[name] for name in account.used)

    def _run(self, make: Callable[[], T]) -> tuple[_Account, T | None, Exception | None, float]:
        """The seconds are those spent here, less what went into shared results."""
        account, value, error = _Account(), None, None
        self._open.append(account)
        started = time.perf_counter()
        try:
            value = make()
        except (ValueError, KeyError, RuntimeError, MemoryError) as raised:
            error = raised
        self._settle()
        spent = time.perf_counter() - started
        self._open.pop()
        if self._open:
            self._open[-1].elsewhere += spent
        return account, value, error, spent - account.elsewhere
