"""NAS-Bench-NLP: the published logs and the table of released scores, on made-up files."""

from __future__ import annotations

import json
import math
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.benchmarks.contract import arch_id_of
from pipeline.benchmarks.nasbench_nlp import architectures, reading
from pipeline.benchmarks.nasbench_nlp.network import parameters
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError, UserError
from pipeline.ingest.run import ingest
from pipeline.lake.store import Lake
from tests.fixtures import lake_content
from tests.fixtures import nasbench_nlp_files as files
from tests.fixtures.command import exit_code

CELLS = [files.RNN, files.PAIR, files.LSTM]
BEST = ("best_validation_loss", "best_validation_perplexity", "best_test_loss", "best_test_perplexity")
LAST = ("train_loss", "validation_loss", "test_loss")


def identity(recipe: object) -> str:
    return arch_id_of("nasbench_nlp", "cells", architectures.canonical("cells", recipe))


def rows(path: Path, curves: bool = False) -> list[dict[str, Any]]:
    """All rows of truth, those by the column too."""
    constants = {"benchmark": "nasbench_nlp", "source_id": "0" * 16}
    found = []
    for batch in reading.read(path, curves):
        found += batch.arrow("truth", constants).to_pylist()
        for _, _, table in batch.arrow_blocks(constants):
            found += table.to_pylist()
    return found


def rejects(path: Path) -> list[tuple[str, str]]:
    batches: Sequence[SourceRows] = list(reading.read(path, False))
    return [pair for b in batches for pair in zip(b.rejects["position"], b.rejects["reason"], strict=True)]


def test_the_values_of_a_log_are_stored_as_they_stand(tmp_path: Path) -> None:
    content = files.log(files.PAIR, number=7, params=7_654_321)
    found = rows(files.folder(tmp_path, [content]))
    assert {r["arch_id"] for r in found} == {identity(files.PAIR)}
    assert {(r["space"], r["dataset"], r["status"], r["epoch"]) for r in found} == {("cells", "ptb", "ok", None)}
    trained = {r["metric"]: r["value"] for r in found if r["seed"] == 1_000_007_999_900_007 and r["epochs"] == 3}
    assert trained == {
        "best_test_loss": min(content["test_losses"]),
        "best_test_perplexity": pytest.approx(math.exp(min(content["test_losses"]))),
        "best_validation_loss": min(content["val_losses"]),
        "best_validation_perplexity": pytest.approx(math.exp(min(content["val_losses"]))),
        "train_loss": content["train_losses"][-1],
        "validation_loss": content["val_losses"][-1],
        "test_loss": content["test_losses"][-1],
        "train_seconds": 300.0,
    }
    [params] = [r for r in found if r["metric"] == "params"]
    assert (params["value"], params["epochs"], params["seed"]) == (7_654_321.0, None, None)
    assert len(found) == 9


def test_every_epoch_is_there_when_it_is_asked_for(tmp_path: Path) -> None:
    content = files.log(files.RNN)
    folder = files.folder(tmp_path, [content])
    finals, everything = rows(folder), rows(folder, curves=True)
    assert [r for r in everything if r["epoch"] is None] == finals
    curves = {
        metric: [(r["epoch"], r["value"]) for r in everything if r["metric"] == metric and r["epoch"]]
        for metric in (*LAST, "train_seconds")
    }
    for metric, published in zip(LAST, ("train_losses", "val_losses", "test_losses"), strict=True):
        assert curves[metric] == list(enumerate(content[published], 1))
    assert curves["train_seconds"] == [(1, 100.0), (2, 200.0), (3, 300.0)]
    assert len(everything) == len(finals) + 12
    assert {(r["epochs"], r["seed"], r["status"]) for r in everything if r["epoch"]} == {
        (3, 1_000_001_999_900_001, "ok")
    }


@pytest.mark.parametrize(
    ("status", "stored"),
    [
        ("loss is nan!", "diverged"),
        ("Exception: math range error", "diverged"),
        ("Exception: CUDA out of memory", "failed"),
        ("KeyboardInterrupt", "failed"),
    ],
)
@pytest.mark.parametrize("after", [0, 2])
def test_a_training_that_went_wrong_is_rows_without_values(
    tmp_path: Path, status: str, stored: str, after: int
) -> None:
    folder = files.folder(tmp_path, [files.broken(files.RNN, status, after)])
    found = {r["metric"]: (r["value"], r["status"], r["reason"]) for r in rows(folder)}
    assert found.pop("params") == (7_000_000.0, "ok", None)
    assert found.keys() == {*BEST, *LAST, "train_seconds"}
    assert set(found.values()) == {(None, stored, f"the log says: {status}")}
    curve = [(r["metric"], r["epoch"], r["value"], r["status"]) for r in rows(folder, curves=True) if r["epoch"]]
    if not after:
        assert not curve
        return
    assert ("test_loss", 1, 5.0, "ok") in curve and ("test_loss", 2, None, "diverged") in curve
    assert ("train_seconds", 2, 200.0, "ok") in curve and len(curve) == 8


