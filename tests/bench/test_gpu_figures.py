"""What the figures of a run on a card count: agreement with the CPU, and rates in the steady state."""

from __future__ import annotations

import pytest

from pipeline.proxies.contract import Curve, Score
from tests.bench import agreement_on_a_cpu
from tests.bench.gpu import agreement, steady, workers
from tests.bench.gpu.setting import Setting


def scores(count: int, late: float = 0.0, value: float = 0.0) -> list[Score]:
    curves = lambda n: (  # noqa: E731
        Curve(0, "sin1d", "train", [1, 2], [1.0 + n, 0.5]),
        Curve(0, "sin1d", "eval", [10], [0.4 + n + late]),
    )
    return [Score(1.0 + n + value, "ok", None, curves(n)) for n in range(count)]


def test_only_the_first_training_loss_is_compared() -> None:
    """After some steps, rounding is magnified: what an evaluation says is another question."""
    row = agreement.agreement(scores(3, late=5), scores(3))
    assert row["first_loss_apart_at_most"] == 0


def test_few_networks_have_no_rho() -> None:
    assert agreement.agreement(scores(48), scores(48))["rho"] == pytest.approx(1)
    assert agreement.agreement(scores(47), scores(47))["rho"] == "not of 47 networks, but of 48 or more"


def test_a_setting_that_failed_throughout_is_a_row() -> None:
    failed = [Score(None, "failed", "out of memory")] * 3
    assert agreement.agreement(failed, scores(3)) == {"networks": 0, "without_a_score": 3}
    assert agreement.statuses(failed) == {"failed out of memory": 3}


def test_differences_are_relative() -> None:
    row = agreement.agreement(scores(1, value=0.5), scores(1))
    assert row["score_apart"] == row["score_apart_at_most"] == 0.5


def test_filling_and_draining_do_not_count_in_the_rate() -> None:
    """Two at a time, a second each; the first two took ten, the last two are alone on the card."""
    done = [10.0, 10.0, 11.0, 11.0, 12.0, 12.0, 13.0, 13.0, 13.1, 13.1]
    row = steady.rate(done, 2, stopped=False)
    assert row["ms_per_architecture"] == 500 and row["steady_networks"] == 4
    assert row["ms_by_2"] == {"fastest": 500, "median": 500, "slowest": 500}


def test_a_run_that_was_stopped_has_no_drain() -> None:
    done = [10.0, 10.0, 11.0, 11.0, 12.0, 12.0]
    assert steady.rate(done, 2, stopped=True)["ms_per_architecture"] == 500
    assert steady.rate(done, 2, stopped=False)["ms_per_architecture"] is None


def test_without_networks_there_is_no_rate() -> None:
    assert steady.rate([], 2, stopped=True)["ms_per_architecture"] is None


def test_processes_count_in_the_time_in_which_all_train() -> None:
    """Two that train two networks per second each; the second starts late and ends late."""
    first = [float(n) / 2 for n in range(2, 18)]
    row = workers.rates([first, [t + 3.5 for t in first]], 2)
    assert row["ms_per_architecture"] == 250 and row["networks"] == [7, 7]


def test_a_process_that_trained_nothing_is_named() -> None:
    assert workers.rates([[1.0, 2.0, 3.0], []], 2)["why"] == "networks by process: [3, 0]"


def test_the_engine_agrees_with_the_plain_loop_on_a_cpu_too(setting: Setting) -> None:
    row = agreement_on_a_cpu.agreement_of(setting, "nasbench101", 3)

    assert row["networks"] == 3 and row["score_apart_at_most"] < 1e-3 and row["rho"] == pytest.approx(1)
