"""The rule that a tuning starts from: `generic`, where its parts are among the terms."""

from __future__ import annotations

import numpy as np

from pipeline import benchmarks
from pipeline.errors import UserError
from pipeline.proxies.aggregates import generic
from pipeline.tuning.terms import Floats, TermTable, centred_ranks


def generic_rule(table: TermTable) -> Floats | None:
    """The ranks that `generic` gives the architectures of a table, [n]; None where one of its parts is no term.

    A part that failed is ranked last, also the training.
    """
    try:
        whole = generic.form(benchmarks.load(table.benchmark).inputs)
    except UserError:
        return None
    places = {term.proxy: place for place, term in enumerate(table.terms) if term.point is None}
    if any(term.proxy not in places for term in whole.terms):
        return None
    summed = np.zeros(len(table.arch_ids))
    for term in whole.terms:
        ranks = relative_ranks(table.values[:, places[term.proxy]])
        summed += term.weight * (np.log(ranks) if term.transform == "log-rank" else ranks)
    return centred_ranks(summed)


def require_generic_rule(table: TermTable) -> Floats:
    """`generic_rule`, where nothing can be done without it.

    Raises:
        UserError: one of its parts is no term.
    """
    if (rule := generic_rule(table)) is None:
        raise UserError(
            f"a part of generic has too few scores of {table.benchmark}/{table.space}, or is not in --use: run "
            f"`pipeline score {table.benchmark}` first"
        )
    return rule


def relative_ranks(values: Floats) -> Floats:
    """Ranks from 1/n to 1, ties averaged, as the aggregates' view has them."""
    return np.asarray(centred_ranks(values) / np.sqrt(12) + (1 + 1 / len(values)) / 2)


def features(table: TermTable, graph: Floats | None) -> Floats:
    """What is learned from, [n, features]: the ranks of every proxy's score, and the features of the graphs."""
    scores = table.ranks[:, [place for place, term in enumerate(table.terms) if term.point is None]]
    return scores if graph is None else np.hstack([scores, graph])
