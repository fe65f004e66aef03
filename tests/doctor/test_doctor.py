"""`pipeline doctor` finds whatever is not as it was stored, and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import benchmarks, catalog
from pipeline.doctor import contents
from pipeline.doctor.examination import examine
from pipeline.errors import UserError
from pipeline.lake import checksums, last_check, score_index
from pipeline.lake.score_index import ScoreIndex
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.command import exit_code
from tests.fixtures.lines import time_limit

TRUTH = "parts/madeup/ingest/truth.parquet"
ENDED = 2**22 + 1  # no process has this number


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with everything that a lake can hold: catalog, keys, stored results, a rule, an examination."""
    root = tmp_path_factory.mktemp("doctor") / "lake"
    lake = lakes.made_up(root, 12)
    before, score_index.FEW = score_index.FEW, 0
    for number in range(2):
        scores = [lakes.score(number, lakes.OURS, 1.0, seed=5)]
        lakes.publish(root, f"score-{lakes.OURS}-{'a' * 16}-{number + 1:05d}", scores=scores)
    ScoreIndex(lake, lakes.BENCHMARK, f"score-{lakes.OURS}-", lakes.SPACE, 5, None, [lakes.OURS])
    score_index.FEW = before
    catalog.ensure(lake)
    catalog.run_sql(lake, "SELECT count(*) FROM correlations")
    (root / "rules").mkdir()
    (root / "rules" / "tuned-toy.toml").write_text(lakes.tuning()["rule"])
    assert examine(root).faults == []
    return root


@pytest.fixture
def lake(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "lake"))


def faults(root: Path, **options: bool) -> dict[str, str]:
    return {fault.path: fault.line for fault in examine(root, **options).faults}


