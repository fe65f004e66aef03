"""Files and folders that a user names for output: never inside a lake, and never over what is not to be replaced."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UserError, is_there, os_errors_explained
from pipeline.lake import files
from pipeline.lake.files import TEMPORARY, atomic_write
from pipeline.lake.marker import is_lake


@dataclass(frozen=True)
class OutputFile:
    """A file that a user names for output.

    Args:
        force: whether a file of that name may be replaced, whatever it is.
        ours: tells whether a file of that name may be replaced without `force`; by default none may.
        form: what `ours` recognises, for messages.
    """

    path: Path
    force: bool = False
    ours: Callable[[Path], bool] | None = None
    form: str = "a file"

    def refuse(self) -> None:
        """Refuse what cannot or must not be written; to be called before the work whose result the file takes.

        Raises:
            UserError: the place is inside a lake, no folder, or taken by what must stay.
        """
        path = self.path
        with os_errors_explained(f"writing {path}"):
            _refuse_place(path)
            if path.is_symlink():
                raise UserError(f"{path} is a symbolic link, not {self.form}: name the file itself, or another one")
            if path.is_dir():
                raise UserError(f"{path} is a folder, not {self.form}: name a file in it")
            if is_there(path) and not path.is_file():
                raise UserError(f"{path} is a device or a pipe, not {self.form}: name a file")
            if path.exists() and not self.force and not self._is_ours():
                what = "stays as it is" if self.ours is None else f"is not {self.form}"
                raise UserError(f"{path} exists and {what}: choose another name, or replace it with --force")
            files.refuse_unwritable(path.absolute().parent, str(path), "another place")

    @contextlib.contextmanager
    def written(self) -> Iterator[Path]:
        """Yield a path to write to, which becomes the file when the block ends; after an error nothing has changed.

        Raises:
            UserError: as in `refuse`, and where the disk is full or cannot be written.
        """
        self.refuse()
        replace = self.force or self._is_ours()
        try:
            with os_errors_explained(f"writing {self.path}"), atomic_write(self.path, replace=replace) as temporary:
                yield temporary
        except FileExistsError as error:
            raise UserError(f"{self.path} was made by another program meanwhile: choose another name") from error

    def _is_ours(self) -> bool:
        return self.ours is not None and self.path.is_file() and self.ours(self.path)


@dataclass(frozen=True)
class OutputFolder:
    """A folder of files that a user names for output.

    Args:
        names: what the names of its files match.
        last: the name of the file by which others know that the folder is whole.
        announced: the name that this file has while others take their places, so that `stranger` knows them should the
            program be killed meanwhile.
        force: whether files of these names may be replaced, even if something else wrote them.
        stranger: tells what in a folder is not of an earlier output, in a few words; None where all is.
    """

    path: Path
    names: re.Pattern[str]
    last: str
    announced: str
    stranger: Callable[[Path], str | None]
    force: bool = False

    def refuse(self) -> None:
        """Refuse what cannot or must not be written.

        Raises:
            UserError: the place is inside a lake, a link or no folder, or holds what must stay.
        """
        path = self.path
        with os_errors_explained(f"writing {path}"):
            _refuse_place(path)
            with contextlib.suppress(FileNotFoundError):
                path.lstat()  # what else is wrong with it, which `exists` does not tell from Python 3.14 on
            if path.is_symlink():
                raise UserError(f"{path} is a symbolic link: name the folder itself, or another one")
            if is_there(path) and not path.is_dir():
                raise UserError(f"{path} is no folder: name another one")
            place = path if path.exists() else path.parent
            files.refuse_unwritable(place.absolute(), str(path), "another")
            for entry in path.iterdir() if path.exists() else ():
                if self.names.fullmatch(entry.name) and (entry.is_symlink() or not entry.is_file()):
                    raise UserError(f"{entry} is no plain file, and nothing is written there: name another folder")
            if path.exists() and not self.force and (what := self.stranger(path)):
                raise UserError(f"{path} {what}: name another folder, or write into this one with --force")

    @contextlib.contextmanager
    def written(self) -> Iterator[Path]:
        """Yield a folder to write the files to, which take their place when the block ends.

        After an error nothing has changed. A folder that is new appears whole; in one that is there each file is
        replaced as a whole, the last one last, and other files stay.

        Raises:
            UserError: as in `refuse`, and where the disk is full or cannot be written.
        """
        self.refuse()
        place = self.path if self.path.exists() else self.path.parent
        with os_errors_explained(f"writing {self.path}"):
            files.sweep(place, TEMPORARY, self.names)
            staging = place / f"{TEMPORARY}{files.own_name()}"
            with files.own_folder(staging):
                try:
                    yield staging
                    self._publish(staging)
                finally:
                    files.remove_folder(staging, self.names)

    def _publish(self, staging: Path) -> None:
        if not self.path.exists():
            try:
                files.publish_folder(staging, self.path)
            except FileExistsError as error:
                raise UserError(f"{self.path} was made by another program meanwhile: name another folder") from error
            return
        others = sorted(path.name for path in staging.iterdir() if path.name != self.last)
        files.replace_file(staging / self.last, self.path / self.announced)
        for name in others:
            files.replace_file(staging / name, self.path / name)
        files.replace_file(self.path / self.announced, self.path / self.last)


def _refuse_place(path: Path) -> None:
    """Refuse a path inside a lake, or in a folder that does not exist."""
    refuse_lake(path)
    if not path.parent.is_dir():
        raise UserError(f"no folder {path.parent} for writing {path.name}: create it, or choose another place")


def refuse_lake(path: Path) -> None:
    """Refuse a file or folder inside a lake, or the lake itself, also behind links.

    Raises:
        UserError: it is inside a lake.
    """
    resolved = Path(os.path.realpath(path))  # which also takes a link that leads back to itself
    for folder in (resolved, *resolved.parents):
        if is_lake(folder):
            raise UserError(f"{path} is inside the lake {folder}: write it elsewhere")
