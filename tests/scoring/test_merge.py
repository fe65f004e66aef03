"""Merging lakes: every score once, with its curves and where it comes from; the truth stays where it was ingested."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import catalog
from pipeline.lake.store import Lake
from pipeline.scoring import merge, merge_differences
from tests.fixtures import lakes
from tests.fixtures.command import exit_code
from tests.fixtures.lakes import OURS, SIZE, arch
from tests.fixtures.lines import refused

FAMILIES = {OURS: "score-toy-", SIZE: "score-size-"}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Six parts: five scores of one proxy with curves, three of another, each of its own run, and ground truth."""
    root = tmp_path / "other"
    lakes.publish(root, "ingest-0", architectures=[lakes.architecture(i) for i in range(5)])
    for number in range(5):
        scored(root, number)
    lakes.publish(
        root, f"{FAMILIES[SIZE]}{'c' * 16}-00001", runs=[lakes.run(run_id="c" * 16)],
        proxies=[lakes.proxy(SIZE, "size")],
        scores=[lakes.score(i, SIZE, None, status="failed", reason="too big", run_id="c" * 16) for i in range(3)],
    )  # fmt: skip
    return root


def scored(root: Path, number: int, kind: str = "", stage: str = "score", value: float = 1.0) -> None:
    run_id = f"{number:x}".rjust(16, "b")
    lakes.publish(
        root, f"{FAMILIES[OURS]}{kind}{run_id}-00001", runs=[lakes.run(run_id=run_id, stage=stage)],
        proxies=[lakes.proxy(OURS, "toy")], scores=[lakes.score(number, OURS, value, run_id=run_id)],
        curves=[lakes.curve(number, OURS, 0, "eval", [2.0, value])],
    )  # fmt: skip


def table(root: Path, name: str, **where: object) -> list[lakes.Row]:
    rows = Lake(root).read(name, lakes.BENCHMARK).to_pylist()
    return [row for row in rows if all(row[column] == value for column, value in where.items())]


def parts(root: Path) -> list[str]:
    return Lake(root).part_names(lakes.BENCHMARK)


def test_scores_are_taken_with_all_that_is_theirs_and_the_parts_become_one_a_family(other: Path, lake: Path) -> None:
    lakes.publish(lake, "ingest-0", architectures=[lakes.architecture(i) for i in range(4)])
    found = merge.run(lake, other)
    assert found.line == f"{other}: 8 scores taken; 1 score waits for its architecture to be ingested"
    for name in ("scores", "curves", "runs", "proxies"):
        assert sorted(map(str, table(lake, name))) == sorted(map(str, table(other, name)))
    assert len(table(lake, "architectures")) == 4
    assert [name.rpartition("-")[0] for name in parts(lake)] == ["ingest", "score-size", "score-toy"]


def test_lakes_whose_parts_have_the_same_names_are_taken_both(lake: Path, tmp_path: Path) -> None:
    for number in range(2):
        root = tmp_path / f"other-{number}"
        lakes.publish(
            root, f"{FAMILIES[SIZE]}{'c' * 16}-00001", runs=[lakes.run()], proxies=[lakes.proxy(SIZE, "size")],
            scores=[lakes.score(number, SIZE, 1.0)],
        )  # fmt: skip
        assert merge.run(lake, root).taken == 1
    assert {row["arch_id"] for row in table(lake, "scores")} == {arch(0), arch(1)}


def test_a_part_of_scores_brings_nothing_but_what_scores_need(other: Path, lake: Path) -> None:
    lakes.publish(
        other, f"{FAMILIES[OURS]}{'d' * 16}-00001", runs=[lakes.run()], proxies=[lakes.proxy(OURS, "toy")],
        scores=[lakes.score(9, OURS, 1.0)], truth=[lakes.truth(9, 99.0)], metrics=[lakes.metric()],
        sources=[lakes.source(lakes.BIG, "big")], architectures=[lakes.architecture(9)], searches=[lakes.search()],
        tunings=[lakes.tuning()],
    )  # fmt: skip
    assert merge.run(lake, other).taken == 9
    assert not [name for name in ("truth", "metrics", "sources", "architectures", "searches") if table(lake, name)]


