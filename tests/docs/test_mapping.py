"""What docs/mapping-reference.md is made of: every field is described, and its examples take two edits at most."""

from pathlib import Path

import pytest

from docs import mapping as generator
from pipeline import benchmarks
from pipeline.ingest import mapping as table_mapping
from pipeline.ingest import mapping_check
from pipeline.ingest.mapping import DESCRIPTIVE, TableMapping


def test_every_field_is_described() -> None:
    for model in generator.SECTIONS.values():
        undescribed = set(model.model_fields) - dict(generator._meanings(model)).keys()
        assert undescribed <= {"container", "architecture", "truth", "score"}, model
    assert dict(generator._meanings(TableMapping)).keys() >= DESCRIPTIVE


def test_every_shipped_mapping_names_its_publisher() -> None:
    assert all(mapping.publisher and mapping.publisher.where for mapping in table_mapping.shipped())


@pytest.mark.parametrize("example", generator.EXAMPLES, ids=lambda e: e.file)
def test_an_example_takes_two_edits_at_most(example: generator.Example, tmp_path: Path) -> None:
    assert len(example.edits) <= 2
    checked = mapping_check.check(*generator.mapped(example, tmp_path))
    assert not checked.faults and checked.rows == 2 and checked.benchmark in benchmarks.names()
