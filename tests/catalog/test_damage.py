"""What DuckDB says of a damaged part is one line, also where it names no file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.catalog import damage
from pipeline.errors import UserError


@pytest.mark.parametrize("said", ["TProtocolException: Invalid data", "Parquet file is likely\ncorrupted"])
@pytest.mark.parametrize("named", [False, True])
def test_what_the_decoder_says_is_one_line(said: str, named: bool, tmp_path: Path) -> None:
    line = r"a part cannot be decoded .*: `pipeline doctor` names it"
    with pytest.raises(UserError, match=line) as caught, damage.damage_named(tmp_path if named else None):
        raise duckdb.Error(said)
    assert "\n" not in str(caught.value)
    with pytest.raises(duckdb.ConversionException), damage.damage_named(tmp_path):
        raise duckdb.ConversionException("a query's own")
