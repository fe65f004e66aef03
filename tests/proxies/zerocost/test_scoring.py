"""The bundle of zero-cost proxies through the pipeline: one row per proxy, nothing twice, failures as rows."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from pipeline import benchmarks, proxies
from pipeline.benchmarks.nasbench201.network import features
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.networks.features import trained_parameters
from pipeline.proxies import arithmetic, zerocost
from pipeline.proxies.zerocost import shared_results
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan
from tests.fixtures.command import exit_code
from tests.fixtures.lake_content import rows

SMALL = {"channels": [8, 8, 8, 8, 8]}
NOTHING = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zerocost, "IMAGES", 16)


@pytest.fixture
def sizes(lake: Path) -> Path:
    """A lake of two architectures of the size space."""
    batch = SourceRows("nasbench201")
    for last in (8, 16):
        batch.add_architecture("size", {"channels": [8, 8, 8, 8, last]}, str(last))
    rows = batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16})
    Lake(lake, create=True).publish("nasbench201", "ingest-made-up", {"architectures": rows.to_pylist()})
    return lake


def plan(proxy: str, space: str = "size", seed: int = 0) -> Plan:
    return Plan("nasbench201", space, proxy, None, seed, "cpu")


def values(lake: Path) -> dict[tuple[str, str], float]:
    names = {r["proxy_id"]: r["name"] for r in rows(lake, "proxies")}
    return {(r["arch_id"], names[r["proxy_id"]]): r["value"] for r in rows(lake)}


def build() -> torch.nn.Module:
    return features(SMALL)


def test_a_bundle_stores_one_row_per_proxy_and_a_second_run_nothing(
    sizes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["score", "nasbench201", "--space", "size", "--lake", str(sizes), "--workers", "1", "--device", "cpu"]
    assert exit_code(*command, "--proxy", "zero-cost") == 0
    said = capsys.readouterr().out
    assert f"zero-cost ({len(zerocost.USES)} proxies): {2 * len(zerocost.USES)} ok" in said
    stored = values(sizes)
    assert {name for _, name in stored} == set(zerocost.USES) and len(rows(sizes)) == 2 * len(zerocost.USES)
    assert {r["status"] for r in rows(sizes)} == {"ok"} and all(r["seconds"] >= 0 for r in rows(sizes))
    again = score.run(sizes, plan("zero-cost"), workers=1)
    assert (again.before, again.scored) == (2 * len(zerocost.USES), 0)
    assert score.run(sizes, plan("synflow"), workers=1).scored == 0
    truth = {r["arch_id"]: r["spec"] for r in rows(sizes, "architectures")}
    for arch_id, spec in truth.items():
        whole = trained_parameters(features, {"channels": [8, 8, 8, 8, 16 if "16" in spec else 8]}, 10)
        assert stored[arch_id, "params"] == whole


def test_a_bundle_that_is_half_stored_computes_what_is_missing(sizes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = score.run(sizes, plan("snip"), sample=1, workers=1)
    assert (alone.asked, alone.scored, alone.line[:6]) == (1, 1, "snip: ")
    score.run(sizes, plan("random"), workers=1)
    before = {(r["arch_id"], r["proxy_id"]): r["run_id"] for r in rows(sizes)}
    asked: list[set[str]] = []
    scores = zerocost._BundleScorer._scores

    def watched(self: Any, *arguments: Any) -> Any:
        asked.append(set(arguments[-1]))
        return scores(self, *arguments)

    monkeypatch.setattr(zerocost._BundleScorer, "_scores", watched)
    done = score.run(sizes, plan("zero-cost"), workers=1)
    assert (done.before, done.scored) == (3, 2 * len(zerocost.USES) - 3)
    assert sorted(len(set(zerocost.USES) - names) for names in asked) == [1, 2]
    kept = {(r["arch_id"], r["proxy_id"]): r["run_id"] for r in rows(sizes)}
    assert len(kept) == len(rows(sizes)) and kept.items() >= before.items()
    assert score.run(sizes, plan("snip", seed=1), sample=1, workers=1).before == 0  # another seed is another score


def test_a_proxy_alone_gives_the_bits_that_it_gives_in_the_bundle() -> None:
    bundle = zerocost.load(zerocost.BUNDLE)
    together = bundle.score(build, "a", 0, "cpu", [p.proxy_id for p in bundle.proxies])
    for proxy in bundle.proxies:
        torch.manual_seed(99)
        assert proxy.score(build, "a", 0, "cpu") == together[proxy.proxy_id][0], proxy.name
    assert bundle.proxies[5].score(build, "b", 0, "cpu") != together[bundle.proxies[5].proxy_id][0]
    assert {p.name: p.proxy_id for p in bundle.proxies} == {
        name: zerocost.load(name).proxies[0].proxy_id for name in zerocost.USES
    }


def test_what_is_shared_counts_for_each_that_uses_it_and_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(shared_results, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    costs = shared_results.SharedResults()

    def takes(seconds: float, *needs: Callable[[], object]) -> None:
        for need in needs:
            need()
        clock.now += seconds

    def forward() -> None:
        costs.get("forward", lambda: takes(10))

    def backward() -> None:
        costs.get("backward", lambda: takes(20, forward))

    def breaks() -> None:
        takes(5, forward)
        raise KeyError("nothing")

    def broken() -> None:
        costs.get("broken", breaks)

    assert costs.timed(lambda: takes(1, backward))[2] == 31
    assert costs.timed(lambda: takes(2, forward))[2] == 12
    assert costs.timed(lambda: takes(3, forward, backward))[2] == 33
    for _ in range(2):
        _, error, seconds = costs.timed(broken)
        assert isinstance(error, KeyError) and seconds == 15
    assert clock.now == 41


def test_a_network_without_any_edge_fails_with_reasons() -> None:
    bundle = zerocost.load(zerocost.BUNDLE)
    ids = {p.proxy_id: p.name for p in bundle.proxies}
    found = bundle.score(lambda: features({"cell": NOTHING}), "a", 0, "cpu", list(ids))
    failed = {ids[i]: s.reason for i, (s, _) in found.items() if s.status != "ok"}
    assert {"jacov", "epe_nas", "zen", "naswot"} <= set(failed) and all(failed.values())
    ok = {ids[i]: s.value for i, (s, _) in found.items() if s.status == "ok"}
    assert ok["params"] == trained_parameters(features, {"cell": NOTHING}, 10)
    assert ok["snip"] is not None and ok["snip"] >= 0
    assert all((s.value is None) == (s.status != "ok") for s, _ in found.values())


def test_a_network_that_cannot_be_built_is_so_for_every_proxy() -> None:
    def broken() -> torch.nn.Module:
        raise KeyError("no such operation")

    bundle = zerocost.load(zerocost.BUNDLE)
    found = bundle.score(broken, "a", 0, "cpu", [p.proxy_id for p in bundle.proxies])
    status = {p.name: found[p.proxy_id][0] for p in bundle.proxies}
    assert status.pop("random").status == "ok"
    assert {s.status for s in status.values()} == {"unbuildable"}
    assert all("no such operation" in (s.reason or "") for s in status.values())


def test_the_configuration_holds_what_changes_the_number() -> None:
    def ids(images: str | None) -> dict[str, str]:
        return {p.name: p.proxy_id for p in zerocost.load(zerocost.BUNDLE, images).proxies}

    one, other = ids(None), ids("noise")
    assert {name for name in one if one[name] != other[name]} == {
        name for name, uses in zerocost.USES.items() if "images" in uses
    }
    assert len(set(one.values())) == len(one)


def test_unknown_names_suggest_and_sequences_are_refused(sizes: Path) -> None:
    with pytest.raises(UserError, match="unknown proxy 'synfow': did you mean synflow"):
        proxies.load("synfow")
    with pytest.raises(UserError, match="unknown proxy 'zerocost': did you mean zero-cost"):
        proxies.load("zerocost")
    with pytest.raises(
        UserError, match=r"synflow is for networks that take images.*choose.* grad_norm.* regression-nlp"
    ):
        score.run(sizes, Plan("nasbench_nlp", "cells", "synflow", None, 0, "cpu"))
    with pytest.raises(UserError, match=r"layer1_hidden_covariance is for networks that take sequences.*choose.* zico"):
        score.run(sizes, plan("layer1_hidden_covariance"))


def test_identities_do_not_change_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change here means: other numbers under the same name. Raise zerocost.VERSION and say so in CHANGELOG."""
    monkeypatch.setattr(zerocost, "IMAGES", 64)
    golden = {"params": "f7c47218dd9240ca", "synflow": "7191a42d817554d5", "snip": "b74e91d1d5d18860"}
    assert {name: zerocost.load(name).proxies[0].proxy_id for name in golden} == golden
    assert zerocost.load("vkdnw").proxies[0].version == 2  # version 1 was wrong where activations compute in place


