"""The numbers in the documents are those of data/scores and of published ground truth."""

from __future__ import annotations

import contextlib
import copy
import csv
import importlib.metadata
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from reports.results import __main__ as generator
from reports.results import collect, lake, left_out, overview, picture, ranked, render
from reports.results.__main__ import RESULTS
from reports.results.ranked_view import RELEASED_VARIANT, RankedView
from reports.results.spaces import RANKED, SPACES, OverviewSpace, Target

Row = dict[str, Any]


@pytest.fixture(scope="module")
def results() -> Row:
    found: Row = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def test_the_documents_say_what_the_results_are(results: Row) -> None:
    for path, text in render.documents(results).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is not as `make results` writes it"


def test_the_results_are_those_of_the_stored_scores(results: Row) -> None:
    assert results["scores_sha256"] == collect.scores_sha256(), "data/scores has changed: run `make results DATA=...`"


def test_the_picture_shows_the_results(results: Row) -> None:
    """With the vl-convert-python that the project pins; another one may draw another line of pixels.

    What is coloured is compared, all marks: letters, which are grey, have the pixels of the machine's fonts.
    """
    version = importlib.metadata.version("vl-convert-python")
    if f"vl-convert-python=={version}\n" not in (render.ROOT / "constraints.txt").read_text(encoding="utf-8"):
        pytest.skip(f"vl-convert-python {version} is not the one of constraints.txt")
    stored, drawn = map(coloured, (picture.PICTURE.read_bytes(), picture.drawn(results)))
    assert stored.shape == drawn.shape and np.array_equal(stored, drawn)


