"""Compare the number of parameters of the networks that are built with the released scores.

The number of parameters is stated in the table of released scores alone, by the number of a training whose
configuration is in the file of trainings: both are checked where they are in one folder. The released scores, the
number of parameters among them, are those of networks whose hidden size is 256 and whose feed-forward parts are 1024
wide, whatever the configuration says; so are the networks that are counted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline.benchmarks.contract import Spec
from pipeline.benchmarks.flexibert import reading
from pipeline.benchmarks.flexibert.architectures import SPACE, canonical
from pipeline.benchmarks.parameter_check import ParameterCheck, drawn
from pipeline.errors import UserError
from pipeline.formats import json_arrays, numbers, tables
from pipeline.formats.table_form import Cells, TableForm, Unreadable
from pipeline.provenance import canonical_json

TABLE = "BERT_results_activation.csv"
SCORED_HIDDEN, SCORED_WIDTH = 256, 1024
_WORDS, _EMBEDDING, _POSITIONS, _TYPES = 30_522, 128, 512, 2  # of ELECTRA's small model


def check(path: Path, sample_size: int) -> list[ParameterCheck]:
    """Build some networks as the released scores see them, and compare their parameters with the stated ones.

    Returns:
        Nothing where the table of released scores is not beside the file: then no parameters are stated.
    """
    trainings = reading.published_file(path)
    table = trainings.parent / TABLE
    if not table.is_file():
        return []
    specs = _specs(trainings)
    result = ParameterCheck(TABLE)
    known = filter(None, (_stated(row, specs) for row in tables.rows(table, TableForm("csv"))))
    for position, spec, stated in drawn(known, sample_size, lambda row: row):
        result.add(position, scored_parameters(spec), stated, canonical_json(spec))
    return [result]


def _specs(path: Path) -> dict[int, Spec]:
    """Number of a training -> its architecture; without those that are rejects of the ingest."""
    specs = {}
    for _, element in json_arrays.read(path):
        if isinstance(element, Mapping):
            try:
                hparams = reading.hyperparameters(element)
                number = numbers.whole(element.get("id"), "id", least=0)
                specs[number] = canonical(SPACE, hparams.get("model_hparam_overrides"))
            except UserError:
                continue
    return specs


def _stated(row: tuple[str, Cells | Unreadable], specs: Mapping[int, Spec]) -> tuple[str, Spec, int] | None:
    """Position, architecture and parameters of a row; None where the architecture is not known."""
    position, cells = row
    if isinstance(cells, Unreadable):
        return None
    try:
        number = numbers.whole(cells.get("ID"), "ID")
        stated = numbers.whole(cells.get("Number of Parameters"), "the number of parameters", least=1)
    except UserError:
        return None
    return (position, specs[number], stated) if number in specs else None


def scored_parameters(spec: Spec) -> int:
    """Parameters of the network that the released scores are of: the layers, and ELECTRA's embeddings."""
    from pipeline.benchmarks.flexibert.network import EncoderLayer
    from pipeline.networks.without_values import without_values

    with without_values():
        layers = [EncoderLayer({**layer, "width": SCORED_WIDTH}, SCORED_HIDDEN) for layer in spec["layers"]]
    embeddings = (_WORDS + _POSITIONS + _TYPES + 2) * _EMBEDDING  # a normalisation has two numbers for each
    projection = (_EMBEDDING + 1) * SCORED_HIDDEN
    return embeddings + projection + sum(p.numel() for layer in layers for p in layer.parameters())
