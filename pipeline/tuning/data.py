"""The data of a tuning: the labels of a space, and the stored terms of its architectures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from pipeline import provenance
from pipeline.formats import numbers
from pipeline.lake.store import Lake
from pipeline.tuning import terms

VERSION = 3  # raise it when the same labels would give another rule or another rho


@dataclass(frozen=True)
class TuningData:
    """The labels and the terms of a tuning.

    Args:
        labels: how many true values may be used.
        seed: of the nested sample that begins with the labelled architectures, and of random choices.
        use: names of the proxies whose terms may be used; all by default.
        coverage: share of the architectures that a proxy must have to be a term, see `terms.read`.
        target: the target to rank by, see `catalog.lead_with`; the main one by default.
    """

    benchmark: str
    space: str
    labels: int = 20
    seed: int = 0
    use: tuple[str, ...] = ()
    coverage: float = 0.9
    target: str | None = None

    def table(self, lake: Lake) -> terms.TermTable:
        """The terms of the space.

        Raises:
            UserError: no truth, no scores, a name in `use` that has none, or nothing to tell the architectures apart.
        """
        return terms.read(
            lake, self.benchmark, self.space, use=self.use, coverage=self.coverage, target_name=self.target
        )

    def seeds(self, draws: int) -> range:
        """The seeds of so many draws of the labels.

        Raises:
            UserError: the last would be larger than a lake holds.
        """
        numbers.whole(self.seed + draws - 1, f"the last seed of {draws} draws with --seed {self.seed}")
        return range(self.seed, self.seed + draws)

    def basis(self, table: terms.TermTable) -> dict[str, Any]:
        """What a rule and its rho depend on apart from the labels: the terms, and the architectures that are ranked."""
        keys = [[term.key, term.proxy_id] for term in table.terms]
        listing = "\n".join(table.arch_ids)
        known = {"known": provenance.identity("labels", 1, sorted(table.known))} if table.known else {}
        return {
            "benchmark": table.benchmark, "space": table.space, "dataset": table.dataset, "metric": table.metric,
            "use": sorted(set(self.use)), "coverage": self.coverage + 0.0,  # one for 0 and -0
            "terms": provenance.identity("terms", 1, keys),
            "architectures": len(table.arch_ids), "sha256": hashlib.sha256(listing.encode()).hexdigest(),
            **known,
        }  # fmt: skip
