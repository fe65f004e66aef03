"""When a run publishes what it has collected, and under which names."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline.errors import UserError
from pipeline.lake.part_name import PartName
from pipeline.lake.part_writer import PartWriter

RUN = "0123456789abcdef"


class Published:
    """In the place of a lake: the names and rows of what is published."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, Mapping[str, object]]] = []
        self.full = self.fills_after = False

    def part_names(self, benchmark: str, prefix: str) -> list[str]:
        return [name for name, _ in self.parts if name.startswith(f"{benchmark}/{prefix}")]

    def publish(self, benchmark: str, part: PartName, tables: Mapping[str, object]) -> None:
        if not self.full or self.fills_after:
            self.parts.append((f"{benchmark}/{part}", dict(tables)))
        if self.full:
            raise UserError("no space left")


@pytest.fixture
def lake() -> Published:
    return Published()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds since the run began."""
    now = [0.0]
    monkeypatch.setattr("pipeline.lake.part_writer.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def writer(lake: Published, clock: list[float]) -> PartWriter:
    stand_in: object = lake
    return PartWriter(stand_in, "toys", PartName("score", "zero-cost"), RUN)  # type: ignore[arg-type]


@pytest.mark.parametrize(("begun", "pause"), [(0.0, 5.0), (200.0, 10.4), (10_000.0, 60.0)])
def test_the_time_between_two_parts_grows_with_the_run_within_limits(
    writer: PartWriter, clock: list[float], begun: float, pause: float
) -> None:
    clock[0] = begun
    writer.wait()
    clock[0] = begun + pause * 0.99
    assert not writer.due
    clock[0] = begun + pause * 1.02
    assert writer.due


def test_parts_are_numbered_and_hold_what_was_collected_since_the_last(writer: PartWriter, lake: Published) -> None:
    writer.collect("scores", [{"a": 1}])
    writer.collect("scores", [{"a": 2}])
    assert writer.publish({"runs": [{"r": 1}]}) == f"score-zero-cost-{RUN}-00001"
    writer.save()  # nothing is collected
    writer.collect("scores", [{"a": 3}])
    writer.save()
    assert lake.parts == [
        (f"toys/score-zero-cost-{RUN}-00001", {"scores": [{"a": 1}, {"a": 2}], "runs": [{"r": 1}]}),
        (f"toys/score-zero-cost-{RUN}-00002", {"scores": [{"a": 3}]}),
    ]


def test_what_cannot_be_published_is_kept_for_the_next_part(writer: PartWriter, lake: Published) -> None:
    writer.collect("scores", [{"a": 1}])
    lake.full = True
    with pytest.raises(UserError):
        writer.publish()
    lake.full = False
    assert writer.publish().endswith("-00002") and lake.parts[0][1] == {"scores": [{"a": 1}]}


def test_a_part_that_is_there_and_not_on_the_list_of_a_full_disk_is_not_published_twice(
    writer: PartWriter, lake: Published
) -> None:
    writer.collect("scores", [{"a": 1}])
    lake.full = lake.fills_after = True
    with pytest.raises(UserError):
        writer.publish()
    lake.full = False
    assert writer.publish({"runs": [{"r": 1}]}).endswith("-00002")
    assert [rows for _, rows in lake.parts] == [{"scores": [{"a": 1}]}, {"runs": [{"r": 1}]}]
