"""Recognize, show and join the addresses of files and folders."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

from pipeline.errors import UserError, excerpt

SCHEMES = ("http", "https", "s3")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def is_address(text: str) -> bool:
    """Whether the text is an address and no path."""
    return _ADDRESS.match(text) is not None


def scheme(address: str) -> str:
    """Its scheme, one of `SCHEMES`.

    Raises:
        UserError: it is another, or the address names no host or bucket, or a port that there cannot be.
    """
    match = _ADDRESS.match(address)
    name = match[1].lower() if match else ""
    if name not in SCHEMES:
        known = ", ".join(f"{one}://" for one in SCHEMES)
        raise UserError(f"{shown(address)} has a scheme that is not read: name a folder, or an address of {known}")
    try:
        host = urlsplit(address).hostname
    except ValueError:
        host = None
    if not host:
        raise UserError(f"{shown(address)} names no {'bucket' if name == 's3' else 'host'}: write it whole")
    try:
        _ = urlsplit(address).port
    except ValueError as error:
        raise UserError(f"{shown(address)} has a port that is no number up to 65535: correct or omit it") from error
    return name


def shown(address: str) -> str:
    """The address as a message shows it: without a password, and without the query, which may hold a signature."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return excerpt(address, 200, bare=True)
    host = parts.netloc.rpartition("@")[2]
    whole = urlunsplit((parts.scheme, host, parts.path, "", ""))
    if is_address(address) and not host:  # without which "//" is left out
        whole = f"{parts.scheme}://{parts.path}"
    return excerpt(whole, 300, bare=True)


def joined(folder: str, name: str) -> str:
    """The address of a file in a folder; a query of the folder's address stays."""
    parts = urlsplit(folder)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{quote(name)}"))
