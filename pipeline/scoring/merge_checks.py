"""Refuse rows of another lake that this one could not hold, or whose meaning is unclear.

The other lake is from outside: its checksums say that it is unchanged, and not that what was written is valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import catalog
from pipeline.errors import UserError, excerpt
from pipeline.lake import stored_json
from pipeline.lake.store import Lake

_SHOWN = ("arch_id", "proxy_id", "name")
_IDENTITIES = ("arch_id", "proxy_id")
_DESCRIPTION = ["proxy_id", "name", "configuration", "version", "higher_is_better"]
_IDENTITY = "^[0-9a-f]{16}$"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # as `benchmarks` takes for a name
_LONGEST = 200  # characters of a name
_CONFIGURATION = 1 << 20  # characters
_Wrong = Iterator[tuple[str, pa.Table]]
"""What is wrong, and the rows of which it is."""


def refuse_unsound(lake: Lake, other: Lake, groups: Iterable[tuple[str, list[str]]], name: str) -> None:
    """Refuse another lake whose scores or proxies are none.

    Args:
        groups: benchmark and parts of what is to be taken.
        name: of the other lake, for messages.

    Raises:
        UserError: a score or proxy is not one.
    """
    groups = list(groups)
    here = pa.concat_tables([lake.read("proxies", folder.name) for folder in lake.parts.iterdir() if folder.is_dir()])
    both, known, runs = here, dict[str, set[str]](), dict[str, pa.ChunkedArray]()
    for benchmark in dict.fromkeys(benchmark for benchmark, _ in groups):
        if not _WORD.fullmatch(benchmark):
            raise UserError(
                f"{name}: {excerpt(benchmark)} is no name of a benchmark, which has letters, digits, '_' and '-': "
                "nothing was taken; have its lake examined by `pipeline doctor`"
            )
        rows = other.read("proxies", benchmark)
        _refuse(_wrong_proxies(rows), f"{name}: a proxy of {benchmark}")
        _refuse(_described_otherwise(rows, here), f"{name}: a proxy of {benchmark}")
        both = pa.concat_tables([both, rows])
        shown = catalog.proxies_of(both.filter(pc.is_in(both["proxy_id"], rows["proxy_id"])))
        _refuse(_of_two_kinds(shown), f"{name}: a proxy of {benchmark}")
        _refuse(_faulty({"proxies": shown}), f"{name}: {benchmark}")
        _refuse(_without_terms(shown), f"{name}: an aggregate of {benchmark}")
        known[benchmark] = {*rows["proxy_id"].to_pylist(), *here["proxy_id"].to_pylist()}
        runs[benchmark] = other.read("runs", benchmark, columns=["run_id"])["run_id"]
    for benchmark, group in groups:
        place = f"{benchmark} in {group[0]}"
        taken = {
            table: other.read(table, benchmark, parts=group) for table in ("scores", "retried", "curves", "adopted")
        }
        for table, rows in taken.items():
            _refuse(_odd_spaces(rows), f"{name}: a row of {table} of {place}")
            elsewhere = rows.filter(pc.not_equal(rows["benchmark"], benchmark))
            _refuse(iter([("is of another benchmark", elsewhere)]), f"{name}: a row of {table} of {place}")
        for table in ("scores", "retried"):
            wrong = _wrong_scores(taken[table], known[benchmark], runs[benchmark])
            _refuse(wrong, f"{name}: a score of {place}")
        _refuse(_faulty(taken), f"{name}: {place}")


def _refuse(wrong: _Wrong, what: str) -> None:
    for reason, rows in wrong:
        if rows.num_rows:
            row = rows.slice(0, 1).to_pylist()[0]
            named = [key for key in _SHOWN if key in row] or list(row)
            shown = ", ".join(f"{key} {excerpt(row[key], 40)}" for key in named)
            raise UserError(
                f"{what} {reason} ({shown}): nothing was taken; have its lake examined by `pipeline doctor`"
            )


def _faulty(tables: Mapping[str, pa.Table]) -> _Wrong:
    """What the checks of a lake find wrong with rows."""
    for check, rows in catalog.checks_of(tables):
        yield f"fails the check {check}", rows


def _wrong_scores(scores: pa.Table, proxies: set[str], runs: pa.ChunkedArray) -> _Wrong:
    yield from _no_identities(scores, _IDENTITIES)
    yield "has no seed", scores.filter(pc.is_null(scores["seed"]))
    known = pa.array(sorted(proxies), pa.string())
    yield "is of a proxy that its lake does not have", scores.filter(pc.invert(pc.is_in(scores["proxy_id"], known)))
    yield "is of a run that its lake does not have", scores.filter(pc.invert(pc.is_in(scores["run_id"], runs)))


def _odd_spaces(rows: pa.Table) -> _Wrong:
    """Rows of a space of a name that no benchmark may give one."""
    long = pc.greater(pc.utf8_length(rows["space"]), _LONGEST)
    odd = pc.invert(pc.utf8_is_printable(rows["space"]))
    empty = pc.equal(pc.utf8_trim_whitespace(rows["space"]), "")
    yield "has a space that is no short text", rows.filter(pc.or_(pc.or_(long, odd), empty))


def _wrong_proxies(proxies: pa.Table) -> _Wrong:
    yield from _no_identities(proxies, ["proxy_id"])
    long = pc.greater(pc.utf8_length(proxies["name"]), _LONGEST)
    control = pc.match_substring_regex(proxies["name"], r"[\x00-\x1f\x7f]|^$")
    yield "has a name that is no short text", proxies.filter(pc.or_(long, control))
    written = [_is_object(text) for text in proxies["configuration"].to_pylist()]
    yield "has a configuration that is no JSON object", proxies.filter(pc.invert(pa.array(written, pa.bool_())))


def _described_otherwise(proxies: pa.Table, here: pa.Table) -> _Wrong:
    """Proxies that the lake describes in another way under the same identity, which decides what they are."""
    known = {row["proxy_id"]: row for row in here.select(_DESCRIPTION).to_pylist()}
    differ = [known.get(row["proxy_id"], row) != row for row in proxies.select(_DESCRIPTION).to_pylist()]
    yield "is described in another way here", proxies.filter(pa.array(differ, pa.bool_()))


def _of_two_kinds(proxies: pa.Table) -> _Wrong:
    kinds = proxies.group_by("proxy_id").aggregate([("kind", "min"), ("kind", "max")])
    yield "has two kinds", kinds.filter(pc.not_equal(kinds["kind_min"], kinds["kind_max"]))


def _without_terms(proxies: pa.Table) -> _Wrong:
    aggregates = proxies.filter(pc.equal(proxies["kind"], "aggregate"))
    lacking = [not _has_terms(stored_json.parsed(text)) for text in aggregates["configuration"].to_pylist()]
    yield "has no list of terms that each name a proxy", aggregates.filter(pa.array(lacking, pa.bool_()))


def _has_terms(configuration: Mapping[str, object]) -> bool:
    terms = configuration.get("terms")
    if not isinstance(terms, list) or not terms:
        return False
    return all(isinstance(term, dict) and isinstance(term.get("proxy"), str) for term in terms)


def _no_identities(rows: pa.Table, columns: Iterable[str]) -> _Wrong:
    for column in columns:
        yield (
            f"has an {column} that is no identity",
            rows.filter(pc.invert(pc.match_substring_regex(rows[column], _IDENTITY))),
        )


def _is_object(text: str) -> bool:
    if len(text) > _CONFIGURATION:
        return False
    try:
        stored_json.parsed(text)
    except UserError:
        return False
    return True
