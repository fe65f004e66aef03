"""The one module that deletes, replaces and renames: only what this program has written, and never through a link.

A file or folder appears whole or not at all: it is written under a temporary name in the same folder, then renamed.
Temporary names are `.pipeline-HOST-PID-RANDOM`; those of processes that have ended are removed by the next write there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import platform
import re
import stat
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import UserError

TEMPORARY = ".pipeline-"  # begins the temporary names beside a file
_PROCESSES = Path("/proc/self/ns/pid")  # on Linux, one per container that has processes of its own
_OWN = re.compile(r"((?P<host>.+)-)?(?P<pid>\d{1,9})-[0-9a-f]{8}(\.wal)?")
_NOT_OPENED = (errno.ENXIO, errno.EOPNOTSUPP, errno.ENODEV, errno.ELOOP)
"""Of opening a socket (on Linux and on macOS), a device without a driver, or a link to itself."""
_ABSENT = (errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""Of links, locks and flushed folders, on network and other disks that have none."""
_OLD = 24 * 60 * 60  # seconds without a change, after which what another machine was writing counts as abandoned


def _host() -> str:
    """The name of this machine, with what tells apart the containers on it that share its name."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", platform.node())[:64]
    try:
        return f"{name}.{_PROCESSES.stat().st_ino}"
    except OSError:  # of macOS
        return name


_HOST = _host()


def own_name() -> str:
    """A new name that says which process of which machine it is of: HOST-PID-RANDOM."""
    return f"{_HOST}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def is_abandoned(path: Path, prefix: str = "") -> bool:
    """Whether the file or folder has a temporary name after the prefix, and whatever wrote it has ended."""
    match = _OWN.fullmatch(path.name.removeprefix(prefix)) if path.name.startswith(prefix) else None
    if match is None or path.is_symlink() or (path.is_dir() and is_locked(path)):
        return False
    if match["host"] in (_HOST, platform.node(), None):
        return not _runs(int(match["pid"]))
    try:
        return _now_in(path.parent) - path.stat().st_mtime > _OLD
    except OSError:
        return False


def _now_in(folder: Path) -> float:
    """The time by the clock that dates the files of a folder, which of a shared disk is not that of this machine."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:  # nothing can be written here
        return time.time()


@contextlib.contextmanager
def own_folder(folder: Path) -> Iterator[None]:
    """Make a folder of a temporary name and hold its lock, by which `is_abandoned` of other processes knows it.

    Neither their number nor the clock tells: containers on one machine may share its name and not its processes.
    """
    descriptor = -1
    try:
        while descriptor < 0:
            folder.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # another process has removed it before it was locked
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                with contextlib.suppress(OSError):  # a file system without locks
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                if not _is_file_of(descriptor, folder):
                    os.close(descriptor)
                    descriptor = -1
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def is_within(root: Path, path: Path) -> bool:
    """Whether no component of `path` below `root` is a symbolic link; not where that cannot be looked at."""
    with contextlib.suppress(PermissionError):
        return _link(root, path) is None
    return False


def refuse_links(root: Path, path: Path) -> None:
    """Refuse to write where a component of `path` below `root` is a symbolic link.

    Raises:
        UserError: one is; what it points at may be a user's.
    """
    if (link := _link(root, path)) is not None:
        raise UserError(
            f"{link} is a symbolic link, and nothing is written or deleted through one: "
            "put the file or folder itself in its place"
        )


def read_file(path: Path) -> bytes:
    """The content of a file that this program wrote; anything else of its name is refused, as reading it may not end.

    Raises:
        FileNotFoundError: there is none.
        UserError: it is a folder, a named pipe, a socket, a device, or a link that leads back to itself.
    """
    not_plain = f"{path} is no plain file, as this program writes: move it away"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # which does not wait for the writer of a named pipe
    except OSError as error:
        if error.errno not in _NOT_OPENED:
            raise
        raise UserError(not_plain) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(not_plain)
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def refuse_gone(root: Path) -> None:
    """Refuse to continue with a lake that was moved or removed since it was opened.

    Raises:
        UserError: it was; no part of it is damaged.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not there any more: put it back, and run the same command again")


def refuse_unwritable(folder: Path, written: str, other: str) -> None:
    """Refuse a folder in which nothing can be written, before the work whose result is to be stored in it.

    Args:
        folder: which is there.
        written: what is to be written ("the lake data/lake").
        other: what may be named in its place ("another with --lake").

    Raises:
        UserError: it is on a read-only disk or belongs to another user.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"no permission for writing {written}: make {folder} writable, or name {other}")


def refuse_unwritable_lake(root: Path) -> None:
    """Refuse a lake that cannot be written or made, see `refuse_unwritable`."""
    place = next(folder for folder in (root.absolute(), *root.absolute().parents) if folder.exists())
    if place.is_dir():
        refuse_unwritable(place, f"the lake {root}", "another with --lake")


