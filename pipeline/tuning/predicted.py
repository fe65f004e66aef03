"""A tuned proxy that is no sum: its predictions are stored as scores of the architectures that it was tuned among."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pipeline import catalog, provenance
from pipeline.lake.part_name import PartName
from pipeline.lake.store import Lake
from pipeline.proxies.contract import proxy_id_of, row_of
from pipeline.tuning import graph_features, learners, methods, prior, rules
from pipeline.tuning.data import TuningData
from pipeline.tuning.terms import Floats, TermTable, centred_ranks
from pipeline.tuning.tuned_proxy import TunedProxy

VERSION = 1  # of the predictions


def predictions(lake: Lake, data: TuningData, table: TermTable, rule: Floats) -> Floats:
    """What `learners.corrected` makes of the rule, the terms, the graphs and the labels, [n]."""
    labelled = table.nested(data.seed)[: data.labels]
    graph = graph_features.features(lake, data.benchmark, data.space, table.arch_ids)
    return learners.corrected(
        prior.features(table, graph), rule, labelled, centred_ranks(table.truth[labelled]), data.seed
    )


def store(lake: Lake, table: TermTable, values: Floats, row: dict[str, Any], origin: str) -> TunedProxy:
    """Store the predictions once, with where they come from.

    Args:
        lake: the lake.
        table: whose architectures they are of.
        values: the predictions, [n].
        row: of the table `tunings`, without the proxy, the fitness and the run.
        origin: how they were made, for a reader.
    """
    name = f"tuned-{row['tuning_id'][:8]}"
    configuration = {"tuning": row["tuning_id"], "predicted_by": row["method"]}
    proxy_id = proxy_id_of(name, configuration, VERSION)
    labelled = [table.arch_ids.index(arch_id) for arch_id in row["labels"]]
    fitness = methods.correlation(values[labelled], table.truth[labelled])
    part = PartName("tune", row["tuning_id"], origin=proxy_id)
    if not lake.has(table.benchmark, part):
        run = provenance.new_run("tune", {"tuning_id": row["tuning_id"]})
        constant = {
            "benchmark": table.benchmark, "space": table.space, "proxy_id": proxy_id, "seed": 0, "status": "ok",
            "reason": None, "seconds": None, "device": run["device"], "run_id": run["run_id"],
        }  # fmt: skip
        scores = [
            {**constant, "arch_id": arch_id, "value": float(value)}
            for arch_id, value in zip(table.arch_ids, values, strict=True)
        ]
        text = rules.toml({"name": name, "description": origin, **configuration})
        tuning = {**row, "fitness": fitness, "name": name, "proxy_id": proxy_id, "rule": text, "run_id": run["run_id"]}
        proxy = row_of(proxy_id, name, "aggregate", configuration, VERSION, higher_is_better=True)
        tables = {
            "runs": [run, provenance.finished(run)], "proxies": [proxy], "tunings": [tuning], "scores": scores,
        }  # fmt: skip
        with suppress(FileExistsError):  # another process was quicker
            lake.publish(table.benchmark, part, tables)
    catalog.ensure(lake)
    return TunedProxy(name, None, fitness, 0, origin)
