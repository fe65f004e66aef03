"""Proxies by target, one table per family of targets, and how well the truth of one target ranks that of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.queries import Row, answer, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

Cell = tuple[float | None, float | None, float | None, int | None]
"""rho, the ends of its interval, and n."""


def families(
    connection: duckdb.DuckDBPyConnection, main: Row, leading: Sequence[Row], by_target: list[Row]
) -> list[Row]:
    """A table for each family of targets: rho of the truth of the leading targets, and of each proxy and seed.

    Args:
        connection: a snapshot of the lake.
        main: the main target.
        leading: the targets of its family, the main one first.
        by_target: the proxies, with `by_target`: `rho`, `low`, `high` and `n` for each of these.

    Returns:
        `family`, `targets` and `columns` (their names); `rows` with a `name`, and for each target `values` (rho),
        `low`, `high` and `n`, None where there is none. A target that is alone is left out.
    """
    space = {key: main[key] for key in ("benchmark", "space")}
    others = records(answer(connection, "families", space))
    if len(leading) + len(others) < 2:
        return []
    truth: dict[tuple[str, str], dict[tuple[str, str], Cell]] = {}
    for row in records(answer(connection, "target_agreement", space)):
        cells = truth.setdefault(_key(row), {})
        cells[row["other_dataset"], row["other_metric"]] = _cell(row)
    tables = []
    if len(leading) > 1:
        own = [(_proxy_name(row), [_cell(value) for value in row["by_target"]]) for row in by_target]
        tables.append(_table(main["family"], leading, leading, truth, own))
    measured: dict[str, dict[tuple[str, str], Cell]] = {}
    for row in records(answer(connection, "family_correlations", space)) if others else []:
        measured.setdefault(_proxy_name(row), {})[_key(row)] = _cell(row)
    for family in dict.fromkeys(target["family"] for target in others):
        members = [target for target in others if target["family"] == family]
        scored = [(name, [cells.get(_key(t), _NONE) for t in members]) for name, cells in measured.items()]
        tables.append(_table(family, members, leading, truth, scored))
    return tables


_NONE: Cell = (None, None, None, None)


def _table(
    family: str,
    targets: Sequence[Row],
    leading: Sequence[Row],
    truth: dict[tuple[str, str], dict[tuple[str, str], Cell]],
    proxies: Iterable[tuple[str, list[Cell]]],
) -> Row:
    ceilings = [
        (f"truth of {_name(one)}", [truth.get(_key(one), {}).get(_key(t), _NONE) for t in targets])
        for one in leading
        if truth.get(_key(one))
    ]
    rows = [
        {
            "name": name,
            **{part: [cell[i] for cell in cells] for i, part in enumerate(("values", "low", "high", "n"))},
        }
        for name, cells in [*ceilings, *proxies]
    ]
    return {"family": family, "targets": list(targets), "columns": [_name(t) for t in targets], "rows": rows}


def _name(target: Row) -> str:
    return f"{target['dataset']} {target['metric']}"


def _proxy_name(row: Row) -> str:
    return row["label"] if not row["seed"] else f"{row['label']}, seed {row['seed']}"


def _key(row: Row) -> tuple[str, str]:
    return row["dataset"], row["metric"]


def _cell(row: Row) -> Cell:
    return row["rho"], row["low"], row["high"], row["n"]
