"""Searching: the steps are those of the published method, and no kill, worker or order changes them."""

from __future__ import annotations

import dataclasses
import errno
import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline import benchmarks, catalog, executor, provenance
from pipeline.benchmarks.contract import Benchmark
from pipeline.benchmarks.nasbench201 import architectures
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import UserError
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates
from pipeline.scoring import run as score
from pipeline.scoring.aggregates import define
from pipeline.scoring.plan import Plan, sampled
from pipeline.search import run as search
from pipeline.search.search import BestArchitecture, SearchSettings
from pipeline.search.trajectory import (
    SearchDomain,
    SearchMethod,
    SearchScore,
    Step,
    Trajectory,
    best_first,
    whole_space,
)
from tests.fixtures import lakes
from tests.fixtures.command import exit_code
from tests.fixtures.lake_content import rows

SMALL = SearchMethod(population=6, tournament=3)


def scored(promise: float | None) -> SearchScore:
    return SearchScore(promise, promise, 1.0)


def promise_of(score: SearchScore) -> float:
    assert score.promise is not None
    return score.promise


def numbers() -> SearchDomain:
    """The integers, each with two neighbours."""
    return SearchDomain(
        lambda r: {"n": r.randrange(1000)},
        lambda spec, r: {"n": spec["n"] + r.choice((-1, 1))},
        lambda spec: (str(spec["n"]), json.dumps(spec)),
    )


def walked(
    quality: Any, budget: int = 60, method: SearchMethod = SMALL, seed: int = 0
) -> tuple[Trajectory, dict[str, SearchScore]]:
    trajectory, scores = Trajectory("s", seed, method, numbers()), dict[str, SearchScore]()
    while trajectory.advance(scores, budget):
        scores |= {step.arch_id: scored(quality(int(step.arch_id))) for step in trajectory.steps}
    return trajectory, scores


def test_evolution_mutates_the_best_of_a_tournament_among_the_last_members() -> None:
    trajectory, scores = walked(float)
    assert [s.parent for s in trajectory.steps[:6]] == [None] * 6 and len(trajectory.steps) == 60
    for number, step in enumerate(trajectory.steps[6:], 6):
        living = [s.arch_id for s in trajectory.steps[number - 6 : number]]
        assert step.parent is not None and step.parent in living
        assert abs(int(step.arch_id) - int(step.parent)) == 1
        won = sum(promise_of(scores[a]) <= promise_of(scores[step.parent]) for a in living)
        assert won >= 3  # of the tournament's three
    assert walked(float)[0].steps == trajectory.steps != walked(float, seed=1)[0].steps
    assert walked(float, budget=20)[0].steps == trajectory.steps[:20]  # a longer search goes on from a shorter one


def test_the_order_in_which_scores_come_in_changes_no_step() -> None:
    whole, _ = walked(float)
    trajectory, scores, draw = Trajectory("s", 0, SMALL, numbers()), dict[str, SearchScore](), random.Random(5)
    ahead = 0
    while True:
        trajectory.advance(scores, 60)
        waiting = [s.arch_id for s in trajectory.steps if s.arch_id not in scores]
        if not waiting:
            break
        ahead = max(ahead, len(set(waiting)) if len(trajectory.steps) > 6 else 0)
        one = draw.choice(waiting)
        scores[one] = scored(float(one))
    assert trajectory.steps == whole.steps
    assert ahead > 1  # later steps were taken while earlier ones were being scored


def test_failures_rank_last_and_have_no_children() -> None:
    trajectory, scores = walked(lambda n: None if n % 2 else float(n))
    parents = {s.parent for s in trajectory.steps} - {None}
    assert parents and all(p is not None and int(p) % 2 == 0 for p in parents)
    assert [int(s.arch_id) % 2 for s in best_first(trajectory.steps, scores)].count(1) == 0
    nothing, _ = walked(lambda n: None)
    assert {s.parent for s in nothing.steps} == {None} and len(nothing.steps) == 60


def test_random_search_has_no_parents_and_a_tournament_fits_its_population() -> None:
    trajectory, _ = walked(float, method=SearchMethod(name="random"))
    assert {s.parent for s in trajectory.steps} == {None}
    with pytest.raises(UserError, match="tournament of 7 in a population of 6"):
        SearchMethod(6, 7)


def arguments(lake: Path, *more: str) -> list[str]:
    base = ["search", "nasbench201", "--space", "size", "--proxy", "random", "--lake", str(lake), "--device", "cpu"]
    return [*base, "--population", "6", "--tournament", "3", "--budget", "24", "--seeds", "0-1", *more]


def run(*words: str) -> None:
    assert exit_code(*words) == 0


