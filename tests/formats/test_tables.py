"""Tables of others: rows with positions from CSV, JSON and pickles, and one clear line for what is not one."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import packed, tables
from pipeline.formats.table_form import ContainerKind, Rows, TableForm, Unreadable


def rows(path: Path, kind: ContainerKind, **form: Any) -> Rows:
    return tables.rows(path, TableForm(kind, **form))


def written(tmp_path: Path, content: bytes | str) -> Path:
    path = tmp_path / "table"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_csv_gives_cells_by_header_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, '\ufeff a , b b ,"c"\n1,2,3\n\n"x\ny",,"q""q"\n')
    assert list(rows(path, "csv")) == [
        ("line 2", {"a": "1", "b b": "2", "c": "3"}),
        ("line 5", {"a": "x\ny", "b b": "", "c": 'q"q'}),
    ]


def test_a_gzipped_table_with_tabs_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"a\tb\r\n1\t2\r\n"))
    assert list(rows(path, "csv", delimiter="\t")) == [("line 2", {"a": "1", "b": "2"})]


def test_a_csv_is_streamed(tmp_path: Path) -> None:
    path = written(tmp_path, b"a\n1\n2\n" + b"\xff" * 100_000)
    stream = rows(path, "csv")
    with pytest.raises(NotThisFormError, match=r"not a CSV"):
        list(stream)
    path = written(tmp_path, "a\n" + "1\n" * 100_000 + '"')
    stream = rows(path, "csv")
    assert next(stream) == ("line 2", {"a": "1"})


def test_a_row_of_another_length_is_a_fault(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1\n1,2\n1,2,3\n")
    found = list(rows(path, "csv"))
    assert [type(cells) for _, cells in found] == [Unreadable, dict, Unreadable]
    assert found[0] == ("line 2", "1 cell where the header has 2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "no header line"),
        (b"a,b,a\n1,2,3\n", "column 'a' twice"),
        (b"a\n\xff\xfe\x00\n", "not a CSV"),
        (b'a,b\n"1,2\n', "not a CSV"),
        (b"\x1f\x8b\x08" + bytes(30), "not a CSV|damaged"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 999, mtime=0)[:-12], "not a CSV"),
    ],
)
def test_what_is_not_a_csv_says_so(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(NotThisFormError, match=said):
        list(rows(written(tmp_path, content), "csv"))


def test_each_entry_of_a_json_is_a_row_whatever_it_holds(tmp_path: Path) -> None:
    for content, expected in (
        ({"k": {"v": 1, "t": {"s": 2}}}, [("key k", {"@key": "k", "v": 1, "t.s": 2})]),
        ({"k": 1.5}, [("key k", {"@key": "k", "@value": 1.5})]),
        ({"k": [1, 2]}, [("key k", {"@key": "k", "@value": [1, 2]})]),
        ([{"a": 1}, {"a": 2}], [("item 1", {"a": 1}), ("item 2", {"a": 2})]),
    ):
        assert list(rows(written(tmp_path, json.dumps(content)), "json")) == expected


def test_a_table_deep_in_a_json_is_reached_by_its_keys(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps({"space": {"cifar10": {"k": {"v": 1}}}}))
    assert list(rows(path, "json", root=["space", "cifar10"])) == [("key k", {"@key": "k", "v": 1})]
    with pytest.raises(UserError, match=r"did you mean cifar10"):
        rows(path, "json", root=["space", "cifar"])
    with pytest.raises(NotThisFormError, match=r"no mapping where 'x'"):
        rows(path, "json", root=["space", "cifar10", "k", "v", "x"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("{", "not a JSON"),
        ("\x00\x01", "not a JSON"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' occurs twice"),
        ("3", "holds an int"),
        ("[]", "empty list"),
        ("{}", "empty dict"),
        ("[" * 100_000, "not a JSON"),
    ],
)
def test_what_is_not_a_json_table_says_so(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(NotThisFormError, match=said):
        list(rows(written(tmp_path, content), "json"))


def test_nan_in_a_json_comes_through_for_the_mapping_to_judge(tmp_path: Path) -> None:
    [(_, cells)] = rows(written(tmp_path, '{"k": NaN}'), "json")
    assert str(cells["@value"]) == "nan"  # type: ignore[index]


def test_a_pickle_of_arrays_and_of_keys_that_are_no_text(tmp_path: Path) -> None:
    path = written(tmp_path, pickle.dumps({(1, 2): np.array([1.5, 2.5]), (3, 4): [1]}))
    assert list(rows(path, "pickle")) == [
        ("key (1, 2)", {"@key": (1, 2), "@value": [1.5, 2.5]}),
        ("key (3, 4)", {"@key": (3, 4), "@value": [1]}),
    ]


def test_a_hostile_pickle_is_refused_with_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(NotThisFormError, match=rf"{path}: the pickle asks for os\.system"):
        rows(path, "pickle")


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotThisFormError, match=r"is a folder"):
        rows(tmp_path, "csv")
    with pytest.raises(UserError, match=r"No such file"):
        list(rows(tmp_path / "none", "csv"))


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00")), min_size=2,
                         max_size=2), min_size=1))  # fmt: skip
def test_cells_come_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, cells: list[list[Any]]) -> None:
    import csv

    path = tmp_path_factory.getbasetemp() / "round-trip.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *cells])
    assert [[c["a"], c["b"]] for _, c in rows(path, "csv")] == cells  # type: ignore[index]


def tower(levels: int) -> list[object]:
    """A list of few objects that would be written out as 2^levels elements."""
    shared: list[object] = [0]
    for _ in range(levels):
        shared = [shared, shared]
    return shared


def endless(kind: str) -> object:
    """Something that refers to itself, shares its parts, or is deep."""
    content: dict[str, Any] = {}
    content["itself"] = content
    shared: dict[str, Any] = {"end": 1}
    for _ in range(40):
        shared = {"a": shared, "b": shared}
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return {"itself": content, "mappings": shared, "deep": deep, "lists": {"x": tower(40)}, "value": tower(40)}[kind]


@pytest.mark.parametrize("kind", ["itself", "mappings", "deep", "lists", "value"])
@pytest.mark.parametrize("layout", ["mapping", "list"])
def test_an_entry_without_end_is_a_fault_and_the_others_are_rows(tmp_path: Path, kind: str, layout: str) -> None:
    entries = [{"acc": 1.0}, endless(kind), {"acc": 2.0}]
    table = entries if layout == "list" else dict(zip("abc", entries, strict=True))
    stream = rows(written(tmp_path, in_python(table)), "pickle")
    first, second, third = (cells for _, cells in stream)
    assert isinstance(second, Unreadable) and len(second) < 120
    assert not isinstance(first, Unreadable) and not isinstance(third, Unreadable)
    assert (first["acc"], third["acc"]) == (1.0, 2.0)


def in_python(table: object) -> bytes:
    """A pickle by the Python implementation's own limits: that in C refuses what is deep."""
    stream = bytearray(b"\x80\x04")
    memo: dict[int, int] = {}

    def write(value: Any) -> None:
        waiting: list[Any] = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, bytes):
                stream.extend(item)
            elif id(item) in memo:
                stream.extend(b"j" + memo[id(item)].to_bytes(4, "little"))
            elif isinstance(item, list | dict):
                memo[id(item)] = len(memo)
                stream.extend((b"]" if isinstance(item, list) else b"}") + b"\x94")
                members = item if isinstance(item, list) else [part for pair in item.items() for part in pair]
                end = b"e" if isinstance(item, list) else b"u"
                waiting.extend([end, *reversed(members), b"("])
            else:
                stream.extend(pickle.dumps(item, 3)[2:-1] if not isinstance(item, str) else b"")
                if isinstance(item, str):
                    stream.extend(b"X" + len(item).to_bytes(4, "little") + item.encode())

    write(table)
    return bytes(stream) + b"."