def test_one_flipped_bit_in_each_of_a_hundred_places_is_found_a_hundred_times(lake: Path) -> None:
    files = sorted(path for path in lake.rglob("*") if path.is_file() and path.stat().st_size)
    kinds = {path.name for path in files}
    assert {"lake.json", "bench.duckdb", "bench.duckdb.sha256", "doctor.json", checksums.FILE, "truth.parquet"} <= kinds
    draw, missed = random.Random(17), []
    for number in range(100):
        path = files[number % len(files)]
        content = path.read_bytes()
        changed = bytearray(content)
        changed[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        if not _found(lake, path):
            missed.append(path)
        path.write_bytes(content)
    assert missed == []
    assert faults(lake, rows=False) == {}


def _found(root: Path, path: Path) -> bool:
    """Whether the file, or what it states the checksums of, is named."""
    named = path.relative_to(root).as_posix()
    try:
        found = faults(root, rows=False)
    except UserError as error:
        return named in str(error)
    if path.name == checksums.FILE:
        return bool(found)
    return named.removesuffix(".sha256") in found


def test_pages_have_checksums_and_a_changed_value_is_no_value(lake: Path) -> None:
    path = lake / TRUTH
    content = path.read_bytes()
    start = pq.ParquetFile(path).metadata.row_group(0).column(8).dictionary_page_offset
    for place in range(start + 100, start + 120):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(UserError, match=r"truth\.parquet cannot be read"):
            Lake(lake).read("truth", lakes.BENCHMARK)


@pytest.mark.parametrize(
    ("harm", "path", "words"),
    [
        (lambda root: shutil.rmtree(root / "parts/madeup/scores-0"), "parts/madeup/scores-0", "it is missing"),
        (lambda root: (root / TRUTH).unlink(), TRUTH, "it is missing"),
        (lambda root: (root / TRUTH).write_bytes(b""), TRUTH, "has changed since it was published"),
        (lambda root: os.truncate(root / TRUTH, 900), TRUTH, "has changed since it was published"),
        (lambda root: pq.write_table(pa.table({"a": [1]}), root / TRUTH), TRUTH, "has changed since it was published"),
        (lambda root: (root / "parts/madeup/ingest/extra.parquet").write_bytes(b""),
         "parts/madeup/ingest/extra.parquet", "the part was published without it"),
        (lambda root: (root / "parts/madeup/0").mkdir(), "parts/madeup/0", "the folder is empty"),
        (lambda root: (root / "parts/madeup/0").symlink_to(root / "parts/_schema/0"), "parts/madeup/0", "a link to"),
        (lambda root: (root / f".staging/here-{ENDED}-0123abcd").mkdir(), "", ""),
        (lambda root: (root / "bench.duckdb").write_bytes(b"x"), "bench.duckdb", "not the file that"),
        (lambda root: (root / "lake.json").write_text('{"format":1}'), "lake.json", "not as it was written"),
    ],
)  # fmt: skip
def test_each_fault_is_one_line_with_the_file_and_what_to_do(
    lake: Path, harm: Callable[[Path], object], path: str, words: str
) -> None:
    harm(lake)
    lines = faults(lake, rows=False)
    assert set(lines) == ({path} if path else set())
    assert all(words in line and "; " in line and "\n" not in line for line in lines.values())


def test_what_is_no_plain_file_is_listed_and_the_rest_is_examined(lake: Path) -> None:
    part = lake / "parts/madeup/ingest"
    (lake / TRUTH).unlink()
    os.mkfifo(lake / TRUTH)
    (part / checksums.FILE).unlink()
    (part / checksums.FILE).symlink_to(part / checksums.FILE)
    os.mkfifo(lake / "parts/madeup/scores-0/pipe")
    loop = lake / "parts/madeup/scores-1/scores.parquet"
    loop.unlink()
    loop.symlink_to(loop)
    (lake / "parts/madeup/looped").symlink_to(lake / "parts/madeup/looped")
    lines = faults(lake)
    assert "it is no plain file" in lines[TRUTH] and "it is no plain file" in lines[f"{TRUTH[:-13]}{checksums.FILE}"]
    assert "the part was published without it" in lines["parts/madeup/scores-0/pipe"]
    assert "it is a link to" in lines["parts/madeup/scores-1/scores.parquet"]
    assert "it is a link to" in lines["parts/madeup/looped"] and len(lines) == 5


def test_a_named_pipe_in_the_place_of_any_file_is_found_and_keeps_nobody_waiting(lake: Path) -> None:
    (lake / ".lock-run-0123456789abcdef").touch()
    last_check.write(lake, "2026-01-01", 0)
    files = [path for path in lake.rglob("*") if path.is_file()]
    for path in files:
        path.unlink()
        os.mkfifo(path)
    with time_limit(120):
        assert not Lake(lake, whole=False, read_only=True).is_running("0123456789abcdef")
        lines = faults(lake)
    assert {str(path.relative_to(lake)) for path in files} == set(lines)
    assert all("it is no plain file" in line or "it is a named pipe" in line for line in lines.values())


def special(path: Path) -> dict[str, Callable[[], object]]:
    """What may lie in the place of a file or folder."""

    def socket_there() -> None:
        with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):  # the whole path may be too long
            made.bind(path.name)

    return {
        "a named pipe": lambda: os.mkfifo(path), "a socket": socket_there, "a link": lambda: path.symlink_to(path),
        "a device": lambda: path.symlink_to("/dev/zero"), "a file": lambda: path.write_text("x"),
        "a folder": path.mkdir,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, kind) for name in (checksums.FILE, "lake.json") for kind in special(Path()) if kind != "a file"),
        ("doctor.json", "a socket"), ("doctor.json", "a link"), ("bench.duckdb", "a folder"),
        ("parts/madeup/ingest/SHA256SUMS", "a socket"), ("parts/madeup/ingest/SHA256SUMS", "a device"),
        ("parts/madeup/ingest/SHA256SUMS", "a folder"), ("parts", "a link"), ("parts", "a file"),
        ("parts/_schema", "a file"), ("parts/_schema/0", "a named pipe"), ("parts/madeup", "a named pipe"),
        ("parts/madeup/ingest", "a socket"), ("derived", "a file"),
    ],
)  # fmt: skip
def test_what_is_of_another_kind_is_a_fault_beside_the_others(name: str, kind: str, lake: Path) -> None:
    path, other = lake / name, "parts/madeup/scores-0/scores.parquet"
    with (lake / other).open("ab") as stream:
        stream.write(b"more")
    path.rename(lake / "away")
    special(path)[kind]()
    with time_limit(120):
        lines = faults(lake)
    assert any(place == name or place.startswith(f"{name}/") for place in lines)
    assert (name.startswith("parts") and name.count("/") < 2) or other in lines


