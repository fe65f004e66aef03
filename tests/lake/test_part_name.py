"""Names of parts: what is written is read back, and names of earlier versions are understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lake import part_name
from pipeline.lake.part_name import PartName

HEX = st.text("0123456789abcdef", min_size=16, max_size=16)
FAMILY = st.one_of(HEX, st.sampled_from(["zerocost", "zerocost-sequences", "toy"]))


@given(FAMILY, st.sampled_from(["", part_name.SEARCH, part_name.ADOPTED]), HEX, st.integers(1, 10**7))
def test_a_name_is_read_as_it_was_written(family: str, content: str, origin: str, number: int) -> None:
    name = PartName("score", family, content).of_run(origin, number)
    assert part_name.parse(str(name)) == name
    merged = PartName("score", family, content, origin)
    assert part_name.parse(str(merged)) == merged
    for one in (name, merged):
        assert str(one).startswith(one.prefix) and str(one).startswith(one.whole_subject.prefix)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ingest-" + "a" * 16, PartName("ingest", "a" * 16)),
        ("aggregate-" + "a" * 16, PartName("aggregate", "a" * 16)),
        ("score-toy-adopted-0123abcd", PartName("score", "toy", "adopted", "0123abcd")),
        ("score-toy-adopted-01234567", PartName("score", "toy", "adopted", "01234567")),
        ("score-toy-" + "b" * 16 + "-123456", PartName("score", "toy", "", "b" * 16, 123456)),
        ("tune-" + "a" * 16 + "-" + "b" * 16, PartName("tune", "a" * 16, "", "b" * 16)),
        ("tune-" + "a" * 16 + "-trials-00003", PartName("tune", "a" * 16, "trials", "", 3)),
        ("tune-draws-" + "a" * 16 + "-0123abcd", PartName("tune", "draws-" + "a" * 16, "", "0123abcd")),
    ],
)
def test_the_name_of_a_part_of_every_stage_is_parsed_and_written_back(text: str, name: PartName) -> None:
    assert part_name.parse(text) == name and str(name) == text


@pytest.mark.parametrize("text", ["0", "more", "score-", "scores-toy-00001", ".score-toy", ""])
def test_other_folders_have_no_name(text: str) -> None:
    assert part_name.parse(text) is None
