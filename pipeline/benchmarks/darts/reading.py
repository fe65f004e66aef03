"""Read the published file of DARTS into rows of the lake.

A line is a genotype and its accuracy. Which frame the networks were trained in is not stated, so the accuracy is ground
truth in the space of every frame. A cell that is there again was trained again: its trainings are numbered as seeds.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pipeline.benchmarks import units
from pipeline.benchmarks.contract import Spec
from pipeline.benchmarks.darts.architectures import NAME, SPACES, canonical
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError, excerpt
from pipeline.formats import numbers, text_files
from pipeline.provenance import canonical_json
from pipeline.wording import count_of

DATASET, METRIC = "cifar10", "validation_accuracy"
EPOCHS = 200
"""Of each training, as the publisher states."""


def read(path: Path, curves: bool) -> Iterator[SourceRows]:
    """The published form: one line for each cell. A line that cannot be taken is a reject."""
    if path.is_dir():
        raise NotThisFormError(f"{path} is a folder, where a CSV file is expected")
    lines = text_files.read(path, "the file", "a CSV of genotypes", unpack=True).split("\n")
    if not any(line.lstrip(' "').startswith("Genotype(") for line in lines):
        raise NotThisFormError(f"{path} has no line that begins with a genotype: Genotype(normal=[...], ...)")
    return _batches(lines)


def _batches(lines: list[str]) -> Iterator[SourceRows]:
    batch, trainings = SourceRows(NAME), Counter[str]()
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    for index, (number, line) in enumerate(numbered):
        with batch.record(f"line {number}", line[:200]):
            spec, accuracy = _parsed(line)
            trainings[text := canonical_json(spec)] += 1
            for space in SPACES:
                arch_id = batch.add_architecture(space.name, spec, str(index))
                batch.add_truth(
                    space.name, arch_id, DATASET, METRIC, accuracy,
                    epochs=EPOCHS, seed=trainings[text], failure="diverged",
                )  # fmt: skip
    yield batch


def _parsed(line: str) -> tuple[Spec, float]:
    """Spec, and accuracy in percent."""
    try:
        [cells] = csv.reader([line], strict=True)
    except (csv.Error, ValueError) as error:
        raise UserError(f"it is no line of a CSV: {error}") from error
    if len(cells) != 2:
        raise UserError(f"it has {count_of(len(cells), 'cell')}, where a genotype and an accuracy are expected")
    accuracy = numbers.real(cells[1], "the accuracy")
    if not math.isnan(accuracy) and units.outside("percent", accuracy):
        raise UserError(f"the accuracy is {excerpt(cells[1], 40)}, where 0 to 100 percent are expected")
    return canonical(SPACES[0].name, cells[0]), accuracy
