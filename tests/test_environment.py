"""What a run records of the machine, and how a mixture of environments shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import catalog, environment, executor, provenance
from pipeline.lake.store import Lake
from pipeline.report import page
from tests.fixtures import lakes
from tests.fixtures.lakes import OURS, SIZE

WIDE: dict[str, Any] = {"cpu": "Wide", "instruction_set": "AVX512", "torch": "3", "threads": 1, "variables": {}}
NARROW = {**WIDE, "cpu": "Narrow", "instruction_set": "AVX2"}


def scored(root: Path, number: int, *environments: dict[str, Any], proxy: str = OURS, **changes: Any) -> None:
    """One score of a run of its own."""
    run_id = f"{number:x}".rjust(16, "e")
    told = provenance.canonical_json(list(environments)) if environments else None
    lakes.publish(
        root, f"score-{number}", proxies=[lakes.proxy(proxy, "toy" if proxy == OURS else "size", kind="trained")],
        runs=[lakes.run(run_id=run_id, environments=told, packages='{"torch":"3"}', **changes)],
        scores=[lakes.score(number, proxy, float(number), run_id=run_id, **changes)],
    )  # fmt: skip


def series(root: Path, view: str = "series_environments") -> list[dict[str, Any]]:
    return catalog.run_sql(Lake(root), f"FROM {view} ORDER BY proxy_id").to_pylist()


def test_a_worker_tells_processor_instructions_libraries_threads_and_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2" * 40)
    told = environment.of_worker("cpu")
    assert told["instruction_set"] == torch.backends.cpu.get_cpu_capability()
    assert (told["torch"], told["threads"]) == (torch.__version__, torch.get_num_threads())
    assert told["cpu"] and told["os"] and told["architecture"]
    assert len(told["variables"]["ONEDNN_MAX_CPU_ISA"]) == 64
    if torch.backends.mkldnn.is_available():
        assert told["onednn"][0].isdecimal()
    assert json.loads(provenance.canonical_json(told)) == told
    assert provenance.new_run("ingest", {})["environments"] == provenance.canonical_json([environment.of_host()])


def test_a_run_names_each_kind_of_worker_once_and_keeps_the_fullest_state(tmp_path: Path) -> None:
    begun = provenance.new_run("score", {}, by_workers=True)
    assert begun["environments"] is None
    one = provenance.computed_in(provenance.computed_in(begun, WIDE), dict(WIDE))
    two = provenance.computed_in(one, NARROW)
    assert json.loads(two["environments"]) == [NARROW, WIDE]
    for number, state in enumerate((two, begun, one)):  # killed: none of the states has an end
        lakes.publish(tmp_path, f"score-{number}", runs=[state])
    [row] = catalog.run_sql(Lake(tmp_path), "FROM runs").to_pylist()
    assert row["environments"] == two["environments"]
    told = catalog.run_sql(Lake(tmp_path), "SELECT cpu, instruction_set FROM environments ORDER BY cpu").to_pylist()
    assert told == [{"cpu": "Narrow", "instruction_set": "AVX2"}, {"cpu": "Wide", "instruction_set": "AVX512"}]


class Telling:
    """Tells its process when it is prepared."""

    def prepare(self) -> dict[str, int]:
        import os

        return {"pid": os.getpid()}

    def __call__(self, item: int) -> int:
        return item


def test_the_environment_is_that_of_the_worker_and_not_of_its_driver() -> None:
    import os

    told: list[dict[str, int]] = []
    assert sorted(executor.run(Telling(), range(4), 2, lambda _: False, told.append)) == [(i, i) for i in range(4)]
    assert told and all(row["pid"] != os.getpid() for row in told)
    here: list[dict[str, int]] = []
    list(executor.run(Telling(), range(1), 1, lambda _: False, here.append))
    assert here == [{"pid": os.getpid()}]


LIMITED = {**WIDE, "variables": {"ONEDNN_MAX_CPU_ISA": "SSE41"}}


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (WIDE, []),
        ({**WIDE, "cpu": "Wide 2"}, []),
        (NARROW, ["instruction set"]),
        (LIMITED, ["instruction set"]),
        ({**WIDE, "variables": {"MKL_CBWR": "COMPATIBLE"}}, ["instruction set"]),
        ({**WIDE, "onednn_enabled": False}, ["instruction set"]),
        ({**WIDE, "threads": 2}, ["threads"]),
        ({**NARROW, "torch": "4"}, ["instruction set", "torch"]),
    ],
)
def test_a_mixture_names_what_differs(tmp_path: Path, other: dict[str, Any], differs: list[str]) -> None:
    scored(tmp_path, 1, WIDE)
    scored(tmp_path, 2, other)
    scored(tmp_path, 3, WIDE, proxy=SIZE)
    ours, size = series(tmp_path)
    assert (ours["differs"], ours["mixed"], ours["scores"], ours["unrecorded"]) == (differs, bool(differs), 2, 0)
    assert (size["differs"], size["mixed"]) == ([], False)
    assert [row["proxy_id"] for row in series(tmp_path, "mixed_environments")] == ([OURS] if differs else [])


def test_two_kinds_of_worker_in_one_run_are_a_mixture(tmp_path: Path) -> None:
    scored(tmp_path, 1, NARROW, WIDE)
    [row] = series(tmp_path)
    assert (row["mixed"], row["instruction_sets"], row["processors"]) == (True, ["AVX2", "AVX512"], ["Narrow", "Wide"])


def test_cards_differ_by_name_and_their_processors_do_not_matter(tmp_path: Path) -> None:
    scored(tmp_path, 1, WIDE, device="Card 1")
    scored(tmp_path, 2, NARROW, device="Card 1")
    [row] = series(tmp_path)
    assert (row["mixed"], row["unrecorded"], row["instruction_sets"]) == (False, 0, [])
    scored(tmp_path, 3, WIDE)
    [row] = series(tmp_path)
    assert (row["mixed"], row["differs"], row["devices"]) == (True, ["device"], ["Card 1", "cpu"])


def test_runs_of_earlier_versions_are_unknown_and_beside_others_are_named(tmp_path: Path) -> None:
    scored(tmp_path, 1)
    [row] = series(tmp_path)
    assert (row["mixed"], row["unrecorded"], row["torch"]) == (None, 1, ["3"])
    assert not series(tmp_path, "mixed_environments")
    scored(tmp_path, 2, WIDE)
    [row] = series(tmp_path, "mixed_environments")
    assert (row["mixed"], row["unrecorded"], row["scores"], row["instruction_sets"]) == (None, 1, 2, ["AVX512"])


def test_an_aggregate_mixes_what_its_terms_mix(tmp_path: Path) -> None:
    scored(tmp_path, 1, WIDE)
    lakes.publish(tmp_path, "aggregate-0", proxies=[lakes.proxy(
        "9" * 16, "both", {"terms": [{"proxy": "toy", "weight": 1.0, "transform": "rank"}]}, kind="aggregate",
    )])  # fmt: skip
    scored(tmp_path, 2, NARROW)
    rows = series(tmp_path)
    assert [(row["proxy"], row["mixed"]) for row in rows] == [("toy", True), ("both", True)]


def test_the_report_names_the_rows_that_mix(tmp_path: Path) -> None:
    root, out = tmp_path / "lake", tmp_path / "report"
    both = [lakes.architecture(i) for i in (1, 2)]
    lakes.publish(root, "ingest", architectures=both, truth=[lakes.truth(i, 50.0 + i) for i in (1, 2)],
                  metrics=[lakes.metric()], sources=[lakes.source(lakes.BIG, "big")])  # fmt: skip
    scored(root, 1, WIDE)
    scored(root, 2, LIMITED)
    page.write(root, out)
    [row] = json.loads((out / "report.json").read_text())["spaces"][0]["mixed_environments"]
    assert (row["proxy_id"], row["differs"]) == (OURS, "instruction set")
    assert row["instruction_sets"] == "AVX512; AVX512, oneDNN at most SSE41"
    for name in ("report.md", "index.html"):
        assert "AVX512, oneDNN at most SSE41" in (out / name).read_text(encoding="utf-8")
