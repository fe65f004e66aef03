"""What DuckDB says of a damaged part is one line, also where it names no file."""

from __future__ import annotations

import errno
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import catalog
from pipeline.catalog import damage, run_sql
from pipeline.catalog.definition import CatalogDefinition
from pipeline.errors import UserError
from pipeline.lake import checksums
from pipeline.lake.store import Lake
from tests.fixtures import lakes
from tests.fixtures.lines import refused


@pytest.mark.parametrize("said", ["TProtocolException: Invalid data", "Parquet file is likely\ncorrupted"])
@pytest.mark.parametrize("named", [False, True])
def test_what_the_decoder_says_is_one_line(said: str, named: bool, tmp_path: Path) -> None:
    line = r"a part cannot be decoded .*: `pipeline doctor` names it"
    with pytest.raises(UserError, match=line) as caught, damage.damage_named(tmp_path if named else None):
        raise duckdb.Error(said)
    assert "\n" not in str(caught.value)
    with pytest.raises(duckdb.ConversionException), damage.damage_named(tmp_path):
        raise duckdb.ConversionException("a query's own")


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT '{file}'::INT", "Could not convert string '{file}' to INT32"),
        ("SELECT strptime('{file}', '%Y')", "Could not parse string"),
        ("FROM read_json('{file}')", "Malformed JSON in file"),
        ("FROM '{file}_2.parquet'", "No files found that match the pattern"),
        ("FROM '{file.parent}/scores.parquet'", "No files found that match the pattern"),
        ("SELECT '{file.parents[2]}/_schema/0/scores.parquet'::INT", "Could not convert string"),
    ],
)
def test_what_a_query_does_with_the_path_of_a_sound_file_is_its_own_error(sql: str, says: str, tmp_path: Path) -> None:
    lakes.publish(tmp_path / "lake", f"ingest-{'a' * 16}", architectures=[lakes.architecture(0)])
    file = next(tmp_path.glob("lake/parts/*/ingest-*/architectures.parquet"))
    with pytest.raises(UserError) as caught:
        run_sql(Lake(tmp_path / "lake"), sql.format(file=file))
    assert str(caught.value).startswith(says.format(file=file))
    content = file.read_bytes()
    file.write_bytes(content[:-9] + b"x" + content[-8:])
    with refused(f"{file} cannot be read", "restore its part from a copy of the lake"):
        run_sql(Lake(tmp_path / "lake"), "FROM architectures")


def test_a_part_that_the_disk_does_not_give_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lakes.publish(tmp_path / "lake", f"ingest-{'a' * 16}", architectures=[lakes.architecture(0)])
    file = next(tmp_path.glob("lake/parts/*/ingest-*/architectures.parquet"))

    def fails(_: Path) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("pipeline.lake.checksums.of_file", fails)
    with refused(f"{file} cannot be read"), damage.damage_named(tmp_path / "lake" / "parts"):
        raise duckdb.IOException(f'Could not read from file "{file}": Input/output error')


def test_text_that_was_published_in_another_encoding_ends_an_export_with_the_name_of_its_part(tmp_path: Path) -> None:
    lake = lakes.publish(tmp_path / "lake", runs=[lakes.run()])
    [file] = lake.parts.glob("madeup/*/runs.parquet")
    runs = pq.read_table(file)
    text = pa.array([b"caf\xe9"]).view(pa.string())
    pq.write_table(runs.set_column(runs.column_names.index("host"), runs.field("host"), text), file)
    (file.parent / checksums.FILE).unlink()
    (lake.root / checksums.FILE).unlink()
    checksums.renew_list(lake.root)
    with refused(f"{file} cannot be read (Invalid string encoding"):
        catalog.export(lake, tmp_path / "lake.duckdb")
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


def test_an_export_names_the_part_that_cannot_be_read_and_not_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lakes.made_up(tmp_path / "lake")
    part = lake.parts / lakes.BENCHMARK / "scores-1" / "scores.parquet"

    def closed(*_: object) -> None:  # root may read anywhere
        raise duckdb.IOException(f'IO Error: Cannot open file "{part}": Permission denied')

    monkeypatch.setattr(CatalogDefinition, "run", closed)
    with refused(f"{part} cannot be read (no permission): change the permissions"):
        catalog.export(lake, tmp_path / "x.duckdb")
