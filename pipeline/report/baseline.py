"""The guard: the correlations of a report, compared with those of a report that was checked, the baseline.

Both are files `correlations.csv`. Their decimals are fixed, so a baseline is a small file whose change is a diff to
review.
"""

from __future__ import annotations

import csv
import io
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import text_table
from pipeline.errors import UserError, from_os
from pipeline.escaping import markdown
from pipeline.lake.files import read_file
from pipeline.wording import every

FILE = "correlations.csv"
TOLERANCE = 0.001  # of rho; docs/decisions/0017 says what it means on a small set
_KEY = ("benchmark", "space", "dataset", "metric", "proxy", "proxy_id", "seed")
CORRELATION_COLUMNS = (*_KEY, "rho", "n", "n_failed")  # those that are compared

Key = tuple[str, ...]


@dataclass(frozen=True)
class BaselineCorrelation:
    """One row: Spearman's rho over `n` architectures (None where it is not defined), and how many scores failed."""

    rho: float | None
    n: int
    n_failed: int


@dataclass(frozen=True)
class BaselineDifference:
    """A row that has changed: `faults` says what is wrong; a new row has none."""

    key: Key
    before: BaselineCorrelation | None
    now: BaselineCorrelation | None
    faults: tuple[str, ...]


def read(folder: Path) -> dict[Key, BaselineCorrelation]:
    """The correlations of the report in a folder, by benchmark, space, data set, metric, proxy, its identity and seed.

    Raises:
        UserError: there is none, or it is not one.
    """
    path = folder / FILE
    try:
        return parsed(read_file(path).decode())
    except FileNotFoundError as error:
        raise UserError(
            f"no baseline at {path}: `pipeline report --out {shlex.quote(str(folder))}` writes one"
        ) from error
    except NotADirectoryError as error:
        raise UserError(f"--against {folder} is no folder: name that of an earlier report") from error
    except OSError as error:
        raise from_os(error, f"reading {path}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise UserError(
            f"{path} is not the {FILE} of a report ({error}): write it anew with `pipeline report`"
        ) from error


def parsed(text: str) -> dict[Key, BaselineCorrelation]:
    """The correlations of the text of a correlations.csv.

    Raises:
        ValueError: a column is missing, or a cell is no number.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if lacking := [c for c in CORRELATION_COLUMNS if c not in (rows.fieldnames or ())]:
        raise ValueError(f"no column {lacking[0]}")
    return {tuple(row[k] for k in _KEY): _correlation(row) for row in rows}


def compare(
    before: Mapping[Key, BaselineCorrelation], now: Mapping[Key, BaselineCorrelation]
) -> list[BaselineDifference]:
    """The rows that vanished, moved by more than `TOLERANCE`, lost architectures or failed more, and new ones."""
    differences = []
    for key in sorted(before.keys() | now.keys()):
        row_before, row_now = before.get(key), now.get(key)
        faults = _faults(row_before, row_now)
        if faults or row_before is None:
            differences.append(BaselineDifference(key, row_before, row_now, faults))
    return differences


def table(differences: Sequence[BaselineDifference]) -> str:
    """The differences as a Markdown table whose columns are aligned; a cell says `before → now` where both differ."""
    header = ("what", *_KEY, "rho", "n", "failed")
    cells = [header, ("---",) * len(header), *(_cells(d) for d in differences)]
    return "\n".join(f"| {line} |" for line in text_table.aligned(cells, separator=" | "))


def _correlation(row: Mapping[str, str]) -> BaselineCorrelation:
    return BaselineCorrelation(float(row["rho"]) if row["rho"] else None, int(row["n"]), int(row["n_failed"]))


def _faults(before: BaselineCorrelation | None, now: BaselineCorrelation | None) -> tuple[str, ...]:
    if before is None:
        return ()
    if now is None:
        return ("vanished",)
    moved = before.rho != now.rho
    if before.rho is not None and now.rho is not None:
        moved = round(abs(now.rho - before.rho), 6) > TOLERANCE  # of decimals in the file, not of their binary form
    faults = {
        "rho moved": moved, "fewer architectures": now.n < before.n, "more failures": now.n_failed > before.n_failed
    }  # fmt: skip
    return tuple(what for what, holds in faults.items() if holds)


def _cells(difference: BaselineDifference) -> tuple[str, ...]:
    both = (difference.before, difference.now)
    numbers = (
        ["–" if c is None or c.rho is None else f"{c.rho:.4f}" for c in both],
        ["–" if c is None else str(c.n) for c in both],
        ["–" if c is None else str(c.n_failed) for c in both],
    )
    changes = [was if was == now else f"{was} → {now}" for was, now in numbers]
    key = [markdown(part) or "–" for part in difference.key]
    return (", ".join(difference.faults) or "new", *key, *changes)


def section(differences: Sequence[BaselineDifference], rows: int) -> str:
    """What differs from an earlier report of so many rows, as a section of Markdown."""
    verdict = table(differences) if differences else f"{every(rows, 'row').capitalize()} as in the earlier report."
    return f"### Rank correlations against the earlier report\n\n{verdict}\n"


def job_annotations(differences: Sequence[BaselineDifference]) -> list[str]:
    """The faulty rows as workflow commands of GitHub, one per row; none outside of its jobs."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return []
    lines = []
    for difference in differences:
        if difference.faults:
            benchmark, space, dataset, metric, proxy, _, seed = difference.key
            rho, n, failed = _cells(difference)[-3:]
            row = f"{proxy} seed {seed or '-'} on {benchmark} {space}, {dataset} {metric}"
            text = _escaped_for_github(f"{row}: rho {rho}, n {n}, failed {failed}")
            lines.append(f"::error title={', '.join(difference.faults)}::{text}")
    return lines


def _escaped_for_github(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def summarise(markdown: str) -> None:
    """Add to the summary of a GitHub job, where this runs in one."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(markdown)
        except OSError as error:
            raise from_os(error, "writing the job summary") from error
