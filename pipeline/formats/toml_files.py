"""Settings in TOML files, checked against a pydantic model; a mistake is one line that names file and field."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import UserError


class StrictModel(BaseModel):
    """A model that is immutable and refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=StrictModel)


def read(path: Path, what: str) -> dict[str, Any]:
    """The content of a TOML file.

    Args:
        path: the file.
        what: what the file is, for messages: "aggregate".

    Raises:
        UserError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{what} {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{what} {path} is not TOML: {error}") from error


def validated(model: type[Model], content: dict[str, Any], path: Path, what: str, whole: str) -> Model:
    """The content of a file as a model.

    Args:
        model: its fields and rules.
        content: as `read` gives it.
        path, what: as of `read`.
        whole: what a message calls the place of a mistake that is in no single field: "the file".

    Raises:
        UserError: a field is missing, unknown or of another type, or breaks a rule; the message names the first.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or whole
        raise UserError(f"{what} {path}: {where}: {first['msg']}") from error
