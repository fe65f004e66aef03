"""The published trainings of transformers, on made-up files: bad ones are rejects."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.flexibert import architectures, checking, reading
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError
from tests.fixtures import flexibert_files
from tests.fixtures.flexibert_files import Json, training

SPEC = architectures.sample("encoders", Random(7))


def read(folder: Path, *trainings: object) -> SourceRows:
    [batch] = reading.read(flexibert_files.write(folder, trainings), False)
    return batch


def rows(batch: SourceRows) -> list[Json]:
    return [dict(zip(batch.truths, row, strict=True)) for row in zip(*batch.truths.values(), strict=True)]


def test_values_are_the_published_ones_and_correlations_are_fractions(tmp_path: Path) -> None:
    record = training(5, SPEC)
    record["scores"] |= {"cola": -2.07, "sts": 80.25}
    record["scores"]["glue"] = sum(record["scores"][task] for task in flexibert_files.TASKS) / 8
    batch = read(tmp_path, record)
    values = {(r["dataset"], r["metric"]): r["value"] for r in rows(batch)}
    assert values["cola", "score"] == -0.0207 and values["sts", "score"] == 0.8025
    for name in ("glue", "mnli", "mrpc", "qnli", "qqp", "rte", "sst"):
        assert values[name, "score"] == record["scores"][name]
    assert values["glue", "train_seconds"] == 1005.5 and len(values) == 10
    assert {(r["seed"], r["epochs"], r["status"]) for r in rows(batch)} == {(1, None, "ok")}
    assert batch.architectures["native_id"] == ["5"]
    assert batch.architectures["arch_id"] == [arch_id_of("flexibert", "encoders", SPEC)]


def test_a_configuration_that_is_there_again_was_trained_again(tmp_path: Path) -> None:
    batch = read(tmp_path, training(1, SPEC), training(2), training(3, SPEC))
    glue = [(r["seed"], r["arch_id"]) for r in rows(batch) if (r["dataset"], r["metric"]) == ("glue", "score")]
    assert [seed for seed, _ in glue] == [1, 1, 2] and glue[0][1] == glue[2][1] != glue[1][1]


def test_a_training_that_was_not_completed_has_no_values(tmp_path: Path) -> None:
    batch = read(tmp_path, training(1, completed=False, scores={}))
    assert {(r["status"], r["value"]) for r in rows(batch)} == {("failed", None)} and not batch.rejects["reason"]


def changed(path: tuple[Any, ...], value: object) -> Json:
    """A training with another value somewhere."""
    record = training(1, SPEC)
    place: Any = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return record


LAYERS = ("hparams", "model_hparam_overrides", "nas_config", "encoder_layers")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (7, "a training is a JSON object, not 7"),
        (changed(("id",), -1), "id is -1"),
        (changed(("id",), 10**30), "id is 1000000"),
        (changed(("id",), 0), "id 0 is there before"),
        (changed(("hparams",), []), "hparams is [], where an object"),
        (changed(("hparams", "num_train_steps"), 10), "trained for 10 steps, where 100,000"),
        (changed(("hparams", "model_hparam_overrides"), None), "is written as a JSON object"),
        (changed(("hparams", "model_hparam_overrides", "hidden_size"), 128.0), "the hidden size is 128.0"),
        (changed(LAYERS, []), "the network has 0 layers; it takes 2 or 4"),
        (changed(LAYERS, "ab"), "the network has no list of layers"),
        (changed((*LAYERS, 0), "SA"), "layer 1 is 'SA'"),
        (changed((*LAYERS, 0, "operation_type"), "RNN"), "the operation of layer 1 is 'RNN'"),
        (changed((*LAYERS, 0, "operation_parameter"), [5]), "the parameter of layer 1 is [5]"),
        (changed((*LAYERS, 1, "num_operation_heads"), True), "heads of layer 2 is True"),
        (changed(("scores",), None), "scores is None"),
        (changed(("scores", "cola"), None), "the score of cola is None"),
        (changed(("scores", "rte"), -1), "the score of rte is -1, where 0 to 100"),
        (changed(("scores", "cola"), 101), "the score of cola is 101, where -100 to 100"),
        (changed(("scores", "glue"), 1), "its mean score is 1, and the mean of its tasks is"),
        (changed(("scores", "sst"), float("nan")), "the score of sst is nan"),
        (changed(("time_to_train",), -3), "time_to_train is -3"),
    ],
)
def test_a_bad_training_is_a_reject_and_the_others_are_kept(tmp_path: Path, bad: object, said: str) -> None:
    batch = read(tmp_path, training(0), bad, training(2))
    assert batch.rejects["position"] == ["[1]"] and said in batch.rejects["reason"][0]
    assert batch.architectures["native_id"] == ["0", "2"]


def test_what_is_no_list_of_trainings_is_another_form(tmp_path: Path) -> None:
    for content in ("", "[]", "[1, 2]", '[{"a": 1}]', '{"a": 1}', "text"):
        path = tmp_path / "file.json"
        path.write_text(content)
        with pytest.raises(NotThisFormError):
            list(reading.read(path, False))


def test_a_damaged_end_is_a_reject(tmp_path: Path) -> None:
    path = flexibert_files.write(tmp_path, [training(0), training(1)])
    path.write_text(path.read_text()[:-200])
    [batch] = reading.read(path, False)
    assert batch.architectures["native_id"] == ["0"] and "what follows is lost" in batch.rejects["reason"][0]


def test_parameters_are_compared_where_the_table_that_states_them_is_beside(tmp_path: Path) -> None:
    path = flexibert_files.write(tmp_path, [training(0), training(1), 7])
    assert checking.check(path, 9) == []
    stated = [checking.scored_parameters(architectures.sample("encoders", Random(number))) for number in (0, 1)]
    table = tmp_path / checking.TABLE
    table.write_text(f"ID,Number of Parameters\n0,{stated[0]}\n1,{stated[1] + 7}\n2,5\nx,5\n1,-3\n")
    for place in (path, tmp_path):
        [result] = checking.check(place, 9)
        assert (result.checked, result.differing) == (2, 1)
    with pytest.raises(NotThisFormError):
        checking.check(tmp_path / "nothing", 9)


def test_notations_of_one_architecture_are_one_spec() -> None:
    published = flexibert_files.overrides(SPEC)
    assert architectures.canonical("encoders", published) == SPEC
    assert architectures.canonical("encoders", json.dumps(published)) == SPEC
    assert architectures.compose("encoders", {name: json.dumps(part) for name, part in SPEC.items()}) == SPEC
    with pytest.raises(UserError, match="not JSON"):
        architectures.canonical("encoders", "[" * 9)


def test_the_identity_of_an_architecture_is_fixed() -> None:
    layer = {"operation": "DSC", "parameter": 5, "heads": 2, "width": 512, "stacks": 3}
    spec = architectures.canonical("encoders", {"hidden": 128, "layers": [layer, layer]})
    assert arch_id_of("flexibert", "encoders", spec) == "9b4fc7c6a6eb7ffb"


def test_the_space_has_as_many_architectures_as_its_authors_say() -> None:
    assert architectures.SIZE == 10_621_440


def test_a_neighbour_differs_in_one_choice() -> None:
    random, kinds = Random(0), set[str]()
    for _ in range(200):
        spec = architectures.sample("encoders", random)
        neighbour = architectures.mutate("encoders", spec, random)
        assert architectures.canonical("encoders", neighbour) == neighbour
        if len(spec["layers"]) != len(neighbour["layers"]):
            kinds.add("layers")
            continue
        pairs = [
            (one[name], other[name])
            for one, other in zip(spec["layers"], neighbour["layers"], strict=True)
            for name in one
            if one[name] != other[name]
        ]
        assert (spec["hidden"] != neighbour["hidden"]) + bool(pairs) == 1 and len(pairs) <= 2
        kinds.add("layer" if pairs else "hidden")
    assert kinds == {"layers", "layer", "hidden"}


def test_the_graph_is_the_chain_of_the_layers() -> None:
    graph = architectures.graph("encoders", SPEC)
    assert len(graph.operations) == 2 + 2 * len(SPEC["layers"])
    assert graph.edges == tuple((n, n + 1) for n in range(len(graph.operations) - 1))
