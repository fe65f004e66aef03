"""A zero-cost proxy of one's own: a Python file with a function of its name."""

from __future__ import annotations

import pickle
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pipeline import proxies
from pipeline.errors import UserError
from pipeline.lake import locations
from pipeline.lake.store import Lake
from pipeline.networks.features import Features
from pipeline.proxies.contract import Bundle, Score
from pipeline.status import configurations

GRADIENT = """
import torch

def gradient(network, images, labels):
    print("not an answer")
    torch.nn.functional.cross_entropy(network(images), labels).backward()
    images.zero_()  # a copy
    return sum(m.weight.grad.double().norm() for m in network.modules() if hasattr(m, "weight"))
"""


class Tap(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 8, bias=False)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [self.stem(images)]


def build() -> Features:
    return Features(Tap(), (), 4)


def score(bundle: Bundle, make: Any = build, seed: int = 0) -> Score:
    [(one, seconds)] = bundle.score(make, "a" * 16, seed, "cpu", [bundle.proxies[0].proxy_id]).values()
    assert seconds >= 0
    return one


def own(folder: Path, text: str, name: str = "mine") -> Bundle:
    file = folder / f"{name}.py"
    file.write_text(text)
    return proxies.load(str(file))


def returning(folder: Path, body: str) -> Score:
    imports = "import asyncio\nimport os\nimport numpy as np\nimport torch\n"
    return score(own(folder, f"{imports}def mine(network, images, labels):\n    {body}\n"))


def test_it_sees_the_network_images_and_labels_of_the_shipped_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = own(tmp_path, GRADIENT, "gradient")
    shipped = score(proxies.load("grad_norm"))
    assert shipped.value is not None
    for again in (bundle, pickle.loads(pickle.dumps(bundle)), bundle):
        assert score(again).value == pytest.approx(shipped.value)
    assert score(bundle, seed=1).value != score(bundle).value
    assert capsys.readouterr().out == ""


def test_its_identity_is_that_of_its_name_its_text_and_its_images(tmp_path: Path) -> None:
    proxy = own(tmp_path, GRADIENT, "gradient").proxies[0]
    assert (proxy.name, proxy.kind, proxy.higher_is_better, proxy.inputs) == ("gradient", "zero-cost", True, "images")
    assert {*proxy.configuration} == {"classes", "code", "images", "labels"}
    (tmp_path / "elsewhere").mkdir()
    assert own(tmp_path / "elsewhere", GRADIENT.replace("\n", "\r\n"), "gradient").proxies[0].proxy_id == proxy.proxy_id
    noise = proxies.load(str(tmp_path / "gradient.py"), "noise").proxies[0]
    others = {noise.proxy_id, own(tmp_path, GRADIENT + "\n", "gradient").proxies[0].proxy_id}
    assert len(others | {proxy.proxy_id}) == 3
    assert proxies.load(str(tmp_path / "gradient.py"), inputs="sequences").inputs == "sequences"


def test_its_random_numbers_come_from_the_seed_and_leave_those_of_others_alone(tmp_path: Path) -> None:
    bundle = own(tmp_path, "import torch\ndef mine(network, images, labels):\n    return torch.rand(())\n")
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    drawn = [torch.rand(1), score(bundle).value, torch.rand(1)]
    assert torch.equal(torch.cat([drawn[0], drawn[2]]), expected)  # type: ignore[list-item]
    assert score(bundle).value == drawn[1] != score(bundle, seed=1).value


SWITCHES = [
    "torch.set_default_dtype(torch.float64)",
    "torch.set_grad_enabled(False)",
    "torch.set_num_threads(torch.get_num_threads() + 1)",
    "torch.set_default_device('meta')",
    "torch.set_deterministic_debug_mode('warn')",
    "torch.set_float32_matmul_precision('medium')",
    "torch.backends.cudnn.benchmark = True",
    "torch.backends.mkldnn.matmul.fp32_precision = 'bf16'",
    "torch.backends.mkldnn.enabled = False",
    "torch.set_flush_denormal(True)",
    "torch.set_autocast_enabled('cpu', True)",
    "torch.autograd.set_detect_anomaly(True)",
    "torch.manual_seed(0), random.seed(0), np.random.seed(0)",
    "sys.setrecursionlimit(5000)",
    "os.chdir('/')",
    "sys.stderr = None",
]


def process() -> list[Any]:
    """What a score may depend on, and commands do."""
    backends: Any = torch.backends
    precisions = (backends, backends.cudnn.conv, backends.cuda.matmul, backends.mkldnn.matmul, backends.mkldnn.conv)
    arrays: Any = np.random.get_state()
    states = (torch.get_rng_state(), arrays[1])
    return [
        torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads(), torch.get_default_device(),
        torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision(), backends.cudnn.benchmark,
        *(place.fp32_precision for place in precisions), backends.mkldnn.enabled, float(torch.tensor(1e-40) * 1),
        torch.is_autocast_enabled("cpu"), torch.is_anomaly_enabled(), random.getstate(),
        *(np.asarray(state).tobytes() for state in states), sys.getrecursionlimit(), Path.cwd(), sys.stderr,
    ]  # fmt: skip


