"""Arrow files, arrays of numpy and SQLite databases that are damaged, or larger than they look."""

from __future__ import annotations

import contextlib
import io
import pickle
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packaging.version import Version

from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import arrow_tables, numpy_files, tables
from pipeline.formats.table_form import TableForm

_NEGATIVE = pytest.mark.skipif(
    Version(np.__version__) < Version("2.3"), reason="numpy before 2.3 reads as many values as follow"
)


def arrow_file(path: Path, column: pa.Array) -> Path:
    table = pa.table({"x": column})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def rows(path: Path, kind: Any) -> list[Any]:
    return list(tables.rows(path, TableForm(kind)))


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["first", "second"]),
        pa.array([[1], [2, 3]]),
        pa.array([[("key", 1)], [("other", 2)]], pa.map_(pa.string(), pa.int32())),
    ],
)
def test_an_arrow_file_whose_offsets_point_beyond_its_data_is_refused(column: pa.Array, tmp_path: Path) -> None:
    path = arrow_file(tmp_path / "table.arrow", column)
    offsets = column.buffers()[1].to_pybytes()[: 4 * (len(column) + 1)]
    beyond = np.frombuffer(offsets, np.int32) + np.array([0, 0, 1 << 30], np.int32)
    assert path.read_bytes().count(offsets) == 1
    path.write_bytes(path.read_bytes().replace(offsets, beyond.tobytes()))
    with pytest.raises(NotThisFormError, match=r"table\.arrow is not an Arrow file"):
        rows(path, "arrow")


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a" * 9, None], pa.string_view()),
        pa.array([["a", "b" * 9]]),
        pa.array([["a", "b" * 9]], pa.list_(pa.string(), 2)),
        pa.array([{"x": {"y": "b" * 9}}]),
        pa.array([[("a" * 9, 1)]], pa.map_(pa.string(), pa.int32())),
        pa.array(["a" * 9]).dictionary_encode(),
        pa.array([b"a" * 9], pa.binary(9)),
        pa.ExtensionArray.from_storage(pa.json_(), pa.array(["1" * 9])),
    ],
)
def test_a_text_within_a_cell_has_the_bound_of_one(
    column: pa.Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = arrow_file(tmp_path / "table.arrow", column)
    assert len(rows(path, "arrow")) == len(column)
    monkeypatch.setattr(arrow_tables, "LONGEST", 8)
    with pytest.raises(NotThisFormError, match="a cell of column 'x' has 9 bytes: refused"):
        rows(path, "arrow")


def test_texts_of_a_slice_of_views_are_its_own() -> None:
    column = pa.array(["a" * 50, None, "b" * 9, "c"], pa.string_view())
    assert [arrow_tables._longest_text(column.slice(*part)) for part in ((0,), (1,), (3,), (1, 1))] == [50, 9, 1, 0]


REPEATED = pa.array(["a" * 100_000] * 700).dictionary_encode()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.ListArray.from_arrays([0, 700], REPEATED), "has 700 items of up to 100,000 bytes: refused"),
        (pa.FixedSizeListArray.from_arrays(REPEATED, 700), "has 700 items of up to 100,000 bytes: refused"),
        (pa.MapArray.from_arrays([0, 700], REPEATED, REPEATED), "has 700 items of up to 200,000 bytes: refused"),
        (
            pa.ListViewArray.from_arrays([0, 0], [3, 3], [1, 2, 3]),
            "is of type list_view<item: int64>, which is not read",
        ),
        (pa.RunEndEncodedArray.from_arrays(pa.array([9]), ["a"]), "is of type run_end_encoded<.*, which is not read"),
    ],
)
def test_a_cell_that_is_larger_than_its_file_is_refused(column: pa.Array, message: str, tmp_path: Path) -> None:
    with pytest.raises(NotThisFormError, match=f"column 'x' {message}"):
        rows(arrow_file(tmp_path / "table.arrow", column), "arrow")


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_fewer_rows_with_long_lists_are_taken_at_a_time(kind: str, tmp_path: Path, monkeypatch: Any) -> None:
    column, taken = pa.array([[1] * 10] * 8), []
    path = arrow_file(tmp_path / "table.arrow", column)
    pq.write_table(pa.table({"x": column}), tmp_path / "table.parquet")

    def noted(part: pa.Array) -> pa.Array:
        taken.append(len(part))
        return part

    monkeypatch.setattr(arrow_tables, "_for_python", noted)
    monkeypatch.setattr(arrow_tables, "_BYTES", 3 * 10 * arrow_tables._ITEM)
    assert len(rows(path.with_suffix(f".{kind}"), kind)) == 8
    assert taken == [3, 3, 2]


@pytest.mark.parametrize("kind", ["list", "struct", "fixed", "text"])
def test_texts_of_a_parquet_file_take_no_more_memory_wherever_they_are(kind: str, tmp_path: Path) -> None:
    """A hundred bytes per text in the file, or fewer, whatever it has."""
    count, text = 1000, "a" * 100_000
    repeated = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text]))
    columns = {
        "list": lambda: pa.ListArray.from_arrays(pa.array(range(count + 1), pa.int32()), repeated),
        "struct": lambda: pa.StructArray.from_arrays([repeated], ["y"]),
        "fixed": lambda: pa.array([text.encode()] * count, pa.binary(len(text))),
        "text": lambda: repeated,
    }
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"x": columns[kind]()}), path, store_schema=False, compression="zstd")
    with contextlib.ExitStack() as stack:
        _, batches = arrow_tables._parquet(path, stack)
        assert next(batches).get_total_buffer_size() <= arrow_tables._BYTES
    read = rows(path, "parquet")
    assert len(read) == count and {str(cell).count("a") for _, row in read for cell in row.values()} >= {len(text)}


