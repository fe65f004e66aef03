"""Ingest a file: it becomes one immutable part of the lake, or nothing is stored.

A file is read to its end before its part is published. A table read by a mapping is taken whole or refused whole,
unless rejects are allowed; a published native form keeps its good records and stores what is wrong with the others.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline import benchmarks, catalog, provenance
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError, column_named, os_errors_explained
from pipeline.formats import toml_files
from pipeline.ingest import surrogates
from pipeline.ingest.part import SourcePart
from pipeline.ingest.source import Source, forms_named, numbered_first, sources_of
from pipeline.lake import files, locations
from pipeline.lake.marker import is_lake
from pipeline.lake.part_name import PartName
from pipeline.lake.staging import StagedPart
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.wording import count_of

_FLUSH_VALUES = 500_000  # held in memory of a native form, which may not fit whole


@dataclass(frozen=True)
class IngestSummary:
    """What one source brought.

    Args:
        source: table mapping, or the name of the native form.
        architectures: distinct architectures that it speaks of.
        values: measured values and released scores stored.
        rejected: records that could not be taken.
        already: the lake had it: the counts are 0 and nothing was changed.
        warnings: what is odd about its values, a line for each column.
        source_id: the source's identity; empty where the lake had it.
        known_rejects: how many of the rejected its table mapping knows of.
    """

    source: str
    file: str
    architectures: int
    values: int
    rejected: int
    seconds: float
    already: bool = False
    warnings: tuple[str, ...] = ()
    source_id: str = ""
    known_rejects: int = 0

    @property
    def line(self) -> str:
        if self.already:
            return f"{self.source}: already ingested, nothing changed ({self.file})"
        return (
            f"{self.source}: {count_of(self.architectures, 'architecture')}, {count_of(self.values, 'value')}, "
            f"{self.rejected:,} rejected, {self.seconds:.1f} s ({self.file})"
        )


def ingest(
    lake_root: Path,
    benchmark: str,
    paths: Sequence[Path],
    *,
    mapping: str | None = None,
    curves: bool = False,
    max_rejects: int = 0,
) -> list[IngestSummary]:
    """Ingest files and folders into a lake, which is created once the first of them has proved good.

    Args:
        paths: files, or folders of them; none where the table mapping's file comes with an installed package.
        mapping: name or TOML file of the table mapping of all of them; by default each path's own, known by its name.
        curves: also the learning curves of a native form.
        max_rejects: number of bad rows up to which a table's good rows are taken.

    Returns:
        A summary for each path, in the order of ingestion: tables that name architectures by number come last.

    Raises:
        UserError: a name is unknown or an input is bad; what was ingested before it is stored, itself is not.
    """
    _existing(lake_root)  # refuses one that cannot be used before anything is read
    sources = sources_of(benchmarks.load(benchmark), paths, mapping, curves)
    for source in sources:
        if source.mapping is None and surrogates.named(source.path.name):
            raise UserError(f"{source.path} {surrogates.REFUSED} of a table mapping")
    summaries = []
    for source in sorted(sources, key=lambda s: s.by_index):
        with forms_named(source):
            summaries.append(_ingest(lake_root, source, max_rejects, mapping))
            catalog.ensure(Lake(lake_root))  # also for one already stored: that ingest may have been killed before this
    return _audited(lake_root, summaries)


def _audited(lake_root: Path, summaries: list[IngestSummary]) -> list[IngestSummary]:
    """The summaries with a warning for each column of true values that disagrees with its siblings in the lake, and
    for each earlier source whose values a new one contradicts.
    """
    if all(summary.already for summary in summaries):
        return summaries
    with contextlib.closing(catalog.connect(Lake(lake_root))) as connection:
        found = [
            *catalog.disagreements(connection),
            *catalog.contradicted(connection, [one.source_id for one in summaries if not one.already]),
        ]
    return [
        replace(one, warnings=(*one.warnings, *(d.line for d in found if d.source_id == one.source_id)))
        for one in summaries
    ]


def _existing(lake_root: Path) -> Lake | None:
    return Lake(lake_root) if is_lake(lake_root) else None


def _ingest(lake_root: Path, source: Source, max_rejects: int, mapping: str | None) -> IngestSummary:
    started = time.monotonic()
    lake = _existing(lake_root)
    batches = source.batches(lake)
    with os_errors_explained(f"reading {source.path}"):
        stamp = locations.stamp(source.path)
        sha256, size = locations.hashed(source.path)
    joined = source.joined
    finals, whole = (source.identity(sha256, curves, joined) for curves in (False, True))
    source_id = whole if source.curves else finals
    only_curves = lake is not None and source.curves and _has(lake, source, finals)
    if lake is not None:
        if stored := [one for one in (whole, source_id) if _has(lake, source, one)]:
            locations.record(lake.root, stored[0], source.path, sha256)
            return _summary(source, None, started)
        if not only_curves:
            _as_read_before(lake, source, sha256)
    files.refuse_unwritable_lake(lake_root)
    arguments: dict[str, object] = {"benchmark": source.benchmark.name, "source": source.name, "path": source.path}
    if joined:
        arguments["joined"] = joined
    run = provenance.new_run("ingest", {**arguments, "curves": source.curves, "max_rejects": max_rejects})
    declared = source.declared
    part = SourcePart(declared, source.mapping, source.path, source_id, run["run_id"], lake, only_curves)
    try:
        with contextlib.ExitStack() as stack:
            staged = _read_all(stack, lake_root, source, batches, part)
            locations.refuse_changed(source.path, stamp)
            _refuse_bad(source, part, max_rejects)
            warnings = _oddities(source, part)
            staged = staged or _open(stack, lake_root, source, source_id)
            part.flush(staged)
            part.describe(staged)
            staged.append("sources", [source.row(source_id, sha256, size, part)])
            staged.append("runs", [provenance.finished(run)])
    except FileExistsError:  # another process has ingested the same file meanwhile
        return _summary(source, None, started)
    locations.record(staged.lake.root, source_id, source.path, sha256)
    named = {"mapping": Path(mapping)} if mapping is not None and toml_files.is_named(mapping) else {}
    locations.record_paths(staged.lake.root, run["run_id"], {"path": source.path, **named})
    return replace(_summary(source, part, started), warnings=tuple(warnings), source_id=source_id)


def _read_all(
    stack: contextlib.ExitStack, lake_root: Path, source: Source, batches: Iterator[SourceRows], part: SourcePart
) -> StagedPart | None:
    """Read everything; of a native form, what would not fit in memory goes to the part that is then returned."""
    staged = None
    unwatched = contextlib.nullcontext(lambda _more: None)
    with unwatched if source.mapping else progress(f"ingesting {source.path}", None) as advance:
        for batch in batches:
            part.add(batch)
            advance(len(batch.architectures["arch_id"]))
            if source.mapping is None and part.waiting >= _FLUSH_VALUES:
                staged = staged or _open(stack, lake_root, source, part.source_id)
                part.flush(staged)
    return staged


def _open(stack: contextlib.ExitStack, lake_root: Path, source: Source, source_id: str) -> StagedPart:
    lake = Lake(lake_root, create=True)
    stack.enter_context(lake.lock("ingest"))
    return stack.enter_context(lake.staged(source.benchmark.name, PartName("ingest", source_id)))


def _has(lake: Lake, source: Source, source_id: str) -> bool:
    return lake.has(source.benchmark.name, PartName("ingest", source_id))


def _summary(source: Source, part: SourcePart | None, started: float) -> IngestSummary:
    counts = (len(part.arch_ids), part.values, part.rejected) if part else (0, 0, 0)
    known = min(counts[-1], source.mapping.max_rejects) if source.mapping else 0
    seconds = time.monotonic() - started
    return IngestSummary(source.name, str(source.path), *counts, seconds, already=part is None, known_rejects=known)


def _as_read_before(lake: Lake, source: Source, sha256: str) -> None:
    """Refuse a file that the lake holds as another version of the reader or mapping read it: parts are for good."""
    columns = ["name", "sha256", "source_id", "reader_version", "run_id"]
    for row in lake.read("sources", source.benchmark.name, columns=columns).to_pylist():
        if (row["name"], row["sha256"]) == (source.name, sha256):
            what = f"the table mapping {source.name}" if source.mapping else "the reader"
            folder = lake.parts / source.benchmark.name / str(PartName("ingest", row["source_id"]))
            raise UserError(
                f"{source.path} is in the lake already, as version {row['reader_version']} of {what} read it, and "
                f"{_changed_since(lake, source, row)} since: to replace what was read "
                f"then, remove the folder {folder}, run `pipeline doctor --forget-missing`, and the same command again"
                + (f"; to keep both, give the mapping another name than {source.name}" if source.mapping else "")
            )


def _changed_since(lake: Lake, source: Source, row: Mapping[str, Any]) -> str:
    """What has changed since the lake took a file, the same as now, with the row of `sources`."""
    joined = source.joined
    if not joined:
        return f"{'the mapping' if source.mapping else 'the reader'} has changed"
    part = str(PartName("ingest", row["source_id"]))
    runs = lake.read("runs", source.benchmark.name, parts=[part], columns=["run_id", "arguments"]).to_pylist()
    arguments: dict[str, Any] = next(
        (json.loads(run["arguments"]) for run in runs if run["run_id"] == row["run_id"]), {}
    )
    before = arguments.get("joined")
    if before is None:  # of an ingest by an earlier version, which did not record them
        return f"the mapping or a file that it joins ({', '.join(joined)}) has changed"
    if before.keys() != joined.keys():
        return "the mapping has changed"
    as_before = [source.identity(row["sha256"], curves, before) for curves in (False, True)]
    changed = [file for file, sha256 in joined.items() if before[file] != sha256]
    if row["source_id"] not in as_before:
        changed.insert(0, "the mapping")
    return f"{' and '.join(changed)} {'has' if len(changed) == 1 else 'have'} changed"


def _oddities(source: Source, part: SourcePart) -> list[str]:
    """What is odd about the source and its values, a line each; UserError where a column is of two scales."""
    lines = [f"{source.path}: {warning}" for warning in part.warnings]
    for finding in part.findings():
        _, dataset, metric, epochs = finding.column
        columns = source.mapping.truth if source.mapping else ()
        names = [t.column for t in columns if (t.dataset, t.metric, t.epochs) == (dataset, metric, epochs)]
        what = column_named(names[0]) if len(names) == 1 else f"{dataset} {metric}"
        if finding.mixed and source.mapping:
            raise UserError(f"{source.path}: {what} is of two scales: {finding.text}; nothing was stored")
        lines.append(f"{source.path}: {what}: {finding.text}")
    return list(dict.fromkeys(lines))  # what is true in several spaces is odd once


def _refuse_bad(source: Source, part: SourcePart, max_rejects: int) -> None:
    """Refuse what has nothing good, and a table with more bad rows than allowed."""
    rejected = part.rejected
    if not part.arch_ids and not rejected:
        raise UserError(f"{source.path} holds no rows")
    if part.arch_ids and (source.mapping is None or rejected <= max(max_rejects, source.mapping.max_rejects)):
        return
    position, reason = part.first_reject
    what = "row" if source.mapping else "file" if (source.path / position).is_file() else "record"
    count = f"{rejected:,} {what}s cannot be taken, the first" if rejected > 1 else f"1 {what} cannot be taken,"
    line = f"{source.path}: {count} at {position}: {reason}"
    if source.by_index and (advice := numbered_first(source, part.lake)):
        line += f" ({advice})"
    if part.arch_ids:
        line += f"; nothing was stored, --max-rejects {rejected} takes the others"
    raise UserError(line)
