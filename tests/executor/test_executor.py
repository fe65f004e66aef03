"""The executor: every item gets its result, whatever becomes of the workers.

These import this module, so torch is imported in the tests that need it: for each worker it would take seconds.
"""

import contextlib
import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import executor
from pipeline.errors import UserError
from pipeline.executor import cluster, processes


@dataclass
class Square:
    """Squares; kills its worker at `deadly`, the first `deaths` times."""

    folder: Path
    deadly: int = -1
    deaths: int = 0

    def prepare(self) -> None:
        (self.folder / f"prepared-{os.getpid()}").touch()

    def __call__(self, item: int) -> int:
        if item == self.deadly and len(list(self.folder.glob("death-*"))) < self.deaths:
            (self.folder / f"death-{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item * item


@pytest.mark.parametrize("workers", [1, 2])
def test_each_item_is_done_once_and_each_worker_prepared_once(tmp_path: Path, workers: int) -> None:
    results = list(executor.run(Square(tmp_path), range(20), workers))
    assert sorted(results) == [(i, i * i) for i in range(20)]
    assert 1 <= len(list(tmp_path.glob("prepared-*"))) <= workers


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    results = dict(executor.run(Square(tmp_path, deadly=3, deaths=2), range(8), 2))
    assert results == {i: i * i for i in range(8)}


def test_an_item_that_kills_every_worker_is_given_up_and_the_others_are_done(tmp_path: Path) -> None:
    results = dict(executor.run(Square(tmp_path, deadly=3, deaths=99), range(8), 2))
    assert results.pop(3) == executor.LostWorker(executor.MAX_LOSSES)
    assert results == {i: i * i for i in range(8) if i != 3}


def test_one_worker_apart_may_be_killed() -> None:
    results = dict(executor.run(Deadly(), range(2), 1, apart=True))
    assert results == {0: executor.LostWorker(executor.MAX_LOSSES), 1: 1}


@pytest.mark.parametrize("seed", [None, "7"])
def test_every_worker_has_the_hashes_of_the_others_and_this_process_its_own_environment(
    monkeypatch: pytest.MonkeyPatch, seed: str | None
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    if seed is not None:
        monkeypatch.setenv("PYTHONHASHSEED", seed)
    found = [dict(executor.run(Hashed(), ["a text"], 1, apart=True)) for _ in range(2)]
    assert found[0] == found[1] == {"a text": next(executor.ordered(hash, ["a text"], 2))}
    assert os.environ.get("PYTHONHASHSEED") == seed


class Hashed:
    """The hash of a text, which is another one in each process that Python begins."""

    def prepare(self) -> None:
        pass

    def __call__(self, item: str) -> int:
        return hash(item)


class Deadly:
    """Kills its process at 0."""

    def prepare(self) -> None:
        pass

    def __call__(self, item: int) -> int:
        if item == 0:
            os.kill(os.getpid(), signal.SIGSEGV)
        return item


@dataclass
class Slow:
    """Item 0 ends when the driver has the results of all the others."""

    others_received: Path

    def prepare(self) -> None:
        pass

    def __call__(self, item: int) -> int:
        end = time.monotonic() + 300
        while item == 0 and not self.others_received.exists():
            assert time.monotonic() < end, "the others wait for the slow one"
            time.sleep(0.01)
        return item


def test_a_slow_item_idles_nobody_else(tmp_path: Path) -> None:
    slow, results = Slow(tmp_path / "others_received"), []
    for result in executor.run(slow, range(12), 2):
        results.append(result)
        if len(results) == 11:
            slow.others_received.touch()
    assert sorted(results) == [(i, i) for i in range(12)] and results[-1] == (0, 0)


class FailsToStart:
    """Takes its worker down before any item."""

    def prepare(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def __call__(self, item: int) -> int:
        return item


def test_workers_that_die_before_they_are_ready_end_the_run_in_one_line() -> None:
    with pytest.raises(UserError, match="the workers die before they are ready"):
        list(executor.run(FailsToStart(), range(2), 2))


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_skipped_is_left_out(tmp_path: Path, workers: int) -> None:
    odd: Callable[[int], bool] = lambda i: i % 2 == 1  # noqa: E731
    assert sorted(executor.run(Square(tmp_path), range(6), workers, odd)) == [(0, 0), (2, 4), (4, 16)]


def shout(word: str) -> str:
    if word == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return word.upper()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    words = [f"word {number}" for number in range(30)]
    assert list(executor.ordered(shout, iter(words), workers)) == [word.upper() for word in words]


def test_items_are_taken_a_few_ahead_of_the_results() -> None:
    taken: list[str] = []

    def items() -> Iterator[str]:
        for number in range(1000):
            taken.append(str(number))
            yield taken[-1]

    results = executor.ordered(shout, items(), 2)
    assert next(results) == "0"
    assert len(taken) < 10
    results.close()


def test_a_worker_that_is_killed_is_told_in_one_line() -> None:
    with pytest.raises(UserError, match="a worker process was killed"):
        list(executor.ordered(shout, ["fine", "deadly"], 2))


@dataclass
class Worn:
    """Squares, and is of no use after `item`: each later item in the same process is a wrong result."""

    folder: Path
    item: int
    worn: bool = False

    def prepare(self) -> None:
        (self.folder / f"prepared-{os.getpid()}").touch()

    def __call__(self, item: int) -> int:
        if self.worn:
            return -1
        if item == self.item:
            self.worn = True
            executor.renew_worker()
        return item * item


def test_a_worker_that_asks_for_it_is_renewed_and_its_result_counts(tmp_path: Path) -> None:
    assert dict(executor.run(Worn(tmp_path, 3), range(8), 2)) == {i: i * i for i in range(8)}
    assert len(list(tmp_path.glob("prepared-*"))) >= 2


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A card that torch finds; its errors by what is asked of it."""
    import torch

    trouble: dict[str, str] = {}

    def ones(*shape: int, device: str) -> torch.Tensor:
        if trouble:
            raise RuntimeError(trouble["kernel"])
        return torch.zeros(*shape)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch, "ones", ones)
    for variable in executor.CUDA_SETTINGS:
        monkeypatch.setenv(variable, "32")
    return trouble


def test_a_card_is_one_on_which_a_kernel_runs(card: dict[str, str]) -> None:
    assert executor.device_of("auto") == executor.device_of("cuda") == ("cuda", "a card")
    assert executor.device_of("cpu") == ("cpu", "cpu")
    card["kernel"] = "CUDA error: no kernel image is available\nfor execution on the device"
    assert executor.device_of("auto") == ("cpu", "cpu")
    with pytest.raises(UserError, match=r"the card does not compute .*no kernel image is available") as raised:
        executor.device_of("cuda")
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("card")
def test_workers_know_how_many_of_them_share_a_card() -> None:
    for workers, sharing in ((1, 1), (2, 1), (3, 2), (4, 2)):
        with executor.opened(executor.PROCESSES, workers, "cuda") as pool:
            assert pool.sharing == sharing
    with executor.opened(executor.PROCESSES, 4, "cpu") as pool:
        assert pool.sharing == 1
    resources = {"CPU": 8.0, "GPU": 2.0}
    shares = [cluster.pool_of(resources, None, "cuda", share).sharing for share in (1.0, 0.5, 0.25)]
    assert shares == [1, 2, 4] and cluster.pool_of(resources, None, "cpu", 1.0).sharing == 1


@pytest.mark.usefixtures("card")
def test_a_card_has_one_worker_unless_more_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "default_workers", processes.default_workers)  # which `one_worker` replaces
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    monkeypatch.setattr(processes, "_CGROUP", Path("/nowhere"))
    assert executor.default_workers("cuda") == 2 and executor.default_workers() == 16
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert executor.default_workers("cuda") == 1
    with executor.opened(executor.PROCESSES, None, "cuda") as pool:
        assert pool.workers == 1
    with executor.opened(executor.PROCESSES, 3, "cuda") as pool:
        assert pool.workers == 3


def test_rays_workers_have_what_cuda_reads_when_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, dict[str, str]] = {}

    def init(**arguments: dict[str, dict[str, str]]) -> None:
        told.update(arguments["runtime_env"])

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init))
    cluster._join("auto")
    assert told["env_vars"]["CUDA_DEVICE_MAX_CONNECTIONS"] == "32"


def test_a_users_own_code_may_end_rays_workers_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(*_: object, deadly: bool) -> contextlib.AbstractContextManager[cluster.RayPool]:
        return contextlib.nullcontext(cluster.RayPool(1, "cpu", "cpu", 0.0, deadly))

    monkeypatch.setattr(cluster, "connected", connected)
    monkeypatch.setattr(cluster, "_Actors", lambda *_, deadly: SimpleNamespace(results=lambda *_: [(0, deadly)]))
    for apart in (True, False):
        with executor.opened(executor.Executor("ray"), 1, "cpu", apart=apart) as opened:
            assert list(opened.run(Deadly(), [0], lambda _: False)) == [(0, apart)]


@pytest.mark.parametrize(
    ("limits", "workers"),
    [
        ({"cpu.max": "max 100000\n"}, 16), ({"cpu.max": "250000 100000\n"}, 3), ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 16),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu.max": "odd\n"}, 16), ({}, 16),
    ],
)  # fmt: skip
def test_the_limit_of_a_container_counts_as_its_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, str], workers: int
) -> None:
    for name, content in limits.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(processes, "_CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    assert processes.default_workers() == workers


def test_more_workers_than_a_machine_can_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_cores", lambda: 3)
    with executor.opened(executor.PROCESSES, 12, "cpu") as pool:
        assert pool.workers == 12
    with (
        pytest.raises(UserError, match="13 workers are asked for, and 3 cores take at most 12: give --workers"),
        executor.opened(executor.PROCESSES, 13, "cpu"),
    ):
        pass
    monkeypatch.setattr(processes, "cards", lambda: 13)
    with executor.opened(executor.PROCESSES, 13, "cpu") as pool:
        assert pool.workers == 13
    with executor.opened(executor.Executor("inline"), 13, "cpu") as pool:  # that of pipeline.toml is of no effect
        assert pool.workers == 1


def test_without_shared_memory_there_is_one_worker_and_several_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", read_only)
    assert processes.default_workers() == 1
    with pytest.raises(UserError, match=r"shared memory \(Read-only file system\).*--workers 1"):
        list(processes.ordered(abs, [1, 2], 2))


def test_a_python_that_this_user_may_not_execute_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its workers would end at once: the pool was seen to wait for them for ever."""
    python = tmp_path / "python"
    python.touch(0o644)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(UserError, match=r"no worker can be started: .*python may not be executed.*--workers 1"):
        list(processes.ordered(abs, [1, 2], 2))


def test_to_count_the_workers_begins_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tracker of semaphores would print a warning: it is told not to when the first worker is begun."""
    monkeypatch.setattr("multiprocessing.resource_tracker.register", lambda *_: pytest.fail("a tracker is begun"))
    assert processes.default_workers() >= 1


def test_without_a_working_folder_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one worker, a library of torch ended the process with a message of its own."""
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FileNotFoundError), executor.opened(executor.PROCESSES, 1, "cpu"):
        pass
