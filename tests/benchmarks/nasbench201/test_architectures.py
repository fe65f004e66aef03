"""NAS-Bench-201: notation and rules of its spaces, identities, metrics."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.benchmarks import load
from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench201 import architectures
from pipeline.errors import UserError

CELL = "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"
LENGTHS = {"12": [111, 777], "60": [777]}
operations = st.fixed_dictionaries({edge: st.sampled_from(architectures.OPERATIONS) for edge in architectures.EDGES})
widths = st.lists(st.sampled_from(architectures.WIDTHS), min_size=5, max_size=5)


@given(operations)
def test_a_topology_is_the_same_by_parts_by_notation_and_by_spec(edges: dict[str, str]) -> None:
    spec = architectures.compose("topology", edges)
    assert architectures.operations(spec) == edges
    assert architectures.canonical("topology", spec["cell"]) == architectures.canonical("topology", spec) == spec


@given(widths)
def test_a_size_is_the_same_by_parts_by_notation_and_by_spec(channels: list[int]) -> None:
    spec = {"channels": channels}
    notation = ":".join(map(str, channels))
    parts = {str(stage): width for stage, width in enumerate(channels)}
    assert architectures.canonical("size", notation) == architectures.canonical("size", spec) == spec
    assert architectures.canonical("size", channels) == architectures.compose("size", parts) == spec


@pytest.mark.parametrize("space", ["topology", "size"])
@given(seed=st.integers(0, 2**32))
def test_samples_and_neighbours_are_of_the_space(space: str, seed: int) -> None:
    draw = Random(seed)
    spec = architectures.sample(space, draw)
    assert architectures.canonical(space, spec) == spec
    before = dict(spec)
    neighbour = architectures.mutate(space, spec, draw)
    assert spec == before
    assert architectures.canonical(space, neighbour) == neighbour
    one, other = (_parts(space, s) for s in (spec, neighbour))
    assert sum(a != b for a, b in zip(one, other, strict=True)) == 1


def _parts(space: str, spec: dict[str, Any]) -> list[object]:
    return list(spec["channels"]) if space == "size" else list(architectures.operations(spec).values())


def test_every_operation_is_drawn_and_reached() -> None:
    draw = Random(0)
    seen, spec = Counter[object](), architectures.sample("topology", draw)
    for _ in range(500):
        spec = architectures.mutate("topology", spec, draw)
        seen.update(_parts("topology", spec))
    assert set(seen) == set(architectures.OPERATIONS)


@pytest.mark.parametrize(
    ("notation", "said"),
    [
        (
            CELL.replace("nor_conv_1x1", "nor_conv_1x2"),
            r"node 3 .*unknown operation 'nor_conv_1x2': did you mean nor_conv_1x1",
        ),
        (CELL.replace("skip_connect~1|", ""), "node 2 .*the edge from node 1 is missing"),
        (
            CELL.replace("skip_connect~1", "skip_connect~0"),
            "node 2 .*'skip_connect~0' stands where the edge from node 1",
        ),
        (CELL.replace("avg_pool_3x3~0|", "avg_pool_3x3~0|none~1|"), "node 1 .*has 2 edges; it takes 1"),
        (CELL.replace("|+|none~0", "+|none~0"), "node 1 .*not enclosed in"),
        (CELL.replace("none~0", "none"), r"node 2 .*'none' is not operation~node"),
        (CELL.rpartition("+")[0], "has 2 nodes; a cell has 3"),
        ("", "has 1 node"),
        (17, "not 17"),
        ({"cell": None}, "is written"),
    ],
)
def test_a_broken_topology_says_which_rule(notation: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        architectures.canonical("topology", notation)


@pytest.mark.parametrize(
    ("notation", "said"),
    [
        ("8:8:8:8", "5 channel counts"),
        ("8:8:8:8:12", "stage 4 has 12 channels"),
        ("8:8:72:8:8", "stage 2 has 72 channels"),
        ("8:8:x:8:8", "stage 2 has 'x' channels"),
        ({"channels": [8, 8, 8, 8, True]}, "stage 4 has True"),
        (8, "not 8"),
    ],
)
def test_a_broken_size_says_which_rule(notation: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        architectures.canonical("size", notation)


def test_parts_that_are_unknown_or_missing_are_named() -> None:
    edges = dict.fromkeys(architectures.EDGES, "none")
    with pytest.raises(UserError, match=r"the edge 1-3 is missing"):
        architectures.compose("topology", {e: o for e, o in edges.items() if e != "1-3"})
    with pytest.raises(UserError, match=r"unknown edge '3-1': did you mean"):
        architectures.compose("topology", {**edges, "3-1": "none"})
    with pytest.raises(UserError, match=r"unknown operation 'None': did you mean none"):
        architectures.compose("topology", {**edges, "1-3": "None"})


def test_identities_are_for_good() -> None:
    assert arch_id_of("nasbench201", "topology", architectures.canonical("topology", CELL)) == "396621a5872935ff"
    assert arch_id_of("nasbench201", "size", architectures.canonical("size", "8:16:24:32:64")) == "c2d1da3a089b5b88"


def test_the_registry_holds_it_with_its_spaces_and_targets() -> None:
    benchmark = load("nasbench201")
    assert [(s.name, s.size) for s in benchmark.spaces] == [("topology", 15_625), ("size", 32_768)]
    assert len({(m.dataset, m.metric) for m in benchmark.metrics}) == len(benchmark.metrics)
    ranked = sorted((m.priority, m.dataset, m.metric) for m in benchmark.metrics if m.priority)
    assert ranked[0] == (1, "cifar10", "test_accuracy")
    assert len({r[0] for r in ranked}) == len(ranked)
