"""The published accuracies of DARTS' cells, on made-up files: hostile lines are rejects."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.darts import architectures, notations, reading
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError
from tests.fixtures import darts_files
from tests.fixtures.darts_files import genotype, line

SPECS = darts_files.specs(3)
TEXT = genotype(SPECS[0])


def read(folder: Path, *lines: str) -> SourceRows:
    [batch] = reading.read(darts_files.write(folder, lines), False)
    return batch


def test_an_accuracy_is_truth_in_every_frame(tmp_path: Path) -> None:
    batch = read(tmp_path, line(TEXT, 85.25), line(genotype(SPECS[1]), "10.25"))
    truth = [dict(zip(batch.truths, row, strict=True)) for row in zip(*batch.truths.values(), strict=True)]
    assert [(r["space"], r["value"]) for r in truth] == [
        (space, value) for value in (85.25, 10.25) for space in ("cells", "cells-36-20", "single-cell")
    ]
    assert {(r["dataset"], r["metric"], r["epochs"], r["seed"], r["epoch"], r["status"]) for r in truth} == {
        ("cifar10", "validation_accuracy", 200, 1, None, "ok")
    }
    assert truth[0]["arch_id"] == arch_id_of("darts", "cells", SPECS[0])
    assert batch.architectures["native_id"] == ["0"] * 3 + ["1"] * 3
    assert batch.rejects["reason"] == []


def test_a_cell_that_is_there_again_was_trained_again(tmp_path: Path) -> None:
    turned = {**SPECS[0], "normal": [*reversed(SPECS[0]["normal"][:2]), *SPECS[0]["normal"][2:]]}
    batch = read(tmp_path, line(TEXT, 85), line(genotype(SPECS[1]), 80), line(genotype(turned), 84))
    assert Counter(zip(batch.truths["value"], batch.truths["seed"], strict=True)) == {
        (85.0, 1): 3, (80.0, 1): 3, (84.0, 2): 3,
    }  # fmt: skip


def test_a_training_without_a_number_has_diverged(tmp_path: Path) -> None:
    batch = read(tmp_path, line(TEXT, "nan"))
    assert set(zip(batch.truths["status"], batch.truths["value"], strict=True)) == {("diverged", None)}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (line(TEXT, "101"), "where 0 to 100 percent are expected"),
        (line(TEXT, "inf"), "where 0 to 100 percent are expected"),
        (line(TEXT, ""), "where a number is expected"),
        (line(TEXT, "９5"), "where a number is expected"),
        (line(TEXT, 85).replace("\n", ",7\n"), "it has 3 cells"),
        (line(TEXT, 85)[1:], "cells, where a genotype and an accuracy are expected"),
        (f'"{TEXT}\n', "it is no line of a CSV"),
        (line(TEXT + "\x00", 85), "does not occur in one"),
        (line("__import__('os').system('touch /tmp/x')", 85), "does not occur in one"),
        (line("exit()", 85), "is no genotype"),
        (line("Genotype(" * 300, 85), "no expression of Python"),
        (line("Genotype(normal=" + "[" * 150 + "]" * 150 + ")", 85), "where lists of operations or nodes"),
        (line(TEXT + " " * notations.LONGEST, 85), "none has more than 4,096"),
        (line(genotype(SPECS[0], normal="exit()"), 85), "the genotype holds 'exit()'"),
        (line(genotype(SPECS[0], normal_concat="range(999999999)"), 85), "not of one or two small numbers"),
        (line(genotype(SPECS[0], normal_concat=[2, 2]), 85), "where a list of distinct nodes is expected"),
        (line(genotype(SPECS[0], normal_concat=["9" * 300]), 85), "where a whole number from 2 to 5"),
        (line(genotype(SPECS[0], reduce=[("conv_9x9", 0)] * 8), 85), "unknown operation 'conv_9x9'"),
        (line(genotype(SPECS[0], reduce=[("none", 0)] * 7), 85), "the reduce cell has 7 edges"),
        (line(genotype(SPECS[0], reduce=[("none", 2)] * 8), 85), "where a whole number from 0 to 1"),
        (line(TEXT.replace("reduce=", "other="), 85), "the genotype names 'other'"),
        (line(TEXT.replace("Genotype(", "Genotype([], "), 85), "a part without a name"),
        (line("Genotype(normal=[])", 85), "the genotype has no normal_concat"),
    ],
)
def test_a_bad_line_is_a_reject_and_the_others_are_kept(tmp_path: Path, bad: str, said: str) -> None:
    batch = read(tmp_path, line(TEXT, 85), bad, line(genotype(SPECS[1]), 80))
    assert batch.rejects["position"] == ["line 2"] and said in batch.rejects["reason"][0]
    assert batch.truths["value"] == [85.0] * 3 + [80.0] * 3


def test_what_holds_no_genotype_is_another_form(tmp_path: Path) -> None:
    for content in ("", "arch,accuracy\na,5\n", '{"a": 1}'):
        path = tmp_path / "file"
        path.write_text(content)
        with pytest.raises(NotThisFormError):
            reading.read(path, False)


def test_notations_of_one_cell_are_one_spec() -> None:
    spec = architectures.canonical("cells", TEXT)
    for name in ("normal_concat", "reduce_concat"):
        assert architectures.canonical("cells", genotype(SPECS[0], **{name: "range(2, 6)"})) == spec == SPECS[0]
    assert architectures.compose("cells", {name: str(value).replace("'", '"') for name, value in spec.items()}) == spec
    with pytest.raises(UserError, match="not JSON"):
        architectures.compose("cells", {"normal": "[("})


PAIRS = ((0, 3), (1, 2), (0, 0), (2, 4), (1, 5), (3, 1), (0, 6), (4, 3))
CHOSEN = {f"Net:darts:inputs_node_{kind}_{node}": read for kind in ("normal", "reduce") for node, read in (
    (3, "0_2"), (4, "1_3"), (5, "0_4"))}  # fmt: skip
EDGES = {0: 3, 1: 2, 2: 0, 4: 4, 6: 5, 8: 1, 9: 6, 13: 3}  # number of an edge -> its operation's in pairs


def test_configurations_and_pairs_are_genotypes() -> None:
    cells = [[(notations.OPERATIONS[code], node) for node, code in PAIRS]] * 2
    spec = architectures.canonical("cells", genotype({"normal": cells[0], "normal_concat": [2, 3, 4, 5],
                                                      "reduce": cells[1], "reduce_concat": [2, 3, 4, 5]}))  # fmt: skip
    edges = {
        f"Net:darts:edge_{kind}_{edge}": notations.OPERATIONS[code]
        for kind in ("normal", "reduce")
        for edge, code in EDGES.items()
    }
    for notation in (
        (PAIRS, PAIRS),
        str((PAIRS, PAIRS)),
        json.dumps([PAIRS] * 2),
        edges | CHOSEN | {"optimizer": "sgd"},
    ):
        assert architectures.canonical("cells", notation) == spec
    for wrong, said in (
        ((PAIRS,), "holds 1 cell,"), ((PAIRS, PAIRS[1:]), "eight pairs"), ((PAIRS, ((0, 7),) * 8), "operation 7"),
        (edges, "no inputs_node_normal_3"), ({**CHOSEN, "edge_normal_0": "none"}, "no edge_normal_1"),
        ("((0, 1), (" + "(" * 5000, "5,0"), ({"a": 1}, "normal"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=said):
            architectures.canonical("cells", wrong)


def test_the_identity_of_a_cell_is_fixed() -> None:
    edges = [["sep_conv_3x3", 0], ["none", 1]] * 4
    spec = architectures.canonical(
        "cells", {"normal": edges, "normal_concat": [2, 3, 4, 5], "reduce": edges, "reduce_concat": [5, 4, 3, 2]}
    )
    assert arch_id_of("darts", "cells", spec) == "973826c883cff82f"
