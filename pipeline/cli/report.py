"""`pipeline report`: write the lake as a page, tables and figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.application import verb
from pipeline.cli.options import DEFAULT_LAKE, DEFAULT_OUT, LakeOption, OutOption, TargetOption
from pipeline.cli.output import answer, print_json
from pipeline.cli.output import say as print_line
from pipeline.errors import UserError


@verb(
    example="pipeline report --out reports/latest",
    interrupted="the lake is as it was, the report is not whole; run the same command again",
)
def report(
    out: OutOption = DEFAULT_OUT,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Folder of an earlier report: exit with 1 where a rho moved, a row vanished or more scores failed."
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(help="Folder of earlier report.json files, at any depth: the page draws rho over time."),
    ] = None,
    figures: Annotated[bool, typer.Option("--figures", help="Also write each chart as SVG, PNG and PDF.")] = False,
    figure: Annotated[
        list[str] | None,
        typer.Option(
            help="Write the figures with this in their name, such as nasbench201 or rhos-darts; may be repeated."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json instead of the table.")] = False,
    target: TargetOption = None,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Write the report of the lake.

    It consists of index.html, report.md, correlations.csv, report.json and manifest.json.
    """
    from pipeline.progress import stages
    from pipeline.report import baseline
    from pipeline.report import page as stage
    from pipeline.wording import count_of, every

    before = baseline.read(against) if against else None  # first: the report may be written over it
    with stages("writing the report") as say:
        with_figures = figure or ([] if figures else None)
        result = stage.write(
            lake, out, against=before, history_folder=history, with_figures=with_figures, target=target, say=say
        )
    if as_json:
        print_json(json.loads((out / "report.json").read_bytes()))
    else:
        answer(result.table)
        print_line(f"report: {result.index}")
    if before is None:
        return
    differences = result.differences or []
    verdict = baseline.table(differences) if differences else f"{every(len(before), 'row')} as in {against}"
    if not as_json:
        answer(verdict)
        for annotation in baseline.job_annotations(differences):
            answer(annotation)
    baseline.summarise(baseline.section(differences, len(before)))
    if faulty := sum(bool(d.faults) for d in differences):
        raise UserError(
            f"{count_of(faulty, 'row is', 'rows are')} not as in {against} (above): mend what changed them; "
            f"or, if it was meant, copy {out / baseline.FILE} there and have the diff reviewed"
        )
