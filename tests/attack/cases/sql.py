"""SQL that writes, reads elsewhere, is not SQL, or asks for what is not there; and values that are hard to write."""

from tests.attack.case import Case

CASES = [
    Case("empty SQL", "query ''", exit=2, says=("the value is empty",)),
    Case("SQL of a comment alone", "query '/* nothing */'", says=("statement",)),
    Case("two statements", "query 'SELECT 1; SELECT 2'", says=("one statement at a time",)),
    Case("a table dropped", "query 'DROP VIEW scores'", says=("queries only read",)),
    Case("a file written", """query "COPY (SELECT 1) TO 'x.csv'" """, says=("queries only read",)),
    Case("a file read", "query \"FROM read_text('/etc/passwd')\"", says=("nothing else",), never=("root:",)),
    Case("a database attached", "query \"ATTACH 'x.duckdb'\"", says=("queries only read",)),
    Case("an extension installed", "query 'INSTALL httpfs'", says=("queries only read",)),
    Case("a function of an extension", "query \"FROM sqlite_scan('x', 'y')\"", says=("which no query loads",)),
    Case(
        "a file of the lake that is read as another form",
        "query \"FROM read_json('{lake}/parts/madeup/scores-0/scores.parquet')\"",
        says=("Malformed JSON in file",),
        never=("restore",),
    ),
    Case("a misspelt table", "query 'FROM scoers'", says=("did you mean scores",)),
    Case("a misspelt column", "query 'SELECT vlaue FROM scores'", says=('"value"',)),
    Case("a parameter without a value", "query 'SELECT $n'", says=("--param n=VALUE",)),
    Case("a parameter too many", "query 'SELECT 1' --param n=1", says=("unknown parameter 'n'",)),
    Case("a parameter of another type", "query 'SELECT $n::INTEGER' --param n=abc", says=("parameter n: ", "'abc'")),
    Case("no SQL", "query 'lorem ipsum'", says=("cannot be parsed",)),
]
