"""Submit items to a worker in batches: on a card, networks train side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline import executor
from pipeline.executor import Results


class Together(executor.ItemFunction, Protocol):
    """A task that can take several items at once."""

    def together(self, items: Sequence[Any]) -> list[Any]:
        """The result for each; None where another worker has to do the item."""
        ...


@dataclass
class _BatchTask:
    """The same task, an item of which is a batch."""

    task: Together

    def prepare(self) -> object:
        return self.task.prepare()

    def __call__(self, item: Any) -> Any:
        return self.task.together(item)


def results(
    run: Callable[..., Results],
    task: Together,
    items: Sequence[Any],
    size: int,
    skip: Callable[[Any], bool],
) -> Results:
    """Yield (item, result) for each item.

    Args:
        run: an executor, (task, items, skip) -> (item, result) of each, as `executor.run`.
        size: of a batch, of which at least one item has a result. One whose workers died is done again one item at a
            time, so that an item that takes its worker down is one lost item.
        skip: as of `executor.run`; a batch is left out where all of it is.
    """
    if size == 1:
        yield from run(task, items, skip=skip)
        return
    lost: list[Any] = []
    left: list[Any] = []
    batches = [tuple(items[start : start + size]) for start in range(0, len(items), size)]
    with contextlib.closing(run(_BatchTask(task), batches, skip=lambda batch: all(map(skip, batch)))) as done:
        for batch, outcome in done:
            if isinstance(outcome, executor.LostWorker):
                lost += batch
            else:
                pairs = list(zip(batch, outcome, strict=True))
                left += [item for item, result in pairs if result is None]
                yield from (pair for pair in pairs if pair[1] is not None)
    if left:
        yield from results(run, task, left, size, skip)
    yield from results(run, task, lost, 1, skip)
