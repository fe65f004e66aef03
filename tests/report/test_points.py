"""The points that charts draw, worked out by hand."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import UserError
from pipeline.report import charts, figures, limits, searches, text
from pipeline.report.content import ReportContent
from pipeline.report.figures import cost_points
from pipeline.report.text import slugs


def ranked(label: str, rho: float, seconds: float | None, **changes: Any) -> dict[str, Any]:
    return {
        "label": label, "proxy": label, "seed": 0, "kind": "zero-cost", "rho": rho, "low": rho - 0.1, "high": rho + 0.1,
        "seconds": seconds, "few": False, "shared": True, "released": False, **changes,
    }  # fmt: skip


def test_the_front_of_cost_is_of_those_that_no_cheaper_one_equals() -> None:
    rows = [
        ranked("slow", 0.9, 5.0), ranked("equal", 0.8, 3.0), ranked("quick", 0.8, 1.0), ranked("worse", 0.3, 2.0),
        ranked("free", 0.7, None), ranked("released", 0.95, 0.5, kind="released"), ranked("few", 0.99, 0.5, few=True),
    ]  # fmt: skip
    points = [(point["name"].partition(",")[0], point["front"]) for point in cost_points(rows)]
    assert points == [("quick", True), ("worse", False), ("equal", False), ("slow", True)]


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ([], ["cost-darts-cells", "rhos-darts-cells", "rhos-toys"]),
        (["darts"], ["cost-darts-cells", "rhos-darts-cells"]),
        (["RHOS-darts", "toys"], ["rhos-darts-cells", "rhos-toys"]),
        (["Darts cells"], ["cost-darts-cells", "rhos-darts-cells"]),
    ],
)
def test_figures_are_chosen_by_a_part_of_their_name(
    chosen: list[str], names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(charts, "drawn", lambda spec: {"svg": spec["title"].encode()})
    every = {name: {"title": name} for name in ("cost-darts-cells", "rhos-darts-cells", "rhos-toys")}
    monkeypatch.setattr(figures, "figures", lambda _: every)
    report: Any = None
    drawn = figures.drawn(report, chosen, told.append)
    assert drawn == {f"figures/{name}.svg": name.encode() for name in names}
    assert told == [f"figure {number} of {len(names)}, {name}" for number, name in enumerate(names, 1)]
    with pytest.raises(UserError, match="unknown figure 'rhos-drats': did you mean"):
        figures.drawn(report, [*chosen, "rhos-drats"], told.append)
    with pytest.raises(UserError, match="unknown figure '数据': known are cost-darts-cells, "):
        figures.drawn(report, [*chosen, "数据"], told.append)  # no figure has a name of such letters


@pytest.mark.parametrize(("low", "high"), [(-1e-17, -1e-17), (-0.0, 0.0), (-0.0004, 0.0004)])
def test_nothing_is_minus_nought(low: float, high: float) -> None:
    assert text.interval({"low": low, "high": high}) == "[0.000, 0.000]"


def test_figures_of_names_that_differ_in_signs_alone_are_files_of_their_own() -> None:
    named = [("数据一", "精度"), ("数据二", "精度"), ("a-b", "c"), ("A", "b_c")]
    targets = [
        {"dataset": dataset, "metric": metric, "name": f"{dataset} {metric}", "unit": "percent",
         "leaderboard": [ranked("ours", 0.5, 1.0, proxy_id="4" * 16)]}
        for dataset, metric in named
    ]  # fmt: skip
    space = {"benchmark": "toys", "space": "a", "name": "toys a", "main": targets[0], "targets": targets}
    drawn: dict[str, Any] = {"searches": {}, "series": [], "targets": [{"truth": []}]}
    files = figures.figures(ReportContent({"spaces": [space]}, [drawn], ""))
    assert [name for name in files if len(name) < 16] == ["rhos-toys-a", "cost-toys-a"]
    assert len(files) == 2 * len(named)


def test_keys_on_the_page_are_no_two_alike_and_none_is_empty_or_that_of_a_part() -> None:
    names = [("a", "b-c"), ("a-b", "c"), ("A", "B c"), ("limits", "精"), ("精",), ("度",)]
    keys = slugs(names, taken=["limits"])
    assert len(set(keys)) == len(names) and all(keys)
    assert keys[0] == "a-b-c" and keys[1].startswith("a-b-c-") and keys[3] != "limits"
    assert keys[:3] == slugs(names[:3])


def test_a_figure_does_not_depend_on_those_that_were_drawn_before() -> None:
    svg = '<g clip-path="url(#clip{0})"/><clipPath id="clip{0}"/><clipPath id="clip{1}"/><text>clip88</text>'
    assert charts._renumbered(svg.format(88, 90)) == svg.format(0, 1)


def test_a_search_keeps_the_best_that_it_has_found_until_it_finds_a_better_one() -> None:
    scored, truth = ([1, 2, 4], [1, 3]), ([5.0, 7.0, 9.0], [4.0, 8.0])
    paths = pd.DataFrame({"scored": list(map(np.array, scored)), "truth": list(map(np.array, truth))})
    line = searches._line(paths)
    assert [(point["scored"], point["mean"]) for point in line] == [(2, 5.5), (3, 7.5), (4, 8.5)]
    assert (line[0]["low"], line[0]["high"]) == pytest.approx((4.3, 6.7))  # the tenth and the ninth decile of 4 and 7


def test_two_searches_with_one_proxy_are_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [("a1" * 8, "toy", 3), ("b2" * 8, "toy", 3), ("c3" * 8, "other", 3), ("d4" * 8, "toy", 20)]
    rows = pd.DataFrame([{"search_id": i, "label": label, "method": "evolution", "seeds": n} for i, label, n in found])
    paths = pd.DataFrame(
        [{"search_id": i, "scored": np.array([1, 2]), "truth": np.array([1.0, 2.0])} for i, *_ in found]
    )
    monkeypatch.setattr(searches, "answer_of", lambda connection, name, where: rows.copy())
    monkeypatch.setattr(searches, "answer", lambda connection, name, where: paths)
    main = dict.fromkeys(("benchmark", "space", "dataset", "metric"), "here")
    table, points = searches.searches(cast("Any", None), main)
    assert [row["label"] for row in table] == ["toy, search a1a1a1", "toy, search b2b2b2", "other", "toy"]
    assert len({point["name"] for point in points}) == 4


def test_the_highest_are_followed_and_the_number_of_parameters_beside_them() -> None:
    board = [ranked(label, 0.5, 1.0) for label in ("a", "b", "c", "d", "e", "f", "params")]
    board.insert(0, ranked("theirs", 0.9, None, released=True))
    board.insert(0, ranked("rare", 0.9, 1.0, few=True))
    assert [row["label"] for row in limits._followed(board)] == ["a", "b", "c", "d", "e", "params"]


@pytest.mark.parametrize(("limit", "value"), [(1.9, None), (2.0, 50.0), (2.9, 50.0), (3.0, 60.0), (9.0, 60.0)])
def test_a_limit_allows_what_costs_as_much(limit: float, value: float | None) -> None:
    assert limits._found({"costs": [2.0, 3.0], "found": [50.0, 60.0]}, limit) == value
