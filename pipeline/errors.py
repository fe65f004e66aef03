"""Errors that a user can correct: one type, which the command line turns into one line and an exit code."""

from __future__ import annotations

import contextlib
import difflib
import errno
import functools
import itertools
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

_MOST_NAMES, _MOST_SHOWN, _LONGEST_NAME = 2_000, 60, 100  # of the known names that a message goes through and lists
_LONGEST_MESSAGE = 900  # characters, of which names and paths that it repeats may have any number

_OUT_OF_MEMORY = (
    "std::bad_alloc",
    "bad allocation",
    "Allocation failure",
    "can't start new thread",
    "can't allocate memory",
    "annot allocate memory",
    "failed to map segment",
    "Out of Memory",
)


_OPEN_FILES = "too many files are open: raise the limit (`ulimit -n`), or use fewer --workers"
_REFUSED_BY_SYSTEM = {  # number -> words of an error without one, and what to do
    errno.EMFILE: ("Too many open files", _OPEN_FILES),
    errno.ENFILE: ("Too many open files in system", _OPEN_FILES),
    errno.EAGAIN: (
        "Resource temporarily unavailable",
        "the system refuses a process, a thread or a write for now: raise a limit (`ulimit -u`)",
    ),
}


class UserError(Exception):
    """Something outside the program is wrong, and the message says what, where, and what to do about it."""


class NotThisFormError(UserError):
    """The file is not of the form that the reader expects."""


def unknown(kind: str, name: object, known: Iterable[str]) -> UserError:
    """The error for a name that does not exist, with the nearest names that do."""
    names = sorted(itertools.islice(known, _MOST_NAMES))
    comparable = [one for one in names if len(one) <= _LONGEST_NAME]
    near = difflib.get_close_matches(name[:_LONGEST_NAME] if isinstance(name, str) else "", comparable, n=3, cutoff=0.5)
    unknown_name = f"unknown {kind} '{excerpt(name, _LONGEST_NAME, bare=True)}'"
    if near:
        return UserError(f"{unknown_name}: did you mean {' or '.join(near)}?")
    shown = ", ".join(excerpt(one, _LONGEST_NAME, bare=True) for one in names[:_MOST_SHOWN]) or "none"
    more = " and others" if len(names) > _MOST_SHOWN else ""
    return UserError(f"{unknown_name}: known are {shown}{more}")


def from_os(error: OSError, doing: str) -> UserError:
    """The error for a failure of the file system while `doing` something ("writing data/lake")."""
    where = f" ({error.filename})" if error.filename and str(error.filename) not in doing else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"no space left while {doing}: free some and run the same command again; nothing stored is lost"
        )
    if refusal := refused_by_system(error):
        return UserError(f"while {doing}, {refusal}; nothing stored is lost")
    if isinstance(error, FileNotFoundError) and is_homeless():
        return UserError("the working folder is not there any more: change to one that is, and try again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(f"no permission while {doing}{where}: change the permissions, or choose another place")
    return UserError(f"{error.strerror or error} while {doing}{where}")


class _BoundedRepr(reprlib.Repr):
    """The beginning of a `repr`, made without the rest: what shares its parts may be written out at any length."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 3, 200, 200

    def repr_dict(self, x: Mapping[Any, Any], level: int) -> str:
        """In the order of the mapping, which its base class would sort."""
        if level <= 0 or not x:
            return "{...}" if x else "{}"
        members = itertools.islice(x.items(), self.maxdict)
        shown = [f"{self.repr1(key, level - 1)}: {self.repr1(value, level - 1)}" for key, value in members]
        return "{" + ", ".join([*shown, *["..."][: len(x) > self.maxdict]]) + "}"

    def repr_set(self, x: Iterable[Any], level: int) -> str:
        """In any order: members need not be comparable."""
        return self.repr_list(list(itertools.islice(x, self.maxset + 1)), level)

    repr_frozenset = repr_set

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write thousands of digits."""
        return repr(x) if x.bit_length() <= 256 else f"<a whole number of {x.bit_length():,} bits>"

    def repr_bytes(self, x: bytes, level: int) -> str:
        """Of the first bytes."""
        return repr(x[: self.maxstring])

    repr_bytearray = repr_bytes

    def repr_ndarray(self, x: Any, level: int) -> str:
        """Type and shape."""
        return f"<array of {x.dtype}, shape {list(x.shape)}>"

    repr__Array = repr_ndarray  # noqa: N815 (named after the class, as reprlib looks it up)


_BOUNDED_REPR = _BoundedRepr()


def excerpt(value: object, length: int = 60, *, bare: bool = False) -> str:
    """The beginning of the `repr` of what a file holds, for a message: short and quickly made, whatever it is.

    Args:
        length: characters after which it is cut.
        bare: text without quotation marks.
    """
    text = _BOUNDED_REPR.repr(value[: length + 1] if isinstance(value, str) else value)
    if bare and isinstance(value, str):
        text = text[1:-1]
    return text if len(text) <= length else f"{text[:length]}..."


def short_message(error: BaseException) -> str:
    """The beginning of what an error of a library says, on one line; its class where it says nothing."""
    return excerpt(" ".join(str(error)[:400].split()), 200, bare=True) or type(error).__name__


def shortened(message: str) -> str:
    """The message with the middle left out of one that is long: it ends in what to do."""
    half = _LONGEST_MESSAGE // 2
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:half]} ... {message[-half:]}"


@functools.lru_cache(256)
def column_named(name: object) -> str:
    """How a message names a column; long names are cut."""
    return f"column '{excerpt(name, 100, bare=True)}'"


def message_of(error: BaseException) -> str:
    """What an error says; nothing where its own code fails to say it, or ends the process."""
    try:
        return str.__str__(str(error))  # a text whose methods are those of every text
    except BaseException:
        return ""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: in Python, numpy and Arrow (`MemoryError`), in DuckDB, torch, or at a new thread."""
    if isinstance(error, MemoryError) or type(error).__name__.startswith("OutOfMemory"):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, Exception) and any(sign in message_of(error) for sign in _OUT_OF_MEMORY)


def is_there(path: Path) -> bool:
    """Whether a path leads to something.

    Raises:
        OSError: that cannot be told, as where a folder may not be searched; `Path.exists` of Python 3.14 says no then.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last of a path with a null character
        return False
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return False
    return True


def is_homeless() -> bool:
    """Whether the working folder has been removed."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def refused_by_system(error: BaseException) -> str | None:
    """What the system refuses for now, and what to do, where an error says that; no file is at fault then."""
    for number, (words, what) in _REFUSED_BY_SYSTEM.items():
        if (isinstance(error, OSError) and error.errno == number) or words in message_of(error):
            return what
    return None


@contextlib.contextmanager
def os_errors_explained(doing: str) -> Iterator[None]:
    """Turn a failure of the file system within the block into the line of `from_os`.

    A `FileExistsError` stays one: it says that another process has written the same meanwhile.
    """
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise from_os(error, doing) from error
