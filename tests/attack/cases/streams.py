"""Standard streams that are closed, full, or left by their reader: in processes of their own."""

from pathlib import Path

from tests.attack.case import Case

FULL = ("standard output cannot be written", "No space left")
CLOSED = ("standard output cannot be written", "closed")

FULL_DISK = [  # which macOS has no device for
    Case("a query to a full disk", shell="pipeline query 'FROM scores' > /dev/full", says=FULL, short=True),
    Case("a long query to a full disk", shell="pipeline query 'FROM range(999999)' > /dev/full", says=FULL),
    Case("a list to a full disk", shell="pipeline ingest --mappings > /dev/full", says=FULL),
    Case("help to a full disk", shell="pipeline --help > /dev/full", says=FULL),
]
CASES = [
    *(FULL_DISK if Path("/dev/full").exists() else ()),
    Case("a query to a closed output", shell="pipeline query 'FROM scores' >&-", says=CLOSED, short=True),
    Case("the version to a closed output", shell="pipeline --version >&-", says=CLOSED),
    Case(
        "a reader that leaves early",
        shell="pipeline query 'FROM range(3000000)' --format csv | head -1",
        exit=0,
        says=("range",),
        lines=0,
    ),
    Case(
        "a file with every stream closed",
        shell="pipeline query 'SELECT 7' --format csv --out x.csv <&- >&- 2>&-; cat x.csv",
        exit=0,
        says=("7",),
        writes=("x.csv",),
    ),
    Case("a report with too little memory", "report", says=("out of memory: give the process more",), memory=500),
    Case("an error with its stream closed", shell="pipeline query 'FROM nothing' 2>&-; test $? = 1 && echo one", exit=0,
         says=("one",)),
]  # fmt: skip
