"""Compare the number of parameters of the networks that are built with the published table."""

from __future__ import annotations

from pathlib import Path

from pipeline.benchmarks.contract import Spec
from pipeline.benchmarks.nasbench_macro.architectures import SPACE, canonical
from pipeline.benchmarks.parameter_check import ParameterCheck, drawn
from pipeline.errors import UserError
from pipeline.formats import numbers, tables
from pipeline.formats.table_form import KEY, Cells, TableForm, Unreadable

_CLASSES = 10


def check(path: Path, sample_size: int) -> list[ParameterCheck]:
    """Build some of the table's networks, drawn with equal chance, and compare their parameters with its own."""
    from pipeline.benchmarks.nasbench_macro.network import features
    from pipeline.networks.features import trained_parameters

    result = ParameterCheck(path.name)
    for position, spec, stated in drawn(tables.rows(path, TableForm("json")), sample_size, _stated):
        result.add(position, trained_parameters(features, spec, _CLASSES), stated, spec["layers"])
    return [result]


def _stated(row: tuple[str, Cells | Unreadable]) -> tuple[str, Spec, int]:
    """Position, architecture and parameters of a row; UserError where it does not state them."""
    position, cells = row
    if isinstance(cells, Unreadable):
        raise UserError(cells)
    return position, canonical(SPACE, cells.get(KEY)), numbers.whole(cells.get("params"), "params", least=1)
