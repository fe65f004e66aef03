"""A lake that holds hostile names, as earlier versions stored them, has a report in which they are text."""

from __future__ import annotations

import csv
import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.report import page
from tests.fixtures import lakes

LINK, TAG, PICTURE = "[click](javascript:alert(1))", "<script>alert(1)</script>", "![x](https://example.org/x.png)"
NAMES = {
    "4" * 16: f"# {TAG}|{LINK}\n\n# A heading\n{PICTURE}",
    "5" * 16: "long" * 125,
    "6" * 16: "\x1b]0;title\x07\x9b31m\u202egnp.exe",
    "7" * 16: "=../../escape/\\'\"; DROP TABLE scores; -- 中文 $\\frac{1}{2}$",
}  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    lakes.made_up(root / "lake", size=12)
    failed = f"{TAG} | {LINK}\n## A heading \x1b[2J"
    lakes.publish(
        root / "lake", "hostile",
        proxies=[lakes.proxy(proxy_id, name) for proxy_id, name in NAMES.items()],
        scores=[
            lakes.score(number, proxy_id, None if number == 11 else float((number * 7) % 11))
            | ({"status": "failed", "reason": failed} if number == 11 else {})
            for proxy_id in NAMES for number in range(12)
        ],
        sources=[lakes.source("c" * 16, TAG, file_name=f"\x1b{LINK}", licence=TAG)],
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = page.write(root / "lake", root / "report", with_figures=[])
    (root / "report" / "terminal.txt").write_text(result.table)
    return root / "report"


@pytest.mark.parametrize("name", ["index.html", "report.md", "terminal.txt"])
def test_nothing_that_is_not_to_be_seen_is_in_a_text(out: Path, name: str) -> None:
    text = (out / name).read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert "\\u202egnp.exe" in text.replace("\\\\", "\\")


def test_in_markdown_names_and_reasons_are_text(out: Path) -> None:
    text = (out / "report.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)\]\(|<script|^#+ A heading|<img", text, re.MULTILINE)
    assert "&lt;script&gt;" in text and "&#91;click&#93;(javascript:alert(1))" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows if "&lt;script" in line}) <= 4
    assert all(line.endswith("|") for line in rows)


def test_in_html_they_are_text_and_no_tag(out: Path) -> None:
    text = (out / "index.html").read_text(encoding="utf-8")
    assert text.count("<script>") == 2 and "&lt;script&gt;alert(1)" in text  # the page's own


def test_figures_are_whole_and_their_names_are_short(out: Path) -> None:
    figures = sorted((out / "figures").iterdir())
    assert figures and all(re.fullmatch(r"[a-z0-9-]{1,104}\.(svg|png|pdf)", path.name) for path in figures)
    for path in figures:
        if path.suffix == ".svg":
            ElementTree.parse(path)
            assert len(path.read_bytes()) < 2_000_000
    assert {path.name for path in out.iterdir()} == {
        "index.html", "report.md", "report.json", "correlations.csv", "manifest.json", "figures", "terminal.txt"
    }  # fmt: skip


def test_the_csv_holds_every_name_in_its_column(out: Path) -> None:
    with (out / "correlations.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["proxy_id"] for row in rows} >= NAMES.keys()
    assert next(row["proxy"] for row in rows if row["proxy_id"] == "7" * 16) == NAMES["7" * 16]
