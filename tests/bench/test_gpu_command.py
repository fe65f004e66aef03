"""What `make gpu` refuses and chooses before a step begins."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

from tests.bench.gpu import __main__ as command
from tests.bench.gpu import about, marked, runner, wheels
from tests.bench.gpu.setting import networks


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_without_a_card_the_command_ends_at_the_first_line_that_needs_one(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "gpu", f"GPU_PYTHON={sys.executable}", f"GPU_OUT={tmp_path / 'out'}"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stdout.splitlines()[-1].startswith("== versions")
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the CPU"
    assert f"torch {torch.__version__}, built for {built}, finds no CUDA card here" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "out" / runner.ROWS).exists()


def test_unknown_steps_and_folders_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="unknown: bnch; there are versions, graph"):
        command.main(["bnch"])
    with pytest.raises(SystemExit, match="nowhere does not exist"):
        command.main(["--images", "nowhere"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_what_this_python_lacks_is_told_before_any_step(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "stated", lambda: [Requirement("no-such-package>=2")])
    with pytest.raises(SystemExit, match="finds no CUDA card here"):
        command.main(["versions", "--out", str(tmp_path)])
    said = capfd.readouterr().out.splitlines()
    assert said[0] == "this Python has no no-such-package>=2: steps may fail for it"


def test_the_networks_repeat_after_the_distinct_ones_under_names_of_their_own() -> None:
    some = networks("nasbench201", 5, distinct=2)
    assert [arch_id for _, arch_id in some] == ["0", "1", "2", "3", "4"]
    assert [build.args for build, _ in some[:2]] == [build.args for build, _ in some[2:4]]  # type: ignore[attr-defined]
    assert networks("nasbench201", 1, first=1)[0][0].args == some[1][0].args  # type: ignore[attr-defined]


def test_tests_are_named_by_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert "tests/bench/test_gpu_card.py" in marked.files()


def test_flags_are_read_whatever_the_version() -> None:
    flags = about._tf32()
    assert set(flags) == {"conv_fp32_precision", "matmul_fp32_precision", "cudnn_allow_tf32", "matmul_allow_tf32"}


def test_fewer_seconds_trim_every_step() -> None:
    steps = command._within(["versions", "graph"], 11)
    assert sum(step.seconds for step in steps.values()) == pytest.approx(11)
    assert command._within(["versions", "whole"], 300)["whole"].seconds == 275
    assert command._within(["versions", "whole"], 100)["whole"].seconds == 90
