"""What a user can mend: one error type, which the command line turns into one line and an exit code."""

from __future__ import annotations

import contextlib
import difflib
import errno
from collections.abc import Iterable, Iterator


class UserError(Exception):
    """Something outside the program is wrong, and the message says what, where, and what to do about it."""


class NotThisFormError(UserError):
    """The file is not of the form that the reader expects."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that does not exist, with the nearest names that do."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return UserError(f"unknown {kind} '{name}': did you mean {' or '.join(near)}?")
    return UserError(f"unknown {kind} '{name}': known are {', '.join(names) or 'none'}")


def from_os(error: OSError, doing: str) -> UserError:
    """The error for a failure of the file system while `doing` something ("writing data/lake")."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"no space left while {doing}: free some and run the same command again; nothing stored is lost"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(f"no permission while {doing}: choose another folder with --lake or change its permissions")
    where = f" ({error.filename})" if error.filename else ""
    return UserError(f"{error.strerror or error} while {doing}{where}")


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