def steps(lake: Path) -> list[tuple[Any, ...]]:
    columns = ("seed", "step", "arch_id", "parent", "value", "scored")
    return sorted(tuple(r[c] for c in columns) for r in rows(lake, "trajectories"))


def sound(lake: Path) -> None:
    assert [(name, found.to_pylist()) for name, found in catalog.checks(Lake(lake)) if found.num_rows] == []


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with one search, made by one worker without an interruption."""
    lake = tmp_path_factory.mktemp("searched") / "lake"
    run(*arguments(lake, "--workers", "1"))
    return lake


def test_a_live_search_stores_scores_steps_and_architectures(
    searched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = rows(searched, "scores")
    assert len(steps(searched)) == 48 and len({r["arch_id"] for r in stored}) == len(stored) <= 48
    assert {r["arch_id"] for r in stored} == {r["arch_id"] for r in rows(searched, "architectures")}
    assert [r["status"] for r in rows(searched, "runs") if r["finished_at"]] == ["finished"]
    sound(searched)
    run(*arguments(searched))
    said = capsys.readouterr().out
    assert "all 48 steps are stored already, nothing to do" in said and len(steps(searched)) == 48
    best = max(stored, key=lambda r: r["value"])
    assert said.splitlines()[1].startswith(f"{best['value']:.6g}  ")
    run(*arguments(searched, "--quiet"))
    assert capsys.readouterr().out.splitlines() == said.splitlines()[1:], "the best are the answer"


def test_kill_9_in_the_middle_and_the_same_command_end_with_the_same_search(searched: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    program = (
        "import itertools, os, signal; from pipeline import cli; "
        "from pipeline.lake import part_writer; from pipeline.scoring import writer; "
        "part_writer.SHORTEST = part_writer.LONGEST = 0.0; "
        "add, added = writer.ScoreWriter.add, itertools.count(); "
        "writer.ScoreWriter.add = lambda *a: os.kill(os.getpid(), signal.SIGKILL) if next(added) == 20 else add(*a); "
        "cli.main()"
    )
    command = [sys.executable, "-c", program, *arguments(lake, "--workers", "1")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert 10 <= len(steps(lake)) < 48
    run(*arguments(lake, "--workers", "1"))
    assert steps(lake) == steps(searched)
    assert {r["arch_id"]: r["value"] for r in rows(lake, "scores")} == {
        r["arch_id"]: r["value"] for r in rows(searched, "scores")
    }
    sound(lake)


def plan(proxy: str, space: str = "size") -> Plan:
    return Plan("nasbench201", space, proxy, None, 0, "cpu")


def test_what_a_search_chose_is_no_sample_until_a_sample_asks_for_it(searched: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    chosen = rows(searched, "architectures")
    batch = SourceRows("nasbench201")
    for one in chosen[:5]:
        batch.add_architecture("size", json.loads(one["spec"]))
    ingested = batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16}).to_pylist()
    Lake(lake, create=True).publish("nasbench201", "ingest-made-up", {"architectures": ingested})
    run(*arguments(lake, "--workers", "1"))
    counted = "SELECT count(*) AS n FROM sampled_scores"
    assert catalog.run_sql(Lake(lake), counted).to_pylist() == [{"n": 0}]
    assert len(sampled(Lake(lake), "nasbench201", "size", 0, None)) == 5  # what the search drew is not ingested
    for _ in range(2):
        assert score.run(lake, plan("random"), workers=1).scored == 0
        assert catalog.run_sql(Lake(lake), counted).to_pylist() == [{"n": 5}]
    sound(lake)


def test_two_that_search_the_same_store_each_step_once(tmp_path: Path) -> None:
    lake, settings = tmp_path / "lake", SearchSettings(SMALL, 24, (0,))
    bench = benchmarks.load("nasbench201")
    late = search.live(lake, plan("random"), bench, settings)  # it has looked at the lake before the other begins
    search.run(lake, plan("random"), settings, workers=1)
    late.advance()
    with executor.opened(executor.Executor("inline"), None, "cpu") as pool:
        late.score(provenance.new_run("search", {}), pool)
    assert [s[1] for s in steps(lake)] == list(range(1, 25))
    sound(lake)


def test_a_step_that_is_stored_otherwise_is_told(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "whole_space", constant)
    settings = SearchSettings(SMALL, 24, (0, 1))
    with pytest.raises(UserError, match="stored with another architecture: it was made by another version"):
        search.run(searched, plan("random"), settings, workers=1)


def constant(bench: Benchmark, space: str) -> SearchDomain:
    only = {"channels": [8, 8, 8, 8, 8]}
    return SearchDomain(lambda r: only, lambda spec, r: only, whole_space(bench, space).identify)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A lake in which a released proxy has scored a fifth of the topologies, ever tenth of them without success."""
    lake, draw = tmp_path / "table", random.Random(3)
    batch = SourceRows("nasbench201")
    for number in range(3000):
        arch_id = batch.add_architecture("topology", architectures.sample("topology", draw))
        if number % 10:
            batch.add_score("topology", arch_id, "p", draw.random())
        else:
            batch.add_score("topology", arch_id, "p", None, status="failed", reason="made up")
    distinct = {
        r["arch_id"]: r
        for r in batch.arrow("architectures", {"benchmark": "nasbench201", "source_id": "0" * 16}).to_pylist()
    }
    constants = {"benchmark": "nasbench201", "proxy_id": "1" * 16, "run_id": lakes.RUN, "device": None}
    released = batch.arrow("scores", constants).to_pylist()
    Lake(lake, create=True).publish("nasbench201", "ingest-made-up", {
        "architectures": list(distinct.values()), "scores": list({r["arch_id"]: r for r in released}.values()),
        "proxies": [lakes.proxy("1" * 16, "p@made-up", higher_is_better=True)], "runs": [lakes.run(stage="ingest")],
    })  # fmt: skip
    return lake


