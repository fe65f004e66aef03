"""`generic`: its parts are scored where they are missing, each stored by itself, and the sum is defined."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats

from pipeline import benchmarks, catalog, proxies
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.cli import application as cli
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates, zerocost
from pipeline.proxies.aggregates import generic
from pipeline.scoring import generic as stage
from pipeline.scoring.plan import Plan, sampled

FORM = """
name = "generic"
[[terms]]
proxy = "params"
transform = "log-rank"
weight = 4.0
[[terms]]
proxy = "logsynflow"
transform = "log-rank"
seeds = 2
failed = "last"
"""


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zerocost, "IMAGES", 16)


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that needs no training."""
    monkeypatch.setattr(generic, "FOLDER", tmp_path / "forms")
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "images.toml").write_text(FORM)


@pytest.fixture
def sizes(lake: Path) -> Path:
    """A lake of five architectures of the size space."""
    batch = SourceRows("nasbench201")
    for last in (8, 16, 24, 32, 40):
        batch.add_architecture("size", {"channels": [8, 8, 8, 8, last]}, str(last))
    rows = batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16})
    Lake(lake, create=True).publish("nasbench201", "ingest-made-up", {"architectures": rows.to_pylist()})
    return lake


def command(lake: Path, *more: str) -> None:
    words = ["score", "nasbench201", "--space", "size", "--lake", str(lake), "--executor", "inline", *more]
    with pytest.raises(SystemExit, match="0"):
        cli.main(words)


def scores(lake: Path) -> dict[tuple[str, int], dict[str, float]]:
    sql = "SELECT name, seed, arch_id, value FROM every_score JOIN proxies USING (proxy_id)"
    by_proxy: dict[tuple[str, int], dict[str, float]] = {}
    for row in catalog.run_sql(Lake(lake), sql).to_pylist():
        by_proxy.setdefault((row["name"], row["seed"]), {})[row["arch_id"]] = row["value"]
    return by_proxy


def log_ranks(values: list[float]) -> Any:
    return np.log(stats.rankdata(values) / len(values))


@pytest.mark.usefixtures("short")
def test_the_default_scores_what_is_missing_and_adds_it_up(sizes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(sizes, "--sample", "3")
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "generic: 3 ok, from the stored scores of nasbench201 size"
    command(sizes, "--sample", "3")
    again = capsys.readouterr().out.splitlines()
    assert [line.endswith("nothing to do") for line in again] == [True, True, True, False]
    stored = scores(sizes)
    assert set(stored) == {("params", 0), ("logsynflow", 0), ("logsynflow", 1), ("generic", 0)}
    ids = list(stored["generic", 0])
    both = [(stored["logsynflow", 0][a] + stored["logsynflow", 1][a]) / 2 for a in ids]
    expected = 4 * log_ranks([stored["params", 0][a] for a in ids]) + log_ranks(both)
    assert [stored["generic", 0][a] for a in ids] == pytest.approx(expected, abs=1e-12)


@pytest.mark.usefixtures("short")
def test_a_larger_sample_scores_only_the_rest_and_the_sample_has_a_seed_of_its_own(sizes: Path) -> None:
    command(sizes, "--sample", "2")
    command(sizes, "--sample", "3", "--seed", "1")
    first, more = sampled(Lake(sizes), "nasbench201", "size", 0, 2), sampled(Lake(sizes), "nasbench201", "size", 0, 3)
    stored = scores(sizes)
    assert set(stored["generic", 0]) == set(first) and set(stored["generic", 1]) == set(more)
    assert {seed for name, seed in stored if name == "logsynflow"} == {0, 1, 2, 3}  # two for each seed of the sum
    command(sizes, "--sample", "3", "--seed", "0", "--sample-seed", "7")
    others = sampled(Lake(sizes), "nasbench201", "size", 7, 3)
    assert set(scores(sizes)["generic", 0]) == {*first, *others}


@pytest.mark.usefixtures("short")
def test_a_part_that_is_not_defined_is_told_before_anything_is_scored(
    sizes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = benchmarks.load("nasbench201")
    featureless = replace(whole, features=None)
    monkeypatch.setattr(benchmarks, "load", lambda name: featureless)
    plan = Plan("nasbench201", "size", "generic", None, 0, "cpu")
    with pytest.raises(UserError, match="generic is not defined on nasbench201, as params is not: "):
        list(stage.run(sizes, plan, sample=2))
    assert Lake(sizes).read("scores", "nasbench201").num_rows == 0
    with pytest.raises(UserError, match="no form for networks that take graphs; it has one for images"):
        generic.form("graphs")


def test_the_shipped_forms_name_what_is_shipped_and_are_pinned_to_the_images() -> None:
    for inputs in ("images", "sequences"):
        whole = generic.form(inputs)
        assert whole.name == aggregates.GENERIC and aggregates.recognised(whole.name)
        assert {term.proxy for term in whole.terms} <= set(proxies.fitting(inputs))
    patches, noise = (generic.pinned("images", images) for images in (None, "noise"))
    assert patches.images and patches.images["kind"] == "synthetic-patches"
    assert len({patches.proxy_id, noise.proxy_id, generic.form("images").proxy_id}) == 3
    assert [part.names for part in generic.parts(patches)][-1] == ("regression-fast",)
    with pytest.raises(UserError, match="defined in a lake, and not scored"):
        proxies.load("generic")


def test_the_file_beside_the_scores_of_the_repository_is_generic_on_their_images() -> None:
    data = Path(__file__).parents[2] / "data"
    whole = aggregates.load(str(data / "generic-cifar10.toml"))
    assert [term.model_copy(update={"proxy_id": None}) for term in whole.terms] == list(generic.form("images").terms)
    tables = [pq.read_table(path) for path in (data / "scores" / "parts" / "nasbench201").glob("*/proxies.parquet")]
    stored = {row["proxy_id"]: row for table in tables for row in table.to_pylist()}
    for term in whole.terms:
        row = stored[term.proxy_id]
        assert row["name"] == term.proxy
        assert json.loads(row["configuration"]).get("images", whole.images)["kind"] == "cifar10"
    assert whole.proxy_id == "c2ced9164208ccae"  # as where the images are at hand


def test_a_seed_whose_seeds_no_lake_holds_is_refused() -> None:
    assert generic.Part("p", (), 2).seeds_of(2**62 - 1) == range(2**63 - 2, 2**63)
    with pytest.raises(UserError, match=f"the last seed of p with --seed {2**62} is {2**63 + 1}"):
        generic.Part("p", (), 2).seeds_of(2**62)
