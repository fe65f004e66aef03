"""What has become of a file that was read, as `pipeline status` tells it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import provenance
from pipeline.lake import locations


@pytest.mark.parametrize("hashed", [True, False], ids=["small", "too large to be read again"])
@pytest.mark.parametrize(
    ("content", "states"),
    [
        ("as it was", ("as ingested", "touched")),
        ("otherwise", ("changed", "touched")),
        ("longer than it was", ("changed",) * 2),
    ],
)
def test_a_later_time_is_a_change_where_size_or_content_differ(
    tmp_path: Path, content: str, states: tuple[str, str], hashed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("as it was")
    locations.record(tmp_path, "0" * 16, path, provenance.file_sha256(path)[0])
    location = locations.read(tmp_path, "0" * 16)
    assert location is not None and location.state == "as ingested"
    path.write_text(content)
    os.utime(path, ns=(location.changed_ns + 1, location.changed_ns + 1))
    if not hashed:
        monkeypatch.setattr(locations, "MOST_HASHED", 1)
    assert location.state == states[0 if hashed else 1]
    path.unlink()
    gone = locations.read(tmp_path, "0" * 16)
    assert gone is not None and gone.state == "gone"
