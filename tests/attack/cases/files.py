"""Files to ingest that are missing, empty, of another form, or hostile."""

import pickle
from collections.abc import Callable
from pathlib import Path

from tests.attack.case import Case
from tests.fixtures import mapped_tables


def table(content: bytes | str) -> Callable[[Path], object]:
    """Write a table mapping `mine.toml` for columns `arch` and `acc`, and `table.csv` with this content."""

    def make(folder: Path) -> None:
        mapped_tables.mapping(folder / "mine.toml", mapped_tables.ACCURACY)
        (folder / "table.csv").write_bytes(content.encode() if isinstance(content, str) else content)

    return make


MAPPED = "ingest nasbench201 table.csv --mapping mine.toml"

FAULTY = """\
name = "mine"
benchmark = "nasbench201"
description = "x"
[container]
kind = "csv"
[architecture]
column = "cell\\u001b[2J"
encoding = "string"
[[truth]]
column = "acc"
dataset = "cifar10"
metric = "test_acuracy"
unit = "percent"
"""


def faulty(folder: Path) -> None:
    """Write a mapping with faults, and a table."""
    (folder / "mine.toml").write_text(FAULTY)
    (folder / "table.csv").write_text("arch,acc\nx,1\n")


CHECK = "mapping check mine.toml table.csv"

CASES = [
    Case("a mapping of a table that is not there", "mapping init nowhere.csv", says=("nowhere.csv",)),
    Case("a mapping of an empty table", "mapping init table.csv", make=table(""), says=("empty",)),
    Case("a mapping of a folder", "mapping init .", says=("is a folder",)),
    Case(
        "a mapping of text without architectures",
        "mapping init table.csv",
        make=table("a\x1b[2J,b\n1,2\n"),
        says=("no column names architectures", "--benchmark"),
    ),
    Case(
        "a mapping of a hostile pickle",
        "mapping init table.csv",
        make=table(b"cos\nsystem\n(S'true'\ntR."),
        says=("table.csv",),
    ),
    Case("a mapping of nested brackets", "mapping init table.csv", make=table("[" * 100_000), says=("nested",)),
    Case(
        "a mapping for no benchmark",
        "mapping init table.csv --benchmark nasbench21",
        make=table("arch,acc\nx,1\n"),
        says=("did you mean nasbench201",),
    ),
    Case(
        "a mapping over another file",
        "mapping init table.csv --benchmark nasbench201 --out mine.toml",
        make=table("arch,index\nx,1\n"),
        says=("exists and stays as it is", "--force"),
    ),
    Case(
        "a mapping into a lake",
        "mapping init table.csv --out {lake}/mine.toml",
        make=table("a,index\n"),
        says=("inside the lake",),
    ),
    Case("faults of a mapping", CHECK, make=faulty, says=("2 faults",), never=("\x1b",)),
    Case("a check of no mapping", "mapping check nowhere.toml nowhere.csv", says=("nowhere.toml",)),
    Case(
        "a check of a table that is not there",
        "mapping check mine.toml nowhere.csv",
        make=table("x"),
        says=("nowhere.csv",),
    ),
    Case("a check of a picture", CHECK, make=table(b"\x89PNG\r\n\x1a\n" + bytes(99)), says=("PNG",)),
    Case("a file that is not there", "ingest nasbench201 nowhere.csv", stores=True, says=("nowhere.csv",)),
    Case("an empty table", MAPPED, make=table(""), stores=True, says=("table.csv",)),
    Case("a pickle as a table", MAPPED, make=table(pickle.dumps([1])), stores=True, says=("table.csv",)),
    Case("a table without the column", MAPPED, make=table("arch,accuracy\nx,1\n"), stores=True, says=("acc",)),
    Case("a mapping that is not there", "ingest nasbench201 --mapping nowhere.toml", stores=True, says=("nowhere",)),
]
