"""The published form of a benchmark: its good records, its curves, and what does not fit in memory at once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipeline import benchmarks
from pipeline.ingest.part import SourcePart
from pipeline.ingest.run import ingest
from pipeline.lake import schema
from tests.fixtures import lake_content, nasbench201_files

CELLS = nasbench201_files.topologies(5)
LENGTHS = {"12": [111, 777], "60": [777]}


def test_the_published_form_keeps_the_good_and_stores_the_bad(lake: Path, tmp_path: Path) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "NATS", CELLS, LENGTHS)
    (folder / "000002.pickle.pbz2").write_bytes(b"BZh9 cut")
    [summary] = ingest(lake, "nasbench201", [folder])
    assert (summary.source, summary.architectures, summary.rejected) == ("native", 5, 1)
    [reject] = lake_content.rows(lake, "rejects")
    assert (reject["position"], reject["source_id"]) == (
        "000002.pickle.pbz2",
        lake_content.rows(lake, "sources")[0]["source_id"],
    )
    assert len({r["arch_id"] for r in lake_content.rows(lake, "truth")}) == 4
    assert ingest(lake, "nasbench201", [folder])[0].already


def test_curves_add_themselves_to_the_finals_that_are_there(lake: Path, tmp_path: Path) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "NATS", CELLS[:1], LENGTHS)
    ingest(lake, "nasbench201", [folder])
    finals = len(lake_content.rows(lake, "truth"))
    ingest(lake, "nasbench201", [folder], curves=True)
    rows = lake_content.rows(lake, "truth")
    assert len([r for r in rows if r["epoch"] is None]) == finals
    assert len([r for r in rows if r["epoch"] is not None]) > 1000
    keys = Counter(tuple(r[k] for k in schema.TABLES["truth"].key) for r in rows)
    assert set(keys.values()) == {1}
    before = lake_content.files(lake)
    assert all(ingest(lake, "nasbench201", [folder], curves=c)[0].already for c in (True, False))
    assert lake_content.files(lake) == before


def test_curves_from_the_start_bring_the_finals_too(lake: Path, tmp_path: Path) -> None:
    folder = nasbench201_files.nats_folder(tmp_path / "NATS", CELLS[:1], LENGTHS)
    ingest(lake, "nasbench201", [folder], curves=True)
    assert {None, 1, 60} <= {r["epoch"] for r in lake_content.rows(lake, "truth")}
    assert ingest(lake, "nasbench201", [folder])[0].already


def test_a_large_native_form_is_written_in_pieces(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.benchmarks.nasbench201 import reading
    from pipeline.ingest import run as stage

    folder = nasbench201_files.nats_folder(tmp_path / "NATS", CELLS, {"12": [777]})
    ingest(tmp_path / "whole", "nasbench201", [folder])
    monkeypatch.setattr(reading, "_FILES_PER_BATCH", 1)
    monkeypatch.setattr(stage, "_FLUSH_VALUES", 1)
    ingest(lake, "nasbench201", [folder])
    for table, columns in (
        ("truth", ("arch_id", "dataset", "metric", "value")),
        ("architectures", ("arch_id", "native_id")),
    ):
        one, other = (
            [tuple(r[c] for c in columns) for r in lake_content.rows(at, table)] for at in (lake, tmp_path / "whole")
        )
        assert Counter(one) == Counter(other)


def test_each_number_of_an_architecture_is_written_once() -> None:
    part = SourcePart(benchmarks.load("nasbench201"), None, Path(), "0" * 16, "1" * 16, None, only_curves=False)
    named = [("a", None), ("a", "3"), ("a", "3"), ("a", "7"), ("a", "7"), ("a", None), ("b", "3")]
    assert [part._names_new(*pair) for pair in named] == [True, True, False, True, False, False, True]
