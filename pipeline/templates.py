"""The Jinja environment of all templates of this project: an undefined name is an error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline import escaping

if TYPE_CHECKING:
    import jinja2


def environment(folder: Path, escaped_for: Literal["html", "markdown"] | None) -> jinja2.Environment:
    """The environment of the templates in a folder.

    Args:
        escaped_for: what text that is no `Markup` is escaped for; None where the text is this project's own.
    """
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=escaped_for == "html",
        finalize=_in_markdown if escaped_for == "markdown" else None,
    )  # fmt: skip


def _in_markdown(value: object) -> object:
    from markupsafe import Markup

    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    before, after = value[:1].isspace(), value[-1:].isspace()  # as in text that a template adds to a name
    return f"{' ' * before}{escaping.markdown(value)}{' ' * after}"
