"""Load pickles of others without running or importing any of their code.

A pickle is a program that may call whatever it names. Here it gets what the caller's allow-list holds and nothing
else, and what the lists of this module hand out can be neither altered nor called for another purpose: an object of
a foreign class becomes a `ForeignObject` with its attributes, and numpy's numbers are decoded here from their bytes
instead of by numpy's own unpickling, which trusts them.
"""

from __future__ import annotations

import io
import math
import pickle
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from pipeline.errors import NotThisFormError, excerpt, short_message
from pipeline.formats import numbers, packed, pickle_costs, signatures

Allowed = Mapping[tuple[str, str], object]
"""What a pickle may ask for: (module, name) -> the object it gets."""

_BROKEN = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, ImportError, MemoryError,
    OverflowError, RecursionError,
)  # fmt: skip
BEGINNING = b"\x80"  # of a pickle that states its protocol
_MOST_PICKLES = 1_000  # of a file
_MOST_EMPTY = 100_000  # places of an array without values
_PLAIN_KIND = re.compile(r"[biufUS][0-9]{1,4}")


_OTHERS_DATA = {
    "pandas": "a table of pandas: where you trust the file, open it with pandas and write it with to_parquet or to_csv",
    "torch": "tensors of torch: where you trust the file, open it with torch and write the numbers as CSV or JSON",
}
"""Packages whose objects are common in pickles and never read: what they hold, and what to do."""


class RefusedClassError(NotThisFormError):
    """A pickle asks for a class or function that no file of this form needs."""


def load(stream: BinaryIO, allowed: Allowed, encoding: str = "ASCII") -> Any:
    """The object that a pickle holds.

    Args:
        stream: in memory, at the pickle's first byte.
        encoding: of the 8-bit strings of Python 2; "bytes" keeps them as they are.

    Raises:
        NotThisFormError: it is damaged, not a pickle, asks for something that `allowed` does not hold, or would take
            without end.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python's, of a text's backslashes: any file may hold them
        pickle_costs.refuse(stream)
        try:
            return _Unpickler(stream, allowed, encoding).load()
        except _BROKEN as error:
            raise NotThisFormError(f"not a whole pickle: {short_message(error)}") from error


def load_path(path: Path, allowed: Allowed, encoding: str = "ASCII") -> Any:
    """The object in a pickle file, which may be packed by bzip2, gzip or xz.

    Raises:
        NotThisFormError: as `load`, or it is another sort of file; the message leaves the file's name to the caller.
        UserError: the file cannot be read.
    """
    return _loaded(path, allowed, encoding, most=1)[0]


def load_each_path(path: Path, allowed: Allowed) -> list[Any]:
    """The objects of the pickles in a file, one after another: most files hold one.

    Arrays in pickles of Python 2 are texts of any bytes, which are read as Latin-1.

    Raises:
        NotThisFormError, UserError: as `load_path`.
    """
    try:
        return _loaded(path, allowed, "ASCII", most=_MOST_PICKLES)
    except NotThisFormError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
    return _loaded(path, allowed, "latin1", most=_MOST_PICKLES)


def _loaded(path: Path, allowed: Allowed, encoding: str, most: int) -> list[Any]:
    try:
        data = packed.content(path)
        if signatures.identified(data[:16]) == signatures.CHECKPOINT:  # it begins with a pickle of one number
            raise NotThisFormError("not a whole pickle")
        stream = io.BytesIO(data)
        objects = [load(stream, allowed, encoding)]
        while len(objects) < most and data[stream.tell() : stream.tell() + 1] == BEGINNING:
            objects.append(load(stream, allowed, encoding))
        return objects
    except NotThisFormError as error:
        form = signatures.identify(path)
        if form is None or form.content in (signatures.PICKLE.name, *signatures.PACKINGS):
            raise
        raise NotThisFormError(signatures.said("it", form, "a pickle")) from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: BinaryIO, allowed: Allowed, encoding: str) -> None:
        super().__init__(stream, encoding=encoding)
        self._allowed = allowed

    def persistent_load(self, pid: Any) -> Any:
        raise NotThisFormError(
            "the pickle refers to data outside of it, as PyTorch checkpoints do: write the numbers as CSV or JSON"
        )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            package = module.partition(".")[0]
            if package in _OTHERS_DATA:
                raise NotThisFormError(f"the pickle holds {_OTHERS_DATA[package]}")
            named = excerpt(f"{module}.{name}", 120, bare=True)
            raise RefusedClassError(f"the pickle asks for {named}, which no file of this form needs: refused")
        return self._allowed[module, name]


class ForeignObject:
    """An object of a foreign class: its attributes, none of its code; constructor arguments by position, from "0"."""

    def __init__(self, *given: object) -> None:
        self.__dict__.update({str(place): value for place, value in enumerate(given)})

    def __new__(cls, *given: object) -> ForeignObject:
        instance = super().__new__(cls)
        instance.__init__(*given)  # type: ignore[misc]
        return instance

    def __repr__(self) -> str:
        return "<an object>"

    def __setstate__(self, state: object) -> None:
        # Being defined here, it is also what BUILD finds on the class itself, where the call fails: so no pickle can
        # set an attribute of the class, which the objects of the next pickle would inherit.
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("an object's state is not a mapping of attributes")
        self.__dict__.update(state)


def foreign_classes(classes: Iterable[str]) -> Allowed:
    """The allow-list that turns objects of these classes ("package.module.Class") into `ForeignObject`s."""
    return {(module, name): ForeignObject for module, _, name in (c.rpartition(".") for c in classes)}


def _text(part: Any) -> Any:
    """A string of Python 2 that was kept as bytes, as text."""
    return part.decode("ascii") if isinstance(part, bytes) else part


def _raw(content: Any) -> Any:
    """The bytes of an array; Python 2 wrote them as a text, read as Latin-1 or ASCII."""
    return content.encode("latin1") if isinstance(content, str) else content


class _Sealed:
    """A function that a pickle may call and nothing else: BUILD on it fails, where it would alter the function."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __call__(self, *given: object) -> object:
        return self._function(*given)

    def __repr__(self) -> str:
        return "<a function>"

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a function has no state")


