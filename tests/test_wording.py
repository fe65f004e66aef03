"""One row, two rows."""

from __future__ import annotations

import pytest

from pipeline.wording import count_of, every, with_article


@pytest.mark.parametrize(
    ("count", "some", "all_of_them"),
    [(0, "0 rows", "all 0 rows are"), (1, "1 row", "1 row is"), (1200, "1,200 rows", "all 1,200 rows are")],
)
def test_a_count_and_what_it_is_of_agree(count: int, some: str, all_of_them: str) -> None:
    assert (count_of(count, "row"), every(count, "row")) == (some, all_of_them)


def test_nouns_and_verbs_have_plurals_of_their_own() -> None:
    assert [count_of(count, "proxy") for count in (1, 2)] == ["1 proxy", "2 proxies"]
    assert [count_of(count, "row is", "rows are") for count in (1, 2)] == ["1 row is", "2 rows are"]


def test_an_article_fits_its_noun() -> None:
    assert [with_article(noun) for noun in ("int", "list", "Arrow", "csv")] == ["an int", "a list", "an Arrow", "a csv"]