def test_stored_scores_alone_are_searched_with_twenty_seeds(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["search", "nasbench201", "--stored", "--proxy", "p@made-up", "--lake", str(table), "--seeds", "0-19"]
    run(*words, "--budget", "90")
    first = capsys.readouterr().out
    known = {r["arch_id"]: r["value"] for r in rows(table, "scores")}
    taken = rows(table, "trajectories")
    assert len(taken) == 20 * 90 and all(known[r["arch_id"]] == r["value"] for r in taken)
    assert all(known[r["parent"]] is not None for r in taken if r["parent"])
    run(*words, "--budget", "90", "--method", "random")
    assert capsys.readouterr().out.splitlines()[0].startswith("random with p@made-up")
    best = {m: [max(r["value"] or 0 for r in rows(table, "trajectories") if (r["search_id"], r["seed"]) == (s, seed))
                for seed in range(20)] for m, s in _searches(table)}  # fmt: skip
    assert min(map(len, best.values())) == 20
    assert "evolution with p@made-up" in first
    sound(table)


def test_an_aggregate_of_what_is_stored_is_searched_by_what_it_comes_to(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "aggregate-mine"\n[[terms]]\nproxy = "p@made-up"\n')
    define(table, "nasbench201", "topology", aggregates.load(str(path)))
    words = ("search", "nasbench201", "--stored", "--proxy", "aggregate-mine", "--lake", table)
    assert exit_code(*words, "--space", "size") == 1
    assert "is stored for nasbench201/size: score its terms with this seed first" in capsys.readouterr().err
    for name in ("aggregate-mine", str(path)):  # the second time there is nothing left to do
        run("search", "nasbench201", "--stored", "--proxy", name, "--lake", str(table), "--budget", "60")
    stored = {r["arch_id"]: r["value"] for r in rows(table, "scores")}
    taken = rows(table, "trajectories")
    scored = sorted((r["value"], stored[r["arch_id"]]) for r in taken if r["value"] is not None)
    assert len(taken) == 60 > len(scored) > 40 and [p for _, p in scored] == sorted(p for _, p in scored)
    assert 0 < scored[0][0] < scored[-1][0] <= 1  # ranks, not what is stored
    assert all(stored[r["arch_id"]] is None for r in taken if r["value"] is None)
    sound(table)


def _searches(lake: Path) -> list[tuple[str, str]]:
    return sorted({(r["method"], r["search_id"]) for r in rows(lake, "searches")})


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--method", "evolutoin"], 1, "unknown method 'evolutoin': did you mean evolution"),
        (["--proxy", "zero-cost"], 1, "a search follows one proxy, zero-cost is 19"),
        (["--proxy", "regression-nlp"], 1, "regression-nlp is for networks that take sequences"),
        (["--tournament", "51"], 1, "a tournament of 51 in a population of 50"),
        (["--seeds", "3-1"], 2, "write 0, 0,3,5 or 0-19"),
        (["--seeds", "x"], 2, "write 0, 0,3,5 or 0-19"),
        (["--seeds", "0-99999999999"], 2, "write 0, 0,3,5 or 0-19"),
        (["--seeds", "1" * 5000], 2, "write 0, 0,3,5 or 0-19"),
        (["--method", "random", "--budget", "1000001"], 1, "1,000,001 steps, and a search has at most 1,000,000"),
        (["--budget", "500001", "--seeds", "0,1"], 1, "with 2 seeds is 1,000,002 steps"),
        (["--stored", "--proxy", "p@made-up", "--target", "tset_accuracy"], 1, "unknown target 'tset_accuracy'"),
        (["--stored", "--proxy", "synflow", "--seed", "5"], 1, "--proxy synflow --seed 5` first"),
        (["--stored", "--proxy", "p@made_up"], 1, "unknown stored proxy 'p@made_up': did you mean p@made-up"),
        (["--proxy", "aggregate-ranks"], 1, "aggregate-ranks adds up stored scores: search among these with --stored"),
        (["--stored", "--proxy", "aggregate-ranks"], 1, "aggregate-ranks is not defined in this lake: run"),
        (["--stored", "--proxy", "synflow"], 1, "no score of synflow with seed 0 is stored for nasbench201/topology"),
        (["--stored", "--proxy", "p@made-up", "--space", "size"], 1, "is stored for nasbench201/size"),
    ],
)
def test_bad_arguments_are_one_line(
    table: Path, words: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("search", "nasbench201", "--lake", table, *words) == code
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error
    assert rows(table, "trajectories") == []


def test_an_architecture_whose_neighbours_are_not_scored_is_told(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lonely = table.parent / "lonely"
    kept = {r["arch_id"] for r in rows(table, "scores") if r["value"] is not None}
    few = sorted(kept)[:3]
    tables = {
        t: [r for r in rows(table, t) if r.get("arch_id", few[0]) in few]
        for t in ("architectures", "scores", "proxies", "runs")
    }
    Lake(lonely, create=True).publish("nasbench201", "ingest-made-up", tables)
    code = exit_code("search", "nasbench201", "--lake", lonely, "--stored", "--proxy", "p@made-up")
    error = capsys.readouterr().err
    assert code == 1 and "has a stored score: score more of nasbench201/topology first" in error


def test_a_space_without_a_table_ends_with_architectures_that_build(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, out = tmp_path / "lake", tmp_path / "best.jsonl"
    words = ["nds", "--space", "resnet", "--proxy", "random", "--lake", str(lake), "--device", "cpu", "--workers", "1"]
    run("search", *words, "--budget", "3", "--out", str(out), "--top", "2")
    specs = [json.loads(line) for line in out.read_text().splitlines()]
    assert (
        len(specs) == 2
        and [json.loads(line.split("  ", 1)[1]) for line in capsys.readouterr().out.splitlines()[1:]] == specs
    )
    bench = benchmarks.load("nds")
    for spec in specs:
        assert bench.canonical("resnet", spec) == spec
        assert sum(p.numel() for p in bench.build("resnet", spec).parameters()) > 0
    run("score", *words, "--only", str(out))
    assert "all 2 scores are stored already" in capsys.readouterr().out


def test_a_best_file_that_cannot_be_written_whole_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "best.jsonl"
    out.write_text("former\n")

    def half(path: Path, text: str, **_: Any) -> None:
        path.write_bytes(text.encode()[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    best = BestArchitecture("0" * 16, "a long line", 1.0)
    with pytest.raises(UserError, match="no space left"):
        search.write_best([best], out)
    assert out.read_text() == "former\n" and list(tmp_path.iterdir()) == [out]


def test_the_best_of_a_search_is_a_file_that_score_takes(
    searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "best.jsonl"
    run(*arguments(searched, "--out", str(out), "--top", "3"))
    words = ["score", "nasbench201", "--space", "size", "--proxy", "random", "--lake", str(searched), "--device", "cpu"]
    run(*words, "--only", str(out))
    assert "all 3 scores are stored already" in capsys.readouterr().out
    out.write_text('{"channels": [8, 8')
    exit_code(*words, "--only", out)
    assert "line 1: '{\"channels\": [8, 8' is not JSON" in capsys.readouterr().err


def test_the_best_come_first_and_of_equal_ones_the_one_that_was_tried_first() -> None:
    steps = [Step(arch_id, "{}", None) for arch_id in ("a", "b", "failed", "c", "a")]
    promises = {"a": 1.0, "b": 2.0, "failed": None, "c": 2.0}
    scores = {arch_id: SearchScore(promise, promise, 0.0) for arch_id, promise in promises.items()}
    assert [step.arch_id for step in best_first(steps, scores)] == ["b", "c", "a"]


def test_a_space_of_which_nothing_can_be_drawn_says_what_a_search_needs() -> None:
    with pytest.raises(UserError, match=r"no sample and mutate to search with: state them \(docs/add-a-benchmark"):
        whole_space(dataclasses.replace(benchmarks.load("nasbench201"), sample=None), "topology")
