"""Published files of the newer benchmarks as people have them: cut, packed, mixed up, or no files at all."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.attack.case import Case
from tests.attack.cases.odd_files import file

_NODES = "('sep_conv_3x3', 0), ('skip_connect', 1), ('none', 0), ('max_pool_3x3', 2)"
_CELL = f"[{_NODES}, {_NODES}]"
GENOTYPE = f"Genotype(normal={_CELL}, normal_concat=range(2, 6), reduce={_CELL}, reduce_concat=[2, 3, 4, 5])"
DARTS = f'"{GENOTYPE}",93.5\n'
_LAYER = {
    "operation_type": "SA", "operation_parameter": "SDP", "num_operation_heads": 2, "feed_forward_dimension": 512,
    "num_feed_forward": 1,
}  # fmt: skip
TASKS = ("cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst", "sts")
TRAINING = {
    "id": 7, "completed": True, "time_to_train": 60.5, "scores": dict.fromkeys((*TASKS, "glue"), 60.0),
    "hparams": {
        "num_train_steps": 100_000,
        "model_hparam_overrides": {"hidden_size": 128, "nas_config": {"encoder_layers": [_LAYER, _LAYER]}},
    },
}  # fmt: skip
BERT = json.dumps([TRAINING])
_SPLITS = ("train", "valid", "test")
_COLUMNS = ["architecture", *(f"{split}_{kind}" for split in _SPLITS for kind in ("top1", "top5", "loss"))]
TASK = f"{','.join([*_COLUMNS, 'time_elapsed'])}\n64-4111-basic,{','.join(['40', '80', '2.5'] * 3)},9.5\n"


def pipe(name: str) -> Callable[[Path], object]:
    """Make a named pipe, to which nobody writes."""
    return lambda folder: os.mkfifo(folder / name)


CASES = [
    Case("darts: a genotype and its accuracy", "ingest darts d.csv", exit=0, lake="none", stores=True,
         make=file("d.csv", DARTS), says=("3 architectures, 3 values, 0 rejected",), lines=2),
    Case("darts: packed by gzip", "ingest darts d.csv.gz", exit=0, lake="none", stores=True, lines=2,
         make=file("d.csv.gz", gzip.compress(DARTS.encode())), says=("3 architectures, 3 values, 0 rejected",)),
    Case("darts: packed and cut", "ingest darts d.gz", make=file("d.gz", gzip.compress(DARTS.encode())[:60]),
         says=("d.gz is truncated",), lake="none"),
    Case("darts: a zip", "ingest darts d.csv", make=file("d.csv", b"PK\3\4" + bytes(22) + b"\5\0\0\0a.csv" + bytes(90)),
         says=("is a zip archive", "unpack it"), lake="none"),
    Case("darts: columns the other way round", "ingest darts d.csv", lake="none",
         make=file("d.csv", f'93.5,"{GENOTYPE}"\n'), says=("no line that begins with a genotype",)),
    Case("darts: no accuracy", "ingest darts d.csv", lake="none", make=file("d.csv", f'"{GENOTYPE}"\n'),
         says=("1 record cannot be taken, at line 1: it has 1 cell,",)),
    Case("darts: odd in every space is odd once", "ingest darts d.csv", exit=0, lake="none", stores=True, lines=3,
         make=file("d.csv", DARTS + DARTS.replace("93.5", "0.93")), says=("1 of 2 values look like fractions",)),
    Case("darts: a named pipe", "ingest darts d.csv", make=pipe("d.csv"), lake="none",
         says=("d.csv is a named pipe, where a file is expected",)),
    Case("darts: a device", "ingest darts /dev/zero", lake="none", says=("/dev/zero is a device",)),
    Case("a mapping for a named pipe", "ingest nasbench201 t.csv --mapping zc-combine-robustness", make=pipe("t.csv"),
         lake="none", says=("t.csv is a named pipe",), never=("folder",)),
    Case("a mapping that is a named pipe", "ingest nasbench201 t.csv --mapping m.toml", lake="none",
         make=lambda place: [pipe("m.toml")(place), file("t.csv", "a\n")(place)], says=("m.toml is a named pipe",)),
    Case("a list that is a named pipe", "score nasbench201 --proxy random --only l.txt", lake="cells",
         make=pipe("l.txt"), says=("l.txt is a named pipe",)),
    Case("a mapping begun for a named pipe", "mapping init t.csv", make=pipe("t.csv"), says=("t.csv is a named pipe",)),
    Case("a mapping begun for 600 columns", "mapping init t.csv", says=("has 600 columns", "by hand"), seconds=2,
         make=file("t.csv", ",".join(f"c{i}" for i in range(600)) + "\n" + ",".join("1" * 600) + "\n")),
    Case("flexibert: a training", "ingest flexibert b.json", exit=0, lake="none", stores=True, lines=2,
         make=file("b.json", BERT), says=("1 architecture, 10 values, 0 rejected",)),
    Case("flexibert: packed by gzip", "ingest flexibert b.json.gz", exit=0, lake="none", stores=True, lines=2,
         make=file("b.json.gz", gzip.compress(BERT.encode())), says=("1 architecture, 10 values, 0 rejected",)),
    Case("flexibert: a key twice", "ingest flexibert b.json", lake="none",
         make=file("b.json", BERT.replace('"id": 7', '"id": 7, "id": 8')),
         says=("1 record cannot be taken, at [0]: the key 'id' occurs twice in one object",)),
    Case("flexibert: nested 100,000 deep", "ingest flexibert b.json", make=file("b.json", "[" * 100_000), lake="none",
         says=("b.json",)),
    Case("flexibert: one training and no list", "ingest flexibert b.json", lake="none",
         make=file("b.json", json.dumps(TRAINING)), says=("holds no array",)),
    Case("flexibert: a list of numbers", "ingest flexibert b.json", make=file("b.json", "[1, 2]"), lake="none",
         says=("is not a list of trainings",)),
    Case("transnas101: a table of another task", "ingest transnas101 autoencoder.csv", lake="none",
         make=file("autoencoder.csv", TASK), says=("autoencoder",)),
    Case("transnas101: three million columns", "ingest transnas101 class_object.csv", lake="none", seconds=5,
         make=file("class_object.csv", ",".join("c" * 9 for _ in range(3_000_000))), says=("more than 16 Mi",)),
]  # fmt: skip