ONE_CONVOLUTION = NOTHING.replace("none~0|none~1|none~2", "nor_conv_3x3~0|none~1|none~2")
DIAMOND = {
    "adjacency": "0110" + "0001" * 2 + "0000",
    "operations": ["input", "conv3x3-bn-relu", "maxpool3x3", "output"],
}
EDGES = [["conv_1x1", 0], ["skip_connect", 1]]
CELLS = {"normal": EDGES, "reduce": EDGES, "normal_concat": [2], "reduce_concat": [2], "width": 4, "depth": 3}
STAGES = {
    **{"block_type": "res_basic_block", "ds": [1] * 4, "ws": [8, 8, 16, 24], "ss": [1, 1, 2, 2]},
    **{"num_gs": [], "bot_muls": []},
}


@pytest.mark.parametrize(
    ("benchmark", "space", "spec", "channels"),
    [
        ("nds", "darts", CELLS, 16),
        ("nds", "resnet", STAGES, 24),
        ("nasbench201", "topology", {"cell": ONE_CONVOLUTION}, 64),
        ("nasbench201", "size", SMALL, 8),
        ("nasbench101", None, DIAMOND, 64),
    ],
)
def test_features_are_the_whole_network_less_its_head(
    benchmark: str, space: str | None, spec: dict[str, Any], channels: int
) -> None:
    bench = benchmarks.load(benchmark)
    assert bench.features is not None
    built = bench.features(bench.space(space).name, spec)
    found: list[torch.Tensor] = []
    blocks: Any = built.blocks
    for block in blocks:
        block.register_forward_hook(lambda *called: found.append(called[2]))
    pooled = built(torch.randn(2, 3, 32, 32))
    assert pooled.shape == (2, channels, 8, 8) and built.channels == channels
    assert [f.shape[0] for f in found] == [2] * len(blocks)
    if benchmark == "nasbench201":
        count = sum(p.numel() for p in built.parameters()) + (channels + 1) * 10
        assert count == trained_parameters(features, spec, 10)


def test_a_card_computes_float32_as_ieee_says_whatever_ran_before(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def exact(device: str) -> torch.device:
        asked.append(device)
        return torch.device("cpu")

    monkeypatch.setattr(arithmetic, "exact", exact)
    (proxy,) = zerocost.load("params").proxies
    found = proxy.score(lambda: features(SMALL), "a", 0, "cuda")
    assert found.status == "ok" and asked == ["cuda"]
