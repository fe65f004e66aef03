"""Find a rule with few labels from what is stored, and judge ways to do so: no training.

Evolution, which trains, is in `evolve`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipeline import catalog, provenance
from pipeline.errors import UserError, unknown
from pipeline.lake.store import Lake
from pipeline.progress import progress
from pipeline.proxies import aggregates
from pipeline.tuning import draws, methods, rules, terms

VERSION = 2  # raise it when the same labels would give another rule or another rho
_TOGETHER = 10  # draws of a part: a kill loses at most so many
Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What is tuned, and with what.

    Args:
        benchmark, space: whose main target is to be ranked.
        labels: how many true values may be used.
        seed: of the nested sample that begins with the labelled architectures, and of random choices.
        use: names of the proxies whose terms may be used; all by default.
        coverage: see `terms.read`.
    """

    benchmark: str
    space: str
    labels: int = 20
    seed: int = 0
    use: tuple[str, ...] = ()
    coverage: float = 0.9

    def table(self, lake: Lake) -> terms.Table:
        """The terms of the space."""
        return terms.read(lake, self.benchmark, self.space, use=self.use, coverage=self.coverage)


@dataclass(frozen=True)
class Found:
    """A proxy that was found: its name, its file, rho on the labels, the trainings that it took, and how."""

    name: str
    path: Path
    fitness: float
    trainings: int
    told: str

    @property
    def line(self) -> str:
        """In one line."""
        spent = f"{self.trainings} trainings" if self.trainings else "no training"
        return f"{self.name}: {self.told}; rho on the labels {self.fitness:.3f}, {spent}; {self.path}"


def weigh(lake_root: Path, question: Question, method: str = methods.MENU) -> Found:
    """Weigh stored terms with the labels and store the rule as an aggregate, with where it comes from.

    Args:
        lake_root: the lake.
        question: what to tune.
        method: one of `methods.METHODS`, or menu for the one that did best.

    Raises:
        UserError: no such method, or too few architectures.
    """
    method = methods.MENU if method == "menu" else method
    if method not in methods.METHODS:
        raise unknown("method", method, ["evolution", "menu", *methods.METHODS])
    lake = Lake(lake_root)
    table = question.table(lake)
    if len(table.arch_ids) < question.labels:
        raise UserError(
            f"{len(table.arch_ids)} architectures have truth and every term, {question.labels} labels asked"
        )
    labelled = table.drawn(question.seed)[: question.labels]
    given = methods.problem(table, labelled, question.seed)
    taken = methods.chosen(given) if method == "choice" else method
    weights = methods.METHODS[taken](given)
    if not weights.any():
        raise UserError(f"{taken}: no stored term correlates with the labels; take others with --use, or more --labels")
    configuration = {**_basis(question, table), "method": method, "seed": question.seed, "labels": question.labels}
    tuning_id = provenance.identity("tuning", VERSION, configuration)
    used = [table.arch_ids[i] for i in labelled]
    told = f"{taken} of {len(table.terms)} terms with {question.labels} labels"
    row = {
        "tuning_id": tuning_id, "benchmark": table.benchmark, "space": table.space, "dataset": table.dataset,
        "metric": table.metric, "method": method, "configuration": provenance.canonical_json(configuration),
        "seed": question.seed, "labels": used, "trainings": 0,
        "fitness": methods.correlation(given.ranks @ weights, given.target),
    }  # fmt: skip
    description = f"{told} of {table.benchmark} {table.space}, sample seed {question.seed}"
    rule = rules.weighed(f"tuned-{tuning_id[:8]}", description, table.terms, weights)
    aggregate = aggregates.Aggregate.model_validate(rule)
    aggregates.store(lake, table.benchmark, aggregate)
    return store(lake, row, rule, aggregate.proxy_id, told)


def store(lake: Lake, row: Row, rule: Row, proxy_id: str, told: str) -> Found:
    """Store what was found, once, and its TOML beside the parts."""
    labels = ", ".join(row["labels"])
    comment = (
        f"Found by `pipeline tune {row['benchmark']}`, tuning {row['tuning_id']}.\n"
        f"Method {row['method']}, seed {row['seed']}, {row['trainings']} trainings, rho on the labels "
        f"{row['fitness']:.3f}.\nLabels: {row['dataset']} {row['metric']} of {labels}"
    )
    text = rules.toml(rule, comment)
    part = f"tune-{row['tuning_id']}-{proxy_id}"
    if not lake.has(row["benchmark"], part):
        run = provenance.new_run("tune", {"tuning_id": row["tuning_id"]})
        whole = {**row, "name": rule["name"], "proxy_id": proxy_id, "rule": text, "run_id": run["run_id"]}
        with suppress(FileExistsError):  # another process was quicker
            lake.publish(row["benchmark"], part, {"runs": [run, provenance.finished(run)], "tunings": [whole]})
    path = rules.write(lake, text, rule["name"])
    catalog.ensure(lake)
    return Found(rule["name"], path, row["fitness"], row["trainings"], told)


def judge(
    lake_root: Path, question: Question, count: int, *, here: bool, elsewhere: bool
) -> tuple[list[str], list[str]]:
    """What `evaluate` and `transfer` find, as the lines of a table, and why a space was left out."""
    rows = evaluate(lake_root, question, count) if here else []
    found, left_out = transfer(lake_root, question, count) if elsewhere else ([], [])
    return _table(rows + found), left_out


