"""The result of a tuning: a proxy, stored in the lake with the labels that it was made with, and written as TOML."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import catalog, provenance
from pipeline.lake.part_name import PartName
from pipeline.lake.store import Lake
from pipeline.tuning import rules

Row = dict[str, Any]


@dataclass(frozen=True)
class TunedProxy:
    """A proxy made by tuning.

    Attributes:
        name, path: of the proxy, and of its TOML file in the lake; None where it is no sum, but predictions.
        fitness: Spearman's rho on the labels.
        trainings: networks that were trained to make it.
        origin: how it was made, for a reader.
    """

    name: str
    path: Path | None
    fitness: float
    trainings: int
    origin: str

    @property
    def line(self) -> str:
        cost = f"{self.trainings} trainings" if self.trainings else "no training"
        where = f"; {self.path}" if self.path else ""
        return f"{self.name}: {self.origin}; rho on the labels it was made with {self.fitness:.3f}, {cost}{where}"


def store(lake: Lake, row: Row, configuration: dict[str, Any], proxy_id: str, origin: str) -> TunedProxy:
    """Store a tuned proxy once, and its TOML in the lake's folder of rules.

    Args:
        row: of the table `tunings`, without the proxy and the run.
        configuration: of the proxy, as it is written.
        origin: how it was made, for a reader.

    Raises:
        UserError: the lake cannot be written.
    """
    labels = ", ".join(row["labels"])
    comment = (
        f"Found by `pipeline tune {row['benchmark']}`, tuning {row['tuning_id']}.\n"
        f"Method {row['method']}, seed {row['seed']}, {row['trainings']} trainings, rho on the labels "
        f"{row['fitness']:.3f}.\nLabels: {row['dataset']} {row['metric']} of {labels}"
    )
    text = rules.toml(configuration, comment)
    name = configuration["name"]
    publish(lake, {**row, "name": name, "proxy_id": proxy_id, "rule": text})
    path = rules.write(lake, text, name)
    catalog.ensure(lake)
    return TunedProxy(name, path, row["fitness"], row["trainings"], origin)


def publish(lake: Lake, row: Row, tables_of: Callable[[Row], dict[str, list[Row]]] = lambda run: {}) -> None:
    """Publish the part of a tuned proxy, unless it is there.

    Args:
        row: of the table `tunings`, without the run.
        tables_of: run -> rows of other tables that belong to it.
    """
    part = PartName("tune", row["tuning_id"], origin=row["proxy_id"])
    if lake.has(row["benchmark"], part):
        return
    run = provenance.new_run("tune", {"tuning_id": row["tuning_id"]})
    tunings = [{**row, "run_id": run["run_id"]}]
    with suppress(FileExistsError):  # another process was quicker
        tables = {"runs": [run, provenance.finished(run)], "tunings": tunings, **tables_of(run)}
        lake.publish(row["benchmark"], part, tables)