def test_a_header_of_many_columns_is_read_in_linear_time(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(30_000)]
    path = written(tmp_path, ",".join(names) + "\n" + ",".join("1" * 30_000) + "\n")
    [(_, cells)] = rows(path, "csv")
    assert not isinstance(cells, Unreadable) and len(cells) == 30_000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_packed_table_is_read_up_to_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, pack: Any
) -> None:
    small, large = (
        (b"a\n1\n", b"a\n" + (b"1" * 1000 + b"\n") * 2**11) if kind == "csv" else (b'[{"a": 1}]', b" " * 2**22)
    )
    assert len(list(rows(written(tmp_path, pack(small)), kind))) == 1
    monkeypatch.setattr(packed, "MAX_BYTES", 1 << 20)
    with pytest.raises(NotThisFormError, match=r"table .*unpacks to more than 1 MiB"):
        list(rows(written(tmp_path, pack(large)), kind))


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LONGEST_LINE", 1000)
    with pytest.raises(NotThisFormError, match="has a line of more than"):
        list(rows(written(tmp_path, "a\n" + "1" * 2000), "csv"))


@pytest.mark.parametrize("content", ["[1" + "0" * 5000 + "]", '{"a": ' * 200_000 + "1" + "}" * 200_000])
def test_json_that_python_cannot_hold_is_one_line(tmp_path: Path, content: str) -> None:
    with pytest.raises(NotThisFormError, match="is not a JSON file") as error:
        rows(written(tmp_path, content), "json")
    assert len(str(error.value)) < 400


