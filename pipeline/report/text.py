"""Numbers, names and commands of the report for a reader."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from collections.abc import Iterable, Sequence

from pipeline import benchmarks
from pipeline.escaping import file_name
from pipeline.report.queries import Row
from pipeline.wording import count_of

_FEW = 5  # a rho of fewer architectures is not shown


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals and a comma between thousands, a dash where there is none."""
    return "–" if value is None else f"{round(value, digits) + 0.0:,.{digits}f}"  # + 0.0: never "-0.000"


def seed(value: float | None) -> str:
    """A seed, which is a name and has no comma; a dash where there is none."""
    return "–" if value is None else str(int(value))


def brief(value: float | None) -> str:
    """A number by which a table sorts and a chart draws: six significant digits; nothing where there is none."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def counted(value: float | None, n: int | None) -> str:
    """A correlation with its number of architectures in brackets; a dash where these are too few."""
    return "–" if value is None or n is None or n < _FEW else f"{number(value)} ({n:,})"


def axis_from(rows: list[Row]) -> str:
    """Where the axis of the intervals of a leaderboard begins: at 0, or at a fifth below all rho and intervals."""
    least = min([0.0, *(row[key] for row in rows for key in ("rho", "low") if row[key] is not None)])
    return brief(math.floor(5 * least) / 5)


def interval(row: Row, prefix: str = "") -> str:
    """A row's interval, from the columns `low` and `high` with a prefix."""
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    return "–" if low is None else f"[{number(low)}, {number(high)}]"


def target_name(target: Row) -> str:
    """Data set, metric and training length of a target."""
    length = "" if target["epochs"] is None else f", {count_of(target['epochs'], 'epoch')}"
    return f"{target['dataset']} {target['metric']}{length}"


def series_name(row: Row) -> str:
    """A proxy's label, and its seed where there is one."""
    return str(row["label"]) if row["seed"] is None else f"{row['label']}, seed {row['seed']}"


def proxy_name(row: Row) -> str:
    """A proxy's label, with its seed where that is not the usual one."""
    return f"{row['label']}, seed {row['seed']}" if row["seed"] else str(row["label"])


def slug(*names: str) -> str:
    """Names as one identifier for files, ids and addresses: lower-case letters, digits and hyphens."""
    return file_name("-".join(names))


def slugs(names: Iterable[Sequence[str]], taken: Iterable[str] = ()) -> list[str]:
    """A unique slug for each of the names: one that is empty or taken gets a hash of the names appended."""
    used = {"", *taken}
    result = []
    for parts in names:
        key = slug(*parts)
        if key in used:
            key = f"{key}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]}".lstrip("-")
        used.add(key)
        result.append(key)
    return result


def score_command(space: Row) -> str | None:
    """The command that scores a search space; None where its networks are not built here."""
    benchmark = benchmarks.find(space["benchmark"])
    if benchmark is None or not benchmark.builds:
        return None
    return shlex.join(["pipeline", "score", space["benchmark"], "--space", space["space"]])