@pytest.mark.parametrize("loads", [False, True])
@pytest.mark.parametrize("switch", SWITCHES)
def test_what_it_switches_is_switched_back(switch: str, loads: bool, tmp_path: Path) -> None:
    imports = f"import os, random, sys\nimport numpy as np\nimport torch\n{switch if loads else ''}\n"
    body = f"def mine(network, images, labels):\n    {'pass' if loads else switch}\n    return 1\n"
    before = process()
    assert score(own(tmp_path, imports + body)).value == 1
    assert process() == before


@pytest.mark.parametrize("stream", ["torch.rand(())", "random.random()", "np.random.rand()"])
def test_its_random_numbers_are_those_of_the_seed_and_the_architecture(stream: str, tmp_path: Path) -> None:
    imports = "import random\nimport numpy as np\nimport torch\n"
    bundle = own(tmp_path, f"{imports}def mine(network, images, labels):\n    return {stream}\n")
    drawn = [score(bundle, seed=seed).value for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return None", "TypeError: the function returned None, where a number is expected"),
        ("return True", "TypeError: the function returned True, where a number is expected"),
        ("return 'nan'", "TypeError: the function returned 'nan', where a number is expected"),
        ("return torch.ones(2)", "TypeError: the function returned a Tensor that is no number"),
        ("return [1]", "TypeError: the function returned a list that is no number"),
        ("return 10 ** 400", "TypeError: the function returned an int that is no number"),
        ("return float('inf')", "the value is inf"),
        ("raise ValueError('no ReLU\\nat all')", "ValueError: no ReLU"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("os._exit(0)", "EndedError: it calls os._exit"),
        ("return np.bool_(True)", "TypeError: the function returned"),
        ("return torch.tensor(True)", "TypeError: the function returned"),
        ("return np.complex128(1 + 2j)", "TypeError: the function returned"),
        ("return torch.tensor(1 + 0j)", "TypeError: the function returned"),
        ("return np.array('1.5')", "TypeError: the function returned"),
        ("return bytearray(b'1')", "TypeError: the function returned"),
        ("raise ValueError('\\ud800\\x1b[31m')", r"ValueError: \ud800\x1b[31m"),
        ("raise asyncio.CancelledError('no time')", "CancelledError: no time"),
        ("raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})", "Mute"),
        ("return labels[99]", "IndexError: index 99 is out of bounds"),
    ],
)
def test_without_a_number_a_score_has_failed_with_the_reason(body: str, reason: str, tmp_path: Path) -> None:
    failed = returning(tmp_path, body)
    assert (failed.value, failed.status) == (None, "failed") and (failed.reason or "").startswith(reason)


def test_memory_that_runs_out_is_no_failed_score(tmp_path: Path) -> None:
    with pytest.raises(MemoryError):
        returning(tmp_path, "raise MemoryError")


def test_a_network_that_cannot_be_built_is_unbuildable(tmp_path: Path) -> None:
    def broken() -> Features:
        raise ValueError("no such operation")

    assert score(own(tmp_path, GRADIENT, "gradient"), broken).status == "unbuildable"


FUNCTION = "def mine(network, images, labels): return 1"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mine", "def mine(", r"the proxy .*mine\.py cannot be loaded: SyntaxError"),
        ("mine", "import nothing_of_the_kind", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("mine", "import asyncio\nraise asyncio.CancelledError", "cannot be loaded: CancelledError"),
        ("mine", "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})", "cannot be loaded: Mute"),
        ("mine", "raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
        ("mine", "import os\nos._exit(0)", "cannot be loaded: EndedError: it calls os._exit"),
        ("mine", "\0", "mine.py"),
        ("mine", "x = 1", r"mine\.py defines no function mine\(network, images, labels\)"),
        ("mine", "mine = 1", "defines no function mine"),
        ("mine", "def mine(network): return 1", r"does not take \(network, images, labels\)"),
        ("synflow", FUNCTION, "has the name of a shipped one"),
        ("Mine", FUNCTION, "a proxy, whose name is made of"),
        ("m" * 65, FUNCTION, "a proxy, whose name is made of"),
    ],
)
def test_a_file_that_holds_no_proxy_is_one_line(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as caught:
        own(tmp_path, text, name)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"proxy .*none\.py cannot be read: No such file"):
        proxies.load(str(tmp_path / "none.py"))
    own(tmp_path, GRADIENT, "gradient")
    with pytest.raises(UserError, match="--images does not go with gradient here"):
        proxies.load(str(tmp_path / "gradient.py"), "synthetic-noise", "sequences")


def test_status_tells_that_its_file_has_changed(tmp_path: Path) -> None:
    lake, file = Lake(tmp_path / "lake", create=True), tmp_path / "gradient.py"
    proxy = own(tmp_path, GRADIENT, "gradient").proxies[0]
    assert configurations.outdated(lake, [proxy.row]) == {}
    locations.record(lake.root, proxy.proxy_id, file, "0" * 64)
    assert configurations.outdated(lake, [proxy.row]) == {}
    file.write_text(GRADIENT + "\n")
    assert configurations.outdated(lake, [proxy.row]) == {proxy.proxy_id: f"code of {file} changed since it was scored"}
