"""The rows of one source, collected from batches and written to one part."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import provenance
from pipeline.benchmarks.contract import Benchmark
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.ingest.mapping import TableMapping
from pipeline.ingest.value_checks import Finding, ValueChecks
from pipeline.lake.schema import TABLES
from pipeline.lake.staging import StagedPart
from pipeline.lake.store import Lake

RELEASED_VERSION = 1  # of the identity of a released score's proxy


def _equal(one: float | None, other: float | None) -> bool:
    """Whether two scores are the same, but for the rounding of a mean."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-12)


@dataclass
class SourcePart:
    """What has been read of a source, counted, and written to its part in pieces or at the end.

    Args:
        benchmark, mapping, path: the source; `mapping` is None for the published native form.
        source_id, run_id: identities that its rows carry.
        lake: the lake as it is before, or None while there is none.
        only_curves: leave the final values out, which the lake has of the same source already.
    """

    benchmark: Benchmark
    mapping: TableMapping | None
    path: Path
    source_id: str
    run_id: str
    lake: Lake | None
    only_curves: bool
    arch_ids: set[str] = field(default_factory=set)
    values: int = 0
    waiting: int = 0
    rejected: int = 0
    first_reject: tuple[str, str] = ("", "")
    warnings: list[str] = field(default_factory=list)
    _tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    _blocks: dict[tuple[str, str], list[pa.Table]] = field(default_factory=dict)
    _metrics: set[tuple[str, str]] = field(default_factory=set)
    _proxies: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._checks = ValueChecks(self.benchmark)
        self._position_of: Callable[[str], str | None] = lambda _: None
        self._numbered: dict[str, str | None] = {}  # arch_id -> its native id, where the lake has one
        self._further: set[tuple[str, str]] = set()  # the other native ids of such an architecture
        if self.lake is not None:
            known = self.lake.read("architectures", self.benchmark.name, columns=["arch_id", "native_id"])
            for arch_id, number in zip(known["arch_id"].to_pylist(), known["native_id"].to_pylist(), strict=True):
                self._names_new(arch_id, number)

    def add(self, batch: SourceRows) -> None:
        """Take a batch as Arrow tables."""
        constants = {"benchmark": batch.benchmark, "source_id": self.source_id, "run_id": self.run_id}
        self._position_of = batch.position_of or self._position_of
        self.warnings += batch.warnings
        for columns in (batch.architectures, batch.truths, batch.scores):
            self.arch_ids.update(columns["arch_id"])
        architectures = batch.arrow("architectures", constants)
        self._put("architectures", architectures.filter(pa.array(self._new(batch), pa.bool_())))
        self._put("truth", self._possible(batch, self._wanted(batch.arrow("truth", constants))))
        for dataset, metric, block in batch.arrow_blocks(constants):
            rows = self._possible(batch, self._wanted(block))
            self._blocks.setdefault((dataset, metric), []).append(rows)
            self.waiting += len(rows)
            self._metrics.add((dataset, metric))
        scores = batch.arrow("scores", {**constants, "proxy_id": "", "device": None})
        known = {name: self._proxy(name)["proxy_id"] for name in set(batch.scores["proxy"])}
        ids = pa.array([known[name] for name in batch.scores["proxy"]], pa.string())
        named = pa.array(batch.scores["proxy"], pa.string()).dictionary_encode()
        values, codes = scores["value"].to_numpy().astype(np.float64), named.indices.to_numpy()
        for code, name in enumerate(named.dictionary.to_pylist()):
            self._checks.add_scores(name, values[codes == code])
        self._put("scores", scores.set_column(scores.schema.get_field_index("proxy_id"), "proxy_id", ids))
        self._put("rejects", batch.arrow("rejects", constants))
        self._metrics.update(zip(batch.truths["dataset"], batch.truths["metric"], strict=True))
        self._proxies.update(known)
        if not self.rejected and batch.rejects["position"]:
            self.first_reject = (batch.rejects["position"][0], batch.rejects["reason"][0])
        self.rejected += len(batch.rejects["position"])

    def findings(self) -> Iterator[Finding]:
        """What is odd about the values that were taken."""
        return self._checks.findings(self._place)

    def _place(self, arch_id: str) -> str:
        """Where the source has an architecture, or what it calls it."""
        return self._position_of(arch_id) or self._numbered.get(arch_id) or arch_id

    def _possible(self, batch: SourceRows, truth: pa.Table) -> pa.Table:
        """The rows whose values can be; the others become rejects, should a reader have let them through."""
        possible = self._checks.add(truth)
        if possible.all():
            return truth
        for row in truth.filter(pa.array(~possible)).to_pylist():
            measured = ", ".join(f"{k} {row[k]}" for k in ("epochs", "seed", "epoch") if row[k] is not None)
            unit = self.benchmark.metric(row["dataset"], row["metric"]).unit
            batch.add_reject(
                f"{self._place(row['arch_id'])}: {row['dataset']} {row['metric']} {measured}".rstrip(),
                f"{row['metric']} is {row['value']:g}, which is no {unit}",
            )
        return truth.filter(pa.array(possible))

    def _new(self, batch: SourceRows) -> list[bool]:
        """Which architectures the lake lacks, or lacks a native id of."""
        columns = batch.architectures
        return [self._names_new(*pair) for pair in zip(columns["arch_id"], columns["native_id"], strict=True)]

    def _names_new(self, arch_id: str, native_id: str | None) -> bool:
        """Whether the architecture, or this native id of it, was not met before."""
        if arch_id not in self._numbered:
            self._numbered[arch_id] = native_id
            return True
        if native_id is None or self._numbered[arch_id] == native_id or (arch_id, native_id) in self._further:
            return False
        if self._numbered[arch_id] is None:
            self._numbered[arch_id] = native_id
        else:
            self._further.add((arch_id, native_id))
        return True

    def _wanted(self, truth: pa.Table) -> pa.Table:
        return truth.filter(pc.field("epoch").is_valid()) if self.only_curves else truth

    def _put(self, table: str, rows: pa.Table) -> None:
        if len(rows):
            self._tables.setdefault(table, []).append(rows)
            self.waiting += len(rows)

    def flush(self, staged: StagedPart) -> None:
        """Write what waits, sorted for compression: columns of equal values one after another."""
        for table, order in (
            ("architectures", ["space", "arch_id"]),
            ("truth", ["dataset", "metric", "epochs", "seed", "epoch", "arch_id"]),
            ("scores", ["proxy_id", "arch_id"]),
            ("rejects", []),
        ):
            waiting = self._tables.pop(table, [])
            blocks = [rows for _, more in sorted(self._blocks.items()) for rows in more] if table == "truth" else []
            if not waiting and not blocks:
                continue
            rows = pa.concat_tables(waiting or [TABLES[table].arrow.empty_table()])
            if table == "scores":
                rows = self._unknown_scores(staged.lake, rows)
            rows = rows.sort_by([(name, "ascending") for name in order]) if order else rows
            rows = pa.concat_tables([rows, *blocks])
            self.values += len(rows) if table in ("truth", "scores") else 0
            staged.append(table, rows)
        self._blocks.clear()
        self.waiting = 0

    def describe(self, staged: StagedPart) -> None:
        """Declare the metrics and proxies that the lake does not know yet."""
        name = self.benchmark.name
        have = staged.lake.read("metrics", name).to_pylist()
        self._refuse_other_metrics(have)
        new = sorted(self._metrics - {(row["dataset"], row["metric"]) for row in have})
        metrics = [self.benchmark.metric(*pair) for pair in new]
        staged.append("metrics", [{"benchmark": name, **m.row} for m in metrics])
        proxies = [self._proxy(proxy) for proxy in sorted(self._proxies)]
        stored = staged.lake.read("proxies", name, columns=["proxy_id", "higher_is_better"])
        known = dict(zip(*(column.to_pylist() for column in stored.columns), strict=True))
        self._refuse_other_directions(proxies, known)
        staged.append("proxies", [p for p in proxies if p["proxy_id"] not in known])

    def _refuse_other_metrics(self, have: Sequence[Mapping[str, Any]]) -> None:
        """Refuse a metric that the mapping declares otherwise than the lake has it: values would not go together."""
        declared = {(m.dataset, m.metric) for m in self.mapping.metric} if self.mapping else set()
        for row in have:
            if (row["dataset"], row["metric"]) not in declared:
                continue
            own = self.benchmark.metric(row["dataset"], row["metric"]).row
            for field_name in ("unit", "higher_is_better", "split", "family", "condition"):
                if own[field_name] != row[field_name]:
                    raise UserError(
                        f"{self.path}: the mapping declares {row['dataset']} {row['metric']} with {field_name} = "
                        f"{own[field_name]}, and the lake has it with {row[field_name]}: declare it alike, or under "
                        "another name"
                    )

    def _refuse_other_directions(self, proxies: Sequence[Mapping[str, Any]], known: Mapping[str, bool]) -> None:
        """Refuse a direction that the lake has otherwise: of one proxy, half of the scores would rank upside down."""
        for proxy in proxies:
            direction, stored = proxy["higher_is_better"], known.get(proxy["proxy_id"])
            if stored is not None and stored != direction:
                raise UserError(
                    f"{self.path}: the mapping declares {proxy['name']} with higher_is_better = {direction}, and the "
                    f"lake has it with {stored}: declare it alike, under another `proxy` or another `source`; or, "
                    "where the lake is wrong, remove the parts with its scores (docs/operations.md)"
                )

    def _proxy(self, name: str) -> dict[str, Any]:
        mapping = self.mapping
        assert mapping is not None
        configuration = {"name": name, "released_by": mapping.released_by}
        return {
            "proxy_id": provenance.identity("proxy", RELEASED_VERSION, configuration),
            "name": f"{name}@{mapping.released_by}",
            "kind": "released",
            "configuration": provenance.canonical_json(configuration),
            "version": RELEASED_VERSION,
            "higher_is_better": next(s.higher_is_better for s in mapping.score if s.proxy == name),
        }

    def _unknown_scores(self, lake: Lake, rows: pa.Table) -> pa.Table:
        """The scores that the lake lacks: another edition of a table may repeat what it has, but not contradict it."""
        benchmark = self.benchmark.name
        parts = lake.part_names(benchmark, "ingest-")
        stored = lake.read("scores", benchmark, parts=parts, columns=["proxy_id", "arch_id", "value"])
        stored = stored.filter(pc.field("proxy_id").isin(rows["proxy_id"].unique()))
        if not len(stored):
            return rows
        keys = zip(stored["proxy_id"].to_pylist(), stored["arch_id"].to_pylist(), strict=True)
        have = dict(zip(keys, stored["value"].to_pylist(), strict=True))
        lacking = []
        for row in rows.select(["proxy_id", "arch_id", "value"]).to_pylist():
            key = row["proxy_id"], row["arch_id"]
            if key in have and not _equal(have[key], row["value"]):
                raise UserError(
                    f"{self.path}: the lake holds another value of a released score, {have[key]}, where this "
                    f"file has {row['value']} (architecture {row['arch_id']}): ingest it under another `source` "
                    "in its mapping"
                )
            lacking.append(key not in have)
        return rows.filter(pa.array(lacking, pa.bool_()))