def coloured(png: bytes) -> npt.NDArray[np.uint8]:
    """The picture without its grey pixels: [height, width, 3]."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    return pixels * (np.ptp(pixels, axis=2) > 0)[..., None]


def test_a_finding_that_no_longer_holds_is_not_written(results: Row) -> None:
    changed = copy.deepcopy(results)
    for row in changed["few_labels"]:
        if row["benchmark"] == "nasbench101" and row["method"] == "mixed":
            row["difference_low"] = 0.01
    with pytest.raises(render.ClaimError, match="20 labels are not shown"):
        render.documents(changed)


def test_every_published_figure_stands_in_the_results_with_its_address(results: Row) -> None:
    with (render.ROOT / "queries" / "seeds" / "published.csv").open(newline="", encoding="utf-8") as file:
        seed = {row["figure"]: row for row in csv.DictReader(file)}
    text = (render.ROOT / "RESULTS.md").read_text(encoding="utf-8")
    stated = {row["figure"]: (row["published_rho"], row["address"]) for row in results["published"]}
    assert stated == {figure: (float(row["rho"]), row["address"]) for figure, row in seed.items()}
    assert all(f"({row['address']})" in text for row in seed.values())


def test_no_row_of_the_results_is_there_twice(results: Row) -> None:
    """A lake that was made before may hold searches and evaluations of other scores."""
    names = ("benchmark", "space", "dataset", "metric", "proxy", "half", "terms", "method", "labels_given", "draw")
    for table in (name for name, rows in results.items() if isinstance(rows, list)):
        further = ("figure", "other", "other_dataset", "other_metric", "family", "share", "file_name")
        keys = [tuple(row.get(name) for name in (*names, *further)) for row in results[table]]
        assert len(keys) == len(set(keys)), table


def test_every_ranking_stands_in_its_section(results: Row) -> None:
    text = (render.ROOT / "RESULTS.md").read_text(encoding="utf-8")
    for benchmark in RANKED:
        section = text.partition(f"\n## {benchmark.title}\n")[2].partition("\n## ")[0]
        lines = {line.split("`")[1]: line for line in section.splitlines() if line.startswith("| `")}
        rows = [row for row in results["ranked"] if row["benchmark"] == benchmark.name]
        assert rows
        for row in (row for row in rows if RELEASED_VARIANT not in row["proxy"]):
            assert f" {render.number(row['rho'])} [{render.number(row['low'])}, " in lines[row["proxy"]], row


def test_a_ranking_of_few_architectures_says_so_and_leads_nothing(results: Row) -> None:
    changed = copy.deepcopy(results)
    changed["ranked"] = [
        {
            "benchmark": "flexibert", "space": "encoders", "dataset": "glue", "metric": "score", "proxy": name,
            "kind": kind, "n": n, "n_failed": failed, "rho": rho, "low": rho, "high": rho, "seconds": seconds,
            "device": device,
        }
        for name, kind, n, failed, rho, seconds, device in (
            ("params", "zero-cost", 200, 0, 0.7, 0.07, "cpu"),
            ("depth", "zero-cost", 190, 10, 0.8, 0.071, "cpu"),
            ("generic", "aggregate", 18, 0, 0.95, 29.4, "a card"),
            ("confidence@others", "released", 334, 0, 0.75, None, None),
        )
    ]  # fmt: skip
    view = RankedView(changed)
    assert view.usual("flexibert", "encoders") == 200
    leader = view.leader("flexibert", "encoders", "glue")
    assert leader and leader["proxy"] == "depth"
    assert view.proxies("flexibert") == ["generic", "depth", "confidence@others", "params"]
    noted = {name: render.certain(view.noted(view.cell("flexibert", "encoders", "glue", name), 200)) for name in (
        "params", "depth", "generic", "confidence@others")}  # fmt: skip
    assert noted["params"] == "0.700 [0.700, 0.700]"
    assert noted["depth"].endswith("(10 failed)")
    assert noted["generic"].endswith("(n = 18)") and noted["confidence@others"].endswith("(n = 334)")
    seconds = [view.seconds("flexibert", name) for name in ("depth", "generic", "confidence@others")]
    assert seconds == ["0.07", "29 (a card)", ""]


def test_frames_are_compared_on_the_cells_that_both_have() -> None:
    cells = [f"cell {number:02}" for number in range(40)]
    truths = [float(number) for number in range(40)]
    reversed_half = [*reversed(truths[:20]), *truths[20:]]
    main = {"proxy": "synflow", "specs": cells, "scores": reversed_half, "truths": truths}
    other = {"proxy": "synflow", "specs": cells[20:], "scores": truths[20:], "truths": truths[20:]}
    few = {"proxy": "params", "specs": cells[:5], "scores": truths[:5], "truths": truths[:5]}
    pairs: dict[tuple[str, str], list[Row]] = {
        ("darts", "cells"): [main, few], ("darts", "cells-36-20"): [other], ("darts", "single-cell"): [few],
    }  # fmt: skip
    [row] = ranked.frames(pairs)
    assert (row["other"], row["n"], row["rho"], row["rho_in_main"]) == ("cells-36-20", 20, 1.0, 1.0)
    assert row["agree"] == 1.0 and row["difference"] == [0.0, 0.0, 0.0]


def test_the_overview_averages_over_the_tasks_of_a_space_and_then_over_spaces() -> None:
    architectures = [f"{number:03}" for number in range(100)]
    truths = [float(number) for number in range(100)]
    backwards = truths[::-1]

    def pair(scores: list[float], fewest: int = 0) -> Row:
        return {"arch_ids": architectures[fewest:], "scores": scores[fewest:], "truths": truths[fewest:]}

    target = Target("", "", "")
    spaces = {
        OverviewSpace("a", "", "A", (target, target), chosen_on=True): [
            {"generic": pair(truths), "params": pair(truths), "few": pair(truths)},
            {"generic": pair(truths), "params": pair(backwards), "few": pair(truths)},
        ],
        OverviewSpace("b", "", "B", (target,)): [
            {"generic": pair(truths), "params": pair(backwards, 5), "few": pair(truths, 50)},
        ],
    }
    rule, params = overview.averaged(spaces)
    assert (rule["proxy"], params["proxy"], params["lowest_in"]) == ("generic", "params", "B")
    assert rule["mean"] == pytest.approx([1, 1, 1]) and rule["rule_minus_proxy"] == [0, 0, 0]
    assert params["rhos"] == pytest.approx({"A": 0, "B": -1}) and params["lowest"] == pytest.approx(-1)
    assert params["mean"] == pytest.approx([-0.5] * 3) and params["elsewhere"] == pytest.approx([-1] * 3)
    assert params["rule_minus_proxy"] == pytest.approx([1.5] * 3)
    assert params["rule_minus_proxy_elsewhere"] == pytest.approx([2] * 3)


def test_a_sum_is_chosen_without_the_space_that_it_is_judged_on() -> None:
    """`other` ranks A, B and C, and D backwards; `one` the reverse. Chosen on A, B and C it is `other` that D gets."""
    truths = [float(number) for number in range(100)]
    backwards, shuffled = truths[::-1], [truths[37 * number % 100] for number in range(100)]

    def targets(one: list[float], other: list[float]) -> list[dict[str, Row]]:
        scores = {"generic": truths, "regression-fast": shuffled, "one": one, "other": other, "few": truths[:50]}
        return [
            {
                name: {"arch_ids": range(len(values)), "scores": values, "truths": truths[: len(values)]}
                for name, values in scores.items()
            }
        ]

    spaces = {
        OverviewSpace(title, "", title, (Target("", "", ""),), chosen_on=title == "A"): pairs
        for title, pairs in [
            *((title, targets(backwards, truths)) for title in "ABC"),
            ("D", targets(truths, backwards)),
        ]
    }
    *rows, means = left_out.chosen_elsewhere(spaces, ["one", "other", "few", "missing"])
    assert [row["chosen"] for row in rows] == ["other"] * 4
    ranked_well, rejected = rows[0]["rho"], rows[3]["rho"]
    assert rejected[1] < rejected[0] < rejected[2] < 0 < ranked_well[0] == pytest.approx(rows[3]["others"])
    assert rows[3]["rule"] == pytest.approx([1, 1, 1])
    assert means["rho"][0] == pytest.approx((3 * ranked_well[0] + rejected[0]) / 4)
    assert means["elsewhere"][0] == pytest.approx((2 * ranked_well[0] + rejected[0]) / 3)


@pytest.mark.parametrize("same", [True, False])
def test_tuning_is_kept_while_what_it_rests_on_is_the_same(same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    basis = [{"benchmark": "nasbench201", "scores": "1"}]
    monkeypatch.setattr(lake, "gather", lambda data: None)
    monkeypatch.setattr(lake, "connect", lambda root: contextlib.nullcontext())
    monkeypatch.setattr(ranked, "tables", lambda connection: {})
    monkeypatch.setattr(overview, "overview", lambda connection: [])
    monkeypatch.setattr(left_out, "left_out", lambda connection: [])
    for name in ("sources", "correlations", "top_tenth", "differences", "rule", "published"):
        monkeypatch.setattr(collect, name, lambda connection: [])
    monkeypatch.setattr(collect, "basis", lambda connection: basis)
    monkeypatch.setattr(generator, "tuned", lambda root: dict.fromkeys(generator.TUNED, "anew"))
    earlier = {**dict.fromkeys(generator.TUNED, "earlier"), "basis": basis if same else []}
    computed = generator.compute(Path("data"), Path("lake"), earlier)
    assert {computed[name] for name in generator.TUNED} == {"earlier" if same else "anew"}


def test_a_block_is_replaced_between_its_markers_alone() -> None:
    text = "a <!-- results:begin n -->1<!-- results:end n --> b\n<!-- results:begin m -->\nx\n<!-- results:end m -->\n"
    once = render.replaced(render.replaced(text, "n", "22"), "m", "y\nz")
    assert once == text.replace("1<", "22<").replace("\nx\n", "\ny\nz\n")
    with pytest.raises(ValueError, match="markers of the block o"):
        render.replaced(text, "o", "1")


@pytest.mark.slow
def test_the_results_follow_from_published_files_and_stored_scores(results: Row, shared: Path, tmp_path: Path) -> None:
    """All correlations and differences, the first draws of the labels, and one search of each space."""
    with lake.chosen(tmp_path / "lake"):
        lake.gather(shared)
        with lake.connect(tmp_path / "lake") as connection:
            assert results["scores"] == collect.count()
            assert results["sources"] == collect.sources(connection)
            assert_equal(results["correlations"], collect.correlations(connection), 1e-6)
            assert_equal(results["differences"], collect.differences(connection), 1e-6)
            assert_equal(results["rule"], collect.rule(connection), 1e-6)
            assert_equal(results["overview"], overview.overview(connection), 1e-6)
            assert_equal(results["left_out"], left_out.left_out(connection), 1e-6)
            assert_equal(results["published"], collect.published(connection), 1e-6)
            for name, table in ranked.tables(connection).items():
                assert_equal(results[name], table, 1e-6)
        judged = [one for space in SPACES for one in lake.evaluate(space, collect.CHECKED_DRAWS)]
        searched = [lake.search_stored(space, space.trained, "random") for space in SPACES]
        with lake.connect(tmp_path / "lake") as connection:
            assert_equal(results["draws"], collect.draws(connection, judged), 1e-3)
            searches = collect.searches(connection, searched)
    trained = {(space.benchmark, space.trained, "random") for space in SPACES}
    kept = [row for row in results["searches"] if (row["benchmark"], row["proxy"], row["method"]) in trained]
    assert_equal(kept, searches, 1e-6)


def assert_equal(stored: list[Row], computed: list[Row], tolerance: float) -> None:
    """The same rows in the same order, numbers within a tolerance."""
    assert len(stored) == len(computed)
    for one, other in zip(stored, computed, strict=True):
        (text, numbers), (other_text, other_numbers) = spread(one), spread(other)
        assert text == other_text
        assert numbers == pytest.approx(other_numbers, abs=tolerance, rel=0), text


def spread(row: Row) -> tuple[Row, dict[str, float]]:
    """The text and the numbers of a row, those in dictionaries and lists under keys of their own."""
    text, numbers = Row(), dict[str, float]()
    for key, value in row.items():
        if isinstance(value, dict | list | tuple):
            inner = value if isinstance(value, dict) else dict(enumerate(value))
            more_text, more_numbers = spread({f"{key}.{name}": member for name, member in inner.items()})
            text, numbers = {**text, **more_text}, {**numbers, **more_numbers}
        elif isinstance(value, int | float):
            numbers[key] = value
        else:
            text[key] = value
    return text, numbers
