"""What a lake holds, as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api import arguments
from pipeline.errors import unknown
from pipeline.lake.store import Lake

if TYPE_CHECKING:
    import pandas as pd

_NAMED_IN = {
    **dict.fromkeys(("benchmark", "space"), ("architectures", "scores", "truth")),
    **dict.fromkeys(("dataset", "metric"), ("metrics",)),
    "proxy": ("(SELECT name AS proxy FROM proxies)",),
}
"""The tables whose column has all names of a kind; a view may have no row of one that the lake holds."""


class LakeReader:
    """A lake that is read: `pipeline.Lake("data/lake")`. Every method returns a DataFrame.

    A `benchmark`, `space`, `dataset`, `metric` or `proxy` that is given leaves out the rows of others. Integers and
    truth values have pandas' nullable types; NULL is NaN in a column of floats; a list is an array. Nothing is kept
    between two calls, so that each sees what is stored by then.

    Args:
        path: the lake's folder.

    Raises:
        UserError: no lake, one that cannot be read, or one that holds nothing of a name.
    """

    def __init__(self, path: Path | str = "data/lake") -> None:
        self.path = arguments.lake_path(path)
        Lake(self.path)

    def __repr__(self) -> str:
        return f"pipeline.Lake({str(self.path)!r})"

    def leaderboard(self, benchmark: str | None = None, space: str | None = None) -> pd.DataFrame:
        """One row per proxy and seed on a space's main target, the best first, on the architectures that all have.

        See the view `leaderboard`; comparisons of fewer than 30 architectures are left out.
        """
        order = "benchmark, space, place, proxy, seed"
        return self._selected("leaderboard", order, benchmark=benchmark, space=space)

    def scores(self, benchmark: str | None = None, space: str | None = None, proxy: str | None = None) -> pd.DataFrame:
        """One row per score, those of aggregates included: what the rankings are made of."""
        columns = (
            "benchmark, space, arch_id, name AS proxy, seed, value, higher_is_better, status, reason, seconds, device"
        )
        sql = f"SELECT {columns}, proxy_id FROM every_score INNER JOIN proxies USING (proxy_id)"
        order = "benchmark, space, proxy, proxy_id, seed, arch_id"
        return self._selected(f"({sql})", order, benchmark=benchmark, space=space, proxy=proxy)

    def truth(
        self,
        benchmark: str | None = None,
        space: str | None = None,
        dataset: str | None = None,
        metric: str | None = None,
    ) -> pd.DataFrame:
        """One row per architecture, data set and metric: the true value, a mean over seeds (view `ground_truth`)."""
        order = "benchmark, space, dataset, metric, arch_id"
        return self._selected("ground_truth", order, benchmark=benchmark, space=space, dataset=dataset, metric=metric)

    def correlations(
        self,
        benchmark: str | None = None,
        space: str | None = None,
        dataset: str | None = None,
        metric: str | None = None,
        proxy: str | None = None,
    ) -> pd.DataFrame:
        """One row per proxy, seed and target, each on all architectures that it has (view `correlations`).

        `low` and `high` bound Spearman's rho with 95 % (see the macro `rho_interval`); they are NaN below ten
        architectures.
        """
        shown = "*, rho_interval(rho, n).low AS low, rho_interval(rho, n).high AS high"
        order = "benchmark, space, dataset, metric, abs(rho) DESC NULLS LAST, proxy, seed"
        return self._selected(
            "correlations", order, shown,
            benchmark=benchmark, space=space, dataset=dataset, metric=metric, proxy=proxy,
        )  # fmt: skip

    def sql(self, text: str, /, **parameters: float | str | None) -> pd.DataFrame:
        """The answer to one SELECT over the lake; see `pipeline.query`.

        Args:
            text: the statement.
            parameters: values of its `$name` parameters.

        Raises:
            UserError: anything that is wrong with the statement.
        """
        return _answer(text, self.path, parameters)

    def _selected(self, rows: str, order: str, shown: str = "*", **equal: str | None) -> pd.DataFrame:
        """The rows in which columns have the given values, None meaning any."""
        wanted = {column: value for column, value in equal.items() if value is not None}
        for column, value in wanted.items():
            arguments.require(f"the {column}", value, str, "a name")
        where = " AND ".join(f"{column} = ${column}" for column in wanted) or "true"
        frame = self.sql(f"SELECT {shown} FROM {rows} WHERE {where} ORDER BY {order}", **wanted)
        for column, value in wanted.items() if frame.empty else ():
            named = (f"SELECT DISTINCT {column} AS name FROM {table}" for table in _NAMED_IN[column])
            known = self.sql(" UNION ".join(named))["name"].tolist()
            if value not in known:
                raise unknown(f"{column} of this lake", value, known)
        return frame


def query(sql: str, lake: Path | str = "data/lake", **parameters: float | str | None) -> pd.DataFrame:
    """The answer to one SELECT over a lake, read-only, as a DataFrame.

    Integers and truth values have pandas' nullable types; NULL is NaN in a column of floats; a list is an array. Times
    are text where one of them is none of Python's.

    Args:
        sql: SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN of one of these.
        lake: the lake's folder.
        parameters: values of the query's `$name` parameters.

    Raises:
        UserError: no such lake, another kind of statement, or anything else that is wrong with the SQL.
    """
    return _answer(sql, lake, parameters)


def _answer(sql: str, lake: Path | str, parameters: Mapping[str, float | str | None]) -> pd.DataFrame:
    from pipeline import catalog
    from pipeline.catalog import arrow_types

    arguments.require("the query", sql, str, "the text of one SELECT")
    values = {name: arguments.plain(value) for name, value in parameters.items()}
    for name, value in values.items():
        if value is not None and not isinstance(value, bool):
            arguments.require(f"the parameter {name}", value, str | int | float, "a text, a number or None")
        if isinstance(value, str):
            values[name] = f'"{value}"'  # so that "7" stays text
    source = Lake(arguments.lake_path(lake))
    table = catalog.run_sql(source, sql, values)
    if not arrow_types.are_pythons(table):
        table = catalog.run_sql(source, sql, values, as_text=arrow_types.EVERY_TIME)
    return catalog.to_frame(table)