def test_what_operating_systems_leave_is_no_fault(lake: Path) -> None:
    for folder in ("parts/madeup/ingest", "parts/madeup", "parts"):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._truth.parquet"):
            (lake / folder / name).write_bytes(b"\0\1")
    assert faults(lake) == {}


def test_a_folder_of_benchmarks_that_is_gone_is_no_fault_of_the_lake(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Lake(lake).publish("nasbench201", "0", {"architectures": [lakes.architecture(1, benchmark="nasbench201")]})
    monkeypatch.setattr(benchmarks, "__path__", [*benchmarks.__path__, str(lake / "gone")])
    with pytest.raises(UserError, match=r"PIPELINE_BENCHMARKS names .*gone, which is no folder"):
        list(contents.canonical_faults(Lake(lake)))


def test_a_part_of_the_version_before_is_held_to_the_list(lake: Path) -> None:
    """It has no checksums of its own; when the lake was first opened they were taken."""
    for path in [*lake.glob(f"parts/*/*/{checksums.FILE}"), lake / checksums.FILE]:
        path.unlink()
    result = examine(lake, rows=False)
    assert result.faults == [] and result.unsealed == result.parts > 0
    assert f"{result.parts} parts of an earlier version carry no checksums" in result.notes[0]
    content = bytearray((lake / TRUTH).read_bytes())
    content[-300] ^= 4
    (lake / TRUTH).write_bytes(content)
    assert set(faults(lake, rows=False)) == {TRUTH}


def test_a_source_that_states_more_values_than_there_are(lake: Path) -> None:
    truth, source = lakes.truth(99, 1.0, source_id="9" * 16), lakes.source("9" * 16, "stray", rows=7)
    lakes.publish(lake, f"ingest-{'9' * 16}", truth=[truth], sources=[source])
    path = f"parts/madeup/ingest-{'9' * 16}/sources.parquet"
    line = f"{path}: it states 7 values, the part holds 1; restore the part from a copy of the lake"
    assert faults(lake) == {path: line}


def test_rows_that_contradict_one_another_identities_and_rules(lake: Path) -> None:
    lakes.publish(lake, "scores-2", scores=[lakes.score(0, lakes.SIZE, 1.0, seed=None)])
    Lake(lake).publish("nasbench201", "0", {"architectures": [lakes.architecture(1, benchmark="nasbench201")]})
    (lake / "rules/tuned-toy.toml").write_text("x = 1")
    lines = faults(lake)
    architectures = "parts/nasbench201/0/architectures.parquet"
    assert lines[architectures].startswith(f"{architectures}: architecture 0000000000000001 is not the identity")
    assert "it is not the rule that `tune` stored; " in lines["rules/tuned-toy.toml"]
    assert lines["queries/checks/duplicate_keys.sql"].startswith("queries/checks/duplicate_keys.sql: 1 row; ")
    assert len(lines) == 4 and "parts/nasbench201" in lines  # its spec is none of the space


def test_leftovers_go_with_fix_and_nothing_else(lake: Path) -> None:
    from pipeline.lake.files import own_name

    ended = own_name().replace(f"-{os.getpid()}-", f"-{ENDED}-")
    (lake / ".staging" / ended).mkdir()
    (lake / ".staging" / ended / "truth.parquet").write_bytes(b"half")
    (lake / f".pipeline-{ended}").write_bytes(b"half")
    (lake / ".parts.20261128").mkdir()  # copies of a user's, dated
    (lake / ".SHA256SUMS.20261128").write_bytes(b"mine")
    (lake / ".staging" / own_name()).mkdir()  # of a run that goes on
    (lake / "notes.txt").write_text("mine")
    assert set(faults(lake, rows=False)) == {f".staging/{ended}", f".pipeline-{ended}"}
    result = examine(lake, rows=False, fix=True)
    assert result.faults == [] and result.notes == ["notes.txt: not a file of a lake; it is left alone"]
    assert all((lake / name).exists() for name in ("notes.txt", ".parts.20261128", ".SHA256SUMS.20261128"))
    assert len(list((lake / ".staging").iterdir())) == 1


def test_without_a_part_the_lake_goes_on_once_it_is_forgotten(lake: Path) -> None:
    shutil.rmtree(lake / "parts/madeup/scores-1")
    with pytest.raises(UserError, match=r"parts/madeup/scores-1 is missing"):
        Lake(lake)
    assert "parts/madeup/scores-1" not in faults(lake, rows=False, forget_missing=True)
    Lake(lake)


def test_keys_of_a_deleted_part_are_no_fault(lake: Path) -> None:
    """The scores of a proxy are deleted as docs/operations.md says; the next run makes the keys again."""
    for part in lake.glob(f"parts/*/score-{lakes.OURS}-*"):
        shutil.rmtree(part)
    assert faults(lake, forget_missing=True) == {}


def test_a_part_that_is_not_on_the_list_joins_it_where_nothing_is_wrong(lake: Path) -> None:
    """As where a run was killed between the part and the list."""
    listed = checksums.listed(lake)
    lines = (lake / checksums.FILE).read_text().splitlines(keepends=True)
    (lake / checksums.FILE).write_text("".join(line for line in lines if "parts/madeup/scores-1/" not in line))
    assert examine(lake, rows=False).faults == [] and checksums.listed(lake) == listed


def test_a_record_of_the_last_check_that_is_nested_without_end_is_damaged(lake: Path) -> None:
    (lake / last_check.FILE).write_text("[" * 200_000)
    assert "is damaged" in last_check.summary(lake)
    assert "has changed since it was written" in faults(lake, rows=False)[last_check.FILE]


def test_the_report_says_when_the_lake_was_last_found_whole(lake: Path) -> None:
    checked_at = last_check.read(lake).checked_at  # type: ignore[union-attr]
    assert last_check.summary(lake) == f"The lake was found whole on {checked_at}."
    lakes.publish(lake, "one-more", scores=[lakes.score(3, lakes.OURS, 1.0, seed=9)])
    assert examine(lake, rows=False).faults == []  # of files alone, which does not make a lake whole
    assert last_check.summary(lake) == f"The lake was found whole on {checked_at}; parts added since: 1."
    listed = (lake / checksums.FILE).read_text()
    (lake / checksums.FILE).write_text(listed.partition("\n")[2])
    assert last_check.summary(lake).endswith("; its list of parts has changed since.")
    (lake / checksums.FILE).write_text(listed)
    (lake / "parts/madeup/0").mkdir()
    examine(lake, rows=False)
    assert "found faults in the lake on" in last_check.summary(lake)
    assert last_check.summary(lake).endswith(f"(1); it was last found whole on {checked_at}.")


def test_the_verb_exits_with_1_where_there_is_a_fault(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*more: str) -> tuple[int, str]:
        return exit_code("doctor", "--lake", lake, "--files", *more), capsys.readouterr().out

    parts = len(list(lake.glob("parts/*/*")))
    assert run() == (0, f"{lake}: whole, {parts} parts\n")
    (lake / TRUTH).unlink()
    code, out = run("--json")
    assert code == 1 and [fault["path"] for fault in json.loads(out)["faults"]] == [TRUTH]
    code, out = run()
    assert code == 1 and out.splitlines()[-1] == f"{lake}: 1 fault in {parts} parts"
