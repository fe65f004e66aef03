"""Bound the memory of the objects that a pickle or a JSON text makes, before they are made.

A byte may become a list of a hundred, so that a bound on unpacked bytes does not bound memory: a file of 100 bytes made
4.5 GB. What is published stays below `MOST_BYTES`: by this estimate the learning curves of NAS-Bench-201 on three data
sets, 50 million numbers, come to 1.6 GB, those of NAS-Bench-101 in mappings to 1.3 GB, and 100 MB of JSON to less than
half a GB.
"""

from __future__ import annotations

import re

import numpy as np

from pipeline.errors import NotThisFormError

MOST_BYTES = 5 << 29
"""Bytes of objects, by an estimate that is a little low: 2.5 GiB are 84 million numbers, or 28 million lists."""

_PLACE = 8  # bytes of a reference, which every value takes
_NUMBER, _TEXT, _LIST, _MAPPING, _SET = 32, 64, 96, 240, 240  # bytes with its place; of a mapping, with a few keys

_RUNS: tuple[tuple[bytes, float], ...] = (  # what is found often first
    (rb"(?:(?:[Kh].|j.{4})?G.{8})++", _NUMBER / 9 + 0.1),  # numbers, also each after a small key
    (rb"(?:[N\x88\x89)(0-2saueb\x90\x93\x94Q.]|[Khq\x80\x82].|\x83..|[jr\x84].{4}|\x95.{8})++", _PLACE),
    (rb"[\]}\x85-\x87tldoR\x81\x92]++", _LIST),
    (rb"[\x8f\x91]++", _SET),
    (rb"(?:M..|\x8a\x01.)++", (_NUMBER + _PLACE) / 3),
    (rb"(?:J.{4})++", (_NUMBER + _PLACE) / 5),
    (rb"(?:[IFLVSPipg][^\n]*+\n|c[^\n]*+\n[^\n]*+\n)", 0),
)
"""Instructions of a pickle, and how many bytes their objects take at most for each byte of them."""

_RUN = re.compile(b"|".join(b"(" + pattern + b")" for pattern, _ in _RUNS), re.DOTALL)
_LENGTHS = {**dict.fromkeys(b"\x8cUC\x8a", 1), **dict.fromkeys(b"XTB\x8b", 4), **dict.fromkeys(b"\x8d\x8e\x96", 8)}
"""Bytes of the length that follows such an instruction, before its data."""

_COSTS = {
    **dict.fromkeys((*_LENGTHS, *b"GMJIFLVSPipgc"), _TEXT),
    **dict.fromkeys(b"]}\x85\x86\x87tldoR\x81\x92", _LIST),
    **dict.fromkeys(b"\x8f\x91", _SET),
}
"""Instructions whose objects take more than a place."""

_CHUNK = 1 << 20
_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


def refuse_pickle(data: bytes) -> None:
    """Refuse pickles, one after another, that make objects of more than `MOST_BYTES`; damaged ones end at the damage.

    Raises:
        NotThisFormError: they do.
    """
    if _of_any_pickle(data) <= MOST_BYTES:  # soon told, and so of nearly every file
        return
    place, made = 0, 0.0
    while place < len(data):
        if match := _RUN.match(data, place):
            after = match.end()
            made += (after - place) * _RUNS[(match.lastindex or 1) - 1][1] or _TEXT
        else:
            begin = place + 1 + _LENGTHS.get(data[place], 0)
            if begin == place + 1:
                return
            after = begin + int.from_bytes(data[place + 1 : begin], "little")
            made += _TEXT
        _bound(made)
        place = after


def refuse_json(data: bytes) -> None:
    """Refuse a JSON text that makes objects of more than `MOST_BYTES`, by its commas and brackets outside of texts.

    Raises:
        NotThisFormError: it does.
    """
    if _of_json(data) > MOST_BYTES:
        _bound(_of_json(_TEXTS.sub(b"", data)))


def _of_any_pickle(data: bytes) -> int:
    """Bytes that these bytes cannot exceed, were each an instruction."""
    counts = np.zeros(256, np.int64)
    for start in range(0, len(data), _CHUNK):
        counts += np.bincount(np.frombuffer(data[start : start + _CHUNK], np.uint8), minlength=256)
    return len(data) * _PLACE + sum(int(counts[code]) * cost for code, cost in _COSTS.items())


def _of_json(data: bytes) -> int:
    return data.count(b",") * _NUMBER + data.count(b"[") * (_LIST - _NUMBER) + data.count(b"{") * (_MAPPING - _NUMBER)


def _bound(made: float) -> None:
    if made > MOST_BYTES:
        raise NotThisFormError(f"it holds objects that take more than {MOST_BYTES >> 20:,} MiB of memory: refused")
