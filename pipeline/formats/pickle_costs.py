"""Bound what it costs to load a pickle before it is loaded: no signal interrupts the loading itself.

Each of these takes a few bytes: a tuple of a tuple twice, of that twice, and so on, whose hash takes 2^levels steps; a
tuple within 100,000 others, whose hash overflows the stack; a memo of a billion places; keys of one hash, among which
a mapping looks for each in turn. Python's hashes of text are random, those of numbers and of tuples of them are not.

Of nearly every file a quick look tells that it has nothing of this: no tuple in it is fetched from the memo.
"""

from __future__ import annotations

import pickle
import pickletools
import re
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, compress
from typing import Any, BinaryIO, NamedTuple

from pipeline.errors import NotThisFormError
from pipeline.formats import object_bounds

MOST_VALUES = 100_000
"""Values of a tuple, written out, unless the pickle itself is as long."""

MOST_USED = 10_000_000
"""Values of all tuples that are used again, written out at each use."""

DEEPEST = 1_000
"""Tuples within one another."""

MOST_KEYS = 20_000
"""Keys of a mapping, and members of a set, other than text, small integers and tuples of them: all may share a hash."""

_MOST_TUPLES = 1_000  # that the quick look leaves unseen
_TUPLING = (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)
_COUNTED_TUPLES = {making + put for making in _TUPLING for put in (b"", pickle.MEMOIZE)}
_TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_KEYS = {"SETITEM": slice(1, 2), "SETITEMS": slice(1, None, 2), "ADDITEMS": slice(1, None), "FROZENSET": slice(None)}
_CONSTANTS = {"NONE", "NEWTRUE", "NEWFALSE"}
_CHANGING = {"BUILD", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"}  # they leave the object that is changed
_SMALL_BITS, _HASHED_BITS = 32, 64
_NEW_MEMO = 4  # protocol from which the places of the memo are counted, not stated


def _sized(prefix: bytes, most: int, after: bytes = b"") -> bytes:
    """The pattern of an instruction whose data come after their length, which is one byte and zeros."""
    lengths = (re.escape(bytes([length])) + after + b".{%d}" % length for length in range(most + 1))
    return prefix + b"(?:" + b"|".join(lengths) + b")"


@cache
def _events(put: bytes) -> re.Pattern[bytes]:
    """What a quick look at a pickle finds: what a tuple is made by, the memo is read by, or the look cannot pass.

    Args:
        put: the pattern of what puts the object on top of the stack into the memo.
    """
    text = b"|".join((_sized(rb"\x8c", 255), _sized(b"X", 255, rb"\0\0\0")))
    frame = rb"\x95.{8}(?![\x94qr])"  # one may begin anywhere, but not between a tuple and what keeps it
    small = rb"K.|M..|J.{4}|[N\x88\x89]|" + frame + rb"|(?:" + text + rb")(?:q.|r..[\0-\7]\0)?"
    passed = [  # the most frequent first
        rb"K.G.{8}|G.{8}", rb"K.", text,
        rb"\((?:" + small + rb"){0,64}+t",  # a tuple of some small values
        rb"[)}\]\x8f\x93R\x81]|[(saueb\x90](?![\x94qr])|\x80.|c[^\n]*+\n[^\n]*+\n", frame,
        rb"M..|J.{4}|[N\x88\x89]", _sized(b"[CU]", 255), _sized(rb"\x8a", 8),
    ]  # fmt: skip
    memoize = put + b"|" if put == pickle.MEMOIZE else b""
    if not memoize:
        passed.append(put)
    seen = b"(" + memoize + rb"h.|j.{4}|[\x85-\x87t](?:" + put + rb")?+(?![\x94qr])|.+)"
    return re.compile(b"(?:" + b"|".join(passed) + b")*+" + seen, re.DOTALL)


_STATED = rb"q.|r..[\0-\7]\0"


def refuse(stream: BinaryIO) -> None:
    """Refuse a pickle whose loading may take without end.

    Args:
        stream: at the pickle's first byte, where it is afterwards.

    Raises:
        NotThisFormError: it is one, or damaged.
    """
    start = stream.tell()
    data = stream.read()
    if not start:  # what is made of the pickles after the first is kept beside it
        object_bounds.refuse_pickle(data)
    try:
        if not _is_harmless(data):
            stream.seek(start)
            _Costs(len(data)).add_all(stream)
    finally:
        stream.seek(start)


def _is_harmless(data: bytes) -> bool:
    """Whether a quick look tells that each tuple is used where it is made, and nothing is odd."""
    counted = data[:1] == pickle.PROTO and data[1:2] >= bytes([_NEW_MEMO])
    events = _events(pickle.MEMOIZE if counted else _STATED).findall(data)
    if not events or events.pop()[:1] != pickle.STOP:
        return False
    kinds = set(events)
    tuples = kinds & _COUNTED_TUPLES if counted else {event for event in kinds if event[:1] in _TUPLING}
    kept = {event for event in tuples if len(event) > 1}  # in the memo
    if counted:
        taking = {pickle.MEMOIZE, *kept}
        taken = accumulate(map(taking.__contains__, events))
        places = {count - 1 for count in compress(taken, map(kept.__contains__, events))}
    else:
        places = {int.from_bytes(event[2:], "little") for event in kept}
    fetching = {pickle.LONG_BINGET + place.to_bytes(4, "little") for place in places}
    fetching |= {pickle.BINGET + bytes([place]) for place in places if place < 256}
    return sum(map(events.count, tuples)) <= _MOST_TUPLES and kinds.isdisjoint(fetching)


class _Entry(NamedTuple):
    """What is known of an object: as a tuple the number of its values and its depth, and what its hash may be.

    `risk` is 0 for text and small integers, of which tuples of one hash are not found; 1 for what few others can share
    its hash with; 2 for what any number of others can.
    """

    values: int = 1
    depth: int = 0
    risk: int = 1


@dataclass
class _Costs:
    """The costs of a pickle of so many bytes, instruction by instruction."""

    size: int
    stack: list[_Entry] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, _Entry] = field(default_factory=dict)
    used: int = 0  # values of tuples that are used again
    keys: int = 0

    def add_all(self, stream: BinaryIO) -> None:
        """Go through the pickle; NotThisFormError where it costs too much, or is none."""
        try:
            for instruction, argument, _ in pickletools.genops(stream):
                self._add(instruction, argument)
        except (ValueError, IndexError, KeyError, TypeError, UnicodeError, OverflowError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise NotThisFormError(f"not a whole pickle: {reason}") from error

    def _add(self, instruction: pickletools.OpcodeInfo, argument: Any) -> None:
        name = instruction.name
        if name in _PUTS:
            place = len(self.memo) if argument is None else argument
            _bound(place, self.size, "a place of the memo beyond its length")
            self.memo[place] = self.stack[-1]
        elif name in _GETS or name == "DUP":
            entry = self.stack[-1] if argument is None else self.memo[argument]
            self.used += entry.values if entry.depth else 0
            _bound(self.used, MOST_USED + self.size, f"tuples that would have more than {MOST_USED:,} values together")
            self.stack.append(entry)
        elif name == "MARK":
            self.marks.append(len(self.stack))
        elif name == "POP" and self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            taken = self._taken(instruction)
            entry = self._made(name, argument, taken)
            self.stack.extend([entry] * len(instruction.stack_after))

    def _made(self, name: str, argument: Any, taken: list[_Entry]) -> _Entry:
        """What an instruction makes of what it takes."""
        if name in _KEYS:
            self.keys += sum(key.risk == 2 for key in taken[_KEYS[name]])
            _bound(self.keys, MOST_KEYS, f"more than {MOST_KEYS:,} keys that may share one hash")
        if name in _CHANGING:
            return taken[0]
        if name not in _TUPLES:
            if isinstance(argument, int):
                return _Entry(risk=sum(argument.bit_length() > bits for bits in (_SMALL_BITS, _HASHED_BITS)))
            return _Entry(risk=0 if name in _CONSTANTS or isinstance(argument, str | bytes) else 1)
        depth = 1 + max((entry.depth for entry in taken), default=0)
        _bound(depth, DEEPEST, f"tuples nested more than {DEEPEST:,} deep")
        values = 1 + sum(entry.values for entry in taken)
        _bound(values, max(MOST_VALUES, self.size), f"a tuple that would have more than {MOST_VALUES:,} values")
        return _Entry(values, depth, 2 if name == "FROZENSET" or any(entry.risk for entry in taken) else 0)

    def _taken(self, instruction: pickletools.OpcodeInfo) -> list[_Entry]:
        before = instruction.stack_before
        if pickletools.markobject in before:
            start = self.marks.pop() - before.index(pickletools.markobject)
        else:
            start = len(self.stack) - len(before)
        if start < 0:
            raise IndexError("the stack has less than an instruction takes")
        taken = self.stack[start:]
        del self.stack[start:]
        return taken


def _bound(count: int, most: int, what: str) -> None:
    if count > most:
        raise NotThisFormError(f"it holds {what}: refused")
