"""Files that a user names for output: never inside a lake, and never over a file that is not to be replaced."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UserError, os_errors_explained
from pipeline.lake.files import atomic_write

MARKER = "lake.json"  # the file that makes a folder a lake


@dataclass(frozen=True)
class OutputFile:
    """A file that a user names for output.

    Args:
        path: the file.
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
            refuse_lake(path)
            if not path.parent.is_dir():
                raise UserError(f"no folder {path.parent} for writing {path.name}: create it, or choose another place")
            if path.is_symlink():
                raise UserError(f"{path} is a symbolic link, not {self.form}: name the file itself, or another one")
            if path.is_dir():
                raise UserError(f"{path} is a folder, not {self.form}: name a file in it")
            if path.exists() and not path.is_file():
                raise UserError(f"{path} is a device or a pipe, not {self.form}: name a file")
            if path.exists() and not self.force and not self._is_ours():
                what = "stays as it is" if self.ours is None else f"is not {self.form}"
                raise UserError(f"{path} exists and {what}: choose another name, or replace it with --force")
            if not os.access(path.parent, os.W_OK | os.X_OK):
                raise UserError(
                    f"no permission for writing {path}: make {path.absolute().parent} writable, or name another place"
                )

    @contextlib.contextmanager
    def written(self) -> Iterator[Path]:
        """Yield a path to write to, which becomes the file when the block ends; after an error nothing has changed.

        Raises:
            UserError: as of `refuse`, and where the disk is full or cannot be written.
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


def refuse_lake(path: Path) -> None:
    """Refuse a file or folder inside a lake, or the lake itself, also behind links.

    Raises:
        UserError: it is inside a lake.
    """
    resolved = path.resolve()
    for folder in (resolved, *resolved.parents):
        if (folder / MARKER).is_file():
            raise UserError(f"{path} is inside the lake {folder}: write it elsewhere")
