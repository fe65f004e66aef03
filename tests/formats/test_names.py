"""Names have a grammar and a length where they enter."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from pipeline.formats import toml_files
from pipeline.ingest import mapping, mapping_sections
from pipeline.proxies.aggregates import Aggregate
from pipeline.proxies.regression.presets import ImageSchedule, MenuSignal

ODD = [
    "",
    "a b",
    "a/b",
    "../x",
    "a|b",
    "a\nb",
    "a\n",
    "<b>",
    "[x](y)",
    "\x1b[31m",
    "\u202e",
    "'; --",
    "ü",
    "-x",
    ".",
    "x" * 65,
]
FIELDS = {
    "aggregate": (Aggregate, "name"),
    "preset": (ImageSchedule, "name"),
    "signal": (MenuSignal, "name"),
    "mapping": (mapping.TableMapping, "name"),
    "source": (mapping.TableMapping, "source"),
    "released score": (mapping_sections.ScoreColumn, "proxy"),
}


def problems(model: Any, field: str, value: str) -> list[str]:
    """What is wrong with the value of the field."""
    with pytest.raises(ValidationError) as error:
        model.model_validate({field: value, "no such field": 1})
    return [problem["type"] for problem in error.value.errors() if problem["loc"] == (field,)]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", ODD, ids=ascii)
def test_an_odd_or_long_name_is_refused(name: str, value: str) -> None:
    expected = "string_too_long" if len(value) > 64 else "string_pattern_mismatch"
    assert problems(*FIELDS[name], value) == ([] if (name, value) == ("source", "") else [expected])


@pytest.mark.parametrize("name", FIELDS)
def test_a_name_of_64_characters_is_taken(name: str) -> None:
    assert problems(*FIELDS[name], "x" * 64) == problems(*FIELDS[name], "az-nas-2") == []


def test_every_shipped_mapping_has_such_a_source() -> None:
    source = TypeAdapter(toml_files.SourceName)
    assert all(source.validate_python(one.released_by) == one.released_by for one in mapping.shipped())
