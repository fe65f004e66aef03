"""Tuples in a pickle that share their parts, refused before anything is loaded.

A tuple of a tuple twice, of that twice, and so on, takes two bytes per level. Written out it has 2^levels values, and
that is how long Python takes for its hash, when it is a key, in a call that no signal interrupts.
"""

from __future__ import annotations

import pickle
import pickletools

import numpy as np

from pipeline.errors import NotThisFormError

MOST_VALUES = 100_000
"""Values of a tuple, written out, unless the pickle itself is as long."""

_SMALL = 1 << 14  # bytes of a pickle that is always looked at; one of the usual size would take as long as to load it
_LEVELS = 16  # of sharing, below which a tuple is harmless
_TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"}
_CHANGING = {"BUILD", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"}  # they leave the object that is changed


def refuse(data: bytes) -> None:
    """Refuse a pickle with such a tuple.

    Raises:
        NotThisFormError: there is one.
    """
    if len(data) > _SMALL and not _suspicious(data):
        return
    try:
        largest = _largest(data)
    except (ValueError, IndexError, KeyError, TypeError, UnicodeError):
        return  # no whole pickle, as loading it says
    if largest > max(MOST_VALUES, len(data)):
        raise NotThisFormError(f"it holds a tuple that would have more than {MOST_VALUES:,} values: refused")


def _suspicious(data: bytes) -> bool:
    """Whether bytes that make a tuple of one object twice are there as often as it takes: a look, no proof."""
    values = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero((values[10:] == ord(pickle.TUPLE2)) | (values[10:] == ord(pickle.TUPLE))) + 10
    doubled = values[ends - 1] == ord(pickle.DUP)
    short = (values[ends - 2] == ord(pickle.BINGET)) & (values[ends - 4] == ord(pickle.BINGET))
    long = (values[ends - 5] == ord(pickle.LONG_BINGET)) & (values[ends - 10] == ord(pickle.LONG_BINGET))
    return bool(np.count_nonzero(doubled | short | long) >= _LEVELS)


def _largest(data: bytes) -> int:
    """The number of values of the largest tuple, by the instructions of the pickle."""
    stack: list[int] = []  # of each object the number of its values, if it is a tuple
    marks: list[int] = []
    memo: dict[int, int] = {}
    largest = 0
    for instruction, argument, _ in pickletools.genops(data):
        name = instruction.name
        if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if argument is None else int(argument)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[int(argument or 0)])
        elif name == "DUP":
            stack.append(stack[-1])
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "POP" and marks and marks[-1] == len(stack):
            marks.pop()
        else:
            taken = _taken(instruction, stack, marks)
            values = 1 + sum(taken) if name in _TUPLES else taken[0] if name in _CHANGING else 1
            largest = max(largest, values)
            if largest > max(MOST_VALUES, len(data)):
                return largest
            stack.extend([values] * len(instruction.stack_after))
    return largest


def _taken(instruction: pickletools.OpcodeInfo, stack: list[int], marks: list[int]) -> list[int]:
    """What the instruction takes from the stack."""
    before = instruction.stack_before
    if pickletools.markobject in before:
        start = marks.pop() - before.index(pickletools.markobject)
    else:
        start = len(stack) - len(before)
    if start < 0:
        raise IndexError("the stack has less than the instruction takes")
    taken = stack[start:]
    del stack[start:]
    return taken
