"""The Python API: a user's networks get the scores that the pipeline would give, and errors say what to do."""

import json
import math
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import pipeline
from pipeline import catalog
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies.regression import presets
from pipeline.scoring import run as score
from pipeline.scoring.plan import Plan
from tests.fixtures import lakes
from tests.fixtures.command import exit_code

ROOT = Path(__file__).parents[2]
STAGE = '[[stages]]\nchannels = 4\n[[stages.signals]]\nkind = "dot"\npartial = 0.5\n'


class Plain(nn.Module):
    """A classifier with three stages and a dropout."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.third = nn.Sequential(nn.Conv2d(width, 2 * width, 3, 2, 1), nn.Dropout(0.2))
        self.unused = nn.ReLU()
        self.head = nn.Linear(2 * width, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.third(self.second(self.first(images))).mean((2, 3)))


def three(width: int = 4) -> nn.Module:
    return pipeline.tapped(Plain(width), ["first", "second", "third"])


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.toml"
    path.write_text(f'name = "tiny"\niterations = 1\nevaluate_every = 1\n{STAGE * 3}')
    return str(path)


def small(last: int) -> pipeline.Architecture:
    spec = {"channels": [8, 8, 8, 8, last]}
    return pipeline.Architecture("nasbench201", "size", arch_id_of("nasbench201", "size", spec), spec)


def test_a_factory_is_scored_the_same_again_and_leaves_the_world_alone(tiny: str) -> None:
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    first = pipeline.score_network(three, tiny)
    torch.manual_seed(99)
    again = pipeline.score_network(three, tiny)
    assert first.value is not None and first.promise == -first.value
    assert first.status == "ok" and first.value == again.value
    assert [(c.stage, c.mode, len(c.losses)) for c in first.curves if c.mode == "train"] == [
        (0, "train", 1), (1, "train", 1), (2, "train", 1)
    ]  # fmt: skip
    torch.random.set_rng_state(state)
    pipeline.score_network(three, tiny)
    assert torch.get_num_threads() == threads and torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode", "float64"])
def test_what_the_caller_has_set_in_torch_does_not_change_a_score(mode: str) -> None:
    usual = pipeline.score_network(three, "synflow").value
    if mode == "float64":
        torch.set_default_dtype(torch.float64)
        try:
            assert pipeline.score_network(three, "synflow").value == usual
            assert torch.get_default_dtype() is torch.float64
        finally:
            torch.set_default_dtype(torch.float32)
    else:
        with getattr(torch, mode)():
            assert pipeline.score_network(three, "synflow").value == usual
            assert not torch.is_grad_enabled()


def test_a_network_that_switches_gradients_off_is_refused_and_leaves_them_on_for_the_next() -> None:
    class Switching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = three()

        def forward(self, images: torch.Tensor) -> Any:
            torch.set_grad_enabled(False)
            return self.network(images)

    with pytest.raises(UserError, match=r"Switching switches gradients off for the whole process"):
        pipeline.score_network(Switching, "synflow")
    assert torch.is_grad_enabled()


def test_a_network_is_copied_and_keeps_its_weights(tiny: str) -> None:
    network = three()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    score = pipeline.score_network(network, tiny)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert network.training and score.value == pipeline.score_network(network, tiny).value
    inner: Any = network.network
    with torch.no_grad():
        inner.first[0].weight.mul_(3)
    assert pipeline.score_network(network, tiny).value != score.value


def test_an_architecture_gets_the_score_that_the_pipeline_stores(tmp_path: Path, tiny: str) -> None:
    lake = tmp_path / "lake"
    drawn = [small(last) for last in (8, 16)]
    batch = SourceRows("nasbench201")
    assert [batch.add_architecture("size", a.spec) for a in drawn] == [a.arch_id for a in drawn]
    ingested = batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16}).to_pylist()
    Lake(lake, create=True).publish("nasbench201", "ingest-made-up", {"architectures": ingested})
    for proxy in (tiny, "params"):
        score.run(lake, Plan("nasbench201", "size", proxy, None, 0, "cpu"), workers=1)
        stored = {
            (r["proxy_id"], r["arch_id"]): r["value"] for r in Lake(lake).read("scores", "nasbench201").to_pylist()
        }
        own = [pipeline.score_network(a, proxy, device="cpu") for a in drawn]
        assert [stored[s.proxy_id, a.arch_id] for s, a in zip(own, drawn, strict=True)] == [s.value for s in own]
    taken = pipeline.sample_architectures("nasbench201", 1, space="size", lake=lake)
    assert taken == pipeline.sample_architectures("nasbench201", 2, space="size", lake=str(lake))[:1]
    assert {a.arch_id for a in taken} < {a.arch_id for a in drawn}
    assert len(drawn[0].build()(torch.zeros(1, 3, 32, 32))) == 3
    with pytest.raises(UserError, match="has 2 architectures here, 3 are asked for"):
        pipeline.sample_architectures("nasbench201", 3, space="size", lake=lake)


def test_samples_are_distinct_and_begin_alike() -> None:
    large = pipeline.sample_architectures("nasbench201", 50, seed=1)
    assert len({a.arch_id for a in large}) == 50
    assert pipeline.sample_architectures("nasbench201", 20, seed=1) == large[:20]
    assert pipeline.sample_architectures("nasbench201", 20, seed=2) != large[:20]
    with pytest.raises(UserError, match="has 15625 architectures here, 15626"):
        pipeline.sample_architectures("nasbench201", 15626)


def test_zero_cost_proxies_where_they_are_defined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.proxies.zerocost.IMAGES", 8)
    for proxy in ("params", "synflow", "naswot", "grad_norm", "az_progressivity"):
        score = pipeline.score_network(three, proxy)
        assert score.status == "ok" and math.isfinite(score.value or math.nan), (proxy, score.reason)
    plain = Plain()
    whole = sum(p.numel() for p in plain.parameters()) + 10 * 8 + 10  # the proxy's own classifier beside the network's
    assert pipeline.score_network(three, "params").value == whole


def test_sequences_are_scored_too(monkeypatch: pytest.MonkeyPatch) -> None:
    shortened(monkeypatch)

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.GRU(400, 400, batch_first=True)

        def forward(self, sequences: torch.Tensor) -> list[torch.Tensor]:
            return [self.cell(sequences)[0]]

    assert pipeline.score_network(Recurrent, "regression-nlp").status == "ok"
    with pytest.raises(UserError, match=r"does not take images of shape \[2, 3, 32, 32\]"):
        pipeline.score_network(Recurrent)


def gives(value: Any) -> Any:
    class Odd(nn.Module):
        def forward(self, images: torch.Tensor) -> Any:
            return value(images)

    return Odd


@pytest.mark.parametrize(
    ("network", "proxy", "says"),
    [
        (Plain, "regression-n101", r"Plain gives a tensor of shape \[2, 10\], needed is a list of feature .*tapped"),
        (lambda: pipeline.tapped(Plain(), ["first"]), "regression-n101", "gives 1 feature map, .* has 3 stages"),
        (lambda: pipeline.tapped(Plain(), ["firts"]), "synflow", "submodule of Plain 'firts': did you mean first"),
        (lambda: pipeline.tapped(Plain(), ["unused"]), "synflow", "does not call its submodule 'unused': tap another"),
        (lambda: pipeline.tapped(Plain(), "first"), "synflow", "in a list"),
        (gives(lambda images: [images[:1]]), "synflow", r"gives a list with a tensor of shape \[1, 3, 32, 32\]"),
        (gives(lambda images: None), "synflow", "Odd gives NoneType"),
        (gives(lambda images: [images]), "az_trainability", "looks at a network's blocks: name them with"),
        (gives(lambda images: [images[:, :0]]), "synflow", r"of shape \[2, 0, 32, 32\] in torch\.float32, .* empty"),
        (gives(lambda images: [images.half()]), "naswot", r"in torch\.float16, needed is one of torch\.float32"),
        (gives(lambda images: [images.long()]), "swap", r"in torch\.int64, needed is one of torch\.float32"),
        (gives(lambda images: {"a": 1}["key"]), "swap", r"Odd does not take images of shape \[2, 3, 32, 32\]: 'key'"),
        (gives(lambda images: images.shap), "params", "Odd does not take images .* has no attribute 'shap'"),
        (lambda: 3, "synflow", "the function gives int, not a torch module"),
        (3, "synflow", "a network is a torch module or a function that makes one, not int"),
        (Plain, "zero-cost", "zero-cost is 19 proxies: name one, such as params"),
        (Plain, "synflo", "unknown proxy 'synflo': did you mean synflow"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_one_line(network: Any, proxy: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        pipeline.score_network(network, proxy)
    assert "\n" not in str(caught.value)


class Wild(Plain):
    """Is well as long as it is only looked at."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, images: torch.Tensor) -> Any:
        if self.training:
            raise self.error
        return [images]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (IndexError("7"), "IndexError: 7"), (AssertionError("a\nb"), "AssertionError: a"), (OSError("x"), "OSError: x"),
        (ArithmeticError(), "ArithmeticError"), (ValueError("\n  said below\nmore"), "ValueError: said below"),
    ],
)  # fmt: skip
def test_whatever_a_network_raises_is_the_reason_of_a_failed_score(error: Exception, reason: str) -> None:
    score = pipeline.score_network(lambda: Wild(error), "grad_norm")
    assert score.status == "failed" and score.promise == -math.inf and score.reason == reason


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"seed": 1.5}, "the seed is 1.5, where a whole number is expected"),
        ({"seed": "0"}, "the seed is '0'"),
        ({"seed": None}, "the seed is None"),
        ({"seed": True}, "the seed is True"),
        ({"seed": -1}, "the seed is -1"),
        ({"seed": 1 << 63}, "the seed is 9223372036854775808"),
        ({"device": "gpu"}, "unknown device 'gpu': did you mean cpu"),
        ({"device": ""}, "unknown device ''"),
        ({"device": "cuda:99"}, "unknown device 'cuda:99': did you mean cuda"),
    ],
)
def test_odd_seeds_and_devices_are_told_in_one_line(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        pipeline.score_network(gives(lambda images: [images]), "params", **arguments)


def test_names_and_counts_that_are_none_are_told_in_one_line() -> None:
    locked = Plain()
    vars(locked)["lock"] = threading.Lock()
    for call, says in (
        (lambda: pipeline.score_network(locked, "params"), "Plain cannot be copied .*give a function that makes it"),
        (lambda: pipeline.tapped(Plain(), [1]), "unknown submodule of Plain '1'"),  # type: ignore[list-item]
        (lambda: pipeline.sample_architectures(5, 3), "unknown benchmark '5'"),  # type: ignore[arg-type]
        (lambda: pipeline.sample_architectures("darts", 2.5), "the number of architectures is 2.5"),  # type: ignore[arg-type]
        (lambda: pipeline.sample_architectures("darts", -3), "the number of architectures is -3"),
    ):
        with pytest.raises(UserError, match=says):
            call()


def test_a_failed_score_is_a_score_that_ranks_last(tmp_path: Path) -> None:
    path = tmp_path / "wild.toml"
    path.write_text(f'name = "wild"\niterations = 3\nevaluate_every = 1\nlearning_rate = 1e30\n{STAGE * 3}')
    failed = pipeline.score_network(three, str(path))
    assert (failed.status, failed.value, failed.promise) == ("diverged", None, -math.inf)
    result = pipeline.correlate([failed, 1.0, 2.0, None, 3.0, 5.0], [9, 1, 2, 7, 3, None])
    assert (result.n, result.left_out, result.rho, result.tau) == (3, 3, pytest.approx(1), pytest.approx(1))  # type: ignore[comparison-overlap]
    assert result.low is None and pipeline.correlate([*range(10)], [*range(10)]).low == pytest.approx(1)
    assert pipeline.correlate([1.0, 2.0, 3.0], [1, 2, 3], lower_is_better=True).rho == pytest.approx(-1)
    assert pipeline.correlate([1.0, 2.0], [1, 2]).rho is None and pipeline.correlate([], []).n == 0
    with pytest.raises(UserError, match="3 scores and 2 true values"):
        pipeline.correlate([1.0, 2.0, 3.0], [1, 2])


def test_importing_it_imports_nothing() -> None:
    program = (
        "import sys, pipeline; print(len({'torch', 'duckdb', 'numpy', 'pyarrow'} & set(sys.modules)), dir(pipeline))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.startswith("0 ") and "score_network" in said
    with pytest.raises(AttributeError, match="no attribute 'score_netwrok'"):
        _ = pipeline.score_netwrok


def test_a_query_is_a_data_frame_and_a_series_can_be_correlated(tmp_path: Path) -> None:
    lake = lakes.publish(
        tmp_path / "lake",
        truth=[lakes.truth(i, float(i)) for i in range(6)],
        metrics=[lakes.metric()],
        sources=[lakes.source(lakes.BIG, "big")],
    )
    sql = "SELECT arch_id, value, nullif(seed, 0) AS seed FROM truth WHERE value > $least ORDER BY value"
    frame = pipeline.query(sql, lake.root, least=1)
    assert frame["value"].tolist() == [2.0, 3.0, 4.0, 5.0] and str(frame["seed"].dtype) == "Int64"
    text = pipeline.query("SELECT $a AS a, $b AS b, $c AS c", lake=str(lake.root), a="7", b=None, c=0.5)
    assert (text.at[0, "a"], text.at[0, "c"]) == ("7", 0.5) and text["b"].isna().all()
    scores = frame["value"].astype("Float64").where(frame["value"] < 5)
    correlation = pipeline.correlate(scores, frame["value"])
    assert (correlation.n, correlation.left_out, correlation.rho) == (3, 1, pytest.approx(1))  # type: ignore[comparison-overlap]
    with pytest.raises(UserError, match="queries only read"):
        pipeline.query("DROP TABLE truth", lake.root)


def test_the_version_is_that_of_the_distribution() -> None:
    assert re.fullmatch(r"\d+\.\d+.*|0\+unknown", pipeline.__version__)
    assert Path(pipeline.__file__).with_name("py.typed").is_file()


def shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train for an iteration what trains for a hundred."""
    load = presets.load
    few = {"iterations": 1, "evaluate_every": 1}
    monkeypatch.setattr(presets, "load", lambda name: load(name).model_copy(update=few))


def test_the_page_of_examples_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder with a lake of sixteen architectures, with shorter trainings and smaller batches."""
    shortened(monkeypatch)
    monkeypatch.setattr("pipeline.proxies.zerocost.IMAGES", 8)
    monkeypatch.chdir(tmp_path)
    batch = SourceRows("nasbench201")
    drawn = pipeline.sample_architectures("nasbench201", 16, seed=3)
    for place, a in enumerate(drawn):
        batch.add_architecture("topology", a.spec)
        batch.add_truth("topology", a.arch_id, "cifar10", "baseline_accuracy", 60.0 + place, epochs=200)
    constants = {"benchmark": "nasbench201", "source_id": "0" * 16}
    tables = {table: batch.arrow(table, constants).to_pylist() for table in ("architectures", "truth")}
    scored = {"benchmark": "nasbench201", "space": "topology"}
    tables["scores"] = [lakes.score(0, lakes.OURS, float(n), arch_id=a.arch_id, **scored) for n, a in enumerate(drawn)]
    tables["metrics"] = [lakes.metric("cifar10", "baseline_accuracy", benchmark="nasbench201")]
    tables["sources"] = [lakes.source("0" * 16, "made-up", benchmark="nasbench201")]
    tables["proxies"] = [lakes.proxy(lakes.OURS, "synflow", kind="zero-cost", higher_is_better=True)]
    Lake(tmp_path / "data" / "lake", create=True).publish("nasbench201", "ingest-made-up", tables)
    catalog.refresh(Lake(tmp_path / "data" / "lake"))
    text = (ROOT / "docs" / "python-api.md").read_text()
    names: dict[str, Any] = {}
    for kind, block in re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL):
        if kind == "python":
            exec(compile(block, "python-api.md", "exec"), names)
            continue
        for line in block.splitlines():
            words = line.replace("--budget 100", "--budget 1 --workers 1").replace("synflow", "random").split()[1:]
            assert exit_code(*words) == 0
    said = capsys.readouterr().out
    assert len(names["ranking"]) == 10 and set(names["ranking"]) == set(names["family"])
    assert len({s.value for s in names["scores"].values()}) == 10
    assert sorted(names["table"]["rank"]) == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert json.loads(Path("best.jsonl").read_text()) == names["best"] and len(names["maps"]) == 3
    assert "synflow: " in said and "Correlation(rho=" in said


def test_a_tapped_map_is_the_submodules_own_where_an_activation_overwrites_it() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
    images = torch.randn(2, 3, 8, 8)
    (taken,) = pipeline.tapped(network, ["0"])(images)
    assert torch.equal(taken, network[0](images)) and taken.min() < 0