def test_trainings_of_one_recipe_under_any_names_are_its_seeds(tmp_path: Path) -> None:
    same = [files.renamed(files.LSTM, names) for names in range(3)]
    contents = [files.log(recipe, number=number) for number, recipe in enumerate(same, 1)]
    contents.append(files.broken(files.LSTM, recepie_id=1_000_009))
    found = rows(files.folder(tmp_path, contents))
    assert {r["arch_id"] for r in found} == {identity(files.LSTM)}
    assert Counter(r["status"] for r in found if r["metric"] == "best_test_loss") == {"ok": 3, "diverged": 1}
    assert len({r["seed"] for r in found if r["metric"] == "best_test_loss"}) == 4
    assert len([r for r in found if r["metric"] == "params"]) == 1


def test_folders_zips_and_zips_in_folders_hold_the_same(tmp_path: Path) -> None:
    contents = [files.log(recipe, number=number) for number, recipe in enumerate(CELLS)]

    def values(path: Path) -> set[tuple[Any, ...]]:
        return {(r["arch_id"], r["metric"], r["seed"], r["value"]) for r in rows(path)}

    expected = values(files.folder(tmp_path / "a", contents))
    assert len(expected) == 27
    assert values(files.packed(tmp_path / "b.zip", contents, "logs/")) == expected
    files.packed(files.folder(tmp_path / "c", contents[:1]) / "more.zip", contents[1:])
    assert values(tmp_path / "c") == expected
    assert values(tmp_path / "a" / files.name(contents[0])) < expected


def test_a_log_that_is_in_two_releases_is_one_training(tmp_path: Path) -> None:
    contents = [files.log(files.RNN, number=number) for number in (1, 2)]
    files.packed(files.folder(tmp_path, contents) / "multi.zip", contents[:1])
    assert not rejects(tmp_path)
    found = rows(tmp_path)
    assert len([r for r in found if r["metric"] == "test_loss"]) == 2
    contents[0]["test_losses"][0] = 1.0
    (tmp_path / files.name(contents[0])).write_text(json.dumps(contents[0]))
    [(position, reason)] = rejects(tmp_path)
    assert position == files.name(contents[0])
    assert reason.startswith("training 1000001999900001 of this recipe is in multi.zip/log_stats_model_")


def test_the_data_set_is_the_one_that_the_log_names(tmp_path: Path) -> None:
    contents = [
        files.log(files.RNN),
        files.log(files.RNN, number=2, data="somewhere/wikitext-2"),
    ]
    found = rows(files.packed(tmp_path / "train_logs_single_run.zip", contents))
    assert Counter(r["dataset"] for r in found) == {"ptb": 9, "wikitext-2": 9}
    assert len([r for r in found if r["metric"] == "params"]) == 2


def test_numbers_and_lists_may_stand_as_text(tmp_path: Path) -> None:
    plain = files.log(files.RNN)
    text = {
        k: json.dumps(v) if k.endswith(("losses", "times", "params", "_id", "epochs")) else v for k, v in plain.items()
    }
    text["test_losses"] = [str(v) for v in plain["test_losses"]]
    text["recepie"] = files.RNN
    one, other = (rows(files.folder(tmp_path / n, [c])) for n, c in (("a", plain), ("b", {**text, "init_time": "2"})))
    assert one == other


def test_a_value_that_is_no_number_and_a_perplexity_that_is_none(tmp_path: Path) -> None:
    content = files.log(files.RNN, test_losses=[5.0, 4.0, math.nan], val_losses=[800.0] * 3)
    found = {r["metric"]: (r["value"], r["status"], r["reason"]) for r in rows(files.folder(tmp_path, [content]))}
    assert found["best_test_loss"] == (4.0, "ok", None)
    assert found["test_loss"] == (None, "diverged", "the source says nan")
    assert found["best_validation_loss"] == (800.0, "ok", None)
    assert found["best_validation_perplexity"] == (None, "diverged", "the source says inf")


