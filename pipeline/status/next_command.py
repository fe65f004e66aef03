"""The next command to type, from what `content.read` says about a lake."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline import benchmarks as registry
from pipeline.proxies.aggregates import GENERIC
from pipeline.proxies.images import SYNTHETIC
from pipeline.search.evolution import AgeingEvolution

Row = Mapping[str, Any]

DEMONSTRATED = "pipeline ingest nasbench201 --mapping analog-nasbench"
SAMPLE = 200  # architectures to begin with
ENDED = {"died": "died", "interrupted": "was interrupted", "failed": "failed"}
"""What is said of a run that did not finish, by its state."""
_OPTIONS = {
    "score": ("space", "proxy", "seed", "sample", "sample_seed", "only", "images"),
    "search": ("space", "proxy", "seed", "images", "method", "budget", "population", "tournament", "seeds"),
    "ingest": ("max_rejects",),
}
_FILES = ("--images", "--only", "--proxy", "--mapping")
_FLAGS = ("retry_failed", "stored", "curves")
_DEFAULTS = {**asdict(AgeingEvolution()), "seeds": [0]}  # which a command goes without, as it does without 0


def next_command(content: Row) -> tuple[str, str]:
    """The command, and why, in a clause."""
    command, because = next(_needed(content))
    because += "".join(f"; {file} is not here, write its path" for file in _absent(shlex.split(command)))
    return command, because


def _absent(words: list[str]) -> list[str]:
    """The files that a command names and that are not where it names them, seen from the working folder."""
    named = {option: word for option, word in pairwise(words) if option in _FILES}
    if named.get("--images", "").startswith("synthetic-"):
        del named["--images"]
    of_name = [option for option in ("--proxy", "--mapping") if not named.get(option, "").endswith((".toml", ".py"))]
    return [word for option, word in named.items() if option not in of_name and not os.path.lexists(word)]


def in_lake(command: str, lake: Path) -> str:
    """The command with --lake, where it takes one and names none."""
    takes_one = not command.startswith("pipeline sources ") and " --lake " not in command
    return f"{command} --lake {shlex.quote(str(lake))}" if takes_one else command


def _needed(content: Row) -> Iterator[tuple[str, str]]:
    """Commands with their reasons, the one that is needed most first."""
    benchmarks, stale = content["benchmarks"], content["stale"]
    waiting = [
        (
            f"pipeline sources {shlex.quote(row['benchmark'])}",
            f"scores of {row['proxy']} wait for one of these to be ingested",
        )
        for row in content["waiting"]
    ]
    if not any(benchmark["spaces"] for benchmark in benchmarks):
        yield from [*waiting, (DEMONSTRATED, "nothing is ingested")]
    yield from (_ingested_anew(source) for source in stale["sources"] if source["state"] == "changed")
    for run in content["runs"]["died"]:
        if (command := again(run)) is not None:
            yield command, f"that run {ENDED[run['state']]}; it goes on from what is stored"
    rows = _idle(content)
    for row in rows:
        if row["missing"]:
            yield score(row), f"{row['missing']:,} of the sample of {row['asked']:,} are not scored"
    outdated = {proxy["proxy_id"] for proxy in stale["proxies"]}
    for row in rows:
        if row["proxy_id"] in outdated:
            yield score(row), f"the configuration of {row['proxy']} has changed"
    for name in (benchmark["benchmark"] for benchmark in benchmarks if _is_unscored(benchmark)):
        yield f"pipeline score {shlex.quote(name)} --sample {SAMPLE}", f"no sample of {name} is scored"
    if not any(row["scores"] > row["waiting"] for benchmark in benchmarks for row in benchmark["proxies"]):
        yield from waiting
    yield "pipeline report", "every score that was asked for is stored"


def _idle(content: Row) -> list[Row]:
    """The proxies of all benchmarks, except those of a space that a run is busy with."""
    arguments = [run["arguments"] for run in content["runs"]["running"]]
    busy = [(of_run.get("benchmark"), of_run.get("space")) for of_run in arguments]
    rows = [row for benchmark in content["benchmarks"] for row in benchmark["proxies"]]
    return [row for row in rows if (row["benchmark"], row["space"]) not in busy]


def _is_unscored(benchmark: Row) -> bool:
    """Whether a benchmark is ingested, nothing was asked of it, and its networks can be scored here."""
    if not benchmark["spaces"] or any(row["asked"] for row in benchmark["proxies"]):
        return False
    shipped = registry.find(benchmark["benchmark"])
    return shipped is not None and shipped.builds


def _ingested_anew(source: Row) -> tuple[str, str]:
    shipped = {"native", *(path.stem for path in registry.mappings(source["benchmark"]))}
    name = source["mapping"] or (source["name"] if source["name"] in shipped else f"{source['name']}.toml")
    mapping = "" if name == "native" else f" --mapping {shlex.quote(name)}"
    benchmark, path = shlex.quote(source["benchmark"]), shlex.quote(source["path"])
    command = f"pipeline ingest {benchmark} {path}{mapping} --lake NEW"
    return command, f"{source['file']} has changed, and what was ingested stays: a new lake takes the new file"


def again(run: Row) -> str | None:
    """The command that continues a run, as far as its arguments tell it: of a path maybe its last component alone."""
    arguments, stage = run["arguments"], run["stage"]
    if stage not in _OPTIONS or "benchmark" not in arguments:
        return None
    if arguments.get("names"):  # parts of the sum are scored for nothing else
        arguments = {**arguments, "proxy": GENERIC, "seed": None}
    if not arguments.get("sample"):  # of all architectures, where a seed of the sample has no effect
        arguments = {**arguments, "sample_seed": None}
    options = [
        f"--{name.replace('_', '-')} {shlex.quote(_written(name, arguments[name]))}"
        for name in _OPTIONS[stage]
        if arguments.get(name) not in (None, 0, _DEFAULTS.get(name))
    ]
    options += [f"--{flag.replace('_', '-')}" for flag in _FLAGS if arguments.get(flag)]
    if stage == "ingest":
        name = arguments.get("mapping", arguments["source"])
        mapping = [] if name == "native" else [f"--mapping {shlex.quote(name)}"]
        options = [shlex.quote(str(arguments["path"])), *mapping, *options]
    return " ".join(["pipeline", stage, shlex.quote(str(arguments["benchmark"])), *options])


def score(row: Row) -> str:
    """The command that scores the sample that was asked of a proxy."""
    options = [f"--space {shlex.quote(row['space'])}", f"--proxy {shlex.quote(row['file'] or row['proxy'])}"]
    asked = None if row["asked"] == row["architectures"] else row["asked"]
    given = {"sample": asked, "sample-seed": asked and row["sample_seed"], "seed": row["seed"], "images": row["images"]}
    options += [f"--{name} {shlex.quote(_written(name, value))}" for name, value in given.items() if value]
    return " ".join(["pipeline", "score", shlex.quote(row["benchmark"]), *options])


def _written(option: str, value: object) -> str:
    """The value as the command line takes it: a run states the kind of synthetic images alone, and seeds as a list."""
    if isinstance(value, list):
        in_order = all(isinstance(seed, int) and seed - index == value[0] for index, seed in enumerate(value))
        return f"{value[0]}-{value[-1]}" if in_order and len(value) > 1 else ",".join(map(str, value))
    return f"synthetic-{value}" if option == "images" and value in SYNTHETIC else str(value)
