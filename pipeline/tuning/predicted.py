"""A tuned proxy that is not a sum: its predictions are stored as scores of the architectures it was tuned on."""

from __future__ import annotations

from pipeline import catalog
from pipeline.lake.store import Lake
from pipeline.proxies.contract import proxy_id_of, row_of
from pipeline.tuning import graph_features, learners, methods, prior, rules, tuned_proxy
from pipeline.tuning.data import TuningData
from pipeline.tuning.terms import Floats, TermTable, centred_ranks
from pipeline.tuning.tuned_proxy import Row, TunedProxy

VERSION = 1  # of the predictions


def predictions(lake: Lake, data: TuningData, table: TermTable, rule: Floats) -> Floats:
    """What `learners.corrected` makes of the rule, the terms, the graphs and the labels, [n]."""
    labelled = table.nested(data.seed)[: data.labels]
    graph = graph_features.features(lake, data.benchmark, data.space, table.arch_ids)
    return learners.corrected(
        prior.features(table, graph), rule, labelled, centred_ranks(table.truth[labelled]), data.seed
    )


def store(lake: Lake, table: TermTable, values: Floats, row: Row, origin: str) -> TunedProxy:
    """Store predictions [n] once, with where they come from.

    Args:
        row: of the table `tunings`, without the proxy, the fitness and the run.
        origin: how they were made, for a reader.
    """
    name = f"tuned-{row['tuning_id'][:8]}"
    configuration = {"tuning": row["tuning_id"], "predicted_by": row["method"]}
    proxy_id = proxy_id_of(name, configuration, VERSION)
    labelled = [table.arch_ids.index(arch_id) for arch_id in row["labels"]]
    fitness = methods.correlation(values[labelled], table.truth[labelled])
    text = rules.toml({"name": name, "description": origin, **configuration})
    proxy = row_of(proxy_id, name, "aggregate", configuration, VERSION, higher_is_better=True)

    def scored(run: Row) -> dict[str, list[Row]]:
        constant = {
            "benchmark": table.benchmark, "space": table.space, "proxy_id": proxy_id, "seed": 0, "status": "ok",
            "reason": None, "seconds": None, "device": run["device"], "run_id": run["run_id"],
        }  # fmt: skip
        scores = [
            {**constant, "arch_id": arch_id, "value": float(value)}
            for arch_id, value in zip(table.arch_ids, values, strict=True)
        ]
        return {"proxies": [proxy], "scores": scores}

    whole = {**row, "fitness": fitness, "name": name, "proxy_id": proxy_id, "rule": text}
    tuned_proxy.publish(lake, whole, scored)
    catalog.ensure(lake)
    return TunedProxy(name, None, fitness, 0, origin)
