"""`pipeline tune weigh`: weigh stored terms with a few labels and store the rule as an aggregate. It trains nothing."""

from __future__ import annotations

from pathlib import Path

from pipeline import provenance
from pipeline.errors import UserError, unknown
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates
from pipeline.tuning import methods, rules, tuned_proxy
from pipeline.tuning.data import VERSION, TuningData
from pipeline.tuning.tuned_proxy import TunedProxy


def weigh(lake_root: Path, data: TuningData, method: str = methods.MENU) -> TunedProxy:
    """Weigh stored terms with the labels and store the rule as an aggregate, with where it comes from.

    Args:
        lake_root: the lake.
        data: labels and terms.
        method: one of `methods.METHODS`, or menu for the one that did best.

    Raises:
        UserError: no such method, too few architectures, or no term that correlates with the labels.
    """
    method = methods.MENU if method == "menu" else method
    if method == "evolution":
        raise UserError("evolution weighs no terms: it is `pipeline tune evolve`")
    if method not in methods.METHODS:
        raise unknown("method", method, ["menu", *methods.METHODS])
    lake = Lake(lake_root)
    table = data.table(lake)
    if len(table.arch_ids) < data.labels:
        available = len(table.arch_ids)
        raise UserError(f"{available} architectures have truth and every term, {data.labels} labels are needed")
    labelled = table.nested(data.seed)[: data.labels]
    problem = methods.problem_of(table, labelled, data.seed)
    chosen = methods.chosen(problem) if method == "choice" else method
    weights = methods.METHODS[chosen](problem)
    if not weights.any():
        raise UserError(
            f"{chosen}: no stored term correlates with the labels; take others with --use, or more --labels"
        )
    configuration = {**data.basis(table), "method": method, "seed": data.seed, "labels": data.labels}
    tuning_id = provenance.identity("tuning", VERSION, configuration)
    origin = f"{chosen} of {len(table.terms)} terms with {data.labels} labels"
    row = {
        "tuning_id": tuning_id, "benchmark": table.benchmark, "space": table.space, "dataset": table.dataset,
        "metric": table.metric, "method": method, "configuration": provenance.canonical_json(configuration),
        "seed": data.seed, "labels": [table.arch_ids[i] for i in labelled], "trainings": 0,
        "fitness": methods.correlation(problem.ranks @ weights, problem.target),
    }  # fmt: skip
    description = f"{origin} of {table.benchmark} {table.space}, sample seed {data.seed}"
    rule = rules.weighed(f"tuned-{tuning_id[:8]}", description, table.terms, weights)
    aggregate = aggregates.Aggregate.model_validate(rule)
    aggregates.store(lake, table.benchmark, aggregate)
    return tuned_proxy.store(lake, row, rule, aggregate.proxy_id, origin)
