"""TFRecord files: what is sound is read, what is damaged is located, and the rest is read on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import NotThisFormError, UserError
from pipeline.formats import tfrecord
from pipeline.formats.tfrecord import Damage, Span, TFRecord
from tests.fixtures.nasbench101_files import frame

DATA = [f"record {number}, and some more".encode() * (1 + number % 3) for number in range(6)]
FRAMES = [frame(data) for data in DATA]
STARTS = [sum(map(len, FRAMES[:number])) for number in range(7)]
payloads = st.lists(st.binary(max_size=60), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tfrecord") / "some.tfrecord"


def records(path: Path) -> Iterator[TFRecord | Damage]:
    """Every record of a file in its order, and what is damaged in between."""
    for span in tfrecord.spans(path):
        yield from [span] if isinstance(span, Damage) else tfrecord.read(path, span)


def read(path: Path, content: bytes) -> tuple[list[TFRecord], list[Damage]]:
    path.write_bytes(content)
    found = list(records(path))
    return [f for f in found if isinstance(f, TFRecord)], [f for f in found if isinstance(f, Damage)]


def numbers(records: list[TFRecord]) -> list[int]:
    """Which of the records these are; their offsets must be theirs."""
    found = [DATA.index(record.data) for record in records]
    assert [record.offset for record in records] == [STARTS[number] for number in found]
    return found


def test_the_checksum_is_tensorflows_masked_crc_32c() -> None:
    unmasked = (tfrecord.masked_crc(b"123456789") - 0xA282EAD8) % 2**32
    assert (unmasked >> 17 | unmasked << 15) % 2**32 == 0xE3069283  # the check value of CRC-32C


@given(payloads)
def test_what_is_written_is_read(path: Path, data: list[bytes]) -> None:
    records, damage = read(path, b"".join(map(frame, data)))
    assert [record.data for record in records] == data
    assert not damage


@given(payloads, st.integers(1, 300))
def test_spans_cover_the_file_one_after_another(path: Path, data: list[bytes], size: int) -> None:
    path.write_bytes(b"".join(map(frame, data)))
    spans = [span for span in tfrecord.spans(path, size) if isinstance(span, Span)]
    assert [span.start for span in spans] == [0, *(span.stop for span in spans[:-1])]
    assert spans[-1].stop == path.stat().st_size
    assert all(span.stop - span.start >= size for span in spans[:-1])
    found = [record for span in spans for record in tfrecord.read(path, span)]
    assert [record.data for record in found if isinstance(record, TFRecord)] == data


@pytest.mark.parametrize("victim", range(6))
def test_a_flipped_byte_anywhere_costs_one_record_and_is_located(path: Path, victim: int) -> None:
    for at in range(len(FRAMES[victim])):
        content = bytearray(b"".join(FRAMES))
        content[STARTS[victim] + at] ^= 1 << at % 8
        records, damage = read(path, bytes(content))
        assert numbers(records) == [number for number in range(6) if number != victim]
        assert [d.offset for d in damage] == [STARTS[victim]]
        assert ("no record's header is here" if at < 12 else "the checksum of the record") in damage[0].reason


def test_a_damaged_header_says_where_reading_goes_on(path: Path) -> None:
    content = bytearray(b"".join(FRAMES))
    content[STARTS[2]] ^= 1
    _, [damage] = read(path, bytes(content))
    assert damage.reason.endswith(f"the next sound record is at byte {STARTS[3]}")
    content[STARTS[5]] ^= 1
    _, damages = read(path, bytes(content))
    assert damages[1].offset == STARTS[5]
    assert damages[1].reason.endswith("no sound record follows")


def test_a_file_that_ends_early_keeps_what_is_before(path: Path) -> None:
    whole = b"".join(FRAMES)
    for end in range(STARTS[4], len(whole)):
        records, damage = read(path, whole[:end])
        number = 4 if end < STARTS[5] else 5
        assert numbers(records) == list(range(number))
        left = end - STARTS[number]
        assert [d.offset for d in damage] == ([STARTS[number]] if left else [])
        assert all(f"the file ends after {left} of the" in d.reason for d in damage)


@pytest.mark.parametrize("lost", [1, 5, 12, 40])
def test_bytes_lost_within_a_record_cost_this_one(path: Path, lost: int) -> None:
    """What follows is found although it is not where the lengths say."""
    at = STARTS[2] + 14
    path.write_bytes(b"".join(FRAMES)[:at] + b"".join(FRAMES)[at + lost :])
    found = list(records(path))
    assert [f.data for f in found if isinstance(f, TFRecord)] == [*DATA[:2], *DATA[3:]]
    assert [f.offset for f in found if isinstance(f, Damage)] == [STARTS[2]]


def test_bytes_too_many_are_damage_of_their_own(path: Path) -> None:
    records, damage = read(path, FRAMES[0] + b"stray" + FRAMES[1])
    assert [record.data for record in records] == DATA[:2]
    assert [d.offset for d in damage] == [len(FRAMES[0])]


def test_reading_goes_on_beyond_a_long_stretch_of_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecord, "_READ_AHEAD", 64)
    for stretch in range(150, 230):
        records, [damage] = read(path, FRAMES[0] + b"\0\xff" * stretch + FRAMES[1])
        assert [record.data for record in records] == DATA[:2]
        assert damage.offset == len(FRAMES[0])


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of bytes whose checksums are computed."""
    sizes: list[int] = []
    plain = tfrecord.masked_crc

    def counted(data: bytes) -> int:
        sizes.append(len(data))
        return plain(data)

    monkeypatch.setattr(tfrecord, "masked_crc", counted)
    return sizes


