"""`pipeline status`: what a lake holds, what is stale, and what to type next."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline import catalog, provenance
from pipeline.cli import application as cli
from pipeline.ingest import run as ingest
from pipeline.lake import locations
from pipeline.lake.store import Lake
from pipeline.proxies import aggregates
from pipeline.proxies.regression import presets
from pipeline.scoring import merge
from pipeline.status import content as contents
from pipeline.status import text
from pipeline.status.next_command import next_command
from tests.fixtures import lakes
from tests.fixtures import mapped_tables as fixtures

PRESET = "regression-fast"


def status(lake: Path, *words: str) -> str:
    result = CliRunner().invoke(cli.app, ["status", "--lake", str(lake), *words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def ingested(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A lake with one table, and that table."""
    root, table = tmp_path / "lake", fixtures.accuracies(tmp_path / "t.csv")
    mapping = fixtures.mapping(tmp_path / "mine.toml", fixtures.ACCURACY)
    ingest.ingest(root, "nasbench201", [table], mapping=str(mapping))
    yield root, table


def scored(root: Path, name: str = PRESET, **changes: Any) -> str:
    """Store a proxy with today's configuration of a preset but for the changes; returns its identity."""
    images = {"kind": "cifar10", "sha256": "0"}
    configuration = presets.load(name).configuration() | {"images": images} | changes
    proxy_id = provenance.identity("made up", 1, configuration)
    row = lakes.proxy(proxy_id, name, configuration, kind="trained")
    lakes.publish(root, f"proxy-{proxy_id}", proxies=[row], scores=[lakes.score(1, proxy_id, 1.0)])
    return proxy_id


def test_the_counts_of_a_made_up_lake(lake: Path) -> None:
    lakes.made_up(lake)
    content = contents.read(lake)
    [benchmark] = content["benchmarks"]
    assert benchmark["spaces"] == [{"space": lakes.SPACE, "architectures": 30}]
    assert [(s["name"], s["rows"], s["state"]) for s in benchmark["sources"]] == [
        ("big", 1, "not known"), ("small", 1, "not known"),
    ]  # fmt: skip
    rows = {(row["proxy"], row["seed"]): row for row in benchmark["proxies"]}
    ours = rows["regression-toy", 0]
    assert (ours["scores"], ours["failed"], ours["waiting"], ours["asked"], ours["missing"]) == (30, 3, 0, 30, 0)
    assert rows["regression-toy", 1]["scores"] == 27 and rows["synflow@small", None]["kind"] == "released"
    assert content["stale"]["sources"] == content["stale"]["proxies"] == [] and content["runs"]["died"] == []


def test_proxies_of_one_name_are_told_apart(lake: Path) -> None:
    patches = {"kind": "synthetic-patches"}
    ids = [scored(lake, images=patches), scored(lake, images=patches, iterations=41)]
    for name in (PRESET, "regression-n101"):
        scored(lake, name)
    shown = [line.split("  ")[1] for line in status(lake).splitlines() if line.startswith("  regression-")]
    alike = [f"{PRESET} (synthetic-patches images) {proxy_id[:6]}" for proxy_id in ids]
    assert sorted(shown) == sorted([f"{PRESET} (cifar10 images)", *alike, "regression-n101"])


def test_missing_is_counted_in_the_sample_that_was_asked_for(lake: Path) -> None:
    lakes.publish(lake, "a", architectures=[lakes.architecture(number) for number in range(20)])
    order = provenance.nested([lakes.arch(number) for number in range(20)], 7)
    arguments = json.dumps({"benchmark": "madeup", "sample": 8, "sample_seed": 7, "seed": 0, "only": None})
    numbers = [int(arch, 16) for arch in (*order[:5], order[12])]  # five of the sample, and one beyond it
    done = lakes.run(arguments=arguments, finished_at=datetime(2026, 1, 2, tzinfo=UTC), status="finished")
    lakes.publish(
        lake, "b", runs=[done], proxies=[lakes.proxy(lakes.OURS, "toy", kind="trained")],
        scores=[lakes.score(number, lakes.OURS, 1.0) for number in numbers],
    )  # fmt: skip
    content = contents.read(lake)
    [row] = content["benchmarks"][0]["proxies"]
    assert (row["asked"], row["sample_seed"], row["scores"], row["missing"]) == (8, 7, 6, 3)
    command, because = next_command(content)
    assert command == "pipeline score madeup --space toys --proxy toy --sample 8 --sample-seed 7"
    assert because == "3 of the sample of 8 are not scored"
    waiting = [{"benchmark": "other", "space": "cells", "proxy": "toy", "seed": 0, "scores": 9}]
    assert next_command({**content, "waiting": waiting})[0] == command, "what is there comes first"
    row["missing"] = 0
    assert next_command({**content, "waiting": waiting})[0] == "pipeline report", "scores that do not wait have rho"


