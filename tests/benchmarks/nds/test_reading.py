"""The published form of the Network Design Spaces, on made-up files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.benchmarks.nds import checking, reading
from pipeline.benchmarks.source_rows import SourceRows
from pipeline.errors import NotThisFormError
from tests.fixtures import nds_files
from tests.fixtures.nds_files import Json, arch


def joined(batches: list[SourceRows]) -> list[Json]:
    return [dict(zip(b.truths, row, strict=True)) for b in batches for row in zip(*b.truths.values(), strict=True)]


def rejects(batches: list[SourceRows]) -> list[tuple[str, str]]:
    return [pair for b in batches for pair in zip(b.rejects["position"], b.rejects["reason"], strict=True)]


def test_the_values_after_the_last_epoch_are_read(tmp_path: Path) -> None:
    networks = [nds_files.net("darts", n) for n in range(3)]
    jobs = [nds_files.job(n, params=100 + i, epochs=4) for i, n in enumerate(networks)]
    batches = list(reading.read(nds_files.write(tmp_path / "DARTS.json", jobs), False))
    assert rejects(batches) == []
    assert batches[0].architectures["native_id"] == ["0", "1", "2"]
    rows = joined(batches)
    found = {r["metric"]: r for r in rows if r["arch_id"] == arch("darts", networks[1])}
    job = jobs[1]
    expected = {
        "test_accuracy": 100 - job["test_ep_top1"][-1], "train_accuracy": 100 - job["train_ep_top1"][-1],
        "best_test_accuracy": 100 - min(job["test_ep_top1"]), "train_loss": job["train_ep_loss"][-1],
    }  # fmt: skip
    assert {m: found[m]["value"] for m in expected} == pytest.approx(expected)
    assert {(found[m]["epochs"], found[m]["seed"], found[m]["epoch"]) for m in expected} == {(4, 1, None)}
    assert {m: (found[m]["value"], found[m]["seed"]) for m in ("params", "flops")} == {
        "params": (101, None), "flops": (5050, None),
    }  # fmt: skip
    assert set(found) == {*expected, "params", "flops"}
    assert {(r["space"], r["dataset"], r["status"]) for r in rows} == {("darts", "cifar10", "ok")}


def test_published_decimals_stay_decimals(tmp_path: Path) -> None:
    job = nds_files.job(nds_files.net("darts", 0), test_ep_top1=[90.0, 10.1, 6.51], min_test_top1=6.51)
    rows = joined(list(reading.read(nds_files.write(tmp_path / "DARTS.json", [job]), False)))
    assert [r["value"] for r in rows if r["metric"] in ("test_accuracy", "best_test_accuracy")] == [93.49, 93.49]


def test_learning_curves_come_with_their_epochs(tmp_path: Path) -> None:
    job = nds_files.job(nds_files.net("resnet", 0), epochs=5)
    path = nds_files.write(tmp_path / "ResNet.json", [job])
    finals, everything = (joined(list(reading.read(path, curves))) for curves in (False, True))
    assert [r for r in everything if r["epoch"] is None] == finals
    curve = {(r["metric"], r["epoch"]): r["value"] for r in everything if r["epoch"]}
    assert len(curve) == 15
    for epoch in range(1, 6):
        assert curve["test_accuracy", epoch] == pytest.approx(100 - job["test_ep_top1"][epoch - 1])
        assert curve["train_loss", epoch] == job["train_ep_loss"][epoch - 1]


def test_repeated_networks_are_seeds(tmp_path: Path) -> None:
    same, other = nds_files.net("resnet", 0), nds_files.net("resnet", 1)
    jobs = [nds_files.job(n, seed=s) for n, s in ((same, 1), (other, 1), (same, 1), (same, 4), (same, 4), (same, 1))]
    del jobs[1]["rng_seed"]
    rows = joined(list(reading.read(nds_files.write(tmp_path / "ResNet_rng1.json", jobs), False)))
    of = [r for r in rows if r["arch_id"] == arch("resnet", same)]
    assert [r["seed"] for r in of if r["metric"] == "test_accuracy"] == [1, 2, 4, 5, 3]
    assert len([r for r in of if r["metric"] == "params"]) == 1
    assert [r["seed"] for r in rows if r["arch_id"] == arch("resnet", other) and r["metric"] == "test_accuracy"] == [1]


def test_top_and_mid_are_both_read_and_reruns_have_no_number(tmp_path: Path) -> None:
    content = {
        name: [nds_files.job(nds_files.net("vanilla", n)) for n in range(k)] for name, k in (("top", 2), ("mid", 3))
    }
    content["mid"][1]["params"] = None
    batches = list(reading.read(nds_files.write(tmp_path / "Vanilla_reruns.json", content), False))
    assert rejects(batches) == [("mid[1]", "the job has no 'params'")]
    assert batches[0].architectures["native_id"] == [None] * 4
    assert {r["space"] for r in joined(batches)} == {"vanilla"}


@pytest.mark.parametrize(
    ("name", "space", "dataset"),
    [
        ("DARTS_in.json", "darts-in", "imagenet"),
        ("DARTS_fix-w-d_in.json", "darts-fix-w-d-in", "imagenet"),
        ("ResNeXt-A_in.json", "resnext-a-in", "imagenet"),
        ("ResNet-B.json", "resnet-b", "cifar10"),
        ("ResNet_rng3.json", "resnet", "cifar10"),
        ("DARTS_lr-wd.json", "darts-lr-wd", "cifar10"),
        ("Vanilla_lr-wd_in.json", "vanilla-lr-wd-in", "imagenet"),
        *((file, space, "cifar10") for space, file in nds_files.FILES.items()),
    ],
)
def test_the_file_name_tells_the_space(tmp_path: Path, name: str, space: str, dataset: str) -> None:
    path = nds_files.write(tmp_path / name, [nds_files.job(nds_files.net(space, 1))])
    rows = joined(list(reading.read(path, False)))
    assert {(r["space"], r["dataset"]) for r in rows} == {(space, dataset)}
    tuned = {r["metric"]: r["value"] for r in rows if r["metric"] in ("learning_rate", "weight_decay")}
    assert tuned == ({"learning_rate": 0.1, "weight_decay": 0.0005} if "lr-wd" in space else {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"net": None}, "the job has no 'net'"),
        ({"net": "DARTS_V1"}, "net is DARTS_V1"),
        ({"train_ep_top1": [1.0, 2.0]}, "train_accuracy has 2 epochs, test_accuracy has 3"),
        ({"train_ep_loss": [1.0]}, "train_loss has 1 epoch"),
        ({"optim": {"max_ep": 100}}, "max_ep is 100, and 3 epochs are listed"),
        ({"test_ep_top1": [], "train_ep_top1": [], "train_ep_loss": [], "optim": None}, "no epoch is listed"),
        ({"test_ep_top1": 7.0}, "test_ep_top1 is 7.0, where a list"),
        ({"test_ep_top1": [90.0, 101.0, 5.0]}, r"test_ep_top1\[1\] is 101, which is no error in percent"),
        ({"test_ep_top1": [90.0, "9", 5.0]}, r"test_ep_top1\[1\] is '9'"),
        ({"test_ep_top1": [0.5, float("nan"), 0.06]}, "no error of test_ep_top1 is above 1 percent: is it a fraction?"),
        ({"min_test_top1": -1.0}, "min_test_top1 is '-1.0'"),
        ({"params": float("inf")}, "params is inf"),
        ({"flops": "1e9"}, "flops is '1e9'"),
    ],
)
def test_a_bad_job_is_a_reject_and_the_others_are_kept(tmp_path: Path, changes: Json, said: str) -> None:
    networks = [nds_files.net("pnas", n) for n in range(3)]
    jobs = [nds_files.job(n) for n in networks]
    jobs[1] |= changes
    batches = list(reading.read(nds_files.write(tmp_path / "PNAS.json", jobs), False))
    [(position, reason)] = rejects(batches)
    assert position == "[1]" and said.replace("\\", "") in reason
    assert batches[0].rejects["excerpt"][0].startswith("{")
    assert {r["arch_id"] for r in joined(batches)} == {arch("pnas", networks[0]), arch("pnas", networks[2])}


def test_a_network_of_another_space_or_of_two_sizes_is_a_reject(tmp_path: Path) -> None:
    same = nds_files.job(nds_files.net("enas", 0))
    jobs = [same, nds_files.job(nds_files.net("darts", 0)), same | {"params": 1_001}, "job", same]
    batches = list(reading.read(nds_files.write(tmp_path / "ENAS.json", jobs), False))
    assert rejects(batches) == [
        ("[1]", "the normal cell has 8 edges; it takes 10, two per node"),
        ("[2]", "params is 1001, and 1000 in an earlier job of this network"),
        ("[3]", "a job is a JSON object, not 'job'"),
    ]
    assert [r["seed"] for r in joined(batches) if r["metric"] == "test_accuracy"] == [1, 2]


def test_a_training_that_diverged_has_no_value_and_says_so(tmp_path: Path) -> None:
    job = nds_files.job(nds_files.net("darts", 0), train_ep_loss=[2.0, float("nan"), float("nan")])
    rows = joined(list(reading.read(nds_files.write(tmp_path / "DARTS.json", [job]), True)))
    loss = [(r["epoch"], r["value"], r["status"], r["reason"]) for r in rows if r["metric"] == "train_loss"]
    assert loss == [
        (1, 2.0, "ok", None),
        (2, None, "diverged", "the source says nan"),
        (3, None, "diverged", "the source says nan"),
        (None, None, "diverged", "the source says nan"),
    ]
    assert {r["status"] for r in rows if r["metric"] != "train_loss"} == {"ok"}


def test_a_spoilt_byte_costs_the_job_that_it_is_in(tmp_path: Path) -> None:
    path = nds_files.configurations(tmp_path, "darts", 4)
    content = path.read_bytes()
    place = content.index(b"_", content.index(b'"genotype"', len(content) // 3))
    path.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    batches = list(reading.read(path, False))
    [(position, reason)] = rejects(batches)
    assert position in ("[1]", "[2]") and "unknown operation" in reason
    assert len({r["arch_id"] for r in joined(batches)}) == 3


@pytest.mark.parametrize("cut", [10, 500])
def test_a_truncated_file_keeps_what_is_whole(tmp_path: Path, cut: int) -> None:
    path = nds_files.configurations(tmp_path, "darts", 4)
    path.write_text(path.read_text()[:-cut])
    batches = list(reading.read(path, False))
    [(position, reason)] = rejects(batches)
    assert position == "after [2]" and "what follows is lost" in reason
    assert len({r["arch_id"] for r in joined(batches)}) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("7", "neither a JSON array nor an object of arrays"),
        ('{"top": 3}', "'top' holds no array"),
        ("[}", "no JSON"),
        ('{"top" [1]}', "'[' stands where ':' is expected"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "DARTS.json"
    path.write_text(text)
    with pytest.raises(NotThisFormError) as error:
        list(reading.read(path, False))
    assert said in str(error.value) and str(path) in str(error.value)


def test_a_file_of_another_name_and_a_folder_without_files_are_refused(tmp_path: Path) -> None:
    for name in ("darts2.json", "ResNet_fix-w-d.json", "DARTS.csv"):
        with pytest.raises(NotThisFormError, match="is not named like a published one"):
            reading.read(tmp_path / name, False)
    with pytest.raises(NotThisFormError, match="holds no file named like a published one"):
        reading.read(tmp_path, False)


def test_a_folder_is_read_file_by_file_and_a_spoilt_one_is_a_reject(tmp_path: Path) -> None:
    nds_files.configurations(tmp_path, "darts", 2)
    jobs = [nds_files.job(nds_files.net("enas", 0)), {}]
    nds_files.write(tmp_path / "ENAS.json", jobs)
    (tmp_path / "PNAS.json").write_text("no JSON")
    (tmp_path / "notes.json").write_text("{}")
    batches = list(reading.read(tmp_path, False))
    assert [position for position, _ in rejects(batches)] == ["ENAS.json[1]", "PNAS.json"]
    assert {r["space"] for r in joined(batches)} == {"darts", "enas"}
    assert [r.checked for r in checking.check(tmp_path, 5)] == [2, 1, 0]
