"""`pipeline status` and the lists, pipeline.toml, --quiet, and words that are no verb."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from pipeline.lake import locations
from tests.attack.case import Case
from tests.fixtures import lakes


def configured(content: bytes) -> Callable[[Path], object]:
    """Write pipeline.toml."""
    return lambda folder: (folder / "pipeline.toml").write_bytes(content)


def located(content: str) -> Callable[[Path], object]:
    """Put something in the place of a location."""

    def damage(lake: Path) -> None:
        (lake / locations.FOLDER).mkdir()
        (lake / locations.FOLDER / f"{lakes.BIG}.json").write_text(content)

    return damage


def hostile(lake: Path) -> None:
    """A lake whose names, reasons and arguments are to be seen and not obeyed."""
    name = "\x1b[2J\u202eevil" + "x" * 500
    arguments = json.dumps({"benchmark": name, "proxy": name, "sample": 3, "space": "'; rm -rf /"})
    lakes.publish(
        lake, "hostile", runs=[lakes.run(run_id="f" * 16, arguments=arguments)],
        sources=[lakes.source("e" * 16, name, file_name=name)],
        proxies=[lakes.proxy("9" * 16, name, kind="zero-cost")],
        scores=[lakes.score(1, "9" * 16, 1.0, run_id="f" * 16)],
    )  # fmt: skip


def odd_arguments(lake: Path) -> None:
    """A run whose arguments are of other types than those that are written."""
    arguments = json.dumps({"benchmark": "madeup", "sample": 3, "sample_seed": 9, "seed": [1], "path": None})
    lakes.publish(lake, "odd", runs=[lakes.run(run_id="f" * 16, stage="score", arguments=arguments)])


WHOLE = {"path": "/none", "bytes": 1, "changed_ns": 1, "sha256": "0"}

CASES = [
    Case("status of no lake", "status", says=("no lake at",), lake="none"),
    Case("status of a file", "status --lake x", says=("x",), make=lambda f: (f / "x").write_text("")),
    Case("status of a made-up lake", "status", exit=0, says=("next: pipeline",)),
    Case("status in a folder that is not there", "status --data none",
         says=("no folder none: --data names one with source files",)),
    Case("status with hostile names", "status", exit=0, says=("\\x1b", "\\u202e"), damage=hostile),
    Case("status with hostile names, as JSON", "status --json", exit=0, says=('"next"',), damage=hostile),
    Case("status with odd arguments", "status", exit=0, says=("died:",), damage=odd_arguments),
    Case("a location that is no JSON", "status", exit=0, says=("not known",), damage=located("{")),
    Case("a location that is a list", "status", exit=0, says=("not known",), damage=located("[1]")),
    Case("a location of numbers", "status", exit=0, says=("not known",),
         damage=located(json.dumps({**WHOLE, "path": 7}))),
    Case("a location with a null character", "status", exit=0, says=("not known",),
         damage=located(json.dumps({**WHOLE, "path": "a\0b"}))),
    Case("a location that is gone", "status", exit=0, says=("no longer there",), damage=located(json.dumps(WHOLE))),
    Case("a location that is a device", "status", exit=0, says=("no longer there",),
         damage=located(json.dumps({**WHOLE, "path": "/dev/zero"}))),
    Case("sources of no benchmark", "sources nasbench202", says=("did you mean nasbench201",)),
    Case("proxies for no benchmark", "proxies --for nasbench202", says=("did you mean nasbench201",)),
    Case("spaces of no benchmark", "benchmarks nasbench202", says=("did you mean nasbench201",)),
    Case("lists, quietly", "sources nds --quiet --json", exit=0, says=("data.zip",)),
    Case("a configuration with an unknown key", "status", says=("pipeline.toml", "did you mean workers"),
         make=configured(b"worker = 1")),
    Case("a configuration with a table", "query 'FROM scores'", says=("pipeline.toml", "lake is"),
         make=configured(b"[lake]\npath = 'x'")),
    Case("a configuration with a huge number", "status", says=("pipeline.toml",),
         make=configured(b"workers = " + b"9" * 5000)),
    Case("a configuration with workers beyond measure", "status", says=("workers",),
         make=configured(b"workers = -3")),
    Case("a configuration that is binary", "status", says=("pipeline.toml",), make=configured(b"\xff\xfe\0")),
    Case("a configuration that is nested deeply", "status", says=("pipeline.toml",),
         make=configured(b"lake = " + b"[" * 5000)),
    Case("a configuration that names no lake", "query 'FROM scores' --lake none", says=("no lake at none",),
         make=configured(b"lake = 'elsewhere'")),
    Case("a configuration that is a folder", "status", says=("pipeline.toml",),
         make=lambda folder: (folder / "pipeline.toml").mkdir()),
    Case("a word that is no verb", "compare", exit=2, says=('pipeline query "FROM comparison"',)),
    Case("a word with control characters", "'\x1b[31mx'", exit=2, says=("No such command",)),
    Case("a word of ten thousand letters", "x" * 10_000, exit=2, says=("No such command",)),
    Case("CSV for a shell", shell='test "$(pipeline query "SELECT 1 AS n" --format csv | tail -1)" = 1 && echo equal',
         exit=0, says=("equal",)),
]  # fmt: skip
