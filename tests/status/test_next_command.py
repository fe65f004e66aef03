"""The command that goes on with a run, or scores what is missing, is the command that was typed."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import application as cli
from pipeline.errors import UserError
from pipeline.scoring.plan import Plan
from pipeline.search import run as search_run
from pipeline.search.search import SearchSettings
from pipeline.status.next_command import again, next_command, score


def test_the_images_of_a_run_and_the_sum_that_it_is_a_part_of_are_in_the_command() -> None:
    arguments = {"benchmark": "nds", "proxy": "zero-cost", "names": ["params"], "seed": 3, "images": "noise"}
    assert again({"stage": "score", "arguments": arguments}) == (
        "pipeline score nds --proxy generic --images synthetic-noise"
    )
    row = {
        "benchmark": "nds", "space": "darts", "proxy": "zen", "asked": 9, "architectures": 99, "sample_seed": 0,
        "seed": 2, "images": "my pictures", "file": None,
    }  # fmt: skip
    command = "pipeline score nds --space darts --proxy zen --sample 9 --seed 2 --images 'my pictures'"
    assert score(row) == command
    assert "--proxy /own.toml " in score({**row, "file": "/own.toml"})
    of_all = "pipeline score nds --space darts --proxy zen --seed 2 --images 'my pictures'"
    assert score({**row, "asked": 99, "sample_seed": 7}) == of_all, "without --sample its seed has no effect"
    arguments = {"benchmark": "nds", "proxy": "zen", "sample": None, "sample_seed": 7}
    assert again({"stage": "score", "arguments": arguments}) == "pipeline score nds --proxy zen"
    retry = {"stage": "score", "arguments": {**arguments, "retry_failed": True}}
    assert again(retry) == "pipeline score nds --proxy zen --retry-failed"


@pytest.mark.parametrize(
    "words",
    [
        "--budget 24", "--population 6 --tournament 3 --seeds 0-4 --budget 24", "--seeds 0,3,5", "--seeds 7",
        "--method random --images synthetic-noise", "--population 4", "--stored --seed 2",
    ],
)  # fmt: skip
def test_a_search_again_is_the_same_search(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def noted(lake: object, plan: Plan, settings: SearchSettings, *, stored: bool, **_: object) -> None:
        row = search_run._run_row(plan, settings, stored, 1, "cpu")
        asked.append((plan, settings, stored, json.loads(row["arguments"])))
        raise UserError("noted")

    monkeypatch.setattr(search_run, "run", noted)
    command = f"pipeline search nds --proxy zen {words}"
    for _ in range(2):
        CliRunner().invoke(cli.app, command.split()[1:])
        command = str(again({"stage": "search", "arguments": asked[-1][-1]}))
    assert asked[0] == asked[1]


def test_a_command_again_is_quoted_and_unknown_stages_have_none() -> None:
    arguments = {"benchmark": "nds", "path": "my file.csv", "source": "native"}
    run = {"stage": "ingest", "arguments": arguments}
    assert again(run) == "pipeline ingest nds 'my file.csv'"
    run["arguments"] = {**arguments, "source": "mine", "curves": True, "max_rejects": 2}
    assert again(run) == "pipeline ingest nds 'my file.csv' --mapping mine --max-rejects 2 --curves"
    assert again({"stage": "tune", "arguments": {"tuning_id": "0"}}) is None


def test_names_that_a_lake_holds_are_words_of_the_command() -> None:
    odd = "x; touch y #"
    row = {
        "benchmark": odd, "space": odd, "proxy": odd, "asked": 9, "architectures": 99, "sample_seed": 0, "seed": 2,
        "images": None, "file": None,
    }  # fmt: skip
    sure = ["pipeline", "score", odd]
    assert shlex.split(score(row)) == [*sure, "--space", odd, "--proxy", odd, "--sample", "9", "--seed", "2"]
    of_run = str(again({"stage": "score", "arguments": {"benchmark": odd, "space": odd}}))
    assert shlex.split(of_run) == [*sure, "--space", odd]
    waits = {"benchmarks": [], "stale": {"sources": []}, "waiting": [row]}
    assert shlex.split(next_command(waits)[0]) == ["pipeline", "sources", odd]


@pytest.mark.parametrize("seeds", [[0, 10**12], [], ["0", "1"], [0, None]])
def test_seeds_far_apart_or_of_a_lake_that_another_program_wrote_are_written_as_they_are(seeds: list[Any]) -> None:
    command = again({"stage": "search", "arguments": {"benchmark": "nds", "seeds": seeds}})
    assert command == f"pipeline search nds --seeds {','.join(map(str, seeds)) or repr('')}"
