"""The project's documents, and the code in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "RESULTS.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(ROOT / folder / "README.md" for folder in ("data", "queries", "reports")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

_BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and the file that the sentence before names last."""

    language: str
    text: str
    names: str | None


def name(document: Path) -> str:
    """The document as a test is called by it."""
    return str(document.relative_to(ROOT))


def blocks(document: Path) -> list[Block]:
    """The blocks of code of a document, in their order."""
    text, found = document.read_text(encoding="utf-8"), []
    for block in _BLOCK.finditer(text):
        before = text[: block.start()].rstrip().rpartition("\n\n")[2]
        named = re.findall(r"`([\w-]+\.(?:toml|csv|py))`", before)
        found.append(Block(block[1], block[2], named[-1] if named else None))
    return found


def prose(document: Path) -> str:
    """The text without blocks of code."""
    return _FENCED.sub("", document.read_text(encoding="utf-8"))


def commands(block: Block) -> list[list[str]]:
    """The lines of a block that run the pipeline, as words without `pipeline`."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.lstrip().startswith("pipeline ")]