def make_folder(root: Path, folder: Path) -> None:
    """Make the folder below `root`, and those between.

    Raises:
        UserError: one of them is a symbolic link or no folder, or `root` is gone: a new one would be a folder that is
            no lake.
    """
    refuse_gone(root)
    refuse_links(root, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:  # which would say that another process has made the same
        taken = next(place for place in (folder, *folder.parents) if os.path.lexists(place) and not place.is_dir())
        raise UserError(f"{taken} is no folder, where this program has one: move it away") from error


def remove_file(path: Path) -> None:
    """Remove a file that this program wrote, if it is there; a link or a folder of that name stays."""
    with contextlib.suppress(FileNotFoundError):
        if not path.is_symlink() and path.is_file():
            path.unlink()


def remove_folder(folder: Path, names: re.Pattern[str]) -> None:
    """Remove a folder that this program wrote, as far as the names of the files in it are its own; errors are ignored.

    Args:
        folder: the folder; a symbolic link stays.
        names: what the paths of its files match, as seen from the folder. Others stay, and the folder with them.
    """
    if folder.is_symlink():
        return
    for place, _, files in os.walk(folder, topdown=False):
        here = Path(place)
        with contextlib.suppress(OSError):
            for file in files:
                if names.fullmatch((here / file).relative_to(folder).as_posix()):
                    remove_file(here / file)
            here.rmdir()  # fails where anything is left


def remove_empty(*folders: Path) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def sweep(folder: Path, prefix: str, names: re.Pattern[str] | None = None) -> None:
    """Remove what processes that have ended left in a folder under temporary names.

    Args:
        prefix: what their names begin with; see `is_abandoned`.
        names: for folders among them, what the files in them are called; see `remove_folder`. Without it folders stay.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for path in [Path(entry.path) for entry in entries if entry.name.startswith(prefix)]:
            if is_abandoned(path, prefix):
                with contextlib.suppress(OSError):
                    remove_file(path)
                if names is not None:
                    remove_folder(path, names)


def replace_file(source: Path, target: Path) -> None:
    """Rename a file, over the file `target` if there is one.

    Raises:
        UserError: `target` is a symbolic link.
    """
    refuse_links(target.parent, target)
    source.replace(target)


def publish_folder(source: Path, target: Path) -> None:
    """Rename a folder to a name that no folder with files has.

    Raises:
        FileExistsError: `target` is there.
        UserError: it is there, and is no folder.
    """
    if os.path.lexists(target):
        if source.is_dir() and not target.is_dir():
            raise UserError(f"{target} is no folder, where this program has one: move it away")
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        source.rename(target)  # onto a folder with files it fails, so a race publishes one of the two
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # of Linux, and of other systems
            raise
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error


@contextlib.contextmanager
def temporary_path(path: Path) -> Iterator[Path]:
    """Yield an unused hidden path in the folder of `path`; a file that is still there at the end is removed."""
    sweep(path.parent, TEMPORARY)
    temporary = path.with_name(f"{TEMPORARY}{own_name()}")
    try:
        yield temporary
    finally:
        remove_file(temporary)
        remove_file(temporary.with_name(f"{temporary.name}.wal"))  # of a database


@contextlib.contextmanager
def atomic_write(path: Path, *, durable: bool = False, replace: bool = True) -> Iterator[Path]:
    """Yield a path to write to, which becomes `path` when the block ends; after an error `path` is as it was.

    Args:
        durable: flush the file to the disk before it takes its place, so that a power failure leaves either of the two.
        replace: whether a file of that name, which must be one that this program wrote, is replaced.

    Raises:
        FileExistsError: there is a file of that name, which is not to be replaced.
        UserError: `path` is a symbolic link.
    """
    with temporary_path(path) as temporary:
        yield temporary
        if durable:
            flush_to_disk(temporary)
        if replace:
            replace_file(temporary, path)
        else:
            publish_file(temporary, path)


@contextlib.contextmanager
def locked(path: Path, *, keep: bool = True, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a file, which is made where it is missing; it goes with the process, however that ends.

    Args:
        path: the file; its content is not touched.
        keep: leave the file there at the end.
        wait: until another process has left it; otherwise continue without the lock if one holds it, and keep the file.
    """
    descriptor = -1
    try:
        while descriptor < 0:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                keep = True
                break
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                raise UserError(
                    f"{path.parent} is on a file system without locks ({error.strerror}), which keep two commands from "
                    "writing at once: name a folder on another disk, or have it mounted with locks"
                ) from error
            if not _is_file_of(descriptor, path):  # the last holder has removed it meanwhile
                os.close(descriptor)
                descriptor = -1
        yield
        if not keep:
            remove_file(path)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of the file or folder; it is not made."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # see `read_file`
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(descriptor)
    return False


def flush_to_disk(path: Path) -> None:
    """Wait until the file's content, or the folder's list of names where a file system can, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _ABSENT or not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise
    finally:
        os.close(descriptor)


def publish_file(source: Path, target: Path) -> None:
    """Give a file a name that nothing has; where the file system has links, it keeps its old name, too.

    Raises:
        FileExistsError: something has that name.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EMLINK, *_ABSENT):
            raise
        publish_folder(source, target)  # a file system without links


def _link(root: Path, path: Path) -> Path | None:
    place = root
    for name in path.relative_to(root).parts:
        place /= name
        if place.is_symlink():
            return place
    return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _is_file_of(descriptor: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    return False
