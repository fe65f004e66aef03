"""A folder with one Parquet file per table: what `pipeline export --parquet` writes and `pipeline merge` takes.

    DIR/TABLE.parquet        all rows of the table, in the order of its key
    DIR/README.md            the dataset card
    DIR/manifest.json        rows, bytes and SHA-256 of each file
    DIR/manifest.next.json   the same of the files that take the place of an earlier export's, until all have

The tables are those of the lake, as its views show them. Scores, those that were retried or adopted, and curves have
one more column, which says what kind of part they are of, so that a lake can be made of the folder again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import UserError, excerpt
from pipeline.lake.schema import FORMAT as LAKE_FORMAT
from pipeline.lake.schema import TABLES, TEXT, Column, Table

MANIFEST, CARD = "manifest.json", "README.md"
NEXT_MANIFEST = "manifest.next.json"
FORMAT = 1  # of the folder; a change that an old reader would misread adds one
KIND = "tables of nas-proxy-bench"  # by which a manifest is known
NAMES = re.compile(
    "|".join([rf"({'|'.join(TABLES)})\.parquet", re.escape(CARD), re.escape(MANIFEST), re.escape(NEXT_MANIFEST)])
)

PART = Column(
    "part",
    TEXT,
    "what the names of the lake's parts that hold such rows begin with: score-zero-cost; `pipeline merge` needs it",
)
WITH_PART = ("scores", "curves", "adopted", "retried")

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class TableFile:
    """One file of the folder; `rows` is None for the card."""

    bytes: int
    sha256: str
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What the folder holds.

    Args:
        version: of the package that wrote it.
        files: the files by name.
    """

    version: str
    files: Mapping[str, TableFile] = field(default_factory=dict)

    @property
    def text(self) -> str:
        files = {name: {k: v for k, v in asdict(file).items() if v is not None} for name, file in self.files.items()}
        about = {"kind": KIND, "format": FORMAT, "lake_format": LAKE_FORMAT, "version": self.version, "files": files}
        return json.dumps(about, indent=1) + "\n"


def columns(table: Table) -> tuple[Column, ...]:
    """The columns of the table's file."""
    return (*table.columns, PART) if table.name in WITH_PART else table.columns


def schema(table: Table) -> pa.Schema:
    """The Arrow schema of the table's file; what table and columns mean is in its metadata."""
    fields = [
        pa.field(c.name, c.type, nullable=c.nullable, metadata={"description": c.comment}) for c in columns(table)
    ]
    return pa.schema(fields, metadata={"description": table.comment, "key": ", ".join(table.key)})


def parsed(content: bytes, where: str) -> Manifest:
    """The manifest that a file holds.

    Args:
        where: its path or address, for messages.

    Raises:
        UserError: it is none, or of a newer version.
    """
    try:
        about = json.loads(content)
        kind = about.get("kind") if isinstance(about, dict) else None
        if kind != KIND:
            raise ValueError(f"its kind is {excerpt(kind)}")
        if type(about["format"]) is not int or type(about["lake_format"]) is not int:
            raise ValueError("its format is no whole number")
        newer = about["format"] > FORMAT or about["lake_format"] > LAKE_FORMAT
        if not newer:
            return Manifest(str(about["version"]), {name: _file(name, f) for name, f in about["files"].items()})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = excerpt(str(error), 100, bare=True)
        raise UserError(f"{where} is not the manifest of `pipeline export --parquet` ({reason})") from error
    raise UserError(f"{where} was written by a newer version: update with `pip install -U nas-proxy-bench`")


def read(file: Path) -> Manifest | None:
    """The manifest that a file holds; None where it is none."""
    try:
        return parsed(file.read_bytes(), str(file))
    except (OSError, UserError):
        return None


def _file(name: str, stated: Mapping[str, Any]) -> TableFile:
    file = TableFile(stated["bytes"], stated["sha256"], stated.get("rows"))
    counts = [count for count in (file.bytes, file.rows) if count is not None]
    if (
        not NAMES.fullmatch(name)
        or not _SHA256.fullmatch(file.sha256)
        or file.bytes is None
        or not all(type(count) is int and 0 <= count < 1 << 63 for count in counts)
    ):
        raise ValueError(f"{excerpt(name)} is not a file with bytes and SHA-256")
    return file
