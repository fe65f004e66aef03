"""The Ray executor on a real cluster of this machine: the bits of the inline executor, whatever dies in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import executor
from pipeline.errors import UserError
from pipeline.executor import cluster
from pipeline.lake.store import Lake
from pipeline.scoring import run as score
from tests.fixtures.command import exit_code
from tests.fixtures.lake_content import rows
from tests.fixtures.tiny_scoring import losses, plan, preset
from tests.scoring import test_score

INSTALL = "Ray is not installed: pip install 'nas-proxy-bench[ray]'"
START = 180.0  # seconds for a driver and its workers, which import torch, on a busy machine

cells = test_score.cells  # a fixture


NODES = """
import sys
from ray.cluster_utils import Cluster
bare = {"num_cpus": 1, "include_dashboard": False}
quick = {"health_check_period_ms": 1000, "health_check_failure_threshold": 5}
cluster = Cluster(initialize_head=True, head_node_args={**bare, "_system_config": quick})
node = cluster.add_node(**bare)
print(cluster.address, flush=True)
if sys.stdin.readline():
    cluster.remove_node(node, allow_graceful=False)
    print("killed", flush=True)
    sys.stdin.readline()
cluster.shutdown()
"""


class Nodes:
    """A cluster of two nodes of one core each, in a process of its own: there Ray's threads and handlers stay."""

    def __init__(self) -> None:
        environment = {**os.environ, **cluster.SETTINGS, "RAY_gcs_server_port_wait_time_s": "120"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", NODES], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.address = self._line()

    def kill_one(self) -> None:
        """kill -9 for every process of the node that has no driver."""
        assert self._process.stdin is not None
        self._process.stdin.write("kill\n")
        self._process.stdin.flush()
        assert self._line() == "killed"

    def close(self) -> None:
        self._process.communicate(timeout=START)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            self.close()
        return line


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    pytest.importorskip("ray", reason=INSTALL)
    started = Nodes()
    if not started.address:  # Ray gives a node 30 s to start, which a busy machine may not keep
        started = Nodes()
    assert started.address, "the cluster has not started"
    yield started
    started.close()


def driver(lake: Path, path: Path, address: str) -> subprocess.Popen[str]:
    program = "from pipeline import cli; from pipeline.lake import part_writer; part_writer.SHORTEST = 0.1; cli.main()"
    arguments = ["score", "nasbench201", "--proxy", str(path), "--sample", "24", "--executor", "ray"]
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--lake", str(lake), "--address", address],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def wait_until_stored(lake: Path, at_least: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + START
    while len(rows(lake)) < at_least:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{len(rows(lake))} scores are stored, not {at_least}"
        time.sleep(0.05)


def actors() -> list[str]:
    """Command lines of the actors on this machine; Ray names its processes so."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in listed if line.startswith("ray::_Actor")]


def check_no_actors() -> None:
    end = time.monotonic() + START
    while actors():
        assert time.monotonic() < end, actors()
        time.sleep(0.1)


def check_rows(lake: Path, path: Path, other: Path) -> None:
    """24 rows, none twice, of the same bits as the inline executor's."""
    Lake(other, create=True).publish("nasbench201", "ingest-made-up", {"architectures": rows(lake, "architectures")})
    score.run(other, plan(path), sample=24, executor=executor.Executor("inline"))
    scored = [(r["arch_id"], r["value"], r["status"]) for r in rows(lake)]
    assert len(scored) == 24
    assert sorted(scored) == sorted((r["arch_id"], r["value"], r["status"]) for r in rows(other))
    assert losses(lake) == losses(other) and len(losses(other)) == 24 * 6


@dataclass
class Deadly:
    """Squares; kills its worker at 3, or the given items, each time and at 5 once, fails at 9."""

    folder: Path
    deadly: tuple[int, ...] = (3,)

    def prepare(self) -> None:
        (self.folder / f"prepared-{os.getpid()}").touch()

    def __call__(self, item: int) -> int:
        died = self.folder / f"died-at-{item}"
        if item in self.deadly or (item == 5 and not died.exists()):
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if item == 9:
            raise UserError("nine is too many")
        return item * item


def test_a_worker_that_dies_is_replaced_and_an_item_that_kills_each_worker_given_up(
    nodes: Nodes, tmp_path: Path
) -> None:
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers know the package, not its tests
    with cluster.connected(nodes.address, 2, "auto", 1.0) as pool:
        assert (pool.workers, pool.device, pool.device_name) == (2, "cpu", "cpu")
        results = dict(pool.run(Deadly(tmp_path), range(8), lambda item: item == 6))
        assert results.pop(3) == executor.LostWorker(executor.MAX_LOSSES)
        assert results == {i: i * i for i in range(8) if i not in (3, 6)}
        assert len(list(tmp_path.glob("prepared-*"))) <= 2 + executor.MAX_LOSSES + 1  # each worker once
        with pytest.raises(UserError, match=r"^nine is too many$"):
            list(pool.run(Deadly(tmp_path), [9], lambda _: False))


def test_own_code_may_end_every_worker(nodes: Nodes, tmp_path: Path) -> None:
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with executor.opened(executor.Executor("ray", nodes.address), 1, "cpu", apart=True) as pool:
        results = dict(pool.run(Deadly(tmp_path, (0, 1, 2)), range(3), lambda _: False))
    assert results == dict.fromkeys(range(3), executor.LostWorker(executor.MAX_LOSSES))


def test_a_cluster_without_gpus_says_so(nodes: Nodes) -> None:
    with (
        pytest.raises(UserError, match="the Ray cluster has no GPU"),
        cluster.connected(nodes.address, 1, "cuda", 1.0),
    ):
        pass


def test_a_lost_driver_and_a_lost_node_cost_nothing_but_their_time(nodes: Nodes, cells: Path, tmp_path: Path) -> None:
    """Ctrl-C, kill -9 of the driver, then of a node's processes in the middle of the third run."""
    path = preset(tmp_path, 6)
    for sent, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        before = len(rows(cells))
        process = driver(cells, path, nodes.address)
        wait_until_stored(cells, before + 2, process)
        assert actors()
        process.send_signal(sent)
        out, error = process.communicate(timeout=START)
        assert (process.returncode, out) == (code, "") and "Traceback" not in error
        check_no_actors()
    process = driver(cells, path, nodes.address)
    before = len(rows(cells))
    wait_until_stored(cells, before + 3, process)
    assert len(rows(cells)) < 24
    nodes.kill_one()
    out, error = process.communicate(timeout=2 * START)
    assert process.returncode == 0, error
    assert out.startswith("tiny6: ") and out.count("\n") == 1  # Ray's own lines do not reach the terminal
    assert {line.split(":")[0] for line in error.splitlines()} == {"scoring tiny6"}, error
    check_rows(cells, path, tmp_path / "whole")


@pytest.mark.parametrize(
    ("resources", "workers", "gpu_share", "expected"),
    [
        ({"CPU": 8.0}, None, 1.0, (8, "cpu", "cpu", 0.0)),
        ({"CPU": 8.0}, 3, 1.0, (3, "cpu", "cpu", 0.0)),
        ({}, None, 1.0, (1, "cpu", "cpu", 0.0)),  # its nodes are still to come
        ({"CPU": 8.0, "GPU": 2.0, "accelerator_type:H100": 1.0}, None, 0.25, (8, "cuda", "H100", 0.25)),
        ({"CPU": 32.0, "GPU": 2.0}, None, 0.25, (8, "cuda", "cuda", 0.25)),
    ],
)
def test_a_worker_a_core_or_a_share_of_a_gpu(
    resources: dict[str, float], workers: int | None, gpu_share: float, expected: tuple[int, str, str, float]
) -> None:
    assert cluster.pool_of(resources, workers, "auto", gpu_share) == cluster.RayPool(*expected)


def failure(lake: Path, path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """The line of a command that fails and leaves the lake alone."""
    files = {p: p.stat().st_mtime_ns for p in sorted(lake.rglob("*")) if p.is_file()}
    arguments = ["score", "nasbench201", "--lake", str(lake), "--proxy", str(path), "--sample", "2", *more]
    assert exit_code(*arguments) == 1
    assert {p: p.stat().st_mtime_ns for p in sorted(lake.rglob("*")) if p.is_file()} == files
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def test_without_ray_the_line_says_how_to_install_it(
    cells: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # what an import of it then finds, whether it is installed or not
    said = failure(cells, preset(tmp_path), capsys, "--executor", "ray")
    assert "pip install 'nas-proxy-bench[ray]'" in said


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1:9", "no Ray cluster answers at 127.0.0.1:9"),
        ("nowhere.invalid:6379", "no Ray cluster answers at nowhere.invalid:6379"),
        ("ray://127.0.0.1:10001", "write it as HOST:PORT, or auto"),
        ("localhost", "write it as HOST:PORT, or auto"),
    ],
)
def test_an_address_that_does_not_answer_is_one_line_within_seconds(
    cells: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    address: str,
    says: str,
) -> None:
    pytest.importorskip("ray", reason=INSTALL)
    started = time.monotonic()
    assert says in failure(cells, preset(tmp_path), capsys, "--executor", "ray", "--address", address)
    assert time.monotonic() - started < 4 * cluster.CONNECT_SECONDS
