"""Pickles of others: what is allowed comes through, everything else is refused by name, and nothing of theirs runs."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import itertools
import pickle
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import packed, pickle_costs, pickles

ALLOWED = {**pickles.NUMPY, **pickles.MAPPINGS, **pickles.foreign_classes(["theirs.things.Thing"])}
VALUES = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.float32(1.5), "c": np.array(["ab", "c"]), "d": np.bool_(True),
          "e": np.arange(3, dtype=">i2"), "f": OrderedDict(x=np.int64(7))}  # fmt: skip


def load(data: bytes) -> object:
    return pickles.load(io.BytesIO(data), ALLOWED)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_numpys_numbers_and_arrays_come_through_in_every_protocol(protocol: int) -> None:
    found = load(pickle.dumps(VALUES, protocol))
    assert isinstance(found, dict)
    for key in "ace":
        np.testing.assert_array_equal(found[key], VALUES[key])
    assert (found["b"], found["d"], found["f"]) == (1.5, True, {"x": 7})
    assert type(found["b"]) is float
    assert type(found["f"]) is dict


def test_a_backslash_within_a_text_warns_of_nothing() -> None:
    assert load(b"S'a\\q'\n.") == "a\\q"
    with pytest.raises(NotThisFormError, match="not a whole pickle"):
        load(b"PK\x03\\\n")  # as a zip may begin, by the time of day that it states


def test_names_of_numpy_1_are_known() -> None:
    data = pickle.dumps([np.float64(2.5), np.arange(3)], protocol=2).replace(b"numpy._core", b"numpy.core")
    loaded: Any = load(data)
    number, array = loaded
    assert number == 2.5
    assert array.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "name", ["os system", "posix system", "builtins eval", "builtins getattr", "numpy load", "theirs.things Other",
             "numpy.core.multiarray fromfile", "collections namedtuple", "theirs.things Thing.__init__"]
)  # fmt: skip
def test_what_is_not_allowed_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    module, attribute = name.split()
    mark = tmp_path / "ran"
    data = f"c{module}\n{attribute}\n(S'touch {mark}'\ntR.".encode()
    with pytest.raises(NotThisFormError, match=rf"asks for {module}.{attribute}"):
        load(data)
    assert not mark.exists()


def test_an_object_of_theirs_is_its_attributes_and_their_package_is_not_imported() -> None:
    found = load(b"\x80\x02ctheirs.things\nThing\n)\x81}(X\x01\x00\x00\x00aK\x05X\x01\x00\x00\x00bK\x06ub.")
    assert isinstance(found, pickles.ForeignObject)
    assert vars(found) == {"a": 5, "b": 6}
    assert "theirs" not in sys.modules


SLOTS = b"N}X\x04\x00\x00\x00evilK\x01s\x86b"  # BUILD with (None, {"evil": 1}): attributes to set on what stands before


@pytest.mark.parametrize("key", sorted(ALLOWED))
def test_nothing_allowed_can_be_altered(key: tuple[str, str]) -> None:
    module, name = key
    data = f"\x80\x02c{module}\n{name}\n".encode("latin-1")
    for state in (SLOTS, b"}X\x04\x00\x00\x00evilK\x01sb"):
        with pytest.raises(NotThisFormError):
            load(data + state + b".")
    assert not hasattr(ALLOWED[key], "evil")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.array([{}, None], dtype=object), "type 'O8'"),
        (np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]), "'V12'"),
        (np.datetime64("2026-01-01"), "'M8'"),
    ],
)
def test_numpy_types_other_than_numbers_and_text_are_refused(content: object, said: str) -> None:
    with pytest.raises(NotThisFormError, match=said):
        load(pickle.dumps(content, protocol=4))


def test_an_array_whose_bytes_do_not_fill_its_shape_is_refused() -> None:
    data = pickle.dumps(np.arange(4, dtype="i1"), protocol=2)
    assert data.count(b"K\x04\x85") == 1
    with pytest.raises(NotThisFormError, match=r"reshape"):
        load(data.replace(b"K\x04\x85", b"K\x05\x85"))


def test_bytes_in_another_codec_are_refused() -> None:
    with pytest.raises(NotThisFormError, match=r"spelt in 'rot13'"):
        load(b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00rot13tR.")


def test_every_cut_of_a_pickle_is_distinguished_from_a_whole_one() -> None:
    data = pickle.dumps(VALUES, protocol=4)
    for length in range(len(data)):
        with pytest.raises(NotThisFormError):
            load(data[:length])


@given(st.binary(max_size=60))
def test_any_bytes_give_an_object_or_one_error(data: bytes) -> None:
    try:
        load(data)
    except NotThisFormError as error:
        assert "\n" not in str(error)


@given(st.data())
def test_a_changed_byte_gives_an_object_or_one_error(data: st.DataObject) -> None:
    whole = bytearray(pickle.dumps(VALUES, protocol=4))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(NotThisFormError):
        load(bytes(whole))


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress, bytes], ids=["bz2", "gz", "plain"])
def test_a_file_is_unpacked_by_its_content(tmp_path: Path, pack: type) -> None:
    path = tmp_path / "x"
    path.write_bytes(pack(pickle.dumps([1, 2])))
    assert pickles.load_path(path, {}) == [1, 2]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (bz2.compress(pickle.dumps(list(range(999))))[:-20], "truncated"),
        (gzip.compress(pickle.dumps(list(range(999))), mtime=0)[:-20], "truncated"),
        (b"BZh9" + bytes(50), "damaged"),
        (gzip.compress(b"abc", mtime=0)[:12] + bytes(40), "damaged"),
        (b"a,b\n1,2\n", "not a whole pickle"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(NotThisFormError, match=said):
        pickles.load_path(path, {})


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MAX_BYTES", 1 << 20)
    path = tmp_path / "x"
    path.write_bytes(bz2.compress(pickle.dumps(bytes(2 << 20))))
    with pytest.raises(NotThisFormError, match=r"more than 1 MiB"):
        pickles.load_path(path, {})


def test_a_file_that_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"No such file") as caught:
        pickles.load_path(tmp_path / "none", {})
    assert not isinstance(caught.value, NotThisFormError)


def doubled(levels: int, *, fetched: bool, before: bytes = b"", between: bytes = b"") -> bytes:
    """A pickle of a mapping whose key is a tuple of a tuple twice, of that twice, and so on."""
    level = b"".join(
        b"h%ch%c\x86q%c" % (i, i, i + 1) + between if fetched else b"2\x86" + between for i in range(levels)
    )
    return b"\x80\x04}(" + before + b")q\0" + level + b"K\x01u."


@pytest.mark.parametrize("padding", [b"", b"B\xff\xff\0\0" + bytes(65535) + b"0"])
@pytest.mark.parametrize("fetched", [True, False])
def test_a_key_that_would_take_forever_to_hash_is_refused(tmp_path: Path, padding: bytes, fetched: bool) -> None:
    path = tmp_path / "x"
    path.write_bytes(doubled(60, fetched=fetched, before=padding))
    with pytest.raises(NotThisFormError, match="a tuple that would have more than 100,000 values"):
        pickles.load_path(path, {})


def test_what_is_put_between_the_levels_does_not_hide_them(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for between in (b"N0", b"(e", b"(1", b"K\x010"):
        path.write_bytes(doubled(60, fetched=False, between=between))
        with pytest.raises(NotThisFormError, match="a tuple that would have"):
            pickles.load_path(path, {})


def test_tuples_that_share_a_few_parts_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "x"
    name = ("cifar10", 777)
    content = {name: [name] * 3, "deep": ((name, name), (name, name)), "many": [(i, name) for i in range(2000)]}
    for protocol in range(6):
        path.write_bytes(pickle.dumps(content, protocol))
        assert pickles.load_path(path, {}) == content


_LIST = b"".join(b"\x8c\x08%08d0" % number for number in range(2000))  # 22 KB of text that comes to nothing


def _levels(first: bytes, level: Callable[[int], bytes], count: int = 60) -> bytes:
    """A mapping whose key is made level by level."""
    return b"\x80\x04" + _LIST + b"}" + first + b"".join(map(level, range(count))) + b"Ns."


COSTLY = {
    "tuples doubled on the stack": _levels(b")", lambda _: b"2\x86"),
    "tuples fetched three times": _levels(b")q\0", lambda n: b"h%c" % n * 3 + b"\x87q%c" % (n + 1)),
    "tuples fetched by text": _levels(b")p0\n", lambda n: b"g%d\n" % n * 2 + b"\x86p%d\n" % (n + 1)),
    "tuples memorised late": _levels(b")(u\x94", lambda n: b"h%c" % n * 2 + b"\x86Nb\x94"),
    "tuples memorised twice": _levels(b")\x94\x94", lambda n: b"h%c" % (2 * n + 1) * 2 + b"\x86\x94\x94"),
    "tuples memorised behind a frame": b"\x80\4}()\x94" + b"".join(
        b"h%c" % n * 2 + b"\x86\x95" + bytes(8) + b"\x94" for n in range(59)
    ) + b"u.",
    "tuples behind what pickletools cannot read": _levels(b"I0x10\n0)\x94", lambda n: b"h%c" % n * 2 + b"\x86\x94"),
    "frozensets of frozensets": _levels(b"(\x91\x94", lambda n: b"(h%cK\1h%c\x91\x94" % (n, n)),
    "tuples too deep for the stack": _levels(b")", lambda _: b"\x85", 300_000),
    "a place of the memo far away": b"\x80\2Nr\0\0\0\x10.",
    "a place of the memo in text": b"Np300000000\n.",
    "integers of one hash": pickle.dumps(dict.fromkeys((2**61 - 1) * n for n in range(9, 600))),
    "tuples of floats": pickle.dumps(dict.fromkeys((float(n), 0.5) for n in range(1100))),
    "a set of frozensets": pickle.dumps({frozenset([n]) for n in range(600)}),
    "one wide key again and again": b"\x80\2}((" + b"K\1" * 9999 + b"tq\0N" + b"h\0N" * 9999 + b"u.",
    "pairs of an ordered mapping": b"\x80\2ccollections\nOrderedDict\n"
                                   + pickle.dumps([[(n / 7,), 0] for n in range(600)], 2)[2:-1] + b"\x85R.",
    "an array of a billion times nothing": pickle.dumps(np.empty((10**9, 0)), 4),
}  # fmt: skip


@pytest.mark.parametrize("name", COSTLY)
def test_a_pickle_that_would_take_without_end_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_costs, "MOST_KEYS", 500)
    began = time.process_time()
    with pytest.raises(NotThisFormError, match=r"refused|one hash|0x10|array without values"):
        pickles.load(io.BytesIO(COSTLY[name]), ALLOWED)
    assert time.process_time() - began < 2


def test_keys_that_a_frame_cuts_are_seen_by_the_quick_look() -> None:
    content = {key: [key, 0.5] for key in itertools.product(range(12), repeat=4)}
    data = pickle.dumps(content)
    assert data.count(b"\x95") > 1 and pickle_costs._is_harmless(data)
    assert pickles.load(io.BytesIO(data), ALLOWED) == content


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_looks_costly_and_is_not_is_loaded(protocol: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_costs, "MOST_KEYS", 500)
    key = ("cifar10", 777)
    content = {
        "keys": {(name, number): [key, key] for name in ("a", "b" * 300) for number in range(501)},
        "numbers": dict.fromkeys(range(-(2**63), 2**63, 2**55)) | dict.fromkeys(n / 7 for n in range(600)),
        "values": {str(number): (number / 7, None, True) for number in range(600)},
        "nested": ((((1, 2), 3), "x"), [()] * 9),
    }
    assert pickles.load(io.BytesIO(pickle.dumps(content, protocol)), ALLOWED) == content
