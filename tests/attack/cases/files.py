"""Files to ingest that are missing, empty, of another form, or hostile."""

import pickle
from collections.abc import Callable
from pathlib import Path

from tests.attack.case import Case
from tests.fixtures import published


def table(content: bytes | str) -> Callable[[Path], object]:
    """Write a table mapping `mine.toml` for columns `arch` and `acc`, and `table.csv` with this content."""

    def make(folder: Path) -> None:
        published.mapping(folder / "mine.toml", published.ACCURACY)
        (folder / "table.csv").write_bytes(content.encode() if isinstance(content, str) else content)

    return make


MAPPED = "ingest nasbench201 table.csv --mapping mine.toml"

CASES = [
    Case("a file that is not there", "ingest nasbench201 nowhere.csv", stores=True, says=("nowhere.csv",)),
    Case("an empty table", MAPPED, make=table(""), stores=True, says=("table.csv",)),
    Case("a pickle as a table", MAPPED, make=table(pickle.dumps([1])), stores=True, says=("table.csv",)),
    Case("a table without the column", MAPPED, make=table("arch,accuracy\nx,1\n"), stores=True, says=("acc",)),
    Case("a mapping that is not there", "ingest nasbench201 --mapping nowhere.toml", stores=True, says=("nowhere",)),
]