def _never_called(*_: object) -> None:
    raise pickle.UnpicklingError("it calls what is only named in whole pickles")


def _encoded(text: str, encoding: str) -> bytes:
    """`_codecs.encode`, as protocol 2 spells bytes; any other codec is refused."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes spelt in {excerpt(encoding)}")
    return text.encode("latin-1")


class _NumpyType:
    """A `numpy.dtype` of plain numbers or text: `order` is its byte order once BUILD has set the state."""

    __slots__ = ("code", "order")

    def __init__(self, code: str) -> None:
        self.code, self.order = code, "="

    def __repr__(self) -> str:
        return f"<numpy type {self.code}>"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        state = tuple(map(_text, state))
        if len(state) < 5 or state[1] not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("a numpy type with fields")
        self.order = state[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.order + self.code)


def _numpy_type(code: str | bytes, _align: bool = False, _copy: bool = True) -> _NumpyType:
    kind = _text(code)
    if not _PLAIN_KIND.fullmatch(kind):
        raise pickle.UnpicklingError(f"numpy type {excerpt(kind)} is neither numbers nor text")
    return _NumpyType(kind)


def _scalar(kind: _NumpyType, raw: bytes | str) -> object:
    [value] = numbers.listed(np.frombuffer(_raw(raw), kind.dtype, count=1))
    return value


_NDARRAY = _Sealed(_never_called)


class _Array(np.ndarray[Any, Any]):
    """An array whose bytes BUILD brings, after a check that they are of the shape and type it states."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, given = state
        raw = _raw(given)
        if not isinstance(kind, _NumpyType) or not isinstance(raw, bytes):
            raise pickle.UnpicklingError("a numpy array of objects")
        plain = _array(raw, kind, shape, "F" if fortran else "C")
        checked: Any = (1, plain.shape, plain.dtype, bool(fortran), raw)
        super().__setstate__(checked)


def _reconstructed(kind: object, _shape: object, _code: object) -> _Array:
    if kind is not _NDARRAY:
        raise pickle.UnpicklingError("an array that is not numpy's own")
    return _Array((0,), np.int8)


def _array(raw: bytes, kind: _NumpyType, shape: tuple[int, ...], order: Literal["C", "F"]) -> npt.NDArray[Any]:
    """The array of these bytes; one of a billion times no value would be written out as a billion empty lists."""
    array: npt.NDArray[Any] = np.frombuffer(raw, kind.dtype).reshape(shape, order=order)
    if not array.size and math.prod(max(1, length) for length in array.shape) > _MOST_EMPTY:
        raise pickle.UnpicklingError(f"an array without values, of shape {array.shape}")
    return array


def _may_collide(key: object) -> bool:
    """Whether any number of other keys can have the key's hash."""
    return key.bit_length() > 64 if isinstance(key, int) else not isinstance(key, str | bytes | float)


def _mapping(pairs: Iterable[Any] = ()) -> dict[Any, Any]:
    known = list(pairs)
    if sum(map(_may_collide, (key for key, _ in known))) > pickle_costs.MOST_KEYS:
        raise pickle.UnpicklingError(f"more than {pickle_costs.MOST_KEYS:,} keys that may share one hash")
    return dict(known)


MAPPINGS: Allowed = {
    ("collections", "OrderedDict"): _Sealed(_mapping),
    ("collections", "defaultdict"): _Sealed(lambda *_factory: {}),
    **{
        (module, name): _Sealed(_never_called)  # what a mapping with a default makes of a key that it lacks
        for module in ("builtins", "__builtin__")  # Python 3 and 2
        for name in ("dict", "list", "set", "int", "float", "str")
    },
}
"""Ordered mappings, and those with a default, as plain ones."""

NUMPY: Allowed = {
    ("numpy", "dtype"): _Sealed(_numpy_type),
    ("numpy", "ndarray"): _NDARRAY,
    ("_codecs", "encode"): _Sealed(_encoded),
    **{
        (f"numpy.{core}.{module}", name): _Sealed(function)
        for core in ("core", "_core")  # numpy 1 and numpy 2
        for module, name, function in (
            ("multiarray", "scalar", _scalar),
            ("multiarray", "_reconstruct", _reconstructed),
            ("numeric", "_frombuffer", _array),
        )
    },
}
"""numpy's arrays, and its scalars as Python's numbers."""
