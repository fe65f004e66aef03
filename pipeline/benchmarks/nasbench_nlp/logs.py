"""The training logs that NAS-Bench-NLP publishes: one JSON file per training, by the thousand in a folder or a zip.

A log is an object of the training's settings, the recipe of its cell as JSON text, and one list per flag with one loss
per epoch. A number or a list may itself stand as JSON text. What is not a number is written NaN or Infinity.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import NotThisFormError, UserError, excerpt, from_os
from pipeline.formats import json_objects, packed, zips
from pipeline.formats.numbers import real
from pipeline.formats.table_form import Unreadable
from pipeline.provenance import content_files

LONGEST = 1 << 20  # bytes of a log; the published ones have at most some thousand
_LOG = re.compile(r"log_stats_model_.+\.json", re.IGNORECASE)


@dataclass(frozen=True)
class Log:
    """One training.

    Args:
        data: the data set, by the last component of the folder that it was read from.
        recipe: the cell, as JSON decodes it.
        run: a number of the training: that of its recipe in the authors' list (`recepie_id`), followed by the nine
            digits that were drawn for the training (`experiment_id`), which alone repeat.
        params: parameters of the whole language model.
        epochs: how many were to be trained.
        status: "OK", or why the training ended.
        seconds: wall time of each epoch that was trained.
        train, validation, test: loss of each flag after each epoch, in nats per word.
    """

    data: str
    recipe: object
    run: int
    params: int
    epochs: int
    status: str
    seconds: Sequence[float]
    train: Sequence[float]
    validation: Sequence[float]
    test: Sequence[float]


def members(path: Path) -> Iterator[tuple[str, bytes | Unreadable]]:
    """Position and content of each log: of a folder's, with the zips in it, of a zip's, or of one file.

    Raises:
        NotThisFormError: there is none; raised before the first is read.
    """
    files = content_files(path) if path.is_dir() else [path]
    zips = [p for p in files if p.suffix.lower() == ".zip"]
    logs = [p for p in files if _LOG.fullmatch(p.name)]
    if not zips and not logs:
        raise NotThisFormError(f"{path} holds no log_stats_model_*.json, nor a zip of them")
    if path in zips:
        _listed(path)
    return _contents(path, zips, logs)


def _contents(path: Path, zips: list[Path], logs: list[Path]) -> Iterator[tuple[str, bytes | Unreadable]]:
    for file in zips:
        prefix = "" if file == path else f"{file.relative_to(path).as_posix()}/"
        try:
            listed = _listed(file)
        except UserError as error:
            yield prefix.rstrip("/"), Unreadable(str(error))
            continue
        with zipfile.ZipFile(file) as archive:
            names = set[str]()
            for member in listed:
                if member.filename in names:
                    yield f"{prefix}{member.filename} (again)", Unreadable("the zip holds another member of this name")
                    continue
                names.add(member.filename)
                yield f"{prefix}{member.filename}", _unpacked(archive, member)
    for file in logs:
        yield file.name if file == path else file.relative_to(path).as_posix(), _read(file)


def _listed(file: Path) -> list[zipfile.ZipInfo]:
    """The logs in a zip, in its order."""
    try:
        with zipfile.ZipFile(file) as archive:
            listed = [m for m in archive.infolist() if _LOG.fullmatch(PurePosixPath(m.filename).name)]
    except zips.BROKEN as error:
        raise NotThisFormError(f"{file} is not a zip, or is truncated: {error}") from error
    except OSError as error:
        raise from_os(error, f"reading {file}") from error
    if not listed:
        raise NotThisFormError(f"{file} is a zip without a log_stats_model_*.json")
    return listed


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | Unreadable:
    try:
        with archive.open(member) as stream:
            return _bounded(stream.read(LONGEST + 1))
    except (*packed.BROKEN_ZIP, OSError) as error:
        return Unreadable(f"cannot be unpacked: {error}")


def _read(file: Path) -> bytes | Unreadable:
    try:
        with file.open("rb") as stream:
            return _bounded(stream.read(LONGEST + 1))
    except OSError as error:
        return Unreadable(f"cannot be read: {error.strerror}")


def _bounded(content: bytes) -> bytes | Unreadable:
    return content if len(content) <= LONGEST else Unreadable(f"is longer than {LONGEST:,} bytes, which no log is")


def parse(content: bytes | Unreadable) -> Log:
    """The log in a file's content.

    Raises:
        UserError: it is not one; the message leaves its name to the caller.
    """
    if isinstance(content, Unreadable):
        raise UserError(content)
    try:
        log = json_objects.loads(content)
        if not isinstance(log, dict):
            raise UserError(f"a log is a JSON object, not {excerpt(log)}")
        return Log(
            data=PurePosixPath(_text(log, "data")).name,
            recipe=_decoded(log["recepie"]),
            run=_fitting("run", int(f"{_whole(log, 'recepie_id')}{_whole(log, 'experiment_id'):09d}")),
            params=_whole(log, "num_params"),
            epochs=_whole(log, "epochs"),
            status=_text(log, "status"),
            seconds=_series(log, "wall_times"),
            train=_series(log, "train_losses"),
            validation=_series(log, "val_losses"),
            test=_series(log, "test_losses"),
        )
    except KeyError as error:
        raise UserError(f"not a log of a training: it has no {error}") from error
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(f"not a log of a training: {error}") from error


def _decoded(value: Any) -> Any:
    return json_objects.loads(value) if isinstance(value, str) else value


def _text(log: dict[str, Any], name: str) -> str:
    if not isinstance(log[name], str):
        raise TypeError(f"{name} is {excerpt(log[name], 40)}, not text")
    return str(log[name])


def _whole(log: dict[str, Any], name: str) -> int:
    return _fitting(name, _decoded(log[name]))


def _fitting(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise TypeError(f"{name} is {excerpt(value, 40)}, not a whole number of 63 bits")
    return value


def _series(log: dict[str, Any], name: str) -> list[float]:
    values = _decoded(log[name])
    if not isinstance(values, list):
        raise TypeError(f"{name} is {excerpt(values, 40)}, not a list")
    return values if all(type(v) is float for v in values) else [real(_decoded(value), name) for value in values]