@pytest.mark.parametrize("zeros", [11, 12, 13, 4095, 300_000, 3_000_001])
def test_zeros_are_passed_over_at_once(path: Path, zeros: int, hashed: list[int]) -> None:
    records, damage = read(path, FRAMES[0] + bytes(zeros) + FRAMES[1] + bytes(zeros))
    assert [record.data for record in records] == DATA[:2]
    assert [d.offset for d in damage] == [len(FRAMES[0]), len(FRAMES[0]) + zeros + len(FRAMES[1])]
    assert len(hashed) < 100


def test_headers_that_state_all_that_follows_end_the_search(path: Path, hashed: list[int]) -> None:
    size = 60_000
    headers = (frame(bytes(size - at - 16))[:12] for at in range(0, size - 16, 12))
    content = FRAMES[0] + b"\1" + b"".join(headers).ljust(size, b"\1")
    records, [damage] = read(path, content)
    assert [record.data for record in records] == DATA[:1]
    assert damage.reason.endswith("too much of the file looks like a header to look for another sound record")
    assert sum(hashed) < 10 * len(content)


def test_a_record_after_each_damage_is_found_without_reading_far(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    plain = tfrecord._headers

    def counted(window: bytes, left: int) -> Iterator[int]:
        sizes.append(len(window))
        return plain(window, left)

    monkeypatch.setattr(tfrecord, "_headers", counted)
    content = (frame(b"a") + b"\1") * 2000
    assert len(read(path, content)[0]) == 2000
    assert max(sizes) <= 4096


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    for content, said in (
        (b"", "is empty"),
        (b"a,b\n1,2\n" * 50, "is not a TFRecord file"),
        (FRAMES[0][:-1], "no sound"),
    ):
        path.write_bytes(content)
        with pytest.raises(NotThisFormError, match=said):
            list(records(path))


def test_a_file_is_recognised_by_its_first_header(path: Path) -> None:
    path.write_bytes(FRAMES[0][:12])
    assert tfrecord.is_tfrecord(path)
    for content in (b"", FRAMES[0][:11], b"\x80\x04" + FRAMES[0]):
        path.write_bytes(content)
        assert not tfrecord.is_tfrecord(path)


def test_a_file_that_is_not_there_or_changes_is_one_line(path: Path) -> None:
    missing = path.with_name("missing.tfrecord")
    for attempt in (lambda: list(records(missing)), lambda: tfrecord.is_tfrecord(missing)):
        with pytest.raises(UserError, match="No such file"):
            attempt()
    path.write_bytes(FRAMES[0])
    with pytest.raises(UserError, match="has changed while it was read"):
        list(tfrecord.read(path, Span(0, len(FRAMES[0]) - 3)))