def test_the_run_of_a_score_is_taken_from_a_part_that_is_not(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_differences, "_BYTES", 1)
    first, run_id = tmp_path / "other", "2".rjust(16, "b")
    scored(first, 2)
    lakes.publish(first, f"{FAMILIES[OURS]}{run_id}-00002", scores=[lakes.score(3, OURS, 1.0, run_id=run_id)])
    lakes.publish(
        lake, f"{FAMILIES[OURS]}{'d' * 16}-00001", runs=[lakes.run(run_id="d" * 16)],
        proxies=[lakes.proxy(OURS, "toy")], scores=[lakes.score(2, OURS, 1.0, run_id="d" * 16)],
        curves=[lakes.curve(2, OURS, 0, "eval", [2.0, 1.0])],
    )  # fmt: skip
    assert merge.run(lake, first).taken == 1 and table(lake, "runs", run_id=run_id)
    assert merge.run(tmp_path / "third", lake).taken == 2


def test_rows_of_another_benchmark_than_their_folder_and_text_that_is_none_are_refused(
    other: Path, tmp_path: Path
) -> None:
    scored(other, 9)
    part = next(other.glob(f"parts/*/{FAMILIES[OURS]}{'9'.rjust(16, 'b')}*/scores.parquet"))
    scores = pq.read_table(part)
    of_device = scores.schema.get_field_index("device")
    [_, offsets, _] = scores["device"].combine_chunks().buffers()
    latin = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xe9pu")])
    for changed, says in (
        (scores.set_column(0, "benchmark", pa.array(["elsewhere"])), "a row of scores of madeup in score-toy-"),
        (scores.set_column(of_device, "device", latin), "Invalid UTF8"),
    ):
        pq.write_table(changed, part)
        with refused(says):
            merge.run(tmp_path / "lake", other)
        assert not [*tmp_path.glob("lake/parts/madeup/*")]


@pytest.mark.parametrize("first", ["lake", "other"])
@pytest.mark.parametrize("kinds", [("trained", "zero-cost"), ("trained", None), (None, "trained")])
def test_a_proxy_of_two_kinds_is_refused(
    lake: Path, tmp_path: Path, first: str, kinds: tuple[str | None, str | None]
) -> None:
    """Its two rows would count each of its scores twice; where no kind is stored, the catalog shows zero-cost."""
    for number, (root, kind) in enumerate(zip([first, "other"], kinds, strict=True)):
        run_id = f"{number:016x}"
        lakes.publish(
            tmp_path / root, f"{FAMILIES[OURS]}{run_id}-00001", runs=[lakes.run(run_id=run_id)],
            proxies=[lakes.proxy(OURS, "toy", kind=kind)], scores=[lakes.score(number, OURS, 1.0, run_id=run_id)],
        )  # fmt: skip
    with refused("a proxy of madeup has two kinds", "nothing was taken"):
        merge.run(lake, tmp_path / "other")


def test_a_benchmark_whose_name_is_a_command_is_refused(other: Path, lake: Path) -> None:
    (other / "SHA256SUMS").unlink()
    (other / "parts" / lakes.BENCHMARK).rename(other / "parts" / "x; touch y #")
    with refused("'x; touch y #' is no name of a benchmark", "nothing was taken"):
        merge.run(lake, other)


@pytest.mark.parametrize("configuration", [{}, {"terms": []}, {"terms": 5}, {"terms": [5]}, {"terms": [{"proxy": 5}]}])
def test_an_aggregate_without_terms_is_refused(lake: Path, tmp_path: Path, configuration: lakes.Row) -> None:
    lakes.publish(
        tmp_path / "other", f"{FAMILIES[OURS]}{'a' * 16}-00001", runs=[lakes.run()],
        proxies=[lakes.proxy(OURS, "generic", configuration, kind="aggregate")], scores=[lakes.score(0, OURS, 1.0)],
    )  # fmt: skip
    with refused("an aggregate of madeup has no list of terms", "name 'generic'", "nothing was taken"):
        merge.run(lake, tmp_path / "other")


def test_a_proxy_that_has_another_kind_in_another_benchmark_is_refused(other: Path, lake: Path) -> None:
    Lake(lake, create=True).publish("elsewhere", "score-0", {"proxies": [lakes.proxy(OURS, "toy", kind="aggregate")]})
    with refused("a proxy of madeup has two kinds", "nothing was taken"):
        merge.run(lake, other)


def test_a_lake_without_scores_is_said_to_have_none(lake: Path, tmp_path: Path) -> None:
    empty = lakes.publish(tmp_path / "empty", "ingest", architectures=[lakes.architecture(0)]).root
    assert merge.run(lake, empty).line == f"{empty}: it has no scores to take"


