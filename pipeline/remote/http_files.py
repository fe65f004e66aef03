"""Files at http and https addresses, read as a stream from any byte."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline import provenance
from pipeline.errors import UserError, excerpt
from pipeline.progress import warn
from pipeline.remote.addresses import shown
from pipeline.remote.redirects import followed, session_of_steps
from pipeline.wording import count_of

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 14  # bytes at a time: of what a connection that ends has sent, fewer than these are lost
TIMEOUT = (10.0, 60.0)  # seconds for a connection, and without a byte
SLOWEST = 120.0  # seconds without a chunk
PAUSES = (1.0, 4.0, 15.0)  # seconds before it is asked again

_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-[0-9]+|\*)/([0-9]+|\*)")
_LENGTH = re.compile(r"\*|[0-9]{1,18}")
_PACKINGS = ("identity", "gzip", "x-gzip", "deflate")
_WEB_PAGE = re.compile(rb"(?is)(\xef\xbb\xbf)?(?>\s|<\?xml[^>]*>|<!--.{,999}?-->)*+<(!doctype html|html)")
_WEB_PAGES = ("text/html", "application/xhtml")
_REASONS = {
    401: "it may not be read (401): look whether its address or its permissions have changed",
    403: "it may not be read (403): look whether its address or its permissions have changed",
    404: "there is no such file (404): look whether its address has changed",
    410: "there is no such file any more (410)",
}

_Asked = TypeVar("_Asked")


class UnreachableError(UserError):
    """The network or the server fails, which may pass."""


class NoAnswerError(UnreachableError):
    """Nothing answers, or not any more: there may be no server."""


class AbsentError(UserError):
    """The server has no such file."""


class DeniedError(UserError):
    """The file may not be read, or is absent from a bucket whose files may not be listed: the answer is the same."""


class TooLongError(UserError):
    """The server sends more than the file may have."""


class WebPageError(UserError):
    """The server sends a web page, to log in or to confirm something, in place of the file."""


@dataclass(frozen=True)
class HttpAnswer:
    """A file, or the rest of it.

    Attributes:
        offset: the byte that `chunks` begin with; 0 where the server does not send a rest.
        size: bytes of the whole file; None where the server does not state it.
        version: what the server calls this content of the file, or when it changed; empty where it says neither.
        is_page: whether it declares the content a web page.
        chunks: the bytes; to go through them raises UnreachableError when the connection ends early.
    """

    offset: int
    size: int | None
    version: str
    is_page: bool
    chunks: Iterator[bytes] = field(repr=False)


@contextlib.contextmanager
def requested(address: str, offset: int = 0, version: str = "", size: int | None = None) -> Iterator[HttpAnswer]:
    """Ask for a file from a byte on; of another version or size than the given ones all of it comes.

    Args:
        address: of the file.
        offset: the bytes of it that are here.
        version: of these, as `HttpAnswer` has it; where it is empty, all of the file is asked for.
        size: bytes of the whole file that these are of, where that is known.

    Raises:
        UnreachableError: no connection, or the server fails.
        AbsentError: there is no such file.
        UserError: anything else that is wrong with the address or the answer.
    """
    headers = {"Accept-Encoding": "identity", "User-Agent": f"nas-proxy-bench/{provenance.released_version()}"}
    if offset and version:
        headers |= {"Range": f"bytes={offset}-", "If-Range": version}
    with contextlib.ExitStack() as opened, _explained(address):
        session = opened.enter_context(session_of_steps(address))
        response = opened.enter_context(followed(session, address, headers, TIMEOUT))
        if "Range" in headers and (_has_no_rest(response) or _is_of_another(response, version, size)):
            response.close()
            del headers["Range"], headers["If-Range"]
            response = opened.enter_context(followed(session, address, headers, TIMEOUT))
        _refuse(address, response)
        answer = _answer(address, response, opened.enter_context(_watched(response)))
        if answer.offset not in (0, offset):
            raise UserError(
                f"{shown(address)}: the server sends the file from byte {answer.offset:,} on, not {offset:,}"
            )
        yield answer


def whole(address: str, most: int) -> bytes:
    """The content of a small file.

    Raises:
        UserError: as in `requested`, or it has more than `most` bytes, or is a web page.
    """
    with requested(address) as answer:
        content = bytearray()
        for chunk in answer.chunks:
            content += chunk
            if len(content) > most:
                raise UserError(f"{shown(address)} is longer than the {most:,} bytes that such a file may have")
        if answer.is_page or _WEB_PAGE.match(content):
            raise WebPageError(f"{shown(address)} answers with a web page, not with the file")
        return bytes(content)


def persistently(ask: Callable[[], _Asked], answered: Callable[[], bool] = lambda: True) -> _Asked:
    """What `ask` returns, which is called again after a pause where a server or its connection fails.

    Args:
        answered: whether the server has answered before, else an address where nothing answers is not asked again.
    """
    fails = False
    for pause in PAUSES:
        try:
            return ask()
        except UnreachableError as error:
            fails = fails or not isinstance(error, NoAnswerError)
            if not fails and not answered():
                raise
            warn(f"{error}; this command asks again in {count_of(round(pause), 'second')}")
            time.sleep(pause)
    return ask()


def save(answer: HttpAnswer, path: Path, advance: Callable[[int], None], name: str, most: int | None = None) -> None:
    """Put what comes into a file, from the byte on that it begins with.

    Args:
        answer: what comes; the file has the bytes before it.
        advance: told how many more bytes there are, or how many fewer.
        name: for messages.
        most: how many bytes the file may have.

    Raises:
        UnreachableError: less came than the server stated; what came stays.
        WebPageError: a web page came.
        TooLongError: more than `most` bytes came, or more than the server stated.
    """
    limits = [limit for limit in (most, answer.size) if limit is not None]
    if answer.is_page:
        raise WebPageError(f"{name} answers with a web page, not with the file")
    with path.open("r+b") as file:
        advance(answer.offset - file.seek(0, os.SEEK_END))
        file.seek(answer.offset)
        file.truncate()
        for chunk in answer.chunks:
            if not file.tell() and _WEB_PAGE.match(chunk):
                raise WebPageError(f"{name} answers with a web page, not with the file")
            if limits and file.tell() + len(chunk) > min(limits):
                raise TooLongError(f"{name} is longer than the {min(limits):,} bytes that it may have")
            file.write(chunk)
            advance(len(chunk))
    if answer.size is not None and path.stat().st_size != answer.size:
        raise UnreachableError(f"{name}: the connection ended before the file did")


def _refuse(address: str, response: requests.Response) -> None:
    status = response.status_code
    if status in (404, 410):
        raise AbsentError(f"{shown(address)}: {_REASONS[status]}")
    if status in (401, 403):
        raise DeniedError(f"{shown(address)}: {_REASONS[status]}")
    if status == 429 or status >= 500:
        raise UnreachableError(f"{shown(address)}: the server fails ({status}): try again later")
    if status not in (200, 206):
        raise UserError(f"{shown(address)}: {_REASONS.get(status, f'the server answers {status}, not with the file')}")


def _has_no_rest(response: requests.Response) -> bool:
    """Whether what is here is as long as the file, or longer."""
    return response.status_code == 416


def _is_of_another(response: requests.Response, version: str, size: int | None) -> bool:
    """Whether a rest is of another file than what is here: some servers know Range, and not If-Range.

    A rest of the same version need not state it.
    """
    if response.status_code != 206:
        return False
    stated = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    total = stated[2] if stated else "*"
    return _version(response) not in ("", version) or (size is not None and total not in ("*", str(size)))


def _version(response: requests.Response) -> str:
    tag: str = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _answer(address: str, response: requests.Response, chunks: Iterator[bytes]) -> HttpAnswer:
    headers = response.headers
    offset, size = 0, headers.get("Content-Length")
    if response.status_code == 206:
        match = _RANGE.fullmatch(headers.get("Content-Range", ""))
        if match is None or match[1] is None:
            raise UserError(f"{shown(address)}: the server sends a part of the file and does not say which")
        offset, size = int(match[1]), match[2]
    packing = headers.get("Content-Encoding", "identity").strip().lower()
    ends = packing == "identity" or "Content-Length" in headers or "Transfer-Encoding" in headers  # told from a cut
    if packing not in _PACKINGS or not ends:  # one within another grows by a thousand times a thousand
        raise UserError(f"{shown(address)}: the server packs the file as {excerpt(packing, 40)}, unasked")
    if packing != "identity":  # its sizes are those of what is packed
        size = None
    if size and not _LENGTH.fullmatch(size):
        raise UserError(f"{shown(address)}: the server states {excerpt(size, 40)} as the length of the file")
    return HttpAnswer(
        offset,
        int(size) if size and size != "*" else None,
        _version(response),
        headers.get("Content-Type", "").strip().lower().startswith(_WEB_PAGES),
        chunks,
    )


@contextlib.contextmanager
def _watched(response: requests.Response) -> Iterator[Iterator[bytes]]:
    """Yield the chunks of an answer, whose connection is ended when `SLOWEST` seconds pass without one.

    The library's own limit is one without a byte: a server that sends one a minute keeps a command for days.
    """
    import requests

    came, ended, cut = threading.Event(), False, False

    def watch() -> None:
        nonlocal cut
        while came.wait(SLOWEST) and not ended:
            came.clear()
        if not ended:
            cut = True
            with contextlib.suppress(Exception):  # it has ended by itself, or the library cannot end it
                response.raw.shutdown()

    def chunks() -> Iterator[bytes]:
        for chunk in response.iter_content(CHUNK):
            came.set()
            yield chunk
            came.set()  # the consumer of the chunk may have been slow
        if cut:  # which looks like the end of a file whose length is not stated
            raise requests.exceptions.ChunkedEncodingError

    with contextlib.suppress(RuntimeError):  # no thread can be started: then nothing watches
        threading.Thread(target=watch, daemon=True).start()
    try:
        yield chunks()
    finally:
        ended = True
        came.set()


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Turn what the library raises, also while chunks are read, into one line."""
    import requests

    try:
        yield
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
        raise UnreachableError(f"{shown(address)}: the connection ended before the file did") from error
    except requests.exceptions.SSLError as error:
        clock = (
            " (by the clock of this machine: is it right?)" if re.search("expired|not yet valid", str(error)) else ""
        )
        raise UserError(f"{shown(address)}: its certificate cannot be verified: {_reason(error)}{clock}") from error
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
        raise NoAnswerError(
            f"{shown(address)} cannot be reached ({_reason(error)}): look whether there is a network, and try again"
        ) from error
    except (requests.exceptions.RequestException, ValueError) as error:
        raise UserError(f"{shown(address)} cannot be read: {_reason(error)}") from error
    except OSError as error:
        if error.errno is not None:  # of the file that is written
            raise
        raise UserError(f"{shown(address)} cannot be read: {error}") from error  # REQUESTS_CA_BUNDLE is no file


def _reason(error: Exception) -> str:
    """What is wrong, in a few words, from an error that others are wrapped in."""
    import requests

    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    while error.args and isinstance(error.args[-1], Exception):
        error = error.args[-1]
    if type(error) is http.client.BadStatusLine:
        return "what answers does not speak HTTP"
    text = " ".join(str(error).split())
    match = re.search(r"\[Errno -?\d+\] ([^'\")\]]+)", text)
    return (match[1] if match else text.rpartition(": ")[2] or type(error).__name__)[:120]
