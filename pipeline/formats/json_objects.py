"""JSON objects in which a key may stand only once."""

from __future__ import annotations


def unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object of these pairs: an `object_pairs_hook` for `json.load`, which itself would keep the last of a key.

    Raises:
        ValueError: a key occurs twice.
    """
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} occurs twice in one object")
    return members