def test_scores_that_wait_are_told_with_the_proxy_and_the_space(lake: Path) -> None:
    rows = [lakes.score(number, lakes.OURS, 1.0) for number in range(4)]
    lakes.publish(lake, "b", runs=[lakes.run()], proxies=[lakes.proxy(lakes.OURS, "toy", kind="trained")], scores=rows)
    assert contents.read(lake)["waiting"] == [
        {"benchmark": "madeup", "space": "toys", "proxy": "toy", "seed": 0, "scores": 4}
    ]
    said = status(lake)
    assert "waiting: 4 scores of toy, for architectures of madeup toys to be ingested" in said
    assert "next: pipeline sources madeup" in said


def test_a_source_whose_file_changed_is_stale_and_one_that_was_touched_is_not(ingested: tuple[Path, Path]) -> None:
    root, table = ingested
    assert contents.read(root)["benchmarks"][0]["sources"][0]["state"] == "as ingested"
    os.utime(table, ns=(1, 1))
    assert contents.read(root)["stale"]["sources"] == []
    table.write_text(table.read_text().replace("1", "2", 1))  # of the same size
    said = status(root)
    assert f"stale: nasbench201: {table} (mine) has changed since it was ingested" in said
    assert f"next: pipeline ingest nasbench201 {table} --mapping {table.with_name('mine.toml')} --lake NEW" in said
    table.unlink()
    assert "is no longer there" in status(root)


def test_source_files_are_looked_for_where_the_lake_does_not_know_them(ingested: tuple[Path, Path]) -> None:
    root, table = ingested
    for file in (root / locations.FOLDER).iterdir():
        file.write_text('{"path": 1}')  # as damaged as missing
    source = contents.read(root)["benchmarks"][0]["sources"][0]
    assert (source["state"], source["path"]) == ("not known", None)
    assert contents.read(root, table.parent)["benchmarks"][0]["sources"][0]["state"] == "as ingested"
    table.write_text("x" * table.stat().st_size)
    assert "has changed" in status(root, "--data", str(table.parent))


def test_the_place_of_a_file_is_recorded_again_when_it_is_ingested_already(ingested: tuple[Path, Path]) -> None:
    root, table = ingested
    [source] = contents.read(root)["benchmarks"][0]["sources"]
    moved = table.rename(table.with_name("moved.csv"))
    ingest.ingest(root, "nasbench201", [moved], mapping=str(table.with_name("mine.toml")))
    location = locations.read(root, source["source_id"])
    assert location is not None and location.path == str(moved)


def test_a_run_that_neither_ended_nor_goes_on_has_died(lake: Path) -> None:
    arguments = {"benchmark": "madeup", "space": "toys", "proxy": "toy", "sample": 5, "seed": 0, "workers": 2}
    run = lakes.run(arguments=json.dumps(arguments))
    lakes.publish(lake, "a", runs=[run], architectures=[lakes.architecture(0)], sources=[lakes.source(lakes.BIG, "b")])
    with Lake(lake).running(lakes.RUN):
        going_on = contents.read(lake)["runs"]
        assert [one["state"] for one in going_on["running"]] == ["running"] and going_on["died"] == []
        assert "running: pipeline score madeup" in status(lake)
    said = status(lake)
    command = "pipeline score madeup --space toys --proxy toy --sample 5"
    assert f"died: {command}" in said and f"next: {command} --lake {lake}\n" in said
    other = json.dumps({**arguments, "workers": 9})
    done = {**run, "run_id": "b" * 16, "arguments": other, "finished_at": datetime(2026, 2, 2, tzinfo=UTC)}
    lakes.publish(lake, "c", runs=[{**done, "started_at": datetime(2026, 2, 1, tzinfo=UTC), "status": "finished"}])
    assert contents.read(lake)["runs"]["died"] == []  # the same command has gone on since


