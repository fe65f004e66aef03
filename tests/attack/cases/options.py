"""Options and arguments that are empty, out of range, misspelt, or do not go together."""

from pathlib import Path

from tests.attack.case import Case
from tests.attack.cases.files import table
from tests.attack.cases.values import rows

MARK = "\u202e"  # turns the direction of writing
RUN = "run nasbench201 table.csv --mapping mine.toml --sample 1"
BYTE = "\udcff"  # as Python has a byte of the command line that is not of UTF-8


def aggregate(folder: Path) -> None:
    table(rows(60))(folder)
    (folder / "sum.toml").write_text('name = "sum"\n[[terms]]\nproxy = "params"\nshare = 1\n')


CASES = [
    Case("no such verb", "scroe nasbench201", exit=2, says=("No such command 'scroe'",)),
    Case("a misspelt benchmark", "score nasbench202", says=("unknown benchmark 'nasbench202'", "nasbench201")),
    Case("a misspelt proxy", "score nasbench201 --proxy synflw", says=("synflow",)),
    Case("a space of another benchmark", "score nasbench201 --space darts --proxy synflow", says=("darts",)),
    Case("a sample of none", "score nasbench201 --sample 0", exit=2, says=("--sample",)),
    Case("a seed below zero", "score nasbench201 --seed -1", exit=2, says=("--seed",)),
    Case("more workers than processes can be", "score nasbench201 --workers 1000000", exit=2, says=("to 10000 is",)),
    Case(
        "more workers than cores take",
        "score nasbench201 --proxy params --workers 9999",
        lake="cells",
        says=("9,999 workers are asked for", "take at most"),
    ),
    *(
        Case(f"before anything is ingested: {what}", f"{RUN} {words}", make=table(rows(60)), lake="none", says=says)
        for what, words, says in (
            ("the second proxy", "--proxy params --proxy prams", ("unknown proxy 'prams'",)),
            ("the report's folder", "--proxy params --out table.csv", ("table.csv is a file",)),
            ("images", "--proxy synflow --images none", ("--images none does not exist",)),
            ("images of the default proxy", "--images none", ("--images none does not exist",)),
            ("workers", "--proxy params --workers 9999", ("9,999 workers",)),
            ("a device", "--proxy params --device cuda", ("--device cuda",)),
            ("inputs", "--proxy regression-nlp", ("take sequences",)),
        )
    ),
    Case(
        "before anything is ingested: a field of an aggregate",
        f"{RUN} --proxy params --proxy sum.toml",
        make=aggregate,
        lake="none",
        says=("unknown field 'share'",),
    ),
    Case("a history that is not there", "report --out r --history none", says=("no folder none",)),
    Case("a parameter without a name", "query 'SELECT 1' --param =5", exit=2, says=("--param =5: write it",)),
    Case("a parameter beyond all floats", "query 'SELECT $n' --param n=1e400", says=("is '1e400', which is larger",)),
    Case("workers of one process", "score nasbench201 --executor inline --workers 2", exit=2, says=("--workers",)),
    Case("a cluster without Ray", "score nasbench201 --address auto:1", exit=2, says=("--executor ray",)),
    Case("seeds that go down", "search nasbench201 --proxy synflow --seeds 9-3", exit=2, says=("--seeds",)),
    Case("fewer labels than a rule has", "tune weigh nasbench201 --labels 3", exit=2, says=("--labels",)),
    Case("two SELECTs to answer", "query 'FROM scores' --example rho_of_each_proxy", exit=2, says=("--example",)),
    Case("a format that is not one", "query 'FROM scores' --format xlsx", exit=2, says=("--format",)),
    *(
        Case(f"{where}: {what}", command.replace("WORD", word), exit=code, says=says)
        for what, word, said in (
            ("marks that are not to be seen", f"a{MARK}b", "a\\u202eb"),
            ("9,000 letters", "x" * 9000, " ... "),
        )
        for where, command, code in (
            ("an argument too many", "proxies WORD", 2),
            ("an option that is none", "status --WORD", 2),
            ("an option of the program that is none", "--WORD", 2),
            ("a seed", "score nasbench201 --seed WORD", 2),
            ("a proxy", "score nasbench201 --proxy WORD", 1),
            ("a lake", "status --lake WORD", 1),
            ("a file to ingest", "ingest nasbench201 WORD", 1),
            ("SQL", "query WORD", 1),
        )
        for says in [(said,) if code == 2 and "--seed" not in command else ()]
    ),
    Case("SQL that is not in UTF-8", f"query 'SELECT 1 AS {BYTE}'", says=("its character 13 is not of UTF-8",)),
]
