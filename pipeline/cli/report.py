"""`pipeline report`: the lake as a page, tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.application import say, verb
from pipeline.cli.options import DEFAULT_LAKE, DEFAULT_OUT, LakeOption, OutOption
from pipeline.errors import UserError


@verb(
    example="pipeline report --out reports/latest",
    interrupted="the lake is as it was, the report is not whole; run the same command again",
)
def report(
    out: OutOption = DEFAULT_OUT,
    against: Annotated[
        Path | None,
        typer.Option(help="Folder of a baseline: fail where a rho moved, a row vanished or failures grew."),
    ] = None,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Write the report of the lake.

    It consists of index.html, report.md, correlations.csv, report.json and figures.
    """
    write_report(lake, out, against)


def write_report(lake: Path, out: Path, against: Path | None = None) -> None:
    """Write the report and compare it with a baseline, if one is named.

    Raises:
        UserError: rows are not as in the baseline.
    """
    from pipeline.report import baseline
    from pipeline.report import page as stage

    before = baseline.read(against) if against else None  # first: the report may be written over it
    result = stage.write(lake, out)
    say(result.table)
    say(f"report: {result.index}")
    if before is None:
        return
    differences = baseline.compare(before, baseline.read(out))
    verdict = baseline.table(differences) if differences else f"all {len(before)} rows are as in {against}"
    say(verdict)
    baseline.summarise(f"### Against {against}\n\n{verdict}\n")
    if faulty := sum(bool(d.faults) for d in differences):
        raise UserError(
            f"{faulty} rows are not as in {against} (above): mend what changed them; "
            f"or, if it was meant, copy {out / baseline.FILE} there and have the diff reviewed"
        )
