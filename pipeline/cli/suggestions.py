"""Suggestions for an unknown verb: another verb, or something that a verb takes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

Meaning = tuple[str, str]
"""What there is of that name, and the command that uses it."""


def line(word: str, verbs: Sequence[str]) -> str:
    """The sentence that follows "No such command"."""
    known = list(_known(verbs))
    names = [name for name, _ in known]
    near = [word] if word in names else difflib.get_close_matches(word[:100], names, n=2, cutoff=0.6)
    near = near or [name for name in names if len(word) > 3 and name.startswith(word)][:2]
    commands = dict.fromkeys(command for name in near for known_name, command in known if known_name == name)
    if not commands:
        return f"There are {', '.join(verbs)}: `pipeline --help` says what each does."
    return f"Did you mean {' or '.join(f'`{command}`' for command in list(commands)[:3])}?"


def _known(verbs: Sequence[str]) -> Iterator[Meaning]:
    from pipeline import benchmarks, catalog, proxies

    yield from ((name, f"pipeline {name}") for name in verbs)
    yield from ((name, f"pipeline score {name}") for name in benchmarks.names())
    yield from ((name, f"pipeline score BENCHMARK --proxy {name}") for name in proxies.names())
    yield from (
        (name, f'pipeline query "FROM {name}"') for kind in ("views", "tables") for name in catalog.queries(kind)
    )
    yield from ((name, f"pipeline query --example {name}") for name in catalog.queries("examples"))
    for path in benchmarks.mappings():
        yield path.stem, f"pipeline ingest {path.parent.parent.name} --mapping {path.stem}"