LONG = {"node_0": {"op": "linear", "input": ["x", "h_prev_1"]}, **files.RNN}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recepie": json.dumps(LONG)}, "reads h_prev_1, but no node is h_new_1"),
        ({"recepie": "{"}, "not a log of a training"),
        ({"recepie": '{"a": 1, "a": 2}'}, "the key 'a' occurs twice in one object"),
        ({"data": "data/ptbb"}, "unknown dataset of nasbench_nlp 'ptbb': did you mean ptb"),
        ({"data": 3}, "data is 3, not text"),
        ({"num_params": 1.5}, "num_params is 1.5, not a whole number"),
        ({"experiment_id": 10**20}, "not a whole number of 63 bits"),
        ({"recepie_id": 10**12}, "run is .* not a whole number of 63 bits"),
        ({"test_losses": 4}, "test_losses is 4, not a list"),
        ({"test_losses": [4, True, 5]}, "test_losses is True, where a number is expected"),
        ({"test_losses": [4, "x", 5]}, "not a log of a training"),
        ({"test_losses": [4.0, 5.0]}, "has 3 of train_loss, 3 of validation_loss, 2 of test_loss"),
        ({"test_losses": [4.0, -5.0, 3.0]}, "test_loss holds -5, which is no nats"),
        ({"wall_times": [4.0, -5.0, 3.0]}, "wall time holds -5, which is no seconds"),
        ({"epochs": 4}, "says OK after 3 of 4 epochs"),
        ({"epochs": 2, "status": "loss is nan!"}, "says loss is nan! after 3 of 2 epochs"),
        ({"num_params": 5}, "states 5 parameters, where the same recipe has 7,000,000 in log_stats_model_1000001_"),
    ],
)
def test_a_log_that_contradicts_itself_is_a_reject_and_the_others_are_kept(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    contents = [
        files.log(files.RNN),
        {**files.log(files.RNN, number=2), **changes},
    ]
    [(position, reason)] = rejects(files.folder(tmp_path, contents))
    assert position == files.name(contents[1])
    with pytest.raises(UserError, match=said):
        raise UserError(reason)
    assert {r["arch_id"] for r in rows(tmp_path)} == {identity(files.RNN)}
    if "num_params" not in changes or changes["num_params"] != 5:
        with pytest.raises(NotThisFormError, match=said):
            list(reading.read(tmp_path / position, False))


@pytest.mark.parametrize("key", ["recepie", "status", "data", "test_losses", "num_params", "wall_times", "epochs"])
def test_a_log_without_a_field_is_a_reject_that_names_it(tmp_path: Path, key: str) -> None:
    content = files.log(files.RNN)
    path = tmp_path / files.name(content)
    path.write_text(json.dumps({k: v for k, v in content.items() if k != key}))
    assert rejects(tmp_path) == [(path.name, f"not a log of a training: it has no '{key}'")]


def test_damaged_members_of_a_zip_are_rejects(tmp_path: Path) -> None:
    contents = [files.log(recipe, number=number) for number, recipe in enumerate(CELLS)]
    path = tmp_path / "logs.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for content in contents:
            archive.writestr(files.name(content), json.dumps(content))
        archive.writestr("log_stats_model_bomb.json", "0" * (2 << 20))
        archive.writestr("log_stats_model_list.json", "[1]")
        archive.writestr("readme.txt", "not a log")
    spoilt = bytearray(path.read_bytes())
    spoilt[spoilt.index(b'"recepie_id": 1000001') + 20] = ord("9")
    path.write_bytes(spoilt)
    found = dict(rejects(path))
    assert found.keys() == {
        files.name(contents[1]),
        "log_stats_model_bomb.json",
        "log_stats_model_list.json",
    }
    assert "Bad CRC-32" in found[files.name(contents[1])]
    assert "is longer than 1,048,576 bytes" in found["log_stats_model_bomb.json"]
    assert "a log is a JSON object" in found["log_stats_model_list.json"]
    assert {r["arch_id"] for r in rows(path)} == {identity(CELLS[0]), identity(CELLS[2])}


def test_what_is_no_such_form_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(NotThisFormError, match="holds no log_stats_model"):
        reading.read(tmp_path, False)
    other = tmp_path / "a.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(NotThisFormError, match="is a zip without a log_stats_model"):
        reading.read(other, False)
    whole = files.packed(tmp_path / "b.zip", [files.log(files.RNN)])
    content = whole.read_bytes()
    misnamed = bytearray(content.replace(b".json", b"\xff.jso"))
    misnamed[misnamed.rfind(b"PK\1\2") + 9] ^= 8  # the flag of a name in UTF-8
    for damaged in (bytes(misnamed), content[:-30]):
        whole.write_bytes(damaged)
        with pytest.raises(NotThisFormError, match="is not a zip, or is truncated"):
            reading.read(whole, False)
    other.unlink()
    assert [position for position, _ in rejects(tmp_path)] == ["b.zip"]


def test_a_second_ingest_changes_nothing_and_a_broken_log_is_reported(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true = parameters(architectures.canonical("cells", files.RNN)) + 401 * 10_000
    logs = files.packed(tmp_path / "logs.zip", [files.log(files.RNN, params=true)])
    assert run("ingest", "nasbench_nlp", logs, "--lake", lake) == 0
    said = capsys.readouterr().out
    assert "1 architecture, 9 values, 0 rejected" in said
    assert "1 network built, all with the parameters that the file states" in said
    before = lake_content.files(lake / "parts")
    assert run("ingest", "nasbench_nlp", logs, "--lake", lake) == 0
    assert "already ingested" in capsys.readouterr().out
    assert lake_content.files(lake / "parts") == before
    wrong = files.packed(tmp_path / "wrong.zip", [files.log(files.RNN, params=true + 600)])
    assert run("check", "nasbench_nlp", wrong) == 1
    assert f"{true:,} built, {true + 600:,} stated" in capsys.readouterr().out


def run(*arguments: object) -> object:
    return exit_code(*arguments)


SCORES = [
    *("Activation Distance", "Synaptic Saliency", "Jacobian Covariance", "Jacobian Cosine", "Large Noise Jacobian"),
    *("Large Noise Jacobian Cosine", "More Noised Jacobian", "More Noised Jacobian Cosine", "Hidden Synaptic Saliency"),
    *("Layer 1 Hidden Covariance", "Layer 2 Hidden Covariance", "Layer 3 Hidden Covariance"),
]


def scores_table(folder: Path, lines: dict[str, float]) -> Path:
    """The table of released scores: a byte-order mark, names with spaces, the last test loss beside the scores."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "published_zero_cost.csv"
    header = ["log name", "loss", "perplexity", "bits per word", *SCORES]
    body = [[log, 5.0, 148.4, 7.2, *(value + i for i in range(12))] for log, value in lines.items()]
    rows: list[list[object]] = [[*header], *body]
    text = "\r\n".join(",".join(map(str, row)) for row in rows) + "\r\n"
    path.write_text(text, encoding="utf-8-sig", newline="")
    return path


def test_released_scores_are_matched_by_the_name_of_the_log_and_averaged_over_trainings(
    lake: Path, tmp_path: Path
) -> None:
    other = files.renamed(files.LSTM, 3)
    contents = [
        files.log(recipe, number=number) for number, recipe in enumerate([files.RNN, files.LSTM, other, files.PAIR])
    ]
    folder = tmp_path / "nasbench_nlp"
    files.packed(files.folder(folder, []) / "logs.zip", contents)
    names = [files.name(content) for content in contents]
    scores_table(folder, {names[0]: 1.0, names[1]: 2.0, names[2]: 4.0})
    logs, table = ingest(lake, "nasbench_nlp", [folder])
    assert (logs.source, logs.architectures) == ("native", 3)
    assert (table.source, table.architectures, table.values, table.rejected) == ("training-free-nas", 2, 24, 0)
    found = Lake(lake)
    proxies = {r["proxy_id"]: r["name"] for r in found.read("proxies", "nasbench_nlp").to_pylist()}
    values = {
        (proxies[r["proxy_id"]], r["arch_id"]): r["value"] for r in found.read("scores", "nasbench_nlp").to_pylist()
    }
    assert values["activation_distance@training-free-nas", identity(files.RNN)] == 1.0
    assert values["activation_distance@training-free-nas", identity(files.LSTM)] == 3.0
    assert values["layer3_hidden_covariance@training-free-nas", identity(files.LSTM)] == 14.0


def test_released_scores_of_logs_that_the_lake_lacks_are_refused(lake: Path, tmp_path: Path) -> None:
    content = files.log(files.RNN)
    ingest(lake, "nasbench_nlp", [files.packed(tmp_path / "logs.zip", [content])])
    table = scores_table(tmp_path / "nasbench_nlp", {files.name(content): 1.0, "log_stats_model_7_8_9.json": 2.0})
    with pytest.raises(UserError, match=r"line 3: the lake knows no architecture .*; nothing was stored"):
        ingest(lake, "nasbench_nlp", [table])
    [summary] = ingest(lake, "nasbench_nlp", [table], max_rejects=1)
    assert (summary.values, summary.rejected) == (12, 1)
