"""Proxies by target, one table per family of targets, and how well the truth of one target ranks that of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.queries import Row, answer_of, records, space_of
from pipeline.report.text import proxy_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

Cell = tuple[float | None, float | None, float | None, int | None]
"""rho, the ends of its interval, and n."""


def families(
    connection: duckdb.DuckDBPyConnection, leading: Sequence[Row], others: Sequence[Row], by_target: list[Row]
) -> list[Row]:
    """A table for each family of targets: rho of the truth of the leading targets, and of each proxy and seed.

    Args:
        leading: the targets of the family that leads, the main one first.
        others: the targets of other families, in their order.
        by_target: the proxies, with `by_target`: `rho`, `low`, `high` and `n` for each of these.

    Returns:
        `family`, `targets` and `columns` (their names); `truths` and `rows` with a `name`, and for each target `values`
        (rho), `low`, `high` and `n`, None where there is none; `rows` of the leading family are in the order of
        `by_target`, those of another the highest mean of rho first. A target that is alone is left out.
    """
    space = space_of(leading[0])
    if len(leading) + len(others) < 2:
        return []
    truth: dict[tuple[str, str], dict[tuple[str, str], Cell]] = {}
    for row in records(answer_of(connection, "target_agreement", space)):
        cells = truth.setdefault(_key(row), {})
        cells[row["other_dataset"], row["other_metric"]] = _cell(row)
    tables = []
    if len(leading) > 1:
        own = [(proxy_name(row), [_cell(value) for value in row["by_target"]]) for row in by_target]
        tables.append(_table(leading[0]["family"], leading, leading, truth, own))
    measured: dict[str, dict[tuple[str, str], Cell]] = {}
    for row in records(answer_of(connection, "family_correlations", space)) if others else []:
        measured.setdefault(proxy_name(row), {})[_key(row)] = _cell(row)
    for family in dict.fromkeys(target["family"] for target in others):
        members = [target for target in others if target["family"] == family]
        scored = [(name, [cells.get(_key(t), _NONE) for t in members]) for name, cells in measured.items()]
        scored.sort(key=lambda named: -_mean(named[1]))
        tables.append(_table(family, members, leading, truth, scored))
    return tables


def short_names(targets: Sequence[Row], beside: Iterable[Row] = ()) -> list[str]:
    """Names that tell targets apart: the condition or else the metric, and the data set where there are several.

    Args:
        beside: further targets whose names stand beside these.
    """
    several = len({target["dataset"] for target in (*targets, *beside)}) > 1
    names = [target["condition"] or target["metric"] for target in targets]
    if several:
        names = [f"{target['dataset']} {name}" for target, name in zip(targets, names, strict=True)]
    return names if len({*names}) == len(names) else [_name(target) for target in targets]


_NONE: Cell = (None, None, None, None)


def _table(
    family: str,
    targets: Sequence[Row],
    leading: Sequence[Row],
    truth: dict[tuple[str, str], dict[tuple[str, str], Cell]],
    proxies: Iterable[tuple[str, list[Cell]]],
) -> Row:
    # a report that leads with one target by its name has others of its family, often the same metric on other data
    truths = [
        (name, [truth.get(_key(one), {}).get(_key(t), _NONE) for t in targets])
        for one, name in zip(leading, short_names(leading, _of_family(leading[0]["family"], targets)), strict=True)
        if truth.get(_key(one))
    ]
    return {
        "family": family,
        "targets": list(targets),
        "columns": short_names(targets, _of_family(family, leading)),
        "truths": [_row(name, cells) for name, cells in truths],
        "rows": [_row(name, cells) for name, cells in proxies],
    }


def _of_family(family: str, targets: Sequence[Row]) -> list[Row]:
    return [target for target in targets if target["family"] == family]


def _row(name: str, cells: list[Cell]) -> Row:
    columns = {part: [cell[i] for cell in cells] for i, part in enumerate(("values", "low", "high", "n"))}
    return {"name": name, **columns}


def _mean(cells: list[Cell]) -> float:
    rhos = [cell[0] for cell in cells if cell[0] is not None]
    return sum(rhos) / len(rhos) if rhos else -1.0


def _name(target: Row) -> str:
    return f"{target['dataset']} {target['metric']}"


def _key(row: Row) -> tuple[str, str]:
    return row["dataset"], row["metric"]


def _cell(row: Row) -> Cell:
    return row["rho"], row["low"], row["high"], row["n"]
