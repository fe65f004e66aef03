"""Check that a benchmark reads each spec that it writes as the same spec, since stored specs are read again."""

from __future__ import annotations

import json
from collections.abc import Callable

from pipeline import provenance
from pipeline.benchmarks.contract import Spec
from pipeline.errors import UserError, excerpt


def require(canonical: Callable[[str, object], Spec], space: str, spec: Spec, what: str = "`canonical`") -> None:
    """Refuse a spec that `canonical` does not give back.

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
