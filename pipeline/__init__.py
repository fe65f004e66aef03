"""The benchmark database of neural architecture search: ground truth in, scores stored, rank correlation out.

From Python: `Lake`, `score_networks` and what else `pipeline.api` offers. They are imported when they are first used,
so that `import pipeline` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import (
        Architecture,
        Correlation,
        Lake,
        NetworkScore,
        RhoDifference,
        compare,
        correlate,
        query,
        sample_architectures,
        score_network,
        score_networks,
        tapped,
    )
    from pipeline.errors import UserError

    __version__: str

__all__ = [
    "Architecture", "Correlation", "Lake", "NetworkScore", "RhoDifference", "UserError", "__version__", "compare",
    "correlate", "query", "sample_architectures", "score_network", "score_networks", "tapped",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from pipeline.provenance import released_version

        return released_version()
    if name not in __all__:
        raise AttributeError(f"module 'pipeline' has no attribute '{name}'")
    from pipeline import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
