"""Make text from outside safe for its destination: one function for each.

HTML is left to Jinja's autoescape, literals of SQL to `pipeline.catalog.quoting`, CSV to the csv module;
docs/decisions/0029 says why formulas stay as they are.
"""

from __future__ import annotations

import hashlib
import re

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, delete, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of text
    "\u2028\u2029\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # separators, half characters, unseen marks
    "\ufffe\uffff]"  # no characters of XML, on which the library that draws figures ends the process
)
_MARKDOWN = {
    "\\": "\\\\", "`": "\\`", "*": "\\*", "~": "\\~", "|": "\\|", "$": "\\$",
    "&": "&amp;", "<": "&lt;", ">": "&gt;", "[": "&#91;", "]": "&#93;",
}  # fmt: skip
_FILE_NAME = 100  # characters of a slug


def visible(text: str) -> str:
    r"""The text with what moves the cursor, changes colours or turns the direction of writing shown as \x1b or \u202e.

    Tabs and line feeds stay.
    """
    return _CONTROLS.sub(lambda match: _shown(match[0]), text)


def line(text: str) -> str:
    """The text as one line for a terminal: `visible`, each run of white space one blank."""
    return " ".join(visible(text).split())


def cell(text: str) -> str:
    r"""The text as a cell of a table on a terminal: `visible`, a tab as \t; line feeds stay, and make more lines."""
    return visible(text).replace("\t", "\\t")


def markdown(text: object) -> str:
    """The text as plain text within a paragraph, a heading or a cell of a table of Markdown: no tag, link or markup."""
    safe = "".join(_MARKDOWN.get(character, character) for character in line(str(text)))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", safe)  # within a word it is no emphasis


def file_name(text: str) -> str:
    """The text as a name of a file: small letters, digits and hyphens, long ones cut and told apart by a hash."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()
    if len(slug) <= _FILE_NAME:
        return slug
    return f"{slug[: _FILE_NAME - 9].rstrip('-')}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}"


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