def test_what_is_stored_is_not_taken_again_and_the_own_score_stays(other: Path, lake: Path) -> None:
    scored(lake, 2, value=7.0)
    first = merge.run(lake, other)
    assert (first.taken, first.stored) == (7, 1)
    assert [row["value"] for row in table(lake, "scores", arch_id=arch(2), proxy_id=OURS)] == [7.0]
    assert [row["losses"] for row in table(lake, "curves", arch_id=arch(2))] == [[2.0, 7.0]]
    before = parts(lake)
    assert merge.run(lake, other).line == f"{other}: all 8 scores are stored already, nothing to do"
    scored(other, 9)
    assert merge.run(lake, other).taken == 1 and len(parts(lake)) == len(before) + 1
    faulty = {name for name, rows in catalog.checks(Lake(lake)) if rows.num_rows}
    assert faulty == {"scores_of_the_unknown"}  # no architecture is ingested here


def test_of_a_search_it_stays_known_that_it_chose(other: Path, lake: Path) -> None:
    scored(other, 30, "search-", "search")
    scored(other, 31, "search-", "search")
    key = {
        k: v
        for k, v in lakes.score(31, OURS, 1.0).items()
        if k in ("benchmark", "space", "arch_id", "proxy_id", "seed")
    }
    lakes.publish(other, f"{FAMILIES[OURS]}adopted-{'d' * 8}", adopted=[key])
    for _ in range(2):
        merge.run(lake, other)
    assert len(table(lake, "adopted")) == 1
    with catalog.connect(Lake(lake)) as connection:
        alone = catalog.rows(connection, "SELECT arch_id FROM searched_alone")
    assert alone["arch_id"].to_pylist() == [arch(30)]
    assert "score-toy-search" in [name.rpartition("-")[0] for name in parts(lake)]


def test_large_lakes_go_group_by_group_and_a_stopped_merge_goes_on(
    other: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_differences, "_BYTES", 1)
    take, calls = merge._take, iter(range(100))

    def stopped(*arguments: object) -> tuple[int, int]:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return take(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(merge, "_take", stopped)
    with pytest.raises(KeyboardInterrupt):
        merge.run(lake, other)
    assert (merge.run(lake, other).taken, len(table(lake, "scores"))) == (3, 8)


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda root: (root / "lake.json").unlink(), "is not a lake: name the folder that holds lake.json and parts/"),
        (lambda root: (root / "lake.json").write_text('{"format": 99}'), "written by a newer version"),
        (lambda root: next(root.glob("parts/madeup/score-*/scores.parquet")).write_bytes(b"PAR1"), "cannot be read"),
    ],
)
def test_the_wrong_folder_and_a_damaged_part_are_told_in_one_line(
    spoil: object, line: str, other: Path, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(other)  # type: ignore[operator]
    code = exit_code("merge", other, "--lake", lake)
    told = capsys.readouterr().err.splitlines()[-1]
    assert code == 1 and line in told and str(other) in told


def test_a_lake_that_cannot_be_read_leaves_no_new_one(other: Path, lake: Path) -> None:
    part = parts(other)[1]
    (other / "parts" / lakes.BENCHMARK / part).rename(other / "away")
    with refused(f"{part} is missing"):
        merge.run(lake, other)
    (other / "lake.json").write_text('{"format": 99}')
    with refused("has format 99, written by a newer version"):
        merge.run(lake, other)
    assert not lake.exists()


def test_a_lake_is_not_merged_into_itself(other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code("merge", other, "--lake", other)
    assert "is the lake itself" in capsys.readouterr().err


def test_the_scores_that_come_along_are_sound_and_tell_no_folder(lake: Path) -> None:
    shipped = Path(__file__).parents[2] / "data" / "scores"
    before = sorted(shipped.rglob("*"))
    assert merge.run(lake, shipped).taken > 0 and sorted(shipped.rglob("*")) == before
    assert {name for name, rows in catalog.checks(Lake(lake)) if rows.num_rows} == {"scores_of_the_unknown"}
    with catalog.connect(Lake(lake)) as connection:
        runs = catalog.rows(connection, "SELECT arguments || host AS told FROM runs WHERE status <> 'running'")
    assert runs.num_rows and not [told for told in runs["told"].to_pylist() if "/" in told]
