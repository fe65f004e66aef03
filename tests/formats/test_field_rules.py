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
    (TableMapping, {"name": 3}, "3 is not a string"),
    (TableMapping, {"version": "x"}, "'x' is not a whole number"),
    (TableMapping, {"max_rejects": 1.5}, "1.5 is not a whole number"),
    (TableMapping, {"max_rejects": -1}, "-1 is not a number of at least 0"),
    (TableMapping, {"licence": "x" * 99}, "is not a string of at most 64 characters"),
    (TableMapping, {"licence": "MIT!"}, "is not a string of letters, digits, spaces and . + - ( )"),
    (TableMapping, {"files": "x"}, "'x' is not a list"),
    (TableMapping, {"container": "csv"}, "'csv' is not a table"),
    (
        TableMapping,
        {"container": {"kind": "csv", "delimiter": ""}},
        "'' is not a string of 1 or more ",
    ),
    (TableMapping, {"architecture": {"codes": [1]}}, "[1] is not a table"),
    (TableMapping, {"score": [{"higher_is_better": "may"}]}, "'may' is not true or false"),
    (TableMapping, {"architectur": 1}, "unknown field 'architectur': did you mean architecture"),
    (TableMapping, {"download": {"adress": 1}}, "unknown field 'adress': did you mean address?"),
    (Aggregate, {"terms": []}, "[] is not a list of 1 or more items"),
    (Aggregate, {"terms": [{"wieght": 1}]}, "unknown field 'wieght': did you mean weight?"),
    (Aggregate, {"terms": [{"proxy_id": "x"}]}, "'x' is not 16 hexadecimal digits in lower case"),
    (Preset, {"momentum": 2}, "2 is not a number below 1"),
    (Preset, {"learning_rate": math.inf}, "inf is not a finite number"),
    (Preset, {"image_size": 65}, "65 is not a multiple of 32"),
    (Preset, {"image_size": 320}, "320 is not a number of at most 256"),
    (Preset, {"noise": {"level": -0.5}}, "-0.5 is not a number of at least 0"),
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
