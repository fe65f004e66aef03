"""A lake as DataFrames: each method is its view, with types, filters, and one line for what is not there."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pipeline
from pipeline.errors import UserError
from tests.fixtures import lakes


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("lakes") / "lake"
    lakes.made_up(root, 40)
    return pipeline.Lake(root)


def test_every_method_has_the_rows_of_its_view(lake: Any) -> None:
    for frame, view in (
        (lake.scores(), "every_score"),
        (lake.truth(), "ground_truth"),
        (lake.correlations(), "correlations"),
    ):
        assert len(frame) == lake.sql(f"SELECT count(*) AS n FROM {view}").at[0, "n"] > 0, view
    scores = lake.scores()
    assert {str(scores[name].dtype) for name in ("benchmark", "proxy", "status")} == {"str"}
    assert [str(scores[name].dtype) for name in ("seed", "value", "higher_is_better")] == [
        "Int64",
        "float64",
        "boolean",
    ]
    assert scores.loc[scores["status"] != "ok", "value"].isna().all() and (scores["status"] != "ok").any()


def test_what_the_lake_holds_and_a_view_has_no_row_of_is_no_unknown_name(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    lakes.publish(
        root, metrics=[lakes.metric(), lakes.metric("letters")], architectures=[lakes.architecture(0)],
        proxies=[lakes.proxy(lakes.OURS, "toy")], scores=[lakes.score(0, lakes.OURS, 1.0)],
    )  # fmt: skip
    lake = pipeline.Lake(root)
    for frame in (
        lake.leaderboard("madeup", "toys"),
        lake.truth("madeup", "toys", "digits", "test_accuracy"),
        lake.correlations("madeup", proxy="toy"),
    ):
        assert frame.empty
    with pytest.raises(UserError, match="unknown benchmark of this lake 'darts': known are madeup"):
        lake.leaderboard("darts")
    with pytest.raises(UserError, match=r"did you mean test_accuracy\?$"):
        lake.truth(metric="test_acuracy")


def test_sums_are_numbers(lake: Any) -> None:
    frame = lake.sql("SELECT sum(n) AS s, sum(n)::DECIMAL(9, 2) AS d, 1::HUGEINT << 100 AS big FROM range(3) t(n)")
    assert frame.loc[0].tolist() == [3, 3.0, 2.0**100]
    assert list(map(str, frame.dtypes)) == ["Int64", "float64", "float64"]


def test_the_leaderboard_has_the_best_first_on_the_main_target(lake: Any) -> None:
    board = lake.leaderboard()
    compared = lake.sql("SELECT proxy_id, seed, rho FROM comparison WHERE metric = 'test_accuracy' AND n >= 30")
    assert board["rho"].is_monotonic_decreasing and set(board["metric"]) == {"test_accuracy"}
    assert sorted(board["rho"]) == sorted(compared["rho"]) and len(board) > 0


def test_filters_keep_what_they_name(lake: Any) -> None:
    everything, ours = lake.scores(), lake.scores(proxy="regression-toy")
    pd.testing.assert_frame_equal(ours, everything[everything["proxy"] == "regression-toy"].reset_index(drop=True))
    assert set(lake.truth("madeup", "toys", metric="test_loss")["metric"]) == {"test_loss"}
    assert set(lake.correlations(dataset="digits", proxy="regression-toy")["proxy_id"]) == {lakes.OURS}
    largest = lake.sql("SELECT max(value) AS most FROM truth WHERE metric = $metric", metric="test_accuracy")
    assert largest.at[0, "most"] == lake.truth(metric="test_accuracy")["value"].max()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda lake: lake.scores(proxy="regression-tyo"), "unknown proxy of this lake 'regression-tyo': did you mean"),
        (lambda lake: lake.truth("maddup"), "unknown benchmark of this lake 'maddup': did you mean madeup"),
        (lambda lake: lake.correlations(metric="'; DROP"), "unknown metric of this lake .*known are"),
        (lambda lake: lake.leaderboard(space="darts"), "unknown space of this lake 'darts': known are toys"),
        (lambda lake: lake.sql("SELECT $a"), "parameters without a value: give .*, in Python a=VALUE"),
        (lambda lake: pipeline.Lake(lake.path / "parts"), "no lake at .*parts"),
    ],
)
def test_what_is_not_there_is_one_line(lake: Any, call: Any, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        call(lake)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2**60 + 1, "BIGINT"), ("7", "VARCHAR"), (0.5, "DOUBLE"), (math.inf, "DOUBLE"), (True, "BOOLEAN"),
        (2**64 - 1, "UBIGINT"), (np.int64(7), "INTEGER"), (np.float32(0.5), "DOUBLE"), (np.bool_(True), "BOOLEAN"),
        (np.str_("7"), "VARCHAR"),
    ],
)  # fmt: skip
def test_a_parameter_keeps_its_value_and_its_type(lake: Any, value: float | str, kind: str) -> None:
    answer = lake.sql("SELECT $x AS x, typeof($x) AS kind", x=value)
    assert answer["x"].tolist() == [value] and answer["kind"].tolist() == [kind]


def test_times_that_python_does_not_have_are_text(lake: Any) -> None:
    frame = lake.sql("SELECT DATE '0044-03-15 (BC)' AS day, TIME '24:00:00' AS hour, 1 AS number")
    assert frame.values.tolist() == [["0044-03-15 (BC)", "24:00:00", 1]]


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_S", "TIMESTAMP_MS"])
@pytest.mark.parametrize("form", ["{}", "[{}]", "{{'a': [{}]}}", "MAP{{'a': {}}}"])
def test_an_infinite_timestamp_is_text_and_no_day_in_a_far_year(lake: Any, kind: str, form: str) -> None:
    forever = form.format(f"'infinity'::{kind}")
    found = lake.sql(f"SELECT {forever} AS t, now() AS n").at[0, "t"]
    assert "infinity" in str(found) and "29" not in str(found)
    today = lake.sql("SELECT TIMESTAMP '2020-02-03' AS t")
    assert str(today["t"].dtype).startswith("datetime64")


def test_a_parameter_may_have_the_name_of_an_argument(lake: Any) -> None:
    named = {name: name for name in ("text", "sql", "lake", "self")}
    assert lake.sql("SELECT $text AS a, $sql AS b, $lake AS c, $self AS d", **named).to_numpy().tolist() == [[*named]]


def test_a_lake_names_itself(lake: Any) -> None:
    assert repr(lake) == f"pipeline.Lake({str(lake.path)!r})" and isinstance(lake.path, Path)
