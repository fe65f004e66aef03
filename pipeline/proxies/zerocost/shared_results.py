"""Results that several proxies share: computed once, with their seconds counted for each proxy that uses them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class _Usage:
    """What one computation used: the names of shared results, and the seconds that computing some of them took."""

    used: set[str] = field(default_factory=set)
    elsewhere: float = 0.0


@dataclass(frozen=True)
class _SharedResult:
    value: Any
    error: Exception | None
    used: frozenset[str]


class SharedResults:
    """Shared results by name.

    An error is a result too: it is raised again whenever the result is asked for, without a second computation.

    Args:
        settle: waits for the device, so that its work counts for what submitted it.
    """

    def __init__(self, settle: Callable[[], None] = lambda: None) -> None:
        self._settle = settle
        self._results: dict[str, _SharedResult] = {}
        self._seconds: dict[str, float] = {}
        self._open: list[_Usage] = []

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The result of that name; `make` computes it when it is first asked for."""
        if name not in self._results:
            usage, value, error, seconds = self._run(make)
            self._seconds[name] = seconds
            self._results[name] = _SharedResult(value, error, frozenset(usage.used | {name}))
        stored = self._results[name]
        if self._open:
            self._open[-1].used |= stored.used
        if stored.error is not None:
            raise stored.error
        result: T = stored.value
        return result

    def timed(self, make: Callable[[], T]) -> tuple[T | None, Exception | None, float]:
        """A result or its error, and the seconds it would take without any sharing."""
        usage, value, error, seconds = self._run(make)
        return value, error, seconds + sum(self._seconds[name] for name in usage.used)

    def _run(self, make: Callable[[], T]) -> tuple[_Usage, T | None, Exception | None, float]:
        """Usage, result, error and seconds; the seconds are without those that went into shared results."""
        usage, value, error = _Usage(), None, None
        self._open.append(usage)
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
        return usage, value, error, spent - usage.elsewhere
