"""Every block of code in the documents for readers runs: in a folder of its own, on real accuracies and data/scores."""

from __future__ import annotations

import functools
import importlib.metadata
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from torch import nn

from pipeline.benchmarks.nasbench201 import network as nasbench201
from pipeline.benchmarks.nasbench_nlp import architectures, network
from pipeline.benchmarks.nasbench_nlp.metrics import WORDS
from tests.docs.documents import ROOT, Block, blocks, commands, name
from tests.fixtures import lakes, nasbench101_files, nasbench201_files, nasbench_nlp_files, nds_files
from tests.fixtures.command import exit_code

PAGES = [
    ROOT / "README.md",
    ROOT / "queries" / "README.md",
    *(
        ROOT / "docs" / f"{page}.md"
        for page in ("getting-started", "sql", "bring-your-own-table", "add-a-proxy", "fetch-and-publish")
    ),
]
ELSEWHERE = [ROOT / "docs" / f"{page}.md" for page in ("python-api", "add-a-benchmark", "cli")]
"""Pages whose code tests/api/test_networks.py and tests/benchmarks/test_own_benchmark.py run; cli.md is generated."""
SHORTER = {
    r"^fetch .*": "fetch analog-nasbench",
    r"--sample \d+": "--sample 1 --workers 1",
    r"--proxy zero-cost": "--proxy naswot",
    r"--budget \d+": "--budget 2 --workers 1",
    r"--seeds 0-19": "--seeds 0-1",
    r"^tune evaluate": "tune evaluate --draws 2",
    r"^tune (.*)": r"tune \1 --use params --use synflow --use regression-fast",
    r"^report": "report --lake made-up --out report",
}
"""What is changed in a command so that it takes seconds, not minutes."""
REFUSED = ("report --against reports/latest",)
"""Commands that end with exit code 1 here: the small lake has not the rows of the earlier report."""
NOT_RUN = r"pipeline .*|make \w+|python3 -m venv \.venv|\.venv/bin/python -m pip install .*"
"""Lines that make an environment, and calls of make, whose targets other tests look at."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder as after the first steps: a lake with ground truth and scores, and made-up files of publishers.

    Of data/scores the benchmark of the documents' examples; tests/scoring/test_merge.py takes all of it.
    """
    try:
        importlib.metadata.distribution("analog-nasbench")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("analog-nasbench is not installed")
    root = tmp_path_factory.mktemp("documents")
    (root / "queries").symlink_to(ROOT / "queries")
    (root / "reports").mkdir()
    (root / "reports" / "latest").symlink_to(ROOT / "reports" / "baseline")
    others = [path.name for path in (ROOT / "data" / "scores" / "parts").iterdir() if path.name != "nasbench201"]
    shutil.copytree(ROOT / "data" / "scores", root / "data" / "scores", ignore=shutil.ignore_patterns(*others))
    shutil.copy(ROOT / "data" / "generic-cifar10.toml", root / "data")
    publish(root)
    lakes.made_up(root / "made-up")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(nasbench201, "TOPOLOGY_CELLS", 1)  # in each stack, not five
        patch.delenv("PIPELINE_LAKE", raising=False)
        for source in ("--recipe analog-nasbench", "NATS-tss-v1_0-3ffb9-simple"):  # two targets, as examples ask for
            assert ended(f"ingest nasbench201 {source}") == 0
        for line in ("merge data/scores", "query 'SELECT 1'"):
            assert ended(line) == 0
        yield root


def publish(root: Path) -> None:
    """Files of the names that the documents show, in the forms that are published; and a colleague's table."""
    cell = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_3x3~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|"
    (root / "colleague.csv").write_text(f"arch,acc,seed\n{cell},0.9312,0\n")
    nasbench201_files.nats_folder(
        root / "NATS-tss-v1_0-3ffb9-simple", nasbench201_files.topologies(3), {"12": (777,), "200": (777, 888)}
    )
    downloads = root / "data" / "downloads"
    downloads.mkdir(parents=True)
    nasbench101_files.write(downloads / "nasbench_only108.tfrecord", nasbench101_files.rows(nasbench101_files.cells(3)))
    for space in ("darts", "resnext-a"):
        nds_files.write(root / nds_files.FILES[space], [nds_files.stated(space, number) for number in range(2)])
    recipe = architectures.canonical("cells", nasbench_nlp_files.RNN)
    parameters = network.parameters(recipe) + WORDS["ptb"] * (network.WIDTHS[0] + 1)
    nasbench_nlp_files.folder(
        root / "train_logs_single_run", [nasbench_nlp_files.log(nasbench_nlp_files.RNN, params=parameters)]
    )


@functools.cache  # several pages show the same first steps
def ended(line: str) -> int | str | None:
    """The exit code of a command."""
    return exit_code(*shlex.split(line))


def run_shell(block: Block) -> None:
    for line in block.text.splitlines():
        assert re.fullmatch(NOT_RUN, line.partition("#")[0].strip()), f"nobody runs {line}"
    for words in commands(block):
        shown = shlex.join(words)
        line = shown
        for pattern, short in SHORTER.items():
            line = re.sub(pattern, short, line)
        assert ended(line) == int(shown in REFUSED), shown


def run_sql(block: Block) -> None:
    with duckdb.connect("data/lake/bench.duckdb", read_only=True) as connection:
        assert connection.execute(block.text).fetchall(), f"no row: {block.text}"


def run_python(block: Block, names: dict[str, Any]) -> None:
    exec(compile(block.text, "document", "exec"), names)


class MyNetwork(nn.Module):
    """What the documents call a network of the reader's own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Conv2d(3, 4, 3, padding=1)
        self.layer2 = nn.Conv2d(4, 8, 3, 2, padding=1)
        self.layer3 = nn.Conv2d(8, 8, 3, 2, padding=1)

    def forward(self, images: Any) -> Any:
        return self.layer3(self.layer2(self.layer1(images))).mean((2, 3))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_code_of_a_page_runs(page: Path, folder: Path) -> None:
    names: dict[str, Any] = {"MyNetwork": MyNetwork}
    own: set[Path] = set()
    for block in blocks(page):
        if block.language == "sh":
            run_shell(block)
        elif block.language == "sql":
            run_sql(block)
        elif block.language == "python" and not block.names:
            run_python(block, names)
        elif block.names:  # a file that a command further down takes
            own.add(folder / block.names)
            (folder / block.names).write_text(block.text, encoding="utf-8")
        else:
            assert block.language in ("text", "mermaid"), f"nobody runs this {block.language}"
    for path in own:  # another page begins without them
        path.unlink()


def test_no_example_takes_two_proxies_of_one_name_for_one() -> None:
    asked = [block.text for block in blocks(ROOT / "docs" / "sql.md") if "FROM pairs" in block.text]
    asked += [path.read_text() for path in (ROOT / "queries" / "examples").glob("*.sql")]
    grouped = [text[text.rindex("SELECT") :] for text in asked if "FROM pairs" in text and "spearman" in text]
    assert len(grouped) >= 3 and all("proxy_id" in text for text in grouped), grouped


def test_a_page_without_a_test_shows_no_code_that_could_run() -> None:
    tested = {*PAGES, *ELSEWHERE, ROOT / "CONTRIBUTING.md"}
    for page in sorted((ROOT / "docs").rglob("*.md")):
        if page not in tested:
            assert {block.language for block in blocks(page)} <= {"text", "mermaid"}, page.name
