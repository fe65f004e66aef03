"""Publish the rows of a run from time to time, as one more part."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline import interruption
from pipeline.errors import UserError
from pipeline.lake.part_name import PartName
from pipeline.lake.store import Lake

SHORTEST, LONGEST = 5.0, 60.0  # seconds between two parts

Row = dict[str, Any]


class PartWriter:
    """Publishes the rows of a run as numbered parts.

    The time between two parts grows with the run: a kill loses at most a twentieth of the work done, within the two
    limits, and a long run does not leave thousands of parts.

    Args:
        name: stage, subject and content of the parts.
    """

    def __init__(self, lake: Lake, benchmark: str, name: PartName, run_id: str) -> None:
        self._lake, self._benchmark, self._name, self._run_id = lake, benchmark, name, run_id
        self._collected: dict[str, list[Row]] = {}
        self._parts = 0
        self._writing = threading.RLock()
        interruption.awaited(self)
        self._started = self._published = time.monotonic()

    def collect(self, table: str, rows: Iterable[Row]) -> None:
        """Keep rows for the next part."""
        with self._writing:
            self._collected.setdefault(table, []).extend(rows)

    @property
    def due(self) -> bool:
        now = time.monotonic()
        return now - self._published >= min(LONGEST, max(SHORTEST, (now - self._started) / 20))

    def wait(self) -> None:
        """Begin to count the time to the next part: nothing waits to be published."""
        self._published = time.monotonic()

    def publish(self, tables: Mapping[str, list[Row]] | None = None) -> str:
        """Publish what is collected, and these rows, as one part.

        Returns:
            the part's name.

        Raises:
            UserError: the disk is full or cannot be written; what is collected is kept, unless the part is there and
                could not be added to the lake's list.
        """
        with self._writing:
            self._parts += 1  # also of a part that fails, as it may be there
            name = self._name.of_run(self._run_id, self._parts)
            try:
                self._lake.publish(self._benchmark, name, {**self._collected, **(tables or {})})
            except UserError:
                if self._lake.part_names(self._benchmark, str(name)):
                    self._collected = {}
                raise
            self._collected = {}
            self.wait()
        return str(name)

    def save(self) -> None:
        """Publish what is collected, if anything is."""
        with self._writing:
            if any(self._collected.values()):
                self.publish()
