"""The archive of TransNAS-Bench-101, on made-up ones: largest values and curves, odd trainings, hostile pickles."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.benchmarks.source_rows import SourceRows
from pipeline.benchmarks.transnas101 import architectures, archive, network, reading
from pipeline.errors import NotThisFormError
from pipeline.formats import torch_files
from tests.fixtures import transnas101_files as files

NAMES = files.names(4)


def written(root: Path, content: object, save: Callable[[object], bytes] = files.zipped) -> Path:
    path = root / "any.pth"
    path.write_bytes(save(content))
    return path


def values(batches: list[SourceRows], epoch: bool) -> dict[tuple[Any, ...], Any]:
    names = ("arch_id", "dataset", "metric", "epoch", "value")
    rows = (row for batch in batches for row in zip(*(batch.truths[name] for name in names), strict=True))
    return {row[:4]: row[4] for row in rows if (row[3] is not None) == epoch}


@pytest.mark.parametrize("save", [files.zipped, files.legacy])
def test_the_largest_value_is_stored_and_curves_on_request(save: Callable[[object], bytes], tmp_path: Path) -> None:
    content = files.database(NAMES)
    [batch] = reading.read(written(tmp_path, content, save), True)
    assert not batch.rejects["reason"]
    assert batch.architectures["space"] == ["macro", "macro", "micro", "micro"]
    assert batch.architectures["native_id"] == list("0123")
    finals, curves = values([batch], False), values([batch], True)
    first = batch.architectures["arch_id"][2]
    series = content["data"]["micro"][NAMES[2]]["room_layout"]["metrics"]["test_neg_loss"]
    assert finals[first, "room_layout", "test_neg_loss", None] == max(series)
    assert [curves[first, "room_layout", "test_neg_loss", n] for n in range(1, 26)] == series
    assert finals == values(list(reading.read(tmp_path / "any.pth", False)), False)


@pytest.mark.parametrize("save", [files.zipped, files.legacy])
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, files.within_zip])
def test_a_packed_archive_is_read(
    save: Callable[[object], bytes], pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    content = files.database(NAMES)
    [batch] = reading.read(written(tmp_path, content, save), False)
    [packed] = reading.read(written(tmp_path, content, lambda content: pack(save(content))), False)
    assert packed == batch


def test_the_pickle_may_lie_anywhere_in_a_zip_that_was_packed_anew(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "any.pth", "w") as again:
        again.writestr("archive/", b"")
        again.writestr("archive/version", "3\n")
        again.writestr("archive/data.pkl", pickle.dumps({"data": 1}, 2))
    assert torch_files.load(tmp_path / "any.pth", {}) == {"data": 1}


def test_values_by_epoch_may_be_an_array(tmp_path: Path) -> None:
    content = files.database(NAMES)
    before = values(list(reading.read(written(tmp_path, content), False)), False)
    for results in content["data"]["micro"].values():
        metrics = results["jigsaw"]["metrics"]
        metrics.update({name: np.array(series) for name, series in metrics.items()})
    assert values(list(reading.read(written(tmp_path, content), False)), False) == before


def test_a_table_and_the_archive_say_the_same(tmp_path: Path) -> None:
    content = files.database(NAMES)
    for of_space in content["data"].values():
        for name, results in of_space.items():
            line = (tmp_path / "jigsaw.csv").read_text() if (tmp_path / "jigsaw.csv").exists() else "architecture,"
            series = results["jigsaw"]["metrics"]
            line = line if "\n" in line else f"{line}{','.join(series)}\n"
            cells = ",".join(repr(max(epochs)) for epochs in series.values())
            (tmp_path / "jigsaw.csv").write_text(f"{line}{name},{cells}\n")
    of_archive = values(list(reading.read(written(tmp_path / "..", content), False)), False)
    of_table = values(list(reading.read(tmp_path, False)), False)
    assert of_table == {key: value for key, value in of_archive.items() if key[1] == "jigsaw"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.update(depth={}), "unknown task of transnas101 'depth'"),
        (lambda r: r["jigsaw"]["metrics"]["test_top1"].pop(), "where a list of 10 epochs is expected"),
        (lambda r: r["jigsaw"].pop("total_epochs"), "total_epochs of jigsaw is None"),
        (lambda r: r["jigsaw"]["metrics"].clear(), "jigsaw has none of its metrics"),
        (lambda r: r["normal"]["metrics"].update(test_ssim=["0.5"] * 29 + ["x"]), "test_ssim of normal is 'x'"),
        (lambda r: r["normal"]["metrics"].update(test_ssim=[7.0] * 30), "test_ssim of normal is 7, where"),
        (lambda r: r.update(jigsaw=None), "jigsaw has no metrics"),
        (lambda r: r.clear(), "where tasks are expected"),
    ],
)
def test_an_odd_training_makes_its_architecture_a_reject(
    change: Callable[[Any], object], said: str, tmp_path: Path
) -> None:
    content = files.database(NAMES)
    change(content["data"]["macro"][NAMES[0]])
    [batch] = reading.read(written(tmp_path, content), True)
    assert [said in reason for reason in batch.rejects["reason"]] == [True], batch.rejects["reason"]
    assert len(batch.architectures["arch_id"]) == 3


def test_an_epoch_without_a_number_does_not_hide_the_others(tmp_path: Path) -> None:
    content = files.database(NAMES)
    metrics = content["data"]["macro"][NAMES[0]]["jigsaw"]["metrics"]
    metrics["test_loss"][0], metrics["valid_loss"] = math.nan, [math.nan] * 10
    [batch] = reading.read(written(tmp_path, content), False)
    of_first = batch.architectures["arch_id"][0]
    finals = values([batch], False)
    assert finals[of_first, "jigsaw", "test_loss", None] == max(metrics["test_loss"][1:])
    assert finals[of_first, "jigsaw", "validation_loss", None] is None


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("1",)


@pytest.mark.parametrize("save", [files.zipped, files.legacy])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"data": Hostile()}, "asks for (__builtin__|builtins).eval"),
        ({"state_dict": {}}, "no architectures under 'data'"),
        ([1, 2], "no architectures under 'data'"),
        ({"data": {"micro": []}}, "no architectures under 'data'"),
        ({"data": {"nano": {}}}, "has a space 'nano'"),
    ],
)
def test_what_else_torch_saves_is_refused(
    content: object, said: str, save: Callable[[object], bytes], tmp_path: Path
) -> None:
    with pytest.raises(NotThisFormError, match=said):
        reading.read(written(tmp_path, content, save), False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            gzip.compress(pickle.dumps([1]), mtime=0),
            "it is a pickle within a gzip file, where a file of torch.save is expected: ",
        ),
        (b'{"a": 1}', "it is a JSON file, where a file of torch.save is expected: name it where JSON is taken"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "not what torch.save writes"),
        (files.zipped([1])[:-50], "a damaged zip: File is not a zip file"),
        (gzip.compress(files.zipped([1])[:-50], mtime=0), "a damaged zip: File is not a zip file"),
        (files.within_zip(files.zipped([1]), b"read me"), "it is a zip archive, where .* it holds 2 files"),
    ],
)
def test_what_torch_did_not_save_is_told(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "any.pth").write_bytes(content)
    with pytest.raises(NotThisFormError, match=f"^{said}"):
        torch_files.load(tmp_path / "any.pth", {})


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    for save in (files.zipped, files.legacy):
        whole = save(files.database(NAMES))
        for end in (len(whole) // 2, len(whole) - 30):
            path = tmp_path / "any.pth"
            path.write_bytes(whole[:end] if save is files.zipped else whole[: end - 30])
            with pytest.raises(NotThisFormError):
                reading.read(path, False)


def test_parameters_are_compared_with_the_stated_ones(tmp_path: Path) -> None:
    content = files.database(NAMES)
    assert archive.check(written(tmp_path, content), 10) == []  # whose encoder_params is no number of parameters
    for space, of_space in content["data"].items():
        for name, results in of_space.items():
            spec = architectures.canonical(space, name)
            count = sum(p.numel() for p in network.network(spec, 64, whole=True).parameters())
            results["class_object"]["model_info"]["encoder_params"] = count
    [result] = archive.check(written(tmp_path, content), 10)
    assert (result.checked, result.differing) == (4, 0)
    content["data"]["macro"][NAMES[0]]["class_object"]["model_info"]["encoder_params"] += 1
    [result] = archive.check(written(tmp_path, content), 10)
    assert (result.checked, result.differing) == (4, 1)
    assert archive.check(files.tables(tmp_path), 10) == []