ODD_COLUMNS = {
    "a decimal": (pa.array([Decimal("93.50"), None]), ["93.50", None]),
    "a wide decimal": (pa.array([Decimal("0.1"), None], pa.decimal256(60, 30)), ["0." + "1".ljust(30, "0"), None]),
    "a time in a zone that is none": (
        pa.array([0, None], pa.timestamp("us", "Mars/X")),
        ["1970-01-01 00:00:00.000000", None],
    ),
    "a time far away": (pa.array([2**62, None], pa.timestamp("ms")), [None, None]),
    "a long duration": (pa.array([2**62, None], pa.duration("ns")), [2**62, None]),
    "a dictionary": (pa.array(["x", None]).dictionary_encode(), ["x", None]),
    "a mapping": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), [[("a", 1)], None]),
    "an unsigned integer": (pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None]),
}


@pytest.mark.parametrize("name", ODD_COLUMNS)
def test_columns_of_parquet_that_python_or_the_machine_does_not_know(tmp_path: Path, name: str) -> None:
    column, expected = ODD_COLUMNS[name]
    pq.write_table(pa.table({"x": column, "y": [1.5, 2.5]}), tmp_path / "table")
    found = [dict(cells) for _, cells in rows(tmp_path / "table", "parquet") if not isinstance(cells, Unreadable)]
    assert [cells["y"] for cells in found] == [1.5, 2.5]
    if name != "a time far away":  # as Arrow writes it
        assert [cells["x"] for cells in found] == expected


@pytest.mark.parametrize("length", [1 << 17, (1 << 17) + 1])
def test_a_long_text_of_parquet_is_not_written_out_for_each_row(tmp_path: Path, length: int) -> None:
    text = pa.DictionaryArray.from_arrays(np.zeros(3000, np.int32), ["x" * length])
    pq.write_table(pa.table({"x": text}), tmp_path / "table", compression="zstd")
    assert (tmp_path / "table").stat().st_size < 10_000
    stream = rows(tmp_path / "table", "parquet")
    if length > 1 << 17:
        with pytest.raises(NotThisFormError, match=r"a cell of column 'x' has 131,073 bytes: refused"):
            next(stream)
    else:
        assert next(stream) == ("row 1", {"x": "x" * length})


def test_a_column_of_parquet_twice_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table([[1.0], [2.0]], names=["acc", "acc"]), tmp_path / "table")
    with pytest.raises(NotThisFormError, match=r"has two columns 'acc'"):
        list(rows(tmp_path / "table", "parquet"))


