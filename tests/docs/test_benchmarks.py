"""docs/benchmarks.md is what the registry says."""

from docs import benchmarks as generator


def test_the_page_is_current() -> None:
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), "make docs writes it anew"
