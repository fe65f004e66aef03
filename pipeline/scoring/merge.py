"""Merge the scores of another lake: a second machine's, a colleague's, or those that come with this repository.

Scores go with their curves, runs and proxies. Ground truth and released scores do not: a lake ingests them from their
publishers. Nor do searches and tunings, whose steps are a function of the lake that they were made in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import catalog, provenance
from pipeline.errors import UserError, excerpt
from pipeline.lake import part_name
from pipeline.lake.part_name import PartName
from pipeline.lake.schema import TABLES
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.scoring import merge_checks, other_lake
from pipeline.scoring.merge_differences import Differences, able_to_replace, compare, joined, parts_that_fit
from pipeline.wording import count_of, every

_Group = tuple[str, PartName, list[str]]  # benchmark, the part that they become, the parts

_SCORE = TABLES["scores"].key
_TAKEN = ("runs", "proxies", "scores", "retried", "curves", "adopted")  # whatever else a part of scores may hold


@dataclass(frozen=True)
class MergeSummary:
    """What a merge took: scores new here, scores stored before, and scores here whose architecture is not.

    `differences`: how those that were stored before compare; the values stored here are kept.
    """

    other: str
    taken: int
    stored: int
    unknown: int
    differences: Differences = field(default_factory=Differences)

    @property
    def line(self) -> str:
        if not self.taken and not self.stored:
            return f"{self.other}: it has no scores to take"
        if not self.taken:
            return f"{self.other}: {every(self.stored, 'score')} stored already, nothing to do"
        before = f" ({self.stored:,} stored before)" if self.stored else ""
        those = count_of(self.unknown, "score waits for its architecture", "scores wait for their architectures")
        waiting = f"; {those} to be ingested" if self.unknown else ""
        return f"{self.other}: {count_of(self.taken, 'score')} taken{before}{waiting}"


class DifferingValuesError(UserError):
    """The other lake says something else of what is stored here, and nothing was taken; `differences` says what."""

    def __init__(self, other: str, differences: Differences) -> None:
        first = differences.examples[0]
        differing = count_of(differences.differing, f"value of {other} is not that", f"values of {other} are not those")
        super().__init__(
            f"{differing} stored here, nothing was taken "
            f"(first: {first.table} {first.what}: {excerpt(first.here, bare=True)} here, "
            f"{excerpt(first.there, bare=True)} there): list them with --show-conflicts, or take the rest and keep "
            "those stored here with --keep-first"
        )
        self.differences = differences


def run(lake_root: Path, other: Path | str, *, keep_first: bool = True) -> MergeSummary:
    """Take the scores of another lake that are not stored here; many small parts become few.

    What both lakes hold is compared before anything is taken. A group of parts is taken whole or not at all, and what
    is stored is not taken again: a merge that was killed continues where it stopped. What a search chose stays marked
    as such; `score --sample` counts it as a sample's, too.

    Args:
        lake_root: the lake, which is made when it is not there.
        other: the other one, or a folder that `pipeline export --parquet` wrote, or the address of either; only read.
        keep_first: keep what is stored here where the other lake says something else; else that is an error.

    Raises:
        UserError: the other is no lake, or the same, or one of its parts cannot be read.
        DifferingValuesError: values differ by more than rounding; the lake is as it was.
    """
    taken_from = other_lake.find(other)
    if taken_from.root is not None and os.path.realpath(taken_from.root) == os.path.realpath(lake_root):
        raise UserError(f"{taken_from.name} is the lake itself: name another one")
    source = Lake(taken_from.root, read_only=True) if taken_from.root else None  # what is refused leaves no new lake
    lake = Lake(lake_root, create=True)
    lake.refuse_missing_parts()
    with taken_from.at(lake) as root:
        return _merged(lake, source or Lake(root, read_only=True), taken_from.name, keep_first=keep_first)


def _merged(lake: Lake, other: Lake, name: str, *, keep_first: bool) -> MergeSummary:
    benchmarks = sorted(folder.name for folder in other.parts.iterdir())
    groups = [(benchmark, *group) for benchmark in benchmarks for group in _groups(other, benchmark)]
    differences, groups, stored = _compared(lake, other, groups)
    if differences.differing and not keep_first:
        raise DifferingValuesError(name, differences)
    merge_checks.refuse_unsound(lake, other, [(benchmark, parts) for benchmark, _, parts in groups], name)
    taken = 0
    with progress(f"merging {name}", sum(len(parts) for *_, parts in groups)) as advance:
        for benchmark, part, parts in groups:
            new, old = _take(lake, other, benchmark, part, parts)
            taken, stored = taken + new, stored + old
            advance(len(parts))
    catalog.ensure(lake)
    unknown = sum(_waiting(lake, benchmark) for benchmark in benchmarks) if taken else 0
    return MergeSummary(name, taken, stored, unknown, differences)


def _compared(lake: Lake, other: Lake, groups: list[_Group]) -> tuple[Differences, list[_Group], int]:
    """Compare groups of parts with what is stored.

    Returns:
        the differences, the groups of which something is not stored, and how many scores the others hold.
    """
    differences, stored = Differences(), 0
    both = [group for group in groups if lake.part_names(group[0], group[1].whole_subject.prefix)]
    missing = [group for group in groups if group not in both]
    if not both:
        return differences, missing, stored
    with progress("comparing", len(both)) as advance:
        for benchmark, name, parts in both:

            @cache
            def rows(table: str, benchmark: str = benchmark, parts: Sequence[str] = parts) -> pa.Table:
                return other.read(table, benchmark, parts=parts)

            prefix = name.whole_subject.prefix
            proxies = (
                each.read("proxies", benchmark, parts=each.part_names(benchmark, prefix)) for each in (lake, other)
            )
            retried = other.read("retried", benchmark, parts=other.part_names(benchmark, prefix))
            seen = compare(lake, lake.part_names(benchmark, prefix), benchmark, rows, proxies, retried)
            differences += seen
            if seen.scores == rows("scores").num_rows and not rows("adopted").num_rows + rows("retried").num_rows:
                stored += seen.scores
            else:
                missing.append((benchmark, name, parts))
            advance(1)
    return differences, missing, stored


def _groups(other: Lake, benchmark: str) -> Iterator[tuple[PartName, list[str]]]:
    """Parts of scores that may become one part, each with the subject and content of that one."""
    alike: dict[PartName, list[str]] = {}
    for part in other.part_names(benchmark):
        name = part_name.parse(part)
        if name and name.stage == "score" and name.origin:
            alike.setdefault(PartName("score", name.subject, name.content), []).append(part)
    for name, parts in alike.items():
        yield from ((name, group) for group in parts_that_fit(other, benchmark, parts))


def _take(lake: Lake, other: Lake, benchmark: str, name: PartName, parts: list[str]) -> tuple[int, int]:
    """Publish what a group of parts holds and the lake does not; returns how many scores that is, and the others."""
    rows = {table: other.read(table, benchmark, parts=parts) for table in _TAKEN}
    asked = _keys(rows).num_rows
    with lake.lock("score"):
        here = lake.part_names(benchmark, name.whole_subject.prefix)
        stored = lake.read("scores", benchmark, parts=here, columns=[*_SCORE, "status"])
        rows["scores"] = joined(rows["scores"], stored, "left anti")
        for table in ("retried", "adopted"):
            rows[table] = joined(rows[table], lake.read(table, benchmark, parts=here, columns=_SCORE), "left anti")
        rows["retried"] = joined(rows["retried"], stored.filter(pc.equal(stored["status"], "ok")), "left anti")
        rows["retried"] = able_to_replace(lake, benchmark, here, rows["retried"])
        runs = other.read("runs", benchmark)  # that of a score may be in a part of another group
        of_runs = [chunk for table in ("runs", "scores", "retried") for chunk in rows[table]["run_id"].chunks]
        rows["runs"] = runs.filter(pc.is_in(runs["run_id"], pa.chunked_array(of_runs, pa.string())))
        rows["curves"] = joined(rows["curves"], _keys(rows), "left semi")
        if _keys(rows).num_rows + rows["adopted"].num_rows:
            # of what is here, too: another lake may have parts of these names with other scores
            merged = replace(name, origin=provenance.identity("merged", 1, [*parts, *here]))
            with lake.staged(benchmark, merged) as staged:
                for table in filter(lambda table: rows[table].num_rows, rows):
                    staged.append(table, rows[table])
    taken = _keys(rows).num_rows
    return taken, asked - taken


def _keys(rows: Mapping[str, pa.Table]) -> pa.Table:
    """The keys of the scores among rows of tables, retried or not, each once."""
    retried = joined(rows["retried"], rows["scores"], "left anti")
    return pa.concat_tables([rows["scores"].select(_SCORE), retried.select(_SCORE)])


def _waiting(lake: Lake, benchmark: str) -> int:
    """How many scores are of architectures that the lake does not hold."""
    key = ("space", "arch_id")
    scores, known = (lake.read(table, benchmark, columns=key) for table in ("scores", "architectures"))
    return int(joined(scores, known, "left anti", key).num_rows)
