"""The lake that the results are computed from: published ground truth, data/scores, rules and searches over them.

Everything is done by the commands of the pipeline itself, in this process.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb

from pipeline import benchmarks
from pipeline.cli import main
from pipeline.proxies.aggregates import generic
from pipeline.scoring import aggregates as aggregation
from reports.results.spaces import SPACES, Space

SCORES = Path(__file__).parents[2] / "data" / "scores"
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
    for space in SPACES:
        for source in space.sources:
            mapping = ("--mapping", source.mapping) if source.mapping else ()
            command("ingest", space.benchmark, *mapping, data / source.path)
    command("merge", SCORES)
    for space in SPACES:
        for aggregate in space.aggregates:
            command("score", space.benchmark, "--proxy", aggregate)
        inputs = benchmarks.load(space.benchmark).inputs
        whole = generic.pinned(inputs, data / IMAGES if inputs == "images" else None)
        aggregation.define(Path(os.environ["PIPELINE_LAKE"]), space.benchmark, space.name, whole)


def evaluate(space: Space, draws: int = DRAWS) -> None:
    """Judge every way to use labels on a space."""
    uses = [word for proxy in space.terms for word in ("--use", proxy)]
    command("tune", "evaluate", space.benchmark, "--labels", str(LABELS), "--draws", str(draws), *uses)


def learn(space: Space, draws: int = DRAWS) -> None:
    """Judge what is learned beside the generic rule with several numbers of labels."""
    words = [word for way in WAYS for word in ("--way", way)]
    words += [word for proxy in space.rule_terms for word in ("--use", proxy)]
    for labels in space.labels:
        command("tune", "evaluate", space.benchmark, "--labels", str(labels), "--draws", str(draws), *words)


def search(space: Space) -> None:
    """Search among what is scored, with each of the space's proxies and with one tuned on labels."""
    uses = [word for proxy in space.tuned_with for word in ("--use", proxy)]
    tuned = command("tune", "weigh", space.benchmark, "--method", "mixed", "--labels", str(LABELS), *uses).partition(
        ":"
    )[0]
    for proxy in (tuned, *space.searched):
        for method in ("random", "evolution") if space.evolution else ("random",):
            search_stored(space, proxy, method)


def search_stored(space: Space, proxy: str, method: str) -> None:
    """Search among what is scored with one proxy."""
    words = ["--stored", "--seeds", SEEDS, "--budget", str(STEPS), "--method", method]
    if method == "evolution":
        words += ["--population", str(POPULATION), "--tournament", str(TOURNAMENT)]
    command("search", space.benchmark, "--proxy", proxy, *words)


def connect(lake: Path) -> duckdb.DuckDBPyConnection:
    """The catalog of a lake, read-only."""
    command("query", "SELECT 1", "--lake", lake)  # the catalog is built anew if it is missing or outdated
    return duckdb.connect(str(lake / "bench.duckdb"), read_only=True)