def test_parquet_that_is_a_named_pipe_is_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "table")
    with pytest.raises(UserError, match=r"is a named pipe"):
        list(rows(tmp_path / "table", "parquet"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"caf\xe9\na,b\n1,2\n", r"is not a CSV in UTF-8 \(after line 0: a byte 0xe9\)"),
        (gzip.compress(b"note\n" * 100_000)[:-500], "is not a CSV .*end-of-stream marker"),
    ],
)
def test_lines_that_are_skipped_are_read_as_the_others(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(NotThisFormError, match=says):
        list(rows(written(tmp_path, content), "csv", skip=100_000))


@pytest.mark.parametrize(
    ("kind", "content", "form", "said"),
    [
        ("csv", "a,b\n" + "\n" * 9, {}, "has more than 5 empty lines one after another"),
        ("csv", "a,b\r\n" + "\r\n" * 9, {}, "has more than 5 empty lines"),
        ("csv", "a,b\n" + " \n" * 9, {}, "has more than 5 empty lines"),
        ("csv", "# x\n" * 9 + "a,b\n1,2\n", {"comment": "#"}, "has more than 5 lines of comments"),
        ("csv", "a b\n" + "# x\n" * 9, {"comment": "#", "delimiter": " "}, "has more than 5 lines of comments"),
        (
            "csv",
            f"a{' ' * 200_000}b\n1 2\n",
            {"delimiter": " "},
            "has a line of 200,003 characters, most",
        ),
        ("jsonl", '{"a": 1}\n' + "\n" * 9, {}, "has more than 5 empty lines"),
    ],
)
def test_lines_without_rows_have_an_end(
    kind: ContainerKind, content: str, form: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_MOST_EMPTY", 5)
    for packed_content in (content.encode(), gzip.compress(content.encode())):
        with pytest.raises(tables.EndlessTextError, match=rf"table {said}"):
            list(rows(written(tmp_path, packed_content), kind, **form))


def test_empty_lines_between_rows_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MOST_EMPTY", 5)
    path = written(tmp_path, "# x\na,b\n" + "1,2\n\n\n\n\n" * 9)
    assert len(list(rows(path, "csv", comment="#"))) == 9


def test_a_line_of_a_cell_in_quotes_is_no_comment(tmp_path: Path) -> None:
    path = written(tmp_path, '# x\na,"b\n#b"\n# x\n5" disk,"1\n#2\n\n#3"\n#,4\n\n6,"7"\n#\n')
    assert list(rows(path, "csv", comment="#")) == [
        ("line 8", {"a": '5" disk', "b\n#b": "1\n#2\n\n#3"}),
        ("line 11", {"a": "6", "b\n#b": "7"}),
    ]


@pytest.mark.parametrize(
    ("kind", "content", "form", "name"),
    [
        ("json", b'{"ARCH": {"acc.test": 93.0, "acc": {"test": 88.0}}}', {}, "acc.test"),
        ("json", b'{"ARCH": {"acc": {"test": 88.0}, "acc.test": 93.0}}', {}, "acc.test"),
        ("json", b'{"ARCH": {"a.b": {"c": 1}, "a": {"b": {"c": 2}}}}', {}, "a.b.c"),
        ("json", b'[{"acc.test": 93.0, "acc": {"test": 88.0}}]', {}, "acc.test"),
        ("jsonl", b'{"acc.test": 93.0, "acc": {"test": 88.0}}', {}, "acc.test"),
        ("pickle", pickle.dumps({"ARCH": {1: 1.0, "1": 2.0}}), {}, "1"),
        ("csv", b'config,config.depth\n"{""depth"": 3}",4\n',
         {"nested": ["config"]}, "config.depth"),
    ],
)  # fmt: skip
def test_two_fields_of_one_name_are_a_fault_of_their_row(
    kind: ContainerKind, content: bytes, form: Any, name: str, tmp_path: Path
) -> None:
    [(_, cells)] = rows(written(tmp_path, content), kind, **form)
    assert isinstance(cells, Unreadable) and cells == f"two fields are called '{name}'"


def test_columns_of_few_cells_are_not_looked_through_for_every_row() -> None:
    class Column(dict[object, object]):
        looked_up = 0

        def __contains__(self, key: object) -> bool:
            Column.looked_up += 1
            return super().__contains__(key)

    columns = {f"c{number}": Column({"x": 1, f"r{number}": 2}) for number in range(50)}
    found = list(tables.rows_within(Path("t.json"), columns, TableForm("json", layout="columns")))
    assert len(found) == 51 and found[1] == ("key r0", {"@key": "r0", "c0": 2})
    assert Column.looked_up <= 2 * 2 * 50