def header(shape: str, kind: str = "'<f8'") -> bytes:
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        ("(1000000000, 0)", "'<f8'", "holds arrays of 1,000,000,000 values"),
        ("(1000000000,)", "'<U0'", "holds arrays of 1,000,000,000 values"),
        ("(99999999999999999999,)", "'<f8'", "damaged"),
        pytest.param("(-1,)", "'<f8'", "damaged", marks=_NEGATIVE),
        ("(1,", "'<f8'", "damaged"),
        ("(1,)", "'|O'", "holds objects of Python"),
        ("(1,)", "[('a', '<f8'), ('b', '|O')]", "holds objects of Python"),
    ],
)
def test_arrays_that_say_they_are_large_are_refused(
    shape: str, kind: str, message: str, packed: bool, tmp_path: Path
) -> None:
    path = tmp_path / ("array.npz" if packed else "array.npy")
    content = header(shape, kind) + bytes(16)
    if packed:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", content)
    else:
        path.write_bytes(content)
    with pytest.raises(NotThisFormError, match=message) as caught:
        rows(path, "numpy")
    assert str(path) in str(caught.value)


def test_long_doubles_are_numbers_of_python(tmp_path: Path) -> None:
    long = np.array([1.5, 2.5], np.longdouble)
    np.save(tmp_path / "long.npy", long)
    (tmp_path / "long.pkl").write_bytes(pickle.dumps([long[0], {"x": long}]))
    content = [
        cells
        for name, kind in (("long.npy", "numpy"), ("long.pkl", "pickle"))
        for _, cells in rows(tmp_path / name, kind)
    ]
    values = [content[0]["@value"], content[1]["@value"], content[2]["@value"], *content[3]["x"]]
    assert values == [1.5, 2.5, 1.5, 1.5, 2.5] and {type(value) for value in values} == {float}


def test_small_numbers_count_by_what_their_lists_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_files, "_MOST_VALUES", 100)
    np.savez(tmp_path / "fits.npz", a=np.zeros(20, np.int8), b=np.zeros((20, 4), np.int8))
    assert len(rows(tmp_path / "fits.npz", "numpy")) == 20
    np.savez(tmp_path / "two.npz", a=np.zeros(60, np.int8), b=np.zeros(60, np.int8))
    np.save(tmp_path / "records.npy", np.zeros(20, [("a", "i1"), ("b", "i1")]))
    for name in ("two.npz", "records.npy"):
        with pytest.raises(NotThisFormError, match="values, of which at most 100 are read"):
            rows(tmp_path / name, "numpy")
    np.save(tmp_path / "few.npy", np.zeros(10, [("a", "i1"), ("b", "i1")]))
    assert rows(tmp_path / "few.npy", "numpy")[9] == ("item 10", {"a": 0, "b": 0})


def test_what_is_no_array_in_an_npz_file_is_named(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros(1))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", stream.getvalue())
        archive.writestr("b.npy", b"\x80\x04N.")
    with pytest.raises(NotThisFormError, match=r"a\.npz holds something that is no array: 'b'"):
        rows(tmp_path / "a.npz", "numpy")


def database(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def test_a_column_that_an_sqlite_database_computes_has_a_bound(tmp_path: Path) -> None:
    computed = "CREATE TABLE t(a, b GENERATED ALWAYS AS (hex(zeroblob(a))) VIRTUAL)"
    path = database(tmp_path / "t.db", computed, "INSERT INTO t(a) VALUES (2), (9000000)")
    with pytest.raises(NotThisFormError, match=r"t\.db: a row after row [01] has more than 16 MiB"):
        rows(path, "sqlite")


def test_rows_that_are_beside_a_database_still_are_missed_through_a_link_too(tmp_path: Path) -> None:
    path, link = tmp_path / "t.db", tmp_path / "link.db"
    database(path, "PRAGMA journal_mode=WAL", "CREATE TABLE t(a)")
    link.symlink_to(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        connection.commit()
        before = sorted(tmp_path.iterdir())
        with pytest.raises(UserError, match=r"has rows in t\.db-wal still"):
            rows(link, "sqlite")
        assert sorted(tmp_path.iterdir()) == before
    assert rows(link, "sqlite") == [("row 1", {"a": 1})]


def test_a_table_whose_name_is_not_in_utf_8_is_one_line(tmp_path: Path) -> None:
    path = database(
        tmp_path / "t.db", "CREATE TABLE t(a)", "PRAGMA writable_schema=1",
        "UPDATE sqlite_master SET name = x'ff', tbl_name = x'ff'",
    )  # fmt: skip
    with pytest.raises(NotThisFormError, match=r"t\.db is not an SQLite database"):
        rows(path, "sqlite")
