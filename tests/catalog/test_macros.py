"""The macros of the catalog against scipy, ties and gaps included."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline import catalog
from pipeline.catalog import sql_files
from tests.fixtures import lakes

VALUES = st.lists(st.tuples(st.one_of(st.none(), st.integers(-3, 3)), st.one_of(st.none(), st.floats(-9, 9))))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect()) as connection:
        for sql in sql_files.texts("macros").values():
            connection.execute(sql)
        yield connection


def one(connection: duckdb.DuckDBPyConnection, sql: str, **params: Any) -> Any:
    [(value,)] = connection.execute(sql, params or None).fetchall()
    return value


@given(VALUES)
@settings(max_examples=25)
def test_spearman_of_lists_is_that_of_scipy(
    connection: duckdb.DuckDBPyConnection, pairs: list[tuple[int | None, float | None]]
) -> None:
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    value = one(connection, "SELECT spearman($xs::BIGINT[], $ys::DOUBLE[])", xs=xs, ys=ys)
    both = [(x, y) for x, y in pairs if x is not None and y is not None]
    x, y = np.array(both, dtype=float).reshape(-1, 2).T
    if len(both) < 2 or x.min() == x.max() or y.min() == y.max():
        assert value is None
    else:
        assert value == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_ranks_within_a_series_are_those_of_scipy_and_their_pearson_is_rho(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    rng = np.random.default_rng(4)
    values = rng.integers(0, 9, (2, 40)).tolist()
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE t AS SELECT unnest($x) AS x, unnest($y) AS y",
        dict(zip("xy", values, strict=True)),
    )
    ranks = connection.execute("SELECT average_rank(x, y % 2), average_rank(x, (y % 2, 'a')), x, y FROM t").fetchall()
    for parity in (0, 1):
        rows = [row for row in ranks if row[3] % 2 == parity]
        assert [row[0] for row in rows] == [row[1] for row in rows]
        assert [row[0] for row in rows] == stats.rankdata([row[2] for row in rows]).tolist()
    ranked = "(SELECT average_rank(x, 0) AS x_rank, average_rank(y, 0) AS y_rank FROM t)"
    expected = stats.spearmanr(*values).statistic
    assert one(connection, f"SELECT pearson(x_rank, y_rank) FROM {ranked}") == pytest.approx(expected, abs=1e-12)
    assert one(connection, "SELECT spearman(list(x), list(y)) FROM t") == pytest.approx(expected, abs=1e-12)


def test_a_correlation_that_is_not_defined_is_null(connection: duckdb.DuckDBPyConnection) -> None:
    for rows in ("(1, 2)", "(1, 2), (1, 3)", "(NULL, 2), (1, NULL)"):
        assert one(connection, f"SELECT pearson(x, y) FROM (VALUES {rows}) AS t(x, y)") is None


def test_what_is_oriented_is_higher_where_it_is_better(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT [oriented(2.5, TRUE), oriented(2.5, FALSE), oriented(NULL, FALSE)]"
    assert one(connection, sql) == [2.5, -2.5, None]


def test_a_user_has_the_macros(tmp_path: Any) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    sql = """
        SELECT pairs.proxy_id, pairs.seed, pairs.metric, spearman(list(score), list(truth)) AS rho,
            any_value(correlations.rho) AS stored
        FROM pairs INNER JOIN correlations
            ON pairs.proxy_id = correlations.proxy_id AND pairs.metric = correlations.metric
            AND pairs.seed IS NOT DISTINCT FROM correlations.seed
        GROUP BY ALL
    """
    rows = catalog.run_sql(lake, sql).to_pylist()
    assert len(rows) == 8
    for row in rows:
        assert row["rho"] == pytest.approx(row["stored"], abs=1e-12)
        assert math.isfinite(row["rho"])


def test_two_rhos_with_one_truth_vary_together_as_over_samples(connection: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(3)
    truth, shared, first, second = rng.standard_normal((4, 2000, 200))
    ranks = [stats.rankdata(values, axis=1) for values in (truth + shared + first, truth + shared + second, truth)]
    rho, other, agreement = (
        np.array([np.corrcoef(ranks[one][sample], ranks[two][sample])[0, 1] for sample in range(2000)])
        for one, two in ((0, 2), (1, 2), (0, 1))
    )
    sql = "SELECT rhos_together($rho, $other, $agreement)"
    together = one(connection, sql, rho=rho.mean(), other=other.mean(), agreement=agreement.mean())
    assert together == pytest.approx(np.corrcoef(rho, other)[0, 1], abs=0.05)


@pytest.mark.parametrize(
    ("call", "interval"),
    [
        ("difference_interval(0.5, 0.4, 0.6, 9)", None),
        ("difference_interval(1.0, 0.4, 0.6, 50)", None),
        ("difference_interval(0.5, NULL, 0.6, 50)", None),
        ("difference_interval(0.5, 0.5, 1.0, 50)", {"low": 0.0, "high": 0.0}),
        ("difference_interval(1.0, 1.0, 1.0, 50)", {"low": 0.0, "high": 0.0}),
        ("difference_interval(NULL, NULL, 1.0, 50)", None),
    ],
)
def test_a_difference_without_an_interval_and_one_of_proxies_that_rank_alike(
    connection: duckdb.DuckDBPyConnection, call: str, interval: dict[str, float] | None
) -> None:
    assert one(connection, f"SELECT {call}") == interval