def test_a_proposed_command_has_the_whole_paths_of_its_files(ingested: tuple[Path, Path], tmp_path: Path) -> None:
    root, table = ingested
    table.write_text("changed")
    for file in (root / locations.FOLDER).iterdir():
        file.unlink()
    command = contents.read(root, tmp_path)["next"]
    assert command["command"].endswith("t.csv --mapping mine.toml --lake NEW")
    assert command["because"].endswith("; mine.toml is not here, write its path")


@pytest.mark.parametrize("status", ["running", "finished"])  # killed, and ended with scores that are missing
def test_images_of_a_run_are_at_the_path_that_it_was_given(lake: Path, tmp_path: Path, status: str) -> None:
    half_done(lake, 6, 3, images="pictures", status=status)
    [command, because] = contents.read(lake)["next"].values()
    assert command.endswith(" --images pictures") and because.endswith("; pictures is not here, write its path")
    (tmp_path / "pictures").mkdir()
    locations.record_paths(lake, lakes.RUN, {"images": tmp_path / "pictures", "seed": 3})
    [command, because] = contents.read(lake)["next"].values()
    assert command.endswith(f" --images {tmp_path / 'pictures'}") and "path" not in because
    (lake / locations.FOLDER / f"{lakes.RUN}.json").write_text('{"images": ["damaged"], "seed": "; ls"}')
    assert contents.read(lake)["next"]["command"].endswith(" --images pictures")


def half_done(root: Path, asked: int, scored: int, images: str | None = None, **changes: Any) -> None:
    """A lake with a run that asked for a sample of one order and was killed after some scores of it."""
    lakes.publish(root, "a", architectures=[lakes.architecture(number) for number in range(9)])
    order = provenance.nested([lakes.arch(number) for number in range(9)], 7)
    arguments = {"benchmark": "madeup", "space": "toys", "proxy": "toy", "sample": asked, "sample_seed": 7, "seed": 0}
    arguments |= {"images": images}
    lakes.publish(
        root, f"score-toy-{lakes.RUN}-00001", runs=[lakes.run(arguments=json.dumps(arguments), **changes)],
        proxies=[lakes.proxy(lakes.OURS, "toy", kind="trained")],
        scores=[lakes.score(int(arch, 16), lakes.OURS, 1.0) for arch in order[:scored]],
    )  # fmt: skip


@pytest.mark.parametrize(("asked", "scored", "died"), [(6, 6, 0), (6, 5, 1), (9, 9, 0)])
def test_a_run_of_which_all_is_stored_is_not_told_however_it_ended(
    lake: Path, asked: int, scored: int, died: int
) -> None:
    half_done(lake, asked, scored)
    assert len(contents.read(lake)["runs"]["died"]) == died


@pytest.mark.parametrize("failed", [0, 1])
def test_a_run_that_was_killed_while_it_retried_is_told_until_nothing_has_failed(lake: Path, failed: int) -> None:
    half_done(lake, 9, 9 - failed)
    arguments = {
        "benchmark": "madeup",
        "space": "toys",
        "proxy": "toy",
        "sample": None,
        "seed": 0,
        "retry_failed": True,
    }
    left = [lakes.score(int(arch, 16), lakes.OURS, None, status="failed", reason="too big", run_id="c" * 16)
            for arch in provenance.nested([lakes.arch(number) for number in range(9)], 7)[9 - failed :]]  # fmt: skip
    later = lakes.run(run_id="b" * 16, arguments=json.dumps(arguments))
    lakes.publish(
        lake, f"score-toy-{'b' * 16}-00001", runs=[later], proxies=[lakes.proxy(lakes.OURS, "toy", kind="trained")],
        scores=left,
    )  # fmt: skip
    told = contents.read(lake)["runs"]["died"]
    assert [run["run_id"] for run in told] == ["b" * 16] * failed
    command = f"next: pipeline score madeup --space toys --proxy toy --retry-failed --lake {lake}"
    assert (command in status(lake)) == bool(failed)


