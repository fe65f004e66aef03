"""Arrays of numpy in .npy and .npz files, as lists; arrays of Python's objects are refused, as they are pickles."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import NotThisFormError, excerpt, from_os, short_message
from pipeline.formats import numbers, packed

_GROWTH = 4  # times the bytes of an array: a list of its numbers
_MOST_VALUES = packed.MAX_BYTES // 32  # numbers in lists, which the bytes of an array of small or of no numbers hide
_VALUES_OF_A_RECORD = 8  # that take as much as a mapping without its values


def load(path: Path) -> object:
    """The array in an .npy file, or a mapping from its name to each array in an .npz file.

    A structured array is a list of mappings, every other one as many lists in one another as it has axes.

    Raises:
        NotThisFormError: the file is damaged, too large, or holds objects.
        UserError: it cannot be read.
    """
    try:
        if not zipfile.is_zipfile(path):
            _refuse_large(path, path.stat().st_size)
            return _within_bounds(path, {"": np.load(path, allow_pickle=False)})[""]
        with zipfile.ZipFile(path) as archive:
            _refuse_large(path, sum(member.file_size for member in archive.infolist()))
        with np.load(path, allow_pickle=False) as arrays:
            return _within_bounds(path, {name: arrays[name] for name in arrays.files})
    except NotThisFormError:
        raise
    except MemoryError as error:
        raise NotThisFormError(f"{path} holds an array that does not fit in memory") from error
    except UnicodeDecodeError as error:
        raise NotThisFormError(f"{path} holds a text that is not in UTF-8") from error
    except OSError as error:
        raise from_os(error, f"reading {path}") from error
    except Exception as error:  # numpy and zipfile raise of all kinds for what is damaged
        if "pickle" in str(error) or "Python objects" in str(error):
            raise NotThisFormError(f"{path} holds objects of Python, where arrays of numbers or text are expected: "
                                   "write them as JSON") from error  # fmt: skip
        raise NotThisFormError(f"{path} is a damaged .npy or .npz file: {short_message(error)}") from error


def _refuse_large(path: Path, size: int) -> None:
    most = packed.MAX_BYTES // _GROWTH
    if size > most:
        raise NotThisFormError(f"{path} holds arrays of {size >> 20:,} MiB, of which at most {most >> 20} are read")


def _within_bounds(path: Path, arrays: Mapping[str, object]) -> dict[str, object]:
    values = 0
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise NotThisFormError(f"{path} holds something that is no array: {excerpt(name, 60)}")
        values += _values(array)
    if values > _MOST_VALUES:
        raise NotThisFormError(f"{path} holds arrays of {values:,} values, of which at most {_MOST_VALUES:,} are read")
    return {name: _listed(array) for name, array in arrays.items() if isinstance(array, np.ndarray)}


def _values(array: npt.NDArray[Any]) -> int:
    """What an array comes to as lists, in numbers; an axis of no length is a list, too."""
    entries: int = math.prod(max(1, length) for length in array.shape)
    if not array.dtype.names:
        return entries
    return entries * _VALUES_OF_A_RECORD + sum(_values(np.asarray(array[name])) for name in array.dtype.names)


def _listed(array: npt.NDArray[Any]) -> object:
    if array.dtype.names:
        columns = [_listed(np.asarray(array[name])) for name in array.dtype.names]
        return [dict(zip(array.dtype.names, row, strict=True)) for row in zip(*columns, strict=True)]
    return numbers.listed(np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array)
