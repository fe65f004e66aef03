"""Collect the results of a scoring run, and publish them part by part."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Any

from pipeline import catalog, executor, provenance
from pipeline.lake.part_name import ADOPTED, SEARCH, PartName
from pipeline.lake.part_writer import PartWriter
from pipeline.lake.score_index import ScoreIndex
from pipeline.lake.store import Lake
from pipeline.proxies.contract import Bundle, Score, Timed
from pipeline.scoring.plan import Item, Key
from pipeline.wording import count_of

AGAIN = "failed again"  # counted beside the statuses: such a failure is not stored, as one is already


class ScoreWriter:
    """Collects results and publishes them part by part, each score once; see `PartWriter`.

    Args:
        chosen: the architectures to score; None where a search chooses them as it goes.
    """

    def __init__(
        self, lake: Lake, benchmark: str, space: str, seed: int, bundle: Bundle, chosen: list[str] | None
    ) -> None:
        self.lake, self.benchmark, self.space, self.seed, self.bundle = lake, benchmark, space, seed, bundle
        self._name = PartName("score", bundle.family, SEARCH if chosen is None else "")
        self._prefix = self._name.whole_subject.prefix
        proxy_ids = [proxy.proxy_id for proxy in bundle.proxies]
        self.stored = ScoreIndex(lake, benchmark, self._prefix, space, seed, chosen, proxy_ids)
        self._failed: set[Key] = set()
        self.statuses: dict[str, int] = {}
        self.reasons: Counter[str | None] = Counter()
        self._pending: list[tuple[Key, Score, float]] = []
        self._run: dict[str, Any] = {}
        self._published_run: dict[str, Any] = {}
        self._parts: PartWriter

    @property
    def reason(self) -> str | None:
        """The most frequent reason of the new scores if none of them is ok."""
        return None if "ok" in self.statuses or not self.reasons else self.reasons.most_common(1)[0][0]

    def failed(self, chosen: Collection[str]) -> set[Key]:
        """The scores of these that are stored as failed and can be computed again.

        A training that diverged after some iterations stored their losses, and stays: its curves would be there twice.
        """
        sql = catalog.queries("scoring")["failed"].read_text()
        where: dict[str, str | int] = {"benchmark": self.benchmark, "space": self.space, "seed": self.seed}
        with closing(catalog.tables(self.lake)[0]) as connection:
            rows = catalog.rows(connection, sql, where).to_pylist()
        asked = {(arch_id, proxy.proxy_id) for arch_id in chosen for proxy in self.bundle.proxies}
        return asked & {(row["arch_id"], row["proxy_id"]) for row in rows}

    def retry_failed(self, chosen: Collection[str]) -> None:
        """Count the failures among the scores of these as missing, and store a value in the place of each."""
        self._failed = self.failed(chosen)
        self.stored.forget(self._failed)

    def has(self, item: Item) -> bool:
        """Whether all that an item misses is stored meanwhile; looks at the parts that others have added."""
        self.stored.refresh_if_changed()
        return all(self.stored.has(item[0], proxy_id) for proxy_id in item[2])

    def open(self, run_row: dict[str, Any]) -> None:
        """Publish the run and the proxies."""
        self._run = self._published_run = run_row
        self._parts = PartWriter(self.lake, self.benchmark, self._name, run_row["run_id"])
        self._parts.publish({"runs": [run_row], "proxies": [proxy.row for proxy in self.bundle.proxies]})
        catalog.ensure(self.lake)

    def add_environment(self, environment: dict[str, Any]) -> None:
        """Keep what a worker computes with; it is stored with the first scores after it, should the run be killed."""
        self._run = provenance.computed_in(self._run, environment)

    def adopt(self, chosen: Collection[str]) -> None:
        """Count the scores of these that a search stored as scores of a sample, too; see the table `adopted`."""
        family = self.bundle.family
        searched = self.lake.part_names(self.benchmark, PartName("score", family, SEARCH).prefix)
        if not searched:
            return
        asked = {(arch_id, proxy.proxy_id) for arch_id in chosen for proxy in self.bundle.proxies}
        name = PartName("score", family, ADOPTED, uuid.uuid4().hex[:8])
        with self.lake.lock("score"):
            adopted = self._keys("adopted", self.lake.part_names(self.benchmark, name.prefix))
            if fresh := sorted(asked & self._keys("scores", searched) - adopted):
                rows = [self._key(key) for key in fresh]
                self.lake.publish(self.benchmark, name, {"adopted": rows})

    def collect(self, table: str, row: dict[str, Any]) -> None:
        """Publish the row with the next part."""
        self._parts.collect(table, [row])

    def add(self, item: Item, result: dict[str, Timed] | executor.LostWorker) -> bool:
        """Take the result of one item; publish when it is time, and say whether it was."""
        self._pending += [((item[0], proxy_id), *timed) for proxy_id, timed in settled(item, result).items()]
        due = self._parts.due
        if due:
            self._flush()
        return due

    def close(self, status: str) -> None:
        """Publish the rest and the end of the run; the end also where the disk has no room for the rest."""
        try:
            self._flush()
        except BaseException:
            status = "failed"
            raise
        finally:
            self._parts.publish({"runs": [provenance.finished(self._run, status)]})
        self.stored.keep()

    def _flush(self) -> None:
        """Publish what is pending, less what another run has stored meanwhile; the lock makes that exact."""
        self._parts.wait()
        if not self._pending:
            return
        with self.lake.lock("score"):
            self.stored.refresh()
            fresh = [p for p in self._pending if not self.stored.has(*p[0])]
            again = {key for key, score, _ in fresh if key in self._failed and score.status != "ok"}
            if new := [p for p in fresh if p[0] not in again]:
                tables = {
                    "scores": [self._row(*p) for p in new if p[0] not in self._failed],
                    "retried": [self._row(*p) for p in new if p[0] in self._failed],
                    "curves": [{**self._key(key), **vars(curve)} for key, score, _ in new for curve in score.curves],
                }
                if self._run != self._published_run:
                    tables["runs"], self._published_run = [self._run], self._run
                part = self._parts.publish({table: rows for table, rows in tables.items() if rows})
                self.stored.add(part, (key for key, _, _ in new))
        for key, score, _ in fresh:
            status = AGAIN if key in again else score.status
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.reasons[score.reason] += 1
        self._pending.clear()

    def _keys(self, table: str, parts: Sequence[str]) -> set[Key]:
        """The scores of this space and seed that a table names in these parts."""
        columns = ["space", "seed", "arch_id", "proxy_id"]
        rows = self.lake.read(table, self.benchmark, parts=parts, columns=columns).to_pylist()
        here = (self.space, self.seed)
        return {(r["arch_id"], r["proxy_id"]) for r in rows if (r["space"], r["seed"]) == here}

    def _key(self, key: Key) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark,
            "space": self.space,
            "arch_id": key[0],
            "proxy_id": key[1],
            "seed": self.seed,
        }

    def _row(self, key: Key, score: Score, seconds: float) -> dict[str, Any]:
        return {
            **self._key(key),
            "value": score.value,
            "status": score.status,
            "reason": score.reason,
            "seconds": seconds,
            "device": self._run["device"],
            "run_id": self._run["run_id"],
        }


def settled(item: Item, result: dict[str, Timed] | executor.LostWorker) -> dict[str, Timed]:
    """The scores of an item by proxy_id, failures where its workers died."""
    if not isinstance(result, executor.LostWorker):
        return result
    reason = f"{count_of(result.deaths, 'worker')} died while it was scored (out of memory, or a crash in a library?)"
    return {proxy_id: (Score(None, "failed", reason), 0.0) for proxy_id in item[2]}
