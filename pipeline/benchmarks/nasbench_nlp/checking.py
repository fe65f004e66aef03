"""Compare the number of parameters of the networks that are built with the published logs."""

from __future__ import annotations

from pathlib import Path

from pipeline.benchmarks.nasbench_nlp import logs
from pipeline.benchmarks.nasbench_nlp.architectures import SPACE, canonical
from pipeline.benchmarks.nasbench_nlp.logs import Log
from pipeline.benchmarks.nasbench_nlp.metrics import WORDS
from pipeline.benchmarks.nasbench_nlp.reading import require_consistent
from pipeline.benchmarks.parameter_check import ParameterCheck, drawn
from pipeline.errors import UserError
from pipeline.formats.table_form import Unreadable
from pipeline.provenance import canonical_json


def check(path: Path, sample_size: int) -> list[ParameterCheck]:
    """Count the parameters of some logs' networks, and compare them with what the logs state.

    A log counts the language model: besides the three layers an embedding, which is also the decoder's matrix, and the
    decoder's bias.
    """
    from pipeline.benchmarks.nasbench_nlp import network

    result = ParameterCheck(path.name)
    for position, log in drawn(logs.members(path), sample_size, _sound_log):
        try:
            spec = canonical(SPACE, log.recipe)
        except UserError:
            continue  # a reject of the ingest
        built = network.parameters(spec) + WORDS[log.data] * (network.WIDTHS[0] + 1)
        result.add(position, built, log.params, canonical_json(spec))
    return [result]


def _sound_log(member: tuple[str, bytes | Unreadable]) -> tuple[str, Log]:
    """Position and log; UserError for one that is a reject of the ingest."""
    position, content = member
    log = logs.parse(content)
    require_consistent(log)
    return position, log
