"""The file pipeline.toml in the working folder: values for options that are not given.

An option wins over the environment, the environment over the file, the file over the default.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from pathlib import Path
from typing import Any

FILE = Path("pipeline.toml")
_CONTEXT: ContextVar[Any] = ContextVar("context", default=None)
MOST_WORKERS = 10_000  # of a Ray cluster; a machine takes fewer, see `executor.opened`
KEYS = {"lake": str, "downloads": str, "images": str, "workers": int}
_MEANINGS = {
    "lake": "the path of a folder",
    "downloads": "the path of a folder",
    "images": "what --images takes",
    "workers": f"a whole number from 1 to {MOST_WORKERS}",
}


def read() -> dict[str, Any]:
    """The values of the file, by the names of options; none where there is no file.

    Raises:
        UserError: it cannot be read, or has a key or a value that means nothing.
    """
    if not os.path.lexists(FILE):  # help imports nothing for it
        return {}
    from pipeline.errors import UserError, excerpt, unknown
    from pipeline.formats import toml_files

    content = toml_files.read(FILE, "configuration file")
    for key, value in content.items():
        if key not in KEYS:
            raise UserError(f"configuration file {FILE}: {unknown('key', key, KEYS)}")
        means = value.isprintable() and value != "" if type(value) is str else value in range(1, MOST_WORKERS + 1)
        if type(value) is not KEYS[key] or not means:
            raise UserError(f"configuration file {FILE}: {key} is {excerpt(value)}: write {_MEANINGS[key]}")
    return content


def begin(context: Any) -> None:
    """Let `is_from_file` and `is_given` speak of this command's options."""
    _CONTEXT.set(context)


def is_from_file(option: str) -> bool:
    """Whether the value of an option of the command that runs is from the file."""
    return _source(option) == "DEFAULT_MAP"


def is_given(option: str) -> bool:
    """Whether an option of the command that runs stands on the command line."""
    return _source(option) == "COMMANDLINE"


def images_for(inputs: str, images: str | None) -> str | None:
    """The images to score on: those of the file are for networks that take images, and others go without."""
    return None if inputs != "images" and is_from_file("images") else images


def _source(option: str) -> str | None:
    context = _CONTEXT.get()
    source = context and context.get_parameter_source(option)
    return source.name if source else None
