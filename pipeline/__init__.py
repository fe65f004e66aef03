"""The benchmark database of neural architecture search: ground truth in, scores stored, rank correlation out.

From Python: `sample_architectures`, `score_network`, `correlate`, `tapped` and `query` (see `pipeline.api`). They are
imported when they are first used, so that `import pipeline` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import (
        Architecture,
        Correlation,
        NetworkScore,
        correlate,
        query,
        sample_architectures,
        score_network,
        tapped,
    )
    from pipeline.errors import UserError

    __version__: str

__all__ = [
    "Architecture", "Correlation", "NetworkScore", "UserError", "__version__", "correlate", "query",
    "sample_architectures", "score_network", "tapped",
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
