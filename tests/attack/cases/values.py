"""Values, records and names that a table or published file cannot mean: kinds of ingest faults."""

import pickle
from collections.abc import Callable
from pathlib import Path

from tests.attack.case import Case
from tests.attack.cases.files import MAPPED, table
from tests.fixtures import mapped_tables, nasbench201_files, nds_files

CELLS = nasbench201_files.topologies(12)


def rows(*accuracies: object) -> str:
    """A CSV of these accuracies."""
    return "arch,acc\n" + "".join(f"{cell},{value}\n" for cell, value in zip(CELLS, accuracies, strict=False))


def mapping(*changes: tuple[str, str]) -> Callable[[Path], None]:
    """Write `mine.toml` with changed lines, and a table for it."""

    def make(folder: Path) -> None:
        text = mapped_tables.MAPPING + mapped_tables.ACCURACY
        for old, new in changes:
            text = text.replace(old, new)
        (folder / "mine.toml").write_text(text)
        (folder / "table.csv").write_text(rows(60, 61))

    return make


def two_readings(folder: Path) -> None:
    """A list of architectures and results in one file."""
    record = nasbench201_files.nats_record(0, CELLS[0], {"12": [777]})
    nasbench201_files.pack(folder / "all.pickle.pbz2", {"meta_archs": CELLS, **record})


def endless_seed(folder: Path) -> None:
    """A job whose seed has thirty digits, and nothing else."""
    job = nds_files.job(nds_files.net("darts", 0), params=10**6)
    nds_files.write(folder / "DARTS.json", [job | {"rng_seed": 10**30}])


def pickled(entry: object) -> Callable[[Path], None]:
    """Write a pickle of one good row and another."""

    def make(folder: Path) -> None:
        text = mapped_tables.MAPPING.replace('kind = "csv"', 'kind = "pickle"')
        mapped_tables.mapping(folder / "mine.toml", mapped_tables.ACCURACY, text=text)
        (folder / "table.pkl").write_bytes(pickle.dumps([{"arch": CELLS[0], "acc": 60}, entry]))

    return make


PICKLED = "ingest nasbench201 table.pkl --mapping mine.toml"
MIXED = [61.2, 0.622, 63.1, 0.643, 65.0, 0.66]

CASES = [
    Case(
        "every second accuracy a fraction", MAPPED, make=table(rows(*MIXED)), stores=True, says=("two scales", "line 3")
    ),
    Case("an accuracy of 101", MAPPED, make=table(rows(60, 101)), stores=True, says=("line 3", "101")),
    Case("an accuracy without end", MAPPED, make=table(rows(60, "9" * 400)), stores=True, says=("line 3",)),
    Case("one architecture twice", MAPPED, make=table(rows(60) + f"{CELLS[0]},61\n"), stores=True, says=("line 2",)),
    Case(
        "a mapping with three mistakes",
        MAPPED,
        make=mapping(('column = "acc"', 'colum = "acc"'), ('unit = "percent"', 'unit = "%"')),
        stores=True,
        says=("truth.1.column", "truth.1.colum:", "truth.1.unit"),
    ),
    Case(
        "two metrics that are not there",
        MAPPED,
        make=mapping(('"test_accuracy"', '"tset_accuracy"')),
        stores=True,
        says=("did you mean test_accuracy",),
    ),
    Case(
        "a scale without end",
        MAPPED,
        make=mapping(('unit = "percent"', 'unit = "percent"\nscale = 1e400')),
        stores=True,
        says=("scale",),
    ),
    Case(
        "a list and results in one file",
        "ingest nasbench201 all.pickle.pbz2",
        make=two_readings,
        stores=True,
        says=("meta_archs", "results"),
    ),
    Case(
        "a seed of thirty digits", "ingest nds DARTS.json", make=endless_seed, stores=True, says=("rng_seed", "63 bits")
    ),
    Case(
        "bytes for an accuracy", PICKLED, make=pickled({"arch": CELLS[1], "acc": b"61"}), stores=True, says=("item 2",)
    ),
    Case("a set for an architecture", PICKLED, make=pickled({"arch": {1}, "acc": 61}), stores=True, says=("item 2",)),
]
