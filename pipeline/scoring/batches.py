"""Submit items to a worker in batches: on a card, networks train side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline import executor
from pipeline.executor import Results


class SideBySide(executor.ItemFunction, Protocol):
    """A function that can also compute several items side by side."""

    def side_by_side(self, items: Sequence[Any]) -> list[Any]:
        """The result for each; None where another worker has to do the item."""
        ...


@dataclass
class _OfBatches:
    """The same function, an item of which is a batch."""

    function: SideBySide

    def prepare(self) -> object:
        return self.function.prepare()

    def __call__(self, item: Any) -> Any:
        return self.function.side_by_side(item)


def results(
    run: Callable[..., Results],
    function: SideBySide,
    items: Sequence[Any],
    size: int,
    skip: Callable[[Any], bool],
) -> Results:
    """Yield (item, result) for each item.

    Args:
        run: an executor, (function, items, skip) -> (item, result) of each, as `executor.run`.
        size: of a batch, of which at least one item has a result. One whose workers died is done again one item at a
            time, so that an item that takes its worker down is one lost item.
        skip: as in `executor.run`; a batch is left out where all of it is.
    """
    if size == 1:
        yield from run(function, items, skip=skip)
        return
    lost: list[Any] = []
    left: list[Any] = []
    batches = [tuple(items[start : start + size]) for start in range(0, len(items), size)]
    with contextlib.closing(run(_OfBatches(function), batches, skip=lambda batch: all(map(skip, batch)))) as done:
        for batch, outcome in done:
            if isinstance(outcome, executor.LostWorker):
                lost += batch
            else:
                pairs = list(zip(batch, outcome, strict=True))
                left += [item for item, result in pairs if result is None]
                yield from (pair for pair in pairs if pair[1] is not None)
    if left:
        yield from results(run, function, left, size, skip)
    yield from results(run, function, lost, 1, skip)
