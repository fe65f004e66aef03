"""Text of a lake that is JSON by its schema, and that somebody else may have written."""

from __future__ import annotations

import json
from typing import Any

from pipeline import provenance
from pipeline.errors import UserError, excerpt


def parsed(text: str) -> dict[str, Any]:
    """The object that a stored text is, such as a configuration.

    Raises:
        UserError: it is no JSON object, or one without a canonical form: with NaN, half of a surrogate pair, or nested
            too deeply.
    """
    try:
        value = json.loads(text)
        provenance.canonical_json(value).encode()
        if isinstance(value, dict):
            return value
    except (ValueError, RecursionError):
        pass
    raise UserError(
        f"the lake holds {excerpt(text, 40)} where a JSON object is stored: `pipeline doctor` names its part"
    )
