"""The numbers in the documents are those of data/scores and of published ground truth."""

from __future__ import annotations

import copy
import csv
import importlib.metadata
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reports.results import collect, lake, picture, ranked, render
from reports.results.__main__ import RESULTS
from reports.results.spaces import SPACES

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
    """With the vl-convert-python that the project pins; another one may draw another line of pixels."""
    version = importlib.metadata.version("vl-convert-python")
    if f"vl-convert-python=={version}\n" not in (render.ROOT / "constraints.txt").read_text(encoding="utf-8"):
        pytest.skip(f"vl-convert-python {version} is not the one of constraints.txt")
    stored, drawn = (
        np.asarray(Image.open(io.BytesIO(png))) for png in (picture.PICTURE.read_bytes(), picture.drawn(results))
    )
    assert stored.shape == drawn.shape and np.array_equal(stored, drawn)


def test_a_finding_that_no_longer_holds_is_not_written(results: Row) -> None:
    changed = copy.deepcopy(results)
    for row in changed["few_labels"]:
        if row["benchmark"] == "nasbench101" and row["method"] == "mixed":
            row["rho"] = 0.7
    with pytest.raises(render.ClaimError, match="20 labels"):
        render.documents(changed)


def test_every_published_figure_stands_in_the_results_with_its_address(results: Row) -> None:
    with (render.ROOT / "queries" / "seeds" / "published.csv").open(newline="", encoding="utf-8") as file:
        seed = {row["figure"]: row for row in csv.DictReader(file)}
    text = (render.ROOT / "RESULTS.md").read_text(encoding="utf-8")
    stated = {row["figure"]: (row["published_rho"], row["address"]) for row in results["published"]}
    assert stated == {figure: (float(row["rho"]), row["address"]) for figure, row in seed.items()}
    assert all(f"({row['address']})" in text for row in seed.values())


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
