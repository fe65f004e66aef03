"""Store the trajectories of a search in the lake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.errors import UserError
from pipeline.lake.part_name import PartName
from pipeline.lake.part_writer import PartWriter
from pipeline.lake.store import Lake
from pipeline.search.trajectory import SearchScore, Trajectory

Row = dict[str, Any]


class TrajectoryRecord:
    """The trajectories of a search in the lake: the steps that are stored, and those that are not yet.

    Args:
        trajectories: of the search, which go on.
        scores: by arch_id, which come in. One that has failed at a stored step stays so, though `pipeline score
            --retry-failed` has a value meanwhile: the steps after it would be others.
    """

    def __init__(
        self,
        lake: Lake,
        search_row: Row,
        proxy_row: Row,
        trajectories: Sequence[Trajectory],
        scores: dict[str, SearchScore],
    ) -> None:
        self.lake, self.search_row, self.proxy_row = lake, search_row, proxy_row
        self.trajectories, self.scores = trajectories, scores
        self.benchmark = search_row["benchmark"]
        self.stored: dict[tuple[int, int], str] = {}  # seed, step -> arch_id
        self._read_parts: set[str] = set()
        self._name = PartName("search", search_row["search_id"])
        self._writer: PartWriter

    def open(self, run_id: str) -> None:
        """Begin to publish, as this run."""
        self._run_id = run_id
        self._writer = PartWriter(self.lake, self.benchmark, self._name, run_id)

    def refresh(self) -> None:
        """Read the parts that were published since the last time."""
        new = [part for part in self.lake.part_names(self.benchmark, self._name.prefix) if part not in self._read_parts]
        if new:
            columns = ["seed", "step", "arch_id", "value"]
            rows = self.lake.read("trajectories", self.benchmark, parts=new, columns=columns).to_pylist()
            self.stored.update(((row["seed"], row["step"]), row["arch_id"]) for row in rows)
            for arch_id in {row["arch_id"] for row in rows if row["value"] is None} & self.scores.keys():
                self.scores[arch_id] = replace(self.scores[arch_id], value=None, promise=None)
            self._read_parts.update(new)

    def missing(self) -> list[Row]:
        """The rows, without their run, of the steps that have their scores and are not stored.

        Raises:
            UserError: a step is stored with another architecture.
        """
        rows = []
        search_id = self.search_row["search_id"]
        for trajectory in self.trajectories:
            for number, row in enumerate(_rows(trajectory, self.scores), 1):
                stored = self.stored.get((trajectory.seed, number))
                if stored is None:
                    rows.append({"search_id": search_id, **row})
                elif stored != row["arch_id"]:
                    raise UserError(
                        f"step {number} of seed {trajectory.seed} of search {search_id} is stored with another "
                        "architecture: it was made by another version of this program; search in another --lake"
                    )
        return rows

    def publish(self, tables: Mapping[str, list[Row]] | None = None) -> None:
        """Publish what is missing; the lock lets two processes that search the same store each step once."""
        with self.lake.lock("search"):
            self.refresh()
            if rows := [{**row, "run_id": self._run_id} for row in self.missing()]:
                described = {"proxies": [self.proxy_row], "searches": [self.search_row]}
                self._writer.publish({"trajectories": rows, **described, **(tables or {})})


def _rows(trajectory: Trajectory, scores: Mapping[str, SearchScore]) -> Iterator[Row]:
    """What is stored of the steps from the first on that have their scores."""
    seen: set[str] = set()
    seconds: float | None = 0.0
    for number, step in enumerate(trajectory.steps[: trajectory.scored(scores)], 1):
        score = scores[step.arch_id]
        if step.arch_id not in seen:
            seconds = None if seconds is None or score.seconds is None else seconds + score.seconds
            seen.add(step.arch_id)
        yield {
            "seed": trajectory.seed, "step": number, "arch_id": step.arch_id, "parent": step.parent,
            "value": score.value, "scored": len(seen), "seconds": seconds,
        }  # fmt: skip
