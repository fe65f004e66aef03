"""Long JSON arrays, element by element."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import NotThisFormError
from pipeline.formats import json_arrays, json_objects
from pipeline.formats.table_form import Unreadable


@given(
    values=st.lists(st.one_of(st.integers(), st.text(max_size=9), st.lists(st.none(), max_size=3)), max_size=8),
    keys=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_arrays_come_element_by_element_whatever_the_window(values: list[Any], keys: bool, indent: int | None) -> None:
    content = {"top": values, "mid": values[:2]} if keys else values
    with pytest.MonkeyPatch.context() as patch:
        import tempfile

        folder = tempfile.TemporaryDirectory()
        path = Path(folder.name) / "a.json"
        path.write_text(json.dumps(content, indent=indent))
        patch.setattr(json_arrays, "_CHUNK", 3)
        found = list(json_arrays.read(path))
        folder.cleanup()
    named = [("top", values), ("mid", values[:2])] if keys else [("", values)]
    assert found == [(f"{name}[{i}]", v) for name, part in named for i, v in enumerate(part)]


def test_a_value_without_end_is_not_read_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text('[1, "' + "a" * 100_000)
    monkeypatch.setattr(json_arrays, "_CHUNK", 10)
    monkeypatch.setattr(json_arrays, "_LONGEST", 1000)
    read: list[int] = []
    more = json_arrays._Text._more
    monkeypatch.setattr(json_arrays._Text, "_more", lambda self, size: (read.append(size), more(self, size))[1])  # type: ignore[func-returns-value]
    [first, (position, unreadable)] = json_arrays.read(path)
    assert first == ("[0]", 1) and position == "after [0]" and isinstance(unreadable, Unreadable)
    assert sum(read) < 5000


def test_after_the_end_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1] 2")
    assert list(json_arrays.read(path))[1] == (
        "after [0]",
        "there is more after the end of the JSON: what follows is lost",
    )


@pytest.mark.parametrize(
    ("element", "said"),
    [
        ("[" * 200_000 + '"a ] \\" }"' + "]" * 200_000, "nested too deeply"),
        ('{"params": 1' + "0" * 5000 + ', "net": ["x]", {}]}', "thousands of digits"),
    ],
)
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_an_element_that_python_cannot_hold_is_a_fault_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, element: str, said: str, chunk: int
) -> None:
    monkeypatch.setattr(json_arrays, "_CHUNK", chunk)
    path = tmp_path / "a.json"
    path.write_text(f'[{{"a": 1}}, {element}, {{"a": 2}}]')
    first, (position, unreadable), last = json_arrays.read(path)
    assert (first, position, last) == (("[0]", {"a": 1}), "[1]", ("[2]", {"a": 2}))
    assert isinstance(unreadable, Unreadable) and said in unreadable


def test_a_file_of_another_form_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "DARTS.json"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(NotThisFormError, match="is a Git LFS pointer, not the file, where a JSON file is expected"):
        list(json_arrays.read(path))


def test_an_object_with_a_key_twice_is_a_fault_and_what_follows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"id": 1}, {"id": 2, "in": {"x": [1, "]"], "x": 2}}, {"id": 3}]')
    assert list(json_arrays.read(path)) == [
        ("[0]", {"id": 1}),
        ("[1]", "the key 'x' occurs twice in one object"),
        ("[2]", {"id": 3}),
    ]


def test_an_array_whose_key_stands_twice_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"jobs": [1, 2], "others": [3], "jobs": [4]}')
    assert list(json_arrays.read(path)) == [
        ("jobs[0]", 1),
        ("jobs[1]", 2),
        ("others[0]", 3),
        ("after others[0]", "the key 'jobs' occurs twice: what follows is lost"),
    ]
    path.write_text('{"jobs": [], "jobs": [4]}')
    with pytest.raises(NotThisFormError, match="the key 'jobs' occurs twice"):
        list(json_arrays.read(path))


def test_a_key_that_stands_twice_is_found_without_comparing_all_with_all() -> None:
    keys = [(str(number), None) for number in range(300_000)]
    with pytest.raises(json_objects.RepeatedKeyError, match="the key '299999' occurs twice"):
        json_objects.unique_keys([*keys, keys[-1]])
    with pytest.raises(json_objects.RepeatedKeyError) as caught:
        json_objects.unique_keys([("k" * 100_000, 1), ("k" * 100_000, 2)])
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_is_read_and_one_that_is_cut_ends_in_a_fault(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    numbers = list(range(200_000))
    path.write_bytes(packed := pack(json.dumps(numbers).encode()))
    assert [value for _, value in json_arrays.read(path)] == numbers
    path.write_bytes(packed[: len(packed) // 2])
    try:
        *_, (_, unreadable) = json_arrays.read(path)
    except NotThisFormError as error:  # of so little nothing can be unpacked
        unreadable = Unreadable(error)
    assert isinstance(unreadable, Unreadable) and "truncated: the packed data ends before its end marker" in unreadable