def evaluate(lake_root: Path, question: Question, count: int = 100) -> list[Row]:
    """Judge every way to use the labels over `count` draws of them, and store each rho; what is stored is not redone.

    Returns:
        its rows of the view `tuned_evaluations`, the best first.

    Raises:
        UserError: too few architectures.
    """
    lake = Lake(lake_root)
    table = question.table(lake)
    seeds = range(question.seed, question.seed + count)
    judged = _judge(lake, question, table, table, seeds, partial(draws.within, table, question.labels))
    catalog.ensure(lake)
    return _summary(lake, table, [judged])


def transfer(lake_root: Path, question: Question, count: int = 100) -> tuple[list[Row], list[str]]:
    """Tune on the question's space and apply the rules to every other space of the lake that has terms of it.

    Returns:
        its rows of the view `tuned_evaluations` for the other spaces, and why a space was left out.
    """
    lake = Lake(lake_root)
    source = question.table(lake)
    seeds = range(question.seed, question.seed + count)
    reached, left_out = [], []
    for benchmark, space in _others(lake, question):
        try:
            target = Question(benchmark, space, coverage=question.coverage).table(lake)
            judged = partial(draws.across, source, target, question.labels)
            reached.append(_judge(lake, question, source, target, seeds, judged))
        except UserError as error:
            left_out.append(f"{benchmark} {space} is left out: {error}")
    catalog.ensure(lake)
    return _summary(lake, source, reached), left_out


def _judge(
    lake: Lake,
    question: Question,
    source: terms.Table,
    target: terms.Table,
    seeds: Sequence[int],
    judged: Callable[[Sequence[int]], Iterator[draws.Draw]],
) -> str:
    """Store the draws that are not stored yet, some at a time; the evaluation's identity."""
    basis = {**_basis(question, source), "to": _basis(question, target), "labels": question.labels}
    evaluation_id = provenance.identity("evaluation", VERSION, basis)
    run = provenance.new_run("tune", {**vars(question), "draws": len(seeds)})
    constant = {
        "evaluation_id": evaluation_id, "benchmark": source.benchmark, "space": source.space,
        "dataset": target.dataset, "metric": target.metric, "run_id": run["run_id"],
    }  # fmt: skip
    prefix = f"tune-draws-{evaluation_id}-"
    with lake.lock(f"tune-{evaluation_id}"):  # two processes that judge the same would store each draw twice
        parts = lake.part_names(source.benchmark, prefix)
        stored = set(lake.read("tuning_draws", source.benchmark, parts=parts, columns=["draw"])["draw"].to_pylist())
        missing = [seed for seed in seeds if seed not in stored]
        if not missing:
            return evaluation_id
        told = f"drawing labels of {source.benchmark} {source.space} for {target.benchmark} {target.space}"
        with progress(told, len(missing)) as tell:
            for first in range(0, len(missing), _TOGETHER):
                some = missing[first : first + _TOGETHER]
                rows = [{**constant, **_draw_row(draw)} for draw in judged(some)]
                done = {"runs": [run, provenance.finished(run)], "tuning_draws": rows}
                lake.publish(source.benchmark, f"{prefix}{uuid.uuid4().hex[:8]}", done)
                tell(len(some))
    return evaluation_id


def _draw_row(draw: draws.Draw) -> Row:
    row = dict(vars(draw))
    row["to_benchmark"], row["to_space"] = row.pop("benchmark"), row.pop("space")
    return row


def _basis(question: Question, table: terms.Table) -> Row:
    """What a rule and its rho depend on beside the labels: the terms, and the architectures that ranks are among."""
    keys = [[term.key, term.proxy_id] for term in table.terms]
    listing = "\n".join(table.arch_ids)
    return {
        "benchmark": table.benchmark, "space": table.space, "dataset": table.dataset, "metric": table.metric,
        "use": sorted(question.use), "coverage": question.coverage, "terms": provenance.identity("terms", 1, keys),
        "architectures": len(table.arch_ids), "sha256": hashlib.sha256(listing.encode()).hexdigest(),
    }  # fmt: skip


def _others(lake: Lake, question: Question) -> list[tuple[str, str]]:
    with closing(catalog.snapshot(lake)) as connection:
        rows = catalog.rows(connection, "SELECT DISTINCT benchmark, space FROM scores ORDER BY ALL").to_pylist()
    places = [(row["benchmark"], row["space"]) for row in rows]
    return [place for place in places if place != (question.benchmark, question.space)]


def _summary(lake: Lake, source: terms.Table, evaluations: Sequence[str]) -> list[Row]:
    with closing(catalog.snapshot(lake)) as connection:
        order = "rho DESC, to_benchmark, to_space, terms, method"
        sql = f"FROM tuned_evaluations WHERE benchmark = $benchmark AND space = $space ORDER BY {order}"
        rows = catalog.rows(connection, sql, {"benchmark": source.benchmark, "space": source.space}).to_pylist()
    return [row for row in rows if row["evaluation_id"] in evaluations]


def _table(rows: Sequence[Row]) -> list[str]:
    """The rows of `tuned_evaluations` for a terminal."""
    cells = [
        ["on", "terms", "method", "labels", "rho", "95 % of draws", "n", "draws", "against the best without labels"]
    ]
    for row in rows:
        against = f"{row['difference']:+.3f} [{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]"
        cells.append([
            f"{row['to_benchmark']} {row['to_space']}", row["terms"], row["method"], str(row["labels"]),
            f"{row['rho']:.3f}", f"[{row['low']:.3f}, {row['high']:.3f}]", str(row["n"]), str(row["draws"]),
            f"{against} {row['verdict']}" if row["labels"] else "",
        ])  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells]
