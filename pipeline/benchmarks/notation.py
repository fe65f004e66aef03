"""The architecture that a cell or a line writes, as the benchmark takes it or as the list or object that it states."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

from pipeline import provenance
from pipeline.benchmarks.contract import Benchmark, Spec
from pipeline.errors import UserError, excerpt
from pipeline.formats import json_objects

_LONGEST = 1 << 16  # characters of a text that is read as a literal


def spec_of(benchmark: Benchmark, space: str, cell: object) -> Spec:
    """The spec of a cell; a text that the benchmark refuses is given to it as the literal of JSON or Python that it is.

    Where any text is a name, the literal comes first: in another table the same architecture is a list or an object.

    Raises:
        UserError: as `canonical` of the benchmark, for the text; or a key of what it states occurs twice.
    """
    if benchmark.takes_any_name and isinstance(cell, str) and (stated := _stated(cell)) is not None:
        with contextlib.suppress(UserError):
            return benchmark.canonical(space, stated)
    try:
        return benchmark.canonical(space, cell)
    except UserError:
        if not isinstance(cell, str):
            raise
        if (stated := _stated(cell)) is None:
            if cell.startswith("{"):
                json_objects.decoded(cell)  # says where it ceases to be JSON, which the benchmark's rule does not
            raise
    return benchmark.canonical(space, stated)


def _stated(text: str) -> object:
    """The list or object that a text states; None where it states none.

    Raises:
        UserError: a key of it occurs twice.
    """
    if text.strip()[:1] not in ("[", "{", "(") or len(text) > _LONGEST:
        return None
    try:
        stated = json_objects.loads_or_literal(text)
    except json_objects.RepeatedKeyError as error:
        raise UserError(f"{excerpt(text)}: {error}") from error
    except ValueError:
        return None
    return list(stated) if isinstance(stated, tuple) else stated if isinstance(stated, list | dict) else None


def require_stable(canonical: Callable[[str, object], Spec], space: str, spec: Spec, what: str = "`canonical`") -> None:
    """Refuse a spec that `canonical` does not give back, since stored specs are read again.

    Args:
        what: the function that has given it, for messages.

    Raises:
        UserError: `canonical` refuses it, or gives another one.
    """
    text, shown = provenance.canonical_json(spec), excerpt(spec, 80)
    try:
        again = provenance.canonical_json(canonical(space, json.loads(text)))
    except UserError as error:
        raise UserError(f"{what} gives the spec {shown}, which `canonical` refuses: {error}") from error
    if again != text:
        raise UserError(f"{what} gives the spec {shown}, of which `canonical` makes {excerpt(again, 80, bare=True)}")
