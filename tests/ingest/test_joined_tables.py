"""Tables of which another file says more: `[[join]]`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pipeline import benchmarks, provenance
from pipeline.errors import UserError
from pipeline.ingest import mapping_check
from pipeline.ingest.run import ingest
from pipeline.ingest.source import sources_of
from tests.fixtures import lake_content
from tests.fixtures.stored_tables import ACC, ONE, OTHER, THIRD, mapping, stored, truth, written

CELLS = ONE, OTHER, THIRD
LISTED = '[architecture]\ncolumn = "list.cell"\nencoding = "string"\n'
JOIN = """
[[join]]
name = "list"
file = "{file}"
on = "{on}"
key = "{key}"
container = {{ {container} }}
"""


def join(on: str = "id", key: str = "@key", file: str = "archs.json", container: str = 'kind = "json"') -> str:
    return JOIN.format(on=on, key=key, file=file, container=container)


def test_a_row_is_found_by_its_key(tmp_path: Path) -> None:
    written(tmp_path / "archs.json", {"7": {"cell": ONE}, "8": {"cell": OTHER}})
    table = written(tmp_path / "t.csv", "id,acc\n8,80\n7,70\n7.0,70\n9,90\n")
    values, rejects = stored(mapping(tmp_path, 'kind = "csv"', join(), LISTED, truth()), table)
    assert values == {(OTHER, ACC, None): 80, (ONE, ACC, None): 70}
    assert rejects == ["archs.json has no row whose @key is '9'"]


def test_a_row_is_found_by_its_number_and_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "release"
    written(folder / "archs.txt", f"{ONE}\n{OTHER}\n")
    np.save(folder / "acc.npy", np.array([[70.0, 71.0], [80.0, 81.0]]))
    text = join("@number", "@number", "archs.txt", 'kind = "csv", columns = ["cell"], delimiter = "\\t"')
    file = mapping(tmp_path, 'kind = "numpy"\ncolumns = ["first", "second"]', text, LISTED, truth("second"))
    expected = {(ONE, ACC, None): 71, (OTHER, ACC, None): 81}
    assert stored(file, folder / "acc.npy") == (expected, []) == stored(file, folder)


@pytest.mark.parametrize("values", ["acc\n70\n80\n", "acc\n70\n80\n90\n91\n"])
def test_files_whose_rows_go_together_by_number_have_as_many(values: str, tmp_path: Path) -> None:
    """A row that one file lacks in the middle shifts all that follow it."""
    archs, table = written(tmp_path / "archs.json", [{"cell": cell} for cell in CELLS]), tmp_path / "t.csv"
    file = mapping(tmp_path, 'kind = "csv"', join("@number", "@number"), LISTED, truth())
    count = written(table, values).read_text().count("\n") - 1
    said = f"{table} has {count} rows and {archs} 3, of which the mapping joins those of one @number"
    for read in (stored, mapping_check.check):
        with pytest.raises(UserError, match=re.escape(said)):
            read(file, table)


def test_a_row_that_cannot_be_read_has_its_number(tmp_path: Path) -> None:
    written(tmp_path / "archs.json", [{"cell": cell} for cell in CELLS])
    table = written(tmp_path / "t.csv", "acc\n70\n80,81\n90\n")
    file = mapping(tmp_path, 'kind = "csv"', join("@number", "@number"), LISTED, truth())
    values, rejects = stored(file, table)
    assert values == {(ONE, ACC, None): 70, (THIRD, ACC, None): 90} and len(rejects) == 1


@pytest.mark.parametrize(
    ("section", "content", "said"),
    [
        (join(file="gone.json"), {}, "gone.json is no file: the mapping joins it as list"),
        (join(file="../archs.json"), {}, "'file' is no path in the folder of the table"),
        (join(key="nr"), [{"number": 7, "cell": ONE}], "unknown column of .*archs.json 'nr'"),
        (
            join(key="id"),
            [{"id": 7, "cell": ONE}, {"id": 7, "cell": OTHER}],
            "item 2: another row has '7' in column 'id'",
        ),
        (join(key="id"), [{"id": [7], "cell": ONE}], "item 1: column 'id': a name is"),
        (join(on="nr"), {"7": {"cell": ONE}}, "no 'nr' in this row"),
        (join() + join(), {"7": {"cell": ONE}}, "it joins two tables under one name"),
    ],
)
def test_what_cannot_be_joined_is_one_line(section: str, content: object, said: str, tmp_path: Path) -> None:
    written(tmp_path / "archs.json", content)
    table = written(tmp_path / "t.csv", "id,acc\n7,70\n")
    file = mapping(tmp_path, 'kind = "csv"', section, LISTED, truth())
    with pytest.raises(UserError, match=said):
        raise UserError("; ".join(stored(file, table)[1]))


def test_another_list_of_architectures_is_another_source(tmp_path: Path, lake: Path) -> None:
    written(tmp_path / "archs.json", {"7": {"cell": ONE}})
    table = written(tmp_path / "t.csv", "id,acc\n7,70\n")
    file = mapping(tmp_path, 'kind = "csv"', join(), LISTED, truth())
    [source] = sources_of(benchmarks.load("nasbench201"), [table], str(file), False)
    before = source.identity("0" * 64, False)
    [first], [again] = (ingest(lake, "nasbench201", [table], mapping=str(file)) for _ in range(2))
    assert (first.already, again.already) == (False, True)
    written(tmp_path / "archs.json", {"7": {"cell": OTHER}})
    assert source.identity("0" * 64, False) != before
    with pytest.raises(
        UserError, match=r"of the table mapping mine read it, and archs\.json has changed since: to repl"
    ):
        ingest(lake, "nasbench201", [table], mapping=str(file))
    file.write_text(file.read_text() + "scale = 0.5\n")
    with pytest.raises(UserError, match=r"and the mapping and archs\.json have changed since: to replace"):
        ingest(lake, "nasbench201", [table], mapping=str(file))
    written(tmp_path / "archs.json", {"7": {"cell": ONE}})
    with pytest.raises(UserError, match="and the mapping has changed since: to replace"):
        ingest(lake, "nasbench201", [table], mapping=str(file))
    (tmp_path / "archs.json").unlink()
    with pytest.raises(UserError, match=r"archs\.json is no file: the mapping joins it as list"):
        ingest(tmp_path / "another lake", "nasbench201", [table], mapping=str(file))
    assert len(lake_content.rows(lake, "sources")) == 1


def test_of_an_ingest_that_recorded_no_joined_files_both_may_have_changed(
    tmp_path: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "archs.json", {"7": {"cell": ONE}})
    table = written(tmp_path / "t.csv", "id,acc\n7,70\n")
    file = mapping(tmp_path, 'kind = "csv"', join(), LISTED, truth())
    new_run = provenance.new_run
    with monkeypatch.context() as earlier:
        earlier.setattr(provenance, "new_run", lambda stage, given: new_run(stage, {**given, "joined": None}))
        ingest(lake, "nasbench201", [table], mapping=str(file))
    written(tmp_path / "archs.json", {"7": {"cell": OTHER}})
    with pytest.raises(
        UserError, match=r"and the mapping or a file that it joins \(archs\.json\) has changed since: to"
    ):
        ingest(lake, "nasbench201", [table], mapping=str(file))


def test_numbers_that_the_lake_looks_up_are_not_shown(tmp_path: Path) -> None:
    written(tmp_path / "t.json", json.dumps([{"id": 7, "acc": 70}]))
    numbered = '[architecture]\ncolumn = "id"\nencoding = "index"\n'
    checked = mapping_check.check(mapping(tmp_path, 'kind = "json"', numbered, truth()), tmp_path / "t.json")
    assert not checked.faults and "looked up in the lake" in checked.preview[0]
    listed = mapping(tmp_path, 'kind = "json"', LISTED.replace("list.cell", "cell"), top='native_id = "id"')
    assert not mapping_check.check(listed, written(tmp_path / "a.json", [{"id": 7, "cell": ONE}])).faults
