"""Long JSON arrays, element by element."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import NotThisFormError
from pipeline.formats import json_arrays
from pipeline.formats.fault import Fault


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
    [first, (position, fault)] = json_arrays.read(path)
    assert first == ("[0]", 1) and position == "after [0]" and isinstance(fault, Fault)
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
        ("[" * 5000 + '"a ] \\" }"' + "]" * 5000, "nested too deeply"),
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
    first, (position, fault), last = json_arrays.read(path)
    assert (first, position, last) == (("[0]", {"a": 1}), "[1]", ("[2]", {"a": 2}))
    assert isinstance(fault, Fault) and said in fault


def test_a_file_of_another_form_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "DARTS.json"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(NotThisFormError, match="is a Git LFS pointer, not the file, where a JSON file is expected"):
        list(json_arrays.read(path))
