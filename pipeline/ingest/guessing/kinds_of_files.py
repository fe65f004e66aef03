"""Of which kind a foreign file is that may hold a table."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.errors import NotThisFormError, UserError, from_os
from pipeline.formats import packed, signatures
from pipeline.formats.table_form import ContainerKind

_KINDS: dict[str, ContainerKind] = {
    signatures.PICKLE.name: "pickle", signatures.JSON.name: "json", signatures.CHECKPOINT.name: "torch",
    signatures.ARRAY: "numpy", signatures.ARRAYS: "numpy", "an Arrow file": "arrow", "an SQLite database": "sqlite",
}  # fmt: skip
_TAKEN = "a CSV, TSV, JSON, Parquet, Arrow, .npy or .npz file, an SQLite database, a pickle or a file of torch.save"


def kind_of(path: Path) -> ContainerKind:
    """The kind of a file by its first bytes; what says nothing else is a CSV.

    Raises:
        NotThisFormError: it is of a kind that is not read.
        UserError: it cannot be read.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist")
    try:
        with packed.open_unpacked(path) as stream:
            head = stream.read(signatures.HEAD)
    except OSError as error:
        if error.errno is None:
            raise NotThisFormError(f"{path} is damaged: {error}") from error
        raise from_os(error, f"reading {path}") from error
    except packed.BROKEN as error:
        raise NotThisFormError(f"{path}: {packed.damaged(error)}") from error
    if (begun := head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]) and begun in b"[{":
        return "json"
    if head.startswith(b"PAR1"):
        return "parquet"
    form = signatures.identified(head) or signatures.by_name(path) or _typeset(head)
    if form is None:
        return "csv"
    if form.name not in _KINDS:
        raise NotThisFormError(signatures.said(str(path), form, _TAKEN))
    return _KINDS[form.name]


def _typeset(head: bytes) -> signatures.Form | None:
    """The form of a text that holds a table of Markdown or LaTeX; None of others."""
    text = head.decode("utf-8", "replace")
    advice = "write its rows as CSV, without what typesets them"
    if re.search(r"^[ \t]*\|?[ \t]*:?-{3,}:?[ \t]*\|[ \t|:-]*$", text, re.MULTILINE):
        return signatures.Form("a table in Markdown", advice)
    latex = re.search(r"\\begin\{(tabular|longtable|table)", text)
    return signatures.Form("a table in LaTeX", advice) if latex else None