def test_a_larger_sample_of_the_same_order_holds_what_a_killed_run_asked_for(lake: Path) -> None:
    half_done(lake, 4, 3)
    assert contents.read(lake)["runs"]["died"]
    arguments = {"benchmark": "madeup", "space": "toys", "proxy": "toy", "sample": 5, "sample_seed": 7, "seed": 0}
    order = provenance.nested([lakes.arch(number) for number in range(9)], 7)
    rows = [lakes.score(int(arch, 16), lakes.OURS, 1.0, run_id="b" * 16) for arch in order[3:5]]
    before = datetime(2025, 1, 1, tzinfo=UTC)  # by a clock that is behind
    later = lakes.run(run_id="b" * 16, arguments=json.dumps(arguments), started_at=before, finished_at=before)
    lakes.publish(lake, f"score-toy-{'b' * 16}-00001", runs=[later], scores=rows)
    assert contents.read(lake)["runs"]["died"] == []


def test_runs_that_a_merge_brought_are_not_to_be_repeated_here(lake: Path, tmp_path: Path) -> None:
    half_done(tmp_path / "other", 6, 3, status="interrupted", finished_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert contents.read(tmp_path / "other")["runs"]["died"]
    merge.run(lake, tmp_path / "other")
    runs = contents.read(lake)["runs"]
    assert runs["count"] == 1 and runs["died"] == []


def test_a_run_in_the_future_is_not_the_last_one(lake: Path) -> None:
    """A clock was years ahead for a while; the same command has gone on since."""
    arguments = json.dumps({"benchmark": "madeup", "space": "toys", "proxy": "toy", "only": "list", "seed": 0})
    ahead = lakes.run(arguments=arguments, started_at=datetime(2226, 1, 1, tzinfo=UTC))
    done = lakes.run(run_id="b" * 16, arguments=arguments, finished_at=datetime(2026, 1, 2, tzinfo=UTC))
    lakes.publish(lake, "a", runs=[ahead, {**done, "status": "finished"}])
    runs = contents.read(lake)["runs"]
    assert runs["last"]["run_id"] == "b" * 16 and runs["died"] == []


@pytest.mark.parametrize("make", [lakes.made_up, lakes.empty])
def test_what_a_killed_process_was_writing_is_counted(lake: Path, make: Callable[[Path], Any]) -> None:
    make(lake)
    (lake / ".staging" / f"{2**22 + 1}-0123abcd").mkdir(parents=True)
    assert "died: 1 process was killed while it wrote" in status(lake)


@pytest.mark.parametrize("changes", [{"iterations": 41}, {"learning_rate": 0.2}, {"momentum": None}])
def test_a_preset_that_was_edited_is_stale(lake: Path, changes: dict[str, Any]) -> None:
    proxy_id = scored(lake, **changes)
    [stale] = contents.read(lake)["stale"]["proxies"]
    assert (stale["proxy_id"], stale["scored"]) == (proxy_id, True)
    assert f"stale: {PRESET}: {next(iter(changes))} of its preset changed since it was scored" in status(lake)
    scored(lake)  # today's configuration is scored, too
    assert contents.read(lake)["stale"]["proxies"] == []


def test_other_images_do_not_make_a_proxy_stale(lake: Path) -> None:
    scored(lake, images={"kind": "patches", "seed": 9})
    assert contents.read(lake)["stale"]["proxies"] == []


def test_a_users_own_preset_that_was_edited_is_stale(lake: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f'extends = "{PRESET}"\nname = "own"\n')
    configuration = presets.load(str(file)).configuration() | {"images": {"kind": "cifar10"}}
    lakes.publish(lake, "a", proxies=[lakes.proxy(lakes.OURS, "own", configuration, kind="trained")])
    locations.record(lake, lakes.OURS, file, "0")
    assert contents.read(lake)["stale"]["proxies"] == []
    file.write_text(f'extends = "{PRESET}"\nname = "own"\nlearning_rate = 0.5\n')
    assert f"stale: own: learning_rate of {file} changed since it was scored" in status(lake)
    file.write_text("no TOML")
    assert f"stale: own: {file} cannot be read any more" in status(lake)


def test_aggregates_and_zero_cost_proxies_are_compared_too(lake: Path) -> None:
    shipped = aggregates.load("aggregate-ranks")
    changed = {"terms": [{**term, "weight": 2.0} for term in shipped.configuration["terms"]]}
    zero = {"classes": 10, "images": {"kind": "cifar10", "count": 64}}
    lakes.publish(lake, "a", proxies=[
        lakes.proxy("a" * 16, shipped.name, changed, kind="aggregate"),
        lakes.proxy("b" * 16, "jacov", zero, kind="zero-cost"),
        lakes.proxy("c" * 16, "grad_norm", {"classes": 7, "images": {}, "labels": "in turn"}, kind="zero-cost"),
        lakes.proxy("d" * 16, "zen", {"noise": {}}, kind="zero-cost", version=0),
        lakes.proxy("e" * 16, "nobody-knows", {"a": 1}, kind="zero-cost"),
        lakes.proxy("f" * 16, "jacov", zero, kind="zero-cost", version=0),  # beside which today's is stored
    ])  # fmt: skip
    stale = {row["name"]: row["change"] for row in contents.read(lake)["stale"]["proxies"]}
    assert stale == {
        shipped.name: "terms of its preset changed since it was scored",
        "grad_norm": "classes of its preset changed since it was scored",
        "zen": "version 0 of its code computed it, today's is 1",
    }


@pytest.mark.parametrize("terms", [{}, {"terms": 5}, {"terms": [5]}, {"terms": [{}]}])
def test_a_sum_without_terms_that_another_program_wrote_has_changed(lake: Path, terms: dict[str, Any]) -> None:
    proxies = [lakes.proxy("a" * 16, name, terms, kind="aggregate") for name in ("generic", "aggregate-ranks")]
    lakes.publish(lake, "a", proxies=proxies)
    changed = {"terms of its preset changed since it was scored"}
    assert {row["change"] for row in contents.read(lake)["stale"]["proxies"]} == changed


def test_views_that_are_not_those_of_this_version_are_stale_and_stay(lake: Path) -> None:
    made = lakes.made_up(lake)
    assert contents.read(lake)["stale"]["views"]
    assert not (lake / catalog.CATALOG).exists() and "stale: the views are not those" in status(lake)
    catalog.ensure(made)
    assert not contents.read(lake)["stale"]["views"] and "stale:" not in status(lake)
    assert "of this version, or of this folder" in status(Path(shutil.copytree(lake, lake.with_name("copy"))))


def test_nothing_of_where_files_lay_is_exported(ingested: tuple[Path, Path], tmp_path: Path) -> None:
    root, _ = ingested
    out = catalog.export(Lake(root), tmp_path / "out.duckdb")
    assert str(tmp_path / "t.csv").encode() not in out.read_bytes()


def test_the_lines_fit_a_terminal_of_80_columns_and_json_is_the_same_content(ingested: tuple[Path, Path]) -> None:
    root, _ = ingested
    content = json.loads(status(root, "--json"))
    command = "pipeline score nasbench201 --sample 200"
    assert content["next"]["command"] == f"{command} --lake {root}", "typed as it is, it is of the lake that was named"
    result = CliRunner().invoke(cli.app, ["status"], env={"PIPELINE_LAKE": str(root)})
    assert f"next: {command}\n" in result.output
    tables = [line for line in text.lines(content, 80) if line.startswith("  ")]
    assert tables and max(map(len, tables)) <= 80


def test_an_empty_lake_and_one_that_is_not_there(lake: Path, tmp_path: Path) -> None:
    lakes.empty(lake)
    assert "next: pipeline ingest nasbench201 --mapping analog-nasbench" in status(lake)
    result = CliRunner().invoke(cli.app, ["status", "--lake", str(tmp_path / "none")])
    assert result.exit_code == 1 and "no lake at" in str(result.exception)


def test_without_merged_scores_no_rows_are_read_for_them(
    ingested: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To make an empty table, pyarrow imports pandas: a fifth of what the whole command takes."""
    monkeypatch.setattr(Lake, "read", lambda *_, **__: pytest.fail("rows are read"))
    assert contents.read(ingested[0])["runs"]["count"] == 1
