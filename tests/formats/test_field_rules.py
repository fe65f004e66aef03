"""What is wrong with a field is said in words of this package, never in those of the library that checks it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from pipeline.formats import field_rules
from pipeline.ingest.mapping import TableMapping
from pipeline.proxies.aggregates import Aggregate
from pipeline.proxies.regression.presets import Preset

BROKEN: list[tuple[type[BaseModel], dict[str, Any], str]] = [
    (TableMapping, {"name": 3}, "3 is there, where a text is expected"),
    (TableMapping, {"version": "x"}, "'x' is there, where a whole number is expected"),
    (TableMapping, {"max_rejects": 1.5}, "1.5 is there, where a whole number is expected"),
    (TableMapping, {"max_rejects": -1}, "-1 is there, where a number from 0 on is expected"),
    (TableMapping, {"licence": "x" * 99}, "where a text of at most 64 characters is expected"),
    (TableMapping, {"licence": "MIT!"}, "where a text of letters, digits, blanks and . + - ( ) is expected"),
    (TableMapping, {"files": "x"}, "'x' is there, where a list is expected"),
    (TableMapping, {"container": "csv"}, "'csv' is there, where a table of keys and values is expected"),
    (
        TableMapping,
        {"container": {"kind": "csv", "delimiter": ""}},
        "'' is there, where a text of at least 1 ",
    ),
    (TableMapping, {"architecture": {"codes": [1]}}, "[1] is there, where a table of keys and values is expected"),
    (TableMapping, {"score": [{"higher_is_better": "may"}]}, "'may' is there, where true or false is expected"),
    (TableMapping, {"architectur": 1}, "unknown field 'architectur': did you mean architecture"),
    (TableMapping, {"download": {"adress": 1}}, "unknown field 'adress': did you mean address?"),
    (Aggregate, {"terms": []}, "[] is there, where a list of at least 1 is expected"),
    (Aggregate, {"terms": [{"wieght": 1}]}, "unknown field 'wieght': did you mean weight?"),
    (Aggregate, {"terms": [{"proxy_id": "x"}]}, "'x' is there, where 16 digits of 0 to 9 and a to f is expected"),
    (Preset, {"momentum": 2}, "2 is there, where a number below 1 is expected"),
    (Preset, {"learning_rate": math.inf}, "inf is there, where a number with bounds is expected"),
    (Preset, {"image_size": 65}, "65 is there, where a multiple of 32 is expected"),
    (Preset, {"image_size": 320}, "320 is there, where a number up to 256 is expected"),
    (Preset, {"noise": {"level": -0.5}}, "-0.5 is there, where a number from 0 on is expected"),
]


@pytest.mark.parametrize(("model", "content", "said"), BROKEN, ids=[repr(content)[:40] for _, content, _ in BROKEN])
def test_a_broken_rule_says_what_is_there_and_what_is_expected(
    model: type[BaseModel], content: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(content)
    rules = [field_rules.broken(problem, model) for problem in caught.value.errors()]
    assert any(said in rule for rule in rules), rules
    assert not any(word in rule for rule in rules for word in ("Input", "should", "Value error", "permitted", "valid "))


def test_every_pattern_of_a_field_has_words() -> None:
    def patterns(schema: Any) -> set[str]:
        parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
        own = {schema["pattern"]} if isinstance(schema, dict) and isinstance(schema.get("pattern"), str) else set()
        return own.union(*map(patterns, parts))

    for model in (TableMapping, Aggregate, Preset):
        assert patterns(model.model_json_schema()) <= set(field_rules._PATTERNS)
