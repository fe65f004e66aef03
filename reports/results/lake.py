"""The lake that the results are computed from: published ground truth, data/scores, rules and searches over them.

Everything is done by the commands of the pipeline itself, in this process.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb

from pipeline import benchmarks, catalog
from pipeline.catalog import stored_results
from pipeline.catalog.definition import published
from pipeline.cli import main
from pipeline.lake.store import Lake
from pipeline.proxies.aggregates import generic
from pipeline.scoring import aggregates as aggregation
from reports.results.spaces import OTHER_TARGETS, RANKED, SPACES, Space, Tables

SCORES = Path(__file__).parents[2] / "data" / "scores"
QUERIES = Path(__file__).parents[2] / "queries" / "results"
_SHARED = ("costs", "failures")  # queries whose results other queries read
IMAGES = Path("images") / "cifar-10-batches-py"
LABELS, DRAWS = 20, 100
WAYS = ("generic", "corrected", "random-forest", "gradient-boosting")
SEEDS, STEPS, POPULATION, TOURNAMENT = "0-19", 100, 25, 5


class CommandError(Exception):
    """A command of the pipeline ended with another exit code than 0."""


def command(*words: str | Path) -> str:
    """Run one command of the pipeline and return what it printed.

    Raises:
        CommandError: it failed; the message names the command, its own message is on standard error.
    """
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(printed):
            main([str(word) for word in words])
    except SystemExit as ended:
        if ended.code not in (0, None):
            raise CommandError(f"pipeline {' '.join(map(str, words))}: exit code {ended.code}") from ended
    printed.seek(0)
    return printed.read()


@contextlib.contextmanager
def chosen(lake: Path) -> Iterator[None]:
    """Commands within work on this lake."""
    before = os.environ.get("PIPELINE_LAKE")
    os.environ["PIPELINE_LAKE"] = str(lake)
    try:
        yield
    finally:
        if before is None:
            del os.environ["PIPELINE_LAKE"]
        else:
            os.environ["PIPELINE_LAKE"] = before


def gather(data: Path) -> None:
    """Ingest the ground truth below `data`, merge data/scores, define the aggregates and the generic rule."""
    sources = {space.benchmark: list(space.sources) for space in SPACES}
    sources |= {benchmark.name: list(benchmark.sources) for benchmark in RANKED}
    sources[OTHER_TARGETS.benchmark] += OTHER_TARGETS.sources
    for name, tables in sources.items():
        for source in tables:
            _ingest(name, source, data)
    command("merge", SCORES)
    for space in SPACES:
        _define(space.benchmark, space.name, space.aggregates, data)
    for benchmark in RANKED:
        for ranked in benchmark.spaces:
            _define(benchmark.name, ranked.name, benchmark.aggregates, data)


def _ingest(benchmark: str, source: Tables, data: Path) -> None:
    words = ["--mapping", source.mapping] if source.mapping else []
    command("ingest", benchmark, *words, data / source.path)


def _define(benchmark: str, space: str, aggregates: tuple[str, ...], data: Path) -> None:
    """Store the definitions of the aggregates of a space and of the generic rule; what they sum is stored."""
    for aggregate in aggregates:
        command("score", benchmark, "--space", space, "--proxy", aggregate)
    inputs = benchmarks.load(benchmark).inputs
    whole = generic.pinned(inputs, data / IMAGES if inputs == "images" else None)
    aggregation.define(Path(os.environ["PIPELINE_LAKE"]), benchmark, space, whole)


def evaluate(space: Space, draws: int = DRAWS) -> list[str]:
    """Judge every way to use labels on a space; returns the identities of the evaluations."""
    uses = [word for proxy in space.terms for word in ("--use", proxy)]
    return _evaluated(space, LABELS, draws, uses)


def learn(space: Space, draws: int = DRAWS) -> list[str]:
    """Judge what is learned beside the generic rule with several numbers of labels; returns the evaluations."""
    words = [word for way in WAYS for word in ("--way", way)]
    words += [word for proxy in space.rule_terms for word in ("--use", proxy)]
    return [one for labels in space.labels for one in _evaluated(space, labels, draws, words)]


def _evaluated(space: Space, labels: int, draws: int, words: list[str]) -> list[str]:
    options = ["--labels", str(labels), "--draws", str(draws), "--json"]
    judged = json.loads(command("tune", "evaluate", space.benchmark, *options, *words))
    return sorted({row["evaluation_id"] for row in judged})


def search(space: Space) -> list[str]:
    """Search among what is scored, with each of the space's proxies and with one tuned on labels.

    Returns:
        The identities of the searches: those of another set of scores, which the lake may hold as well, are not among
        them.
    """
    uses = [word for proxy in space.tuned_with for word in ("--use", proxy)]
    tuned = command("tune", "weigh", space.benchmark, "--method", "mixed", "--labels", str(LABELS), *uses).partition(
        ":"
    )[0]
    return [
        search_stored(space, proxy, method)
        for proxy in (tuned, *space.searched)
        for method in (("random", "evolution") if space.evolution else ("random",))
    ]


def search_stored(space: Space, proxy: str, method: str) -> str:
    """Search among what is scored with one proxy; returns the identity of the search."""
    words = ["--stored", "--seeds", SEEDS, "--budget", str(STEPS), "--method", method]
    if method == "evolution":
        words += ["--population", str(POPULATION), "--tournament", str(TOURNAMENT)]
    printed = command("search", space.benchmark, "--proxy", proxy, *words)
    identity = re.search(r"search ([0-9a-f]{16})", printed)
    assert identity, f"the command names no search: {printed}"
    return identity[1]


def connect(lake: Path) -> duckdb.DuckDBPyConnection:
    """The views over a lake; those that the results read, and what several of the queries share, are computed once."""
    statements = [path.read_text(encoding="utf-8") for path in QUERIES.glob("*.sql")]
    views = {view for statement in statements for view in stored_results.read_by(statement)}
    connection = catalog.snapshot(Lake(lake))
    stored_results.provide(connection, Lake(lake), published(Lake(lake)), views, "TABLE")
    for name in _SHARED:
        connection.execute(f"CREATE TABLE {name} AS {(QUERIES / f'{name}.sql').read_text(encoding='utf-8')}")
    return connection
