"""Networks by proxies in one call: the values of `score_network`, ranks, failures, and refusals before any score."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import pipeline
from pipeline import progress
from pipeline.api import networks as single
from pipeline.errors import UserError


class Narrow(nn.Module):
    """One feature map of a given number of channels."""

    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, width, 3, 2, 1), nn.Conv2d(width, width, 3, 2, 1)
        self.rectifier = nn.ReLU()

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [self.second(self.rectifier(self.first(images)))]


class Exploding(Narrow):
    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [super().forward(images)[0] * float("nan")]


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.proxies.zerocost.IMAGES", 4)


def test_three_networks_by_three_proxies(capsys: pytest.CaptureFixture[str]) -> None:
    architecture = pipeline.sample_architectures("nasbench201", 1)[0]
    networks: dict[str, Any] = {"two": Narrow, "eight": lambda: Narrow(8), "cell": architecture}
    table = pipeline.score_networks(networks, proxies=["params", "synflow", "naswot"], seed=3)
    assert table["proxy"].tolist() == [name for name in ("params", "synflow", "naswot") for _ in range(3)]
    assert [str(table[c].dtype) for c in ("network", "rank", "value", "higher_is_better")] == [
        "str", "Int64", "float64", "boolean"
    ]  # fmt: skip
    for row in table.itertuples():
        alone = pipeline.score_network(networks[str(row.network)], str(row.proxy), seed=3)
        assert (row.value, row.status, row.proxy_id) == (alone.value, "ok", alone.proxy_id), row
    for _, rows in table.groupby("proxy"):
        assert rows["rank"].tolist() == [1, 2, 3] and rows["value"].is_monotonic_decreasing, rows
    assert "scoring networks: 9 of 9" in capsys.readouterr().err


def test_all_zero_cost_proxies_in_one_word_and_a_proxy_named_twice_once() -> None:
    table = pipeline.score_networks({"two": Narrow}, ["zero-cost", "synflow", "synflow"]).set_index("proxy")
    assert len(table) == table.index.nunique() == 19 and (table["seconds"] >= 0).all()
    blockwise = table.loc[["az_expressivity", "az_progressivity", "az_trainability"]]
    assert set(blockwise["status"]) == {"failed"} and blockwise["reason"].str.contains("names no blocks").all()


def test_equals_share_a_rank_and_a_failure_has_none_and_is_last() -> None:
    table = pipeline.score_networks({"broken": Exploding, "a": Narrow, "b": Narrow}, ["grad_norm"])
    assert table["network"].tolist() == ["a", "b", "broken"]
    assert table["rank"].tolist()[:2] == [1, 1] and table["rank"].isna().tolist() == [False, False, True]
    assert table["status"].tolist() == ["ok", "ok", "failed"] and table.at[2, "reason"] and table["value"].isna().at[2]


@pytest.mark.parametrize(
    ("networks", "proxies", "says"),
    [
        ({}, ["synflow"], "a mapping of names to networks, with at least one"),
        ([Narrow], ["synflow"], "a mapping of names"),
        ({"a": Narrow}, [], "names of proxies in a list"),
        ({"a": Narrow}, "synflow", "names of proxies in a list"),
        ({"a": Narrow}, ["synflow", "nsawot"], "unknown proxy 'nsawot': did you mean naswot"),
        ({"a": Narrow, "odd": 7}, ["params"], "network 'odd': a network is a torch module .* not int"),
        ({"a": Narrow}, ["params", "regression-n101"], "network 'a': Narrow gives 1 feature map, .* 3 stages"),
        ({"a": Narrow}, ["params", "az_trainability"], "network 'a': az_trainability looks at a network's blocks"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_before_anything_is_scored(
    networks: Any, proxies: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single, "scores_of", lambda *_: pytest.fail("scored"))
    with pytest.raises(UserError, match=says):
        pipeline.score_networks(networks, proxies)


@pytest.mark.parametrize(("widgets", "drawn"), [(object(), "terminal"), (None, "lines")])
def test_a_notebook_gets_a_bar_where_it_can_draw_one(
    widgets: object, drawn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: widgets)
    chosen: list[str] = []

    def recorded(name: str) -> Any:
        @contextlib.contextmanager
        def bar(*_: Any) -> Iterator[progress.Advance]:
            chosen.append(name)
            yield lambda more: None

        return bar

    for name in ("terminal", "lines"):
        monkeypatch.setattr(progress, f"_{name}", recorded(name))
    with progress.progress("scoring", 1) as advance:
        advance(1)
    assert chosen == [drawn]


def test_a_seed_may_be_a_number_of_numpy() -> None:
    seed: Any = np.int64(3)
    (architecture,) = pipeline.sample_architectures("nasbench201", 1, seed=3)
    assert pipeline.sample_architectures("nasbench201", 1, seed=seed) == [architecture]
    score = pipeline.score_network(architecture, "naswot", seed=3).value
    assert pipeline.score_network(architecture, "naswot", seed=seed).value == score
    assert pipeline.score_networks({"one": architecture}, ["naswot"], seed=seed)["value"].tolist() == [score]


def test_names_in_an_array_are_names_and_what_is_no_list_of_them_is_one_line() -> None:
    odd: Any = np.array(["params", "params"])
    network: Any = nn.Sequential(nn.Identity())
    assert pipeline.tapped(network, np.array(["0"])).names == ("0",)  # type: ignore[arg-type]
    (architecture,) = pipeline.sample_architectures("nasbench201", 1)
    assert pipeline.score_networks({"one": architecture}, odd)["proxy"].tolist() == ["params"]
    names: list[tuple[Any, str]] = [(7, "in a list"), (None, "in a list"), (np.array("params"), "in a list")]
    for proxies, says in (*names, ([["params"]], r"the proxy is \['params'\]")):
        with pytest.raises(UserError, match=says):
            pipeline.score_networks({"one": architecture}, proxies)
    for taps, says in names:
        with pytest.raises(UserError, match=says):
            pipeline.tapped(network, taps)
    with pytest.raises(UserError, match="the network is None, where a torch module is expected"):
        pipeline.tapped(names[1][0], ["0"])
    with pytest.raises(UserError, match=r"the scores are <array of int64, shape .*where a sequence"):
        pipeline.correlate(np.array(1), [1.0])  # type: ignore[arg-type]


def test_architectures_are_members_of_sets() -> None:
    sample = pipeline.sample_architectures("nasbench201", 3)
    assert {*sample, *pipeline.sample_architectures("nasbench201", 2)} == set(sample)
