"""Check the rows of a lake: by SQL, and identities against the architectures and configurations they name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import benchmarks, catalog, provenance
from pipeline.benchmarks.contract import Benchmark, arch_id_of
from pipeline.errors import UserError
from pipeline.lake import stored_json
from pipeline.lake.store import Lake
from pipeline.lake.verify import RESTORE, LakeFault
from pipeline.proxies.contract import proxy_id_of
from pipeline.wording import count_of

CANONICAL = 200  # architectures of a space whose canonical form is computed again
_WAITING = "scores_of_the_unknown"


def check_faults(lake: Lake, notes: list[str]) -> Iterator[LakeFault]:
    """A fault for each query of queries/checks that returns rows."""
    files = catalog.queries("checks")
    try:
        answers = catalog.checks(lake)
    except UserError as error:  # what a check reads of a text that is no JSON
        yield LakeFault("queries/checks", str(error), "see the other faults")
        return
    for name, answer in answers:
        rows = answer
        if name == _WAITING:
            rows, waiting = _without_waiting(answer)
            if waiting:
                those = count_of(waiting, "score waits for its architecture", "scores wait for their architectures")
                notes.append(f"{those} to be ingested")
        if rows.num_rows:
            what = catalog.head_comment(files[name].read_text())
            where = f"queries/checks/{name}.sql"
            fault = f"{count_of(rows.num_rows, 'row')}; {what}"
            yield LakeFault(where, fault, f"the first is {_short(rows)}: restore its part")


def siblings(lake: Lake) -> list[str]:
    """A line for each column of true values that disagrees with its siblings; which is no fault of the lake."""
    with closing(catalog.snapshot(lake)) as connection:
        return [one.line for one in catalog.disagreements(connection)]


def identity_faults(lake: Lake, benchmark: str, part: str) -> Iterator[LakeFault]:
    """Architectures and proxies of a part whose identity does not match what is stored of them."""
    for table, columns, wrong in (
        ("architectures", ["space", "arch_id", "spec"], partial(_wrong_architectures, benchmark)),
        ("proxies", ["proxy_id", "name", "configuration", "version"], _wrong_proxies),
    ):
        rows = lake.read(table, benchmark, parts=[part], columns=columns)
        if what := next(wrong(*(rows[column].to_pylist() for column in columns)), None):
            yield LakeFault(f"parts/{benchmark}/{part}/{table}.parquet", what, RESTORE)


def canonical_faults(lake: Lake) -> Iterator[LakeFault]:
    """Architectures that this version would write in another way, of a sample of each space."""
    stored = {name for name in benchmarks.names() if (lake.parts / name).is_dir()}
    for benchmark in benchmarks.each(lambda name: benchmarks.load(name) if name in stored else None):
        if benchmark is None:
            continue
        name = benchmark.name
        table = lake.read("architectures", name, columns=["space", "arch_id", "spec"])
        for space in pc.unique(table["space"]).to_pylist():
            here = table.filter(pc.equal(table["space"], space))
            step = max(1, here.num_rows // CANONICAL)
            for row in here.take(pa.array(range(0, here.num_rows, step))).to_pylist():
                if what := _not_canonical(benchmark, row):
                    yield LakeFault(f"parts/{name}", what, "the readers have changed: ingest into a new lake")
                    break


def rule_texts(lake: Lake) -> dict[str, set[str]]:
    """The rules that tunings stored, by name."""
    with closing(catalog.snapshot(lake)) as connection:
        rows = catalog.rows(connection, "SELECT name, rule FROM tunings").to_pylist()
    texts: dict[str, set[str]] = {}
    for row in rows:
        texts.setdefault(row["name"], set()).add(row["rule"])
    return texts


def _without_waiting(rows: pa.Table) -> tuple[pa.Table, int]:
    """The rows less those that lack nothing but an architecture, as a merge before the ingest leaves them."""
    waiting = pc.and_(rows["has_proxy"], rows["has_run"])
    return rows.filter(pc.invert(waiting)), pc.sum(waiting).as_py() or 0


def _wrong_architectures(benchmark: str, spaces: list[str], arch_ids: list[str], specs: list[str]) -> Iterator[str]:
    for space, arch_id, spec in zip(spaces, arch_ids, specs, strict=True):
        if arch_id_of(benchmark, space, spec) != arch_id:
            yield f"architecture {arch_id} is not the identity of its spec"


def _wrong_proxies(ids: list[str], names: list[str], configurations: list[str], versions: list[int]) -> Iterator[str]:
    for proxy_id, name, text, version in zip(ids, names, configurations, versions, strict=True):
        try:
            configuration = stored_json.parsed(text)
        except UserError:
            yield f"the configuration of proxy {proxy_id} is no JSON"
            continue
        released = provenance.identity("proxy", version, configuration)
        if proxy_id not in (released, proxy_id_of(name, configuration, version)):
            yield f"proxy {proxy_id} is not the identity of its configuration"


def _not_canonical(benchmark: Benchmark, row: dict[str, Any]) -> str | None:
    try:
        written = provenance.canonical_json(benchmark.canonical(row["space"], json.loads(row["spec"])))
    except (UserError, ValueError) as error:
        return f"architecture {row['arch_id']} cannot be read: {error}"
    return None if written == row["spec"] else f"architecture {row['arch_id']} has another canonical form"


def _short(rows: pa.Table) -> str:
    return ", ".join(f"{name} {value}" for name, value in rows.slice(0, 1).to_pylist()[0].items())[:200]
