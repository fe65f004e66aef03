"""`pipeline tune weigh`: correct the generic rule, or weigh stored terms, with a few labels. It trains no network."""

from __future__ import annotations

from pathlib import Path

from pipeline import catalog, provenance
from pipeline.errors import UserError, unknown
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates
from pipeline.proxies.contract import proxy_id_of, row_of
from pipeline.tuning import graph_features, learners, methods, prior, rules, tuned_proxy
from pipeline.tuning.data import VERSION, TuningData
from pipeline.tuning.terms import Floats, Ints, TermTable, centred_ranks, require_different_labels
from pipeline.tuning.tuned_proxy import Row, TunedProxy
from pipeline.wording import count_of

MENU, CORRECTED = "menu", "corrected"
PREDICTIONS_VERSION = 1


def weigh(lake_root: Path, data: TuningData, method: str = MENU) -> TunedProxy:
    """Make a proxy of stored terms and the labels, and store it with where it comes from.

    Args:
        method: one of `methods.METHODS`, whose rule is stored as an aggregate; corrected for the generic rule and what
            trees learn from its errors, whose predictions are stored; or menu for corrected where the parts of the
            generic rule are among the terms, and else for mixed.

    Raises:
        UserError: no such method, too few architectures, or labels that are equal or that no term correlates with.
    """
    if method == "evolution":
        raise UserError("evolution weighs no terms: it is `pipeline tune evolve`")
    if method not in (known := (MENU, CORRECTED, *methods.METHODS)):
        raise unknown("method", method, known)
    lake = Lake(lake_root)
    table = data.table(lake)
    method, rule = _settled(method, table)
    if len(table.arch_ids) < data.labels:
        available = len(table.arch_ids)
        raise UserError(
            f"{count_of(available, 'architecture has', 'architectures have')} "
            f"truth and every term, {count_of(data.labels, 'label is', 'labels are')} needed: score more, or give "
            "--labels a smaller number"
        )
    labelled = table.nested(data.seed)[: data.labels]
    labels = [table.arch_ids[i] for i in labelled]
    require_different_labels(table.truth[labelled].tolist(), table.dataset, table.metric)
    configuration = {**data.basis(table), "method": method, "seed": data.seed, "labels": data.labels}
    row = {
        "tuning_id": provenance.identity("tuning", VERSION, configuration), "benchmark": table.benchmark,
        "space": table.space, "dataset": table.dataset, "metric": table.metric, "method": method,
        "configuration": provenance.canonical_json(configuration), "seed": data.seed,
        "labels": [*labels, *sorted(table.known.difference(labels))], "trainings": 0,
    }  # fmt: skip
    if rule is not None:
        return _corrected(lake, data, table, rule, labelled, row)
    return _weighed(lake, data, table, labelled, row)


def _settled(method: str, table: TermTable) -> tuple[str, Floats | None]:
    """The method that `menu` stands for, or the one that is named, and the generic rule where that is corrected."""
    if method == MENU:
        rule = prior.generic_rule(table)
        return (methods.BEST if rule is None else CORRECTED), rule
    if method != CORRECTED:
        return method, None
    try:
        return method, prior.require_generic_rule(table)
    except UserError as error:
        raise UserError(f"{CORRECTED}: {error}") from error


def _weighed(lake: Lake, data: TuningData, table: TermTable, labelled: Ints, row: Row) -> TunedProxy:
    problem = methods.problem_of(table, labelled, data.seed)
    chosen = methods.chosen(problem) if row["method"] == "choice" else row["method"]
    weights = methods.METHODS[chosen](problem)
    if not weights.any():
        raise UserError(
            f"{chosen}: no stored term correlates with the labels; take others with --use, or more --labels"
        )
    if (weighed := int((weights != 0).sum())) > aggregates.MOST_TERMS:
        raise UserError(
            f"{chosen} weighs {weighed:,} terms, and an aggregate has at most {aggregates.MOST_TERMS}: name fewer "
            "with --use"
        )
    origin = f"{chosen} of {count_of(len(table.terms), 'term')} with {data.labels} labels"
    description = f"{origin} of {table.benchmark} {table.space}, sample seed {data.seed}"
    rule = rules.weighed(f"tuned-{row['tuning_id'][:8]}", description, table.terms, weights)
    aggregate = aggregates.Aggregate.model_validate(rule)
    aggregates.store(lake, table.benchmark, aggregate)
    fitness = methods.correlation(methods.summed(problem.ranks, weights), problem.target)
    return tuned_proxy.store(lake, {**row, "fitness": fitness}, rule, aggregate.proxy_id, origin)


def _corrected(lake: Lake, data: TuningData, table: TermTable, rule: Floats, labelled: Ints, row: Row) -> TunedProxy:
    """Store what `learners.corrected` makes of the rule, the terms, the graphs and the labels, once: as scores of the
    architectures, since it is no sum.
    """
    graph = graph_features.features(lake, data.benchmark, data.space, table.arch_ids)
    target = centred_ranks(table.truth[labelled])
    values = learners.corrected(prior.features(table, graph), rule, labelled, target, data.seed)
    origin = f"the generic rule, {row['method']} by {count_of(len(table.terms), 'term')} with {data.labels} labels"
    name = f"tuned-{row['tuning_id'][:8]}"
    configuration = {"tuning": row["tuning_id"], "predicted_by": row["method"]}
    proxy_id = proxy_id_of(name, configuration, PREDICTIONS_VERSION)
    fitness = methods.correlation(values[labelled], table.truth[labelled])
    text = rules.toml({"name": name, "description": origin, **configuration})
    proxy = row_of(proxy_id, name, "aggregate", configuration, PREDICTIONS_VERSION, higher_is_better=True)

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
