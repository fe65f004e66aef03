"""The report's correlations as CSV, and its main tables for a terminal."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline import text_table
from pipeline.report.queries import Row
from pipeline.report.text import counted, interval, number, score_command, seed, target_name

CSV_COLUMNS = [
    "benchmark", "space", "dataset", "metric", "epochs", "source_id", "proxy", "proxy_id", "seed", "n", "n_failed",
    "n_no_truth", "rho", "low", "high", "tau", "n_top", "rho_top", "n_shared", "rho_shared",
]  # fmt: skip
_MOST_ROWS = 10  # of each of several spaces, which a terminal would else scroll away
_TERMINAL_COLUMNS = ["proxy", "seed", "rho", "95 % interval", "n", "failed", "s/arch", "tau", "rho top 10 %"]


def correlations_csv(frames: list[pd.DataFrame]) -> str:
    """Every correlation, sorted and rounded to four decimals, so that a diff shows what changed and nothing else.

    Intervals and tau are of the covered targets, the rest after them of the main target alone.
    """
    cells = [_cells(frame.reindex(columns=CSV_COLUMNS)) for frame in frames]
    table = pd.concat(cells) if cells else pd.DataFrame(columns=CSV_COLUMNS)
    return table.sort_values(CSV_COLUMNS).to_csv(index=False, lineterminator="\n")


def terminal_tables(spaces: list[Row], sources: list[Row]) -> str:
    """The ranking of each space as aligned text; where there is none, what is missing.

    A terminal shows the best ten of each where there are several spaces.
    """
    lines = []
    width = text_table.terminal_width()
    most = _MOST_ROWS if width is not None and len(spaces) > 1 else None
    for space in spaces:
        name = f"{space['benchmark']} {space['space']}"
        if not space["ranking"]:
            command = score_command(space)
            how = f"run `{command}` or" if command else "its networks are not built here,"
            lines.append(f"{name}: no scores yet, {how} ingest released ones")
            continue
        lines.append(f"{name}: Spearman's rho with {target_name(space['main'])}")
        cells = [_TERMINAL_COLUMNS] + [
            [
                row["label"], seed(row["seed"]), number(row["rho"]), interval(row), number(row["n"], 0),
                number(row["n_failed"], 0), number(row["seconds"], 2), number(row["tau"]),
                counted(row["rho_top"], row["n_top"]),
            ]
            for row in space["ranking"][:most]
        ]  # fmt: skip
        right = [False] + [True] * (len(_TERMINAL_COLUMNS) - 1)
        lines += text_table.fitted(cells, right, width=width, indent="  ")
        if most and (more := len(space["ranking"]) - most) > 0:
            lines.append(f"  and {more} more in report.md")
    if not lines and sources:
        return (
            "no ground truth with a value: of what was ingested none has one (see `pipeline query "
            '"SELECT status, reason, count(*) FROM truth GROUP BY ALL"`)'
        )
    return "\n".join(lines or ["no ground truth yet: run `pipeline ingest` first"])


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as text: four decimals of floats, and nothing where there is no value."""

    def text(value: Any) -> str:
        if pd.isna(value):
            return ""
        return f"{value:.4f}" if isinstance(value, float) else str(value)

    return frame.astype(object).map(text)
