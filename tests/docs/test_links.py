"""Links and the form of the documents."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, ROOT, blocks, name, prose

WIDTH = 120
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def anchors(document: Path) -> set[str]:
    """What a code host makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: Path) -> list[str]:
    return [first or second for first, second in LINK.findall(prose(document))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert not anchor or anchor in anchors(target), f"{link}: {target.name} has no such heading"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_no_line_of_a_document_is_too_wide(document: Path) -> None:
    """But for rows of tables, which cannot be wrapped, and the changelog's entries."""
    lines = document.read_text(encoding="utf-8").splitlines()
    wide = [line for line in lines if len(line) > WIDTH and not line.lstrip().startswith("|")]
    assert not wide, wide[0]


def test_every_page_of_docs_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document in reached or document.suffix != ".md":
            continue
        reached.add(document)
        targets = [link.partition("#")[0] for link in links(document) if not link.startswith("http")]
        waiting += [(document.parent / target).resolve() for target in targets if target]
    assert {document for document in DOCUMENTS if document.is_relative_to(ROOT / "docs")} <= reached


def test_the_readme_is_short_and_begins_with_what_can_be_done() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    first = blocks(ROOT / "README.md")[0]
    assert [line.partition("#")[0].strip() for line in first.text.splitlines()] == ["make demo", "make test"]


def test_decisions_are_numbered_pages_of_one_form() -> None:
    pages = sorted((ROOT / "docs" / "decisions").iterdir())
    assert [page.name[:5] for page in pages] == [f"{number:04d}-" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {page.name[:4]} "), page.name
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequence"], page.name
        assert len(text.splitlines()) <= 80, f"{page.name} is more than a page"


def test_measurements_are_dated_and_conclude() -> None:
    for page in (ROOT / "docs" / "measurements").iterdir():
        month = re.match(r"(\d{4}-\d{2})-[a-z0-9-]+\.md$", page.name)
        text = page.read_text(encoding="utf-8")
        assert month and re.search(rf"{month[1]}-\d{{2}}", text), f"{page.name}: no day of that month"
        assert "## Conclusion\n" in text, page.name


def test_the_glossary_gives_each_term_one_meaning() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    terms = [term for cells, _ in rows for term in cells.split(", ") if term != "term" and "---" not in term]
    assert len(terms) >= 40 and len(set(terms)) == len(terms)


def test_the_architecture_page_shows_the_layers_that_the_linter_holds() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert re.findall(r'\w\["([^"]+)"\]', text.partition("flowchart TD")[2].partition("```")[0]) == layers
    for package in (package for layer in layers for package in layer.split(" | ")):
        assert re.search(rf"^\s+.*\b{package}\b", text, re.MULTILINE), package


def test_no_section_of_a_release_stands_twice_in_the_changelog() -> None:
    """As where git's union of two versions brings back what was condensed."""
    for release in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        sections = re.findall(r"^###+ .*$", release, re.MULTILINE)
        assert len(set(sections)) == len(sections), f"{release.splitlines()[0]}: {sections}"
