"""Spaces of the same cells with the same accuracies, as the frames of DARTS: a label of one is known in the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import catalog, provenance
from pipeline.lake.store import Lake
from pipeline.tuning import draws, terms
from pipeline.tuning.evaluations import transfer
from pipeline.tuning.weigh import weigh
from tests.fixtures import lakes
from tests.fixtures.lines import refused
from tests.fixtures.tuned_lakes import BAD, GOOD, data

FRAME = "frame"
FIRST = 1000  # of the architectures of the frame
COUNT, LABELS = 60, 20


def number(arch_id: str) -> int:
    return int(arch_id, 16) % FIRST


@pytest.fixture
def frames(tmp_path: Path) -> Lake:
    """60 architectures in each space, those of the second numbered from 1000, of equal specs and accuracies."""
    firsts = {lakes.SPACE: 0, FRAME: FIRST}
    spaces = [(first + i, i, {"space": space}) for space, first in firsts.items() for i in range(COUNT)]
    proxies = [lakes.proxy(of, name, higher_is_better=True) for of, name in ((GOOD, "a@there"), (BAD, "b@there"))]
    return lakes.publish(
        tmp_path / "lake", metrics=[lakes.metric()], runs=[lakes.run()], sources=[lakes.source(lakes.BIG, "big")],
        proxies=proxies, truth=[lakes.truth(place, float(i), **at) for place, i, at in spaces],
        architectures=[lakes.architecture(place, spec=f'{{"cells":{i}}}', **at) for place, i, at in spaces],
        scores=[lakes.score(place, of, float(i * step % 61), **at)
                for place, i, at in spaces for of, step in ((GOOD, 7), (BAD, 11))],
    )  # fmt: skip


def test_a_rule_is_not_ranked_on_the_cells_of_its_labels_in_another_frame(frames: Lake) -> None:
    weigh(frames.root, data(labels=LABELS), "ridge")
    labelled = {number(a) for a in provenance.nested([lakes.arch(i) for i in range(COUNT)], 0)[:LABELS]}
    ranked = catalog.run_sql(frames, "FROM pairs WHERE proxy LIKE 'tuned-%' ORDER BY space").to_pylist()
    for space in (lakes.SPACE, FRAME):
        judged = {number(row["arch_id"]) for row in ranked if row["space"] == space}
        assert judged == {*range(COUNT)} - labelled
    compared = "SELECT DISTINCT space, proxy_id FROM comparison_scores SEMI JOIN tunings USING (proxy_id)"
    assert catalog.run_sql(frames, compared).num_rows == 0
    assert catalog.run_sql(frames, "SELECT DISTINCT space FROM comparison_scores").num_rows == 2


def test_an_evolved_task_knows_its_labels_in_another_frame_and_a_rule_that_has_it_does(frames: Lake) -> None:
    tuned = lakes.tuning(proxy_id=GOOD, labels=[lakes.arch(i) for i in range(12)])
    lakes.publish(frames.root, "tuned", tunings=[tuned])
    assert data(space=FRAME).table(frames).known == {lakes.arch(FIRST + i) for i in range(12)}
    weigh(frames.root, data(space=FRAME), "ridge")
    [rule] = catalog.run_sql(frames, "SELECT proxy_id, labels FROM tunings WHERE method = 'ridge'").to_pylist()
    of_rule = "SELECT arch_id FROM labelled WHERE space = $space AND proxy_id = $rule"
    known = catalog.run_sql(frames, of_rule, {"space": lakes.SPACE, "rule": rule["proxy_id"]}).to_pylist()
    assert {number(row["arch_id"]) for row in known} == {number(arch_id) for arch_id in rule["labels"]}


def test_a_rule_is_carried_to_a_frame_without_the_cells_of_its_labels(frames: Lake) -> None:
    here, there = (data(space=space).table(frames) for space in (lakes.SPACE, FRAME))
    alike = terms.alike(frames, here, there)
    assert alike == {lakes.arch(i): lakes.arch(FIRST + i) for i in range(COUNT)}
    assert {d.n for d in draws.across(here, there, LABELS, [0], alike)} == {COUNT - LABELS}
    assert {d.n for d in draws.across(here, there, LABELS, [0])} == {COUNT}
    evaluation, left_out = transfer(frames.root, data(), 2)
    assert not left_out and {*evaluation["n"]} == {COUNT - LABELS}
    with refused("madeup/frame has 19 architectures with every term and no label"):
        known = frozenset(there.arch_ids[place] for place in here.nested(0)[-1:])
        list(draws.across(here, replace(there, known=known), 40, [0], alike))
